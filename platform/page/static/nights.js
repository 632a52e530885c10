// The nights of one service: what the last one decided and why, how the champions did, and when the next one runs.

import { badge, h, redraw, say } from "./dom.js";
import { OUTCOMES, at, count, day, fromNow, metric, plural } from "./words.js";

/** The section; `chart` draws champion against challenger. */
export function nights(id, chart) {
  const last = h("div", { class: "last" });
  const trouble = h("p", { class: "notice", hidden: true });
  const next = h("p", { class: "next" });
  const all = h("div", { class: "scrolled", tabindex: 0, role: "region", "aria-label": "All nights" });
  const details = h("details", { class: "all-nights", hidden: true }, h("summary", {}, "All nights"), all);
  const element = h("section", { class: "section", "aria-labelledby": `${id}-nights` },
    h("h3", { id: `${id}-nights` }, "Last night"), trouble, last, chart.element, details, next);
  return {
    element,
    update(s) {
      const newest = s.nights.at(-1);
      trouble.hidden = !s.nights_trouble;
      say(trouble, s.nights_trouble);
      redraw(last, newest ?? !s.nights_trouble, () => (newest ? decided(newest) : s.nights_trouble ? [] : waiting()));
      details.hidden = s.nights.length < 2;
      redraw(all, s.nights, () => table(s.nights));
      chart.update(s.nights);
      redraw(next, [planned(s.schedule)], () => document.createTextNode(planned(s.schedule)));
      next.classList.toggle("alarming", s.schedule.paused && Boolean(s.schedule.at));
    },
  };
}

function waiting() {
  return h("p", { class: "empty" }, "No night has been run yet.");
}

function decided(night) {
  return [
    h("p", { class: "decision" }, badge(night.outcome, OUTCOMES[night.outcome] ?? "idle"),
      h("span", { class: "soft" }, `${day(night.date)} · ${plural(night.rows, "row")}`)),
    h("p", { class: "why" }, night.reason),
    scores(night),
  ];
}

/** Champion and challenger side by side on every metric. */
function scores(night) {
  const names = metricsOf(night);
  if (!names.length) return null;
  const titled = (who, version) => h("th", { scope: "col" }, who, version ? h("span", { class: "soft" }, ` ${version}`) : null);
  return h("table", { class: "totals scores" },
    h("caption", { class: "visually-hidden" }, "Scores of champion and challenger on the held-out rows"),
    h("thead", {}, h("tr", {}, titled("held-out"), titled("champion", night.champion), titled("challenger", night.challenger))),
    h("tbody", {}, names.map((name) => h("tr", {}, h("th", { scope: "row" }, named(name)),
      h("td", {}, metric(night.champion_metrics?.[name])), h("td", {}, metric(night.challenger_metrics?.[name]))))));
}

function table(all) {
  const titles = ["date", "outcome", "rows", "champion", "challenger", "reason"];
  return h("table", { class: "totals" },
    h("thead", {}, h("tr", {}, titles.map((t) => h("th", { scope: "col" }, t)))),
    h("tbody", {}, [...all].reverse().map((n) => h("tr", {}, h("th", { scope: "row" }, n.date),
      h("td", {}, badge(n.outcome, OUTCOMES[n.outcome] ?? "idle")),
      [count(n.rows), n.champion ?? "–", n.challenger ?? "–"].map((t) => h("td", {}, t)),
      h("td", { class: "text" }, n.reason)))));
}

function planned(schedule) {
  if (!schedule.at) return "Retraining is not scheduled.";
  const when = `nightly at ${schedule.at} ${schedule.timezone}`;
  if (schedule.paused) return `Paused; otherwise ${when}.`;
  return schedule.next_run ? `Next run ${fromNow(schedule.next_run)}, ${at(schedule.next_run)} (${when})` : `Runs ${when}.`;
}

/** The metrics that a night has numbers for, in its own order. */
export function metricsOf(night) {
  return [...new Set([...Object.keys(night.champion_metrics ?? {}), ...Object.keys(night.challenger_metrics ?? {})])];
}

/** "log_loss" as people write it. */
export function named(name) {
  return name.replaceAll("_", " ");
}

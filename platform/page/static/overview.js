// The overview: one card per service, made once and then only told what changed.

import { NightsChart, TrafficChart } from "./charts.js";
import { badge, copyButton, h, keyed, redraw, say } from "./dom.js";
import { live } from "./live.js";
import { nights } from "./nights.js";
import { replicas, watchTips } from "./replicas.js";
import { VERDICTS, count, plural, rate } from "./words.js";

const root = document.body.dataset.root;
const board = document.getElementById("services");
const summary = document.getElementById("summary");
const parts = new WeakMap();

live(`${root}data/overview`, draw);
watchTips(board);

function draw({ services }) {
  board.removeAttribute("aria-busy");
  redraw(summary, summed(services), () => document.createTextNode(summed(services)));
  if (!services.length) {
    redraw(board, "empty", emptyState);
    return;
  }
  if (board.dataset.drawn) {
    delete board.dataset.drawn;
    board.replaceChildren();
  }
  keyed(board, services, (s) => `${s.name}${s.trouble ? " unreadable" : ""}`, make, update);
}

function summed(services) {
  const read = services.filter((s) => !s.trouble);
  if (!services.length) return "";
  const sum = (of) => read.reduce((total, s) => total + of(s), 0);
  const unread = services.length - read.length;
  return [
    plural(services.length, "service"),
    `${count(sum((s) => s.ready))} of ${plural(sum((s) => s.desired), "replica")} ready`,
    `${rate(sum((s) => s.traffic.now?.requests ?? 0))} requests/s`,
    unread ? `${count(unread)} cannot be read` : null,
  ].filter(Boolean).join(" · ");
}

function make(service) {
  const id = `service-${service.name}`;
  const title = h("h2", { id: `${id}-title` }, service.name);
  const card = h("article", { class: "card service", id, "aria-labelledby": `${id}-title` });
  if (service.trouble) {
    const trouble = h("p", { class: "notice" });
    card.append(h("header", { class: "head" }, h("div", { class: "name" }, title, badge("unknown", "bad"))), trouble);
    parts.set(card, (s) => say(trouble, s.trouble));
    return card;
  }
  const verdict = h("span", { class: "badge", role: "status" });
  const reason = h("p", { class: "reason" });
  const links = h("nav", { class: "links", "aria-label": `Links of ${service.name}` });
  const head = h("header", { class: "head" }, h("div", { class: "name" }, title, verdict, reason), links);
  const sections = [served(id), traffic(id), nights(id, new NightsChart())];
  card.append(head, h("div", { class: "sections" }, sections.map((s) => s.element)));
  parts.set(card, (s) => {
    say(verdict, s.verdict);
    verdict.dataset.tone = VERDICTS[s.verdict] ?? "idle";
    card.dataset.verdict = s.verdict;
    say(reason, s.reason);
    redraw(links, [s.name, s.registry_url], () => linked(s));
    for (const section of sections) section.update(s);
  });
  return card;
}

function update(card, service) {
  parts.get(card)(service);
}

function linked(service) {
  const registry = service.registry_url && `${service.registry_url}/#/models/${encodeURIComponent(service.name)}`;
  const there = `services/${encodeURIComponent(service.name)}/`;
  return [
    registry ? h("a", { class: "button", href: registry, "aria-label": `${service.name} in the registry` }, "Registry") : null,
    h("a", { class: "button primary", href: there, "aria-label": `Try ${service.name}` }, "Try it"),
  ];
}

/** What is served: the version, its replicas, its address. */
function served(id) {
  const version = h("strong", { class: "figure" });
  const before = h("span", { class: "soft" });
  const dots = replicas();
  const address = h("code", { class: "address" });
  const copy = copyButton(() => address.textContent, "Copy the model's address");
  const restarts = h("p", { class: "soft" });
  const element = h("section", { class: "section", "aria-labelledby": `${id}-served` },
    h("h3", { id: `${id}-served` }, "Served"),
    h("p", { class: "version" }, version, before),
    dots.element,
    restarts,
    h("p", { class: "reach", title: "Where programs reach the model" }, address, copy));
  return {
    element,
    update(s) {
      say(version, `version ${s.version}`);
      say(before, s.previous ? `before: ${s.previous}` : `revision ${s.revision}`);
      dots.update(s);
      say(restarts, s.restarts ? `${plural(s.restarts, "replica")} ended and ${s.restarts === 1 ? "was" : "were"} replaced` : "");
      restarts.hidden = !s.restarts;
      say(address, s.url);
    },
  };
}

/** Requests and errors: now, in all by version, and over the last minutes. */
function traffic(id) {
  const now = h("strong", { class: "figure" });
  const errors = h("span", { class: "soft" });
  const body = h("tbody");
  const totals = h("table", { class: "totals" },
    h("caption", { class: "visually-hidden" }, "Requests and errors by version"),
    h("thead", {}, h("tr", {}, ["version", "requests", "errors"].map((t) => h("th", { scope: "col" }, t)))), body);
  const none = h("p", { class: "empty" }, "No request has been answered yet.");
  const chart = new TrafficChart();
  const element = h("section", { class: "section", "aria-labelledby": `${id}-traffic` },
    h("h3", { id: `${id}-traffic` }, "Requests"),
    h("p", {}, now, errors), chart.element, none, totals);
  return {
    element,
    update(s) {
      const t = s.traffic;
      say(now, t.now ? `${rate(t.now.requests)}/s` : "–");
      say(errors, t.now ? `${rate(t.now.errors)} errors/s in the last minute` : "the rate is known in a few seconds");
      errors.classList.toggle("alarming", (t.now?.errors ?? 0) > 0);
      none.hidden = t.requests > 0;
      totals.hidden = t.by_version.length === 0;
      keyed(body, t.by_version, (row) => row.version, () => h("tr", {}, h("th", { scope: "row" }), h("td"), h("td")), (tr, row) => {
        const [version, requests, failed] = tr.children;
        say(version, row.version === s.version ? `${row.version} (served)` : row.version);
        say(requests, count(row.requests));
        say(failed, count(row.errors));
        failed.classList.toggle("alarming", row.errors > 0);
      });
      chart.update(t.requests ? t.rates : null, s.version);
    },
  };
}

function emptyState() {
  const shell = "tenfold demo";
  const python = [
    "from tenfold import Platform",
    "",
    "platform = Platform.local()",
    'platform.register(model, name="flight-delay", example=X.head())',
    'platform.deploy("flight-delay", replicas=10)',
  ].join("\n");
  const block = (text, label) => h("div", { class: "snippet" }, h("pre", {}, h("code", {}, text)), copyButton(() => text, label));
  return h("div", { class: "card lonely" },
    h("h2", {}, "No model is served yet"),
    h("p", { class: "soft" }, "Deploy a fitted scikit-learn model from Python; it appears here within two seconds."),
    block(python, "Copy the Python code"),
    h("p", { class: "soft" }, "Or watch the example: a year of New York flights, replayed with a night's retraining each midnight."),
    block(shell, "Copy the command"));
}

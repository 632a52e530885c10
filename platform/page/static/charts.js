// The two drawings, by plotly, which arrives after the first drawing of the page: the numbers never wait for it.

import { h, say } from "./dom.js";
import { metricsOf, named } from "./nights.js";
import { metric, rate } from "./words.js";

const script = document.getElementById("overview-script");
const scheme = matchMedia("(prefers-color-scheme: dark)");
const CONFIG = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false, showTips: false };
const SHORTEST = 120; // seconds that the drawing of the requests shows at least
const DAY = 86400000;
let arriving = null;

/** Plotly, loaded once, when the browser has nothing better to do. */
function plotly() {
  arriving ??= new Promise((resolve, reject) => {
    const load = () => {
      const tag = h("script", { src: script.dataset.plotly, onload: () => resolve(window.Plotly), onerror: reject });
      document.head.append(tag);
    };
    if (window.requestIdleCallback) requestIdleCallback(load, { timeout: 1500 });
    else setTimeout(load, 200);
  });
  return arriving;
}

/** A figure that is redrawn only when it has something new to show, and never under the pointer. */
class Chart {
  constructor(title) {
    this.plot = h("div", { class: "plot", role: "img" });
    this.note = h("p", { class: "plot-note" });
    this.heading = h("span", {}, title);
    const stage = h("div", { class: "stage" }, this.plot, this.note);
    this.element = h("figure", { class: "chart", hidden: true }, h("figcaption", {}, this.heading), stage);
    this.drawn = null;
    this.wanted = null;
    this.plot.addEventListener("pointerleave", () => this.draw());
    scheme.addEventListener("change", () => {
      this.drawn = null;
      this.draw();
    });
  }

  /** Show what `figure()` makes; `key` tells whether it is new, `words` say it to those who do not see it. */
  show(key, words, figure) {
    this.element.hidden = false;
    this.plot.setAttribute("aria-label", words);
    this.wanted = { key: JSON.stringify(key), figure };
    this.draw();
  }

  hide() {
    this.element.hidden = true;
    this.wanted = null;
  }

  async draw() {
    if (!this.wanted || this.wanted.key === this.drawn || (this.drawn !== null && this.plot.matches(":hover"))) return;
    let library;
    try {
      library = await plotly();
    } catch {
      say(this.note, "The drawing is missing, since the plot library did not arrive. The numbers are complete.");
      return;
    }
    const wanted = this.wanted;
    if (!wanted || wanted.key === this.drawn || !this.plot.isConnected) return;
    this.drawn = wanted.key;
    this.note.remove();
    const { data, layout } = wanted.figure(colours());
    await library.react(this.plot, data, layout, CONFIG);
  }
}

/** Requests and errors per second over the last ten minutes, by version. */
export class TrafficChart extends Chart {
  constructor() {
    super("Requests per second, last ten minutes");
  }

  update(rates, served) {
    if (!rates) return this.hide();
    const versions = Object.keys(rates.requests).sort((a, b) => (a === served) - (b === served) || a - b);
    const times = rates.errors.map((_, i) => local(new Date((rates.start + (i + 0.5) * rates.step) * 1000)));
    const totals = rates.errors.map((_, i) => versions.reduce((sum, v) => sum + (rates.requests[v][i] ?? 0), 0));
    // As wide as what is known, so that a page server that has just begun draws no thin stripe at the edge.
    const known = Math.max(0, rates.errors.findIndex((v) => v !== null));
    const first = Math.max(0, Math.min(known, times.length - SHORTEST / rates.step));
    const tickformat = times.length - first < 60 ? "%H:%M:%S" : "%H:%M";
    const words = `Requests per second over the last ten minutes: ${rate(totals.at(-1))} now, at most ${rate(Math.max(...totals))}; ` +
      `errors at most ${rate(Math.max(0, ...rates.errors))}.`;
    this.show([rates, served], words, (c) => ({
      data: [
        ...versions.map((v, i) => {
          const color = shade(c, v, served, i, versions.length);
          return area(v, times.slice(known), rates.requests[v].slice(known), color);
        }),
        line("errors", times.slice(known), rates.errors.slice(known), { color: c.bad, width: 1.5 }),
      ],
      layout: layout(c, { range: [times[first], times.at(-1)], tickformat, nticks: 5 }, { rangemode: "tozero" }),
    }));
  }
}

/** Champion and challenger over the nights, on the metric that is chosen. */
export class NightsChart extends Chart {
  constructor() {
    super("Champion and challenger over the nights");
    this.choice = h("select", { "aria-label": "Metric of the drawing", hidden: true, onchange: () => this.update(this.nights) });
    this.heading.after(this.choice);
  }

  update(nights) {
    this.nights = nights;
    const scored = nights.filter((n) => metricsOf(n).length);
    if (scored.length < 2) return this.hide();
    this.offer([...new Set(scored.flatMap(metricsOf))]);
    const name = this.choice.value;
    const of = (n, who) => n[`${who}_metrics`]?.[name] ?? null;
    const dates = scored.map((n) => n.date);
    const last = scored.at(-1);
    const [ours, theirs] = ["champion", "challenger"].map((who) => metric(of(last, who)));
    const words = `${named(name)} over ${scored.length} nights. Last: champion ${ours}, challenger ${theirs}.`;
    const ticks = scored.length < 7 ? { dtick: DAY } : { nticks: 5 };
    this.show([scored, name], words, (c) => ({
      data: [
        line("champion", dates, scored.map((n) => of(n, "champion")), { color: c.soft, width: 1.5, dash: "dot" }),
        {
          ...line("challenger", dates, scored.map((n) => of(n, "challenger")), { color: c.accent, width: 2 }),
          mode: "lines+markers",
          marker: {
            size: 8,
            color: scored.map((n) => (n.outcome === "promoted" ? c.accent : c.card)),
            line: { color: scored.map((n) => (n.outcome === "rolled back" ? c.bad : c.accent)), width: 1.5 },
          },
          text: scored.map((n) => n.outcome),
          hovertemplate: "challenger %{y:.4~f} (%{text})<extra></extra>",
        },
      ],
      layout: layout(c, { type: "date", tickformat: "%-d %b", ...ticks }, { nticks: 4 }),
    }));
  }

  offer(names) {
    this.choice.hidden = names.length < 2;
    if (this.choice.dataset.names === names.join()) return;
    const chosen = this.choice.value;
    this.choice.dataset.names = names.join();
    this.choice.replaceChildren(...names.map((n) => h("option", { value: n, selected: n === chosen }, named(n))));
  }
}

function area(version, x, y, color) {
  return { ...line(`version ${version}`, x, y, { color, width: 1.5 }), stackgroup: "versions", fillcolor: `${color}55` };
}

function line(name, x, y, style) {
  return { name, x, y, line: style, mode: "lines", type: "scatter", hovertemplate: `${name} %{y:.4~f}<extra></extra>` };
}

function layout(c, xaxis, yaxis) {
  const small = { color: c.soft, size: 11 };
  const axis = { gridcolor: c.line, linecolor: c.line, zerolinecolor: c.line, tickfont: small, fixedrange: true };
  const legend = { orientation: "h", x: 0, y: 1, yanchor: "bottom", font: small };
  return {
    margin: { l: 40, r: 8, t: 6, b: 24 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, color: c.ink, size: 12 },
    hovermode: "x unified",
    hoverlabel: { bgcolor: c.card, bordercolor: c.line, font: { color: c.ink, size: 12 } },
    legend: { ...legend, itemclick: false, itemdoubleclick: false },
    dragmode: false,
    xaxis: { ...axis, ...xaxis, showgrid: false },
    yaxis: { ...axis, ...yaxis },
  };
}

/** The served version in the accent, the one before in blue, what is older in grey. */
function shade(c, version, served, i, number) {
  if (version === served) return c.accent;
  return i === number - 2 ? c.busy : c.idle;
}

function colours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ink", "soft", "line", "card", "accent", "busy", "idle", "bad"];
  return Object.fromEntries(names.map((n) => [n, style.getPropertyValue(`--${n}`).trim()]));
}

/** Plotly writes times as they come; ours are those of the wall clock here. */
function local(date) {
  return new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
}

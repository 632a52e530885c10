// Replicas as dots: one each, and an empty one for each that is still missing. Hover, focus or tap tells about it.

import { h, keyed, say } from "./dom.js";
import { count, fromNow } from "./words.js";

/** The dots of one service with the sentence above them. The arrow keys go from one to the next. */
export function replicas() {
  const ready = h("strong");
  const others = h("span", { class: "soft" });
  const dots = h("div", { class: "dots", role: "group" });
  dots.addEventListener("keydown", move);
  return {
    element: h("div", { class: "replicas" }, h("p", {}, ready, others), dots),
    update(service) {
      const missing = Math.max(0, service.desired - service.replicas.length);
      say(ready, `${count(service.ready)} of ${count(service.desired)}`);
      say(others, [" replicas ready", ...tally(service.replicas, service.version)].join(", "));
      dots.setAttribute("aria-label", `Replicas of ${service.name}`);
      dots.classList.toggle("many", service.replicas.length + missing > 60);
      const empty = Array.from({ length: missing }, (_, i) => ({ id: `missing-${i}`, state: "missing" }));
      keyed(dots, [...service.replicas, ...empty], (r) => r.id, make, update);
      const reached = dots.querySelector("[tabindex='0']") ?? dots.firstElementChild;
      if (reached) reached.tabIndex = 0;
    },
  };
}

/** One tip for all dots under `board`, kept true while it is open. */
export function watchTips(board) {
  const tip = h("div", { class: "tip", "aria-hidden": "true", hidden: true });
  document.body.append(tip);
  let shown = null;

  function show(dot) {
    shown = dot;
    tip.hidden = !dot;
    if (!dot) return;
    fill(tip, dot);
    const at = dot.getBoundingClientRect();
    const rightmost = document.documentElement.clientWidth - tip.offsetWidth - 8;
    const left = Math.min(Math.max(8, at.left + at.width / 2 - tip.offsetWidth / 2), rightmost);
    const above = at.top - tip.offsetHeight - 8;
    tip.style.left = `${left + window.scrollX}px`;
    tip.style.top = `${(above > 0 ? above : at.bottom + 8) + window.scrollY}px`;
  }

  const dotOf = (event) => event.target.closest?.(".dot") ?? null;
  const focused = () => board.querySelector(".dot:focus");
  board.addEventListener("pointerover", (event) => dotOf(event) && show(dotOf(event)));
  board.addEventListener("pointerout", (event) => dotOf(event) && show(focused()));
  board.addEventListener("focusin", (event) => dotOf(event) && show(dotOf(event)));
  board.addEventListener("focusout", (event) => dotOf(event) && show(null));
  document.addEventListener("keydown", (event) => event.key === "Escape" && show(null));
  new MutationObserver(() => {
    if (!shown) return;
    if (shown.isConnected) fill(tip, shown);
    else show(null);
  }).observe(board, { subtree: true, childList: true, attributes: true, attributeFilter: ["aria-label"] });
}

function make() {
  return h("button", { type: "button", class: "dot", tabindex: -1 });
}

function update(dot, replica) {
  const words = told(replica);
  const label = words.join(". ");
  if (dot.getAttribute("aria-label") === label) return;
  dot.dataset.state = replica.state;
  dot.dataset.tip = JSON.stringify(words);
  dot.classList.toggle("other", replica.current === false);
  dot.setAttribute("aria-label", label);
}

function told(replica) {
  if (replica.state === "missing") return ["Not started yet"];
  const since = replica.started ? `, started ${fromNow(replica.started)}` : "";
  return [
    `Replica ${replica.id}: ${replica.state}`,
    `Version ${replica.version}${replica.current ? "" : ", not the one that should be served"}${since}`,
    replica.reason,
  ].filter(Boolean);
}

function fill(tip, dot) {
  const lines = JSON.parse(dot.dataset.tip);
  keyed(tip, lines, (_, i) => i, () => h("p"), say);
}

/** What is not simply ready, in words: "2 starting", "1 of another version". */
function tally(all, version) {
  const words = new Map();
  for (const r of all) {
    const word = r.state !== "ready" ? r.state : r.version !== version ? "of another version" : null;
    if (word) words.set(word, (words.get(word) ?? 0) + 1);
  }
  return [...words].map(([word, number]) => `${count(number)} ${word}`);
}

function move(event) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const all = [...event.currentTarget.children];
  const next = step ? all[all.indexOf(event.target) + step] : { Home: all[0], End: all.at(-1) }[event.key];
  if (!next) return;
  event.preventDefault();
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

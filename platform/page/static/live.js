// Polls one JSON address for as long as the page is looked at, and tells when its server cannot be reached.

import { time } from "./words.js";

const EVERY = 2000;
const PATIENCE = 8000;

/** Call `draw(document)` with each answer of `address`. */
export function live(address, draw) {
  const link = document.getElementById("link");
  const lost = document.getElementById("lost");
  let timer = null;
  let asking = false;
  let since = null;

  async function ask() {
    clearTimeout(timer);
    if (asking) return;
    asking = true;
    try {
      const content = await fetched(address);
      since = null;
      reached(true);
      draw(content);
    } catch (error) {
      since ??= new Date();
      reached(false, error);
    } finally {
      asking = false;
      if (!document.hidden) timer = setTimeout(ask, EVERY);
    }
  }

  function reached(yes, error) {
    link.dataset.state = yes ? "live" : "lost";
    const words = yes ? "live" : "no connection";
    if (link.textContent !== words) link.textContent = words;
    document.body.classList.toggle("stale", !yes);
    lost.hidden = yes;
    if (yes) return;
    const why = error.said ?? "The page's server does not answer";
    const text = `${why}. What you see is as of ${time(since)}; trying again every ${EVERY / 1000} s.`;
    if (lost.textContent !== text) lost.textContent = text;
  }

  document.addEventListener("visibilitychange", () => document.hidden || ask());
  window.addEventListener("online", ask);
  ask();
}

async function fetched(address) {
  const response = await fetch(address, { signal: AbortSignal.timeout(PATIENCE), headers: { Accept: "application/json" } });
  const content = await response.json().catch(() => ({}));
  if (response.ok) return content;
  throw Object.assign(new Error("refused"), { said: content.error ?? `The page's server answers ${response.status}` });
}

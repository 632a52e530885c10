// How numbers, times and states are written; shared by both pages.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const score = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const moment = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const date = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export const count = (number) => whole.format(number);
export const rate = (number) => (number >= 100 ? whole.format(number) : short.format(number));
export const metric = (number) => (number === null || number === undefined ? "–" : score.format(number));
export const plural = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;
export const at = (iso) => moment.format(new Date(iso));
export const day = (iso) => date.format(new Date(`${iso}T00:00:00Z`));
export const time = (date) => clock.format(date);

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];

/** "in 3 hours", "5 minutes ago". */
export function fromNow(iso) {
  const seconds = (new Date(iso) - Date.now()) / 1000;
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  }
  return seconds < 0 ? "just now" : "in less than a minute";
}

export const VERDICTS = { ready: "good", progressing: "busy", degraded: "warn", failed: "bad", stopped: "idle" };
export const OUTCOMES = { promoted: "good", kept: "idle", skipped: "warn", failed: "bad", "rolled back": "bad" };

// Try it: a row in, the answer with its id out, the same call for a program, and the true value sent back.

import { Answer } from "./answer.js";
import { badge, copyButton, h, redraw, say } from "./dom.js";
import { Field } from "./fields.js";
import { live } from "./live.js";
import { curl, predictBody, python } from "./snippets.js";
import { VERDICTS } from "./words.js";

const root = document.body.dataset.root;
const part = (id) => document.getElementById(id);
const name = part("try").dataset.service;
const data = `${root}data/services/${encodeURIComponent(name)}`;
const answer = new Answer(part("answer-content"), part("answer-empty"), (body) => post("feedback", body));
const REREAD = 8000;
const shown = { form: null, version: null, read: 0, url: "", fields: [], asking: false };
const code = { curl: snippet("curl"), python: snippet("Python") };

part("snippets").append(code.curl.element, code.python.element);
part("row").addEventListener("submit", predict);
part("row").addEventListener("reset", (event) => {
  event.preventDefault();
  for (const field of shown.fields) field.example();
  refuse("");
  write();
});
part("row").addEventListener("input", write);
live(`${root}data/overview`, watch);

/** The service as it is now; a new version may have another form. */
function watch({ services }) {
  const service = services.find((s) => s.name === name);
  const state = part("state");
  const [word, tone, words] = !service ? ["gone", "bad", "This service has been deleted."]
    : service.trouble ? ["unknown", "bad", service.trouble]
    : [service.verdict, VERDICTS[service.verdict], inWords(service)];
  redraw(state, [word, words], () => [badge(word, tone), h("span", {}, words)]);
  if (!service || service.trouble) return;
  if (service.url !== shown.url) {
    shown.url = service.url;
    write();
  }
  // Again after a while: during a rollout replicas of both versions answer, each with its own form.
  if (shown.form === null || service.version !== shown.version || Date.now() - shown.read > REREAD) read(service.version);
}

function inWords(service) {
  return `version ${service.version}, ${service.ready} of ${service.desired} replicas ready`;
}

async function read(version) {
  if (shown.asking) return;
  shown.asking = true;
  const said = await answered(fetch(`${data}/form`, { headers: { Accept: "application/json" } }));
  shown.asking = false;
  trouble(said.error ?? "");
  if (said.error) return;
  shown.version = version;
  shown.read = Date.now();
  if (JSON.stringify(said.body) !== JSON.stringify(shown.form)) show(said.body);
}

/** Make the inputs; what was typed into a column that stays is kept. */
function show(form) {
  const before = new Map(shown.fields.map((f) => [f.field.name, f.value]));
  shown.form = form;
  shown.fields = form.fields.map((f) => new Field(f));
  for (const field of shown.fields) if (before.has(field.field.name)) field.value = before.get(field.field.name);
  part("fields").replaceChildren(...shown.fields.map((f) => f.element));
  part("try").removeAttribute("aria-busy");
  part("predict").disabled = part("reset").disabled = false;
  write();
}

/** The row as [column, JSON text] pairs; null when an input says that its text cannot be sent. */
function row(onError = () => {}) {
  const read = shown.fields.map((field) => [field, field.json()]);
  const wrong = read.filter(([, json]) => json instanceof Error);
  wrong.forEach(([field, error]) => onError(field, error.message));
  return wrong.length ? null : read.filter(([, json]) => json !== undefined).map(([field, json]) => [field.field.name, json]);
}

/** What to ask for: the prediction, and how sure the model is; probabilities say more than a decision function. */
function outputs() {
  const all = shown.form.outputs;
  return all.includes("predict_proba") ? all.filter((o) => o !== "decision_function") : all;
}

async function predict(event) {
  event.preventDefault();
  refuse("");
  for (const field of shown.fields) field.refuse("");
  const pairs = row((field, words) => field.refuse(words));
  if (!pairs) return shown.fields.find((f) => !f.error.hidden).input.focus();
  const button = part("predict");
  button.setAttribute("aria-busy", "true");
  const began = performance.now();
  const said = await post("predict", predictBody(pairs, outputs()));
  button.removeAttribute("aria-busy");
  if (!said.error) return answer.show(said.body, shown.form, performance.now() - began);
  const field = shown.fields.find((f) => f.field.name === said.column);
  if (!field) return refuse(said.error);
  field.refuse(said.error);
  field.input.focus();
}

function write() {
  if (!shown.form || !shown.url) return;
  const pairs = row();
  if (!pairs) return;
  const key = shown.form.needs_key;
  code.curl.write(curl(shown.url, "/predict", predictBody(pairs, outputs()), key));
  code.python.write(python(shown.url, pairs, outputs(), key));
}

function snippet(title) {
  const text = h("code");
  const pre = h("pre", { tabindex: 0, role: "region", "aria-label": title }, text);
  const copy = copyButton(() => text.textContent, `Copy the ${title} code`);
  const element = h("div", { class: "call" }, h("h3", {}, title), h("div", { class: "snippet" }, pre, copy));
  return { element, write: (words) => say(text, words) };
}

/** Post JSON text; always resolves to {body} or {error, column}. */
function post(what, body) {
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  return answered(fetch(`${data}/${what}`, { method: "POST", headers, body }), true);
}

async function answered(request, passedOn = false) {
  let response;
  try {
    response = await request;
  } catch {
    return { error: "The page's server does not answer." };
  }
  const content = await response.json().catch(() => ({}));
  if (!response.ok) return { error: content.error ?? `The page's server answers ${response.status}.` };
  return passedOn ? content : { body: content };
}

function refuse(sentence) {
  say(part("refused"), sentence);
  part("refused").hidden = !sentence;
}

function trouble(sentence) {
  say(part("trouble"), sentence);
  part("trouble").hidden = !sentence;
}

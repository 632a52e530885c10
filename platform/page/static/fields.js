// Inputs for the columns of a model, and what is typed into them as JSON and as Python. The model alone judges values.

import { h, say } from "./dom.js";

let number = 0;

/** An input with its label and its place for an error, for one field of the form's document. */
export class Field {
  constructor(field, label = field.name) {
    this.field = field;
    const id = `field-${++number}`;
    this.input = input(field, id);
    this.input.id = id;
    this.error = h("p", { class: "field-error", id: `${id}-error`, hidden: true });
    this.input.setAttribute("aria-describedby", `${id}-error`);
    const optional = field.nullable || !field.required;
    const hints = [field.choices.length ? null : HINTS[field.kind], optional ? "may be empty" : null];
    const hint = h("span", { class: "hint" }, hints.filter(Boolean).join(", "));
    const list = field.suggestions.length && !field.choices.length
      ? h("datalist", { id: `${id}-list` }, field.suggestions.map((s) => h("option", { value: typed(s) })))
      : null;
    if (list) this.input.setAttribute("list", list.id);
    if (field.required && !field.nullable) this.input.setAttribute("aria-required", "true");
    const title = h("label", { for: id }, h("span", {}, label), hint);
    this.element = h("div", { class: "field", "data-name": field.name }, title, this.input, list, this.error);
    this.input.addEventListener("input", () => this.refuse(""));
    this.example();
  }

  /** Put the example in. */
  example() {
    this.value = typed(this.field.example);
    this.refuse("");
  }

  get value() {
    return this.input.value;
  }

  set value(text) {
    const select = this.input.tagName === "SELECT";
    if (select && ![...this.input.options].some((o) => o.value === text)) text = this.input.options[0]?.value ?? "";
    this.input.value = this.input.type === "datetime-local" ? text.replace(/\.\d+$/, "") : text;
  }

  /** Show why the value was refused; an empty sentence takes it back. */
  refuse(sentence) {
    say(this.error, sentence);
    this.error.hidden = !sentence;
    if (sentence) this.input.setAttribute("aria-invalid", "true");
    else this.input.removeAttribute("aria-invalid");
  }

  /** The value as JSON text; undefined to leave the column out, or an Error that says what is wrong. */
  json() {
    const { kind, nullable, required } = this.field;
    const text = kind === "string" ? this.value : this.value.trim();
    if (this.input.validity.badInput) return new Error("This is not a number.");
    if (text === "" && (nullable || !required)) return nullable ? "null" : undefined;
    if (kind === "string") return JSON.stringify(text);
    if (text === "") return new Error("A value is needed here.");
    return KINDS[kind](text);
  }
}

const HINTS = {
  integer: "whole number",
  number: "number",
  boolean: "true or false",
  datetime: "date and time",
  string: "text",
  any: "number, true, false or text",
};

// Numbers go on as they were typed: JavaScript's own would round large ones.
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

const KINDS = {
  integer: (text) => (/^-?(0|[1-9]\d*)$/.test(text) ? text : new Error("This is not a whole number.")),
  number: (text) => [text, String(Number(text))].find((t) => NUMBER.test(t)) ?? new Error("This is not a number."),
  boolean: (text) => text,
  datetime: (text) => JSON.stringify(/T\d\d:\d\d$/.test(text) ? `${text}:00` : text),
  // Quotes make text of what would be a number otherwise.
  any(text) {
    if (NUMBER.test(text) || text === "true" || text === "false") return text;
    return JSON.stringify(/^".*"$/.test(text) ? text.slice(1, -1) : text);
  },
};

function input(field, id) {
  const choices = field.choices.length ? field.choices.map(typed) : field.kind === "boolean" ? ["true", "false"] : null;
  if (choices) {
    const empty = field.nullable || !field.required || field.example === null;
    const none = empty ? h("option", { value: "" }, "–") : null;
    return h("select", { name: id }, none, choices.map((c) => h("option", { value: c }, c)));
  }
  const properties = { name: id, spellcheck: "false" };
  if (field.kind === "integer") return h("input", { ...properties, type: "number", step: 1 });
  if (field.kind === "number") return h("input", { ...properties, type: "number", step: "any" });
  // The browser's own input knows no time zone; an example that has one is edited as text.
  const plain = field.example === null || /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(field.example);
  if (field.kind === "datetime" && plain) return h("input", { ...properties, type: "datetime-local", step: 1 });
  return h("input", { ...properties, type: "text" });
}

/** A JSON value as it stands in an input. */
function typed(value) {
  return value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
}

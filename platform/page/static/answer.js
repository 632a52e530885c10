// The answer to one row: the prediction, how sure the model is, its id, and the true value once it is known.

import { copyButton, h, say } from "./dom.js";
import { Field } from "./fields.js";
import { metric } from "./words.js";

const LABELLED = {
  accepted: ["good", "Kept. The next night of retraining learns from it."],
  replaced: ["good", "Kept, in the place of the true value that was sent before."],
  repeated: ["idle", "This was known already; nothing changed."],
  unknown: ["bad", "No prediction of this id is known."],
  invalid: ["bad", "This value was refused."],
};

/** Draws answers into `content`; `send` posts a label and resolves to the page's answer. */
export class Answer {
  constructor(content, empty, send) {
    this.content = content;
    this.empty = empty;
    this.send = send;
  }

  show(body, form, milliseconds) {
    const id = body.ids?.[0];
    const prediction = body.predictions?.[0];
    this.empty.hidden = true;
    this.content.hidden = false;
    this.content.replaceChildren(
      h("p", { class: "prediction" }, shown(prediction)),
      h("p", { class: "soft" }, `by version ${body.model?.version ?? "?"}, in ${Math.max(1, Math.round(milliseconds))} ms`),
      ...outputs(body.outputs ?? {}, form, prediction),
      ...(id ? [identified(id), this.truth(id, form, prediction)] : []),
    );
  }

  /** The small form that sends the true value back. */
  truth(id, form, prediction) {
    const asked = { required: true, nullable: false, example: null, suggestions: suggested(form.label, prediction) };
    const field = new Field({ ...form.label, ...asked }, "What turned out to be true");
    const said = h("p", { class: "labelled", role: "status" });
    const button = h("button", { type: "submit" }, "Send it back");
    const row = h("form", { class: "truth", novalidate: true, autocomplete: "off" }, field.element, button, said);
    row.addEventListener("submit", async (event) => {
      event.preventDefault();
      const json = field.value.trim() === "" ? new Error("Type what turned out to be true.") : field.json();
      if (json instanceof Error) {
        field.refuse(json.message);
        field.input.focus();
        return;
      }
      field.refuse("");
      say(said, "");
      button.disabled = true;
      const reply = await this.send(`{"id": ${JSON.stringify(id)}, "label": ${json}}`);
      button.disabled = false;
      if (reply.error) {
        field.refuse(reply.error);
        return;
      }
      const result = reply.body.results?.[0] ?? {};
      const [tone, words] = LABELLED[result.status] ?? ["idle", result.status ?? "Sent."];
      said.dataset.tone = tone;
      said.dataset.status = result.status ?? "";
      say(said, result.message ?? words);
    });
    return row;
  }
}

function identified(id) {
  const code = h("code", { id: "answer-id" }, id);
  return h("p", { class: "identity" }, h("span", { class: "soft" }, "id"), code, copyButton(() => id, "Copy the id"));
}

/** Everything beyond the prediction; probabilities as bars, the rest as text. */
function outputs(all, form, prediction) {
  return Object.entries(all).filter(([name]) => name !== "predict").map(([name, values]) => {
    const value = values?.[0];
    const bars = name === "predict_proba" && Array.isArray(value);
    return h("div", { class: "output" }, h("h3", {}, TITLES[name] ?? name.replaceAll("_", " ")),
      bars ? probabilities(value, known(form.label), prediction) : h("p", { class: "mono" }, shown(value)));
  });
}

const TITLES = { predict_proba: "Probabilities", decision_function: "Decision function" };

/** The classes that the model knows: all that there can be, or all that it has seen. */
function known(label) {
  return label.choices.length ? label.choices : label.suggestions;
}

function probabilities(values, classes, prediction) {
  const named = classes.length === values.length;
  const best = Math.max(...values);
  return h("dl", { class: "bars" }, values.map((p, i) => {
    const chosen = named ? classes[i] === prediction : p === best;
    return h("div", { class: "bar-row", "data-chosen": String(chosen) },
      h("dt", {}, named ? shown(classes[i]) : `class ${i + 1}`),
      h("dd", {}, bar(p), h("span", {}, `${(100 * p).toFixed(1)} %`)));
  }));
}

function bar(share) {
  const filled = h("span");
  filled.style.width = `${100 * share}%`;
  return h("div", { class: "meter", "aria-hidden": "true" }, filled);
}

/** What the true value may be: the classes as declared, else the prediction itself. */
function suggested(label, prediction) {
  return known(label).length || typeof prediction === "object" ? label.suggestions : [prediction];
}

function shown(value) {
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : metric(value);
  if (Array.isArray(value)) return `[${value.map(shown).join(", ")}]`;
  return value === null || value === undefined ? "–" : typeof value === "object" ? JSON.stringify(value) : String(value);
}

// The same call from a program: curl and Python, quoted so that any value survives a shell and an interpreter.

/** JSON text of an object from [name, JSON text] pairs. */
export function jsonObject(pairs) {
  return `{${pairs.map(([name, json]) => `${JSON.stringify(name)}: ${json}`).join(", ")}}`;
}

/** The body of /predict for one row; outputs beyond the prediction are asked for by name. */
export function predictBody(pairs, outputs) {
  const parts = [["rows", `[${jsonObject(pairs)}]`]];
  if (outputs.length > 1) parts.push(["outputs", `[${outputs.map((o) => JSON.stringify(o)).join(", ")}]`]);
  return jsonObject(parts);
}

export function curl(url, path, body, needsKey) {
  const key = needsKey ? `  -H "Authorization: Bearer $TENFOLD_API_KEY" \\\n` : "";
  return `curl -sS ${shell(url + path)} \\\n${key}  -H 'Content-Type: application/json' \\\n  -d ${shell(body)}`;
}

export function python(url, pairs, outputs, needsKey) {
  const row = pairs.map(([name, json]) => `    ${literal(JSON.stringify(name))}: ${literal(json)},\n`).join("");
  const more = outputs.length > 1 ? `, outputs=[${outputs.map((o) => literal(JSON.stringify(o))).join(", ")}]` : "";
  const key = needsKey ? `, api_key=os.environ["TENFOLD_API_KEY"]` : "";
  return [
    ...(needsKey ? ["import os", ""] : []),
    "from tenfold import Client",
    "",
    `client = Client(${literal(JSON.stringify(url))}${key})`,
    `row = {\n${row}}`,
    `answer = client.predict([row]${more})`,
    "print(answer.predictions, answer.ids)",
  ].join("\n");
}

/** One word of a POSIX shell: inside single quotes only the quote itself means something. */
function shell(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A JSON scalar as Python; JSON's strings are Python's, but for pairs of escaped surrogates, which stringify never makes. */
function literal(json) {
  return { true: "True", false: "False", null: "None" }[json] ?? json;
}

// Node's fetch, whose connections are kept, and its http module with an agent that keeps them and without one.
import { Agent, request as httpRequest } from "node:http";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const [address, plan] = process.argv.slice(2);
const requests = JSON.parse(readFileSync(plan, "utf8"));
const small = requests.filter((r) => !r.large);
const large = requests.filter((r) => r.large);
const summary = { requests: 0, failed: 0, failures: {}, versions: {}, names: {} };
let turn = 0;
let over = false;

const increase = (counts, key) => (counts[key] = (counts[key] ?? 0) + 1);
const at = (document, path) => path.reduce((value, step) => value[step], document);

function same(numbers, expected, count) {
  return numbers.length === count && numbers.every((number, n) => Math.abs(number - expected[n % expected.length]) < 1e-9);
}

function doubles(data) {
  return Array.from({ length: data.length / 8 }, (_, n) => data.readDoubleLE(8 * n));
}

// The version whose answer it is, where anything says it, and the id of its first row.
function check(r, { status, headers, body }) {
  const start = body.subarray(0, 200).toString();
  if (status !== r.status && status !== r.draining) throw new Error(`status ${status}: ${start}`);
  if (r.method === "HEAD") return {};
  if (!body.includes(r.contains)) throw new Error(`no ${r.contains} in ${start}`);
  const versions = Object.entries(r.numbers);
  if (!versions.length) return {};
  const end = r.binary ? Number(headers["inference-header-content-length"]) : body.length;
  const document = JSON.parse(body.subarray(0, end));
  const numbers = r.binary ? doubles(body.subarray(end)) : [at(document, r.at)].flat(Infinity);
  const found = versions.find(([, expected]) => same(numbers, expected, r.count));
  if (!found) throw new Error(`${numbers.length} numbers of no version: ${start}`);
  const [version] = found;
  if (r.version_at && at(document, r.version_at) !== version) {
    throw new Error(`numbers of version ${version}, said to be of ${at(document, r.version_at)}`);
  }
  return { version, id: r.id_at && at(document, r.id_at) };
}

async function* parts(body) {
  yield body;
}

async function byFetch(r, body) {
  // fetch refuses the header Expect.
  const sent = r.chunked ? { body: ReadableStream.from(parts(body)), duplex: "half" } : { body: body ?? undefined };
  const answer = await fetch(address + r.path, { method: r.method, headers: r.headers, ...sent });
  const headers = Object.fromEntries(answer.headers);
  return { status: answer.status, headers, body: Buffer.from(await answer.arrayBuffer()) };
}

const byHttp = (agent) => (r, body) =>
  new Promise((resolve, reject) => {
    const length = body && !r.chunked ? { "Content-Length": body.length } : {};
    const expect = r.expect ? { Expect: "100-continue" } : {};
    const headers = { ...r.headers, ...length, ...expect };
    const asked = httpRequest(address + r.path, { method: r.method, headers, agent, timeout: 300_000 });
    asked.on("timeout", () => asked.destroy(new Error("timed out")));
    asked.on("error", reject);
    asked.on("response", (answer) => {
      const received = [];
      answer.on("data", (part) => received.push(part));
      answer.on("error", reject);
      answer.on("end", () =>
        resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(received) }),
      );
    });
    if (r.expect) asked.on("continue", () => asked.end(body));
    else asked.end(body);
  });

async function rounds(ask) {
  let id = "";
  while (!over) {
    for (const r of [...small, large[turn++ % large.length]]) {
      let body = null;
      if (r.text) body = Buffer.from(r.text.replace("{id}", id));
      else if (r.body) body = readFileSync(join(dirname(plan), r.body));
      summary.requests++;
      increase(summary.names, r.name);
      try {
        let answer = await ask(r, body);
        for (let tries = 1; answer.status !== r.status && tries < r.tries; tries++) answer = await ask(r, body);
        const found = check(r, answer);
        if (found.version) increase(summary.versions, found.version);
        if (found.id) id = found.id;
      } catch (e) {
        summary.failed++;
        increase(summary.failures, `${r.name}: ${e.message} ${e.cause ?? ""}`);
      }
    }
    console.log("round");
  }
}

process.stdin.on("end", () => (over = true)).resume();
const keeping = new Agent({ keepAlive: true });
await Promise.all([rounds(byFetch), rounds(byFetch), rounds(byHttp(keeping)), rounds(byHttp(false))]);
console.log(JSON.stringify(summary));
process.exit();

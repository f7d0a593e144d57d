// What the sessions on Node share: orders on stdin, answers on stdout. See autobahn_python.py for both.

const readline = require("node:readline");

const BYTES = "\0";

// Answers are all that goes to stdout, also where a library thinks aloud.
console.log = console.error;

/** Prints one JSON line; bytes as text that begins with a NUL, whole numbers as such whatever type they came in. */
function say(said) {
  process.stdout.write(JSON.stringify(said, (_key, value) => printable(value)) + "\n");
}

function printable(value) {
  if (typeof value === "bigint") return Number(value);
  // JSON.stringify has already turned a Buffer into an object.
  const bytes = value?.type === "Buffer" ? value.data : value instanceof Uint8Array ? value : undefined;
  return bytes ? BYTES + Buffer.from(bytes).toString("base64") : value;
}

/** Turns the strings that stand for bytes into bytes, where the serializer has them. */
function withBytes(value) {
  if (typeof value === "string" && value.startsWith(BYTES)) return Buffer.from(value.slice(1), "base64");
  if (Array.isArray(value)) return value.map(withBytes);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withBytes(item)]));
}

/** Leaves out what details leave open. */
function told(details) {
  return Object.fromEntries(Object.entries(details).filter(([_name, value]) => value));
}

const waitingCalls = [];

/** Resolves when an order tells the procedure that was called to answer. */
function waiting(procedure) {
  return new Promise((answer) => {
    waitingCalls.push({ procedure, answer });
    say({ invoked: procedure });
  });
}

/** The orders that no library has to know. */
const common = {
  async answer() {
    const { procedure, answer } = waitingCalls.shift();
    answer();
    return { answered: procedure };
  },
};

/** Carries out the orders on stdin; `peer` has a function for each, and `failure`, which says what an ERROR says. */
async function drive(peer, binary) {
  const read = binary ? withBytes : (value) => value;
  const orders = { ...common, ...peer };
  let leaving = false;
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { do: what, args = [], kwargs = {}, options = {}, ...order } = JSON.parse(line);
    const answer = orders[what]({ ...order, options, args: read(args), kwargs: read(kwargs) });
    // A call may be under way for longer, and be cancelled by the next order, which has no answer of its own.
    answer?.then(say, (error) => leaving || say(peer.failure(error)));
  }
  leaving = true;
}

module.exports = { drive, say, told, waiting };

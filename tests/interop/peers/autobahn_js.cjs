// A session of autobahn-js on Node that does what it is told; orders and answers as autobahn_python.py has them.
//
//     node autobahn_js.cjs URL SERIALIZER

const { createRequire } = require("node:module");
const { drive, say } = require("./driver.cjs");

const installed = createRequire(process.cwd() + "/");
const autobahn = installed("autobahn");
// The one WebSocket that autobahn-js looks for; Node has it from version 22 on.
globalThis.WebSocket = installed("ws");

const { JSONSerializer, MsgpackSerializer, CBORSerializer } = autobahn.serializer;
const SERIALIZERS = { json: JSONSerializer, msgpack: MsgpackSerializer, cbor: CBORSerializer };

const PROCEDURES = {
  echo: (args, kwargs) => new autobahn.Result(args, kwargs),
  sum: (args) => args.reduce((total, item) => total + item, 0),
  refuse: (args, kwargs) => {
    throw new autobahn.Error("com.example.refused", args, kwargs);
  },
};

/** A result of one value comes bare, all others in a Result. */
const unpacked = (result) =>
  result instanceof autobahn.Result ? result : { args: result === null ? [] : [result], kwargs: {} };

const peer = (session) => ({
  async register({ procedure, as }) {
    await session.register(procedure, PROCEDURES[as]);
    return { registered: procedure };
  },
  async call({ procedure, args, kwargs }) {
    try {
      const result = unpacked(await session.call(procedure, args, kwargs));
      return { args: result.args, kwargs: result.kwargs };
    } catch (error) {
      return { error: error.error, args: error.args, kwargs: error.kwargs };
    }
  },
  async subscribe({ topic, match }) {
    const onEvent = (args, kwargs, details) =>
      say({ event: { topic: details.topic, match, publication: details.publication, args, kwargs } });
    await session.subscribe(topic, onEvent, { match });
    return { subscribed: topic };
  },
  async publish({ topic, args, kwargs }) {
    const publication = await session.publish(topic, args, kwargs, { acknowledge: true });
    return { published: publication.id };
  },
});

const [url, serializer] = process.argv.slice(2);
const connection = new autobahn.Connection({
  realm: "realm1",
  transports: [{ type: "websocket", url, serializers: [new SERIALIZERS[serializer]()] }],
  max_retries: 0,
  // Errors that a procedure raises are the caller's business; autobahn-js would print them as well.
  on_user_error: () => {},
});
connection.onopen = async (session) => {
  say({ ready: session.id });
  await drive(peer(session), serializer !== "json");
  connection.close();
};
connection.onclose = (reason, details) => {
  if (reason !== "closed") {
    console.error(reason, details);
    process.exitCode = 1;
  }
};
connection.open();

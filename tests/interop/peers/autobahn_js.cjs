// A session of autobahn-js on Node that does what it is told; orders and answers as autobahn_python.py has them.
//
//     node autobahn_js.cjs URL SERIALIZER REALM [FILE]
//
// With FILE it is a session of that library instead, which has the same API, and JSON only.
// Says also {"revoked": REASON} when the router has taken a registration or a subscription away.

const { drive, say, told, waiting } = require("./driver.cjs");
const { installed, transport } = require("./transport.cjs");

const [url, serializer, realm, file] = process.argv.slice(2);
const autobahn = file ? require(file) : installed("autobahn");

const sum = (items) => items.reduce((total, item) => total + item, 0);

const behaviours = (session) => ({
  echo: (args, kwargs) => new autobahn.Result(args, kwargs),
  sum,
  refuse: (args, kwargs) => {
    throw new autobahn.Error("com.example.refused", args, kwargs);
  },
  count: (args, _kwargs, { progress }) => {
    if (progress) args.forEach((item) => progress([item], { of: args.length }));
    return sum(args);
  },
  describe: (_args, _kwargs, { procedure, caller, caller_authid, caller_authrole }) =>
    new autobahn.Result([], told({ session, procedure, caller, caller_authid, caller_authrole })),
  wait: async (args, _kwargs, { procedure }) => {
    await waiting(procedure);
    return new autobahn.Result(args);
  },
});

/** A result of one value comes bare, all others in a Result. */
const unpacked = (result) =>
  result instanceof autobahn.Result ? result : { args: result === null ? [] : [result], kwargs: {} };

const result = (result) => {
  const { args, kwargs } = unpacked(result);
  return { args, kwargs };
};

const revoked = (reason) => say({ revoked: reason });

function peer(session) {
  const procedures = behaviours(session.id);
  const registered = {};
  const subscribed = {};
  let underWay;
  return {
    async register({ procedure, as, options }) {
      registered[procedure] = await session.register(procedure, procedures[as], options);
      registered[procedure].on_unregister.then(revoked);
      return { registered: registered[procedure].id };
    },
    async unregister({ procedure }) {
      await session.unregister(registered[procedure]);
      return { unregistered: procedure };
    },
    call({ procedure, args, kwargs, options }) {
      underWay = session.call(procedure, args, kwargs, options);
      return underWay.then(result, undefined, (progress) => say({ progress: result(progress) }));
    },
    cancel({ mode }) {
      underWay.cancel({ mode });
    },
    async subscribe({ topic, options }) {
      const match = options.match ?? "exact";
      const onEvent = (args, kwargs, details) => {
        const { topic, publication, publisher, publisher_authid, publisher_authrole, retained } = details;
        const more = told({ publisher, publisher_authid, publisher_authrole, retained });
        say({ event: { topic, match, publication, ...more, args, kwargs } });
      };
      subscribed[topic] = await session.subscribe(topic, onEvent, options);
      subscribed[topic].on_unsubscribe.then(revoked);
      return { subscribed: subscribed[topic].id };
    },
    async unsubscribe({ topic }) {
      await session.unsubscribe(subscribed[topic]);
      return { unsubscribed: topic };
    },
    async publish({ topic, args, kwargs, options }) {
      const publication = await session.publish(topic, args, kwargs, { ...options, acknowledge: true });
      return { published: publication.id };
    },
    failure: ({ error, args, kwargs }) => ({ error, args, kwargs }),
  };
}

const connection = new autobahn.Connection({
  realm,
  transports: [file ? { type: "websocket", url } : transport(autobahn.serializer, url, serializer)],
  max_retries: 0,
  // Errors that a procedure raises are the caller's business; autobahn-js would print them as well.
  on_user_error: () => {},
});
let leaving = false;
connection.onopen = async (session, { authid, authrole }) => {
  say({ ready: session.id, authid, authrole });
  await drive(peer(session), serializer !== "json");
  leaving = true;
  connection.close();
};
connection.onclose = (how, { reason, message }) => {
  if (how !== "closed" || reason === null) {
    console.error(how, reason, message);
    process.exit(1);
  }
  if (!leaving) {
    say({ left: { reason, message: message || null } });
    process.exit(0);
  }
};
connection.open();

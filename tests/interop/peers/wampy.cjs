// A session of wampy on Node that does what it is told; orders and answers as autobahn_python.py has them.
//
//     node wampy.cjs URL SERIALIZER [REALM]

const { createRequire } = require("node:module");
const { drive, say, told, waiting } = require("./driver.cjs");

const installed = createRequire(process.cwd() + "/");
const { Wampy } = installed("wampy");

const SERIALIZERS = { json: "JsonSerializer", msgpack: "MsgpackSerializer", cbor: "CborSerializer" };

/** What wampy leaves out when it is empty. */
const unpacked = ({ argsList, argsDict }) => ({ args: argsList ?? [], kwargs: argsDict ?? {} });

const sum = ({ argsList }) => ({ argsList: [argsList.reduce((total, item) => total + item, 0)] });

const behaviours = (session) => ({
  // An object with neither would itself become the kwargs.
  echo: ({ argsList = [], argsDict = {} }) => ({ argsList, argsDict }),
  sum,
  refuse: ({ argsList, argsDict }) => {
    throw Object.assign(new Error(), { error: "com.example.refused", argsList, argsDict });
  },
  count: sum,
  describe: ({ details: { procedure, caller, caller_authid, caller_authrole } }) => ({
    argsDict: told({ session, procedure, caller, caller_authid, caller_authrole }),
  }),
  wait: async ({ details, argsList = [] }) => {
    await waiting(details.procedure ?? null);
    return { argsList };
  },
});

const peer = (session) => {
  const procedures = behaviours(session.getSessionId());
  const subscribed = {};
  let underWay;
  return {
    async register({ procedure, as, options }) {
      const { registrationId } = await session.register(procedure, procedures[as], options);
      return { registered: registrationId };
    },
    async unregister({ procedure }) {
      await session.unregister(procedure);
      return { unregistered: procedure };
    },
    call({ procedure, args, kwargs, options: { receive_progress, ...options } }) {
      const progress_callback = receive_progress && ((result) => say({ progress: unpacked(result) }));
      const result = session.call(procedure, { argsList: args, argsDict: kwargs }, { ...options, progress_callback });
      underWay = session.getOpStatus().reqId;
      return result.then(unpacked);
    },
    cancel({ mode }) {
      session.cancel(underWay, mode && { mode });
    },
    async subscribe({ topic, options: { match = "exact", ...options } }) {
      const onEvent = ({ details, ...payload }) => {
        const { publication = null, publisher, publisher_authid, publisher_authrole, retained } = details;
        const more = told({ publisher, publisher_authid, publisher_authrole, retained });
        say({ event: { topic: details.topic ?? topic, match, publication, ...more, ...unpacked(payload) } });
      };
      if (match !== "exact") options.match = match;
      // A subscription with options, and be they none, is one that wampy fails to take back.
      const { subscriptionId } = await session.subscribe(topic, onEvent, Object.keys(options).length ? options : undefined);
      subscribed[topic] = subscriptionId;
      return { subscribed: subscriptionId };
    },
    async unsubscribe({ topic }) {
      await session.unsubscribe(subscribed[topic]);
      return { unsubscribed: topic };
    },
    async publish({ topic, args, kwargs, options }) {
      const { publicationId } = await session.publish(topic, { argsList: args, argsDict: kwargs }, options);
      return { published: publicationId };
    },
    failure: (error) => ({ error: error.errorUri ?? error.message, ...unpacked(error) }),
  };
};

async function run(url, serializer, realm = "realm1") {
  const serializerOf = (name) => new (installed(`wampy/${name}.js`)[name])();
  let leaving = false;
  const session = new Wampy(url, {
    realm,
    ws: installed("ws"),
    serializer: serializerOf(SERIALIZERS[serializer]),
    // Those of payloads that pass a router untouched.
    payloadSerializers: { cbor: serializerOf(SERIALIZERS.cbor), msgpack: serializerOf(SERIALIZERS.msgpack) },
    autoReconnect: false,
    uriValidation: "loose",
    onClose: () => {
      if (leaving) return;
      // wampy does not tell what the GOODBYE said.
      say({ left: { reason: null, message: null } });
      process.exit(0);
    },
  });
  const { authid, authrole } = await session.connect();
  say({ ready: session.getSessionId(), authid, authrole });
  await drive(peer(session), serializer !== "json");
  leaving = true;
  await session.disconnect();
}

run(...process.argv.slice(2));

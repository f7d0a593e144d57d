// A session of wampy on Node that does what it is told; orders and answers as autobahn_python.py has them.
//
//     node wampy.cjs URL SERIALIZER

const { createRequire } = require("node:module");
const { drive, say } = require("./driver.cjs");

const installed = createRequire(process.cwd() + "/");
const { Wampy } = installed("wampy");

const SERIALIZERS = { json: "JsonSerializer", msgpack: "MsgpackSerializer", cbor: "CborSerializer" };

/** What wampy leaves out when it is empty. */
const unpacked = ({ argsList, argsDict }) => ({ args: argsList ?? [], kwargs: argsDict ?? {} });

const PROCEDURES = {
  // An object with neither would itself become the kwargs.
  echo: ({ argsList = [], argsDict = {} }) => ({ argsList, argsDict }),
  sum: ({ argsList }) => [argsList.reduce((total, item) => total + item, 0)],
  refuse: ({ argsList, argsDict }) => {
    throw Object.assign(new Error(), { error: "com.example.refused", argsList, argsDict });
  },
};

const peer = (session) => ({
  async register({ procedure, as }) {
    await session.register(procedure, PROCEDURES[as]);
    return { registered: procedure };
  },
  async call({ procedure, args, kwargs }) {
    try {
      return unpacked(await session.call(procedure, { argsList: args, argsDict: kwargs }));
    } catch (error) {
      return { error: error.errorUri, ...unpacked(error) };
    }
  },
  async subscribe({ topic, match }) {
    const onEvent = ({ details, ...payload }) =>
      say({ event: { topic: details.topic ?? topic, match, publication: details.publication ?? null, ...unpacked(payload) } });
    await session.subscribe(topic, onEvent, match === "exact" ? {} : { match });
    return { subscribed: topic };
  },
  async publish({ topic, args, kwargs }) {
    const { publicationId } = await session.publish(topic, { argsList: args, argsDict: kwargs });
    return { published: publicationId };
  },
});

async function run(url, serializer) {
  const name = SERIALIZERS[serializer];
  const session = new Wampy(url, {
    realm: "realm1",
    ws: installed("ws"),
    serializer: new (installed(`wampy/${name}.js`)[name])(),
    autoReconnect: false,
    uriValidation: "loose",
  });
  const welcome = await session.connect();
  say({ ready: session.getSessionId() });
  await drive(peer(session), serializer !== "json");
  await session.disconnect();
}

run(...process.argv.slice(2));

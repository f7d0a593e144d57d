// Signs in with autobahn-js, once, and says how that went, as sign_in.py does.
//
//     node sign_in.cjs URL SERIALIZER AUTHENTICATION
//
// AUTHENTICATION is {"ticket": {"authid", "ticket"}}, {"wampcra": {"authid", "secret"}} or {"cryptosign": {"authid",
// "privkey"}}, as autobahn-python has it.

const { createRequire } = require("node:module");

const installed = createRequire(process.cwd() + "/");
const [url, serializer, authentication] = process.argv.slice(2);
const autobahn = installed("autobahn");
// The one WebSocket that autobahn-js looks for; Node has it from version 22 on.
globalThis.WebSocket = installed("ws");

const { JSONSerializer, MsgpackSerializer, CBORSerializer } = autobahn.serializer;
const serializers = { json: JSONSerializer, msgpack: MsgpackSerializer, cbor: CBORSerializer };
const say = (said) => console.log(JSON.stringify(said));

const [[method, known]] = Object.entries(JSON.parse(authentication));
const key = known.privkey && autobahn.nacl.sign.keyPair.fromSeed(Buffer.from(known.privkey, "hex"));

function onchallenge(_session, asked, extra) {
  switch (asked) {
    case "ticket":
      return known.ticket;
    case "wampcra": {
      const { salt, iterations, keylen, challenge } = extra;
      const secret = salt ? autobahn.auth_cra.derive_key(known.secret, salt, iterations, keylen) : known.secret;
      return autobahn.auth_cra.sign(secret, challenge);
    }
    case "cryptosign":
      return autobahn.auth_cryptosign.sign_challenge(key, extra);
  }
}

const connection = new autobahn.Connection({
  realm: "realm1",
  transports: [{ type: "websocket", url, serializers: [new serializers[serializer]()] }],
  max_retries: 0,
  authmethods: [method],
  authid: known.authid,
  authextra: key ? { pubkey: autobahn.auth_cryptosign.public_key(key), channel_binding: null } : undefined,
  onchallenge,
});
connection.onopen = (_session, { authid, authrole, authmethod }) => {
  say({ authid, authrole, authmethod });
  connection.close();
};
connection.onclose = (_how, { reason }) => {
  if (reason && reason.startsWith("wamp.error.")) say({ refused: reason });
};
connection.open();

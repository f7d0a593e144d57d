// Signs in with autobahn-js, once for each line of stdin, and says how that went; lines and answers as sign_in.py has them.
//
// It knows {"anonymous": {}}, {"ticket": {"authid", "ticket"}}, {"wampcra": {"authid", "secret"}} and {"cryptosign":
// {"authid", "privkey"}}.

const readline = require("node:readline");
const { installed, transport } = require("./transport.cjs");

const autobahn = installed("autobahn");
const { auth_cra, auth_cryptosign, serializer: serializers } = autobahn;

/** The answers to challenges; `key` is for cryptosign. */
const answering = (known, key) => (_session, asked, extra) => {
  switch (asked) {
    case "ticket":
      return known.ticket;
    case "wampcra": {
      const { salt, iterations, keylen, challenge } = extra;
      return auth_cra.sign(salt ? auth_cra.derive_key(known.secret, salt, iterations, keylen) : known.secret, challenge);
    }
    case "cryptosign":
      return auth_cryptosign.sign_challenge(key, extra);
  }
};

/** Resolves once the connection is closed. */
function signIn({ url, serializer, authentication }) {
  const [[method, known]] = Object.entries(authentication);
  const key = known.privkey && autobahn.nacl.sign.keyPair.fromSeed(Buffer.from(known.privkey, "hex"));
  const connection = new autobahn.Connection({
    realm: "realm1",
    transports: [transport(serializers, url, serializer)],
    max_retries: 0,
    authmethods: [method],
    authid: known.authid,
    authextra: key ? { pubkey: auth_cryptosign.public_key(key), channel_binding: null } : undefined,
    onchallenge: answering(known, key),
  });
  return new Promise((resolve) => {
    let welcomed;
    connection.onopen = (_session, { authid, authrole, authmethod }) => {
      welcomed = { authid, authrole, authmethod };
      connection.close();
    };
    connection.onclose = (how, { reason }) => resolve(welcomed ?? { refused: reason ?? how });
    connection.open();
  });
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await signIn(JSON.parse(line))));
  }
})();

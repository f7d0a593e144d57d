// The transports of autobahn-js, by URL, with what it looks for and Node does not have.

const { createRequire } = require("node:module");

const installed = createRequire(process.cwd() + "/");

// Node has it from version 22 on.
globalThis.WebSocket = installed("ws");

/** As much of a browser's as long-poll takes. */
globalThis.XMLHttpRequest = class {
  open(method, url) {
    this.url = url;
    this.request = { method, headers: {} };
  }

  setRequestHeader(name, value) {
    this.request.headers[name] = value;
  }

  async send(body) {
    try {
      const response = await fetch(this.url, { ...this.request, body });
      this.responseText = await response.text();
      this.status = response.status;
      this.statusText = response.statusText;
    } catch (error) {
      this.status = 0;
      this.statusText = String(error.cause ?? error);
    }
    this.readyState = 4;
    this.onreadystatechange();
  }
};

/**
 * What a Connection takes to reach a URL: ws or wss; rs or unix, which are RawSocket; http or https, which are long-poll.
 * It has a choice of serializers over WebSocket only.
 */
function transport({ JSONSerializer, MsgpackSerializer, CBORSerializer }, url, serializer) {
  const { protocol, hostname, port, pathname } = new URL(url);
  switch (protocol) {
    case "rs:":
      return { type: "rawsocket", host: hostname, port };
    case "unix:":
      return { type: "rawsocket", path: pathname };
    case "http:":
    case "https:":
      return { type: "longpoll", url };
    default: {
      const all = { json: JSONSerializer, msgpack: MsgpackSerializer, cbor: CBORSerializer };
      return { type: "websocket", url, serializers: [new all[serializer]()] };
    }
  }
}

module.exports = { installed, transport };

// wamp.js: WAMP for web pages, with the API of autobahn-js.
//
//     <script src="wamp.js"></script>
//     <script>
//       const connection = new autobahn.Connection({ url: "ws://127.0.0.1:8080/ws", realm: "realm1" });
//       connection.onopen = async (session, details) => {
//         await session.subscribe("chat.room", (args, kwargs, details) => console.log(args[0]));
//         await session.register("greet", (args, kwargs, details) => `hello ${args[0]}`);
//         console.log(await session.call("sum", [3, 5]));
//         session.publish("chat.room", ["hi"], { from: "Ada" });
//       };
//       connection.onclose = (reason, details) => console.log(reason, details.will_retry);
//       connection.open();
//     </script>
//
// A page written for autobahn-js runs with this file in its place, and the other way round. What is here:
//
// Connection   {url | transports, realm, authmethods, authid, authextra, onchallenge, max_retries,
//              initial_retry_delay, max_retry_delay, retry_delay_growth, retry_delay_jitter, retry_if_unreachable,
//              on_user_error, on_internal_error}; open, close, onopen, onclose; it connects again by itself.
// Session      call, register, subscribe, publish; unregister, unsubscribe; leave, prefix, resolve, log.
// Result, Error, Subscription, Registration.
//
// Where it differs from autobahn-js:
//
// - It speaks JSON only, has no helpers for authentication (`onchallenge` gets the challenge as it came), and needs a
//   browser that knows classes with private fields. All promises are the browser's own.
// - `autobahn.Error` is an `Error`, and what autobahn-js throws as a bare text is one, too.
// - Bytes are a `Uint8Array`, on the wire a string that begins with a zero and goes on in base64 (the specification's
//   binary conversion of JSON strings).
// - Progressive results come to the third argument of the `then` of the call's promise, not to those of promises
//   made from it.
// - Requests without an answer are rejected when the session ends (`wamp.error.network_failure`), and a cancelled
//   call is rejected when the router says so.
// - A router that goes down (`wamp.close.system_shutdown`) is taken for one that is lost: it is connected to again.
// - An `autobahn.Error` that a procedure throws is its answer and no bug: `on_user_error` is not told.
// - A cancelled invocation is answered by the session; what its procedure says later goes nowhere.
//
// No build step and no dependencies. In Node it is a CommonJS module and needs a global `WebSocket`.

(() => {
  "use strict";

  const HELLO = 1, WELCOME = 2, ABORT = 3, CHALLENGE = 4, AUTHENTICATE = 5, GOODBYE = 6, ERROR = 8;
  const PUBLISH = 16, PUBLISHED = 17, SUBSCRIBE = 32, SUBSCRIBED = 33, UNSUBSCRIBE = 34, UNSUBSCRIBED = 35, EVENT = 36;
  const CALL = 48, CANCEL = 49, RESULT = 50, REGISTER = 64, REGISTERED = 65, UNREGISTER = 66, UNREGISTERED = 67;
  const INVOCATION = 68, INTERRUPT = 69, YIELD = 70;

  const SUBPROTOCOL = "wamp.2.json";

  /** The state of a WebSocket that takes messages. */
  const IS_OPEN = 1;

  /** Close codes of a WebSocket that are ours to choose. */
  const NOT_AUTHENTICATED = 3000, PROTOCOL_VIOLATION = 3002;

  /** What we can do of the Advanced Profile, by role. */
  const FEATURES = {
    caller: ["caller_identification", "call_canceling", "progressive_call_results"],
    callee: ["caller_identification", "pattern_based_registration", "shared_registration", "call_canceling",
      "progressive_call_results", "registration_revocation"],
    publisher: ["publisher_identification", "subscriber_blackwhite_listing", "publisher_exclusion"],
    subscriber: ["publisher_identification", "pattern_based_subscription", "subscription_revocation"],
  };

  /** The features of a role, each with what `value` says of it. */
  const features = (role, value) => Object.fromEntries(FEATURES[role].map((name) => [name, value(name)]));

  const ROLES = Object.fromEntries(
    Object.keys(FEATURES).map((role) => [role, { features: features(role, () => true) }]),
  );

  // ---- JSON, with the specification's binary strings

  const encode = (message) =>
    JSON.stringify(message, (_key, value) => {
      if (value instanceof ArrayBuffer) value = new Uint8Array(value);
      return value instanceof Uint8Array ? "\0" + base64(value) : value;
    });

  const decode = (text) =>
    JSON.parse(text, (_key, value) => (typeof value === "string" && value[0] === "\0" ? bytes(value) : value));

  const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

  /** The bytes that a string stands for; the string itself where it is no base64. */
  function bytes(text) {
    try {
      return Uint8Array.from(atob(text.slice(1)), (char) => char.charCodeAt(0));
    } catch {
      return text;
    }
  }

  // ---- What sessions hand out

  /** Several results, or some with names: what a procedure may return, and a call may come back with. */
  class Result {
    constructor(args, kwargs) {
      this.args = args || [];
      this.kwargs = kwargs || {};
    }
  }

  /** An ERROR: thrown by a procedure it goes to the caller, with its URI and arguments; calls are rejected with it. */
  class WampError extends Error {
    constructor(error, args, kwargs) {
      super(args?.length ? `${error}: ${args.map(String).join(" ")}` : error);
      this.name = "autobahn.Error";
      this.error = error;
      this.args = args || [];
      this.kwargs = kwargs || {};
    }
  }

  /** One handler on a topic. `on_unsubscribe` resolves when it is no longer, with a reason if the router took it. */
  class Subscription {
    constructor(topic, handler, options, session, id) {
      Object.assign(this, { topic, handler, options: options || {}, session, id, active: true });
      this.on_unsubscribe = new Promise((resolve) => (this._ended = resolve));
    }

    unsubscribe() {
      return this.session.unsubscribe(this);
    }
  }

  /** A procedure that is offered. `on_unregister` resolves when it is no longer, with a reason if the router took it. */
  class Registration {
    constructor(procedure, endpoint, options, session, id) {
      Object.assign(this, { procedure, endpoint, options: options || {}, session, id, active: true });
      this.on_unregister = new Promise((resolve) => (this._ended = resolve));
    }

    unregister() {
      return this.session.unregister(this);
    }
  }

  const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  const isText = (value) => typeof value === "string";
  const isFunction = (value) => typeof value === "function";

  /** Checks an argument. */
  function expect(holds, what) {
    if (!holds) throw new TypeError(what);
  }

  /** The end of a message that carries a payload: nothing, arguments, or arguments and keyword arguments. */
  function payload(args, kwargs) {
    expect(!args || Array.isArray(args), "args must be an array");
    expect(!kwargs || isObject(kwargs), "kwargs must be an object");
    if (kwargs && Object.keys(kwargs).length > 0) return [args || [], kwargs];
    return args?.length ? [args] : [];
  }

  /** As autobahn-js hands out results: none is null, a single one comes bare, all else in a `Result`. */
  function unpacked(args = [], kwargs = {}) {
    if (args.length > 1 || Object.keys(kwargs).length > 0) return new Result(args, kwargs);
    return args.length === 1 ? args[0] : null;
  }

  /** Tells a handler of the application's, or the console, about something that went wrong. */
  function report(handler, error, what) {
    if (isFunction(handler)) handler(error, what);
    else console.error(`${what}:`, error);
  }

  /** A session on a realm. Made by a `Connection`, which hands it to `onopen`. */
  class Session {
    #socket;
    #options;
    #created = performance.now();
    #id = null;
    #realm = null;
    #features = null;
    #hasLeft = false;
    #requests = 0;
    /** Requests without an answer: id → {type, resolve, reject, …}. */
    #pending = new Map();
    /** Subscription id → its handlers; they share what the router has as one. */
    #subscriptions = new Map();
    #registrations = new Map();
    /** Ids of the invocations that still owe an answer. */
    #invocations = new Set();
    #prefixes = new Map();

    /** Whether calls and publications disclose who makes them, unless their options say. */
    caller_disclose_me = false;
    publisher_disclose_me = false;

    constructor(socket, options) {
      this.#socket = socket;
      this.#options = options;
    }

    get id() { return this.#id; }
    get realm() { return this.#realm; }
    get isOpen() { return this.#id !== null; }
    /** By role, the features that both we and the router have. */
    get features() { return this.#features; }
    get subscriptions() { return [...this.#subscriptions.values()]; }
    get registrations() { return [...this.#registrations.values()]; }

    join(realm, authmethods, authid, authextra) {
      expect(isText(realm), "the realm must be a string");
      this.#realm = realm;
      const details = { agent: "wamp.js", roles: ROLES };
      if (authmethods) details.authmethods = authmethods;
      if (authid) details.authid = authid;
      if (authextra) details.authextra = authextra;
      this.#send([HELLO, realm, details]);
    }

    leave(reason, message) {
      this.#expectOpen();
      this.#send([GOODBYE, message ? { message } : {}, reason || "wamp.close.normal"]);
      this.#hasLeft = true;
    }

    /**
     * Calls a procedure. The promise comes with `cancel({mode})`; with the option `receive_progress`, the third
     * argument of its `then` gets the progressive results.
     */
    call(procedure, args, kwargs, options) {
      const onProgress = [];
      const all = this.#withDisclosure(this.caller_disclose_me, options);
      const uri = this.#uri(procedure, "procedure");
      const { id, promise } = this.#ask(CALL, [all, uri, ...payload(args, kwargs)], { onProgress });
      promise.then = (done, failed, progress) => {
        if (progress) onProgress.push(progress);
        return Promise.prototype.then.call(promise, done, failed);
      };
      promise.cancel = (options) => {
        if (this.#pending.has(id)) this.#send([CANCEL, id, options || {}]);
      };
      return promise;
    }

    /** Publishes an event. With the option `acknowledge` it returns a promise of the publication's `{id}`. */
    publish(topic, args, kwargs, options) {
      const all = this.#withDisclosure(this.publisher_disclose_me, options);
      const rest = [all, this.#uri(topic, "topic"), ...payload(args, kwargs)];
      if (all.acknowledge) return this.#ask(PUBLISH, rest).promise;
      this.#request(PUBLISH, rest);
    }

    /**
     * Calls `handler(args, kwargs, details, subscription)` for every event; `details` has `topic`, `publication`,
     * `retained`, and `publisher` where that is disclosed. Returns a promise of the `Subscription`.
     */
    subscribe(topic, handler, options) {
      expect(isFunction(handler), "the handler must be a function");
      expect(!options || isObject(options), "options must be an object");
      const rest = [options || {}, this.#uri(topic, "topic")];
      return this.#ask(SUBSCRIBE, rest, { topic, handler, options }).promise;
    }

    /**
     * Offers a procedure: `endpoint(args, kwargs, details)` returns its result, a `Result`, or a promise of one.
     * `details` has `procedure`, `caller` where that is disclosed, and `progress(args, kwargs)`, null unless the caller
     * takes progress. Returns a promise of the `Registration`.
     */
    register(procedure, endpoint, options) {
      expect(isFunction(endpoint), "the endpoint must be a function");
      expect(!options || isObject(options), "options must be an object");
      const rest = [options || {}, this.#uri(procedure, "procedure")];
      return this.#ask(REGISTER, rest, { procedure, endpoint, options }).promise;
    }

    /** Takes a handler away; the promise is of whether it was the topic's last. */
    unsubscribe(subscription) {
      expect(subscription instanceof Subscription, "that is no Subscription");
      this.#expectOpen();
      const handlers = this.#subscriptions.get(subscription.id);
      if (!subscription.active || !handlers) throw new Error("subscription not active");
      subscription.active = false;
      handlers.splice(handlers.indexOf(subscription), 1);
      if (handlers.length > 0) {
        subscription._ended();
        return Promise.resolve(false);
      }
      return this.#ask(UNSUBSCRIBE, [subscription.id], { subscription }).promise;
    }

    /** Offers a procedure no longer. */
    unregister(registration) {
      expect(registration instanceof Registration, "that is no Registration");
      this.#expectOpen();
      if (!registration.active) throw new Error("registration not active");
      registration.active = false;
      return this.#ask(UNREGISTER, [registration.id], { registration }).promise;
    }

    /** Lets `prefix:rest` stand for `uri.rest`; without a URI no longer. */
    prefix(prefix, uri) {
      if (uri) this.#prefixes.set(prefix, uri);
      else this.#prefixes.delete(prefix);
    }

    resolve(curie) {
      const colon = curie.indexOf(":");
      const uri = this.#prefixes.get(curie.slice(0, Math.max(colon, 0)));
      return uri === undefined ? curie : `${uri}.${curie.slice(colon + 1)}`;
    }

    /** Writes to the console, under the session's name and age. */
    log(...what) {
      const age = (performance.now() - this.#created).toFixed(0);
      console.group(this.isOpen ? `WAMP session ${this.#id} on '${this.#realm}' at ${age} ms` : "WAMP session");
      what.forEach((item) => console.log(item));
      console.groupEnd();
    }

    // ---- What its connection tells it

    /** Takes a message from the router. */
    _receive(text) {
      let message;
      try {
        message = decode(text);
      } catch {
        return this.#violated("a message that is no JSON");
      }
      const handlers = this.isOpen ? this.#whileOpen : this.#whileJoining;
      const handle = handlers[message[0]];
      if (handle) handle(...message.slice(1));
      else this.#violated(`a message of type ${message[0]}`);
    }

    /** The connection has gone: nothing that was asked will be answered. */
    _end() {
      this.#id = null;
      const pending = [...this.#pending.values()];
      this.#pending.clear();
      const why = "the session ended before the answer came";
      pending.forEach(({ reject }) => reject(new WampError("wamp.error.network_failure", [why])));
    }

    // ---- Messages in

    #whileJoining = {
      [WELCOME]: (id, details) => {
        this.#id = id;
        this.#features = shared(details.roles || {});
        this.onjoin?.(details);
      },
      [ABORT]: (details, reason) => this.onleave?.(reason, details),
      [CHALLENGE]: (method, extra) => {
        const { onchallenge, on_user_error } = this.#options;
        new Promise((resolve) => {
          if (!isFunction(onchallenge)) throw new Error(`the router asks for ${method}, and onchallenge is not set`);
          resolve(onchallenge(this, method, extra));
        }).then(
          (answer) => {
            const [signature, details] = Array.isArray(answer) ? answer : [answer];
            this.#send([AUTHENTICATE, signature, details || {}]);
          },
          (error) => {
            report(on_user_error, error, "cannot authenticate");
            this.#send([ABORT, { message: "cannot authenticate" }, "wamp.error.cannot_authenticate"]);
            this.#socket.close(NOT_AUTHENTICATED);
          },
        );
      },
    };

    #whileOpen = {
      [GOODBYE]: (details, reason) => {
        if (!this.#hasLeft) this.#send([GOODBYE, {}, "wamp.close.goodbye_and_out"]);
        this.#id = null;
        this.onleave?.(reason, details);
      },
      [ERROR]: (type, id, _details, error, args, kwargs) =>
        this.#answered(type, id)?.reject(new WampError(error, args, kwargs)),
      [PUBLISHED]: (id, publication) => this.#answered(PUBLISH, id)?.resolve({ id: publication }),
      [SUBSCRIBED]: (id, subscription) => {
        const asked = this.#answered(SUBSCRIBE, id);
        if (!asked) return;
        const { topic, handler, options, resolve } = asked;
        const made = new Subscription(topic, handler, options, this, subscription);
        if (!this.#subscriptions.has(subscription)) this.#subscriptions.set(subscription, []);
        this.#subscriptions.get(subscription).push(made);
        resolve(made);
      },
      [UNSUBSCRIBED]: (id, details) => {
        if (id === 0) return this.#subscriptionEnded(details.subscription, details.reason);
        const asked = this.#answered(UNSUBSCRIBE, id);
        if (!asked) return;
        asked.subscription._ended();
        this.#subscriptionEnded(asked.subscription.id);
        asked.resolve(true);
      },
      [EVENT]: (subscription, publication, details, args = [], kwargs = {}) => {
        const handlers = this.#subscriptions.get(subscription);
        if (!handlers) return this.#violated(`an event for the unknown subscription ${subscription}`);
        // The topic is told for a pattern only.
        const event = { topic: handlers[0]?.topic, retained: false, ...details, publication };
        // A copy: a handler may take itself away.
        [...handlers].forEach((one) => this.#guarded("an event handler", one.handler, args, kwargs, event, one));
      },
      [RESULT]: (id, details, args, kwargs) => {
        const result = unpacked(args, kwargs);
        if (!details.progress) return this.#answered(CALL, id)?.resolve(result);
        const onProgress = this.#pending.get(id)?.onProgress || [];
        onProgress.forEach((handler) => this.#guarded("a handler of progressive results", handler, result));
      },
      [REGISTERED]: (id, registration) => {
        const asked = this.#answered(REGISTER, id);
        if (!asked) return;
        const { procedure, endpoint, options, resolve } = asked;
        const made = new Registration(procedure, endpoint, options, this, registration);
        this.#registrations.set(registration, made);
        resolve(made);
      },
      [UNREGISTERED]: (id, details) => {
        if (id === 0) return this.#registrationEnded(details.registration, details.reason);
        const asked = this.#answered(UNREGISTER, id);
        if (!asked) return;
        this.#registrationEnded(asked.registration.id);
        asked.resolve();
      },
      [INVOCATION]: (id, registration, details, args = [], kwargs = {}) => {
        const registered = this.#registrations.get(registration);
        if (!registered) return this.#violated(`an invocation of the unknown registration ${registration}`);
        this.#invocations.add(id);
        const progress = details.receive_progress
          ? (args, kwargs) => this.#invocations.has(id) && this.#yield(id, { progress: true }, args, kwargs)
          : null;
        const invocation = { procedure: registered.procedure, ...details, progress };
        new Promise((resolve) => resolve(registered.endpoint(args, kwargs, invocation)))
          .then((result) => {
            const { args, kwargs } = result instanceof Result ? result : { args: [result] };
            if (this.#invocations.has(id)) this.#yield(id, {}, args, kwargs);
            this.#invocations.delete(id);
          })
          .catch((error) => this.#refuse(id, error));
      },
      [INTERRUPT]: (id) => this.#refuse(id, new WampError("wamp.error.canceled")),
    };

    #yield(id, options, args, kwargs) {
      this.#send([YIELD, id, options, ...payload(args, kwargs)]);
    }

    /** Answers an invocation with what its procedure threw, unless it has been answered. */
    #refuse(id, error) {
      const isAnswer = error instanceof WampError;
      if (!isAnswer) report(this.#options.on_user_error, error, "a procedure failed");
      const { error: uri, args, kwargs } = isAnswer
        ? error
        : { error: "wamp.error.runtime_error", args: [error instanceof Error ? error.message : String(error)] };
      if (this.#invocations.delete(id)) this.#send([ERROR, INVOCATION, id, {}, uri, ...payload(args, kwargs)]);
    }

    #subscriptionEnded(id, reason) {
      const handlers = this.#subscriptions.get(id) || [];
      this.#subscriptions.delete(id);
      handlers.forEach((subscription) => {
        subscription.active = false;
        subscription._ended(reason);
      });
    }

    #registrationEnded(id, reason) {
      const registration = this.#registrations.get(id);
      if (!registration) return;
      this.#registrations.delete(id);
      registration.active = false;
      registration._ended(reason);
    }

    /** Takes the request that an answer is for; without one, the router has broken the protocol. */
    #answered(type, id) {
      const asked = this.#pending.get(id);
      if (asked?.type !== type) return this.#violated(`an answer to request ${id}, which is not waiting`);
      this.#pending.delete(id);
      return asked;
    }

    #violated(what) {
      report(this.#options.on_internal_error, new Error(what), "the router broke the protocol");
      this.#socket.close(PROTOCOL_VIOLATION, "protocol violation");
    }

    /** Calls the application; what it throws ends nothing. */
    #guarded(who, handler, ...args) {
      try {
        handler(...args);
      } catch (error) {
        report(this.#options.on_user_error, error, `${who} failed`);
      }
    }

    // ---- Messages out

    /** Sends a request, and keeps what its answer will need. */
    #ask(type, rest, more) {
      const id = this.#request(type, rest);
      const promise = new Promise((resolve, reject) => {
        this.#pending.set(id, { ...more, type, resolve, reject });
      });
      return { id, promise };
    }

    /** Sends a request under the next id, which is used up only if the request can be sent. */
    #request(type, rest) {
      this.#expectOpen();
      const text = encode([type, this.#requests + 1, ...rest]);
      this.#requests += 1;
      this.#socket.send(text);
      return this.#requests;
    }

    /** Sends what asks for no answer; nothing follows a GOODBYE, and what comes too late is dropped. */
    #send(message) {
      const text = encode(message);
      if (!this.#hasLeft && this.#socket.readyState === IS_OPEN) this.#socket.send(text);
    }

    #expectOpen() {
      if (!this.isOpen || this.#hasLeft) throw new Error("session not open");
    }

    #uri(uri, what) {
      expect(isText(uri), `the ${what} must be a string`);
      return this.resolve(uri);
    }

    #withDisclosure(byDefault, options) {
      expect(!options || isObject(options), "options must be an object");
      return byDefault ? { disclose_me: true, ...options } : { ...options };
    }
  }

  /** By role, the features that we share with a router's roles. */
  function shared({ broker, dealer }) {
    const common = (router, roles) =>
      router ? roles.map((role) => [role, features(role, (name) => router.features?.[name])]) : [];
    return Object.fromEntries([
      ...common(broker, ["publisher", "subscriber"]),
      ...common(dealer, ["caller", "callee"]),
    ]);
  }

  /** A normally distributed number, so that clients of one router do not come back to it all at once. */
  function jittered(mean, deviation) {
    const distance = Math.sqrt(-2 * Math.log(1 - Math.random()));
    return Math.max(0, mean + mean * deviation * distance * Math.cos(2 * Math.PI * Math.random()));
  }

  /** A connection to a router that opens a session, and opens another when it is lost. */
  class Connection {
    #options;
    #url;
    #socket = null;
    #session = null;
    #retry = { wanted: false, count: 0, delay: 0, timer: null };
    #hasEverConnected = false;
    /** What the router gave as the end of the session: {reason, message}. */
    #ending = { reason: null, message: null };

    constructor(options) {
      const transports = options.transports || [{ type: "websocket" }];
      const url = transports.find(({ type }) => type === "websocket")?.url || options.url;
      expect(isText(url), "a Connection needs the url of the router");
      this.#url = url;
      this.#options = {
        max_retries: 15,
        initial_retry_delay: 1.5,
        max_retry_delay: 300,
        retry_delay_growth: 1.5,
        retry_delay_jitter: 0.1,
        retry_if_unreachable: true,
        ...options,
      };
    }

    get session() { return this.#session; }
    get isOpen() { return this.#session?.isOpen || false; }
    get isConnected() { return this.#socket !== null; }
    /** Whether it is lost, and about to connect again. */
    get isRetrying() { return this.#retry.timer !== null; }
    get transport() {
      const protocol = this.#socket?.protocol || null;
      return { info: { type: this.#socket ? "websocket" : "none", url: this.#socket ? this.#url : null, protocol } };
    }

    open() {
      if (this.#socket || this.isRetrying) throw new Error("connection already open (or opening)");
      this.#retry = { wanted: true, count: 0, delay: this.#options.initial_retry_delay, timer: null };
      this.#connect();
    }

    close(reason, message) {
      if (!this.#socket && !this.isRetrying) throw new Error("connection already closed");
      clearTimeout(this.#retry.timer);
      this.#retry.timer = null;
      this.#retry.wanted = false;
      if (this.isOpen) this.#session.leave(reason, message);
      else this.#socket?.close();
    }

    #connect() {
      this.#retry.timer = null;
      this.#ending = { reason: null, message: null };
      let socket;
      try {
        socket = new WebSocket(this.#url, [SUBPROTOCOL]);
      } catch (error) {
        report(this.#options.on_internal_error, error, "cannot make a WebSocket");
        return this.#tellClosed("unsupported", { retry_delay: null, retry_count: null, will_retry: false });
      }
      const { realm, authmethods, authid, authextra } = this.#options;
      const session = new Session(socket, this.#options);
      session.onjoin = (details) => this.#joined(session, details);
      session.onleave = (reason, details) => {
        this.#ending = { reason, message: details.message || "" };
        if (reason !== "wamp.close.system_shutdown") this.#retry.wanted = false;
        socket.close();
      };
      socket.onopen = () => {
        this.#hasEverConnected = true;
        session.join(realm, authmethods, authid, authextra);
      };
      socket.onmessage = ({ data }) => session._receive(data);
      socket.onclose = ({ wasClean }) => this.#closed(wasClean);
      this.#socket = socket;
      this.#session = session;
    }

    #joined(session, details) {
      this.#retry.count = 0;
      this.#retry.delay = this.#options.initial_retry_delay;
      details.transport = this.transport.info;
      try {
        this.onopen?.(session, details);
      } catch (error) {
        report(this.#options.on_user_error, error, "onopen failed");
      }
    }

    /** The WebSocket has gone, or never was. */
    #closed(wasClean) {
      this.#socket = null;
      this.#session._end();
      const reason = this.#hasEverConnected ? (wasClean ? "closed" : "lost") : "unreachable";
      if (reason === "unreachable" && !this.#options.retry_if_unreachable) this.#retry.wanted = false;
      const next = this.#nextRetry();
      const stop = this.#tellClosed(reason, next);
      this.#session = null;
      if (next.will_retry && stop !== true && this.#retry.wanted) {
        this.#retry.timer = setTimeout(() => this.#connect(), next.retry_delay * 1000);
      }
    }

    #nextRetry() {
      const { max_retries, max_retry_delay, retry_delay_growth, retry_delay_jitter } = this.#options;
      const count = this.#retry.count + 1;
      if (!this.#retry.wanted || (max_retries !== -1 && count > max_retries)) {
        return { retry_delay: null, retry_count: null, will_retry: false };
      }
      const delay = Math.min(jittered(this.#retry.delay, retry_delay_jitter), max_retry_delay);
      this.#retry.count = count;
      this.#retry.delay = delay * retry_delay_growth;
      return { retry_delay: delay, retry_count: count, will_retry: true };
    }

    #tellClosed(reason, next) {
      try {
        return this.onclose?.(reason, { ...this.#ending, ...next });
      } catch (error) {
        report(this.#options.on_user_error, error, "onclose failed");
      }
    }
  }

  const autobahn = {
    version: "wamp.js",
    Connection,
    Session,
    Result,
    Error: WampError,
    Subscription,
    Registration,
  };

  if (typeof module === "object" && module.exports) module.exports = autobahn;
  else globalThis.autobahn = autobahn;
})();

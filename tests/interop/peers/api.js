// What a page sees of autobahn-js's API, as one value: run with one library and with the other, it is to be the same.
async (url, name) => {
  const uri = (rest) => `com.api.${name}.${rest}`;
  const sessions = (rest) => new autobahn.Connection({ url, realm: "realm1", max_retries: 0, on_user_error: () => {}, ...rest });
  const thrown = (what) => {
    try {
      what();
      return null;
    } catch (error) {
      return error.message ?? error;
    }
  };
  const settled = (promise) => promise.then((value) => ({ value }), ({ error, args, kwargs }) => ({ error, args, kwargs }));
  const shown = (result) =>
    result instanceof autobahn.Result ? { args: result.args, kwargs: result.kwargs } : result;
  const next = () => {
    let resolve;
    const promise = new Promise((done) => (resolve = done));
    return { promise, resolve };
  };
  const seen = {};

  const connection = sessions();
  const states = () => [connection.isOpen, connection.isConnected, connection.isRetrying];
  seen.states = [states()];
  seen.closedBeforeItWasOpen = thrown(() => connection.close());
  const ended = next();
  connection.onclose = (how, { reason, message, ...retry }) => ended.resolve({ how, reason, message, retry });
  const opened = next();
  connection.onopen = (session, details) => opened.resolve({ session, details });
  connection.open();
  const { session, details } = await opened.promise;
  seen.states.push(states());
  seen.openedTwice = thrown(() => connection.open());
  seen.session = [session.isOpen, session.id > 0, session.realm, connection.session === session];
  seen.details = [details.authrole, details.transport.protocol, details.transport.type];
  seen.features = [session.features.caller.call_canceling, Object.keys(session.features).sort()];

  // Results.
  const registration = await session.register(uri("f"), (args, kwargs, details) => {
    if (args[0] === "throw") throw new autobahn.Error("com.api.no", ["why", 1], { more: true });
    if (args[0] === "details") return [details.procedure === uri("f"), details.progress];
    if (args[0] === "later") return new Promise((resolve) => setTimeout(() => resolve("late"), 1));
    return new autobahn.Result(args, kwargs);
  });
  const call = (...rest) => session.call(uri("f"), ...rest).then(shown);
  seen.registration = [registration.active, registration.id > 0, registration.procedure === uri("f")];
  seen.result = {
    none: await call(),
    one: await call([7]),
    list: await call([[1, 2]]),
    two: await call([1, "b"]),
    named: await call([], { x: 1 }),
    nullArguments: await call(null, { x: 1 }),
    details: await call(["details"]),
    later: await call(["later"]),
  };
  const taken = settled(session.register(uri("f"), () => 1));
  seen.refused = {
    thrown: await settled(call(["throw"])),
    isError: await call(["throw"]).catch((error) => error instanceof autobahn.Error),
    nobody: (await settled(session.call(uri("nobody")))).error,
    taken: (await taken).error,
    uri: (await settled(session.call(".."))).error,
    publish: (await settled(session.publish("..", [], {}, { acknowledge: true }))).error,
  };

  // Events.
  const events = [];
  let arrived = next();
  const hear = (who) => (args, kwargs, details) => {
    events.push({ who, args, kwargs, topic: details.topic === uri("t"), publication: details.publication > 0 });
    arrived.resolve();
  };
  const [one, two] = [await session.subscribe(uri("t"), hear(1)), await session.subscribe(uri("t"), hear(2))];
  seen.sameSubscription = one.id === two.id;
  const toUs = { acknowledge: true, exclude_me: false };
  seen.publication = (await session.publish(uri("t"), ["a"], { k: 1 }, toUs)).id > 0;
  seen.unacknowledged = session.publish(uri("t"), ["not to us"]);
  await arrived.promise;
  seen.unsubscribed = [await one.unsubscribe(), one.active];
  arrived = next();
  await session.publish(uri("t"), null, null, toUs);
  await arrived.promise;
  seen.unsubscribed.push(await session.unsubscribe(two), two.active, thrown(() => two.unsubscribe()) !== null);
  seen.events = events;

  // Names.
  session.prefix("api", uri("f").replace(/\.f$/, ""));
  seen.resolved = [session.resolve("api:f") === uri("f"), session.resolve("no:f"), session.resolve("f")];
  seen.byPrefix = await session.call("api:f", [1]);
  session.prefix("api");
  seen.resolved.push(session.resolve("api:f"));

  await registration.unregister();
  seen.unregistered = [registration.active, (await settled(call())).error];
  connection.close("wamp.close.normal", "done");
  seen.ended = await ended.promise;
  seen.states.push(states());
  seen.afterwards = [session.isOpen, thrown(() => session.call("f")), thrown(() => connection.close())];

  // A realm that is not there.
  const refused = sessions({ realm: "nowhere", max_retries: -1 });
  const why = next();
  refused.onclose = (how, { reason, message, will_retry }) => why.resolve({ how, reason, message, will_retry });
  refused.open();
  seen.noSuchRealm = await why.promise;

  // A router that is not there: retried as often as it may be, or until the page has enough of it.
  const attempts = (enough) =>
    new Promise((resolve) => {
      const told = [];
      const away = new autobahn.Connection({
        url: "ws://127.0.0.1:1/ws",
        realm: "realm1",
        max_retries: 2,
        initial_retry_delay: 0.01,
      });
      away.onclose = (how, { will_retry, retry_count, retry_delay, reason }) => {
        told.push([how, will_retry, retry_count, retry_delay > 0, reason]);
        if (!will_retry || told.length === enough) setTimeout(() => resolve({ told, connected: away.isConnected }));
        return told.length === enough;
      };
      away.open();
    });
  seen.attempts = [await attempts(3), await attempts(1)];
  return seen;
}

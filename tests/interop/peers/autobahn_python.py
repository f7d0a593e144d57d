"""A session of autobahn-python on asyncio that does what it is told.

    autobahn_python.py URL SERIALIZER [REALM]

The URL is of ws or wss, or of rs or rss, which are RawSocket; a serializer `json.batched` is for the former.
Joins the realm (by default `realm1`), prints {"ready": SESSION, "authid": A, "authrole": R}, then takes one JSON
object a line on stdin and answers each with one on stdout. An end of file on stdin ends the session.

    {"do": "register", "procedure": P, "as": BEHAVIOUR}                    {"registered": REGISTRATION}
    {"do": "unregister", "procedure": P}                                   {"unregistered": P}
    {"do": "call", "procedure": P, "args": [..], "kwargs": {..}}           {"args": [..], "kwargs": {..}}
    {"do": "cancel", "mode": M}                                            the call that is under way answers
    {"do": "answer"}                                                       {"answered": P}
    {"do": "subscribe", "topic": T}                                        {"subscribed": SUBSCRIPTION}
    {"do": "unsubscribe", "topic": T}                                      {"unsubscribed": T}
    {"do": "publish", "topic": T, "args": [..], "kwargs": {..}}            {"published": PUBLICATION}

An ERROR makes the answer {"error": URI, "args": [..], "kwargs": {..}}. "options" are those of the message, by the
specification's names, as far as the library takes them. A procedure behaves as

    echo       returns what it is given
    sum        adds up
    refuse     answers with an ERROR com.example.refused
    count      sends each argument as a progressive result if that is wanted, and adds up
    describe   returns its own session and what it is told of the call
    wait       answers when "answer" tells it to

In between stand, as they come: {"event": {"topic", "match", "publication", "args", "kwargs"}}, with publisher and
retained where the details have them; {"progress": {"args", "kwargs"}}; {"invoked": P} and {"interrupted": P} of a
procedure that waits; {"left": {"reason", "message"}} when the router has ended the session.
Bytes are strings that begin with a NUL, then base64, in both directions.
"""

import asyncio
import base64
import json
import sys

import txaio
from autobahn.asyncio.wamp import ApplicationRunner, ApplicationSession
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.serializer import CBORSerializer, JsonSerializer, MsgPackSerializer
from autobahn.wamp.types import CallOptions, CallResult, PublishOptions, RegisterOptions, SubscribeOptions

SERIALIZERS = {"json": JsonSerializer, "msgpack": MsgPackSerializer, "cbor": CBORSerializer}


def say(**said):
    print(json.dumps(said, default=as_text), flush=True)


def as_text(data):
    # wampy's CBOR marks bytes as a typed array, with a tag that cbor2 leaves to us.
    return "\0" + base64.b64encode(getattr(data, "value", data)).decode()


def with_bytes(value):
    """Turns the strings that stand for bytes into bytes."""
    if isinstance(value, str) and value.startswith("\0"):
        return base64.b64decode(value[1:])
    if isinstance(value, list):
        return [with_bytes(item) for item in value]
    if isinstance(value, dict):
        return {key: with_bytes(item) for key, item in value.items()}
    return value


def told(details, *names):
    """What the details of an event or a call hold, without what they leave open."""
    return {name: getattr(details, name) for name in names if getattr(details, name)}


class Behaviours:
    """What a procedure can do; `waiting` are the calls that wait for an answer."""

    def __init__(self, session):
        self.session, self.waiting = session, []

    def echo(self, *args, details, **kwargs):
        return CallResult(*args, **kwargs)

    def sum(self, *args, details):
        return sum(args)

    def refuse(self, *args, details, **kwargs):
        raise ApplicationError("com.example.refused", *args, **kwargs)

    def count(self, *args, details):
        if details.progress:
            for item in args:
                details.progress(item, of=len(args))
        return sum(args)

    def describe(self, details):
        return CallResult(
            session=self.session, **told(details, "procedure", "caller", "caller_authid", "caller_authrole")
        )

    async def wait(self, *args, details):
        call = details.procedure, asyncio.get_running_loop().create_future()
        self.waiting.append(call)
        say(invoked=details.procedure)
        try:
            await call[1]
        except asyncio.CancelledError:
            self.waiting.remove(call)
            say(interrupted=details.procedure)
            raise ApplicationError(ApplicationError.CANCELED)
        return CallResult(*args)


class Peer(ApplicationSession):
    async def onJoin(self, details):
        self.behaviours = Behaviours(details.session)
        self.registered, self.subscribed = {}, {}
        say(ready=details.session, authid=details.authid, authrole=details.authrole)
        # Nobody but these two holds the task that reads and those that obey: without them they are collected.
        self.lines, self.obeyed = asyncio.StreamReader(limit=1 << 20), []
        protocol = asyncio.StreamReaderProtocol(self.lines)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
        async for line in self.lines:
            self.obeyed.append(asyncio.create_task(self.obey(**json.loads(line))))
        self.leave()

    async def obey(self, do, args=(), kwargs={}, options={}, **order):
        try:
            await getattr(self, "do_" + do)(with_bytes(list(args)), with_bytes(kwargs), options, **order)
        except ApplicationError as error:
            say(error=error.error, args=error.args, kwargs=error.kwargs)

    async def do_register(self, _args, _kwargs, options, procedure, **order):
        behaviour = getattr(self.behaviours, order["as"])
        registration = await self.register(behaviour, procedure, RegisterOptions(**options, details_arg="details"))
        self.registered[procedure] = registration
        say(registered=registration.id)

    async def do_unregister(self, _args, _kwargs, _options, procedure):
        await self.registered.pop(procedure).unregister()
        say(unregistered=procedure)

    async def do_call(self, args, kwargs, options, procedure):
        if options.pop("receive_progress", False):
            options["on_progress"] = lambda result: say(progress={"args": result.results, "kwargs": result.kwresults})
        self.under_way = self.call(procedure, *args, **kwargs, options=CallOptions(**options, details=True))
        try:
            result = await self.under_way
            say(args=result.results, kwargs=result.kwresults)
        except asyncio.CancelledError:
            # The library does not wait for the router's ERROR.
            say(error=ApplicationError.CANCELED, args=[], kwargs={})

    async def do_cancel(self, _args, _kwargs, _options, mode=None):
        assert mode is None, "the library has no modes"
        self.under_way.cancel()

    async def do_answer(self, _args, _kwargs, _options):
        procedure, answer = self.behaviours.waiting.pop(0)
        answer.set_result(None)
        say(answered=procedure)

    async def do_subscribe(self, _args, _kwargs, options, topic):
        match = options.get("match", "exact")

        def on_event(*args, details, **kwargs):
            more = told(details, "publisher", "publisher_authid", "publisher_authrole", "retained")
            event = {"topic": details.topic, "match": match, "publication": details.publication, **more}
            say(event={**event, "args": args, "kwargs": kwargs})

        subscription = await self.subscribe(on_event, topic, SubscribeOptions(**options, details_arg="details"))
        self.subscribed[topic] = subscription
        say(subscribed=subscription.id)

    async def do_unsubscribe(self, _args, _kwargs, _options, topic):
        await self.subscribed.pop(topic).unsubscribe()
        say(unsubscribed=topic)

    async def do_publish(self, args, kwargs, options, topic):
        options = PublishOptions(**options, acknowledge=True)
        published = await self.publish(topic, *args, **kwargs, options=options)
        say(published=published.id)

    def onUserError(self, fail, msg):
        """What a procedure raises goes to its caller, and needs no log line here."""

    def onLeave(self, details):
        """By default this logs a GOODBYE that is answered as the specification has it."""
        if not self._goodbye_sent:
            say(left={"reason": details.reason, "message": details.message})
        self.disconnect()

    def onDisconnect(self):
        asyncio.get_running_loop().stop()


if __name__ == "__main__":
    url, serializer, realm = [*sys.argv[1:], "realm1"][:3]
    # Answers are all that goes to stdout.
    txaio.start_logging(out=sys.stderr, level="warn")
    serializer, _, batched = serializer.partition(".")
    ApplicationRunner(url, realm, serializers=[SERIALIZERS[serializer](batched=bool(batched))]).run(Peer)

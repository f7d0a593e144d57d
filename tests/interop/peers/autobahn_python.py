"""A session of autobahn-python on asyncio that does what it is told.

    autobahn_python.py URL SERIALIZER

Joins `realm1`, prints {"ready": SESSION}, then takes one JSON object a line on stdin and answers each, in turn,
with one on stdout. An end of file on stdin ends the session.

    {"do": "register", "procedure": P, "as": "echo" | "sum" | "refuse"}    {"registered": P}
    {"do": "call", "procedure": P, "args": [..], "kwargs": {..}}           {"args": [..], "kwargs": {..}}, {"error": URI, ..}
    {"do": "subscribe", "topic": T, "match": "exact" | ..}                 {"subscribed": T}
    {"do": "publish", "topic": T, "args": [..], "kwargs": {..}}            {"published": PUBLICATION}

In between stand {"event": {"topic", "match", "publication", "args", "kwargs"}} for each event as it comes.
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
from autobahn.wamp.types import CallOptions, CallResult, PublishOptions, SubscribeOptions

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


def echo(*args, **kwargs):
    return CallResult(*args, **kwargs)


def sum_of(*args):
    return sum(args)


def refuse(*args, **kwargs):
    raise ApplicationError("com.example.refused", *args, **kwargs)


class Peer(ApplicationSession):
    procedures = {"echo": echo, "sum": sum_of, "refuse": refuse}

    async def onJoin(self, details):
        say(ready=details.session)
        try:
            await self.follow_orders()
        finally:
            self.leave()

    async def follow_orders(self):
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        async for line in lines:
            order = json.loads(line)
            args, kwargs = with_bytes(order.get("args", [])), with_bytes(order.get("kwargs", {}))
            await getattr(self, "do_" + order["do"])(order, args, kwargs)

    async def do_register(self, order, _args, _kwargs):
        await self.register(self.procedures[order["as"]], order["procedure"])
        say(registered=order["procedure"])

    async def do_call(self, order, args, kwargs):
        try:
            result = await self.call(order["procedure"], *args, **kwargs, options=CallOptions(details=True))
            say(args=result.results, kwargs=result.kwresults)
        except ApplicationError as error:
            say(error=error.error, args=error.args, kwargs=error.kwargs)

    async def do_subscribe(self, order, _args, _kwargs):
        match = order["match"]

        def on_event(*args, details, **kwargs):
            event = {"topic": details.topic, "match": match, "publication": details.publication}
            say(event={**event, "args": args, "kwargs": kwargs})

        await self.subscribe(on_event, order["topic"], options=SubscribeOptions(match=match, details_arg="details"))
        say(subscribed=order["topic"])

    async def do_publish(self, order, args, kwargs):
        published = await self.publish(order["topic"], *args, **kwargs, options=PublishOptions(acknowledge=True))
        say(published=published.id)

    def onUserError(self, fail, msg):
        """What a procedure raises goes to its caller, and needs no log line here."""

    def onLeave(self, details):
        """By default this logs a GOODBYE that is answered as the specification has it."""
        self.disconnect()

    def onDisconnect(self):
        asyncio.get_running_loop().stop()


if __name__ == "__main__":
    url, serializer = sys.argv[1:]
    # Answers are all that goes to stdout.
    txaio.start_logging(out=sys.stderr, level="warn")
    ApplicationRunner(url, "realm1", serializers=[SERIALIZERS[serializer]()]).run(Peer)

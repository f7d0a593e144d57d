"""A WebSocket that echoes, and one that talks to whoever echoes, as autobahn-python's own examples do.

    echo.py server              listens on a free port of loopback and prints its URL first
    echo.py client URL TIMES    sends a text, the 16 bytes of a UUID, and four more, TIMES times, and closes once all came back

Both say what they get: text as text, 16 bytes as the UUID they are, anything else in hex; the client also which UUIDs it sends.
"""

import asyncio
import sys
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from autobahn.asyncio.websocket import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)

INTERVAL_SECONDS = 0.05


def show(payload, isBinary):
    if not isBinary:
        say(f"text received: {payload.decode()}")
    elif len(payload) == 16:
        say(f"UUID received: {UUID(bytes=payload)}")
    else:
        say(f"binary received: {len(payload)} bytes, {payload.hex()}")


def say(line):
    print(line, flush=True)


class Server(WebSocketServerProtocol):
    def onMessage(self, payload, isBinary):
        show(payload, isBinary)
        self.sendMessage(payload, isBinary)

    def onClose(self, wasClean, code, reason):
        say(f"closed: {code} {reason!r}, clean: {wasClean}")


class Client(WebSocketClientProtocol):
    rounds = received = 0

    def onOpen(self):
        if self.rounds == self.factory.times:
            return
        self.rounds += 1
        uuid = uuid4()
        say(f"UUID sent: {uuid}")
        self.sendMessage(f"© Hellø wørld {self.rounds}!".encode())
        self.sendMessage(uuid.bytes, isBinary=True)
        self.sendMessage(b"\x00\x01\x03\x04", isBinary=True)
        self.factory.loop.call_later(INTERVAL_SECONDS, self.onOpen)

    def onMessage(self, payload, isBinary):
        show(payload, isBinary)
        self.received += 1
        if self.received == 3 * self.factory.times:
            self.sendClose(1000, "that was all")

    def onClose(self, wasClean, code, reason):
        say(f"closed: {code} {reason!r}, clean: {wasClean}")
        self.factory.loop.stop()


async def serve():
    factory = WebSocketServerFactory()
    factory.protocol = Server
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    say("ws://127.0.0.1:%d" % server.sockets[0].getsockname()[1])


async def talk(url, times):
    factory = WebSocketClientFactory(url)
    factory.protocol = Client
    factory.times = int(times)
    address = urlsplit(url)
    await asyncio.get_running_loop().create_connection(factory, address.hostname, address.port)


if __name__ == "__main__":
    role, *args = sys.argv[1:]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete({"server": serve, "client": talk}[role](*args))
    loop.run_forever()

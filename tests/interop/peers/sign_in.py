"""Signs in with autobahn-python, once for each line of stdin, and says how that went.

    {"url": URL, "serializer": S, "authentication": A}      {"authid", "authrole", "authmethod"} or {"refused": REASON}

The URL is of ws, wss, rs, rss or unix; the last three are RawSocket. A is what the library's `Component` calls
authentication.
"""

import asyncio
import json
import sys
from urllib.parse import urlsplit

import txaio
from autobahn.asyncio.component import Component

txaio.use_asyncio()


def transport(url, serializer):
    """What a `Component` takes to reach a URL."""
    parts = urlsplit(url)
    if parts.scheme in ("ws", "wss"):
        return {"type": "websocket", "url": url, "serializers": [serializer], "max_retries": 0}
    if parts.scheme == "unix":
        endpoint = {"type": "unix", "path": parts.path}
    else:
        endpoint = {"type": "tcp", "host": parts.hostname, "port": parts.port, "tls": parts.scheme == "rss"}
    return {"type": "rawsocket", "endpoint": endpoint, "serializer": serializer, "max_retries": 0}


async def sign_in(url, serializer, authentication):
    component = Component(transports=[transport(url, serializer)], realm="realm1", authentication=authentication)
    said = []

    @component.on_join
    def joined(session, details):
        said.append({"authid": details.authid, "authrole": details.authrole, "authmethod": details.authmethod})
        session.leave()

    @component.on_leave
    def left(session, details):
        said.append({"refused": details.reason})

    try:
        await component.start(asyncio.get_running_loop())
    except Exception as error:
        said.append({"refused": str(error)})
    return said[0]


async def main():
    for line in sys.stdin:
        print(json.dumps(await sign_in(**json.loads(line))), flush=True)


asyncio.run(main())

"""Signs in with autobahn-python, once, and says how that went: {"authid", "authrole", "authmethod"} or {"refused": REASON}.

    sign_in.py URL SERIALIZER AUTHENTICATION

AUTHENTICATION is what the library's `Component` calls so, in JSON.
"""

import asyncio
import json
import sys

import txaio
from autobahn.asyncio.component import Component
from autobahn.wamp.exception import ApplicationError

txaio.use_asyncio()
url, serializer, authentication = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])


def say(**said):
    print(json.dumps(said), flush=True)


component = Component(
    transports=[{"type": "websocket", "url": url, "serializers": [serializer], "max_retries": 0}],
    realm="realm1",
    authentication=authentication,
)


@component.on_join
def joined(session, details):
    say(authid=details.authid, authrole=details.authrole, authmethod=details.authmethod)
    session.leave()


@component.on_leave
def left(session, details):
    if details.reason.startswith("wamp.error."):
        say(refused=details.reason)


async def main():
    try:
        await component.start(asyncio.get_running_loop())
    except (ApplicationError, RuntimeError):
        pass


asyncio.run(main())

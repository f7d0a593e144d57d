"""A dynamic authenticator as one writes it for Crossbar.io: it knows ann, by her ticket and by her secret.

    authenticator.py URL

Says "registered" once it is asked. A session of the realm "guards".
"""

import sys

from autobahn.asyncio.wamp import ApplicationRunner, ApplicationSession
from autobahn.wamp.exception import ApplicationError


class Authenticator(ApplicationSession):
    async def onJoin(self, details):
        def authenticate(realm, authid, details):
            if authid != "ann":
                raise ApplicationError("com.example.no_such_user", f"could not authenticate {authid}")
            if details["authmethod"] == "ticket":
                if details["ticket"] != "ann's":
                    raise ApplicationError("com.example.invalid_ticket", f"invalid ticket for {authid}")
                return {"realm": realm, "role": "member", "extra": {"peer": details["transport"]["peer"]}}
            return {"secret": "ann's", "role": "member", "salt": "salt123", "iterations": 100, "keylen": 32}

        await self.register(authenticate, "com.example.authenticate")
        print("registered", flush=True)


ApplicationRunner(sys.argv[1], "guards").run(Authenticator)

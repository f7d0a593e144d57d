"""Runs the base cases of the Autobahn|Testsuite, all but those on compression, and prints each verdict as one line of JSON.

    testsuite_original.py client URL    on the echo server at URL
    testsuite_original.py server        on the client that comes to the URL it prints first

Python 2.7, as the testsuite is.
"""

import json
import sys

from autobahn.twisted.websocket import listenWS
from autobahntestsuite.fuzzing import Cases, CaseSet, FuzzingClientFactory, FuzzingProtocol, FuzzingServerFactory
from twisted.internet import reactor

AT_ONCE = 4
BASE_CASES = {"cases": ["*"], "exclude-cases": ["12.*", "13.*"]}

# How long any answer may take. The testsuite's own limits, from half a second on, are less than a busy machine may need.
PATIENCE_SECONDS = 20
TIMEOUTS = {"openHandshakeTimeout": PATIENCE_SECONDS, "closeHandshakeTimeout": PATIENCE_SECONDS}
DROP_TIMEOUT = {"serverConnectionDropTimeout": PATIENCE_SECONDS}


def be_patient():
    def after(act):
        return lambda self, seconds: reactor.callLater(PATIENCE_SECONDS, act, self)

    FuzzingProtocol.killAfter = after(FuzzingProtocol.executeKillAfter)
    FuzzingProtocol.closeAfter = after(FuzzingProtocol.executeCloseAfter)


def tell(line):
    sys.__stdout__.write(line + "\n")
    sys.__stdout__.flush()


class Verdicts(object):
    """Tells what the testsuite would keep, to write it to files."""

    def logCase(self, case):
        why = " ".join([case["result"], case["resultClose"]])
        verdict = {"case": case["id"], "behavior": case["behavior"], "close": case["behaviorClose"], "why": why}
        tell(json.dumps(verdict))

    def createReports(self):
        pass


class Client(Verdicts, FuzzingClientFactory):
    """Takes a part of the cases, one after the other."""

    running = AT_ONCE

    def clientConnectionLost(self, connector, reason):
        if self.nextCase():
            connector.connect()
            return
        Client.running -= 1
        if not Client.running:
            reactor.callLater(0, reactor.stop)

    clientConnectionFailed = clientConnectionLost


class Server(Verdicts, FuzzingServerFactory):
    pass


def client(url):
    ids = CaseSet("", "Case", Cases, {}, {}).parseSpecCases(BASE_CASES)
    for part in range(AT_ONCE):
        server = {"agent": "wamp", "url": url, "options": dict(TIMEOUTS, **DROP_TIMEOUT)}
        Client({"servers": [server], "cases": ids[part::AT_ONCE]})


def server():
    listener = listenWS(Server(dict(BASE_CASES, url="ws://127.0.0.1:0", options=TIMEOUTS)), interface="127.0.0.1")
    tell("ws://127.0.0.1:%d" % listener.getHost().port)


if __name__ == "__main__":
    # What the testsuite says by itself is a log.
    sys.stdout = sys.stderr
    be_patient()
    {"client": client, "server": server}[sys.argv[1]](*sys.argv[2:])
    reactor.run()

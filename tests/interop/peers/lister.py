"""Publishes which files lie in a directory: every second one event for each file extension.

    python lister.py [DIRECTORY] [ROUTER]

`filewithext.txt` carries the names of the .txt files, and an empty list once after the last of them has gone.
"""

import asyncio
import re
import sys
from collections import defaultdict
from pathlib import Path

from autobahn.asyncio.wamp import ApplicationRunner, ApplicationSession


class Lister(ApplicationSession):
    async def onJoin(self, details):
        directory = Path(self.config.extra["directory"])
        before = set()
        while True:
            files = defaultdict(list)
            for file in sorted(directory.iterdir()):
                extension = file.suffix[1:]
                if file.is_file() and re.fullmatch(r"[0-9a-zA-Z_]+", extension):
                    files[extension].append(file.name)
            for extension in sorted(before | set(files)):
                self.publish("filewithext." + extension, files.get(extension, []))
            before = set(files)
            await asyncio.sleep(1)

    def onDisconnect(self):
        asyncio.get_event_loop().stop()


if __name__ == "__main__":
    directory, url = (sys.argv[1:] + [".", "ws://127.0.0.1:8080/ws"][len(sys.argv) - 1 :])[:2]
    ApplicationRunner(url, "realm1", extra={"directory": directory}).run(Lister)

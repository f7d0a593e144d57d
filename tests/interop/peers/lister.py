"""Publishes which files lie in a directory: once a second one event for each file extension.

    python lister.py [DIRECTORY] [ROUTER]

`filewithext.txt` carries the names of the .txt files, and an empty list once after the last of them has gone.
"""

import argparse
import asyncio
import re
from collections import defaultdict
from pathlib import Path

from autobahn.asyncio.wamp import ApplicationRunner, ApplicationSession


def files_by_extension(directory):
    """Files without an extension, or with one that is no part of a URI, are left out."""
    files = defaultdict(list)
    for file in sorted(Path(directory).iterdir()):
        extension = file.suffix[1:]
        if file.is_file() and re.fullmatch(r"\w+", extension):
            files[extension].append(file.name)
    return files


class Lister(ApplicationSession):
    async def onJoin(self, details):
        gone = set()
        while self.is_attached():
            files = files_by_extension(self.config.extra["directory"])
            for extension in files.keys() | gone:
                self.publish(f"filewithext.{extension}", files.get(extension, []))
            gone = set(files)
            await asyncio.sleep(1)

    def onDisconnect(self):
        asyncio.get_event_loop().stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("directory", nargs="?", default=".")
    parser.add_argument("router", nargs="?", default="ws://127.0.0.1:8080/ws")
    args = parser.parse_args()
    ApplicationRunner(args.router, "realm1", extra={"directory": args.directory}).run(Lister)

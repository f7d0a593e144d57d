"""Does what testsuite_original.py does, with kosoku, where there is no Python 2.7. All verdicts come at the end.

As a server it ends the run when the client asks for /updateReports.
"""

import asyncio
import json
import sys

from kosoku import FailureError, run_fuzzingclient, run_fuzzingserver

AT_ONCE = 4
COMPRESSION = ["12.*", "13.*"]


async def client(url):
    return await run_fuzzingclient(url, exclude_cases=COMPRESSION, concurrency=AT_ONCE)


async def server():
    async with run_fuzzingserver(exclude_cases=COMPRESSION, host="127.0.0.1", port=0) as listening:
        print(f"ws://127.0.0.1:{listening.port}", flush=True)
        return await listening.get_result()


async def run(role, *args):
    try:
        cases = await {"client": client, "server": server}[role](*args)
    except FailureError as failure:
        cases = failure.results
    for case in cases:
        why = f"{case.result} {case.result_close}"
        verdict = {"case": case.case_id, "behavior": case.behavior.value, "close": case.behavior_close.value, "why": why}
        print(json.dumps(verdict), flush=True)


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))

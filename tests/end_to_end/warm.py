"""The real server, forked from a parent that has imported everything: a start costs a fork.

Run as `python -m tests.end_to_end.warm FOLDER`; each line "start" on standard input starts a server
on the settings in FOLDER, whose process id is written once it takes in deliveries. It leads a
process group of its own, for the killer to kill. "reap" waits for the last one.
"""

import gc
import os
import sys
from pathlib import Path
from typing import Any

import uvloop

# Loaded late by the house; here everything is loaded once for all.
import voidtrail.ledger.rebuild
import voidtrail.runtime.rehearsal  # noqa: F401
from voidtrail.event.model import Delivery
from voidtrail.runtime import logs
from voidtrail.runtime.app import build
from voidtrail.runtime.envelope import pack
from voidtrail.runtime.starting import load_settings
from voidtrail.web import server
from voidtrail.web.api import Rooms, application


def warm():
    logs.configure(json=True)
    nowhere: Any = None
    made = application(Rooms(nowhere, nowhere, nowhere, None, None), nowhere)

    def application_made(rooms, desk):  # routing costs most of a start and proves nothing here
        made.state.rooms, made.state.desk = rooms, desk
        return made

    vars(server)["application"] = application_made
    pack(Delivery(source="", account="", received_at=0, body=bytes(1000)))
    gc.collect()
    gc.freeze()  # children need not look at what was imported here


def serve(folder, ready):
    os.setsid()
    house = build(load_settings(folder / "voidtrail.toml", None))

    def say():
        os.write(ready, b"1")

    uvloop.run(server.serve(house, ready=say))


def say(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(folder):
    warm()
    say("warm")
    last = 0
    for line in sys.stdin:
        if line.strip() == "reap":
            os.waitpid(last, 0)
            say("reaped")
            continue
        reading, writing = os.pipe()
        last = os.fork()
        if not last:
            os.close(reading)
            serve(folder, writing)
            os._exit(0)
        os.close(writing)
        began = os.read(reading, 1)
        os.close(reading)
        say(last if began else "failed")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

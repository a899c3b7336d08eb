"""The least a Python server can do: uvicorn with a raw ASGI function that reads and says yes.

It proves, keeps and understands nothing. What it costs is what this machine and this Python ask
for a request whatever is done with it, so that figures of two machines can be compared as shares
of it.
"""

from __future__ import annotations

import sys
from typing import Any

import uvicorn

_OK: Any = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-length", b"0")],
}


async def answer(scope: Any, receive: Any, send: Any) -> None:
    """Read a request to its end and answer that it is well."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send(_OK)
    await send({"type": "http.response.body", "body": b""})


if __name__ == "__main__":
    uvicorn.run(
        answer, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", http="httptools",
        lifespan="off", access_log=False, log_level="warning", server_header=False,
    )  # fmt: skip

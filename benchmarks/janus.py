"""Janus as a peer to measure against: started with a configuration of its own, driven by its API.

Debian's package `janus`. Only the AudioBridge is loaded, and the transport over a Unix socket.
"""

import asyncio
import json
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

_LIBRARIES = Path("/usr/lib/x86_64-linux-gnu/janus")
_ANSWER_SECONDS = 20.0
_STARTS = 5

_CORE = """general: {{
    configs_folder = "{folder}"
    plugins_folder = "{folder}/plugins"
    transports_folder = "{folder}/transports"
    events_folder = "{folder}/none"
    loggers_folder = "{folder}/none"
    debug_level = 2
    session_timeout = 0
    daemonize = false
}}
media: {{
    rtp_port_range = "20000-24000"
}}
nat: {{
    nice_debug = false
    full_trickle = false
}}
"""
_SOCKET = """general: {{
    enabled = true
    json = "plain"
    path = "{folder}/janus.sock"
    type = "SOCK_SEQPACKET"
}}
admin: {{
    admin_enabled = false
}}
"""


def installed() -> bool:
    """Whether there is a Janus with its AudioBridge here."""
    return shutil.which("janus") is not None and (_LIBRARIES / "plugins").is_dir()


class Janus:
    """A running Janus. `process` is its number."""

    def __init__(self, process: int, sock: socket.socket) -> None:
        self.process = process
        self._sock = sock
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._session = 0

    async def open(self) -> None:
        """Begin a session."""
        self._session = (await self._ask({"janus": "create"}))["data"]["id"]

    async def attach(self) -> int:
        """A new handle at the AudioBridge."""
        answer = await self._ask(
            {"janus": "attach", "plugin": "janus.plugin.audiobridge", "session_id": self._session}
        )
        handle: int = answer["data"]["id"]
        return handle

    async def request(
        self, handle: int, body: dict[str, Any], jsep: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """A request to the AudioBridge; its answer, or the event that follows it."""
        message: dict[str, Any] = {
            "janus": "message",
            "session_id": self._session,
            "handle_id": handle,
            "body": body,
        }
        if jsep is not None:
            message["jsep"] = jsep
        answer = await self._ask(message)
        data = answer.get("plugindata", {}).get("data", {})
        if "error" in data:
            raise RuntimeError(f"Janus refused {body['request']}: {data['error']}")
        return answer

    async def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        name = secrets.token_hex(6)
        loop = asyncio.get_running_loop()
        self._waiting[name] = loop.create_future()
        await loop.sock_sendall(self._sock, json.dumps(message | {"transaction": name}).encode())
        async with asyncio.timeout(_ANSWER_SECONDS):
            answer = await self._waiting[name]
        if answer["janus"] == "error":
            raise RuntimeError(f"Janus refused: {answer['error']['reason']}")
        return answer

    async def listen(self) -> None:
        """Take answers and events, until the socket is closed."""
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(self._sock, 2**20):
            answer = json.loads(data)
            waiting = self._waiting.get(answer.get("transaction", ""))
            # An acknowledgement says only that the answer is to come.
            if waiting is not None and answer["janus"] != "ack" and not waiting.done():
                waiting.set_result(answer)


@asynccontextmanager
async def running() -> AsyncIterator[Janus]:
    """A Janus of our own, ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="offhook-janus-") as name:
        folder = Path(name)
        for kind, library in (
            ("plugins", "libjanus_audiobridge.so"),
            ("transports", "libjanus_pfunix.so"),
        ):
            (folder / kind).mkdir()
            (folder / kind / library).symlink_to(_LIBRARIES / kind / library)
        (folder / "none").mkdir()
        (folder / "janus.jcfg").write_text(_CORE.format(folder=name))
        (folder / "janus.transport.pfunix.jcfg").write_text(_SOCKET.format(folder=name))
        (folder / "janus.plugin.audiobridge.jcfg").write_text("general: {\n}\n")
        process, sock = await _started(folder)
        listening: asyncio.Task[None] | None = None
        try:
            janus = Janus(process.pid, sock)
            listening = asyncio.create_task(janus.listen())
            await janus.open()
            yield janus
        finally:
            if listening is not None:
                listening.cancel()
                await asyncio.wait([listening])
            sock.close()
            await _ended(process)


async def _started(folder: Path) -> tuple[asyncio.subprocess.Process, socket.socket]:
    """Janus, and a socket to it.

    On a busy machine its transport may begin to serve before it is ready, and give up at once.
    """
    for _ in range(_STARTS):
        process = await asyncio.create_subprocess_exec(
            "janus", "-F", str(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.setblocking(False)
        deadline = time.monotonic() + _ANSWER_SECONDS
        while process.returncode is None and time.monotonic() < deadline:
            try:
                sock.connect(str(folder / "janus.sock"))
            except (FileNotFoundError, ConnectionRefusedError):
                await asyncio.sleep(0.05)
            else:
                return process, sock
        sock.close()
        await _ended(process)
    raise RuntimeError("Janus does not start.")


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    await process.wait()

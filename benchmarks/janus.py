"""Janus as a peer to measure against: started with a configuration of its own, driven by its API.

Debian's package `janus`. Only the AudioBridge is loaded, and the transport over WebSockets.
"""

import asyncio
import json
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks import precedence

_LIBRARIES = Path("/usr/lib/x86_64-linux-gnu/janus")
_ANSWER_SECONDS = 20.0

_CORE = """general: {{
    configs_folder = "{folder}"
    plugins_folder = "{folder}/plugins"
    transports_folder = "{folder}/transports"
    events_folder = "{folder}/none"
    loggers_folder = "{folder}/none"
    debug_level = 2
    session_timeout = 0
}}
media: {{
    rtp_port_range = "20000-24000"
}}
"""
_TRANSPORT = """general: {{
    json = "plain"
    ws = true
    ws_ip = "127.0.0.1"
    ws_port = {port}
    wss = false
}}
"""


def installed() -> bool:
    """Whether there is a Janus with its AudioBridge here."""
    return shutil.which("janus") is not None and (_LIBRARIES / "plugins").is_dir()


class Janus:
    """A running Janus. `process` is its number."""

    def __init__(self, process: int, connection: aiohttp.ClientWebSocketResponse) -> None:
        self.process = process
        self._connection = connection
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
        self._waiting[name] = asyncio.get_running_loop().create_future()
        await self._connection.send_json(message | {"transaction": name})
        async with asyncio.timeout(_ANSWER_SECONDS):
            answer = await self._waiting[name]
        if answer["janus"] == "error":
            raise RuntimeError(f"Janus refused: {answer['error']['reason']}")
        return answer

    async def listen(self) -> None:
        """Take answers and events, until the connection is closed."""
        async for message in self._connection:
            answer = json.loads(message.data)
            waiting = self._waiting.get(answer.get("transaction", ""))
            # An acknowledgement says only that the answer is to come.
            if waiting is not None and answer["janus"] != "ack" and not waiting.done():
                waiting.set_result(answer)


@asynccontextmanager
async def running() -> AsyncIterator[Janus]:
    """A Janus of our own, in a session of its own as any service, ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="offhook-janus-") as name:
        port = _free_port()
        _write_configuration(Path(name), port)
        process = await asyncio.create_subprocess_exec(
            *precedence.first("-F", name, program="janus"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            async with (
                aiohttp.ClientSession() as http,
                await _connected(http, port) as connection,
            ):
                janus = Janus(process.pid, connection)
                listening = asyncio.create_task(janus.listen())
                try:
                    await janus.open()
                    yield janus
                finally:
                    listening.cancel()
                    await asyncio.wait([listening])
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _write_configuration(folder: Path, port: int) -> None:
    for kind, library in (
        ("plugins", "libjanus_audiobridge.so"),
        ("transports", "libjanus_websockets.so"),
    ):
        (folder / kind).mkdir()
        (folder / kind / library).symlink_to(_LIBRARIES / kind / library)
    (folder / "none").mkdir()
    (folder / "janus.jcfg").write_text(_CORE.format(folder=folder))
    (folder / "janus.transport.websockets.jcfg").write_text(_TRANSPORT.format(port=port))
    (folder / "janus.plugin.audiobridge.jcfg").write_text("general: {\n}\n")


async def _connected(http: aiohttp.ClientSession, port: int) -> aiohttp.ClientWebSocketResponse:
    async with asyncio.timeout(_ANSWER_SECONDS):
        while True:
            try:
                return await http.ws_connect(
                    f"ws://127.0.0.1:{port}", protocols=("janus-protocol",)
                )
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.05)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

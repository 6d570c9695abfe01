"""The official browser client as a phone that a test can use.

``Chromium`` is one headless browser and the little server that gives it our page and the client's
bundle, unmodified. ``BrowserPhone`` is one client in it. The client keeps state for each page and
in local storage, so each phone has a browser context of its own.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Response,
    async_playwright,
)

PAGE = Path(__file__).parent / "page"
BUNDLE = Path(__file__).parent / "node_modules/webex/umd/calling.min.js"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

_UNKNOWN_EVENT = re.compile(r"Unknown Midcall type: (\w+)")

PATIENCE = 15.0
"""Seconds that a wait may take before it is a failure. Longer than the client's own 10 s timers."""

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Host candidates as addresses, on loopback too: the service has to reach the page.
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--allow-loopback-in-peer-connection",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    # The client asks for https by name, and our certificate authority is made for the occasion.
    "--ignore-certificate-errors",
    # Nothing leaves the machine, whatever the client thinks of asking for.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def missing() -> str | None:
    """What is not there for these tests, as a sentence; None when all is."""
    if not any(shutil.which(name) for name in BROWSERS):
        return "no Chromium on PATH; on Debian: apt-get install chromium"
    if not BUNDLE.exists():
        return "the official client is not installed; run: scripts/official-client"
    return None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the client said. ``at`` is the test's loop time in seconds."""

    name: str
    call: str | None
    detail: Any
    at: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What comes out of the earpiece: main frequency in Hz, 0 when silent; RMS level, 0 to 1."""

    hz: float
    level: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The service's answer to one request of the client, preflights left out."""

    method: str
    url: str
    status: int


class NotHeardError(AssertionError):
    """Raised when a wait ends without what it waited for; says what was there instead."""


class Chromium:
    """One headless browser with the test page. An async context manager."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._browser: Browser | None = None
        self.page_url = ""

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self.page_url = await self._serve(stack)
            playwright = await stack.enter_async_context(async_playwright())
            self._browser = await playwright.chromium.launch(
                executable_path=next(path for name in BROWSERS if (path := shutil.which(name))),
                args=FLAGS,
            )
            stack.push_async_callback(self._browser.close)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def context(self) -> BrowserContext:
        if self._browser is None:
            raise RuntimeError("use Chromium in an `async with` block")
        return await self._browser.new_context(ignore_https_errors=True, permissions=["microphone"])

    async def _serve(self, stack: AsyncExitStack) -> str:
        """Serve the page on loopback. The bundle breaks unless it is declared as UTF-8."""
        files = {
            "/": (PAGE / "index.html", "text/html"),
            "/audio.js": (PAGE / "audio.js", "text/javascript"),
            "/phone.js": (PAGE / "phone.js", "text/javascript"),
            "/calling.min.js": (BUNDLE, "text/javascript"),
        }

        async def give(request: web.Request) -> web.FileResponse:
            path, kind = files[request.path]
            return web.FileResponse(path, headers={"Content-Type": f"{kind}; charset=utf-8"})

        app = web.Application()
        app.add_routes([web.get(path, give) for path in files])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        return f"http://{host}:{port}/"


@dataclass
class BrowserPhone:
    """One person's official client. An async context manager; ``await phone.register()`` is yours.

    ``origin`` is where the service is, such as ``https://127.0.0.1:8443``; ``tone`` is what the
    microphone hears, in Hz.
    """

    chromium: Chromium
    origin: str
    token: str
    tone: float
    region: str = "US-EAST"
    country: str = "US"
    events: list[Event] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    http: list[Answer] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _context: BrowserContext | None = None
    _page: Page | None = None

    async def __aenter__(self) -> Self:
        self._context = await self.chromium.context()
        try:
            self._context.on("response", self._note_answer)
            page = self._page = await self._context.new_page()
            page.on("console", self._note_console)
            page.on("pageerror", lambda error: self.console.append(f"uncaught: {error}"))
            await page.expose_function("offhookEvent", self._note_event)
            await page.goto(self.chromium.page_url)
            await self._do(
                "init",
                {
                    "u2c": f"{self.origin}/u2c/api/v1",
                    "hydra": f"{self.origin}/v1",
                    "token": self.token,
                    "region": self.region,
                    "country": self.country,
                    "tone": self.tone,
                },
            )
        except BaseException:
            await self._context.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._context is not None:
            await self._context.close()

    # -- what a person does ---------------------------------------------------------------------

    async def register(self) -> None:
        """Register the line and wait until the client says that it is."""
        mark = self.mark
        await self._do("register")
        await self.event("registered", after=mark)

    async def dial(self, number: str) -> str:
        """Start a call and give its key. The client takes digits, spaces and ``()*#+.-`` only."""
        key = await self._do("dial", number)
        if key is None:
            raise ValueError(f"the client refuses to dial {number!r}")
        return str(key)

    async def incoming_call(self, *, after: int = 0, within: float = PATIENCE) -> Event:
        """Wait for a call to ring here; the event's detail is the caller, ``{name, num}``."""
        return await self.event("incoming_call", after=after, within=within)

    async def answer(self, call: str) -> None:
        await self._do("answer", call)

    async def end(self, call: str) -> None:
        """Hang up, decline or cancel. The client gives this side no ``disconnect`` event."""
        await self._do("end", call)

    async def hold(self, call: str) -> None:
        """Hold, and wait until the client says so and is ready for the next command."""
        await self._hold_resume(call, "held")

    async def resume(self, call: str) -> None:
        """Resume, and wait until the client says so and is ready for the next command."""
        await self._hold_resume(call, "resumed")

    async def blind_transfer(self, call: str, number: str) -> None:
        """Send the other party on to a number; wait until the client had the service's answer."""
        await self._do("blindTransfer", call, number)

    async def consult_transfer(self, call: str, other: str) -> None:
        """Connect the parties of two calls; wait until the client had the service's answer."""
        await self._do("consultTransfer", call, other)

    async def end_all(self) -> None:
        """Hang up whatever there is."""
        await self._do("endAll")

    async def toggle_mute(self, call: str) -> bool:
        """Mute or unmute; true when muted now."""
        await self._do("mute", call)
        return bool((await self.status(call))["muted"])

    async def send_digits(self, call: str, digits: str) -> None:
        """Press these keys one after the other, each when the one before has been sent."""
        for digit in digits:
            await self._do("sendDigit", call, digit)

    async def deregister(self) -> None:
        """Unregister the line, close Mercury, remove the WDM device."""
        await self._do("deregister")

    async def say(self, hz: float) -> None:
        """Change the tone in the microphone."""
        self.tone = hz
        await self._do("setTone", hz)

    # -- what a person notices ------------------------------------------------------------------

    @property
    def mark(self) -> int:
        """A place in ``events``, to wait for something after it."""
        return len(self.events)

    async def event(
        self, name: str, *, call: str | None = None, after: int = 0, within: float = PATIENCE
    ) -> Event:
        """Wait for an event, ``within`` seconds. It may have come already, ``after`` a mark."""

        def found() -> Event | None:
            return next(
                (e for e in self.events[after:] if e.name == name and call in (None, e.call)), None
            )

        try:
            async with asyncio.timeout(within), self._changed:
                while (event := found()) is None:
                    await self._changed.wait()
                return event
        except TimeoutError:
            said = [e.name for e in self.events[after:]]
            raise NotHeardError(
                f"no {name!r} within {within} s; the client said {said}; console: "
                + "\n".join(self.console[-15:])
            ) from None

    def names(self, *, call: str | None = None, after: int = 0) -> list[str]:
        """The names of the events of a call, or of all, in the order they came."""
        return [e.name for e in self.events[after:] if call in (None, e.call)]

    async def shows(self, call: str, name: str, *, within: float = PATIENCE) -> None:
        """Wait until the client last said of the other party that it is `name`."""

        def shown() -> str | None:
            said = [
                e.detail["name"]
                for e in self.events
                if e.call == call and e.name in {"incoming_call", "caller_id"}
            ]
            return said[-1] if said else None

        try:
            async with asyncio.timeout(within), self._changed:
                while shown() != name:
                    await self._changed.wait()
        except TimeoutError:
            raise NotHeardError(f"the client shows {shown()!r}, not {name!r}") from None

    @property
    def uncaught(self) -> list[str]:
        """What went wrong in the page and nobody caught."""
        return [line for line in self.console if line.startswith("uncaught: ")]

    @property
    def unknown_events(self) -> set[str]:
        """Which mid-call events the client has logged as unknown to it."""
        return {kind for line in self.console for kind in _UNKNOWN_EVENT.findall(line)}

    async def amplitudes(self, call: str, tones: Sequence[float]) -> list[float]:
        """How loud each of these frequencies comes out of the earpiece now, 1.0 = full scale."""
        return list(await self._do("amplitudes", call, list(tones)))

    async def heard(self, call: str) -> Heard:
        """What comes out of the earpiece now (the last 170 ms)."""
        return Heard(**await self._do("heard", call))

    async def hears(self, call: str, hz: float, *, within: float = PATIENCE) -> Heard:
        """Wait until the earpiece gives this tone and no stronger one, three times in a row."""
        return await self._until(
            call, lambda heard: abs(heard.hz - hz) < 8, f"the tone of {hz} Hz", within
        )

    async def hears_silence(self, call: str, *, within: float = PATIENCE) -> Heard:
        """Wait until nothing comes out of the earpiece, three times in a row."""
        return await self._until(call, lambda heard: heard.hz == 0, "silence", within)

    async def hears_other_than(self, call: str, hz: float, *, within: float = PATIENCE) -> Heard:
        """Wait until sound comes out of the earpiece that is not this tone (music on hold)."""
        return await self._until(
            call,
            lambda heard: heard.hz != 0 and abs(heard.hz - hz) > 20,
            f"sound other than {hz} Hz",
            within,
        )

    async def digits_heard(self, call: str, count: int, *, within: float = PATIENCE) -> str:
        """Wait for so many DTMF digits out of the earpiece."""
        try:
            async with asyncio.timeout(within), self._changed:
                while len(digits := self._digits(call)) < count:
                    await self._changed.wait()
                return digits
        except TimeoutError:
            raise NotHeardError(f"{self._digits(call)!r} was heard, not {count} digits") from None

    async def answers(self, part: str, count: int, *, within: float = PATIENCE) -> list[Answer]:
        """Wait for so many answers to requests whose URL has this part, the worker's too."""

        def found() -> list[Answer]:
            return [answer for answer in self.http if part in answer.url]

        try:
            async with asyncio.timeout(within), self._changed:
                while len(found()) < count:
                    await self._changed.wait()
                return found()[:count]
        except TimeoutError:
            raise NotHeardError(f"{found()} came within {within} s, not {count}") from None

    async def status(self, call: str | None = None) -> dict[str, Any]:
        """``line`` and ``deviceId``; with a call also ``connected``, ``held``, ``muted``."""
        return dict(await self._do("status", call))

    async def figures(self) -> dict[str, Any]:
        """The browser's ``inbound-rtp`` and ``outbound-rtp`` audio figures of the newest call."""
        return dict(await self._do("figures"))

    # -- inside ---------------------------------------------------------------------------------

    def _digits(self, call: str) -> str:
        return "".join(e.detail for e in self.events if e.name == "digit" and e.call == call)

    async def _hold_resume(self, call: str, result: str) -> None:
        mark = self.mark
        await self._do("holdResume", call)
        await self.event(result, call=call, after=mark)
        # Until the renegotiation is done the client ignores the next hold or resume.
        await self.event("established", call=call, after=mark)

    async def _until(
        self, call: str, right: Callable[[Heard], bool], what: str, within: float
    ) -> Heard:
        in_a_row, samples = 0, list[Heard]()
        try:
            async with asyncio.timeout(within):
                while True:
                    samples.append(await self.heard(call))
                    in_a_row = in_a_row + 1 if right(samples[-1]) else 0
                    if in_a_row == 3:
                        return samples[-1]
                    await asyncio.sleep(0.15)
        except TimeoutError:
            tail = ", ".join(f"{s.hz:.0f} Hz at {s.level:.3f}" for s in samples[-8:])
            raise NotHeardError(f"{what} was not heard within {within} s, but: {tail}") from None

    async def _do(self, what: str, *arguments: Any) -> Any:
        if self._page is None:
            raise RuntimeError("use BrowserPhone in an `async with` block")
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._page.evaluate(
                    "([what, args]) => window.offhook[what](...args)", [what, list(arguments)]
                )
        except TimeoutError:
            raise NotHeardError(
                f"{what} did not end within {PATIENCE} s; console: " + "\n".join(self.console[-15:])
            ) from None

    async def _note_event(self, name: str, call: str | None, detail: Any) -> None:
        at = asyncio.get_running_loop().time()
        async with self._changed:
            self.events.append(Event(name, call, detail, at))
            self._changed.notify_all()

    async def _note_answer(self, response: Response) -> None:
        async with self._changed:
            self.http.append(Answer(response.request.method, response.url, response.status))
            self._changed.notify_all()

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.console.append(f"{message.type}: {message.text}")

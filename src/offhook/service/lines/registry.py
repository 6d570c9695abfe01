"""The lines of this node: who registered which client, and until when."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

logger = logging.getLogger(__name__)

#: A line expires after this many keep-alive intervals without a sign of life, and some grace.
_MISSED = 2.5
_SWEEP_SECONDS = 1.0


@dataclass(slots=True)
class Line:
    """One registration. `client_id` is the WDM device whose Mercury socket gets the events.

    `base` is the Mobius base that the client registered at, with a slash at the end.
    """

    line_id: str
    person_id: str
    org_id: str
    client_uri: str
    client_id: str
    base: str
    seen: float
    number: str

    @property
    def uri(self) -> str:
        """The line's own address, exactly base + ``devices/`` + id."""
        return f"{self.base}devices/{self.line_id}"


class TooManyLinesError(Exception):
    """The person has as many lines as allowed; `lines` are those, oldest first."""

    def __init__(self, lines: list[Line]) -> None:
        super().__init__("The person has too many lines; remove one of them.")
        self.lines = lines


class RegistryFullError(Exception):
    """This node has as many lines as it can serve."""


class LineRegistry:
    """See the module. `on_gone` is told of each line that ends. `clock` gives Unix seconds.

    `keepalive` is the interval that clients are told, `grace` what they may be late, in seconds.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        keepalive: int,
        grace: float,
        most: int,
        most_per_person: int,
        on_gone: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._patience = keepalive * _MISSED + grace
        self._most = most
        self._most_per_person = most_per_person
        self._on_gone = on_gone
        self._lines: dict[str, Line] = {}
        self._people: dict[str, list[Line]] = {}
        self.keepalive = keepalive

    def __len__(self) -> int:
        return len(self._lines)

    def get(self, line_id: str) -> Line | None:
        """The line, if it is registered."""
        return self._lines.get(line_id)

    def of_person(self, person_id: str) -> list[Line]:
        """The person's lines, the one that was silent for longest first."""
        return sorted(self._people.get(person_id, ()), key=lambda line: line.seen)

    def register(
        self, person_id: str, org_id: str, client_uri: str, base: str, number: str
    ) -> Line:
        """A new line for a client, whose older one goes.

        Raises TooManyLinesError or RegistryFullError.
        """
        for older in self.of_person(person_id):
            if older.client_uri == client_uri:
                self.remove(older.line_id)
        own = self.of_person(person_id)
        if len(own) >= self._most_per_person:
            raise TooManyLinesError(own)
        if len(self._lines) >= self._most:
            raise RegistryFullError("This server has no room for another line; try another one.")
        line = Line(
            line_id=str(uuid4()),
            person_id=person_id,
            org_id=org_id,
            client_uri=client_uri,
            client_id=client_uri.rstrip("/").rpartition("/")[2],
            base=base,
            seen=self._clock(),
            number=number,
        )
        self._lines[line.line_id] = line
        self._people.setdefault(person_id, []).append(line)
        return line

    def keep_alive(self, line: Line) -> None:
        """The client says that it is there."""
        line.seen = self._clock()

    def remove(self, line_id: str) -> None:
        """End a line."""
        line = self._lines.pop(line_id, None)
        if line is None:
            return
        own = self._people[line.person_id]
        own.remove(line)
        if not own:
            del self._people[line.person_id]
        self._on_gone(line_id)

    def expire(self) -> None:
        """End the lines that were silent for too long."""
        oldest = self._clock() - self._patience
        for line in [line for line in self._lines.values() if line.seen < oldest]:
            logger.info("line %s expired", line.line_id)
            self.remove(line.line_id)

    async def sweep(self) -> None:
        """Expire lines for as long as the service runs."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            self.expire()

"""When the webhook was last seen active, for the next start: the time of a file."""

import logging
from pathlib import Path

logger = logging.getLogger(__name__)


class LastSeen:
    """An empty file, touched at each sight. Without a path, nothing is kept. Methods block."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._is_well = True

    def read(self) -> float | None:
        """Unix seconds, None if it was never seen or the file cannot be read."""
        if self._path is None:
            return None
        try:
            return self._path.stat().st_mtime
        except FileNotFoundError:
            return None
        except OSError as error:
            self._complain(error)
            return None

    def touch(self) -> None:
        """It is active now. A failure is logged once: only the count of missed calls suffers."""
        if self._path is None:
            return
        try:
            self._path.touch(0o600)
            self._is_well = True
        except OSError as error:
            self._complain(error)

    def _complain(self, error: OSError) -> None:
        if self._is_well:
            self._is_well = False
            logger.warning("%s cannot be used: %s", self._path, error.strerror)

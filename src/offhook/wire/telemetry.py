"""What clients tell about themselves: only the answers are of interest (wire document, 1.5)."""

import msgspec


class LogUpload(msgspec.Struct):
    """The answer to POST ``{clientLogs}/logs/urls``: where the log is PUT."""

    tempURL: str
    logFilename: str
    userId: str

"""Lines: a person's registrations with Mobius (wire document, 3)."""

from offhook.service.lines.registry import Line, LineRegistry

__all__ = ["Line", "LineRegistry"]

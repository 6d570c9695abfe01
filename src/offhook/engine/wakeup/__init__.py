"""The ring window: waking the devices of a person for as long as a call rings for them."""

from offhook.engine.wakeup.ring_windows import RingWindows

__all__ = ["RingWindows"]

"""The service's media: legs, relay and sounds behind the exchange."""

from offhook.service.media.config import MediaConfig
from offhook.service.media.plane import MediaPlane

__all__ = ["MediaConfig", "MediaPlane"]

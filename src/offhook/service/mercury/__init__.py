"""Mercury: events to clients over their WebSockets."""

from offhook.service.mercury.hub import MercuryHub
from offhook.service.mercury.socket import SocketRules, Sockets, mercury_route

__all__ = ["MercuryHub", "SocketRules", "Sockets", "mercury_route"]

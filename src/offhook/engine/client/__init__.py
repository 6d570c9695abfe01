"""The app's side, sans-I/O: one call, the line's registration, the event connection."""

from offhook.engine.client.call import ClientCall
from offhook.engine.client.mercury import MercurySession
from offhook.engine.client.registration import LineRegistration

__all__ = ["ClientCall", "LineRegistration", "MercurySession"]

"""The app's side, sans-I/O: a phone's calls, the line's registration, the event connection."""

from offhook.engine.client.call import ClientCall
from offhook.engine.client.mercury import MercurySession
from offhook.engine.client.phone import ClientPhone
from offhook.engine.client.registration import LineRegistration

__all__ = ["ClientCall", "ClientPhone", "LineRegistration", "MercurySession"]

"""The phone exchange, sans-I/O: calls, sessions, ringing, hold. See `exchange.Exchange`."""

from offhook.engine.exchange.exchange import Exchange
from offhook.engine.exchange.refusal import ExchangeRefused

__all__ = ["Exchange", "ExchangeRefused"]

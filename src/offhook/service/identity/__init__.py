"""Who somebody is: sign-in, tokens, guests."""

from offhook.service.identity.identity import Identity
from offhook.service.identity.principal import Principal

__all__ = ["Identity", "Principal"]

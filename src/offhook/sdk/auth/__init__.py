"""Ways to sign in: OAuth with a browser, a guest's JWT, a token that the app has already."""

from offhook.sdk.auth.authenticator import Authenticator
from offhook.sdk.auth.jwt import JWTAuthenticator
from offhook.sdk.auth.oauth import OAuthAuthenticator
from offhook.sdk.auth.storage import FileTokenStorage, StoredSignIn, TokenStorage
from offhook.sdk.auth.token import TokenAuthenticator

__all__ = [
    "Authenticator",
    "FileTokenStorage",
    "JWTAuthenticator",
    "OAuthAuthenticator",
    "StoredSignIn",
    "TokenAuthenticator",
    "TokenStorage",
]

"""Which URL a client should be told: the one it came by, or the configured public one."""

from dataclasses import dataclass

from offhook.serving.errors import AnyRequest


@dataclass(slots=True)
class Origins:
    """`public_url` where one is configured; `https_port` of the TLS listener, None without one."""

    public_url: str | None = None
    https_port: int | None = None

    def of(self, request: AnyRequest) -> str:
        """Scheme and host for URLs in the answer to `request`, without a slash at the end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        return f"{request.scope['scheme']}://{self._host(request)}"

    def secure_host(self, request: AnyRequest) -> str:
        """Host and port at which https answers: official clients look for Mobius nowhere else."""
        if self.public_url:
            return self.public_url.partition("://")[2].rstrip("/")
        host = self._host(request)
        if request.scope["scheme"] == "https" or self.https_port is None:
            return host
        name = host.rpartition(":")[0] if _has_port(host) else host
        return f"{name}:{self.https_port}"

    @staticmethod
    def _host(request: AnyRequest) -> str:
        host = request.headers.get("host", "")
        if not host or any(character in host for character in "/@\\ "):
            server = request.scope.get("server") or ("127.0.0.1", None)
            host = f"{server[0]}:{server[1]}" if server[1] else server[0]
        return host


def _has_port(host: str) -> bool:
    return ":" in host.rpartition("]")[2]

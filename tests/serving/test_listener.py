"""How the service listens."""

import socket

from offhook.serving.listener import bind


def test_answers_are_not_held_back_until_the_last_one_is_acknowledged() -> None:
    listener = bind("127.0.0.1", 0)
    try:
        # What asyncio looks at before it sets TCP_NODELAY on an accepted connection.
        assert listener.proto == socket.IPPROTO_TCP
        client = socket.create_connection(listener.getsockname())
        listener.setblocking(True)
        accepted, _ = listener.accept()
        assert accepted.proto == socket.IPPROTO_TCP
        accepted.close()
        client.close()
    finally:
        listener.close()

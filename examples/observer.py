"""Watch a call the way the calling guide does, with an observer and a delegate.

``python examples/observer.py TOKEN 1002`` against ``offhook up``.
"""

import asyncio
import sys

from offhook import (
    Call,
    CallDisconnectedEvent,
    CallObserver,
    PhoneServiceRegistrationFailureReason,
    TokenAuthenticator,
    UCLoginServerConnectionStatus,
    Webex,
    WebexUCLoginDelegate,
)


class PhoneStatus(WebexUCLoginDelegate):
    def on_uc_server_connection_state_changed(
        self,
        status: UCLoginServerConnectionStatus,
        failure_reason: PhoneServiceRegistrationFailureReason,
    ) -> None:
        print(f"Phone services: {status}")


class Watcher(CallObserver):
    def on_ringing(self, call: Call) -> None:
        print("It rings")

    def on_connected(self, call: Call) -> None:
        print(f"Connected to {call.title}")

    def on_info_changed(self, call: Call) -> None:
        print(f"Tracking id {call.external_tracking_id}")

    def on_disconnected(self, event: CallDisconnectedEvent) -> None:
        print(f"Over: {event.reason}")


async def main(token: str, number: str, cloud: str = "http://127.0.0.1:8008") -> None:
    webex = Webex(TokenAuthenticator(token), cloud=cloud)
    webex.delegate = PhoneStatus()
    async with webex:
        await webex.phone.ready()
        call = await webex.phone.dial_phone_number(number)
        call.set_observer(Watcher())
        await call.ended()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

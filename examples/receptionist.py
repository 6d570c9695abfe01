"""A receptionist: answers, lets the caller choose by key, and connects them.

``python examples/receptionist.py TOKEN 1003 1004`` against ``offhook up``; then call that person. 1
transfers to the first number, and has the caller back if nobody takes the call there. 2 calls the
second one in, introduces the two in a conference, and leaves.
"""

import asyncio
import sys

from offhook import Call, DTMFReceivedEvent, MediaOption, TokenAuthenticator, Webex, WebexError


async def main(
    token: str, sales: str, help_desk: str, cloud: str = "http://127.0.0.1:8008"
) -> None:
    async with Webex(TokenAuthenticator(token), cloud=cloud) as webex:
        await webex.phone.ready()
        print("The receptionist waits for calls", flush=True)
        async for call in webex.phone.incoming_calls():
            async with call:
                # Your own announcement: source="welcome.wav".
                await call.answer(MediaOption.audio_only(source="tone:660"))
                await receive(call, sales, help_desk)


async def receive(call: Call, sales: str, help_desk: str) -> None:
    async for event in call.events():
        try:
            match event:
                case DTMFReceivedEvent(digit="1"):
                    await call.direct_transfer_call(sales, wait=True)
                case DTMFReceivedEvent(digit="2"):
                    await introduce(call, help_desk)
        except WebexError as error:
            print(f"Not connected: {error}", flush=True)
    print(f"Over: {call.end_reason}", flush=True)


async def introduce(call: Call, number: str) -> None:
    greeting = MediaOption.audio_only(source="tone:520")
    async with await call.start_associated_call(number, option=greeting) as other:
        try:
            await other.connected()
            await other.merge_calls(call)
            await asyncio.sleep(2)
        except WebexError:
            await call.resume()
            raise


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

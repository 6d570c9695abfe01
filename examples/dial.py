"""Call a number, play a tone for five seconds, and keep what the other side says.

``python examples/dial.py TOKEN 8001`` against ``offhook up``.
"""

import asyncio
import sys

from offhook import MediaOption, TokenAuthenticator, Webex


async def main(token: str, number: str, cloud: str = "http://127.0.0.1:8008") -> None:
    async with Webex(TokenAuthenticator(token), cloud=cloud) as webex:
        await webex.phone.ready()
        media = MediaOption.audio_only(source="tone:440", sink="heard.wav")
        async with await webex.phone.dial_phone_number(number, media) as call:
            await call.connected()
            print(f"Talking to {call.title or number}")
            await asyncio.sleep(5)
    print("What was said is in heard.wav")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

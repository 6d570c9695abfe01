"""What somebody does over REST, with the token of the demo."""

from __future__ import annotations

from typing import Any

import aiohttp

from offhook.testing import LocalCloud


async def rest(cloud: LocalCloud, name: str, method: str, path: str, **body: Any) -> str:
    """The text of the answer, which is a success."""
    headers = {"authorization": f"Bearer {cloud.person(name).token}"}
    async with (
        aiohttp.ClientSession(cloud.http, headers=headers) as http,
        http.request(method, path, json=body or None) as answer,
    ):
        text = await answer.text()
        assert answer.ok, text
        return text

"""What keeps other sites away: what browsers are told of every answer, and whose pages may open a session."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import streamlit
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard", "headers"]


POLICY: Final = {
    "default-src": "'self'",
    # Streamlit styles elements one by one, and its charts (Vega) make functions of their specifications.
    "style-src": "'self' 'unsafe-inline'",
    "script-src": "'self' 'unsafe-eval' 'wasm-unsafe-eval'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-src": "'self' blob:",
    "frame-ancestors": "'none'",
}


def headers() -> dict[str, str]:
    """What every answer carries; scripts that stand in Streamlit's own page are allowed by their hashes."""
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    own = [sha256(body.encode()).digest() for body in re.findall(r"<script>(.*?)</script>", page, re.DOTALL)]
    allowed = [POLICY["script-src"], *(f"'sha256-{b64encode(each).decode()}'" for each in own)]
    policy = POLICY | {"script-src": " ".join(allowed)}
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
    }


class Guard:
    """An ASGI middleware that adds `headers`.

    Even if a text of a document were taken for HTML somewhere, nothing that it names would be fetched from
    another host, and no script in it would run.

    It refuses the WebSockets of other sites' pages as well, before Streamlit does: to know all its own names,
    that would ask a host of the internet for the address of this one.

    Args:
        app: What it is put before.
        login: Where people are sent back to who log in, None without a login.
    """

    def __init__(self, app: ASGIApp, login: str | None = None) -> None:
        self._app, self._headers = app, headers()
        self._known = urlsplit(login or "").netloc

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket" and self._foreign(Headers(scope=scope)):
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, guarded)

    def _foreign(self, told: Headers) -> bool:
        """Whether a page of another site asks; what is no browser tells no origin."""
        origin = told.get("origin")
        return origin is not None and urlsplit(origin).netloc not in {told.get("host"), self._known or None}

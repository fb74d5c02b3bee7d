"""What browsers are told of every answer of the server: load from here alone, and be framed by nobody."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["HEADERS", "Guard"]

POLICY: Final = {
    "default-src": "'self'",
    # Streamlit styles elements one by one, and its charts (Vega) make functions of their specifications.
    "style-src": "'self' 'unsafe-inline'",
    "script-src": "'self' 'unsafe-eval' 'wasm-unsafe-eval'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self' ws: wss:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-src": "'self' blob:",
    "frame-ancestors": "'none'",
}

HEADERS: Final = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}


class Guard:
    """An ASGI middleware that adds `HEADERS`.

    Even if a text of a document were taken for HTML somewhere, nothing that it names would be fetched from
    another host, and no script in it would run.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, guarded)

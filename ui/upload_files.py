"""Uploads go to disk as they come, never whole into memory.

Streamlit keeps the files of its uploader in memory. So a middleware before it takes the file out of the
request, stores it under the session and the id that Streamlit has given it, and hands on a request with the
same name and next to no content. `received` then finds the file by session and id, both of which only the
server says: nothing that a browser sends names a path.
"""

from __future__ import annotations

import re
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile
from streamlit.web.server.server_util import is_xsrf_enabled
from streamlit.web.server.starlette.starlette_app_utils import validate_xsrf_token
from streamlit.web.server.starlette.starlette_server_config import XSRF_COOKIE_NAME

from ui.serving import serving
from ui.upload_body import UploadBody, small_body

__all__ = ["StoredUpload", "UploadFiles", "incoming", "received", "sweep"]

ROUTE: Final = re.compile(r"/_stcore/upload_file/([^/]+)/([^/]+)\Z")
ID: Final = re.compile(r"[0-9A-Za-z-]{1,64}")
"""What sessions and files are called by Streamlit: they name a folder and a file here."""
MEGABYTE: Final = 1024 * 1024
AROUND: Final = MEGABYTE
"""Bytes of a form around its file, at most."""
AT_ONCE: Final = MEGABYTE
"""Bytes that are collected before they are written, away from the event loop."""
QUIET: Final = 3600.0
"""Seconds without an upload after which the files of a session that is gone are removed: a connection that
breaks comes back sooner."""
OLDEST: Final = 24 * 3600.0
"""Seconds after which files that were never added are removed in any case."""
SWEEPS: Final = 600.0
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """A file that has been uploaded; `name` is what the browser calls it, anybody's text."""

    name: str
    path: Path
    size: int


def incoming() -> Path:
    """Where files lie until they are added."""
    return serving().settings().home / "uploads" / "incoming"


def received(uploaded: UploadedFile) -> StoredUpload | None:
    """The file behind what `st.file_uploader` gives in this session; None if it has been swept away."""
    context = get_script_run_ctx()
    if context is None:
        return None
    path = incoming() / context.session_id / uploaded.file_id
    if not path.is_file():
        return None
    return StoredUpload(uploaded.name, path, path.stat().st_size)


def is_active(session: str) -> bool:
    """Whether a session is connected to this server."""
    return Runtime.exists() and Runtime.instance().is_active_session(session)


class UploadFiles:
    """An ASGI middleware that stores the files of uploads and hands on requests without them.

    Args:
        app: Streamlit's.
        folder: Gives the folder of files that were not added yet.
        is_active: Whether there is a session of that id; nobody else may upload.
    """

    def __init__(
        self,
        app: ASGIApp,
        folder: Callable[[], Path] = incoming,
        is_active: Callable[[str], bool] = is_active,
    ) -> None:
        self._app, self._folder, self._is_active = app, folder, is_active
        self._swept = float("-inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        found = ROUTE.search(scope["path"]) if scope["type"] == "http" else None
        if scope["type"] == "lifespan" or found is not None:
            await self._sweep()
        if found is None or scope["method"] not in ("PUT", "DELETE"):
            await self._app(scope, receive, send)
        elif not all(ID.fullmatch(id) for id in found.groups()):
            await PlainTextResponse("There is no such upload", 400)(scope, receive, send)
        elif scope["method"] == "PUT":
            await self._put(Request(scope, receive), found[1], found[2], send)
        else:
            await self._delete(scope, receive, send, self._folder() / found[1] / found[2])

    async def _put(self, request: Request, session: str, file: str, send: Send) -> None:
        try:
            self._check(request, session)
            path = self._folder() / session / file
            disposition = await _stored(request, path)
        except HTTPException as error:
            await PlainTextResponse(error.detail, error.status_code)(request.scope, request.receive, send)
            return
        except ClientDisconnect:
            return
        except OSError as error:  # no room, no right: the browser shows that it failed, the log says why
            answer = PlainTextResponse(f"The file cannot be stored: {error.strerror}", 507)
            await answer(request.scope, request.receive, send)
            return
        boundary = secrets.token_hex(16).encode()
        body = small_body(disposition, b"stored", boundary)
        await self._app(_with_body(request.scope, body, boundary), _once(body), send)

    def _check(self, request: Request, session: str) -> None:
        """As Streamlit does, before anything is stored."""
        given, cookie = request.headers.get("X-Xsrftoken"), request.cookies.get(XSRF_COOKIE_NAME)
        if is_xsrf_enabled() and not validate_xsrf_token(given, cookie):
            raise HTTPException(403, "XSRF token missing or invalid")
        if not self._is_active(session):
            raise HTTPException(400, "There is no such session")
        length = request.headers.get("content-length", "0")
        if not length.isdecimal():
            raise HTTPException(400, "Invalid Content-Length header")
        if int(length) > _most() + AROUND:
            raise HTTPException(413, "The file is too large")

    async def _delete(self, scope: Scope, receive: Receive, send: Send, path: Path) -> None:
        """Streamlit checks whether it may go; if so, the file goes with it."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 300:
                await run_in_threadpool(path.unlink, missing_ok=True)
            await send(message)

        await self._app(scope, receive, sent)

    async def _sweep(self) -> None:
        if time.monotonic() - self._swept >= SWEEPS:
            self._swept = time.monotonic()
            await run_in_threadpool(sweep, self._folder(), self._is_active)


async def _stored(request: Request, path: Path) -> bytes:
    """Write the file of a request to `path`; the header that names it."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    await run_in_threadpool(path.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
    collected = bytearray()
    with UploadBody(request.headers.get("content-type", ""), part, _most()) as body:
        seen = 0
        async for piece in request.stream():
            seen += len(piece)
            if seen > _most() + AROUND:
                raise HTTPException(413, "The file is too large")
            collected += piece
            if len(collected) >= AT_ONCE:
                await run_in_threadpool(body.write, bytes(collected))
                collected.clear()
        await run_in_threadpool(body.write, bytes(collected))
        disposition = body.finish()
    await run_in_threadpool(part.replace, path)
    return disposition


def sweep(folder: Path, is_active: Callable[[str], bool], now: float | None = None) -> None:
    """Remove files that nobody will add any more.

    Args:
        folder: Of the incoming files: a folder for each session.
        is_active: Whether there is a session of that id.
        now: Seconds since the epoch.
    """
    now = time.time() if now is None else now
    for session in folder.iterdir() if folder.is_dir() else ():
        gone = not is_active(session.name) and now - session.stat().st_mtime > QUIET
        for file in session.iterdir():
            if gone or now - file.stat().st_mtime > OLDEST:
                file.unlink(missing_ok=True)
        if gone:
            shutil.rmtree(session, ignore_errors=True)


def _most() -> int:
    return int(config.get_option("server.maxUploadSize")) * MEGABYTE


def _with_body(scope: Scope, body: bytes, boundary: bytes) -> Scope:
    """The same request with another body."""
    dropped = (b"content-type", b"content-length", b"transfer-encoding")
    headers = [(name, value) for name, value in scope["headers"] if name.lower() not in dropped]
    headers.append((b"content-type", b"multipart/form-data; boundary=" + boundary))
    headers.append((b"content-length", str(len(body)).encode()))
    return {**scope, "headers": headers}


def _once(body: bytes) -> Receive:
    """Gives a body once, then says that the client has gone."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive

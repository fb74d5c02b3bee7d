"""Uploads through the middleware, as a browser sends them and as one that means harm does."""

from __future__ import annotations

import asyncio
import itertools
import os
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Scope
from streamlit import config
from streamlit.web.server.starlette.starlette_app_utils import generate_xsrf_token_string

from ui.upload_files import OLDEST, QUIET, UploadFiles, sweep

SESSION = "3f2b8c1e-0000-4000-8000-000000000001"
FILE = "9d0f3450-0000-4000-8000-000000000002"
PATH = f"/_stcore/upload_file/{SESSION}/{FILE}"
BOUNDARY = b"----clew"
END = b"\r\n--%s--\r\n" % BOUNDARY


def form(content: bytes, name: str = "book.pdf", fields: bytes = b"") -> bytes:
    head = b'Content-Disposition: form-data; name="file"; filename="%s"' % name.encode()
    return fields + b"--%s\r\n%s\r\nContent-Type: application/pdf\r\n\r\n" % (BOUNDARY, head) + content + END


class Answered:
    """Streamlit's own route in short: it takes what the form holds and answers as that does."""

    def __init__(self, folder: Path, status: int = 204) -> None:
        self.names: list[str] = []
        self.contents: list[bytes] = []
        self.methods: list[str] = []

        async def taken(request: Request) -> Response:
            self.methods.append(request.method)
            if request.method == "PUT":
                async with request.form() as sent:
                    for value in sent.values():
                        assert not isinstance(value, str)
                        self.names.append(value.filename or "")
                        self.contents.append(await value.read())
            return Response(status_code=status)

        route = Route("/_stcore/upload_file/{session}/{file}", taken, methods=["PUT", "DELETE"])
        inner = Starlette(routes=[route])
        self.app = UploadFiles(inner, lambda: folder, lambda session: session == SESSION)


def call(
    app: UploadFiles,
    body: bytes | Iterator[bytes],
    path: str = PATH,
    method: str = "PUT",
    headers: dict[str, str] | None = None,
    xsrf: bool = True,
    ends: bool = True,
) -> int:
    """Send one request in pieces; the status of the answer, 0 if there is none."""
    token = generate_xsrf_token_string()
    sent = {"content-type": f"multipart/form-data; boundary={BOUNDARY.decode()}"} | (headers or {})
    if xsrf:
        sent |= {"x-xsrftoken": token, "cookie": f"_streamlit_xsrf={token}"}
    scope: Scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
    }
    pieces = iter((body,)) if isinstance(body, bytes) else body
    statuses: list[int] = []

    async def messages() -> AsyncIterator[Message]:
        for piece in pieces:
            yield {"type": "http.request", "body": piece, "more_body": True}
        if ends:
            yield {"type": "http.request", "body": b"", "more_body": False}
        while True:
            yield {"type": "http.disconnect"}

    source = messages()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    asyncio.run(app(scope, lambda: anext(source), send))  # type: ignore[arg-type, return-value]
    return statuses[0] if statuses else 0


@pytest.fixture
def limit() -> Iterator[None]:
    before = config.get_option("server.maxUploadSize")
    config.set_option("server.maxUploadSize", 1)
    yield
    config.set_option("server.maxUploadSize", before)


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("step", [1, 7, 64, 10_000])
def test_a_file_is_stored_and_only_its_name_goes_on(tmp_path: Path, step: int) -> None:
    content = b"%PDF-1.7\r\n--almost a boundary\r\n----cle\r\n" + bytes(range(256)) * 3
    body = form(content)
    answered = Answered(tmp_path)
    pieces = (body[at : at + step] for at in range(0, len(body), step))
    assert call(answered.app, pieces) == 204
    assert (tmp_path / SESSION / FILE).read_bytes() == content
    assert files_in(tmp_path) == [f"{SESSION}/{FILE}"]
    assert (answered.names, answered.contents) == (["book.pdf"], [b"stored"])


@pytest.mark.parametrize("name", ["../../etc/passwd", "日記 ü.txt", "a%22b.pdf", "x" * 300])
def test_a_name_goes_on_as_it_is_and_names_no_path(tmp_path: Path, name: str) -> None:
    answered = Answered(tmp_path / "incoming")
    assert call(answered.app, form(b"text", name)) == 204
    assert answered.names == [name]
    assert files_in(tmp_path) == [f"incoming/{SESSION}/{FILE}"]


def test_nobody_uploads_without_a_session_or_its_token(tmp_path: Path) -> None:
    answered = Answered(tmp_path)
    assert call(answered.app, form(b"text"), xsrf=False) == 403
    assert call(answered.app, form(b"text"), path=PATH.replace(SESSION, "another")) == 400
    assert call(answered.app, form(b"text"), path=f"/_stcore/upload_file/{SESSION}/..%2Fx") == 400
    assert call(answered.app, form(b"text"), path=f"/_stcore/upload_file/../{FILE}") == 400
    assert files_in(tmp_path) == []
    assert answered.methods == []


@pytest.mark.usefixtures("limit")
def test_what_is_too_large_is_refused_whatever_its_length_says(tmp_path: Path) -> None:
    answered = Answered(tmp_path)
    large = form(bytes(1024 * 1024 + 1))
    assert call(answered.app, large) == 413
    assert call(answered.app, b"", headers={"content-length": "99999999"}) == 413
    assert call(answered.app, b"", headers={"content-length": "many"}) == 400
    endless = itertools.chain([form(b"")[: -len(END)]], itertools.repeat(b"x" * 65_536))
    assert call(answered.app, endless) == 413
    outside = itertools.chain([form(b"")], itertools.repeat(b"x" * 65_536))
    assert call(answered.app, outside) == 413
    assert files_in(tmp_path) == []
    assert call(answered.app, form(bytes(1024 * 1024))) == 204


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form at all",
        form(b"text")[:-8],
        form(b"a")[: -len(BOUNDARY) - 8] + b"\r\n" + form(b"b"),
        b"--%s\r\nContent-Disposition: form-data; name=x\r\n\r\nfield\r\n--%s--\r\n" % (BOUNDARY, BOUNDARY),
        b"--%s\r\nX: %s\r\n\r\n" % (BOUNDARY, b"y" * 20_000),
    ],
    ids=["nothing", "no form", "cut off", "two files", "only a field", "an endless header"],
)
def test_what_is_no_form_with_one_file_leaves_nothing(tmp_path: Path, body: bytes) -> None:
    answered = Answered(tmp_path)
    assert call(answered.app, body) == 400
    assert files_in(tmp_path) == []


def test_an_upload_that_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    answered = Answered(tmp_path)
    assert call(answered.app, form(b"text" * 1000)[:900], ends=False) == 0
    assert files_in(tmp_path) == []


def test_a_file_goes_when_streamlit_lets_it_go(tmp_path: Path) -> None:
    answered, refusing = Answered(tmp_path), Answered(tmp_path, status=403)
    assert call(answered.app, form(b"text")) == 204
    assert call(refusing.app, b"", method="DELETE") == 403
    assert files_in(tmp_path) == [f"{SESSION}/{FILE}"]
    assert call(answered.app, b"", method="DELETE") == 204
    assert files_in(tmp_path) == []


def test_other_requests_pass(tmp_path: Path) -> None:
    answered = Answered(tmp_path)
    assert call(answered.app, b"", path="/_stcore/health", method="GET") == 404
    assert call(answered.app, b"", path=PATH + "/more") == 404
    assert files_in(tmp_path) == []


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    megabytes = 100
    answered = Answered(tmp_path)
    head = form(b"")[: -len(END)]
    piece = os.urandom(65_536)

    def pieces() -> Iterator[bytes]:
        yield head
        for _ in range(megabytes * 16):
            yield bytes(piece)
        yield END

    tracemalloc.start()
    try:
        assert call(answered.app, pieces()) == 204
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (tmp_path / SESSION / FILE).stat().st_size == megabytes * 1024 * 1024
    assert peak < 30 * 1024 * 1024


def test_files_that_nobody_adds_are_swept(tmp_path: Path) -> None:
    for session in (SESSION, "gone", "just-gone"):
        (tmp_path / session).mkdir()
        (tmp_path / session / FILE).write_bytes(b"text")
    now = (tmp_path / SESSION).stat().st_mtime
    sweep(tmp_path, lambda session: session == SESSION, now + 1)
    assert len(files_in(tmp_path)) == 3
    os.utime(tmp_path / "gone", (now - QUIET - 5, now - QUIET - 5))
    sweep(tmp_path, lambda session: session == SESSION, now + 1)
    assert files_in(tmp_path) == sorted([f"{SESSION}/{FILE}", f"just-gone/{FILE}"])
    sweep(tmp_path, lambda session: session == SESSION, now + OLDEST + 5)
    assert files_in(tmp_path) == []

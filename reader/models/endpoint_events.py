"""The parts of a reply as they stand in a stream of events or in one piece, read as leniently as can be.

A reply has cost its time and its money when its last part comes: what is not needed of a part may be missing,
null or of another kind. Only what would change the text is a fault.
"""

from __future__ import annotations

import json
import math
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ValidationError

from reader.errors import EndpointReplyError
from reader.models.endpoint_faults import fault_in_stream, said
from reader.models.retrying import PassingFault

if TYPE_CHECKING:
    from openai import AsyncStream

__all__ = ["Chunk", "Delta", "Usage", "no_completion", "parts_of"]

EVENT_STREAM: Final = "text/event-stream"
DONE: Final = "[DONE]"


def _count(value: object) -> int | None:
    """A number of tokens; None where it is none, and for 0, which some say where they did not count."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if value >= 1 else None


class _Piece(BaseModel):
    """A part of a content that is a list: text, or the reasoning of Mistral's models."""

    type: str | None = None
    text: str | None = None


class Delta(BaseModel):
    """What is new in a part of a reply."""

    content: str | list[_Piece | str] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None

    @property
    def shown(self) -> str:
        """Text of the reply, a refusal too; there may be reasoning in tags in it."""
        if not isinstance(self.content, list):
            return self.content or self.refusal or ""
        return "".join(
            each if isinstance(each, str) else each.text or ""
            for each in self.content
            if isinstance(each, str) or each.type in {None, "text", "output_text"}
        )

    @property
    def hidden(self) -> str:
        """Reasoning that comes apart; what comes in parts of a content counts as one sign of life."""
        apart = isinstance(self.content, list) and self.content and not self.shown
        return self.reasoning_content or self.reasoning or ("..." if apart else "")


class _Choice(BaseModel):
    index: int | None = 0
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None


class Usage(BaseModel):
    """Tokens as the server counted them, None where it does not tell."""

    prompt_tokens: Annotated[int | None, BeforeValidator(_count)] = None
    completion_tokens: Annotated[int | None, BeforeValidator(_count)] = None


class Chunk(BaseModel):
    """What is read of a part of a stream, or of a whole reply; servers add much of their own."""

    choices: Annotated[list[_Choice], BeforeValidator(lambda value: [] if value is None else value)] = []
    usage: Annotated[
        Usage | None, BeforeValidator(lambda value: value if isinstance(value, dict) else None)
    ] = None
    error: Any = None

    @property
    def choice(self) -> _Choice | None:
        """The first of several replies; only one is asked for."""
        return next((each for each in self.choices if not each.index), None)


async def parts_of(
    stream: AsyncStream[object], url: str, model: str, sent: Sequence[str]
) -> AsyncGenerator[Chunk | None, None]:
    """The parts of a reply, None where the server says that it was the last.

    The bytes are read here and not by the client, which takes an empty event for a broken one and does not
    tell a stream that was ended from one that broke off.

    Args:
        stream: Open.
        url: For the errors.
        model: For the errors.
        sent: What documents and the user say in the request.

    Raises:
        PassingFault: If it breaks off, or a part is none or is an error that may pass.
        ModelError: If a part is an error that does not.
    """
    kind = stream.response.headers.get("content-type", EVENT_STREAM)
    if EVENT_STREAM not in kind:
        content = b"".join([each async for each in _bytes(stream, url)])
        yield _checked(_whole(content, kind, url), url, model, sent)
        yield None
        return
    async for event in _events(stream, url):
        if event.startswith(DONE):
            yield None
        elif event and event != "null":
            try:
                part = json.loads(event)
            except ValueError as error:
                raise no_completion(url, f"a part of it is not JSON ({error})", once=True) from None
            yield _checked(part, url, model, sent)


def no_completion(url: str, why: str, once: bool = False) -> PassingFault:
    """The fault of a reply that is none; `once` where the next attempt will most likely be the same."""
    return PassingFault(EndpointReplyError(f"What {url} sent is no whole completion: {why}."), once=once)


async def _events(stream: AsyncStream[object], url: str) -> AsyncIterator[str]:
    """The data of each event; of several lines in one they are joined."""
    data: list[str] = []
    async for line in _lines(stream, url):
        if line.startswith(b"data:"):
            data.append(line[5:].decode(errors="replace").strip())
        elif not line and data:
            yield "\n".join(data)
            data.clear()
    if data:
        yield "\n".join(data)


async def _lines(stream: AsyncStream[object], url: str) -> AsyncIterator[bytes]:
    """Lines end with a line feed alone: a text may have all other kinds of line ends in it."""
    rest: list[bytes] = []
    async for piece in _bytes(stream, url):
        *lines, last = piece.split(b"\n")
        if lines:
            lines[0] = b"".join([*rest, lines[0]])
            rest.clear()
        for line in lines:
            yield line.rstrip(b"\r")
        rest.append(last)
    if any(rest):
        yield b"".join(rest)


async def _bytes(stream: AsyncStream[object], url: str) -> AsyncIterator[bytes]:
    import anyio
    import httpx2

    try:
        async for piece in stream.response.aiter_bytes():
            yield piece
    # The last two come through from below, see openai._httpx2.request_exceptions.
    except (httpx2.HTTPError, ssl.SSLError, anyio.EndOfStream) as error:
        raise no_completion(url, f"it is cut off ({type(error).__name__})") from None


def _whole(content: bytes, kind: str, url: str) -> object:
    """A reply in one piece, from a server that does not stream or sends something else altogether."""
    try:
        return json.loads(content)
    except ValueError:
        words = said(content.decode(errors="replace"))
        why = f"it is {kind or 'of no kind'}: {words!r}; check OPENAI_BASE_URL, which mostly ends in /v1"
        raise no_completion(url, why, once=True) from None


def _checked(part: object, url: str, model: str, sent: Sequence[str]) -> Chunk:
    try:
        chunk = Chunk.model_validate(part)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise no_completion(url, f"{where}: {first['msg']}", once=True) from None
    if chunk.error:
        raise fault_in_stream(chunk.error, url, model, sent)
    return chunk

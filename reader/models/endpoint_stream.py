"""One attempt at a reply: the stream of a chat completion, read to its good end or to a named error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, Field, ValidationError

from reader.chat import Finish
from reader.errors import EndpointReplyError, EndpointTimeoutError
from reader.models.endpoint_faults import fault_in_stream, fault_of, said
from reader.models.endpoint_server import Server
from reader.models.retrying import PassingFault
from reader.models.thinking import ThinkingFilter

if TYPE_CHECKING:
    from openai import AsyncStream

__all__ = ["Streamed", "stream_once"]

EVENT_STREAM: Final = "text/event-stream"
# What gateways and vLLM say of a reply that came to no good end.
_BROKEN: Final = frozenset({"error", "abort"})


class _Delta(BaseModel):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int = Field(default=0, ge=0)
    completion_tokens: int = Field(default=0, ge=0)


class _Chunk(BaseModel):
    """What is read of a part of a stream, or of a whole reply; servers add much of their own."""

    choices: list[_Choice] = []
    usage: _Usage | None = None
    error: Any = None


@dataclass(frozen=True, slots=True)
class Streamed:
    """A reply that came to its end.

    Attributes:
        prompt_tokens: As the server counted, None if it does not tell.
        completion_tokens: As the server counted, or else the pieces in which it came.
    """

    text: str
    finish: Finish
    prompt_tokens: int | None
    completion_tokens: int


class _Draft:
    """The reply as far as it has come; gives out what can be shown."""

    def __init__(self, emit: Callable[[str | None], None]) -> None:
        self._emit, self._filter = emit, ThinkingFilter()
        self._parts: list[str] = []
        self.pieces = 0
        self.finish: str | None = None
        self.usage: _Usage | None = None

    def add(self, chunk: _Chunk) -> bool:
        """Take in a part; True if there was a token in it, shown or not."""
        self.usage = chunk.usage or self.usage
        token = False
        for choice in chunk.choices[:1]:
            self.finish = choice.finish_reason or self.finish
            delta = choice.delta or choice.message or _Delta()
            # Reasoning in a field of its own is not shown, but it is a sign of life.
            token = bool(delta.content or delta.reasoning_content or delta.reasoning or delta.refusal)
            self.pieces += token
            self._show(self._filter.feed(delta.content or delta.refusal or ""))
        return token

    def end(self) -> str:
        self._show(self._filter.end())
        return "".join(self._parts).rstrip()

    def _show(self, text: str) -> None:
        if self._filter.restarted:
            self._filter.restarted = False
            self._parts.clear()
            self._emit(None)
        text = text if self._parts else text.lstrip()
        if text:
            self._parts.append(text)
            self._emit(text)


async def stream_once(
    server: Server, body: Mapping[str, Any], model: str, emit: Callable[[str | None], None]
) -> Streamed:
    """Ask once and read the stream to its end.

    Args:
        server: Of the endpoint.
        body: Of the request, without `stream`, which is always on.
        model: For the errors.
        emit: Gets the visible text as it comes, and None where all of it so far turns out to be reasoning.

    Raises:
        PassingFault: If another attempt may succeed.
        ModelError: If it cannot.
        openai.APIStatusError: If the server refuses; what that means depends on the fields of the body.
    """
    draft = _Draft(emit)
    async with _time_limits(server) as token_came, _answer(server, body, model) as stream:
        if EVENT_STREAM in stream.response.headers.get("content-type", EVENT_STREAM):
            async for part in _parts(stream, server.url, model):
                if draft.add(part):
                    token_came()
        else:
            draft.add(await _whole(stream, server.url, model))
    text = draft.end()
    usage = draft.usage
    if draft.finish is None and not draft.pieces:
        raise _not_one(server.url, "it has no choices")
    if draft.finish is None:
        raise _not_one(server.url, "it is cut off")
    if draft.finish in _BROKEN:
        raise _not_one(server.url, f"it ends with {draft.finish!r}")
    return Streamed(
        text,
        Finish.LENGTH if draft.finish in {"length", "max_tokens"} else Finish.STOP,
        usage.prompt_tokens if usage else None,
        usage.completion_tokens if usage else draft.pieces,
    )


@asynccontextmanager
async def _time_limits(server: Server) -> AsyncIterator[Callable[[], None]]:
    """Keeps the limit for the first token, and after each call of what it gives the one between tokens."""
    limits, loop = server.timeouts, asyncio.get_running_loop()
    tokens = 0

    def token_came() -> None:
        nonlocal tokens
        tokens += 1
        limit.reschedule(loop.time() + limits.between_tokens)

    limit = asyncio.timeout(limits.first_token)
    try:
        async with limit:
            yield token_came
    except TimeoutError:
        what = (
            f"stood still for {limits.between_tokens:g} s in the middle of its reply"
            if tokens
            else f"sent no token for {limits.first_token:g} s"
        )
        raise PassingFault(
            EndpointTimeoutError(f"{server.url} {what}; the time limits of the endpoint allow no more.")
        ) from None


@asynccontextmanager
async def _answer(server: Server, body: Mapping[str, Any], model: str) -> AsyncIterator[AsyncStream[object]]:
    """The open response, closed at the end in any case."""
    from openai import APIError, APIStatusError

    try:
        stream = await server.stream({**body, "stream": True})
    except APIStatusError:
        raise
    except APIError as error:
        raise fault_of(error, server.url, model) from None
    try:
        yield stream
    finally:
        await stream.close()


async def _parts(stream: AsyncStream[object], url: str, model: str) -> AsyncIterator[_Chunk]:
    """The parts of a stream, checked."""
    from openai import APIConnectionError, APIError

    try:
        async for part in stream:
            yield _checked(part, url)
    except APIConnectionError as error:
        raise _not_one(url, f"it is cut off ({type(error.__cause__).__name__})") from None
    except APIError as error:
        raise fault_in_stream(error.body or error.message, url, model) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise _not_one(url, f"a part of it is not JSON ({error})") from None


async def _whole(stream: AsyncStream[object], url: str, model: str) -> _Chunk:
    """A reply in one piece, from a server that does not stream or sends something else altogether."""
    kind = stream.response.headers.get("content-type", "")
    content = await _read(stream, url)
    try:
        reply = json.loads(content)
    except ValueError:
        words = said(content.decode(errors="replace"))
        why = f"it is {kind or 'of no kind'}: {words!r}; check OPENAI_BASE_URL, which mostly ends in /v1"
        raise _not_one(url, why) from None
    chunk = _checked(reply, url)
    if chunk.error:
        raise fault_in_stream(chunk.error, url, model)
    return chunk


async def _read(stream: AsyncStream[object], url: str) -> bytes:
    import httpx2

    try:
        return await stream.response.aread()
    except httpx2.HTTPError as error:
        raise _not_one(url, f"it is cut off ({type(error).__name__})") from None


def _checked(part: object, url: str) -> _Chunk:
    try:
        return _Chunk.model_validate(part)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise _not_one(url, f"{where}: {first['msg']}") from None


def _not_one(url: str, why: str) -> PassingFault:
    return PassingFault(EndpointReplyError(f"What {url} sent is no whole completion: {why}."))

"""One attempt at a reply: the stream of a chat completion, read to its good end or to a named error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from reader.chat import Finish, Request
from reader.errors import EndpointTimeoutError
from reader.models.endpoint_connection import Connection
from reader.models.endpoint_events import Chunk, Delta, no_completion, parts_of
from reader.models.endpoint_faults import fault_of
from reader.models.retrying import PassingFault
from reader.models.thinking import ThinkingFilter

if TYPE_CHECKING:
    from openai import AsyncStream

__all__ = ["Streamed", "stream_once"]

# What gateways and vLLM say of a reply that came to no good end.
_BROKEN: Final = frozenset({"error", "abort"})
_LENGTH: Final = frozenset({"length", "max_tokens"})
# How far a reply may go over its cap: tokens are only guessed here.
OVER: Final = 0.25
OVER_AT_LEAST: Final = 64
# Characters of a token, at most and at least, over a stretch of text.
LONG_TOKEN: Final = 12
SHORT_TOKEN: Final = 2
AFTER_THE_END: Final = 0.1


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
        self._length = self.pieces = 0
        self.finish: str | None = None
        self.prompt_tokens: int | None = None
        self.completion_tokens: int | None = None

    def add(self, chunk: Chunk) -> bool:
        """Take in a part; True if there was a token in it, shown or not."""
        if chunk.usage is not None:
            self.prompt_tokens = chunk.usage.prompt_tokens or self.prompt_tokens
            self.completion_tokens = chunk.usage.completion_tokens or self.completion_tokens
        choice = chunk.choice
        if choice is None:
            return False
        self.finish = choice.finish_reason or self.finish
        delta = choice.delta or choice.message or Delta()
        # Reasoning in a field of its own is not shown, but it is a sign of life.
        token = bool(delta.shown or delta.hidden)
        self.pieces += token
        self._length += len(delta.shown) + len(delta.hidden)
        self._show(self._filter.feed(delta.shown))
        return token

    @property
    def least_tokens(self) -> int:
        """Tokens of the reply that there are at the very least.

        A piece is mostly a token; but some servers send several in one, and some send single characters.
        """
        return max(self._length // LONG_TOKEN, min(self.pieces, self._length // SHORT_TOKEN))

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
    connection: Connection,
    body: Mapping[str, Any],
    request: Request,
    emit: Callable[[str | None], None],
) -> Streamed:
    """Ask once and read the stream to its end.

    Args:
        connection: To the endpoint.
        body: Of the request, without `stream`, which is always on.
        request: That the body is made of.
        emit: Gets the visible text as it comes, and None where all of it so far turns out to be reasoning.

    Raises:
        PassingFault: If another attempt may succeed.
        ModelError: If it cannot.
        openai.APIStatusError: If the server refuses; what that means depends on the fields of the body.
    """
    draft = _Draft(emit)
    sent = [each.content for each in request.messages]
    done = False
    try:
        async with (
            _time_limits(connection) as token_came,
            _answer(connection, body, sent) as stream,
            aclosing(parts_of(stream, connection.url, str(body["model"]), sent)) as parts,
        ):
            async for part in parts:
                if part is None:
                    done = True
                    await _read_out(parts)
                    break
                if draft.add(part):
                    token_came()
                if draft.least_tokens > request.max_tokens * (1 + OVER) + OVER_AT_LEAST:
                    # The server does not keep the cap, and may never end.
                    draft.finish = "length"
                    break
    except PassingFault:
        # What breaks after the end of the reply takes nothing from it.
        if draft.finish is None:
            raise
    return _ended(draft, connection.url, done, request.max_tokens)


def _ended(draft: _Draft, url: str, done: bool, max_tokens: int) -> Streamed:
    """The whole reply; `done` says that the server ended the stream in good form."""
    text = draft.end()
    finish, tokens = draft.finish, draft.completion_tokens or draft.pieces
    if finish is None and not draft.pieces:
        raise no_completion(url, "it has no choices", once=True)
    if finish is None and not done:
        raise no_completion(url, "it is cut off")
    if finish in _BROKEN:
        raise no_completion(url, f"it ends with {finish!r}")
    length = finish in _LENGTH or (finish is None and tokens >= max_tokens)
    return Streamed(text, Finish.LENGTH if length else Finish.STOP, draft.prompt_tokens, tokens)


@asynccontextmanager
async def _time_limits(connection: Connection) -> AsyncIterator[Callable[[], None]]:
    """Keeps the limit for the first token, and after each call of what it gives the one between tokens."""
    limits, loop = connection.timeouts, asyncio.get_running_loop()
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
            EndpointTimeoutError(f"{connection.url} {what}; the time limits of the endpoint allow no more.")
        ) from None


@asynccontextmanager
async def _answer(
    connection: Connection, body: Mapping[str, Any], sent: Sequence[str]
) -> AsyncIterator[AsyncStream[object]]:
    """The open response, closed at the end in any case."""
    from openai import APIError, APIStatusError

    try:
        stream = await connection.stream({**body, "stream": True})
    except APIStatusError:
        raise
    except APIError as error:
        raise fault_of(error, connection.url, str(body["model"]), sent) from None
    try:
        yield stream
    finally:
        await stream.close()


async def _read_out(parts: AsyncIterator[Chunk | None]) -> None:
    """Read what may come after the end, for a moment: only then the connection can be used again."""
    with suppress(TimeoutError, PassingFault):
        async with asyncio.timeout(AFTER_THE_END):
            async for _ in parts:
                continue

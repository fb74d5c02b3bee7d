"""One request to an endpoint from its turn to its end: the ways to ask it, the retries, the time limits."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, Field, ValidationError

from reader.chat import Cancellation, Completion, Finish, Request
from reader.errors import EndpointReplyError, EndpointTimeoutError, ModelNotFoundError
from reader.models.endpoint_connection import Connection
from reader.models.endpoint_faults import fault_of, said
from reader.models.endpoint_refusals import refused_part
from reader.models.endpoint_schema import Dialect, decision_of, options_of
from reader.models.endpoint_stream import Streamed, stream_once
from reader.models.endpoint_tokens import Estimate
from reader.models.endpoint_window import ask_models
from reader.models.retrying import PassingFault, with_retries

if TYPE_CHECKING:
    from openai import APIStatusError

__all__ = ["Asker"]

DECISIONS: Final = "/systemone"
NAMES_SHOWN: Final = 10
T = TypeVar("T")


class _Decided(BaseModel):
    choice: str


class _DecisionUsage(BaseModel):
    input_tokens: int = Field(default=0, ge=0)


class _Decision(BaseModel):
    """What is read of an answer of `/v1/systemone`."""

    answers: dict[str, _Decided]
    usage: _DecisionUsage = _DecisionUsage()


class Asker:
    """Asks one model of one server; its methods run in the thread of the connection that they get.

    Attributes:
        dialect: What the server was found to understand.
    """

    def __init__(self, model: str, attempts: int, backoff: float) -> None:
        self.dialect = Dialect()
        self._model, self._attempts, self._backoff = model, attempts, backoff

    async def reply(
        self,
        connection: Connection,
        request: Request,
        emit: Callable[[str | None], None],
        cancellation: Cancellation | None,
    ) -> Completion:
        """The reply to a request, once it is its turn.

        Args:
            connection: To the server.
            request: What is asked.
            emit: Gets the visible text as it comes; None voids it.
            cancellation: Only its deadline is looked at, for the retries; to cancel, cancel the task.

        Raises:
            ModelError: As `ChatModel.complete` says.
        """
        shown = False
        # What was refused stays left out in all attempts.
        without: set[str] = set()

        def tell(text: str | None) -> None:
            nonlocal shown
            shown = text is not None
            emit(text)

        async def attempt() -> tuple[Streamed, bool]:
            if shown:
                tell(None)
            return await self._attempt(connection, request, tell, without)

        async with connection.slots:
            began = time.monotonic()
            remaining = None if cancellation is None else cancellation.remaining
            streamed, enforced = await self._within_limits(connection, attempt, remaining)
        prompt_tokens = streamed.prompt_tokens
        return Completion(
            streamed.text,
            streamed.finish,
            Estimate().prompt(request.messages) if prompt_tokens is None else prompt_tokens,
            streamed.completion_tokens,
            time.monotonic() - began,
            enforced,
        )

    async def _within_limits(
        self, connection: Connection, attempt: Callable[[], Awaitable[T]], remaining: float | None
    ) -> T:
        """What an attempt returns, with retries, within the time of one request."""
        total = connection.timeouts.total
        seconds = total if remaining is None else min(total, remaining)
        try:
            async with asyncio.timeout(total):
                return await with_retries(
                    attempt, attempts=self._attempts, seconds=seconds, backoff=self._backoff
                )
        except TimeoutError:
            raise EndpointTimeoutError(
                f"{connection.url} did not end its reply within {total:g} s, the limit of one request "
                "(CLEW_REQUEST_SECONDS)."
            ) from None

    async def asking(
        self,
        connection: Connection,
        ask: Callable[[Connection], Awaitable[T]],
        cancellation: Cancellation | None,
    ) -> T:
        """What the server tells about itself, asked again as long as it cannot be reached."""
        from openai import APIError

        async def attempt() -> T:
            try:
                return await ask(connection)
            except APIError as error:
                raise fault_of(error, connection.url, self._model) from None

        remaining = None if cancellation is None else cancellation.remaining
        return await self._within_limits(connection, attempt, remaining)

    async def _attempt(
        self,
        connection: Connection,
        request: Request,
        emit: Callable[[str | None], None],
        without: set[str],
    ) -> tuple[Streamed, bool]:
        """One reply, and whether its schema was enforced."""
        from openai import APIStatusError

        decided = await self._decision(connection, request)
        if decided is not None:
            emit(decided.text)
            return decided, True
        while True:
            body = self.dialect.body(self._model, request, without)
            try:
                streamed = await stream_once(connection, body, request, emit)
            except APIStatusError as error:
                part = refused_part(error.status_code, error.body or error.response.text, body)
                if part is None:
                    raise await self._meaning(connection, error, request) from None
                # Each time one part less, so this ends.
                without.add(part)
                continue
            self.dialect.learns(without, request)
            enforced = (
                request.schema is not None
                and "response_format" in body
                and self.dialect.judges(streamed.text, request.schema, streamed.finish is Finish.STOP)
            )
            return streamed, enforced

    async def _decision(self, connection: Connection, request: Request) -> Streamed | None:
        """The choice among options, where the server has typed decisions; None where it has none."""
        from openai import APIError, APIStatusError

        options = None if request.schema is None else options_of(request.schema)
        if options is None or not await self._has_decisions(connection):
            return None
        try:
            async with asyncio.timeout(connection.timeouts.first_token):
                content = await connection.post(
                    DECISIONS, decision_of(self._model, request.messages, options)
                )
        except APIStatusError as error:
            if error.status_code in {400, 404, 422} and "pinned" not in said(error.body):
                # The labels are no single tokens of this model, or the like.
                self.dialect.decides = False
                return None
            raise await self._meaning(connection, error, request) from None
        except APIError as error:
            raise fault_of(error, connection.url, self._model) from None
        except TimeoutError:
            raise PassingFault(
                EndpointTimeoutError(f"{connection.url} took too long for a decision.")
            ) from None
        return _chosen(connection.url, content, options)

    async def _has_decisions(self, connection: Connection) -> bool:
        """Whether the server has typed decisions: an empty request is then refused for its missing fields."""
        from openai import APIError, APIStatusError

        if self.dialect.decides is None:
            try:
                async with asyncio.timeout(connection.timeouts.asking):
                    await connection.post(DECISIONS, {})
            except APIStatusError as error:
                self.dialect.decides = error.status_code == 422 and "questions" in str(error.body)
            except APIError as error:
                raise fault_of(error, connection.url, self._model) from None
            except TimeoutError:
                self.dialect.decides = False
            else:
                self.dialect.decides = False
        return bool(self.dialect.decides)

    async def _meaning(self, connection: Connection, error: APIStatusError, request: Request) -> Exception:
        """The error of a refusal; that of an unknown model says which ones there are."""
        from openai import APIError

        fault = fault_of(error, connection.url, self._model, [each.content for each in request.messages])
        if not isinstance(fault, ModelNotFoundError):
            return fault
        try:
            names = [each["id"] for each in await ask_models(connection)]
        except APIError:
            names = []
        if not names:
            return fault
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        return ModelNotFoundError(
            f"{connection.url} has no model {self._model!r}; it has {', '.join(names[:NAMES_SHOWN])}{more}."
            " Set CLEW_MODEL=openai:NAME to one of them."
        )


def _chosen(url: str, content: object, options: dict[str, Any]) -> Streamed:
    try:
        decision = _Decision.model_validate(content)
        value = options[decision.answers["reply"].choice]
    except (ValidationError, KeyError) as error:
        raise PassingFault(
            EndpointReplyError(f"What {url} sent is no decision among the options: {error!r}")
        ) from None
    return Streamed(json.dumps(value), Finish.STOP, decision.usage.input_tokens, 0)

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
from reader.models.endpoint_faults import fault_of, said
from reader.models.endpoint_schema import Dialect, decision_of, options_of
from reader.models.endpoint_server import Server
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
    """Asks one model of one server; its methods run in the server's thread.

    Attributes:
        dialect: What the server was found to understand.
    """

    def __init__(self, server: Server, model: str, attempts: int, backoff: float) -> None:
        self.dialect = Dialect()
        self._server, self._model = server, model
        self._attempts, self._backoff = attempts, backoff

    async def reply(
        self, request: Request, emit: Callable[[str | None], None], cancellation: Cancellation | None
    ) -> Completion:
        """The reply to a request, once it is its turn.

        Args:
            request: What is asked.
            emit: Gets the visible text as it comes; None voids it.
            cancellation: Only its deadline is looked at, for the retries; to cancel, cancel the task.

        Raises:
            ModelError: As `ChatModel.complete` says.
        """
        shown = False

        def tell(text: str | None) -> None:
            nonlocal shown
            shown = text is not None
            emit(text)

        async def attempt() -> tuple[Streamed, bool]:
            if shown:
                tell(None)
            return await self._attempt(request, tell)

        async with self._server.slots:
            began = time.monotonic()
            remaining = None if cancellation is None else cancellation.remaining
            streamed, enforced = await self.within_limits(attempt, remaining)
        prompt_tokens = streamed.prompt_tokens
        return Completion(
            streamed.text,
            streamed.finish,
            Estimate().prompt(request.messages) if prompt_tokens is None else prompt_tokens,
            streamed.completion_tokens,
            time.monotonic() - began,
            enforced,
        )

    async def within_limits(self, attempt: Callable[[], Awaitable[T]], remaining: float | None = None) -> T:
        """What an attempt returns, with retries, within the time of one request."""
        total = self._server.timeouts.total
        seconds = total if remaining is None else min(total, remaining)
        try:
            async with asyncio.timeout(total):
                return await with_retries(
                    attempt, attempts=self._attempts, seconds=seconds, backoff=self._backoff
                )
        except TimeoutError:
            raise EndpointTimeoutError(
                f"{self._server.url} did not end its reply within {total:g} s, the limit of one request "
                "(CLEW_REQUEST_SECONDS)."
            ) from None

    async def asking(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What the server tells about itself, asked again as long as it cannot be reached."""
        from openai import APIError

        async def attempt() -> T:
            try:
                return await ask()
            except APIError as error:
                raise fault_of(error, self._server.url, self._model) from None

        return await self.within_limits(attempt)

    async def _attempt(self, request: Request, emit: Callable[[str | None], None]) -> tuple[Streamed, bool]:
        """One reply, and whether its schema was enforced."""
        from openai import APIStatusError

        decided = await self._decision(request)
        if decided is not None:
            emit(decided.text)
            return decided, True
        while True:
            body = self.dialect.body(self._model, request)
            try:
                streamed = await stream_once(self._server, body, self._model, emit)
            except APIStatusError as error:
                # Each time one field less, so this ends.
                if self.dialect.learns(error.status_code, str(error.body or error.response.text), body):
                    continue
                raise await self._meaning(error) from None
            enforced = (
                request.schema is not None
                and "response_format" in body
                and self.dialect.judges(streamed.text, request.schema, streamed.finish is Finish.STOP)
            )
            return streamed, enforced

    async def _decision(self, request: Request) -> Streamed | None:
        """The choice among options, where the server has typed decisions; None where it has none."""
        from openai import APIError, APIStatusError

        options = None if request.schema is None else options_of(request.schema)
        if options is None or not await self._has_decisions():
            return None
        try:
            async with asyncio.timeout(self._server.timeouts.first_token):
                content = await self._server.post(
                    DECISIONS, decision_of(self._model, request.messages, options)
                )
        except APIStatusError as error:
            if error.status_code in {400, 404, 422} and "pinned" not in said(error.body):
                # The labels are no single tokens of this model, or the like.
                self.dialect.decides = False
                return None
            raise await self._meaning(error) from None
        except APIError as error:
            raise fault_of(error, self._server.url, self._model) from None
        except TimeoutError:
            raise PassingFault(
                EndpointTimeoutError(f"{self._server.url} took too long for a decision.")
            ) from None
        return self._chosen(content, options)

    def _chosen(self, content: object, options: dict[str, Any]) -> Streamed:
        try:
            decision = _Decision.model_validate(content)
            value = options[decision.answers["reply"].choice]
        except (ValidationError, KeyError) as error:
            raise PassingFault(
                EndpointReplyError(
                    f"What {self._server.url} sent is no decision among the options: {error!r}"
                )
            ) from None
        return Streamed(json.dumps(value), Finish.STOP, decision.usage.input_tokens, 0)

    async def _has_decisions(self) -> bool:
        """Whether the server has typed decisions: an empty request is then refused for its missing fields."""
        from openai import APIError, APIStatusError

        if self.dialect.decides is None:
            try:
                async with asyncio.timeout(self._server.timeouts.asking):
                    await self._server.post(DECISIONS, {})
            except APIStatusError as error:
                self.dialect.decides = error.status_code == 422 and "questions" in str(error.body)
            except APIError as error:
                raise fault_of(error, self._server.url, self._model) from None
            except TimeoutError:
                self.dialect.decides = False
            else:
                self.dialect.decides = False
        return bool(self.dialect.decides)

    async def _meaning(self, error: APIStatusError) -> Exception:
        """The error of a refusal; that of an unknown model says which ones there are."""
        from openai import APIError

        fault = fault_of(error, self._server.url, self._model)
        if not isinstance(fault, ModelNotFoundError):
            return fault
        try:
            names = [each["id"] for each in await ask_models(self._server)]
        except APIError:
            names = []
        if not names:
            return fault
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        return ModelNotFoundError(
            f"{self._server.url} has no model {self._model!r}; it has {', '.join(names[:NAMES_SHOWN])}{more}."
            " Set CLEW_MODEL=openai:NAME to one of them."
        )

"""A request while it is answered: tokens so far, text so far, and whether it is done."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from reader.chat import Cancellation, Completion, Finish, OnToken, Request
from reader.models.chat_format import ChatFormat, TextStream
from reader.models.grammar import Matcher
from reader.models.thinking import ThinkingFilter, without_thinking

__all__ = ["FAILURES", "CallersError", "Reply", "callers_own"]

FAILURES: Final = (RuntimeError, ValueError, IndexError, MemoryError)
"""What torch raises when a model fails, or the memory of the device."""


class CallersError(Exception):
    """Carries an error of a function that the caller gave past those who would take it for the model's."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def callers_own() -> Iterator[None]:
    """Around a function of the caller: what it raises that a model could raise too is wrapped."""
    try:
        yield
    except FAILURES as error:
        raise CallersError(error) from None


class Reply:
    """One reply as it grows.

    Attributes:
        prompt: Token ids, chat template included.
        tokens: Generated so far.
        matcher: Where it stands in its grammar; None if it is free.
        finish: Why it is done; None while it is not.
        sampler: The random numbers of this reply, made at its first token.
    """

    def __init__(
        self,
        request: Request,
        prompt: Sequence[int],
        format: ChatFormat,
        ends: frozenset[int],
        matcher: Matcher | None = None,
        on_token: OnToken | None = None,
        cancellation: Cancellation | None = None,
    ) -> None:
        self.request, self.prompt, self.matcher = request, list(prompt), matcher
        self.tokens: list[int] = []
        self.finish: Finish | None = None
        self.sampler: Any = None
        self._format, self._ends, self._on_token, self._cancellation = format, ends, on_token, cancellation
        self._stream, self._reasoning = TextStream(format), ThinkingFilter()
        self._shown = False
        self._began = time.perf_counter()
        self._seconds = 0.0

    @property
    def ids(self) -> list[int]:
        """Prompt and tokens."""
        return self.prompt + self.tokens

    @property
    def cancelled(self) -> bool:
        """Whether someone wants it to stop."""
        return self._cancellation is not None and self._cancellation.cancelled

    def add(self, token: int) -> None:
        """The model has taken a token.

        A reply with a grammar is done as soon as nothing can follow, not waiting for the model's end token.
        """
        self.tokens.append(token)
        if token in self._ends:
            return self.done(Finish.STOP)
        if self.matcher is not None:
            self.matcher.consume_token(token)
        if self._on_token is not None:
            self._stream_on(self._stream.feed(token))
        if self.matcher is not None and self.matcher.is_stopped():
            return self.done(Finish.STOP)
        if len(self.tokens) >= self.request.max_tokens:
            complete = self.matcher is not None and self.matcher.is_accepting()
            return self.done(Finish.STOP if complete else Finish.LENGTH)
        return None

    def done(self, finish: Finish) -> None:
        """Nothing more comes."""
        self.finish = finish
        self._seconds = time.perf_counter() - self._began
        if self._on_token is not None:
            self._stream_on(self._stream.end())
            self._give(self._reasoning.end())

    def completion(self) -> Completion:
        """What came of it."""
        assert self.finish is not None
        hidden = self._format.hidden | self._ends
        text = self._format.decode([token for token in self.tokens if token not in hidden])
        # What looks like a tag of reasoning inside of an enforced reply is part of it.
        return Completion(
            text=text if self.matcher is not None else without_thinking(text),
            finish=self.finish,
            prompt_tokens=len(self.prompt),
            completion_tokens=len(self.tokens),
            seconds=self._seconds,
            enforced=self._kept_to_its_grammar,
        )

    @property
    def _kept_to_its_grammar(self) -> bool:
        """Not so if it ended where nothing could follow though its grammar wanted more."""
        if self.matcher is None:
            return False
        return self.finish is not Finish.STOP or self.matcher.is_accepting()

    def _stream_on(self, text: str) -> None:
        if self.matcher is not None:
            return self._give(text)
        shown = self._reasoning.feed(text)
        if self._reasoning.restarted:
            self._reasoning.restarted = self._shown = False
            self._give(None)
        return self._give(shown)

    def _give(self, text: str | None) -> None:
        if text is not None and not self._shown and self.matcher is None:
            text = text.lstrip()
        self._shown = self._shown or bool(text)
        if text != "" and self._on_token is not None:
            with callers_own():
                self._on_token(text)

"""What is known of an endpoint's model: its window and its tokens, each asked for once, when first needed."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

from reader.chat import Cancellation, Request
from reader.errors import ModelError, WindowError
from reader.models.endpoint_asking import Asker
from reader.models.endpoint_connection import Connection
from reader.models.endpoint_server import Server
from reader.models.endpoint_tokens import Estimate, LocalTokenizer, TokenCounter, find_counter
from reader.models.endpoint_window import Window, ask_window

__all__ = ["Facts"]

T = TypeVar("T")


class Facts:
    """Of one model at one server; safe between threads."""

    def __init__(
        self, name: str, server: Server, asker: Asker, window: int | None, tokenizer: str | None
    ) -> None:
        self._name, self._server, self._asker, self._tokenizer = name, server, asker, tokenizer
        self._window = None if window is None else Window(window, known=True)
        self._counter: TokenCounter | None = None
        self._lock = threading.Lock()

    def window(self, cancellation: Cancellation | None = None) -> Window:
        """The setting, else what the server tells, else a guess.

        Raises:
            EndpointError: If the server must be asked and cannot be reached.
        """
        with self._lock:
            found = self._window
        if found is None:
            asked = self.ask(lambda now: ask_window(now, self._name), cancellation)
            with self._lock:
                found = self._window = self._window or asked
        return found

    def counter(self, cancellation: Cancellation | None = None) -> TokenCounter:
        """By the tokenizer that is set, else by the server, else a guess.

        Raises:
            ModelNotFoundError: If the tokenizer that is set is not there.
            EndpointError: If the server must be asked and cannot be reached.
        """
        with self._lock:
            if self._counter is None and self._tokenizer is not None:
                self._counter = LocalTokenizer.load(self._tokenizer)
            found = self._counter
        if found is None:
            asked = self.ask(lambda now: find_counter(now, self._server, self._name), cancellation)
            with self._lock:
                found = self._counter = self._counter or asked
        return found

    def check(self, request: Request, cancellation: Cancellation | None = None) -> None:
        """Whether a request can fit, before it is sent: some servers cut a prompt without a word.

        Where neither the window nor the tokens are more than a guess, the server decides.

        Raises:
            WindowError: If prompt and reply do not fit.
            StoppedError: If it is cancelled while the server is asked.
        """
        window = self.window(cancellation)
        if not window.known or Estimate().prompt(request.messages) + request.max_tokens <= window.tokens:
            return
        counter = self.counter(cancellation)
        prompt = (
            counter.prompt(request.messages, cancellation)
            if counter.exact
            else sum(Estimate.least(each.content) for each in request.messages)
        )
        if prompt + request.max_tokens > window.tokens:
            raise WindowError(
                f"A prompt of {prompt} tokens and a reply of up to {request.max_tokens} do not fit into the "
                f"{window.tokens} tokens that {self._name} has at {self._server.url}.",
                window.tokens,
            )

    def learn(self, error: ModelError) -> None:
        """Take the key out of an error's words, and keep the window that it tells, if that is smaller."""
        error.args = (self._server.secret_free(str(error)),)
        told = error.window if isinstance(error, WindowError) else None
        with self._lock:
            if told is not None and (self._window is None or told < self._window.tokens):
                self._window = Window(told, known=True)

    def ask(self, ask: Callable[[Connection], Awaitable[T]], cancellation: Cancellation | None = None) -> T:
        """What the server tells about itself.

        Raises:
            EndpointError: If it cannot be reached.
            StoppedError: If it is cancelled meanwhile.
        """
        try:
            return self._server.run(lambda now: self._asker.asking(now, ask, cancellation), cancellation)
        except ModelError as error:
            self.learn(error)
            raise

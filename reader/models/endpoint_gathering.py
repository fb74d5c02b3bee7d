"""Requests that run in the server's thread and the caller who waits for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Final, TypeAlias

from reader.chat import Cancellation, Completion, Finish, OnToken, Request
from reader.errors import EndpointClosedError, ModelError
from reader.models.endpoint_tokens import Estimate

__all__ = ["Gathering"]

POLL: Final = 0.05
Arrived: TypeAlias = "tuple[int, Future[Completion] | str | None]"


class Gathering:
    """Passes on what comes of some requests, in the thread of the caller, one call at a time.

    Leaving it gives up all that still runs, so an error of the caller's own functions leaves nothing behind.
    """

    def __init__(self, url: str, cancellation: Cancellation | None) -> None:
        self._url, self._cancellation = url, cancellation
        self._began = time.monotonic()
        self._arrivals: SimpleQueue[Arrived] = SimpleQueue()
        self._running: dict[int, Future[Completion]] = {}
        self._shown: dict[int, list[str]] = {}
        self._done: dict[int, Completion] = {}
        self._failed: dict[int, ModelError] = {}

    def __enter__(self) -> Gathering:
        return self

    def __exit__(self, *_: object) -> None:
        for future in self._running.values():
            future.cancel()

    @property
    def cancelled(self) -> bool:
        """Whether nothing more is to be started or waited for."""
        return self._cancellation is not None and self._cancellation.cancelled

    def start(
        self, position: int, submit: Callable[[Callable[[str | None], None]], Future[Completion]]
    ) -> None:
        """Begin one; `submit` gets the function that its text goes to."""
        self._shown[position] = []
        future = submit(lambda text: self._arrivals.put((position, text)))
        self._running[position] = future
        future.add_done_callback(lambda ended: self._arrivals.put((position, ended)))

    def fail(self, position: int, error: ModelError) -> None:
        """One that could not even begin."""
        self._failed[position] = error

    def wait(
        self, on_token: OnToken | None, on_done: Callable[[int, Completion], None] | None
    ) -> dict[int, ModelError]:
        """Wait until all have ended or the cancellation says to stop; returns the errors by position."""
        while self._running and (arrived := self._next()) is not None:
            position, item = arrived
            if isinstance(item, Future):
                del self._running[position]
                self._end(position, item)
                if position in self._done and on_done is not None:
                    on_done(position, self._done[position])
                continue
            if item is None:
                self._shown[position].clear()
            else:
                self._shown[position].append(item)
            if on_token is not None:
                on_token(item)
        return self._failed

    def completion(self, position: int, request: Request) -> Completion:
        """The reply to one; of a cancelled one what was shown of it."""
        if position in self._done:
            return self._done[position]
        shown = self._shown.get(position, [])
        return Completion(
            "".join(shown),
            Finish.CANCELLED,
            Estimate().prompt(request.messages),
            len(shown),
            time.monotonic() - self._began,
        )

    def _end(self, position: int, future: Future[Completion]) -> None:
        if future.cancelled():
            if not self.cancelled:
                self._failed[position] = EndpointClosedError(self._url)
            return
        error = future.exception()
        if isinstance(error, ModelError):
            self._failed[position] = error
        else:
            self._done[position] = future.result()

    def _next(self) -> Arrived | None:
        """What comes next; None if to stop."""
        if self._cancellation is None:
            return self._arrivals.get()
        while not self._cancellation.cancelled:
            remaining = self._cancellation.remaining
            try:
                return self._arrivals.get(timeout=POLL if remaining is None else min(POLL, remaining + 0.001))
            except Empty:
                continue
        return None

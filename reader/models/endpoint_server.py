"""The connection to an OpenAI-compatible server: its address, the client, and the thread in which it runs.

All requests run in one event loop, in a thread of its own. So a request can be given up at any moment, while
it connects, waits or streams, and its connection is closed at once; a blocking client could only do so
between two pieces of a reply. What runs there holds on to the connection that it began with.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future, wait
from typing import Any, Final, TypeVar

from reader.chat import Cancellation
from reader.errors import EndpointClosedError, StoppedError
from reader.models.endpoint_connection import Address, Connection, Timeouts, checked_key

__all__ = ["Server"]

POLL: Final = 0.05
# A shorter one without a digit is a word that stands for a key ("ollama", "none"), and may stand in any text.
SHORTEST_SECRET: Final = 8
SHORTEST_WITH_DIGIT: Final = 4
T = TypeVar("T")


class _Held:
    """What one process has of a server: a thread does not live on in a forked one, nor may a lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.connection: Connection | None = None


class Server:
    """A server as this machine sees it. The thread and the client begin with the first request.

    Attributes:
        url: The base URL as it may be shown, without a password in it.
        timeouts: Time limits.
    """

    def __init__(self, base_url: str, api_key: str | None, timeouts: Timeouts, in_flight: int) -> None:
        self._address = Address.of(base_url)
        self.url, self.timeouts = self._address.shown, timeouts
        self._key, self._in_flight = checked_key(api_key), in_flight
        self._by_process: dict[int, _Held] = {}

    def secret_free(self, text: str) -> str:
        """The text without the key, should a server repeat it."""
        key = self._key or ""
        shortest = SHORTEST_WITH_DIGIT if any(c.isdigit() for c in key) else SHORTEST_SECRET
        if len(key) < shortest:
            return text
        return re.sub(rf"(?<![\w-]){re.escape(key)}(?![\w-])", "***", text)

    def submit(self, make: Callable[[Connection], Coroutine[Any, Any, T]]) -> Future[T]:
        """Begin something in the server's thread; cancelling the future gives it up."""
        held = self._held
        with held.lock:
            if held.connection is None:
                held.connection = Connection.open(self._address, self._key, self.timeouts, self._in_flight)
            return held.connection.begin(make)

    def run(
        self,
        make: Callable[[Connection], Coroutine[Any, Any, T]],
        cancellation: Cancellation | None = None,
    ) -> T:
        """Do something in the server's thread and wait for it.

        Raises:
            StoppedError: If it is cancelled meanwhile, by hand or by its deadline.
            EndpointClosedError: If `close` is called meanwhile.
        """
        future = self.submit(make)
        try:
            while cancellation is not None and not future.done():
                if cancellation.cancelled:
                    raise StoppedError(f"What was asked from {self.url} was stopped.")
                remaining = cancellation.remaining
                wait([future], POLL if remaining is None else min(POLL, remaining + 0.001))
            return future.result()
        except CancelledError:
            raise EndpointClosedError(self.url) from None
        finally:
            future.cancel()

    def close(self) -> None:
        """Give up what runs and close the connections; the next request opens them again."""
        held = self._held
        with held.lock:
            connection, held.connection = held.connection, None
        if connection is not None:
            connection.close()

    @property
    def _held(self) -> _Held:
        # In one step, so that two threads of a forked process agree.
        return self._by_process.setdefault(os.getpid(), _Held())

"""The connection to an OpenAI-compatible server: its address, the client, and the thread in which it runs.

All requests run in one event loop, in a thread of its own. So a request can be given up at any moment, while
it connects, waits or streams, and its connection is closed at once; a blocking client could only do so
between two pieces of a reply.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from reader.errors import EndpointError, EndpointUnreachableError

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream

__all__ = ["EndpointClosedError", "Server", "Timeouts"]

NO_KEY: Final = "none"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds that a server may take.

    Attributes:
        connect: To accept a connection.
        first_token: From the request to the first token: it may load the model first, and reads the prompt.
        between_tokens: From one token to the next.
        total: One request with all its retries, from its turn on; the wait for its turn does not count.
        asking: To tell something about itself or count tokens.
    """

    connect: float = 10.0
    first_token: float = 180.0
    between_tokens: float = 60.0
    total: float = 1800.0
    asking: float = 10.0

    def __post_init__(self) -> None:
        if min(self.connect, self.first_token, self.between_tokens, self.total, self.asking) <= 0:
            raise ValueError(f"every time limit is above 0 seconds: {self}")


class EndpointClosedError(EndpointError):
    """The connection was closed while something was asked."""


class Server:
    """A server as this machine sees it. The thread and the client begin with the first request.

    Attributes:
        url: The base URL as it may be shown, without a password in it.
        root: The URL without its last `/v1`, where servers have what is not OpenAI's.
    """

    def __init__(self, base_url: str, api_key: str | None, timeouts: Timeouts, in_flight: int) -> None:
        parts = urlsplit(base_url.rstrip("/"))
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise EndpointUnreachableError(
                f"{base_url!r} is no address of an endpoint; set OPENAI_BASE_URL to one like "
                "http://localhost:8000/v1."
            )
        self.url = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
        self.timeouts = timeouts
        self._base_url = base_url.rstrip("/")
        self.root = self._base_url.removesuffix("/v1")
        self._key, self._in_flight = api_key, in_flight
        self._lock = threading.Lock()
        self._running: _Running | None = None

    def secret_free(self, text: str) -> str:
        """The text without the key, should a server repeat it."""
        return text if not self._key else text.replace(self._key, "***")

    def submit(self, make: Callable[[], Coroutine[Any, Any, T]]) -> Future[T]:
        """Begin something in the server's thread; cancelling the future gives it up."""
        with self._lock:
            if self._running is None:
                self._running = _Running.start(self._base_url, self._key, self.timeouts, self._in_flight)
            return asyncio.run_coroutine_threadsafe(make(), self._running.loop)

    def run(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do something in the server's thread and wait for it.

        Raises:
            EndpointClosedError: If `close` is called meanwhile.
        """
        try:
            return self.submit(make).result()
        except CancelledError:
            raise EndpointClosedError(f"The connection to {self.url} was closed meanwhile.") from None

    @property
    def slots(self) -> asyncio.Semaphore:
        """One for each request that may be in flight; of the server's thread."""
        return self._now.slots

    async def stream(self, body: Mapping[str, Any]) -> AsyncStream[object]:
        """Begin a chat completion; the parts come as they were sent, not checked.

        Raises:
            openai.APIError: If there is no good answer.
        """
        from openai import AsyncStream

        return await self._now.client.post(
            "/chat/completions", body=dict(body), cast_to=object, stream=True, stream_cls=AsyncStream[object]
        )

    async def get(self, path: str) -> object:
        """What a server tells about itself, at a path below the base URL or at an absolute URL.

        Raises:
            openai.APIError: If there is no good answer.
        """
        return await self._now.client.get(path, cast_to=object)

    async def post(self, path: str, body: Mapping[str, Any]) -> object:
        """As `get`, with a question."""
        return await self._now.client.post(path, body=dict(body), cast_to=object)

    @property
    def _now(self) -> _Running:
        assert self._running is not None, "only within `submit`"
        return self._running

    def close(self) -> None:
        """Give up what runs and close the connections; the next request opens them again."""
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            running.stop()


class _Running:
    """The thread, its loop and the client in it."""

    def __init__(self, client: AsyncOpenAI, loop: asyncio.AbstractEventLoop, in_flight: int) -> None:
        self.client, self.loop = client, loop
        self.slots = asyncio.Semaphore(in_flight)
        self.thread = threading.Thread(target=loop.run_forever, name="endpoint", daemon=True)

    @classmethod
    def start(cls, base_url: str, key: str | None, timeouts: Timeouts, in_flight: int) -> _Running:
        running = cls(_client(base_url, key, timeouts), asyncio.new_event_loop(), in_flight)
        running.thread.start()
        return running

    def stop(self) -> None:
        async def end() -> None:
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.client.close()
            await asyncio.get_running_loop().shutdown_asyncgens()

        asyncio.run_coroutine_threadsafe(end(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


def _client(base_url: str, key: str | None, timeouts: Timeouts) -> AsyncOpenAI:
    """The official client, with nothing of it left to the environment and no retries of its own.

    It would take an organisation, a project, an administrator's key and any headers from OPENAI_* variables,
    and a proxy and certificates from others: what a request carries is decided by Clew's settings alone.
    """
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Timeout

    # Reading has no limit here: `endpoint_stream` keeps one for the first token and one between tokens.
    timeout = Timeout(None, connect=timeouts.connect)
    client = AsyncOpenAI(
        base_url=base_url,
        api_key=key or NO_KEY,
        max_retries=0,
        timeout=timeout,
        http_client=DefaultAsyncHttpxClient(base_url=base_url, timeout=timeout, trust_env=False),
    )
    client.organization = client.project = client.admin_api_key = None
    client._custom_headers = {}
    return client

"""An open connection to an OpenAI-compatible server: its address, its client and the thread both run in."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from reader.errors import EndpointRefusedError, EndpointUnreachableError

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream

__all__ = ["Address", "Connection", "Timeouts", "checked_key", "sendable"]

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


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is.

    Attributes:
        base: The base URL, mostly up to and with `/v1`.
        root: The same without a last `/v1`, where servers have what is not OpenAI's.
        shown: The base URL as it may be shown, without user, password and query.
    """

    base: str
    root: str
    shown: str

    @classmethod
    def of(cls, base_url: str) -> Address:
        """The address that a base URL is.

        Raises:
            EndpointUnreachableError: If it is none.
        """
        base = base_url.strip().rstrip("/")
        why = "it does not begin with http:// or https:// and a host"
        try:
            parts = urlsplit(base)
            good = parts.scheme in {"http", "https"} and bool(parts.hostname)
            if good:
                why = "its host is no name"
                # As the look-up of the name will: a part of it may be too long, or empty.
                good = bool((parts.hostname or "").encode("idna"))
            if good and re.search(r"[\s\x00-\x1f\x7f\ud800-\udfff]", base):
                good, why = False, "a character in it cannot be sent"
            if good:
                why = "its port is no number up to 65535"
                _ = parts.port
        except ValueError:
            good = False
        if not good:
            # A password may stand in it, or a key.
            safe = re.sub(r"[?#].*", "", re.sub(r"//.*@", "//", base, flags=re.DOTALL), flags=re.DOTALL)
            raise EndpointUnreachableError(
                f"{safe!r} is no address of an endpoint: {why}; set OPENAI_BASE_URL to one like "
                "http://localhost:8000/v1."
            )
        shown = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
        return cls(base, base.removesuffix("/v1"), shown)


def checked_key(key: str | None) -> str | None:
    """The key as it is sent, without the blanks and line ends around it; None if nothing is left.

    Raises:
        EndpointRefusedError: If it cannot be sent.
    """
    key = (key or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise EndpointRefusedError(
            "The key of the endpoint has a character in it that no key can have; set OPENAI_API_KEY to a "
            "valid one."
        )
    return key or None


class Connection:
    """The thread, its loop and the client in it; its coroutines run in that thread.

    Attributes:
        url: Of the server, as it may be shown.
        root: Of the server.
        timeouts: Time limits.
        slots: One for each request that may be in flight.
    """

    def __init__(self, address: Address, timeouts: Timeouts, client: AsyncOpenAI, in_flight: int) -> None:
        self.url, self.root, self.timeouts = address.shown, address.root, timeouts
        self.slots = asyncio.Semaphore(in_flight)
        self._client, self._loop = client, asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="endpoint", daemon=True)

    @classmethod
    def open(cls, address: Address, key: str | None, timeouts: Timeouts, in_flight: int) -> Connection:
        """Start the thread; nothing is sent yet."""
        connection = cls(address, timeouts, _client(address.base, key, timeouts), in_flight)
        connection._thread.start()
        return connection

    def begin(self, make: Callable[[Connection], Coroutine[Any, Any, T]]) -> Future[T]:
        """Begin something; cancelling the future gives it up. Not after `close`."""
        return asyncio.run_coroutine_threadsafe(self._within(make), self._loop)

    async def stream(self, body: Mapping[str, Any]) -> AsyncStream[object]:
        """Begin a chat completion.

        Raises:
            openai.APIError: If there is no good answer.
        """
        from openai import AsyncStream

        return await self._client.post(
            "/chat/completions",
            body=sendable(body),
            cast_to=object,
            stream=True,
            stream_cls=AsyncStream[object],
        )

    async def get(self, path: str) -> object:
        """What a server tells about itself, at a path below the base URL or at an absolute URL.

        Raises:
            openai.APIError: If there is no good answer.
        """
        return await self._client.get(path, cast_to=object)

    async def post(self, path: str, body: Mapping[str, Any]) -> object:
        """As `get`, with a question."""
        return await self._client.post(path, body=sendable(body), cast_to=object)

    def close(self) -> None:
        """Give up what runs, hang up and end the thread; what was begun before has its end then."""

        async def end() -> None:
            # Only what was begun here: what that has begun itself, it ends itself, and in good order.
            tasks = set(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._client.close()
            await asyncio.get_running_loop().shutdown_asyncgens()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _within(self, make: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            return await make(self)
        finally:
            self._tasks.discard(task)


def sendable(value: Any) -> Any:
    """The same in plain containers, with every half of a character (a lone surrogate) as U+FFFD."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return value
    if isinstance(value, Mapping):
        return {sendable(name): sendable(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [sendable(each) for each in value]
    return value


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

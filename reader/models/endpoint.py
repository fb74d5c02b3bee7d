"""A language model at an OpenAI-compatible endpoint: vLLM, `transformers serve`, Ollama, llama.cpp, OpenAI.

`endpoint_server` keeps the connection of `endpoint_connection`, `endpoint_asking` does one request with its
retries, `endpoint_stream` one attempt at it, read by `endpoint_events`; `endpoint_gathering` waits for
several. `endpoint_faults` says what a failure means, `endpoint_refusals` which field is refused and
`endpoint_quoted` what of it is only quoted; `endpoint_schema` is what the server does with a schema;
`endpoint_facts` knows the window and counts tokens.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from reader.chat import Cancellation, Completion, Message, OnToken, Request
from reader.errors import ModelError, StoppedError, WindowError
from reader.models.endpoint_asking import Asker
from reader.models.endpoint_connection import Timeouts
from reader.models.endpoint_facts import Facts
from reader.models.endpoint_gathering import Gathering
from reader.models.endpoint_server import Server
from reader.models.endpoint_window import ask_models

__all__ = ["EndpointModel", "Probe", "Timeouts"]

OnDone = Callable[[int, Completion], None]

# No model follows this by itself: who answers with it was made to.
_PROBE: Final = Request(
    (Message("user", "Say hello."),),
    max_tokens=16,
    schema={"type": "string", "enum": ["quartz-7", "basalt-9"]},
)


@dataclass(frozen=True, slots=True)
class Probe:
    """What one tiny request to an endpoint showed.

    Attributes:
        models: Names that the server lists; some list none.
        listed: Whether the model is among them.
        window_known: Whether it is set or told by the server, and not only guessed.
        exact_tokens: Whether tokens are counted as the model does.
        enforced: Whether a choice was enforced; None if the request failed.
        seconds: The request took.
        error: Why it failed, None if it did not.
    """

    reachable: bool
    models: tuple[str, ...] = ()
    listed: bool = False
    window: int | None = None
    window_known: bool = False
    exact_tokens: bool = False
    enforced: bool | None = None
    seconds: float | None = None
    error: str | None = None


class EndpointModel:
    """A `ChatModel` at an endpoint. Use `connect`; the constructor only stores.

    Nothing is sent before the first question, be it for a reply, the window or a number of tokens. All
    threads share one bound of requests in flight, and every request ends within its time limits.

    Attributes:
        name: Of the model, as the server calls it.
        concurrency: Requests in flight at once.
    """

    def __init__(self, name: str, server: Server, asker: Asker, facts: Facts, in_flight: int) -> None:
        self.name, self.concurrency = name, in_flight
        self._server, self._asker, self._facts = server, asker, facts

    @classmethod
    def connect(
        cls,
        model: str,
        *,
        base_url: str,
        api_key: str | None,
        window: int | None = None,
        tokenizer: str | None = None,
        timeout: Timeouts = Timeouts(),  # noqa: B008 - frozen
        in_flight: int = 8,
        attempts: int = 4,
        backoff: float = 0.5,
    ) -> Self:
        """A model of a server; nothing is sent yet.

        Args:
            model: Its name at the server.
            base_url: Up to and with `/v1`.
            api_key: None for a server without keys.
            window: Tokens of prompt and reply; None asks the server.
            tokenizer: To count tokens: a folder, or a name among the downloaded models; None asks the server.
            timeout: Time limits.
            in_flight: Most requests at once, of all threads.
            attempts: Most attempts of a request.
            backoff: Seconds of the first wait between two attempts at most; it doubles each time.

        Raises:
            EndpointUnreachableError: If `base_url` is no address.
            EndpointRefusedError: If `api_key` cannot be sent.
        """
        if min(in_flight, attempts) < 1 or (window is not None and window < 1):
            raise ValueError(f"in_flight {in_flight}, attempts {attempts} and window {window} are at least 1")
        server = Server(base_url, api_key, timeout, in_flight)
        asker = Asker(model, attempts, backoff)
        return cls(model, server, asker, Facts(model, server, asker, window, tokenizer), in_flight)

    def __repr__(self) -> str:
        return f"EndpointModel({self.name!r}, base_url={self._server.url!r})"

    @property
    def address(self) -> str:
        """The base URL as it may be shown: without user, password and query, where keys may stand."""
        return self._server.url

    @property
    def fingerprint(self) -> str:
        """The model and where it is served: two servers may have different weights under one name."""
        return f"openai:{self.name}@{self._server.url}"

    @property
    def parameters(self) -> float | None:
        """Billions of parameters as the name says: 8 of `Qwen3-8B`, 56 of `mixtral-8x7b`."""
        found = re.search(
            r"(?<![\w.])(?:(\d+)x)?(\d+(?:\.\d+)?)b(?![a-z0-9])", self.name.lower().replace("_", "-")
        )
        return None if found is None else int(found[1] or 1) * float(found[2])

    @property
    def window(self) -> int:
        """Tokens of prompt and reply: as set, else as the server tells, else 8192; it may shrink later.

        Raises:
            EndpointError: If the server must be asked and cannot be reached.
        """
        return self._facts.window().tokens

    @property
    def window_known(self) -> bool:
        """Whether the window is set or told by the server, and not only guessed."""
        return self._facts.window().known

    @property
    def exact_tokens(self) -> bool:
        """Whether tokens are counted as the model does, and not only guessed."""
        return self._facts.counter().exact

    @property
    def enforces(self) -> bool | None:
        """Whether the server keeps replies to a schema; None as long as none was asked for."""
        return self._asker.dialect.enforces

    def count_tokens(self, text: str) -> int:
        """Tokens of a text; a guess that is rather too high if `exact_tokens` is false."""
        return self._facts.counter().count(text)

    def prompt_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of a prompt; the part of a chat template that is not known is guessed, rather too high."""
        return self._facts.counter().prompt(messages)

    def models(self) -> list[str]:
        """Names that the server lists; some list none.

        Raises:
            EndpointError: If it cannot be reached.
        """
        return [each["id"] for each in self._facts.ask(ask_models)]

    def complete(
        self,
        request: Request,
        on_token: OnToken | None = None,
        cancellation: Cancellation | None = None,
    ) -> Completion:
        """Reply to one request, see `ChatModel.complete`; `on_token` is called in the caller's thread."""
        return self._gather([request], on_token, None, cancellation)[0]

    def complete_many(
        self,
        requests: Sequence[Request],
        on_done: OnDone | None = None,
        cancellation: Cancellation | None = None,
    ) -> list[Completion]:
        """Reply to many requests; see `ChatModel.complete_many`. A cancelled one is not told to `on_done`."""
        return self._gather(requests, None, on_done, cancellation)

    def probe(self) -> Probe:
        """Find out with one tiny request whether and how the model can be used; raises no `ModelError`."""
        try:
            names = tuple(self.models())
        except ModelError as error:
            return Probe(reachable=False, error=str(error))
        listed = self.name in names
        try:
            window, exact = self._facts.window(), self.exact_tokens
            reply = self.complete(_PROBE)
        except ModelError as error:
            return Probe(True, names, listed, error=str(error))
        return Probe(True, names, listed, window.tokens, window.known, exact, reply.enforced, reply.seconds)

    def close(self) -> None:
        """Hang up; what is in flight ends in an `EndpointClosedError`, and a later call connects again."""
        self._server.close()

    def _gather(
        self,
        requests: Sequence[Request],
        on_token: OnToken | None,
        on_done: OnDone | None,
        cancellation: Cancellation | None,
    ) -> list[Completion]:
        with Gathering(self._server.url, cancellation) as gathering:
            for position, request in enumerate(requests):
                if gathering.cancelled:
                    break
                try:
                    self._facts.check(request, cancellation)
                except WindowError as error:
                    gathering.fail(position, error)
                except StoppedError:
                    break
                else:
                    gathering.start(
                        position,
                        lambda emit, request=request: self._server.submit(  # type: ignore[misc]
                            lambda now: self._asker.reply(now, request, emit, cancellation)
                        ),
                    )
            failed = gathering.wait(on_token, on_done)
            for each in failed.values():
                self._facts.learn(each)
            if failed:
                raise failed[min(failed)]
            return [gathering.completion(position, request) for position, request in enumerate(requests)]

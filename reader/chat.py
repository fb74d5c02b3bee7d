"""What is asked of a language model, whichever it is: messages in, tokens out, streamed and cancellable.

Backends are in `reader.models`; typed decisions (`choose`, `reply_as`) stand on `ChatModel.complete` with a
schema and are in `reader.decisions`, so that all backends share one way of validating and repairing.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Protocol

__all__ = ["Cancellation", "ChatModel", "Completion", "Finish", "Message", "OnToken", "Request"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation with a model."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """One thing asked of a model.

    Attributes:
        messages: At least one, the last from the user.
        max_tokens: Most tokens of the reply, at least 1.
        temperature: 0 takes the likeliest token each time; finite.
        seed: Of the sampling, where the backend has one; from 0 to 2**63 - 1.
        schema: A JSON schema that the reply must follow; a backend that can enforces it token by token.
    """

    messages: tuple[Message, ...]
    max_tokens: int = 512
    temperature: float = 0.0
    seed: int | None = None
    schema: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not self.messages or self.messages[-1].role != "user":
            raise ValueError("a request ends with a message of the user")
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens is {self.max_tokens}, at least 1 is needed")
        if not 0 <= self.temperature < math.inf:
            raise ValueError(f"temperature is {self.temperature}, not a finite number from 0 on")
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise ValueError(f"seed is {self.seed}, not between 0 and 2**63 - 1")


class Finish(StrEnum):
    """Why a reply ended: by itself, at the token cap, or because it was cancelled or out of time."""

    STOP = "stop"
    LENGTH = "length"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Completion:
    """A reply.

    Attributes:
        text: Without the model's reasoning (`<think>` and its kin) and without special tokens.
        finish: Why it ended.
        prompt_tokens: Tokens of the prompt, chat template included.
        completion_tokens: Tokens generated, reasoning included.
        seconds: From asking to the last token; 0 if it was cached.
        enforced: Whether the schema of the request was enforced while the reply was generated.
        cached: Whether it comes from the cache of completions and no model ran.
    """

    text: str
    finish: Finish
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    enforced: bool = False
    cached: bool = False


OnToken = Callable[[str | None], None]
"""Gets the visible text as it comes; None says that all of it so far is void and begins anew (a retry)."""


class Cancellation:
    """Asks running model calls to stop, by hand or by a deadline; safe to share between threads."""

    def __init__(self, seconds: float | None = None) -> None:
        """A deadline counts from now; None means no deadline."""
        self._event = threading.Event()
        self._deadline = None if seconds is None else time.monotonic() + seconds

    def limit(self, seconds: float | None) -> None:
        """Set a deadline, from now, unless there is an earlier one; None changes nothing."""
        if seconds is not None:
            deadline = time.monotonic() + seconds
            self._deadline = deadline if self._deadline is None else min(self._deadline, deadline)

    def cancel(self) -> None:
        """Stop what runs with this cancellation, between two tokens."""
        self._event.set()

    @property
    def by_hand(self) -> bool:
        """Whether someone has cancelled, the deadline left aside."""
        return self._event.is_set()

    @property
    def cancelled(self) -> bool:
        """Whether to stop: someone has cancelled, or the deadline has passed."""
        return self._event.is_set() or self.remaining == 0.0

    @property
    def remaining(self) -> float | None:
        """Seconds until the deadline, never negative; None without one."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def wait(self, seconds: float) -> bool:
        """Sleep, at most until the deadline; True if to stop."""
        remaining = self.remaining
        self._event.wait(seconds if remaining is None else min(seconds, remaining))
        return self.cancelled


class ChatModel(Protocol):
    """A language model; safe to call from several threads."""

    @property
    def name(self) -> str:
        """What `usage.model` says."""

    @property
    def fingerprint(self) -> str:
        """What completions are cached under: the model and all that changes its replies."""

    @property
    def window(self) -> int:
        """Tokens that prompt and reply may have together."""

    @property
    def parameters(self) -> float | None:
        """Billions of parameters, None if it is not known."""

    @property
    def concurrency(self) -> int:
        """Requests it works on at once; more may be given, and wait."""

    def count_tokens(self, text: str) -> int:
        """Tokens of a text as it stands in a prompt, without the chat template."""

    def prompt_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of the whole prompt, chat template included."""

    def complete(
        self,
        request: Request,
        on_token: OnToken | None = None,
        cancellation: Cancellation | None = None,
    ) -> Completion:
        """Reply to one request.

        A cancelled call returns what there is with `Finish.CANCELLED`.

        Raises:
            WindowError: If prompt and reply do not fit into the window.
            ModelError: If the model cannot be asked, after the retries of the backend.
        """

    def complete_many(
        self,
        requests: Sequence[Request],
        on_done: Callable[[int, Completion], None] | None = None,
        cancellation: Cancellation | None = None,
    ) -> list[Completion]:
        """Reply to many requests together, in their order.

        `on_done` is called with the position of each as soon as it is done, one call at a time, so that
        finished work can be kept when a later one fails. It is not called for those that were cancelled.

        Raises:
            WindowError: If one of the requests does not fit into the window.
            ModelError: As `complete`, once the others are done.
        """

    def close(self) -> None:
        """Free what it holds: weights, memory of the device, connections. It can be called twice."""

"""A model that plays replies from a script; it ships with the product, and tests run on it.

It fails loudly when it is asked something that its script does not have, so a test that passes has asked
exactly what it said it would.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from reader.chat import Cancellation, Completion, Finish, Message, OnToken, Request
from reader.errors import ModelError, ModelNotFoundError, ScriptError, WindowError
from reader.models.thinking import ThinkingFilter, without_thinking

__all__ = ["Cue", "ScriptedModel"]

CHARACTERS_PER_TOKEN: Final = 4
ASKED_SHOWN: Final = 300


class Cue(BaseModel):
    """One reply, and when it is played.

    Attributes:
        expects: Texts that all stand in the prompt; none means any prompt.
        reply: What comes back; anything but a text is written as JSON.
        times: How often it can be played; 0 means any number of times.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    expects: tuple[str, ...] = ()
    reply: Any
    times: int = Field(default=1, ge=0)


Reply = Callable[[Request], str | Exception]


@dataclass(slots=True)
class _Part:
    cue: Cue
    played: int = 0


class ScriptedModel:
    """A `ChatModel` of cues, or of a function; a token is four characters.

    Args:
        script: Cues, of which the first that fits and is not used up is played; or a function from the
            request to the reply, or to an exception that is raised.
        window: Tokens that prompt and reply may have together.
        seconds: How long each reply takes.
        parameters: Billions of parameters that it says it has.
    """

    def __init__(
        self,
        script: Sequence[Cue] | Reply,
        *,
        window: int = 8192,
        name: str = "scripted",
        seconds: float = 0.0,
        parameters: float | None = None,
    ) -> None:
        self._function = script if callable(script) else None
        self._parts = [] if callable(script) else [_Part(cue) for cue in script]
        self._seconds, self._lock, self._closed = seconds, threading.Lock(), False
        self.name = name
        # Another script is another model: kept replies of the one must not answer for the other.
        content = json.dumps([part.cue.model_dump() for part in self._parts], default=str)
        told = uuid.uuid4().hex if callable(script) else hashlib.sha256(content.encode()).hexdigest()
        self.fingerprint = f"{name} {told[:32]}"
        self.window, self.parameters, self.concurrency = window, parameters, 8
        self.requests: list[Request] = []

    @classmethod
    def load(cls, path: Path, window: int = 8192) -> Self:
        """Read a script: a JSON list of cues.

        Raises:
            ModelNotFoundError: If it cannot be read or is malformed.
        """
        try:
            cues = TypeAdapter(list[Cue]).validate_json(path.read_bytes())
        except OSError as error:
            raise ModelNotFoundError(f"The script {path} cannot be read: {error.strerror}.") from error
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ModelNotFoundError(f"The script {path} is malformed at {place}: {first['msg']}.") from error
        return cls(cues, window=window, name=f"scripted:{path.name}")

    @property
    def unplayed(self) -> list[Cue]:
        """Cues that were to be played a number of times and were not."""
        return [part.cue for part in self._parts if part.played < part.cue.times]

    def count_tokens(self, text: str) -> int:
        """A quarter of the characters, rounded up."""
        return -(-len(text) // CHARACTERS_PER_TOKEN)

    def prompt_tokens(self, messages: Sequence[Message]) -> int:
        """The tokens of the messages, and one for each."""
        return sum(1 + self.count_tokens(message.content) for message in messages)

    def complete(
        self, request: Request, on_token: OnToken | None = None, cancellation: Cancellation | None = None
    ) -> Completion:
        """Play the reply to a request.

        Raises:
            ScriptError: If no cue fits.
            WindowError: If prompt and reply do not fit into the window.
        """
        if self._closed:
            raise ModelError("The scripted model has been closed.")
        began = time.perf_counter()
        prompt = self.prompt_tokens(request.messages)
        if prompt + request.max_tokens > self.window:
            text = f"{prompt} tokens and a reply of {request.max_tokens} do not fit into {self.window}."
            raise WindowError(text, self.window)
        reply = self._reply(request)
        cancellation = cancellation or Cancellation()
        stopped = cancellation.wait(self._seconds) if self._seconds else cancellation.cancelled
        room = request.max_tokens * CHARACTERS_PER_TOKEN
        finish = Finish.STOP if len(reply) <= room else Finish.LENGTH
        played, filter = "", ThinkingFilter()
        for start in range(0, min(len(reply), room), CHARACTERS_PER_TOKEN):
            stopped = stopped or cancellation.cancelled
            if stopped:
                finish = Finish.CANCELLED
                break
            piece = reply[start : min(start + CHARACTERS_PER_TOKEN, room)]
            played += piece
            _tell(on_token, filter.feed(piece), filter)
        _tell(on_token, filter.end(), filter)
        tokens, seconds = self.count_tokens(played), time.perf_counter() - began
        return Completion(without_thinking(played), finish, prompt, tokens, seconds)

    def complete_many(
        self,
        requests: Sequence[Request],
        on_done: Callable[[int, Completion], None] | None = None,
        cancellation: Cancellation | None = None,
    ) -> list[Completion]:
        """Play the replies one after the other.

        Raises:
            ModelError: The first error, once the others are done.
        """
        completions: list[Completion] = []
        failed: ModelError | None = None
        for n, request in enumerate(requests):
            try:
                completions.append(self.complete(request, None, cancellation))
            except ModelError as error:
                failed = failed or error
                continue
            if on_done is not None:
                on_done(n, completions[-1])
        if failed is not None:
            raise failed
        return completions

    def close(self) -> None:
        """It holds nothing; later calls are refused all the same."""
        self._closed = True

    def _reply(self, request: Request) -> str:
        with self._lock:
            self.requests.append(request)
            if self._function is not None:
                found = self._function(request)
                if isinstance(found, Exception):
                    raise found
                return found
            prompt = "\n".join(message.content for message in request.messages)
            for part in self._parts:
                left = part.cue.times == 0 or part.played < part.cue.times
                if left and all(each in prompt for each in part.cue.expects):
                    part.played += 1
                    reply = part.cue.reply
                    return reply if isinstance(reply, str) else json.dumps(reply, ensure_ascii=False)
        raise ScriptError(f"The script has no reply to: {prompt[-ASKED_SHOWN:]}")


def _tell(on_token: OnToken | None, shown: str, filter: ThinkingFilter) -> None:
    if on_token is not None:
        if filter.restarted:
            on_token(None)
            filter.restarted = False
        if shown:
            on_token(shown)

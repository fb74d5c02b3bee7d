"""Tokens as an endpoint's model counts them: by its tokenizer here, by its server, or a cautious guess."""

from __future__ import annotations

import asyncio
import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from reader.chat import Cancellation, Message
from reader.errors import ModelNotFoundError
from reader.models.endpoint_connection import Connection, sendable
from reader.models.endpoint_faults import is_unreachable
from reader.models.endpoint_server import Server

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["Estimate", "LocalTokenizer", "ServerTokenizer", "TokenCounter", "find_counter"]

REMEMBERED: Final = 8192
# A template's own words: a preamble such as the date in Llama 3.1, and what surrounds each message.
PREAMBLE: Final = 64
AROUND: Final = 8
_UNITS: Final = re.compile(r"[^\W\d_]+|\d|[^\w\s]|_")


class TokenCounter(Protocol):
    """Counts tokens; `exact` says whether as the model does.

    Where a server must be asked, a call that is cancelled ends in a `StoppedError`.
    """

    exact: bool

    def count(self, text: str, cancellation: Cancellation | None = None) -> int:
        """Tokens of a text as it stands in a prompt."""

    def prompt(self, messages: Sequence[Message], cancellation: Cancellation | None = None) -> int:
        """Tokens of a whole prompt, chat template included."""


class Estimate:
    """A guess that is rather too high: it may waste some of the window, and seldom overruns it.

    The larger of a third of the UTF-8 bytes (English has about 4 to 5 per token, CJK 3 per character) and the
    number of words, digits and signs (numbers and code have about one token for each).
    """

    exact = False

    def count(self, text: str, cancellation: Cancellation | None = None) -> int:
        """Tokens of a text."""
        return max(-(-len(text.encode("utf-8", "surrogatepass")) // 3), len(_UNITS.findall(text)))

    def prompt(self, messages: Sequence[Message], cancellation: Cancellation | None = None) -> int:
        """Tokens of a whole prompt."""
        return PREAMBLE + sum(AROUND + self.count(each.content) for each in messages)

    @staticmethod
    def least(text: str) -> int:
        """Tokens that the text has at the very least: few tokens of a vocabulary are longer than 8 bytes."""
        return len(text.encode("utf-8", "surrogatepass")) // 8


class LocalTokenizer:
    """The model's own tokenizer, from this machine."""

    exact = True

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._lock = threading.Lock()

    @classmethod
    def load(cls, name: str) -> LocalTokenizer:
        """From a folder, or by a name among the downloaded models; nothing is downloaded.

        Raises:
            ModelNotFoundError: If it is not there or cannot be read.
        """
        from transformers import AutoTokenizer

        try:
            return cls(AutoTokenizer.from_pretrained(name, local_files_only=True))
        except (OSError, ValueError) as error:
            raise ModelNotFoundError(
                f"The tokenizer {name!r} is neither a folder with one nor among the downloaded models; name "
                "one that is, or leave the setting out."
            ) from error

    def count(self, text: str, cancellation: Cancellation | None = None) -> int:
        """Tokens of a text."""
        with self._lock:
            return len(self._tokenizer.encode(sendable(text), add_special_tokens=False))

    def prompt(self, messages: Sequence[Message], cancellation: Cancellation | None = None) -> int:
        """Tokens of a whole prompt."""
        if self._tokenizer.chat_template:
            from jinja2.exceptions import TemplateError

            from reader.models.chat_format import folded

            # Some templates refuse a system role: the server folds it into the user's turn, or asks so.
            for form in (messages, folded(messages)):
                chat = [{"role": each.role, "content": sendable(each.content)} for each in form]
                try:
                    with self._lock:
                        prompt = self._tokenizer.apply_chat_template(
                            chat, add_generation_prompt=True, tokenize=False
                        )
                except (TemplateError, TypeError):
                    continue
                return self.count(str(prompt))
        return PREAMBLE + sum(AROUND + self.count(each.content) for each in messages)


class ServerTokenizer:
    """The `/tokenize` of vLLM or llama.cpp, with the last counts remembered.

    Where it fails for once the guess stands in: a count is not worth an error.
    """

    exact = True

    def __init__(self, server: Server, model: str, whose: str) -> None:
        self._server, self._model, self._whose = server, model, whose
        self._counts: OrderedDict[bytes, int] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, text: str, cancellation: Cancellation | None = None) -> int:
        """Tokens of a text."""
        found = self._remembered(text, _question(self._whose, self._model, text), cancellation)
        return Estimate().count(text) if found is None else found

    def prompt(self, messages: Sequence[Message], cancellation: Cancellation | None = None) -> int:
        """Tokens of a whole prompt; vLLM takes the messages, with llama.cpp the template is guessed."""
        if self._whose != "vllm":
            return PREAMBLE + sum(AROUND + self.count(each.content, cancellation) for each in messages)
        chat = [{"role": each.role, "content": each.content} for each in messages]
        body = {"model": self._model, "messages": chat, "add_generation_prompt": True}
        found = self._remembered(repr(chat), body, cancellation)
        return Estimate().prompt(messages) if found is None else found

    def _remembered(self, text: str, body: dict[str, Any], cancellation: Cancellation | None) -> int | None:
        """The tokens that the server counts in the body; remembered under the text."""
        key = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        with self._lock:
            if key in self._counts:
                self._counts.move_to_end(key)
                return self._counts[key]
        from openai import APIError

        try:
            found = self._server.run(lambda now: _tokenize(now, self._whose, body), cancellation)
        except APIError:
            return None
        if found is not None:
            with self._lock:
                self._counts[key] = found
                if len(self._counts) > REMEMBERED:
                    self._counts.popitem(last=False)
        return found


async def find_counter(connection: Connection, server: Server, model: str) -> TokenCounter:
    """The server's own counter, or the guess if it has none that answers in time.

    Raises:
        openai.APIConnectionError: If the server cannot be reached.
    """
    for whose in ("vllm", "llama.cpp"):
        if await _tokenize(connection, whose, _question(whose, model, "one two")):
            return ServerTokenizer(server, model, whose)
    return Estimate()


def _question(whose: str, model: str, text: str) -> dict[str, Any]:
    if whose == "vllm":
        return {"model": model, "prompt": text, "add_special_tokens": False}
    return {"content": text, "add_special": False}


async def _tokenize(connection: Connection, whose: str, body: dict[str, Any]) -> int | None:
    """The number of tokens; None if the server does not tell."""
    from openai import APIError

    try:
        async with asyncio.timeout(connection.timeouts.asking):
            content = await connection.post(f"{connection.root}/tokenize", body)
    except (APIError, TimeoutError, ValueError) as error:
        if isinstance(error, APIError) and is_unreachable(error):
            raise
        return None
    if not isinstance(content, dict):
        return None
    tokens = content.get("tokens")
    found = content.get("count") if whose == "vllm" else len(tokens) if isinstance(tokens, list) else None
    return found if isinstance(found, int) else None

"""The part of a `ChatModel` that wraps another which it passes on unchanged."""

from __future__ import annotations

from collections.abc import Sequence

from reader.chat import ChatModel, Message

__all__ = ["WrappedModel"]


class WrappedModel:
    """Says of itself what the model says; what is done otherwise is defined by those who derive from it."""

    __slots__ = ("model",)

    def __init__(self, model: ChatModel) -> None:
        self.model = model

    @property
    def name(self) -> str:
        """What `usage.model` says."""
        return self.model.name

    @property
    def fingerprint(self) -> str:
        """What completions are cached under."""
        return self.model.fingerprint

    @property
    def window(self) -> int:
        """Tokens that prompt and reply may have together."""
        return self.model.window

    @property
    def parameters(self) -> float | None:
        """Billions of parameters, None if it is not known."""
        return self.model.parameters

    @property
    def concurrency(self) -> int:
        """Requests it works on at once."""
        return self.model.concurrency

    def count_tokens(self, text: str) -> int:
        """Tokens of a text as it stands in a prompt."""
        return self.model.count_tokens(text)

    def prompt_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of the whole prompt."""
        return self.model.prompt_tokens(messages)

    def close(self) -> None:
        """Free what the model holds, for all who wrap it."""
        self.model.close()

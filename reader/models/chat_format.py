"""Messages to token ids by the model's own chat template, and token ids back to text.

What stands in a message is data: a special token that is spelled out there ("<|im_end|>") is taken for the
characters that it is, so that no document can end a turn or begin one.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Final

from reader.chat import Message
from reader.errors import ModelError
from reader.models.thinking import CLOSING, OPENING

__all__ = ["ChatFormat", "TextStream", "folded"]

# A noncharacter of Unicode: no text has it, no tokenizer knows it.
_BREAK: Final = "\ufdd0"
# Half of a character, as JSON and file names bring in: no tokenizer takes it.
_UNREADABLE: Final = re.compile("[\ufdd0\ud800-\udfff]")
# What templates raise that were written for other contents, other roles or other versions.
_TEMPLATE_FAILURES: Final = (TypeError, ValueError, LookupError, ArithmeticError, AttributeError)
# Templates that know one of these leave the reasoning out; the others do not look at them.
_NO_REASONING: Final = {"enable_thinking": False, "thinking": False, "reasoning_effort": "low"}
_PLAIN_ROLES: Final = {"system": "System", "user": "User", "assistant": "Assistant"}
# A character has at most four bytes, and so at most as many tokens; after these it is broken for good.
_MOST_HELD: Final = 4


class ChatFormat:
    """The tokenizer and the chat template of one model; safe to use from several threads."""

    def __init__(self, tokenizer: Any, name: str) -> None:
        self._tokenizer, self._name = tokenizer, name
        self._lock = threading.Lock()
        backend = getattr(tokenizer, "backend_tokenizer", None)
        self.backend = None if backend is None else _own_copy(backend)
        added: dict[int, Any] = dict(tokenizer.added_tokens_decoder)
        special = {each for each in tokenizer.all_special_ids if each is not None}
        special |= {index for index, token in added.items() if token.special}
        tags = OPENING + CLOSING
        self.hidden = frozenset(
            index
            for index in special
            if not any(str(added[index].content if index in added else "\n") in tag for tag in tags)
        )
        # Gemma has runs of newlines among its added tokens: they are text.
        control = sorted(
            {token.content for token in added.values() if len(token.content) > 1} - {""},
            key=len,
            reverse=True,
        )
        control = [each for each in control if not each.isspace()]
        self._control = (
            re.compile(f"(?=({'|'.join(map(re.escape, control))})).", re.DOTALL) if control else None
        )
        self._newline = self._encode("\n")

    def count(self, text: str) -> int:
        """Tokens of a text as it stands in a message."""
        return sum(map(len, self._pieces(self._broken(text))))

    def prompt(self, messages: Sequence[Message], reply_at_once: bool = False) -> list[int]:
        """Token ids of a conversation, up to where the model's reply begins.

        Args:
            messages: The last is of the user.
            reply_at_once: Close the reasoning that the template opens, so that what comes is the reply.

        Raises:
            ModelError: If the chat template refuses the conversation in every form.
        """
        safe = [Message(each.role, self._broken(each.content)) for each in messages]
        if not self._tokenizer.chat_template:
            return self._beginning() + [each for piece in self._pieces(_plain(safe)) for each in piece]
        text = self._rendered(safe)
        if reply_at_once:
            text += _end_of_reasoning(text, str(self._tokenizer.chat_template))
        return [each for piece in self._pieces(text) for each in piece]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids, special tokens spelled out."""
        if self.backend is not None:
            return str(self.backend.decode(list(ids), skip_special_tokens=False))
        with self._lock:
            return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))

    def _rendered(self, messages: list[Message]) -> str:
        """The template's text: as it is, else without a system role, else with contents in parts."""
        from jinja2.exceptions import TemplateError

        reason = "it leaves messages out"
        for parts in (False, True):
            for form in (messages, folded(messages)):
                conversation = [
                    {
                        "role": each.role,
                        "content": [{"type": "text", "text": each.content}] if parts else each.content,
                    }
                    for each in form
                ]
                try:
                    text = str(
                        self._tokenizer.apply_chat_template(
                            conversation, tokenize=False, add_generation_prompt=True, **_NO_REASONING
                        )
                    )
                except (TemplateError, *_TEMPLATE_FAILURES) as error:
                    reason = " ".join(str(error).split()) or type(error).__name__
                    continue
                if all(each.content.strip() in text for each in (form[0], form[-1])):
                    return text
        raise ModelError(f"The chat template of {self._name} cannot be used: {reason.rstrip('.')}.")

    def _beginning(self) -> list[int]:
        """What the tokenizer puts before every text: the token of beginning, if the model has one."""
        begin = self._tokenizer.bos_token_id
        return [begin] if begin is not None and self._tokenizer("").input_ids[:1] == [begin] else []

    def _broken(self, text: str) -> str:
        """The text with a break inside of each control token that is spelled out in it."""
        text = _UNREADABLE.sub("\ufffd", text)
        return text if self._control is None else self._control.sub(lambda found: found[0] + _BREAK, text)

    def _pieces(self, text: str) -> Iterator[list[int]]:
        """Token ids of what stands between the breaks."""
        for position, piece in enumerate(text.split(_BREAK)):
            if position == 0:
                yield self._encode(piece)
                continue
            # After a newline, or tokenizers of the older kind put a space before the piece.
            ids = self._encode("\n" + piece)
            inside = ids[: len(self._newline)] == self._newline
            yield ids[len(self._newline) :] if inside else self._encode(piece)

    def _encode(self, text: str) -> list[int]:
        if self.backend is not None:
            return list(self.backend.encode(text, add_special_tokens=False).ids)
        with self._lock:
            return list(self._tokenizer.encode(text, add_special_tokens=False))


class TextStream:
    """Token ids to text as they come, in whole characters."""

    def __init__(self, format: ChatFormat) -> None:
        self._format = format
        self._ids: list[int] = []
        self._start = self._read = 0

    def feed(self, token: int) -> str:
        """Add a token; returns what it completes."""
        if token in self._format.hidden:
            return self.end()
        self._ids.append(token)
        text = self._new_text()
        if text.endswith("\ufffd") and len(self._ids) - self._read < _MOST_HELD:
            return ""
        self._start, self._read = self._read, len(self._ids)
        return text

    def end(self) -> str:
        """No more comes; returns what was held back."""
        text = self._new_text()
        self._start = self._read = len(self._ids)
        return text

    def _new_text(self) -> str:
        # The tokens before are decoded again: what a token is depends on its neighbour in some tokenizers.
        before = self._format.decode(self._ids[self._start : self._read])
        return self._format.decode(self._ids[self._start :])[len(before) :]


def folded(messages: Sequence[Message]) -> list[Message]:
    """The same for templates that know only users and assistants in turn: the system opens a user's turn."""
    turns: list[Message] = []
    for message in messages:
        role = "user" if message.role == "system" else message.role
        if turns and turns[-1].role == role:
            turns[-1] = Message(role, f"{turns[-1].content}\n\n{message.content}")
        else:
            turns.append(Message(role, message.content))
    return turns


def _plain(messages: Sequence[Message]) -> str:
    turns = [f"{_PLAIN_ROLES[each.role]}: {each.content}\n\n" for each in messages]
    return "".join(turns) + "Assistant:"


def _end_of_reasoning(text: str, template: str) -> str:
    for opening, closing in zip(OPENING[:3], CLOSING[:3], strict=True):
        if text.rstrip().endswith(opening):
            return f"\n{closing}\n\n" if text.endswith("\n") else f"\n\n{closing}\n\n"
    if "<|channel|>" in template and text.endswith("<|start|>assistant"):
        return "<|channel|>final<|message|>"
    return ""


def _own_copy(backend: Any) -> Any:
    from tokenizers import Tokenizer

    copied = Tokenizer.from_str(backend.to_str())
    copied.no_truncation()
    copied.no_padding()
    return copied

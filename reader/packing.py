"""Packing prompts into a model's window: as much as fits, the best first and last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from reader.chat import ChatModel, Message
from reader.contract import Exchange
from reader.prompts import render

__all__ = ["asked_of", "best_first_and_last", "fitting", "most_that_fit", "with_turns"]

FORM_TOKENS: Final = 200
"""Room for the form that is added to the prompt of a decision."""
REPAIR_TOKENS: Final = 300
"""Room for its reply, and for asking once more."""
ANSWER_SHOWN: Final = 600
"""Characters of an earlier answer that are enough to tell what a question refers to."""

Item = TypeVar("Item")


def most_that_fit(count: int, fits: Callable[[int], bool]) -> int:
    """The largest number of items, 0 to `count`, that fits; more items never fit where fewer do not.

    `fits` counts the tokens of a whole prompt, so it is asked as rarely as can be: once where all fits.
    """
    if fits(count):
        return count
    low, high = 0, count
    while high - low > 1:
        middle = (low + high) // 2
        if fits(middle):
            low = middle
        else:
            high = middle
    return low


def best_first_and_last(items: Sequence[Item]) -> list[Item]:
    """Items, given best first, in an order whose ends are the best and whose middle is the worst.

    Models overlook the middle of a long prompt (Lost in the Middle, arXiv 2307.03172).
    """
    return [*items[0::2], *reversed(items[1::2])]


def asked_of(prompt: str) -> list[Message]:
    """The messages of a task."""
    return [Message("system", render("system")), Message("user", prompt)]


def fitting(model: ChatModel, count: int, messages: Callable[[int], list[Message]]) -> int:
    """The most items, 0 to `count`, with which a prompt leaves room for its form, a reply and a repair."""
    room = model.window - FORM_TOKENS - REPAIR_TOKENS
    return most_that_fit(count, lambda k: model.prompt_tokens(messages(k)) <= room)


def with_turns(model: ChatModel, prompt: str, turns: Sequence[Exchange], question: str) -> list[Message]:
    """What is asked about a question and the last turns before it, as many as fit."""
    short = [Exchange(turn.question, turn.answer[:ANSWER_SHOWN]) for turn in turns]

    def messages(count: int) -> list[Message]:
        return asked_of(render(prompt, turns=short[len(short) - count :], question=question))

    return messages(fitting(model, len(short), messages))

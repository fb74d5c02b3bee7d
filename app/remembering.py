"""Remembering: a turn is kept with its summaries, its embeddings and what its user asserts in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from app.recollection import Recollector
from app.turn_texts import asks_or_wishes, plainly_asks
from memory.assertions import assertions
from memory.importance import importance
from memory.threads import Turn
from memory.turn_keys import turn_keys
from reader.contract import Reader
from reader.errors import ModelError, StoppedError
from reader.remembering import central_sentence
from retrieval.chunking import flat
from retrieval.hits import Float32
from retrieval.sentences import split_sentences

__all__ = ["LONGEST_MESSAGE", "LONGEST_QUESTION", "NOTED", "may_have_told", "remember_turn", "told"]

LONGEST_QUESTION: Final = 4_000
"""Characters that can be looked up."""
LONGEST_MESSAGE: Final = 20_000
"""Characters that can be kept in a thread."""
NOTED: Final = (
    "Noted; it is found again in this and in other conversations. To have something looked up, ask it with "
    "a question mark."
)


def told(message: str) -> str:
    """What to say to a message that asks nothing and tells something, or is too long to be looked up."""
    if len(message) > LONGEST_QUESTION:
        return (
            f"Noted. With {len(message):,} characters it is too long to be looked up (at most "
            f"{LONGEST_QUESTION:,}), but it is kept and found again."
        )
    if asks_or_wishes(message):
        return ""
    found = assertions(message)
    wished = [each.text for each in found if each.requested]
    if wished:
        return "I will remember: " + " ".join(f"“{flat(each)}”" for each in wished)
    return NOTED if len(found) == len(split_sentences(message)) else ""


def may_have_told(message: str) -> bool:
    """Whether a message that found no answer may have asked nothing: no question mark, no request."""
    return not any(mark in message for mark in "?\uff1f\u061f") and not plainly_asks(message)


def remember_turn(
    memory: Recollector,
    thread: str,
    turn: Turn,
    reader: Reader,
    shown: Sequence[str],
    encoded: Mapping[str, Float32] | None = None,
) -> str:
    """Keep a turn with its summaries, its embeddings, and the facts that its user asserts in it.

    Done again for a run that is kept already, it changes nothing. A model that is away, or whose budget
    is spent, costs the facts and the written summaries, never the turn.

    Args:
        memory: Of the user.
        thread: Name of the conversation.
        turn: Without summaries.
        reader: Writes these, and finds facts.
        shown: What the user was shown of documents, which is nothing he asserts when he repeats it.
        encoded: Embeddings of texts that are known already, shape (dim,) each.

    Returns:
        What was kept, for the step.
    """
    whole = replace(
        turn,
        question_summary=_one_sentence(turn.question, reader),
        answer_summary=_one_sentence(turn.answer, reader),
        importance=importance(turn.question),
    )
    rows = _encoded(turn_keys(whole), encoded or {}, memory.encode)
    ordinal = memory.stream.append(thread, whole, rows)
    detail = f"turn {ordinal} of {thread}"
    try:
        noted = memory.facts.remember(thread, ordinal, reader, shown)
    except StoppedError:
        raise
    except ModelError as error:
        return f"{detail}, no facts were looked for: {error}"
    outcomes = Counter(each.outcome for each in noted)
    return ", ".join([detail, *(f"{count} facts {outcome}" for outcome, count in outcomes.items())])


def _encoded(
    texts: Sequence[str], known: Mapping[str, Float32], encode: Callable[[Sequence[str]], Float32]
) -> Float32:
    """Unit rows of texts, shape (n, dim); those that are known are not encoded again."""
    unknown = [text for text in texts if text not in known]
    rows = dict(zip(unknown, encode(unknown), strict=True)) if unknown else {}
    return np.stack([known[text] if text in known else rows[text] for text in texts])


def _one_sentence(text: str, reader: Reader) -> str:
    """A text in one sentence, its own where the model cannot be asked."""
    try:
        return reader.one_sentence(text)
    except StoppedError:
        raise
    except ModelError:
        return central_sentence(text)

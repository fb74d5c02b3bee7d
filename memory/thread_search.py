"""Finding threads by words, in their names and in what was asked and answered in them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from memory.conversation_tables import ThreadRow, TurnRow

__all__ = ["holds_words", "with_words"]


def with_words(words: str) -> list[ColumnElement[bool]]:
    """That a thread holds each of the words somewhere, in any case, as SQL."""
    turns = (TurnRow.question, TurnRow.answer)
    return [
        or_(
            _holds(ThreadRow.name, word),
            select(TurnRow.key)
            .where(TurnRow.thread_key == ThreadRow.key, or_(*(_holds(each, word) for each in turns)))
            .correlate(ThreadRow)
            .exists(),
        )
        for word in words.split()
    ]


def holds_words(texts: Iterable[str], words: str) -> bool:
    """Whether each of the words stands in one of the texts, in any case."""
    folded = [text.casefold() for text in texts]
    return all(any(word.casefold() in text for text in folded) for word in words.split())


def _holds(column: InstrumentedAttribute[str], word: str) -> ColumnElement[bool]:
    """SQLite folds the case of ASCII alone: of other letters the usual spellings are looked for."""
    spelled = {word, word.lower(), word.upper(), word.capitalize(), word.title()}
    exactly = [column.contains(each, autoescape=True) for each in sorted(spelled)]
    return or_(func.lower(column).contains(word.lower(), autoescape=True), *exactly)

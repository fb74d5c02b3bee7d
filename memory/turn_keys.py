"""What of a turn is searched: the texts whose embeddings are its keys, and the terms that BM25 counts.

Keys are what each side said alone, a long observation or response in several pieces (the chunk keys of
LongMem, arXiv 2306.07174). Neither the speaker's name, nor the date, nor the turns around are part of them:
keys in context brought less than 0.005 of recall on LoCoMo, and would be encoded again with each change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from retrieval.sentences import pieces, split_sentences
from retrieval.words import words_of_each

__all__ = ["MAX_KEYS", "PIECE", "SaidTurn", "terms_of_each", "turn_keys"]

MAX_KEYS: Final = 4
"""Keys of one turn at most; what is said beyond them is found by its words alone."""
PIECE: Final = 900
"""Characters of one piece at most, about 200 tokens of English: the built-in encoder reads 256."""


class SaidTurn(Protocol):
    """A turn, as far as it is said; `Turn`, `StreamTurn` and `HotRow` are such."""

    @property
    def question(self) -> str:
        """What came in."""

    @property
    def answer(self) -> str:
        """What went out, "" where nothing did."""


def turn_keys(turn: SaidTurn) -> tuple[str, ...]:
    """The texts to encode, 1 to `MAX_KEYS`: first of the question, then of the answer.

    Either side has half of the keys, and what the other leaves of its half.
    """
    question, answer = _packed(turn.question), _packed(turn.answer)
    asked = max(MAX_KEYS // 2, MAX_KEYS - len(answer))
    kept = [*question[:asked], *answer][:MAX_KEYS]
    return tuple(kept) or ("",)


def terms_of_each(turns: Sequence[SaidTurn]) -> list[list[str]]:
    """The terms of what both sides of each turn say, in order, repeated as often as they stand there."""
    return words_of_each([f"{turn.question}\n{turn.answer}" for turn in turns])


def _packed(text: str) -> list[str]:
    """Whole sentences together up to `PIECE` characters; a longer one is cut. Of blank text nothing."""
    if len(text) <= PIECE:
        return [text] if text.strip() else []
    found: list[str] = []
    start = end = 0
    for sentence in split_sentences(text):
        for span in pieces(text, sentence, PIECE):
            if span.end - start > PIECE and end > start:
                found.append(text[start:end].strip())
                start = span.start
            end = span.end
    return [*found, text[start:end].strip()]

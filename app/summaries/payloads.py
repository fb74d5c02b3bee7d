"""What the tasks of a summary carry from one to the next: plain JSON, small, no text of a document."""

from __future__ import annotations

from typing import TypedDict

__all__ = ["Piece", "Subject", "UnitPayload", "UnitResult"]


class Subject(TypedDict):
    """The part of a version of a document that is summarised.

    Attributes:
        document: Its id.
        content_hash: Of the version; another one is not summarised by mistake.
        start: Of the part, in characters.
        end: Of the part.
        name: Of the part, "" for the whole document.
        number: Of the document among those of the job; names of tasks end in it.
        method: How it is summarised.
        words: Length of the summary.
    """

    document: str
    content_hash: str
    start: int
    end: int
    name: str
    number: int
    method: str
    words: int


class Piece(TypedDict, total=False):
    """What a summary is made from: sentences of the text, or another summary.

    Attributes:
        sentences: Numbers of the first and of the one past the last.
        digest: Of a summary, in hex.
        start: The offset that the summary's own offsets count from.
        end: Where the text that it stands for ends.
    """

    sentences: list[int]
    digest: str
    start: int
    end: int


class UnitPayload(TypedDict):
    """One summary to be made.

    Attributes:
        subject: Of what.
        pieces: From what, in order.
        at_least: Fewest words.
        most: Most words.
        spread: Whether it draws on all pieces evenly.
        before: Sentences that stand before, as background, first and one past the last; none if empty.
    """

    subject: Subject
    pieces: list[Piece]
    at_least: int
    most: int
    spread: bool
    before: list[int]


class UnitResult(TypedDict):
    """A summary that was made; `tokens` as the encoder counts, `notes` what stayed wrong with it."""

    piece: Piece
    words: int
    tokens: int
    notes: list[str]

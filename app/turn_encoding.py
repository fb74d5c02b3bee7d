"""Turns without embeddings: imported, from before memory was there, or known to another encoder only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from app.events import Event, Progress, silent
from memory.importance import importance
from memory.stream import MemoryStream, StreamTurn
from memory.turn_keys import turn_keys
from reader.remembering import central_sentence
from retrieval.hits import Float32

__all__ = ["encode_turns"]

BATCH: Final = 64
"""Turns that are stored together."""


def encode_turns(
    stream: MemoryStream,
    encode: Callable[[Sequence[str]], Float32],
    most: int,
    progress: Progress = silent,
) -> int:
    """Encode turns that have no embeddings, the newest first; how many those were.

    Turns of a home from before memory have neither summaries nor importance: they get them by rule.

    Args:
        stream: Of the user.
        encode: Texts to unit rows.
        most: Turns to encode at most.
        progress: Told after each batch, which is stored by then.
    """
    done = 0
    while done < most and (turns := stream.without_vectors(min(BATCH, most - done))):
        progress(Event("encode", "earlier turns", done, most))
        keys = [turn_keys(turn) for turn in turns]
        rows, first = encode([text for each in keys for text in each]), 0
        encoded: list[tuple[StreamTurn, Float32]] = []
        for turn, texts in zip(turns, keys, strict=True):
            encoded.append((_told(turn), rows[first : first + len(texts)]))
            first += len(texts)
        stream.put_vectors(encoded)
        done += len(turns)
    return done


def _told(turn: StreamTurn) -> StreamTurn:
    """A turn with what it has not got: its summaries, and its importance."""
    return replace(
        turn,
        question_summary=turn.question_summary or central_sentence(turn.question),
        answer_summary=turn.answer_summary or central_sentence(turn.answer),
        importance=turn.importance or importance(turn.question),
    )

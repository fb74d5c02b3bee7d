"""Working memory of a walk (MemWalker, arXiv 2310.05029): what was read on the path, within its tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from retrieval.sentences import split_sentences

__all__ = ["WORKING_MEMORY", "working_memory"]

WORKING_MEMORY: Final = 1_200
"""Tokens of it, as the encoder counts: a little more than a leaf, enough for four summaries."""


def working_memory(
    pieces: Sequence[str], count_tokens: Callable[[Sequence[str]], list[int]], most: int = WORKING_MEMORY
) -> tuple[str, bool]:
    """The pieces, oldest first, one a line; sentences of the oldest are dropped until the rest fits.

    Returns:
        The text, and whether anything was dropped.
    """
    sentences = [
        (n, piece[span.start : span.end]) for n, piece in enumerate(pieces) for span in split_sentences(piece)
    ]
    tokens = count_tokens([sentence for _, sentence in sentences])
    first, total = 0, sum(tokens)
    while total > most:
        total -= tokens[first]
        first += 1
    lines: dict[int, list[str]] = {}
    for n, sentence in sentences[first:]:
        lines.setdefault(n, []).append(sentence.strip())
    return "\n".join(" ".join(line) for line in lines.values()), first > 0

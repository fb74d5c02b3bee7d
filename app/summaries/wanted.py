"""What is asked of a summary."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["TOLERANCE", "Method", "Wanted"]

Method = Literal["hierarchical", "incremental", "scm"]
"""Hierarchical merging and incremental updating (BooookScore, arXiv 2310.00785), and the two passes of SCM
(arXiv 2304.13343)."""

TOLERANCE: Final = 0.15
"""How far a summary may be from the length that was asked for, as a share of it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to summarise each document.

    Attributes:
        method: See `Method`.
        words: Length of the summary.
        part: A part alone, in the words of `part_of`; "" for all.
    """

    method: Method = "hierarchical"
    words: int = 300
    part: str = ""

    @property
    def fewest(self) -> int:
        """Words of the shortest summary that keeps the length."""
        return math.ceil(self.words * (1 - TOLERANCE))

    @property
    def most(self) -> int:
        """Words of the longest summary that keeps the length."""
        return math.floor(self.words * (1 + TOLERANCE))

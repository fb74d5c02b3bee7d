"""What every index answers with."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Float32", "Hits", "Int64"]

Int64 = NDArray[np.int64]
Float32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """The hits of one query, best first; equal scores by id. Rank r stands at position r - 1.

    Attributes:
        ids: Shape (n,), int64; n is at most the k asked for, and never padded.
        scores: Shape (n,), float32, higher is better: cosine (vectors) or BM25 (words).
    """

    ids: Int64
    scores: Float32

    def __post_init__(self) -> None:
        if self.ids.shape != self.scores.shape or self.ids.ndim != 1:
            raise ValueError(
                f"ids {self.ids.shape} and scores {self.scores.shape} must be one line of equal length"
            )

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def ordered(cls, ids: Int64, scores: Float32) -> "Hits":
        """Put hits found in any order best first."""
        best = np.lexsort((ids, -scores))
        return cls(np.asarray(ids, np.int64)[best], np.asarray(scores, np.float32)[best])

    def first(self, k: int) -> "Hits":
        """The `k` best of them, or all if there are fewer."""
        return self if len(self) <= k else Hits(self.ids[:k], self.scores[:k])

    @classmethod
    def none(cls) -> "Hits":
        """Return no hits."""
        return cls(np.empty(0, np.int64), np.empty(0, np.float32))

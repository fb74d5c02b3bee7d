"""The turns said just before and after each turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from retrieval.hits import Float32, Int64

__all__ = ["Surroundings"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Turns laid out in a line, session by session, far enough apart that no session reaches into another.

    Use `of`; the constructor only stores.

    Attributes:
        places: Where in the line each turn stands, shape (n,).
        reach: How many turns before and after count as around a turn.
    """

    places: Int64
    reach: int

    @classmethod
    def of(cls, sessions: NDArray[np.integer[Any]], reach: int) -> Self:
        """Lay out turns by the number of each one's session, shape (n,), in the order they were said.

        Raises:
            ValueError: If `reach` is below 0.
        """
        if reach < 0:
            raise ValueError(f"reach is {reach}, below 0")
        order = np.argsort(sessions, kind="stable")
        new = np.diff(sessions[order], prepend=sessions[order][:1]) != 0
        places = np.empty(len(sessions), np.int64)
        places[order] = np.arange(len(sessions)) + reach * np.cumsum(new)
        return cls(places, reach)

    def spread(self, values: Float32) -> Float32:
        """The sum of each turn's value and those around it, which count less and less with distance.

        With a reach of 3 the weights are 1, 3/4, 2/4, 1/4.

        Args:
            values: Shape (n,).
        """
        if not len(values):
            return values
        line = np.zeros(int(self.places.max()) + 1, np.float32)
        line[self.places] = values
        weights = 1 - np.abs(np.arange(-self.reach, self.reach + 1)) / (self.reach + 1)
        spread = np.convolve(line, weights.astype(np.float32))[self.reach :]
        return np.asarray(spread[self.places], np.float32)

    def mean(self, values: Float32) -> Float32:
        """The mean of each turn's value and those around it, by the weights of `spread`; shape (n,)."""
        return self.spread(values) / self.spread(np.ones_like(values))

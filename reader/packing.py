"""Packing prompts into a model's window: as much as fits, the best first and last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

__all__ = ["best_first_and_last", "most_that_fit"]

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

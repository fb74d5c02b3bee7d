"""An order of things from many places whose beginnings are spread over the places evenly."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["evenly", "halving"]


def evenly(places: Sequence[int], scores: Sequence[float]) -> list[int]:
    """Positions: the best of each place, then the second best of each, and so on.

    Within each round the places come in the order of `halving`, so that wherever the order is cut, what is
    left lies all over them.
    """
    distinct = sorted(set(places))
    turn = {distinct[n]: rank for rank, n in enumerate(halving(len(distinct)))}
    rounds: dict[int, int] = {}
    keyed: list[tuple[int, int, int]] = []
    for position in sorted(range(len(places)), key=lambda n: (-scores[n], n)):
        place = places[position]
        rounds[place] = rounds.get(place, -1) + 1
        keyed.append((rounds[place], turn[place], position))
    return [position for _, _, position in sorted(keyed)]


def halving(count: int) -> list[int]:
    """The numbers below `count`, each far from those before it (van der Corput's sequence)."""
    bits = max(count - 1, 0).bit_length()
    reversed_bits = (int(format(n, f"0{bits}b")[::-1], 2) if bits else 0 for n in range(1 << bits))
    return [n for n in reversed_bits if n < count]

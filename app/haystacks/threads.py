"""Threads to follow: the value of one key is the next key, and only the last one holds a number.

After Needle Threading (arXiv 2411.05000), in prose: notes in boxes that name another box.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from typing import Final

from app.haystacks.needles import Fact, values
from app.haystacks.words import listed

__all__ = ["MOST_MARKS", "Chain", "make_chains"]

_FIRST: Final = listed(
    """
    amber, ashen, brazen, coral, cobalt, crimson, dappled, ebon, fallow, gilded, hoary, indigo, ivory, jasper,
    lilac, marbled, ochre, opal, pearl, plum, rusty, saffron, sable, sorrel, tawny, umber, velvet, waxen
    """
)
_SECOND: Final = listed(
    """
    anchor, arrow, basket, beacon, candle, compass, crescent, dagger, falcon, feather, goblet, hammer, kiln,
    ladle, mitten, needle, osprey, parrot, pennant, quiver, rudder, sickle, spindle, thimble, trellis,
    trumpet, vulture, wicket
    """
)

MOST_MARKS: Final = len(_FIRST) * len(_SECOND)

LINKS: Final = (
    "The box with the mark of the {0} holds a note that points to the mark of the {1}.",
    "In the box with the mark of the {0} lies a note, and it names the mark of the {1}.",
    "Whoever opens the box with the mark of the {0} is sent on to the mark of the {1}.",
)
ENDS: Final = (
    "The box with the mark of the {0} holds no note, only the number {value}.",
    "In the box with the mark of the {0} lies nothing but the number {value}.",
)
QUESTION: Final = (
    "Follow the notes from box to box, starting at the box with the mark of the {0}: "
    "which number is found in the last one?"
)


@dataclass(frozen=True, slots=True)
class Chain:
    """A thread of `hops` sentences: each but the last leads to the next, the last holds the value."""

    question: str
    facts: tuple[Fact, ...]

    @property
    def hops(self) -> int:
        """Sentences to be read one after the other."""
        return len(self.facts)

    @property
    def value(self) -> str:
        """What stands at the end."""
        return self.facts[-1].value


def make_chains(seed: int, hops: int, count: int, apart: int = 0) -> list[Chain]:
    """Chains that share no key, among themselves or with those made with other `apart` of the same seed.

    Raises:
        ValueError: If there are not enough marks for that many.
    """
    marks = [f"{first} {second}" for first in _FIRST for second in _SECOND]
    random.Random(f"marks {seed}").shuffle(marks)
    if apart + hops * count > len(marks):
        raise ValueError(f"{apart} + {count} chains of {hops} need more than {len(marks)} marks")
    chance = random.Random(f"chains {seed} {hops}")
    fresh = values(chance, False, set())
    chains: list[Chain] = []
    for number in range(count):
        own = marks[apart + number * hops : apart + (number + 1) * hops]
        facts = [
            Fact(chance.choice(LINKS).format(one, following), following)
            for one, following in itertools.pairwise(own)
        ]
        value = next(fresh)
        facts.append(Fact(chance.choice(ENDS).format(own[-1], value=value), value))
        chains.append(Chain(QUESTION.format(own[0]), tuple(facts)))
    return chains

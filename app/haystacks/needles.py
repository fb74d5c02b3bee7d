"""Needles: sentences with a key and a value, look-alikes of them, and keys with several values.

A look-alike differs from its needle in one word of the key and has another value, as the confusing facts of
LV-Eval do (arXiv 2402.05136). Values are numbers of five digits or invented words; the prose has neither.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.haystacks.words import TOWNS, listed

__all__ = ["KINDS", "Fact", "Kind", "Needle", "Several", "make_needles", "make_several", "values"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of fact.

    Attributes:
        slots: What each word of the key can be.
        statements: Ways to say it, with {0}, {1}, ... for the key's words and {value}.
        questions: Ways to ask for the value.
        spelled: Whether values are invented words instead of numbers.
    """

    slots: tuple[tuple[str, ...], ...]
    statements: tuple[str, ...]
    questions: tuple[str, ...]
    spelled: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """A sentence that holds a value."""

    sentence: str
    value: str


@dataclass(frozen=True, slots=True)
class Needle:
    """A fact to be found, the questions for it, and facts that look like it."""

    fact: Fact
    questions: tuple[str, ...]
    look_alikes: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Several:
    """A question with several answers, each in a sentence of its own."""

    question: str
    facts: tuple[Fact, ...]


_ORDINALS: Final = listed("Two, Three, Four, Five, Six, Seven, Eight, Nine, Ten, Eleven, Twelve")
_WOODS: Final = listed("cedar, ebony, beechwood, rosewood, pinewood, maple, mahogany, teak, birchwood")
_SHIPS: Final = listed(
    "Grey Pilgrim, Sea Lark, Marigold, Patient Margaret, Silver Eel, Northern Star, Good Intent, Wild Rose"
)

KINDS: Final = (
    Kind(
        (_WOODS, listed("cabinet, cupboard, dresser, sideboard, bookcase, locker, wardrobe"), _ORDINALS),
        (
            "The storage code of the {0} {1} in Hall {2} is {value}.",
            "In Hall {2} the {0} {1} is kept under the storage code {value}.",
            "{value} is the storage code under which the {0} {1} in Hall {2} is listed.",
        ),
        (
            "What is the storage code of the {0} {1} in Hall {2}?",
            "Under which storage code is the {0} {1} in Hall {2} listed?",
            "Which storage code does the {0} {1} in Hall {2} have?",
        ),
    ),
    Kind(
        (_SHIPS, listed("pitch, saltpetre, raisins, whale oil, vinegar, nutmeg, resin, molasses"), TOWNS),
        (
            "The {0} sailed from {2} with {value} casks of {1} in her hold.",
            "With {value} casks of {1} aboard, the {0} put out from {2}.",
            "The {0} took on {value} casks of {1} at {2} before she sailed.",
        ),
        (
            "With how many casks of {1} did the {0} sail from {2}?",
            "How many casks of {1} were aboard the {0} when she sailed from {2}?",
            "The {0} sailed from {2}: how many casks of {1} did she have in her hold?",
        ),
    ),
    Kind(
        (
            listed("north, south, east, west, upper, lower, inner, outer"),
            listed("wall, bridge, tower, sluice, stair, bastion, moat, terrace"),
            TOWNS,
        ),
        (
            "The watchword for the {0} {1} at {2} is {value}.",
            "Whoever would pass the {0} {1} at {2} must give the watchword {value}.",
            "At {2} the sentries of the {0} {1} go by the watchword {value}.",
        ),
        (
            "What is the watchword for the {0} {1} at {2}?",
            "Which watchword must be given to pass the {0} {1} at {2}?",
            "By which watchword do the sentries of the {0} {1} at {2} go?",
        ),
        spelled=True,
    ),
    Kind(
        (
            listed("Admiral, Bishop, Countess, Doctor, Judge, Captain, Prioress, Alderman, Marshal"),
            listed("Hembrow, Tredwell, Osgathorpe, Finchale, Muirtown, Peverell, Strudwick, Kilvington"),
            listed("harpsichord, tapestry, globe, astrolabe, chandelier, gun, portrait, sundial"),
        ),
        (
            "At the auction the {2} of {0} {1} went under lot number {value}.",
            "Lot number {value} was the {2} that had belonged to {0} {1}.",
            "The catalogue gives lot number {value} to the {2} of {0} {1}.",
        ),
        (
            "Under which lot number did the {2} of {0} {1} go?",
            "What was the lot number of the {2} that had belonged to {0} {1}?",
            "Which lot number does the catalogue give to the {2} of {0} {1}?",
        ),
    ),
)

SEVERAL_STATEMENTS: Final = (
    "The {0} in Vault {1} was opened with token {value}.",
    "Token {value} also opened the {0} in Vault {1}.",
    "On another occasion the {0} in Vault {1} was opened with token {value}.",
)
SEVERAL_QUESTION: Final = "With which tokens was the {0} in Vault {1} opened?"
_STRONGBOXES: Final = listed("strongbox, safe, coffer, reliquary, casket, tabernacle")

_SYLLABLES: Final = listed("bel,cor,dra,fen,gul,hax,jor,kiv,lum,mor,nax,pel,quo,rin,sul,tav,vex,wol,yar,zim")


def values(chance: random.Random, spelled: bool, taken: set[str]) -> Iterator[str]:
    """Values without end, none of which is taken; each is taken as it is given."""
    while True:
        invented = "".join(chance.choices(_SYLLABLES, k=3))
        value = invented if spelled else str(chance.randint(10_000, 99_999))
        if value not in taken:
            taken.add(value)
            yield value


def make_needles(seed: int, count: int, near: int, kinds: Sequence[Kind] = KINDS) -> list[Needle]:
    """Needles of all kinds in turn, each with `near` look-alikes; no key comes twice."""
    chance, taken = random.Random(f"needles {seed}"), set[str]()
    keys: set[tuple[int, tuple[str, ...]]] = set()
    needles: list[Needle] = []
    for number in range(count):
        which = number % len(kinds)
        kind = kinds[which]
        fresh = values(chance, kind.spelled, taken)
        key = _new_key(chance, which, kind, keys)
        alike = [_new_key(chance, which, kind, keys, near=key) for _ in range(near)]
        needles.append(
            Needle(
                fact=_fact(chance, kind, key, next(fresh)),
                questions=tuple(question.format(*key) for question in kind.questions),
                look_alikes=tuple(_fact(chance, kind, each, next(fresh)) for each in alike),
            )
        )
    return needles


def make_several(seed: int, count: int) -> list[Several]:
    """Questions whose answer stands in three places."""
    chance, taken = random.Random(f"several {seed}"), set[str]()
    fresh = values(chance, False, taken)
    made: list[Several] = []
    keys = chance.sample([(box, vault) for box in _STRONGBOXES for vault in _ORDINALS], count)
    for key in keys:
        facts = []
        for statement in SEVERAL_STATEMENTS:
            value = next(fresh)
            facts.append(Fact(statement.format(*key, value=value), value))
        made.append(Several(SEVERAL_QUESTION.format(*key), tuple(facts)))
    return made


def _fact(chance: random.Random, kind: Kind, key: tuple[str, ...], value: str) -> Fact:
    said = chance.choice(kind.statements).format(*key, value=value)
    return Fact(said[0].upper() + said[1:], value)


def _new_key(
    chance: random.Random,
    which: int,
    kind: Kind,
    keys: set[tuple[int, tuple[str, ...]]],
    near: tuple[str, ...] | None = None,
) -> tuple[str, ...]:
    """A key that is not in `keys`, where it goes; one word away from `near`, if that is given."""
    while True:
        key = [chance.choice(words) for words in kind.slots]
        if near is not None:
            changed = chance.randrange(len(key))
            key = [word if n == changed else near[n] for n, word in enumerate(key)]
        if (which, tuple(key)) not in keys:
            keys.add((which, tuple(key)))
            return tuple(key)

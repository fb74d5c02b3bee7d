"""Readable prose without end: chapters of paragraphs of sentences, the same for the same seed."""

from __future__ import annotations

import itertools
import random
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.haystacks.words import CHAPTER_TITLES, OPENINGS, SLOTS, TAILS, TOPICS

__all__ = ["TITLE", "Paragraph", "paragraphs"]

TITLE: Final = "THE CHRONICLE OF THE TWELVE RIVERS"
CHAPTERS_IN_BOOK: Final = 30
PARAGRAPHS: Final = (14, 26)
SENTENCES: Final = (3, 7)
FEW_SLOTS: Final = 3
"""Pieces up to which a sentence is mostly given a tail, or it would come again too often."""

Pieces = tuple[tuple[str, str], ...]
"""Each a literal text and the slot behind it, "" at the end."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences in order; a heading is one that is no sentence."""

    sentences: tuple[str, ...]
    heading: bool = False


def _pieces(template: str) -> Pieces:
    return tuple((text, slot or "") for text, slot, _, _ in string.Formatter().parse(template))


_TOPICS: Final = tuple(tuple(map(_pieces, topic)) for topic in TOPICS)
_OPENINGS: Final = tuple(map(_pieces, OPENINGS))
_TAILS: Final = tuple(map(_pieces, TAILS))
_TITLES: Final = tuple(map(_pieces, CHAPTER_TITLES))
_VOWEL: Final = re.compile(r"\b([Aa]) (?=[aeiou]|honest)")
_STAYS_CAPITAL: Final = frozenset({"hero", "friend", "first"})


def paragraphs(seed: int) -> Iterator[Paragraph]:
    """Paragraphs and headings without end; each chapter depends on the seed and its number alone."""
    yield Paragraph((TITLE,), heading=True)
    for number in itertools.count():
        yield from _chapter(random.Random(f"hay {seed} {number}"), number)


def _chapter(chance: random.Random, number: int) -> Iterator[Paragraph]:
    book, chapter = divmod(number, CHAPTERS_IN_BOOK)
    if chapter == 0:
        name = _filled((("The ", "adjective"), (" ", "building")), chance, {})
        yield Paragraph((f"BOOK {book + 1}. {string.capwords(name)}",), heading=True)
    title = string.capwords(_filled(chance.choice(_TITLES), chance, {}))
    yield Paragraph((f"CHAPTER {chapter + 1}. {title}",), heading=True)
    hero, friend = chance.sample(SLOTS["first"], 2)
    cast = {"hero": hero, "friend": friend, "place": chance.choice(SLOTS["town"])}
    topic = -1
    for _ in range(chance.randint(*PARAGRAPHS)):
        topic = (topic + chance.randint(1, len(_TOPICS) - 1)) % len(_TOPICS)
        templates = chance.sample(_TOPICS[topic], chance.randint(*SENTENCES))
        yield Paragraph(tuple(_sentence(each, chance, cast) for each in templates))


def _sentence(template: Pieces, chance: random.Random, cast: Mapping[str, str]) -> str:
    text = _filled(template, chance, cast)
    if chance.random() < 0.35:
        opening = _filled(chance.choice(_OPENINGS), chance, cast)
        named = template[0][0] == "" and template[0][1] in _STAYS_CAPITAL
        text = f"{opening} {text if named else text[0].lower() + text[1:]}"
    if chance.random() < (0.4 if len(template) > FEW_SLOTS else 0.8):
        text += _filled(chance.choice(_TAILS), chance, cast)
    return text[0].upper() + text[1:] + "."


def _filled(template: Sequence[tuple[str, str]], chance: random.Random, cast: Mapping[str, str]) -> str:
    parts: list[str] = []
    for text, slot in template:
        parts.append(text)
        if slot:
            parts.append(cast.get(slot) or chance.choice(SLOTS[slot]))
    return _VOWEL.sub(r"\1n ", "".join(parts))

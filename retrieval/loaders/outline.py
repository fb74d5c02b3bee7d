"""From a flat list of headings to nested sections."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from retrieval.document import Section, Span

__all__ = ["Heading", "one_line", "sections_from_headings"]

_LONGEST_TITLE = 300


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading found in a text.

    Attributes:
        title: Its words.
        rank: Smaller is further out; only the order of ranks matters, gaps are allowed.
        start: Offset of its first character.
    """

    title: str
    rank: int
    start: int


def one_line(title: str) -> str:
    """Return `title` on one line, without invisible controls, cut at 300 characters."""
    visible = "".join(character if character.isprintable() else " " for character in title)
    words = " ".join(visible.split())
    return words if len(words) <= _LONGEST_TITLE else words[: _LONGEST_TITLE - 1].rstrip() + "…"


def sections_from_headings(headings: Iterable[Heading], end: int) -> tuple[Section, ...]:
    """Return the sections that the headings open, each up to the next heading of its rank or further out.

    Args:
        headings: In any order. Of two at the same offset the first given wins; those without a title or at
            `end` or later are left out.
        end: Where the last section ends.
    """
    first_at: dict[int, Heading] = {}
    for heading in headings:
        title = one_line(heading.title)
        if title and heading.start < end:
            first_at.setdefault(heading.start, Heading(title, heading.rank, heading.start))
    ordered = [first_at[start] for start in sorted(first_at)]

    levels: list[int] = []
    ends = [end] * len(ordered)
    open_sections: list[int] = []
    for position, heading in enumerate(ordered):
        while open_sections and ordered[open_sections[-1]].rank >= heading.rank:
            ends[open_sections.pop()] = heading.start
        levels.append(len(open_sections) + 1)
        open_sections.append(position)
    return tuple(
        Section(heading.title, level, Span(heading.start, section_end))
        for heading, level, section_end in zip(ordered, levels, ends, strict=True)
    )

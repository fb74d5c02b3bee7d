"""Sections of plain text, from the lines that look like headings.

Three kinds, the first that fits being taken: lines with a known word ("CHAPTER XII", "PREFACE", 第十二章);
bare numerals that count from one ("I", "II", "III"); numbered headings of reports ("2.3 Results"). A line in
capitals alone is no heading: novels are full of signatures and letterheads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from retrieval.document import Section
from retrieval.loaders.heading_counts import numbered_headings, numeral_headings
from retrieval.loaders.heading_lines import Candidate, Line, read_lines, with_title, without_contents
from retrieval.loaders.heading_words import (
    ALONE,
    BACK_MATTER,
    CHAPTER_RANK,
    CJK_LABEL,
    LABEL,
    LONGEST_LINE,
    NOTE,
    RANKS,
    is_heading_case,
    is_label_line,
    starts_a_part,
)
from retrieval.loaders.outline import Heading, one_line, sections_from_headings

__all__ = ["find_sections", "first_title"]

_GUTENBERG_END = re.compile(r"^\*\*\* ?END OF (?:THE|THIS) PROJECT GUTENBERG", re.MULTILINE)


def find_sections(text: str, *, breaks: Iterable[int] = (), dense: bool = False) -> tuple[Section, ...]:
    """Return the sections that the headings of a plain text open; none where nothing is sure enough.

    Args:
        text: With any line ends.
        breaks: Offsets that count as following a blank line, such as the starts of pages.
        dense: The text has no blank lines between paragraphs (a PDF's), so none are asked for.
    """
    lines = read_lines(text, frozenset(breaks))
    named = without_contents(_named(lines, dense), lines, text)
    candidates = [candidate for candidate in named if candidate.strict]
    if dense:  # the head of every page repeats its chapter's
        candidates = [
            candidate
            for before, candidate in zip([None, *candidates], candidates, strict=False)
            if before is None or before.key != candidate.key
        ]
    _place_alone(candidates)
    if not any(candidate.rank >= CHAPTER_RANK and candidate.key[0] == "w" for candidate in candidates):
        # No chapters: look for what stands instead of them.
        numerals = [] if dense else numeral_headings(lines, text)  # page numbers look the same
        numbers = numerals or numbered_headings(lines, dense, text)
        taken = {candidate.line for candidate in candidates}
        candidates += [candidate for candidate in numbers if candidate.line not in taken]
    if len(candidates) == 1 and candidates[0].key[0] == "a":
        candidates = []  # a lone "Introduction" would claim the whole text
    end_match = _GUTENBERG_END.search(text, len(text) // 2)
    end = end_match.start() if end_match else len(text)
    return sections_from_headings(
        [Heading(candidate.title, candidate.rank, lines[candidate.line].start) for candidate in candidates],
        end,
    )


def first_title(titles: Iterable[str]) -> str:
    """Return the first that can name a whole work, so not "Chapter 1" or "Preface"; "" if none can."""
    candidates = (one_line(title) for title in titles)
    return next((title for title in candidates if title and not starts_a_part(title)), "")


def _named(lines: Sequence[Line], dense: bool) -> list[Candidate]:
    """Every line with a heading's word, also those in tables of contents."""
    candidates = []
    for number, line in enumerate(lines):
        if len(line.text) > LONGEST_LINE or not line.text:
            continue
        if match := LABEL.fullmatch(line.text):
            rank, key = (
                RANKS.get(match["word"].lower(), CHAPTER_RANK),
                f"w {match['word']} {match['number']}".casefold(),
            )
            label_only, good = (
                not match["rest"].strip(" .:—–-]"),
                is_label_line(line.text, match["word"], match["rest"]),
            )
        elif match := CJK_LABEL.fullmatch(line.text):
            rank, key = RANKS[match["word"]], f"w {match['word']} {match['number']}"
            label_only, good = (
                not match["rest"].strip(),
                not line.text.endswith(("。", "，", "！", "？", "；")),
            )
        elif match := ALONE.fullmatch(line.text) or NOTE.fullmatch(line.text):
            rank, key = CHAPTER_RANK, f"a {line.text}".casefold().rstrip(" .:")
            label_only, good = False, is_heading_case(line.text) and not line.text.endswith((",", ";"))
        else:
            continue
        strict = good and (line.after_blank or dense) and (line.before_blank or label_only or dense)
        title, body = with_title(lines, number, label_only and not dense)
        candidates.append(Candidate(number, rank, key, title, body, strict))
    return candidates


def _place_alone(candidates: Sequence[Candidate]) -> None:
    """Rank the headings without a number: before all parts outermost, between them like chapters."""
    outermost = min(
        (candidate.rank for candidate in candidates if candidate.key[0] == "w"), default=CHAPTER_RANK
    )
    in_part = False
    for candidate in candidates:
        if candidate.key[0] == "w":
            in_part = in_part or candidate.rank < CHAPTER_RANK
        else:
            is_back_matter = re.match(BACK_MATTER, candidate.title, re.IGNORECASE)
            candidate.rank = CHAPTER_RANK if in_part and not is_back_matter else outermost

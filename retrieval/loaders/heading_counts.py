"""Headings that are known only by their counting: bare numerals, and the numbers of a report."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence

from retrieval.loaders.heading_lines import Candidate, Line, with_title, without_contents
from retrieval.loaders.heading_words import BARE_NUMERAL, CHAPTER_RANK, LONGEST_TITLE, NUMBERED, roman_value

__all__ = ["numbered_headings", "numeral_headings"]

_PAGE_REFERENCE = re.compile(r"(?:[ .]{3,}|\s{2,}|\t)\s*\d+$")


def numeral_headings(lines: Sequence[Line], text: str) -> list[Candidate]:
    """Lines of one numeral, or of one and capitals, that count I, II, III; each part may start again."""
    titled: list[Candidate] = []
    bare: list[Candidate] = []
    for number, line in enumerate(lines):
        match = BARE_NUMERAL.fullmatch(line.text)
        if match is None or not line.after_blank:
            continue
        if match["rest"]:
            key = f"n {match['number']} {match['rest']}".casefold()
            titled.append(Candidate(number, CHAPTER_RANK, key, line.text, line.following, True))
            continue
        title, body = with_title(lines, number, True)
        if line.before_blank or body > line.following:
            bare.append(Candidate(number, CHAPTER_RANK, f"n {match['number']}".casefold(), title, body, True))
    for candidates in (titled, bare):
        counted = _counted(without_contents(candidates, lines, text))
        if len(counted) >= 3:
            return counted
    return []


def _counted(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Those that count from one without a gap, in Roman or in Arabic numerals."""
    found: list[Candidate] = []
    expected, runs_roman = 1, None
    for candidate in candidates:
        numeral = candidate.key.split()[1]
        is_roman = not numeral.isdigit()
        value = roman_value(numeral) if is_roman else int(numeral)
        if runs_roman in (None, is_roman) and (value == expected or (value == 1 and expected > 2)):
            runs_roman, expected = is_roman, value + 1
            found.append(candidate)
    return found


def numbered_headings(lines: Sequence[Line], dense: bool, text: str) -> list[Candidate]:
    """Headings such as "2.3 Results", if they count without a gap and most have a body."""
    candidates = []
    for number, line in enumerate(lines):
        match = NUMBERED.fullmatch(line.text)
        if match is None or not (line.after_blank or dense):
            continue
        rest = _PAGE_REFERENCE.sub("", match["rest"])
        if _is_report_title(rest):
            key, depth = f"n {match['number']} {rest}".casefold(), match["number"].count(".")
            candidates.append(Candidate(number, 10 + depth, key, line.text, line.following, True))
    found: list[Candidate] = []
    previous: tuple[int, ...] = ()
    for candidate in without_contents(candidates, lines, text):
        value = tuple(int(part) for part in candidate.key.split()[1].split("."))
        if _follows(value, previous):
            found.append(candidate)
            previous = value
    if len(found) < 3:
        return []
    # A numbered list counts too, but its items follow each other.
    gaps = [after.line - before.line for before, after in itertools.pairwise(found)]
    sure = sum(gap > 1 for gap in gaps) * 2 > len(gaps) and sum(gaps) / len(gaps) >= 3
    return found if sure else []


def _is_report_title(rest: str) -> bool:
    return (
        len(rest) <= LONGEST_TITLE
        and not rest[0].islower()
        and not rest.endswith((".", ",", ";", ":", "。", "；", "，"))
        and len(rest.split()) <= 10
    )


def _follows(value: tuple[int, ...], previous: tuple[int, ...]) -> bool:
    """Whether a number is the next sibling, the first child, or the next sibling of an ancestor."""
    if not previous:
        return value in ((0,), (1,))
    if len(value) == len(previous) + 1:
        return value[:-1] == previous and value[-1] in (0, 1)
    return (
        len(value) <= len(previous)
        and value[:-1] == previous[: len(value) - 1]
        and value[-1] == previous[len(value) - 1] + 1
    )

"""Lines of a text, the candidates for headings among them, and those that only stand in a contents list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.loaders.heading_words import LONGEST_LINE, is_titled_line, starts_a_part

__all__ = ["Candidate", "Line", "read_lines", "with_title", "without_contents"]

_MARKUP = "_*=#~ \t\ufeff\f　"
_LEAST_BODY = 60


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank, with what stands around it."""

    start: int  # of its first visible character
    text: str  # without surrounding blanks and emphasis marks
    after_blank: bool
    before_blank: bool
    following: int  # index of the next line that is not blank, or the count of lines


@dataclass(slots=True)
class Candidate:
    """A line that may be a heading."""

    line: int
    rank: int
    key: str  # equal for a heading and its line in a table of contents
    title: str
    body_line: int  # where what follows the heading begins
    strict: bool  # stands as headings stand


def read_lines(text: str, breaks: frozenset[int]) -> list[Line]:
    """The lines that are not blank, with what stands around them."""
    found: list[tuple[int, str, bool]] = []
    blank, before_blank = True, []
    for match in re.finditer(r"[^\r\n]+|\r\n|\n|\r", text):
        piece = match[0]
        if piece in ("\n", "\r\n", "\r"):
            if match.start() == 0 or text[match.start() - 1] in "\r\n":
                blank = True
            continue
        if not piece[:400].strip(_MARKUP + "\v") and not piece.strip():
            blank = True
            continue
        short = piece if len(piece) <= 3 * LONGEST_LINE else piece[: 3 * LONGEST_LINE]
        lead = len(short) - len(short.lstrip(_MARKUP))
        starts_page = "\f" in short[:lead] or match.start() in breaks
        if found:
            before_blank.append(blank or starts_page)
        found.append((match.start() + lead, short.strip(_MARKUP), blank or starts_page))
        blank = False
    before_blank.append(True)
    return [
        Line(start, words, after, before, number + 1)
        for number, ((start, words, after), before) in enumerate(zip(found, before_blank, strict=False))
    ]


def with_title(lines: Sequence[Line], number: int, label_only: bool) -> tuple[str, int]:
    """The heading with the title lines that clearly belong to it, and the line where the body begins."""
    label, body = lines[number].text, lines[number].following
    words: list[str] = []
    while label_only and body < len(lines) - 1 and len(words) < 3:
        line = lines[body]
        if starts_a_part(line.text) or not is_titled_line(line.text) or (words and line.after_blank):
            break
        words.append(line.text)
        body = line.following
    if not words or not lines[body - 1].before_blank:  # the lines run on into a paragraph
        return label.strip(" ]"), lines[number].following
    separator = " " if label.endswith((".", ":", "—")) else ": "
    return label + separator + " ".join(words), body


def without_contents(candidates: list[Candidate], lines: Sequence[Line], text: str) -> list[Candidate]:
    """Drop the lines of tables of contents: no body of their own, and the same label comes again."""
    last_with_key = {candidate.key: number for number, candidate in enumerate(candidates)}
    kept = []
    after_contents = False
    for number, candidate in enumerate(candidates):
        recurs = last_with_key[candidate.key] > number
        next_line = candidates[number + 1].line if number + 1 < len(candidates) else len(lines)
        bodiless = _body_size(lines, candidate.body_line, next_line, text) < _LEAST_BODY
        # The last line of a list is followed by whatever comes next; its neighbour above gives it away.
        ends_list = (
            after_contents
            and _body_size(lines, candidates[number - 1].body_line, candidate.line, text) < _LEAST_BODY
        )
        if recurs and (bodiless or ends_list):
            after_contents = True
            continue
        after_contents = False
        kept.append(candidate)
    return kept


def _body_size(lines: Sequence[Line], first: int, last: int, text: str) -> int:
    """Characters between two lines, up to where it is enough."""
    if first >= last:
        return 0
    end = lines[last].start if last < len(lines) else len(text)
    return len(text[lines[first].start : min(end, lines[first].start + 10 * _LEAST_BODY)].strip())

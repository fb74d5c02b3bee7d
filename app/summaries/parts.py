"""A part of a document in a reader's words: "chapters 3 to 7", "up to page 120", "Preface".

What stands after the part is not read for it: somebody in the middle of a novel can ask what has happened.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.errors import PartError
from retrieval.document import Document, Section, Span
from retrieval.loaders.heading_words import BARE_NUMERAL, LABEL, NUMBERED, roman_value

__all__ = ["Part", "part_of"]

_KINDS: Final = "pages?|pp?\\.|chapters?|chs?\\.|parts?|books?|sections?|volumes?|acts?|letters?|lectures?"
_NUMBER: Final = r"\d{1,6}|(?=[ivxlcdm])m{0,3}(?:c[md]|d?c{0,4})(?:x[cl]|l?x{0,4})(?:i[xv]|v?i{0,4})"
_RANGE: Final = re.compile(
    rf"(?P<kind>{_KINDS}) *(?P<first>{_NUMBER})(?: *(?:-|–|—|to|until|through|and) *(?P<last>{_NUMBER}))?",
    re.IGNORECASE,
)
_UP_TO: Final = re.compile(
    rf"(?:up to|until|through|to) +(?:the end of +)?(?P<kind>{_KINDS}) *(?P<last>{_NUMBER})",
    re.IGNORECASE,
)
_FROM: Final = re.compile(
    rf"from +(?P<kind>{_KINDS}) *(?P<first>{_NUMBER})"
    rf"(?: +(?:on|onwards?|to the end)| *(?:-|–|—|to|until|through) *(?P<last>{_NUMBER}))?",
    re.IGNORECASE,
)
_ENDS: Final = re.compile(
    rf"(?:the +)?(?P<which>first|last) +(?P<count>\d{{1,6}}) +(?P<kind>{_KINDS})", re.IGNORECASE
)
SHOWN: Final = 6

_UNITS: Final = str.split(
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen"
)
_TENS: Final = str.split("twenty thirty forty fifty sixty seventy eighty ninety")
_ORDINALS: Final = str.split(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
    " fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a document.

    Attributes:
        span: In the document's text.
        name: What it is called, "" for the whole document.
    """

    span: Span
    name: str = ""


def part_of(document: Document, wanted: str) -> Part:
    """Find the part of a document that somebody means; nothing wanted means all of it.

    Ends are included: "up to page 120" holds page 120. Chapters go by the numbers in their headings, else by
    their position among the sections of the outermost level that has several.

    Raises:
        PartError: If there is no such part, or the words are not understood.
    """
    words = " ".join(wanted.split())
    if not words:
        return Part(Span(0, len(document.text)))
    first: int | None
    last: int | None
    if match := _ENDS.fullmatch(words):
        kind, count = _kind(match["kind"]), int(match["count"])
        numbers = sorted(_numbered(document, kind))
        if not 0 < count <= len(numbers):
            raise PartError(f"There are {len(numbers)} {_plural(kind)} in {document.title!r}, not {count}.")
        first, last = (
            (numbers[0], numbers[count - 1])
            if match["which"].lower() == "first"
            else (numbers[-count], numbers[-1])
        )
    elif match := _UP_TO.fullmatch(words):
        kind, first, last = _kind(match["kind"]), None, _number(match["last"])
    elif match := _FROM.fullmatch(words):
        kind, first = _kind(match["kind"]), _number(match["first"])
        last = _number(match["last"]) if match["last"] else None
    elif match := _RANGE.fullmatch(words):
        kind, first = _kind(match["kind"]), _number(match["first"])
        last = _number(match["last"]) if match["last"] else first
    else:
        return _titled(document, words)
    return Part(_between(document, kind, first, last), words)


def _between(document: Document, kind: str, first: int | None, last: int | None) -> Span:
    """From the start of one numbered part, or of the text, to the end of another, or of the text."""
    numbered = _numbered(document, kind)
    if first is not None and last is not None and first > last:
        raise PartError(f"{kind.capitalize()} {first} comes after {kind} {last}.")
    for number in (first, last):
        if number is not None and number not in numbered:
            raise PartError(
                f"There is no {kind} {number} in {document.title!r}; it has {_range_of(numbered, kind)}."
            )
    start = 0 if first is None else numbered[first].start
    # The last of all goes on to where the next one would begin, which may be behind its own text.
    end = len(document.text) if last is None else numbered[last].end
    if start >= end:
        raise PartError(f"There is no text between {kind} {first} and {kind} {last} of {document.title!r}.")
    return Span(start, end)


def _numbered(document: Document, kind: str) -> Mapping[int, Span]:
    """The pages, or the sections of a kind, by their numbers."""
    if kind == "page":
        if not document.pages:
            raise PartError(f"{document.title!r} has no pages; name its chapters instead.")
        return {page.number: page.span for page in document.pages}
    titled: dict[int, list[Section]] = {}
    for section in document.sections:
        number = _section_number(section.title, kind)
        if number is not None:
            titled.setdefault(number, []).append(section)
    if titled:
        twice = [number for number, sections in titled.items() if len(sections) > 1]
        if twice:
            raise PartError(
                f"{document.title!r} has more than one {kind} {twice[0]}; name the part by its title."
            )
        return {number: sections[0].span for number, sections in sorted(titled.items())}
    if kind not in {"chapter", "section"}:
        raise PartError(f"{document.title!r} has no numbered {_plural(kind)}.")
    by_level: dict[int, list[Section]] = {}
    for section in document.sections:
        by_level.setdefault(section.level, []).append(section)
    several = [level for level, sections in sorted(by_level.items()) if len(sections) > 1]
    if not several:
        raise PartError(f"{document.title!r} has no chapters that were found; name pages instead.")
    return {number: section.span for number, section in enumerate(by_level[several[0]], start=1)}


def _section_number(title: str, kind: str) -> int | None:
    """The number in a heading of that kind, such as 12 in "CHAPTER XII: The Sea"."""
    if match := LABEL.fullmatch(title):
        word = match["word"].lower().rstrip(".")
        return _number(match["number"]) if {"vol": "volume"}.get(word, word) == kind else None
    if kind in {"chapter", "section"}:
        if match := BARE_NUMERAL.fullmatch(title):
            return _number(match["number"])
        if (match := NUMBERED.fullmatch(title)) and match["number"].isdigit():
            return int(match["number"])
    return None


def _number(written: str) -> int | None:
    """The value of "12", "XII", "twelve" or "twelfth"; None of any other word."""
    word = written.lower().removeprefix("the ").strip()
    if word.isdigit():
        return int(word)
    if word in _ORDINALS:
        return _ORDINALS.index(word) + 1
    tens, _, unit = word.replace(" ", "-").partition("-")
    if tens in _TENS and (not unit or unit in _UNITS[:9]):
        return 20 + 10 * _TENS.index(tens) + (_UNITS.index(unit) + 1 if unit else 0)
    if word in _UNITS:
        return _UNITS.index(word) + 1
    return roman_value(word) if re.fullmatch("[ivxlcdm]+", word) else None


def _titled(document: Document, words: str) -> Part:
    """The section with that title, or the only one that begins with it."""
    wanted = words.casefold()
    titles = [(section, " ".join(section.title.split()).casefold()) for section in document.sections]
    for matches in (
        [section for section, title in titles if title == wanted],
        [section for section, title in titles if len(wanted) >= 3 and title.startswith(wanted)],
    ):
        if len(matches) == 1:
            return Part(matches[0].span, matches[0].title)
        if matches:
            raise PartError(f"{document.title!r} has {len(matches)} sections called {words!r}.")
    shown = ", ".join(repr(section.title) for section in document.sections[:SHOWN])
    more = f" and {len(document.sections) - SHOWN} more" if len(document.sections) > SHOWN else ""
    found = f"; its sections are {shown}{more}" if document.sections else ""
    raise PartError(
        f"{words!r} is no part of {document.title!r}: name chapters or pages, such as 'chapters 3 to 7' or "
        f"'up to page 120', or the title of a section{found}."
    )


def _kind(word: str) -> str:
    """The one word for "pp.", "Pages" and "page"."""
    short = word.lower().rstrip(".")
    if short in {"p", "pp"}:
        return "page"
    if short in {"ch", "chs"}:
        return "chapter"
    return short.removesuffix("s")


def _plural(kind: str) -> str:
    return f"{kind}s"


def _range_of(numbered: Mapping[int, Span] | Sequence[int], kind: str) -> str:
    numbers = sorted(numbered)
    if len(numbers) == 1:
        return f"only {kind} {numbers[0]}"
    return f"{_plural(kind)} {numbers[0]} to {numbers[-1]}"

"""Where a text quotes and what it cites: the marks of many languages, nested or left open, and apostrophes.

One notion for all who look: `quoted` sees a whole text, and a draft that is still being written asks
`quote_end`, which says when it must wait for more. The many marks that there are become a few first, each
in its place (`plain_marks`), so that no rule can forget one.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from functools import partial
from typing import Final

from retrieval.document import Span
from retrieval.words import UNSPACED

__all__ = [
    "CITATION",
    "OPENING",
    "UNESCAPES",
    "WAIT",
    "cited_numbers",
    "plain_marks",
    "quote_end",
    "quoted",
    "quoted_words",
    "unescaped",
]

_LABEL: Final = r"(?i:evidence|source|passage|sentence|ref|no|n)s?\b[.:=]?\s{0,3}"
_NUMBERS: Final = (
    rf"(?:[\^#]|{_LABEL})?\d+(?:\s{{0,3}}(?:[,;&+/–-]|and)\s{{0,3}}(?:[\^#]|{_LABEL})?\d+)*+\s{{0,3}}"
)
CITATION: Final = re.compile(
    rf"[\[【［]\s{{0,3}}({_NUMBERS})(?:†[^\[\]【】［］]{{0,40}})?[\]】］]|\(({_LABEL}{_NUMBERS})\)"
)
"""[1], [1, 2], [1-3], and what models put in their place: 【1】, [^1], [Evidence 1], (evidence 1)."""

OPENING: Final = re.compile(r"[“„«‹「『｢〝\"＂”»›‘'‚`><]")
"""Plain marks that may open a quote; `quote_end` tells whether they do."""
WAIT: Final = -1
_NO_MARK: Final = "\x01"
"""Stands for the rest of a mark that is longer than one character, and for primes that measure."""
_KNOWN: Final = "“”„«»‹›‘’‚"
_OTHERS: Final = {
    **dict(zip("❝❞❛❜❟❠‟‛⹂🙶🙷🙸", "“”‘’‚„“‘„“”„", strict=True)),
    **dict.fromkeys("＇´′‵ʹʻʼʽ׳ꞌ", "'"),
    **dict.fromkeys("″‶‴ʺˮ˝״", '"'),
    **dict.fromkeys("《〈❮❬❰⟨⟪〈≪﹁﹃︽︿⦑⧼", "「"),
    **dict.fromkeys("》〉❯❭❱⟩⟫〉≫﹂﹄︾﹀⦒⧽", "」"),
    "｀": "`",
}
_BY_CATEGORY: Final = {"Pi": "「", "Pf": "」"}
_LAST_OF_CATEGORY: Final = 0x2E80
"""Behind the last character that Unicode calls an initial or a final quotation mark."""
_PLAIN: Final = str.maketrans(
    {
        mark: _BY_CATEGORY[category]
        for mark in map(chr, range(0x80, _LAST_OF_CATEGORY))
        if (category := unicodedata.category(mark)) in _BY_CATEGORY and mark not in _KNOWN
    }
    | _OTHERS
)
_MEASURES: Final = re.compile(r"(?<=\d)[′″‴ʹʺ]+")
_TAG: Final = r"(?:q|quote|blockquote)"
_LONG_MARK: Final = re.compile(
    rf"'{{2,}}|‘{{2,}}|’{{2,}}|<<(?=\s?[^\s\d=<])|(?<=[^\s>])>>|<{_TAG}(?=[\s>])|</{_TAG}\s{{0,3}}>",
    re.IGNORECASE,
)
_LONG_AS: Final = {"'": '"', "‘": "“", "’": "”", "<": "「", ">": "」", "/": "」"}
_BEGUN_TAG: Final = re.compile(r"<(?:<\s?|[a-z]{0,10})?\Z", re.IGNORECASE)
_BARE_TAG: Final = re.compile(rf"</?{_TAG}\s{{0,3}}/?>", re.IGNORECASE)
_ENTITY: Final = re.compile(r"&(?=#?\w{1,32};)")
UNESCAPES: Final[tuple[Callable[[str], str], ...]] = (*(html.unescape,) * 3, partial(_ENTITY.sub, ""))
"""One after the other: models escape what was escaped, and &amp;quot; is a mark where it is shown."""

_CLOSED_BY: Final = {
    "“": "”",
    "„": "“”",
    "«": "»",
    "‹": "›",
    "「": "」",
    "『": "』",
    "｢": "｣",
    "〝": "〞〟",
    '"': '"”',
    "＂": "＂",
    "”": "”",
    "»": "«»",
    "›": "‹›",
}
_DIRECTED: Final = "“„«‹「『｢〝"
_STRAIGHT: Final = '"＂'
_DOUBLE: Final = re.compile(r"[“”„«»‹›「」『』｢｣〝〞〟\"＂]")
_SINGLE: Final = re.compile(r"[‘’']")
_LETTER: Final = re.compile(rf"[^\W_{UNSPACED}]")
_HEBREW: Final = re.compile(r"[\u05d0-\u05ea]")
_ELIDED: Final = re.compile(
    r"(?:\d\ds?|t(?:is|was|were|will|would|isn|wasn)|em|til|till|cause|bout|round|cos|cuz|neath|gainst|mid|mongst"
    r"|n|ere|er|im|is|ow|e|tween|pon|prentice|scuse|nother)(?![^\W_])",
    re.IGNORECASE,
)
_AND: Final = re.compile(r"['‘]n['’]", re.IGNORECASE)
_BLOCK: Final = re.compile(r"[ \t]*(?:(?:[-*•+]|\d{1,3}[.)])[ \t]+)?")
_EDGES: Final = " \t\n<>“”„«»‹›「」『』｢｣〝〞〟\"＂‘’‚'`" + "".join(map(chr, _PLAIN))
_STRAIGHT_RUN: Final = re.compile(rf"[\"＂][\"＂”{_NO_MARK}]*")
_SAYING: Final = re.compile(
    r"\b(?:sa(?:id|ys?)|writes?|wrote|written|ask(?:s|ed)?|answer(?:s|ed)|repl(?:ies|ied)|cr(?:ies|ied)|added?"
    r"|told|tells?|call(?:s|ed)|exclaim(?:s|ed)|shout(?:s|ed)|whisper(?:s|ed)|read(?:s|ing)?|stat(?:es|ed|ing)"
    r"|quot(?:es?|ed|ing)|words?|saying|writing|asking|declar(?:es|ed)|remark(?:s|ed)|mutter(?:s|ed)"
    r"|insist(?:s|ed)|admit(?:s|ted)|explain(?:s|ed)|confess(?:es|ed)|claim(?:s|ed)|not(?:es|ed)) {0,2}\Z",
    re.IGNORECASE,
)
_SOME_WORDS: Final = re.compile(r"\w[\w'’-]*,? +\w")
_FENCE: Final = re.compile(r"\A`{3,}\w*\n?")
SHORT_RANGE: Final = 20
LONGEST_NUMBER: Final = 4
LONGEST_VERB: Final = 16


def cited_numbers(citation: re.Match[str]) -> list[int]:
    """The numbers of a citation, those of a range too; one that is too long to be any is 0."""
    found: list[int] = []
    named = citation.group(1) or citation.group(2)
    for first, last in re.findall(r"(\d+)(?:\s*[–-]\s*\D*(\d+))?", named):
        ends = [int(each) if len(each) <= LONGEST_NUMBER else 0 for each in (first, last) if each]
        if len(ends) > 1 and ends[0] < ends[1] < ends[0] + SHORT_RANGE:
            ends = list(range(ends[0], ends[1] + 1))
        found.extend(ends)
    return found


def quoted(text: str) -> list[tuple[Span, str]]:
    """What a text quotes: the span with its marks, and the words; a quote left open goes to the end."""
    found: list[tuple[Span, str]] = []
    place, plain = 0, plain_marks(text)
    while match := OPENING.search(plain, place):
        end = quote_end(plain, match.start(), complete=True)
        place = max(end, match.end())
        if end > match.start():
            found.append((Span(match.start(), end), quoted_words(text[match.start() : end])))
    return found


def quoted_words(quote: str) -> str:
    """The words of a quote, without its marks and the citations in it."""
    return CITATION.sub("", _BARE_TAG.sub("", _FENCE.sub("", quote))).strip(_EDGES)


def plain_marks(text: str) -> str:
    """The text, as long as before, with one plain mark for each of the many: ❝, ‟, `''`, `<q>`, ...

    Only the last 12 characters can come out otherwise when the text goes on.
    """
    if not text.isascii():
        text = _MEASURES.sub(lambda m: _NO_MARK * len(m.group()), text).translate(_PLAIN)
    return _LONG_MARK.sub(_one_mark, text)


def _one_mark(match: re.Match[str]) -> str:
    found = match.group()
    kind = "/" if found.startswith("</") else found[0]
    return _LONG_AS[kind] + _NO_MARK * (len(found) - 1)


def unescaped(text: str) -> str:
    """The text without HTML's entities, those of entities too."""
    for unescape in UNESCAPES:
        text = unescape(text)
    return text


def quote_end(text: str, place: int, complete: bool) -> int:
    """Where the quote ends that the mark at `place` opens.

    Args:
        text: From its beginning, its marks plain; what is before `place` counts.
        place: Of a character that `OPENING` matches, outside of every quote.
        complete: Whether no more text comes.

    Returns:
        One past its last character; `place` if it opens none; `WAIT` if what comes decides.
    """
    mark = text[place]
    if mark == ">":
        start = text.rfind("\n", 0, place) + 1
        if not _BLOCK.fullmatch(text, start, place):
            return place
        return _found_or_end(text, text.find("\n", place), complete)
    if place + 1 == len(text) and not complete:
        return WAIT
    if mark == "<":
        begun = not complete and _BEGUN_TAG.match(text, place)
        return WAIT if begun else place
    if mark == "`":
        return _end_of_code(text, place, complete)
    if mark in "‘'‚":
        return _end_of_single(text, place, complete)
    return _end_of_double(text, place, complete)


def _end_of_double(text: str, place: int, complete: bool) -> int:
    """Marks of the same kind nest; one at the start of a line opens a further paragraph, not a quote."""
    run = _STRAIGHT_RUN.match(text, place)
    start = run.end() if run else _behind(text, place)
    if start == len(text) and start > place + 1 and not complete:
        return WAIT
    mark, before, after = text[place], text[place - 1 : place], text[start : start + 1]
    if mark in _STRAIGHT and (
        (before.isdigit() and not _LETTER.match(after))  # inches
        or (_HEBREW.match(before) and _HEBREW.match(after))  # an abbreviation
    ):
        return place
    if mark in "”»›" and not after.isalnum():
        return place
    # Marks that look the same on both sides close as often as they open: ""so"".
    count = start - place - text.count(_NO_MARK, place, start) if run else 1
    open_marks = [_CLOSED_BY[mark]] * count
    for match in _DOUBLE.finditer(text, start):
        here, found = match.start(), match.group()
        end = _behind(text, here)
        if end == len(text) and not complete and (found in _STRAIGHT or end > here + 1):
            return WAIT
        if found in _STRAIGHT and _HEBREW.match(text, here - 1) and _HEBREW.match(text, end):
            continue
        opens = found in _DIRECTED or (found in _STRAIGHT and _opens(text, here))
        if found in open_marks[-1] and not (found in _STRAIGHT and opens):
            open_marks.pop()
            if not open_marks:
                return end
        elif opens and text[here - 1] != "\n":
            open_marks.append(_CLOSED_BY[found])
    return _found_or_end(text, -1, complete)


def _end_of_single(text: str, place: int, complete: bool) -> int:
    """An apostrophe closes nothing within a word, and behind an s only where nothing else does."""
    if _LETTER.match(text, place - 1, place) if place else None:
        return place
    if _AND.match(text, place):
        return place
    possessive = 0
    for match in _SINGLE.finditer(text, place + 1):
        here = match.start()
        if here + 2 >= len(text) and not complete:
            return WAIT
        before, after = text[here - 1], text[here + 1 : here + 2]
        in_word = bool(_LETTER.match(after))
        if in_word and _LETTER.match(before):
            continue
        begins = in_word and match.group() == "'" and (before.isspace() or before in "([")
        if begins or match.group() == "‘":
            break
        decade = before in "sS" and text[here - 2 : here - 1].isdigit()
        if decade or (before in "sS" and after.isspace() and _LETTER.match(text, here + 2)):
            possessive = possessive or here + 1
            continue
        return here + 1
    else:
        if not complete:
            return WAIT
    if _ELIDED.match(text, place + 1):
        return place
    if possessive:
        return possessive
    introduction = text[max(0, place - 3) : place].rstrip(" *_")
    if text[place] == "'" and introduction and introduction[-1] not in ":,\n":
        said = _SAYING.search(text, max(0, place - LONGEST_VERB), place)
        if not (said and _SOME_WORDS.match(text, place + 1)):
            return place
    return _found_or_end(text, text.find("\n", place), complete)


def _end_of_code(text: str, place: int, complete: bool) -> int:
    """Backticks, also those that are closed by apostrophes as in TeX."""
    marks = re.compile("`+").match(text, place)
    run = marks.end() - place if marks else 1
    if place + run == len(text) and not complete:
        return WAIT
    end = text.find("`" * run, place + run)
    ends = [end + run] if end >= 0 else []
    if run == 1:
        line_end = text.find("\n", place)
        in_line = end >= 0 and (line_end < 0 or end < line_end)
        if not in_line and line_end < 0 and not complete:
            return WAIT
        other = re.compile(r"'(?![^\W_])").search(text, place, line_end if line_end >= 0 else len(text))
        ends = [other.end()] if other and not in_line else ends
    elif run == 2 and (other_end := text.find(f'"{_NO_MARK}', place)) >= 0:
        ends.append(other_end + 2)
    return min(ends) if ends else _found_or_end(text, -1, complete)


def _opens(text: str, place: int) -> bool:
    """Whether a mark that looks the same on both sides stands where one opens."""
    end = _behind(text, place)
    before, after = text[place - 1 : place], text[end : end + 1]
    starts = not before or before.isspace() or before in "([{*_"
    return starts and bool(after) and not after.isspace() and after not in ".,;:!?)]}*_"


def _behind(text: str, place: int) -> int:
    """One past the mark at `place`, however long it was."""
    end = place + 1
    while text.startswith(_NO_MARK, end):
        end += 1
    return end


def _found_or_end(text: str, end: int, complete: bool) -> int:
    if end >= 0:
        return end
    return len(text) if complete else WAIT

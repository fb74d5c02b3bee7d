"""Sections of plain text, from the lines that look like headings.

Three kinds, the first that fits being taken: lines with a known word ("CHAPTER XII", "PREFACE", 第十二章);
bare numerals that count from one ("I", "II", "III"); numbered headings of reports ("2.3 Results"). A line in
capitals alone is no heading: novels are full of signatures and letterheads.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from retrieval.document import Section
from retrieval.loaders.outline import Heading, one_line, sections_from_headings

__all__ = ["find_sections", "first_title"]

_ROMAN = r"(?=[ivxlcdm])m{0,3}(?:c[md]|d?c{0,4})(?:x[cl]|l?x{0,4})(?:i[xv]|v?i{0,4})"
_UNITS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety hundred"
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
    " fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth last"
)
_WORDS = "|".join(sorted(f"{_UNITS} {_TENS} {_ORDINALS}".split(), key=len, reverse=True))
_NUMBER = rf"(?:the[ ]+)?(?:\d{{1,3}}|{_ROMAN}|(?:{_WORDS})(?:[- ](?:{_WORDS}))?)(?![\w'’])"
_CJK_NUMBER = r"[0-9０-９一二三四五六七八九十百千零〇两兩]{1,8}"

# Rank by word, outermost first; ranks only compare.
_RANKS = {
    "volume": 1, "vol": 1, "tome": 1, "band": 1, "卷": 1,
    "book": 2, "livre": 2, "buch": 2, "libro": 2, "книга": 2,
    "part": 3, "partie": 3, "teil": 3, "parte": 3, "часть": 3, "部": 3, "编": 3, "編": 3, "篇": 3,
    "act": 4, "phase": 4,
    "chapter": 5, "chapitre": 5, "kapitel": 5, "capítulo": 5, "capitulo": 5, "capitolo": 5, "глава": 5,
    "letter": 5, "stave": 5, "canto": 5, "lecture": 5, "essay": 5, "章": 5, "回": 5,
    "scene": 6, "section": 6, "节": 6, "節": 6,
}  # fmt: skip
_CHAPTER_RANK = 5
_KEYWORDS = "|".join(word for word in _RANKS if word.isalpha() and not "一" <= word[0] <= "鿿")
_LABEL = re.compile(rf"(?P<word>{_KEYWORDS})\.?[ ]+(?P<number>{_NUMBER})(?P<rest>.*)", re.IGNORECASE)
_CJK_LABEL = re.compile(
    rf"第[ 　]?(?P<number>{_CJK_NUMBER})[ 　]?(?P<word>[卷部编編篇章回节節])(?P<rest>(?:[ 　:：、.].*)?)"
)
_FRONT = (
    "preface|foreword|introduction|introductory|prologue|prelude|dedication|proem|abstract"
    "|序|序言|前言|楔子|引言"
)
_BACK = "afterword|appendix|appendices|glossary|bibliography|references|index|endnotes|后记|後記|附录|附錄"
_MIDDLE = "epilogue|conclusion|interlude|postscript|acknowledg(?:e?)ments|尾声|尾聲"
_ALONE = re.compile(
    rf"(?P<word>{_FRONT}|{_BACK}|{_MIDDLE}|(?:author|editor|translator)['’]s[ ](?:note|preface|introduction))"
    rf"(?P<rest>(?:[ ]+(?:[A-H]|\d{{1,2}}|{_ROMAN}))?(?:[.:—–-].*|[ ]+(?:to|by|of|for)[ ].*)?)",
    re.IGNORECASE,
)
_NOTE = re.compile(r"NOTES?[ ](?:TO|ON|BY|OF)[ ][^a-z]+")
_BARE = re.compile(rf"(?P<number>\d{{1,3}}|(?i:{_ROMAN}))(?:\.?|\.?[ ]+(?P<rest>[^a-z]{{3,75}}))")
_NUMBERED = re.compile(r"(?P<number>\d{1,2}(?:\.\d{1,2}){0,4})\.?[ \t]+(?P<rest>[^\W\d_].{1,99})")
_PAGE_REFERENCE = re.compile(r"(?:[ .]{3,}|\s{2,}|\t)\s*\d+$")
_MARKUP = "_*=#~ \t\ufeff\f　"
_GUTENBERG_END = re.compile(r"^\*\*\* ?END OF (?:THE|THIS) PROJECT GUTENBERG", re.MULTILINE)
_SMALL_WORDS = frozenset(
    str.split(
        "a an and as at but by de des die der du for from in into is la le les nor of on or over the to und"
        "  upon von with"
    )
)
_LONGEST_LINE, _LONGEST_TITLE, _LEAST_BODY = 120, 75, 60


@dataclass(frozen=True, slots=True)
class _Line:
    start: int  # of its first visible character
    text: str  # without surrounding blanks and emphasis marks
    after_blank: bool
    before_blank: bool
    following: int  # index of the next line that is not blank, or the count of lines


@dataclass(slots=True)
class _Candidate:
    line: int
    rank: int
    key: str  # equal for a heading and its line in a table of contents
    title: str
    body_line: int  # where what follows the heading begins
    strict: bool  # stands as headings stand


def find_sections(text: str, *, breaks: Iterable[int] = (), dense: bool = False) -> tuple[Section, ...]:
    """Return the sections that the headings of a plain text open; none where nothing is sure enough.

    Args:
        text: With any line ends.
        breaks: Offsets that count as following a blank line, such as the starts of pages.
        dense: The text has no blank lines between paragraphs (a PDF's), so none are asked for.
    """
    lines = _lines(text, frozenset(breaks))
    named = _without_contents(_named(lines, dense), lines, text)
    candidates = [candidate for candidate in named if candidate.strict]
    if dense:  # the head of every page repeats its chapter's
        candidates = [
            candidate
            for before, candidate in zip([None, *candidates], candidates, strict=False)
            if before is None or before.key != candidate.key
        ]
    _place_alone(candidates)
    if not any(candidate.rank >= _CHAPTER_RANK and candidate.key[0] == "w" for candidate in candidates):
        # No chapters: look for what stands instead of them.
        numbers = ([] if dense else _numerals(lines, text)) or _numbered(
            lines, dense, text
        )  # dense: page numbers
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
    return next((title for title in candidates if title and not _is_any_heading(title)), "")


def _lines(text: str, breaks: frozenset[int]) -> list[_Line]:
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
        short = piece if len(piece) <= 3 * _LONGEST_LINE else piece[: 3 * _LONGEST_LINE]
        lead = len(short) - len(short.lstrip(_MARKUP))
        starts_page = "\f" in short[:lead] or match.start() in breaks
        if found:
            before_blank.append(blank or starts_page)
        found.append((match.start() + lead, short.strip(_MARKUP), blank or starts_page))
        blank = False
    before_blank.append(True)
    return [
        _Line(start, words, after, before, number + 1)
        for number, ((start, words, after), before) in enumerate(zip(found, before_blank, strict=False))
    ]


def _named(lines: Sequence[_Line], dense: bool) -> list[_Candidate]:
    """Every line with a heading's word, also those in tables of contents."""
    candidates = []
    for number, line in enumerate(lines):
        if len(line.text) > _LONGEST_LINE or not line.text:
            continue
        if match := _LABEL.fullmatch(line.text):
            rank, key = _RANKS[match["word"].lower()], f"w {match['word']} {match['number']}".casefold()
            label_only, good = (
                not match["rest"].strip(" .:—–-]"),
                _is_label_line(line, match["word"], match["rest"]),
            )
        elif match := _CJK_LABEL.fullmatch(line.text):
            rank, key = _RANKS[match["word"]], f"w {match['word']} {match['number']}"
            label_only, good = (
                not match["rest"].strip(),
                not line.text.endswith(("。", "，", "！", "？", "；")),
            )
        elif match := _ALONE.fullmatch(line.text) or _NOTE.fullmatch(line.text):
            rank, key = _CHAPTER_RANK, f"a {line.text}".casefold().rstrip(" .:")
            label_only, good = False, _is_heading_case(line.text) and not line.text.endswith((",", ";"))
        else:
            continue
        strict = good and (line.after_blank or dense) and (line.before_blank or label_only or dense)
        title, body = _with_title(lines, number, label_only and not dense)
        candidates.append(_Candidate(number, rank, key, title, body, strict))
    return candidates


def _place_alone(candidates: Sequence[_Candidate]) -> None:
    """Rank the headings without a number: before all parts outermost, between them like chapters."""
    outermost = min(
        (candidate.rank for candidate in candidates if candidate.key[0] == "w"), default=_CHAPTER_RANK
    )
    in_part = False
    for candidate in candidates:
        if candidate.key[0] == "w":
            in_part = in_part or candidate.rank < _CHAPTER_RANK
        else:
            is_back_matter = re.match(_BACK, candidate.title, re.IGNORECASE)
            candidate.rank = _CHAPTER_RANK if in_part and not is_back_matter else outermost


def _is_label_line(line: _Line, word: str, rest: str) -> bool:
    """Whether "CHAPTER 3 ..." goes on as a heading does and not as a sentence."""
    if not word[0].isupper():
        return False
    rest = rest.strip()
    if not rest.strip(".:—–-]"):
        return True
    if rest[0] in ":—–-":
        return (
            (len(rest) <= _LONGEST_TITLE and not rest.endswith((".", ",", ";"))) or _first_letter_is_upper(rest)
        )
    if rest[0] == "." or line.text[: len(word)].isupper():
        return len(rest) <= _LONGEST_TITLE and not rest.endswith((",", ";")) and _first_letter_is_upper(rest)
    return _is_title(rest)


def _with_title(lines: Sequence[_Line], number: int, label_only: bool) -> tuple[str, int]:
    """The heading with the title lines that clearly belong to it, and the line where the body begins."""
    label, body = lines[number].text, lines[number].following
    words: list[str] = []
    while label_only and body < len(lines) - 1 and len(words) < 3:
        line = lines[body]
        if _is_any_heading(line.text) or not _is_title(line.text) or (words and line.after_blank):
            break
        words.append(line.text)
        body = line.following
    if not words or not lines[body - 1].before_blank:  # the lines run on into a paragraph
        return label.strip(" ]"), lines[number].following
    separator = " " if label.endswith((".", ":", "—")) else ": "
    return label + separator + " ".join(words), body


def _is_title(text: str) -> bool:
    """Short, in capitals or title case, and no sentence."""
    if (
        len(text) > _LONGEST_TITLE
        or text[:1] in "\"'“‘«—–-(["
        or text.endswith((",", ";", ":", "—", "-", "”", '"'))
    ):
        return False
    if any("一" <= character <= "鿿" for character in text):
        return len(text) <= 20 and not text.endswith(("。", "！", "？", "；", "，"))
    if text.isupper():
        return True
    words = re.findall(r"[^\W\d_][\w'’]*", text)
    if not words or text.endswith((".", "!")) or re.search(r"[.!?]['’”\"]? ", text):
        return False
    return words[0][0].isupper() and all(word[0].isupper() or word in _SMALL_WORDS for word in words)


def _is_heading_case(text: str) -> bool:
    return (
        text.isupper()
        or not text.isascii()
        or (_first_letter_is_upper(text) and (" " not in text or _is_title(text)))
    )


def _first_letter_is_upper(text: str) -> bool:
    match = re.search(r"[^\W_]", text)
    return match is not None and not match[0].islower()


def _is_any_heading(text: str) -> bool:
    return any(pattern.fullmatch(text) for pattern in (_LABEL, _CJK_LABEL, _ALONE, _NOTE, _BARE, _NUMBERED))


def _without_contents(candidates: list[_Candidate], lines: Sequence[_Line], text: str) -> list[_Candidate]:
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


def _body_size(lines: Sequence[_Line], first: int, last: int, text: str) -> int:
    """Characters between two lines, up to where it is enough."""
    if first >= last:
        return 0
    end = lines[last].start if last < len(lines) else len(text)
    return len(text[lines[first].start : min(end, lines[first].start + 10 * _LEAST_BODY)].strip())


def _numerals(lines: Sequence[_Line], text: str) -> list[_Candidate]:
    """Lines of one numeral, or of one and capitals, that count I, II, III; each part may start again."""
    titled: list[_Candidate] = []
    bare: list[_Candidate] = []
    for number, line in enumerate(lines):
        match = _BARE.fullmatch(line.text)
        if match is None or not line.after_blank:
            continue
        if match["rest"]:
            key = f"n {match['number']} {match['rest']}".casefold()
            titled.append(_Candidate(number, _CHAPTER_RANK, key, line.text, line.following, True))
            continue
        title, body = _with_title(lines, number, True)
        if line.before_blank or body > line.following:
            bare.append(
                _Candidate(number, _CHAPTER_RANK, f"n {match['number']}".casefold(), title, body, True)
            )
    for candidates in (titled, bare):
        counted = _counted(_without_contents(candidates, lines, text))
        if len(counted) >= 3:
            return counted
    return []


def _counted(candidates: Iterable[_Candidate]) -> list[_Candidate]:
    """Those that count from one without a gap, in Roman or in Arabic numerals."""
    found: list[_Candidate] = []
    expected, runs_roman = 1, None
    for candidate in candidates:
        numeral = candidate.key.split()[1]
        is_roman = not numeral.isdigit()
        value = _roman_value(numeral) if is_roman else int(numeral)
        if runs_roman in (None, is_roman) and (value == expected or (value == 1 and expected > 2)):
            runs_roman, expected = is_roman, value + 1
            found.append(candidate)
    return found


def _numbered(lines: Sequence[_Line], dense: bool, text: str) -> list[_Candidate]:
    """Headings such as "2.3 Results", if they count without a gap and most have a body."""
    candidates = []
    for number, line in enumerate(lines):
        match = _NUMBERED.fullmatch(line.text)
        if match is None or not (line.after_blank or dense):
            continue
        rest = _PAGE_REFERENCE.sub("", match["rest"])
        if _is_report_title(rest):
            key, depth = f"n {match['number']} {rest}".casefold(), match["number"].count(".")
            candidates.append(_Candidate(number, 10 + depth, key, line.text, line.following, True))
    found: list[_Candidate] = []
    previous: tuple[int, ...] = ()
    for candidate in _without_contents(candidates, lines, text):
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
        len(rest) <= _LONGEST_TITLE
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


def _roman_value(numeral: str) -> int:
    values = [
        {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}[letter]
        for letter in numeral.lower()
    ]
    return sum(
        -value if value < after else value for value, after in zip(values, [*values[1:], 0], strict=True)
    )

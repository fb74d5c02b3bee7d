"""The words and shapes that make a single line a heading, or the title below one."""

from __future__ import annotations

import re

__all__ = [
    "ALONE",
    "BACK_MATTER",
    "BARE_NUMERAL",
    "CHAPTER_RANK",
    "CJK_LABEL",
    "LABEL",
    "LONGEST_LINE",
    "LONGEST_TITLE",
    "NOTE",
    "NUMBERED",
    "RANKS",
    "first_letter_is_upper",
    "is_heading_case",
    "is_label_line",
    "is_titled_line",
    "roman_value",
    "starts_a_part",
]

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
RANKS = {
    "volume": 1, "vol": 1, "tome": 1, "band": 1, "卷": 1,
    "book": 2, "livre": 2, "buch": 2, "libro": 2, "книга": 2,
    "part": 3, "partie": 3, "teil": 3, "parte": 3, "часть": 3, "部": 3, "编": 3, "編": 3, "篇": 3,
    "act": 4, "phase": 4,
    "chapter": 5, "chapitre": 5, "kapitel": 5, "capítulo": 5, "capitulo": 5, "capitolo": 5, "глава": 5,
    "letter": 5, "stave": 5, "canto": 5, "lecture": 5, "essay": 5, "章": 5, "回": 5,
    "scene": 6, "section": 6, "节": 6, "節": 6,
}  # fmt: skip
CHAPTER_RANK = 5
_KEYWORDS = "|".join(word for word in RANKS if word.isalpha() and not "一" <= word[0] <= "鿿")
LABEL = re.compile(rf"(?P<word>{_KEYWORDS})\.?[ ]+(?P<number>{_NUMBER})(?P<rest>.*)", re.IGNORECASE)
CJK_LABEL = re.compile(
    rf"第[ 　]?(?P<number>{_CJK_NUMBER})[ 　]?(?P<word>[卷部编編篇章回节節])(?P<rest>(?:[ 　:：、.].*)?)"
)
_FRONT = (
    "preface|foreword|introduction|introductory|prologue|prelude|dedication|proem|abstract"
    "|序|序言|前言|楔子|引言"
)
BACK_MATTER = (
    "afterword|appendix|appendices|glossary|bibliography|references|index|endnotes|后记|後記|附录|附錄"
)
_MIDDLE = "epilogue|conclusion|interlude|postscript|acknowledg(?:e?)ments|尾声|尾聲"
ALONE = re.compile(
    rf"(?P<word>{_FRONT}|{BACK_MATTER}|{_MIDDLE}|(?:author|editor|translator)['’]s[ ](?:note|preface))"
    rf"(?P<rest>(?:[ ]+(?:[A-H]|\d{{1,2}}|{_ROMAN}))?(?:[.:—–-].*|[ ]+(?:to|by|of|for)[ ].*)?)",
    re.IGNORECASE,
)
NOTE = re.compile(r"NOTES?[ ](?:TO|ON|BY|OF)[ ][^a-z]+")
BARE_NUMERAL = re.compile(rf"(?P<number>\d{{1,3}}|(?i:{_ROMAN}))(?:\.?|\.?[ ]+(?P<rest>[^a-z]{{3,75}}))")
NUMBERED = re.compile(r"(?P<number>\d{1,2}(?:\.\d{1,2}){0,4})\.?[ \t]+(?P<rest>[^\W\d_].{1,99})")
_SMALL_WORDS = frozenset(
    str.split(
        "a an and as at but by de des die der du for from in into is la le les nor of on or over the to und"
        "  upon von with"
    )
)
LONGEST_LINE, LONGEST_TITLE = 120, 75


def is_label_line(text: str, word: str, rest: str) -> bool:
    """Whether "CHAPTER 3 ..." goes on as a heading does and not as a sentence."""
    if not word[0].isupper():
        return False
    rest = rest.strip()
    if not rest.strip(".:—–-]"):
        return True
    if rest[0] in ":—–-":
        short = len(rest) <= LONGEST_TITLE and not rest.endswith((".", ",", ";"))
        return short or first_letter_is_upper(rest)
    if rest[0] == "." or text[: len(word)].isupper():
        return len(rest) <= LONGEST_TITLE and not rest.endswith((",", ";")) and first_letter_is_upper(rest)
    return is_titled_line(rest)


def is_titled_line(text: str) -> bool:
    """Short, in capitals or title case, and no sentence."""
    if (
        len(text) > LONGEST_TITLE
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


def is_heading_case(text: str) -> bool:
    """Whether a line is in capitals, one word, or in title case."""
    return (
        text.isupper()
        or not text.isascii()
        or (first_letter_is_upper(text) and (" " not in text or is_titled_line(text)))
    )


def first_letter_is_upper(text: str) -> bool:
    """Whether the first letter or digit is no small letter."""
    match = re.search(r"[^\W_]", text)
    return match is not None and not match[0].islower()


def starts_a_part(text: str) -> bool:
    """Whether a line reads like "Chapter 1", "Preface" or "2.3 Results"."""
    return any(pattern.fullmatch(text) for pattern in (LABEL, CJK_LABEL, ALONE, NOTE, BARE_NUMERAL, NUMBERED))


def roman_value(numeral: str) -> int:
    """Return the value of a well-formed Roman numeral."""
    letters = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}
    values = [letters.get(letter, 1) for letter in numeral.lower()]  # the dotless i matches an i too
    return sum(
        -value if value < after else value for value, after in zip(values, [*values[1:], 0], strict=True)
    )

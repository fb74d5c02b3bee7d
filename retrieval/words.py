"""Text to the terms that BM25 counts, the same for passages and for questions.

    words("Mr. Rochester’s horses, 1,847 of them")  ->  mr rochest hors 1847 of them

Text is normalised in a copy (offsets are of no concern here): NFKC, case folded, diacritics and Arabic vowel
signs dropped. Terms of spaced scripts are stemmed by Snowball's English rules, which touch only a-z endings.
Scripts written without spaces (and Korean, whose particles stick to the word) become overlapping pairs of
characters, as in Lucene's CJKAnalyzer.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Final

__all__ = ["STOP_WORDS", "UNSPACED", "content_words", "naming_words", "part_with", "words", "words_of_each"]

REMEMBERED: Final = 32_768
"""Words whose terms and stems are remembered: those of a long novel, in a few megabytes."""

STOP_WORDS = frozenset(
    str.split(
        """
    a about after again all also although always am among an and another any are as at away be because been
    before being between both but by came can cannot come could did do does doing done down during each
    either else ever every few for from further get gets give given go goes got had has have having he hed
    her here hers herself hes him himself his how however i if in into is it its itself just let lets like
    many me might more most much must my myself neither no nor not now of off often on once one only or
    other others our ours ourselves out over own perhaps quite rather same shall she should since so some
    such than that thats the their theirs them themselves then there theres these they this those though
    through thus to too under until up upon us very was we well were what whatever whats when whenever where
    wherever whether which whichever while who whoever whole whom whos whose why will with within without
    would yes yet you your yours yourself yourselves arent cant couldnt didnt doesnt dont hadnt hasnt havent
    im isnt ive mustnt shant shes shouldnt theyd theyll theyre theyve wasnt werent weve wont wouldnt youd
    youll youre youve
    """
    )
)
"""English words that say nothing about the subject; contractions stand without their apostrophe."""

_LONGEST = 64  # characters of one term; longer runs are base64 or damage, and their start is enough to match

_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff\u0640"))  # with the Arabic tatweel
# Typographer's marks become typewriter's, so that most English text takes the ASCII path, twice as fast.
_TYPEWRITER = {
    **dict.fromkeys("\u2018\u2019\u201b\u02bc\u0060\u00b4", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2022\u2026", "-"),
}
_FOLDED = {
    **_INVISIBLE,
    **{
        ord("\u0649"): "\u064a",
        ord("\u06cc"): "\u064a",
        ord("\u0629"): "\u0647",
    },  # alef maqsura, Farsi yeh; teh marbuta
    **{ord("\u0671"): "\u0627", ord("\u06a9"): "\u0643"},  # alef wasla; keheh
    **{
        first + digit: str(digit) for first in (0x0660, 0x06F0, 0x0966) for digit in range(10)
    },  # Arabic, Hindi digits
}
_MARKS = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]+"
)  # Latin, Greek, Cyrillic; Hebrew; Arabic

# Characters of scripts without spaces: kana, Han, Hangul, Thai, Lao, Myanmar, Khmer.
UNSPACED = (
    "\u3005\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
    "\uac00-\ud7a3\u0e01-\u0e4e\u0e81-\u0ece\u1000-\u103f\u1780-\u17d3"
)
# Vowel signs of Indic scripts are not \w for `re`, yet belong to the word; the dandas between them do not.
_LETTER = rf"(?:[^\W_{UNSPACED}]|[\u0900-\u0963\u0971-\u0df3])"
_ASCII_TERM = re.compile(r"\d+(?:[.,]\d+)+|[a-z0-9]+(?:'[a-z]+)*")
_TERM = re.compile(rf"\d+(?:[.,]\d+)+|[{UNSPACED}]+|{_LETTER}+(?:'{_LETTER}+)*")
_WORD = re.compile(r"\w+")
_RUN = re.compile(f"[{UNSPACED}]")


def words(text: str) -> list[str]:
    """Return the terms of `text` in order, stop words included, repeated as often as they stand there."""
    return _stemmed(_terms(text))


def words_of_each(texts: Sequence[str]) -> list[list[str]]:
    """Return `words` of every text; each distinct word of all of them is looked at once."""
    import Stemmer

    found = [_found(text) for text in texts]
    distinct = list(set(chain.from_iterable(found)))
    stems = Stemmer.Stemmer("english", 0).stemWords([_plain(word) for word in distinct])
    stem = dict(zip(distinct, stems, strict=True))
    return [[stem[word] for word in each] for each in found]


def content_words(text: str) -> list[str]:
    """Return the terms of `text` without English stop words; empty if it has nothing else."""
    return [_stem(term) for term in _terms(text) if term not in STOP_WORDS]


def naming_words(text: str) -> frozenset[str]:
    """The words that say which one is meant, as they stand: with a digit, or a capital within the text."""
    return frozenset(
        word[0]
        for word in _WORD.finditer(text)
        if any(map(str.isdigit, word[0]))
        or (word[0][0].isupper() and word.start() > 0 and text[word.start() - 1].isspace())
    )


def part_with(word: str, term: str) -> str:
    """The part of "Diego-Carlsbad's" that a term is from, without the possessive; all of it if none is."""
    parts = (part.removesuffix("'s").removesuffix("’s") for part in re.findall(r"[\w'’]+", word))
    return next((part for part in parts if words(part) == [term]), word)


def _terms(text: str) -> list[str]:
    """Normalised terms, not yet stemmed."""
    return [_term(word) for word in _found(text)]


def _found(text: str) -> list[str]:
    """The words and pairs of normalised text; `_plain`, which leaves pairs alone, makes terms of them."""
    text = text.lower() if text.isascii() else _normalised(text)
    if text.isascii():
        return _ASCII_TERM.findall(text)
    found: list[str] = []
    for word in _TERM.findall(text):
        if _RUN.match(word):
            found.extend(_pairs(word))
        else:
            found.append(word)
    return found


def _normalised(text: str) -> str:
    # Quotes first: NFKC would turn the acute accent standing alone into a space and a mark.
    # One by one: `translate`, which looks up each character, takes nine times as long.
    for mark, plain in _TYPEWRITER.items():
        text = text.replace(mark, plain)
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", text).casefold()
    text = _MARKS.sub("", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", text).translate(_FOLDED)


def _pairs(run: str) -> list[str]:
    """Overlapping pairs of characters; a character standing alone is kept as it is."""
    return [run[i : i + 2] for i in range(len(run) - 1)] if len(run) > 1 else [run]


def _plain(term: str) -> str:
    """Drop possessive 's, elided articles, other apostrophes and the commas of 1,847."""
    if term.isalpha() and len(term) <= _LONGEST:
        return term
    if term[0].isdigit():
        term = term.replace(",", "")
    head, apostrophe, tail = term.partition("'")
    if apostrophe:
        if tail == "s":
            term = head
        elif head in {"c", "d", "j", "l", "m", "n", "s", "t", "qu"} and len(tail) > 1:
            term = tail.replace("'", "")
        else:
            term = term.removesuffix("'s").replace("'", "")
    return term[:_LONGEST]


@lru_cache(maxsize=REMEMBERED)
def _term(word: str) -> str:
    """`_plain`, remembered: questions look at the same sentences again and again."""
    return _plain(word)


@lru_cache(maxsize=REMEMBERED)
def _stem(term: str) -> str:
    """The stem of one term, remembered likewise."""
    return _stemmed([term])[0]


def _stemmed(terms: list[str]) -> list[str]:
    import Stemmer

    # A stemmer per call: its cache is not safe between threads. Each distinct term is stemmed once.
    distinct = list(set(terms))
    stem = dict(zip(distinct, Stemmer.Stemmer("english", 0).stemWords(distinct), strict=True))
    return [stem[term] for term in terms]

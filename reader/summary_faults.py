"""What is wrong with a summary that a model wrote: empty, refused, copied, cut off, too long or too short."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from reader.chat import Completion, Finish
from reader.contract import SummaryPart
from reader.lengths import count_words
from reader.prompts import render
from retrieval.chunking import flat
from retrieval.words import UNSPACED

__all__ = ["TOLERANCE", "Attempt", "ends_whole", "judged"]

TOLERANCE: Final = 0.15
"""Share of the length asked for by which a summary may miss it."""
GRAM: Final = 8
"""Words of a run that is compared; of scripts without spaces twice as many characters."""
MOST_COPIED: Final = 0.5
"""Share of a summary's runs of 8 words that may stand in the prompt. Of 100 summaries that people wrote for
squality's development set none shares more than 1.2 % with its story; above a half it is no summary."""
OPENING: Final = 200
"""Characters in which a preamble ends."""

_WORD: Final = re.compile(r"\w+")
# Latin, Chinese and Japanese, Indic, Arabic and Urdu, Armenian, Ethiopic, Khmer, Myanmar, Tibetan, Mongolian,
# Syriac, Sinhala.
_TERMINATORS: Final = ".!?…‼⁇⁈⁉。！？．｡।॥؟۔։።፧፨។៕៘။།༎༏༐༑༔᠃᠉܀܁܂෴"
_END: Final = re.compile(rf"[{_TERMINATORS}][\"'”’»›」』)\]*_\s]*$")
# Thai, Lao, Tai Le, New Tai Lue, Tai Tham, Balinese, Javanese, Cham: sentences end at a space, or at marks
# that few writers set. Vowel signs and tones are no \w.
_UNENDED: Final = re.compile(
    "[\u0e00-\u0eff\u1950-\u19df\u1a20-\u1aaf\u1b00-\u1b7f\ua980-\ua9df\uaa00-\uaa5f]\\W*$"
)
_UNSPACED: Final = re.compile(f"[{UNSPACED}]")
_MAY_NOT: Final = (
    r"(?:can(?:no|')?t|can not|(?:am )?(?:unable|not able) to|won't(?: be able to)?|will not|must decline)"
)
_TASK: Final = (
    r"(?:help (?:you\b|with)|assist|comply|fulfill?|summari[sz]e|provide|create|produce|generate"
    r"|do (?:that|this)|engage with"
    r"|(?:process|write|continue|discuss|answer) (?:with )?(?:a|an|any|this|that|the)\b)"
)
_REFUSAL: Final = re.compile(
    rf"(?:unfortunately,? |sorry,? (?:but )?)?i(?:'m)? {_MAY_NOT} (?:\w+ )?{_TASK}"
    rf"|(?:i'm |i am |we're |we are )?(?:very |so |really )?sorry,? (?:but )?(?:i|we|this|that)\b"
    rf"[^.]{{0,40}}?(?:{_MAY_NOT}|against|violat)"
    rf"|i apologi[sz]e,? but (?:i|this)\b|as an ai\b|i must decline\b"
)
_PREAMBLE: Final = re.compile(
    r"(?:(?:sure|certainly|of course|okay|ok|absolutely|gladly)\b[^\w\n]{1,3})?"
    r"(?:(?:here(?:'s| is| are)|below is|the following is|this is)\b[^.:\n]*\bsummar(?:y|ies)\b[^.:\n]*"
    r"(?::|\.?[*_]*[ \t]*\n)|[*_#\s]*summary[*_\s]*(?::|\n))[*_\s]*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A reply, what is wrong with it, and how bad that is; 0 is nothing. Without text nothing can be kept."""

    text: str
    problem: str = ""
    badness: int = 0


def judged(
    completion: Completion, parts: Sequence[SummaryPart], source: str, words: int, at_least: int
) -> Attempt:
    """A reply, without its preamble, with the worst of what is wrong with it.

    Args:
        completion: The reply.
        parts: What was summarised.
        source: All of it in a row.
        words: Most words.
        at_least: Fewest words.
    """
    text = flat(_without_preamble(completion.text))
    length = count_words(text)
    if not _WORD.search(text):
        return Attempt("", "it is empty", 4)
    if _is_refusal(text, source):
        return Attempt("", "it is a refusal", 4)
    if length < count_words(source) and _copied(text, parts) > MOST_COPIED:
        return Attempt(text, "it is mostly copied word for word from the prompt", 3)
    if completion.finish is Finish.LENGTH or not (ends_whole(text) or _UNENDED.search(text)):
        return Attempt(text, "it is cut off in the middle of a sentence", 2)
    if length > words * (1 + TOLERANCE):
        return Attempt(text, f"it has {length} words, and at most {words} were asked for", 1)
    if length < at_least * (1 - TOLERANCE):
        return Attempt(text, f"it has {length} words, and at least {at_least} were asked for", 1)
    return Attempt(text)


def ends_whole(text: str) -> bool:
    """Whether a text ends with a mark that ends sentences."""
    return _END.search(text) is not None


def _without_preamble(text: str) -> str:
    found = _PREAMBLE.match(text.strip().replace("’", "'"))
    return text.strip()[found.end() :] if found and found.end() <= OPENING else text


def _is_refusal(text: str, source: str) -> bool:
    """Whether a reply begins by refusing, in English, and not with words of the text itself."""
    said = text.casefold().replace("’", "'")
    found = _REFUSAL.match(said)
    return found is not None and found[0] not in source.casefold().replace("’", "'")


def _copied(text: str, parts: Sequence[SummaryPart]) -> float:
    """Share of the runs of a text that are copied; 0 for a text that is shorter than one.

    A run is copied if it stands in what was asked, or in one of the parts alone: what several parts say in
    the same words may be said once more.
    """
    unspaced = 2 * len(_UNSPACED.findall(text)) > sum(map(str.isalpha, text))
    runs = _runs(text, unspaced)
    wanted = set(runs)
    copied = wanted & _asked_runs()
    holders = Counter(
        run for part in parts for run in wanted & set(_runs(" ".join(part.sentences), unspaced))
    )
    copied |= {run for run, count in holders.items() if count == 1}
    return sum(run in copied for run in runs) / len(runs) if runs else 0.0


@cache
def _asked_runs() -> frozenset[tuple[str, ...]]:
    """Of the instructions, which have spaces."""
    return frozenset(_runs(render("summarise", parts=[], background="", words=0, at_least=1), False))


def _runs(text: str, unspaced: bool) -> list[tuple[str, ...]]:
    """All runs of words, or of characters."""
    folded = text.casefold()
    units = [c for c in folded if c.isalnum()] if unspaced else _WORD.findall(folded)
    gram = 2 * GRAM if unspaced else GRAM
    return [tuple(units[n : n + gram]) for n in range(len(units) - gram + 1)]

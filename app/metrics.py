"""Metrics of question answering, as METHODS and SQuAD 1.1 define them."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

from retrieval.words import content_words

__all__ = ["exact_match", "f1", "holds_answer", "locomo_f1", "normalised_answer", "without_numbers"]

_PUNCTUATION = str.maketrans("", "", string.punctuation + "“”‘’—–…")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NUMBERS = re.compile(r" ?\[\d+\]")
MULTI_HOP = 1
OPEN_DOMAIN = 3


def normalised_answer(text: str) -> str:
    """Lower case, without punctuation and articles, white space squeezed (Rajpurkar et al. 2016)."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, references: Sequence[str]) -> float:
    """1.0 if the answer equals a reference once both are normalised, else 0.0."""
    return float(any(normalised_answer(answer) == normalised_answer(each) for each in references))


def f1(answer: str, references: Sequence[str]) -> float:
    """Token overlap with the best reference, 0 to 1."""
    return max((_f1(answer, each) for each in references), default=0.0)


def holds_answer(answer: str, references: Sequence[str]) -> float:
    """1.0 if the answer holds a reference, word for word or all of its content words (as stems), else 0.0."""
    given, stems = f" {normalised_answer(answer)} ", {*content_words(answer)}
    for each in references:
        wanted, plain = {*content_words(each)}, normalised_answer(each)
        if (plain and f" {plain} " in given) or (wanted and wanted <= stems):
            return 1.0
    return 0.0


def locomo_f1(answer: str, reference: str, category: int) -> float:
    """LoCoMo's F1 (Maharana et al. 2024), 0 to 1: over Porter stems, by category.

    Of a multi-hop question (1) both are split at commas: the mean over the reference's parts of the best F1
    that a part of the answer has. Of an open one (3) what follows ";" in the reference is a remark.
    """
    if category == MULTI_HOP:
        parts = answer.split(",")
        wanted = [part for part in reference.split(",") if part.strip()]
        return sum(max(_stemmed_f1(part, each) for part in parts) for each in wanted) / max(len(wanted), 1)
    return _stemmed_f1(answer, reference.split(";")[0] if category == OPEN_DOMAIN else reference)


def without_numbers(text: str) -> str:
    """An answer without its citations [n]."""
    return _NUMBERS.sub("", text)


def _stemmed_f1(answer: str, reference: str) -> float:
    import Stemmer

    stemmer = Stemmer.Stemmer("porter")
    given, wanted = (stemmer.stemWords(normalised_answer(each).split()) for each in (answer, reference))
    return _overlap(given, wanted)


def _f1(answer: str, reference: str) -> float:
    return _overlap(normalised_answer(answer).split(), normalised_answer(reference).split())


def _overlap(given: Sequence[str], wanted: Sequence[str]) -> float:
    if not given or not wanted:
        return float(given == wanted)
    shared = sum((Counter(given) & Counter(wanted)).values())
    if shared == 0:
        return 0.0
    precision, recall = shared / len(given), shared / len(wanted)
    return 2 * precision * recall / (precision + recall)

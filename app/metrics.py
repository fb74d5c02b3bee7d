"""Metrics of question answering, as METHODS and SQuAD 1.1 define them."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

__all__ = ["exact_match", "f1", "normalised_answer"]

_PUNCTUATION = str.maketrans("", "", string.punctuation + "“”‘’—–…")
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def normalised_answer(text: str) -> str:
    """Lower case, without punctuation and articles, white space squeezed (Rajpurkar et al. 2016)."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, references: Sequence[str]) -> float:
    """1.0 if the answer equals a reference once both are normalised, else 0.0."""
    return float(any(normalised_answer(answer) == normalised_answer(each) for each in references))


def f1(answer: str, references: Sequence[str]) -> float:
    """Token overlap with the best reference, 0 to 1."""
    return max((_f1(answer, each) for each in references), default=0.0)


def _f1(answer: str, reference: str) -> float:
    given, wanted = normalised_answer(answer).split(), normalised_answer(reference).split()
    if not given or not wanted:
        return float(given == wanted)
    shared = sum((Counter(given) & Counter(wanted)).values())
    if shared == 0:
        return 0.0
    precision, recall = shared / len(given), shared / len(wanted)
    return 2 * precision * recall / (precision + recall)

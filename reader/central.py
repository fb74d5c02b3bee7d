"""Summaries without a language model: the most central sentences, taken as they stand.

A sentence is central if it is close to the mean of all in meaning (the centroid of Radev et al., 2004, on
embeddings), and if its words are frequent ones that have not been said yet (as in SumBasic, Nenkova and
Vanderwende, MSR-TR-2005-101). One that repeats another, or a part that has had its turn, waits (maximal
marginal relevance, Carbonell and Goldstein, SIGIR 1998). How much each counts is chosen by
tests/benchmarks/summary_choice.py.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from reader.contract import SummaryPart, WrittenSummary
from reader.lengths import count_words
from retrieval.hits import Float32
from retrieval.words import STOP_WORDS, words_of_each

__all__ = ["CENTRAL_VERSION", "CentralWeights", "central_summary"]

CENTRAL_VERSION: Final = 1
"""Raised when other sentences are chosen: summaries of an older version are made again."""

FEWEST_WORDS: Final = 7
"""Shorter ones tell a person little without what stands around them; ROUGE would take from 5 words on."""
MOST_WORDS: Final = 60
LETTERS: Final = 0.6
"""Share of a sentence's visible characters that are letters; tables and rows of marks have less."""
_END: Final = re.compile(r"[.!?…。！？।؟:;—-][\"'”’»」』)\]_]*$")
_BEGIN: Final = re.compile(r"[^\w\s]*[\"“‘'(\[_«]?\w")
_BROKEN: Final = re.compile(r"[”’»)\]]\s")
"""How the rest of a sentence begins that was split inside of direct speech."""
_NOT_THE_TEXT: Final = re.compile(
    r"project gutenberg|gutenberg\.org|\be-?book\b|\bisbn\b|all rights reserved|transcriber.?s note|\bhttps?://",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class CentralWeights:
    """How sentences are chosen; by tests/benchmarks/summary_choice.py.

    Attributes:
        meaning: What the cosine to the mean of all sentences counts.
        words: What the mean salience of its words counts; a word's is the logarithm of how often it occurs.
        said: What is left of a word's salience each time it has been said.
        repeated: What the cosine to the closest sentence taken costs.
        turn: What each sentence costs that its part has had already, if it is to be spread.
    """

    meaning: float = 1.0
    words: float = 3.0
    said: float = 0.8
    repeated: float = 0.2
    turn: float = 0.05


def central_summary(
    parts: Sequence[SummaryPart],
    words: int,
    spread: bool = False,
    weights: CentralWeights | None = None,
) -> WrittenSummary:
    """Take the most central sentences, in their order, as many as there is room for.

    Headings, marks, and notices of who has printed a text are not taken where there is anything else.

    Args:
        parts: With the embeddings of their sentences, at least one sentence in all.
        words: Most words; more only if no sentence is short enough.
        spread: Whether each part is to have its turn.
        weights: How sentences are chosen.
    """
    weights = weights or CentralWeights()
    places = [(p, s) for p, part in enumerate(parts) for s in range(len(part.sentences))]
    texts = [parts[p].sentences[s] for p, s in places]
    usable = [n for n, text in enumerate(texts) if _is_sentence(text)]
    if not usable:
        usable = [n for n, text in enumerate(texts) if any(c.isalnum() for c in text)] or [0]
    candidates = _Candidates(texts, usable, np.concatenate([part.rows for part in parts]), weights)
    turns = [places[n][0] for n in usable] if spread else list(range(len(usable)))
    taken = sorted(usable[n] for n in candidates.chosen(words, turns))
    return WrittenSummary(tuple(texts[n] for n in taken), tuple(places[n] for n in taken))


def _is_sentence(text: str) -> bool:
    if not (_BEGIN.match(text) and _END.search(text)) or _BROKEN.match(text) or _NOT_THE_TEXT.search(text):
        return False
    visible = [c for c in text if not c.isspace()]
    letters = sum(map(str.isalpha, visible))
    return FEWEST_WORDS <= count_words(text) <= MOST_WORDS and letters >= LETTERS * len(visible)


class _Candidates:
    """The sentences that can be taken, by their positions among these."""

    def __init__(
        self, texts: Sequence[str], usable: Sequence[int], rows: Float32, weights: CentralWeights
    ) -> None:
        self.weights = weights
        self.rows = rows[usable]
        centre = rows.mean(axis=0)
        self.meaning = self.rows @ (centre / max(float(np.linalg.norm(centre)), 1e-9))
        said = [[word for word in each if word not in STOP_WORDS] for each in words_of_each(texts)]
        counts = Counter(word for each in said for word in each)
        most = math.log1p(max(counts.values(), default=1))
        self.salience = {word: math.log1p(count) / most for word, count in counts.items()}
        # Not sets: sums must come out the same in every process.
        self.words = [tuple(dict.fromkeys(said[n])) for n in usable]
        self.lengths = np.array([count_words(texts[n]) for n in usable])
        self.holders: defaultdict[str, list[int]] = defaultdict(list)
        for n, held in enumerate(self.words):
            for word in held:
                self.holders[word].append(n)

    def chosen(self, words: int, turns: Sequence[int]) -> list[int]:
        """Positions, best first; `turns` says which part each sentence is of."""
        # One word more, so that a sentence of a single frequent word is not the most salient of all.
        sizes = np.array([len(held) + 1 for held in self.words])
        salience = np.array([sum(self.salience[w] for w in held) for held in self.words])
        closest, had = np.zeros(len(sizes)), np.zeros(max(turns) + 1)
        left, taken = words, list[int]()
        free = self.lengths <= left
        parts = np.array(turns)
        while free.any():
            gains = (
                self.weights.meaning * self.meaning
                + self.weights.words * salience / sizes
                - self.weights.repeated * closest
                - self.weights.turn * had[parts]
            )
            best = int(np.argmax(np.where(free, gains, -np.inf)))
            taken.append(best)
            left -= int(self.lengths[best])
            had[parts[best]] += 1
            closest = np.maximum(closest, self.rows @ self.rows[best])
            for word in self.words[best]:
                lost = self.salience[word] * (1 - self.weights.said)
                self.salience[word] -= lost
                salience[self.holders[word]] -= lost
            free[best] = False
            free &= self.lengths <= left
        return taken or [int(np.argmin(self.lengths))]

"""How passages are ranked once read: `python -m tests.benchmarks.reranking_choice --data FOLDER`.

Questions about articles that training has never seen are asked of a library of these articles, and, with
`--book FILE`, those of a file of `clew eval qa`. What was read is kept with whether the answer stands there;
half of the paragraphs, or every second question of the book, choose the weights of
`app.agent.reranking.chunk_score`, the others report how often the answer stands in the first 1, 5 and 10.
Then: from what certainty on the first chunks are all that need to be read.
"""

from __future__ import annotations

import argparse
import json
import math
import pickle
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from app.agent import reranking
from app.bootstrap import open_library
from app.config import load_settings
from app.evaluation import add_questioned
from app.library import Library
from app.question_files import read_questions
from reader.training.rows import Row, held_back, read_rows
from retrieval.reranking import Reading, SpanReader
from tests.benchmarks.calibrate_spans import SETS, inside, library_of, share_of

AROUND = 40
"""Characters beside an answer by which its place is known."""


@dataclass
class Listening:
    """A span reader that remembers what it was given and what came of it."""

    reader: SpanReader
    read_so_far: list[tuple[str, str, Reading]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.reader.name

    def read(self, question: str, texts: Sequence[str]) -> list[Reading]:
        found = self.reader.read(question, texts)
        self.read_so_far += [(question, text, each) for text, each in zip(texts, found, strict=True)]
        return found

    def chunks(self, question: str) -> list[tuple[str, Reading]]:
        """What a search read for a question, in its order."""
        own = [(text, reading) for asked, text, reading in self.read_so_far if asked == question]
        return own[: reranking.DEPTH]


@dataclass(frozen=True)
class Ranked:
    """What was read for a question, in the order of the search: shape (chunks, 4) and (chunks,)."""

    kind: str
    half: int
    signs: np.ndarray
    gold: np.ndarray


def signs_of(reading: Reading, rank: int) -> list[float]:
    """What the weights belong to."""
    return [reading.relevance, reading.answerable, reranking.margin(reading), math.log(rank)]


def ranked(kind: str, half: int, read: Sequence[tuple[str, Reading]], holds: Callable[[str], bool]) -> Ranked:
    """One question as the weights see it."""
    return Ranked(
        kind,
        half,
        np.array([signs_of(reading, rank) for rank, (_, reading) in enumerate(read, start=1)]),
        np.array([holds(text) for text, _ in read]),
    )


def listening(library: Library) -> tuple[Library, Listening]:
    """The library with a reader that remembers."""
    reader = library.backends.span_reader()
    if reader is None:
        raise SystemExit("CLEW_SPAN_READER is off")
    ear = Listening(reader)
    return Library(library.settings, library.engine, replace(library.backends, span_reader=lambda: ear)), ear


def of_articles(rows: Sequence[Row], most: int) -> list[Ranked]:
    """Up to `most` questions of each set about articles that are there."""
    mixed = [row for row in rows if inside(row) and row.answers]
    random.Random(7).shuffle(mixed)
    counts: dict[str, int] = {}
    found: list[Ranked] = []
    with library_of([row for row in rows if inside(row)]) as plain:
        library, ear = listening(plain)
        for row in mixed:
            counts[row.source] = counts.get(row.source, 0) + 1
            if counts[row.source] > most:
                continue
            places = [
                row.context[max(0, start - AROUND) : start + len(text) + AROUND].strip()
                for text, start in row.answers
            ]

            def holds(text: str, places: list[str] = places) -> bool:
                return any(place in text for place in places)

            ear.read_so_far.clear()
            library.ask(row.question, route="search")
            half = share_of(f"half {row.source} {row.context}", 2)
            found.append(ranked(row.source, half, ear.chunks(row.question), holds))
    return found


def of_book(file: Path) -> list[Ranked]:
    """The questions of a file with places in its book."""
    questions = read_questions(file)
    found: list[Ranked] = []
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(home=Path(folder), database_url="", model="extractive")
        library, ear = listening(open_library(settings))
        add_questioned(questions, library, lambda event: None)
        for number, question in enumerate(questions.questions):
            if not question.evidence or question.kind not in ("fact", "detail", "paraphrase"):
                continue
            quotes = [gold.quote for gold in question.evidence]

            def holds(text: str, quotes: list[str] = quotes) -> bool:
                return any(quote[:60] in text or quote[-60:] in text for quote in quotes)

            ear.read_so_far.clear()
            library.ask(question.text, route="search")
            found.append(ranked("book", number % 2, ear.chunks(question.text), holds))
        library.close()
    return found


def fitted(some: Sequence[Ranked]) -> np.ndarray:
    """Weights that give the passages with the answer the greatest share of a softmax."""
    with_gold = [each for each in some if each.gold.any()]

    def loss(weights: np.ndarray) -> float:
        total = 0.01 * float((weights**2).sum())
        for each in with_gold:
            scores = each.signs @ weights
            scores = scores - scores.max()
            total -= math.log(np.exp(scores[each.gold]).sum() / np.exp(scores).sum()) / len(with_gold)
        return total

    return np.asarray(minimize(loss, np.array([1.0, 0.5, 0.25, -1.0]), method="BFGS").x)


def hits(some: Sequence[Ranked], weights: np.ndarray) -> dict[str, float]:
    """How often the answer stands in the first k."""
    places = [
        int(np.argmax(each.gold[np.argsort(-(each.signs @ weights), kind="stable")])) + 1
        if each.gold.any()
        else 999
        for each in some
    ]
    return {str(k): float(np.mean([place <= k for place in places])) for k in (1, 5, 10, 50)}


def certainties(some: Sequence[Ranked], weights: np.ndarray, first: int) -> dict[str, dict[str, float]]:
    """For several thresholds: how many questions need no more than the first chunks, and what is lost."""
    found: dict[str, dict[str, float]] = {}
    for threshold in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0):
        stops = [each for each in some if len(each.signs) and each.signs[:first, 2].max() >= threshold]
        if stops:
            cut = [replace(each, signs=each.signs[:first], gold=each.gold[:first]) for each in stops]
            found[str(threshold)] = {
                "stops": len(stops) / len(some),
                "hit@5 of these": hits(stops, weights)["5"],
                "hit@5 of these, cut": hits(cut, weights)["5"],
            }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--book", type=Path, action="append", default=[])
    parser.add_argument("--most", type=int, default=250, help="questions of each set")
    parser.add_argument("--keep", type=Path, help="keep what was read in this file, or take it from there")
    chosen = parser.parse_args()
    reranking.CERTAIN = math.inf  # type: ignore[misc]
    if chosen.keep and chosen.keep.exists():
        everything = pickle.loads(chosen.keep.read_bytes())
    else:
        rows = [row for row in read_rows(chosen.data) if held_back(row) and row.source in SETS]
        everything = of_articles(rows, chosen.most)
        for file in chosen.book:
            everything += of_book(file)
        if chosen.keep:
            chosen.keep.write_bytes(pickle.dumps(everything))
    first = [each for each in everything if each.half == 0]
    second = [each for each in everything if each.half == 1]
    now = np.array([reranking.RELEVANCE, reranking.ANSWERABLE, 0.0, -reranking.RANK])
    weights = fitted(first)
    report: dict[str, Any] = {
        "weights": dict(zip(("relevance", "answerable", "margin", "log rank"), weights.tolist(), strict=True))
    }
    for name, some in (("chosen on", first), ("unseen", second)):
        report[name] = {
            kind: {
                "questions": len(of),
                "by search": hits(of, np.array([0.0, 0.0, 0.0, -1.0])),
                "by relevance": hits(of, np.array([1.0, 0.0, 0.0, 0.0])),
                "as shipped": hits(of, now),
                "fitted": hits(of, weights),
            }
            for kind in sorted({each.kind for each in some})
            if (of := [each for each in some if each.kind == kind])
        }
    report["certain"] = certainties(everything, now, reranking.FIRST)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()

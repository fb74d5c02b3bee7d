"""When the embedded reader answers: `python -m tests.benchmarks.calibrate_spans --data FOLDER [--write]`.

Articles that training has never seen (`reader.training.rows.held_back`) are added to a library, two of three
whole; the questions about them are asked, those that have no answer among them, and those about the articles
that were left out. Every second paragraph chooses how short answers are ranked, the logistic function and the
threshold; the others say how good that is: expected calibration error, what is answered, a reliability table.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import pickle
import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from sklearn.linear_model import LogisticRegression

from app.bootstrap import open_library
from app.config import load_settings
from app.library import Library
from app.metrics import f1
from app.models import ReaderRun
from reader.contract import ReaderAnswer, ShortAnswer
from reader.extractive import Calibration, ExtractiveReader
from reader.spans.calibration import FILE, SIGNALS, SpanCalibration, span_signals, strength
from reader.training.rows import Row, held_back, read_rows

SETS: Final = ("squad", "squadshifts_wiki", "fairytaleqa", "squadshifts_amazon")
RANKS: Final = (0.0, 0.3, 0.6, 0.9, 1.2, 1.5, 2.0, 3.0)
"""Weights of the rank that are tried."""
RIGHT: Final = 0.5
"""F1 from which an answer counts as right."""
UNANSWERABLE: Final = 0.1
"""Share of questions without an answer for which the threshold is best: their score is 1 if none is given,
that of others F1."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A question as the reader met it; `answers` are empty where nothing in the library answers it."""

    kind: str
    half: int
    answers: tuple[str, ...]
    short: tuple[ShortAnswer, ...]


@dataclass(frozen=True, slots=True)
class Recording(ExtractiveReader):
    """Keeps what it is given."""

    given: list[tuple[ShortAnswer, ...]] = field(default_factory=list)

    def answer(self, question: str, words: Any, evidence: Any, *rest: Any, **named: Any) -> ReaderAnswer:
        short = tuple(named.get("short", ()))
        if evidence:
            self.given.append(short)
        return ExtractiveReader.answer(self, question, words, evidence, *rest, **named)


@dataclass(frozen=True, slots=True)
class Made:
    """Gives one reader for every question."""

    reader: Recording
    key: str = "recording"
    at_once: int = 1

    def __call__(self, run: ReaderRun) -> Recording:
        return self.reader

    def for_job(self, *about: object) -> Recording:
        """The same."""
        return self.reader

    def close(self) -> None:
        """Nothing to close."""


def share_of(name: str, parts: int) -> int:
    """A number below `parts` that a name always has."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "big") % parts


def inside(row: Row) -> bool:
    """Whether the article of a row is added to the library."""
    return share_of(f"inside {row.source} {row.title}", 3) > 0


@contextmanager
def library_of(rows: Sequence[Row], reader: Recording | None = None) -> Iterator[Library]:
    """A library of the articles, one document for each; asked by `reader`, if one is given."""
    articles: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        articles.setdefault((row.source, row.title), {})[row.context.strip()] = None
    with tempfile.TemporaryDirectory() as folder:
        texts = Path(folder) / "texts"
        texts.mkdir()
        for n, passages in enumerate(articles.values()):
            (texts / f"{n}.txt").write_text("\n\n".join(passages), encoding="utf-8", newline="")
        library = open_library(load_settings(home=Path(folder) / "home", database_url="", model="extractive"))

        if reader is not None:
            backends = replace(library.backends, reader=Made(reader))
            library = Library(library.settings, library.engine, backends)
        for added in library.add([texts]):
            if added.error is not None:
                raise SystemExit(added.error)
        try:
            yield library
        finally:
            library.close()


def tried(rows: Sequence[Row], most: int) -> list[Tried]:
    """Up to `most` questions of each kind, asked."""
    reader = Recording(Calibration.load(), spans=SpanCalibration.load())
    mixed = list(rows)
    random.Random(7).shuffle(mixed)
    counts: dict[str, int] = {}
    found: list[Tried] = []
    with library_of([row for row in rows if inside(row)], reader) as library:
        for row in mixed:
            there = inside(row)
            kind = f"{row.source}{'' if row.answers else ', no answer'}" if there else "another article"
            counts[kind] = counts.get(kind, 0) + 1
            if counts[kind] > most:
                continue
            reader.given.clear()
            library.ask(row.question, route="search")
            if reader.given:
                answers = tuple(text for text, _ in row.answers) if there else ()
                half = share_of(f"half {row.source} {row.context}", 2)
                found.append(Tried(kind, half, answers, reader.given[-1]))
    return found


def expected_calibration_error(chances: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Mean distance of the share that is right from the mean chance, over bins of equally many."""
    order = np.argsort(chances, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [
        len(part) * abs(np.mean([right[k] for k in part]) - np.mean([chances[k] for k in part]))
        for part in parts
    ]
    return float(sum(gaps) / len(order))


def logistic(rows: np.ndarray, right: np.ndarray) -> list[float]:
    """Coefficients, the intercept last."""
    found = LogisticRegression(C=100.0, max_iter=2000).fit(rows, right)
    return [*found.coef_[0].tolist(), float(found.intercept_[0])]


def right_with(some: Sequence[Tried], weight: float) -> float:
    """Share of the questions with an answer that are answered rightly under a weight of the rank."""
    found = [
        f1(max(each.short, key=lambda s: s.score - weight * math.log(s.rank)).text, each.answers) >= RIGHT
        for each in some
        if each.answers
    ]
    return float(np.mean(found))


def right_of(each: Tried) -> bool:
    """Whether the strongest short answer is right."""
    best = max(each.short, key=strength)
    return bool(each.answers) and f1(best.text, each.answers) >= RIGHT


def best_threshold(chances: Sequence[float], some: Sequence[Tried]) -> float:
    """The probability from which on to answer, so that the mean score is best; in steps of 0.01."""
    answerable = np.array([bool(each.answers) for each in some])
    score = np.array([f1(max(e.short, key=strength).text, e.answers) if e.answers else 0.0 for e in some])
    share = answerable.mean()
    weights = np.where(answerable, (1 - UNANSWERABLE) / share, UNANSWERABLE / (1 - share))

    def mean(threshold: float) -> float:
        given = np.array(chances) >= threshold
        return float((weights * np.where(given, score, ~answerable)).mean())

    return max((n / 100 for n in range(100)), key=mean)


def draw(reliability: Sequence[Sequence[float]], file: Path) -> None:
    """How often answers of some probability are right, in ten bins of equally many questions."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.plot(*zip(*reliability, strict=True), marker="o")
    axes.set(xlabel="probability", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1))
    figure.savefig(file, dpi=120, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--most", type=int, default=400, help="questions of each kind")
    parser.add_argument("--keep", type=Path, help="keep what was read in this file, or take it from there")
    parser.add_argument("--write", action="store_true", help="write data/reader/calibration.json")
    chosen = parser.parse_args()
    rows = [row for row in read_rows(chosen.data) if held_back(row) and row.source in SETS]
    if chosen.keep and chosen.keep.exists():
        everything = pickle.loads(chosen.keep.read_bytes())
    else:
        everything = tried(rows, chosen.most)
        if chosen.keep:
            chosen.keep.write_bytes(pickle.dumps(everything))
    asked = [each for each in everything if each.short]
    first, second = ([each for each in asked if each.half == half] for half in (0, 1))

    def table(some: Sequence[Tried]) -> tuple[np.ndarray, np.ndarray]:
        ranked = [sorted(each.short, key=lambda s: -strength(s)) for each in some]
        signs = [span_signals(each) for each in ranked]
        return (
            np.array([[sign[name] for name in SIGNALS] for sign in signs]),
            np.array([float(right_of(each)) for each in some]),
        )

    *coefficients, intercept = logistic(*table(first))

    def chances(some: Sequence[Tried]) -> list[float]:
        values = table(some)[0] @ np.array(coefficients) + intercept
        return [1 / (1 + math.exp(-float(value))) for value in values]

    threshold = best_threshold(chances(first), first)
    report: dict[str, Any] = {
        "right, by the weight of the rank": {
            str(weight): [right_with(some, weight) for some in (first, second)] for weight in RANKS
        }
    }
    for name, some in (("chosen on", first), ("unseen", second)):
        found = chances(some)
        right = [right_of(each) for each in some]
        kinds = sorted({each.kind for each in some})
        report[name] = {
            "questions": len(some),
            "right": float(np.mean(right)),
            "expected_calibration_error": expected_calibration_error(found, right),
            "answered": {
                kind: float(
                    np.mean([c >= threshold for c, e in zip(found, some, strict=True) if e.kind == kind])
                )
                for kind in kinds
            },
            "reliability": [
                [float(np.mean([found[k] for k in part])), float(np.mean([right[k] for k in part]))]
                for part in np.array_split(np.argsort(found, kind="stable"), 10)
                if len(part)
            ],
        }
    calibration = SpanCalibration(
        intercept=intercept,
        coefficients=dict(zip(SIGNALS, coefficients, strict=True)),
        threshold=threshold,
    )
    report["calibration"] = calibration.model_dump()
    print(json.dumps(report, indent=2))
    if chosen.write:
        kept = {"made_by": "tests/benchmarks/calibrate_spans.py", "calibration": calibration.model_dump()}
        FILE.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
        draw(report["unseen"]["reliability"], FILE.with_name("reliability.png"))


if __name__ == "__main__":
    main()

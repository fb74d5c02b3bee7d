"""Fit when the extractive reader abstains: `calibrate_reader.py SHARED_DATA [--write]`.

The logistic function is fitted on questions about stories (fairytaleqa), asked of 60 stories, which answer
some of them, and of Jane Eyre, which answers none; on the development half of the questions on Jane Eyre
(every second one of each kind); on those of the sample novella; and on that half and every second question of
the novella, each asked of the other book. The threshold has the best balanced accuracy on that half of Jane
Eyre and those questions of the novella asked of it, among the thresholds that answer at least 85 % of what
can be answered: without that floor a reader that hardly ever speaks can win. The other halves are only
reported.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from fusion_choice import stories

from app.bootstrap import open_library
from app.config import Settings
from app.question_files import Question, read_questions
from reader.extractive import CALIBRATION, SIGNALS, Calibration, signals
from retrieval.document import Document
from retrieval.question import question_words
from retrieval.verify import Verdict

REPOSITORY = Path(__file__).parents[2]
MOST_UNKNOWN = 0.5
CLOSE = 0.9
LEAST_ANSWERED = 0.85
STORIES = 60


def rows(
    books: list[Path], documents: list[tuple[Document, str, str]], questions: list[Question]
) -> list[tuple[dict[str, float], bool]]:
    """For each question asked of some books, the reader's signals, and whether a rule abstains."""
    found = []
    with tempfile.TemporaryDirectory() as home:
        library = open_library(Settings(home=Path(home)))
        list(library.add(books))
        library.add_documents(documents)
        words_of = library.indexes().chunk_words
        for question in questions:
            answer = library.ask(question.text)
            words = question_words(question.text, words_of)
            kept = [e for e in answer.evidence if e.verdict is not Verdict.DROPPED]
            seen = signals(words, kept)
            found.append((seen, bool(words.names) or seen["unknown"] >= MOST_UNKNOWN))
        library.close()
    return found


def halves(questions: list[Question]) -> list[bool]:
    """True for the development half: every second question of each kind."""
    seen: Counter[str] = Counter()
    marks = []
    for question in questions:
        marks.append(seen[question.kind] % 2 == 0)
        seen[question.kind] += 1
    return marks


def fit(x: np.ndarray, y: np.ndarray, weights: np.ndarray, ridge: float = 1.0) -> np.ndarray:
    """Ridge-penalised logistic regression by Newton's method; the last coefficient is the intercept."""
    x = np.hstack([x, np.ones((len(x), 1))])
    penalty = np.diag([ridge] * (x.shape[1] - 1) + [0.0])
    beta = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ beta))
        gradient = x.T @ (weights * (p - y)) + penalty @ beta
        beta -= np.linalg.solve((x * (weights * p * (1 - p))[:, None]).T @ x + penalty, gradient)
    return beta


SIGNS = {"relevance": 1, "mean_relevance": 1, "coverage": 1, "unknown": -1}


def fit_monotone(x: np.ndarray, y: np.ndarray, weights: np.ndarray, ridge: float) -> np.ndarray:
    """As `fit`, but more evidence never lowers the probability: a coefficient of the wrong sign is 0."""
    used = list(range(x.shape[1]))
    while True:
        beta = fit(x[:, used], y, weights, ridge)
        wrong = [n for place, n in enumerate(used) if beta[place] * SIGNS[SIGNALS[n]] < 0]
        if not wrong:
            full = np.zeros(x.shape[1] + 1)
            full[used], full[-1] = beta[:-1], beta[-1]
            return full
        used.remove(max(wrong, key=lambda n: abs(beta[used.index(n)])))


def balanced(answered: np.ndarray, answerable: np.ndarray) -> tuple[float, float, float]:
    """Balanced accuracy, share of the answerable answered, share of the others abstained from."""
    right = float(answered[answerable].mean())
    silent = float(1 - answered[~answerable].mean())
    return (right + silent) / 2, right, silent


def main() -> None:
    """Fit, report on both halves, and write reader/extractive.json if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    jane_file, novella_file = (
        arguments.data / "book_qa" / "jane_eyre.json",
        REPOSITORY / "data" / "novella_qa.json",
    )
    jane, novella = (list(read_questions(file).questions) for file in (jane_file, novella_file))
    story_documents, story_questions = stories(arguments.data / "reader" / "fairytaleqa.jsonl.gz", 300)
    jane_book, novella_book = arguments.data / "books" / "jane_eyre.txt", REPOSITORY / "data" / "novella.txt"
    of_jane = rows([jane_book], [], jane + novella + story_questions)
    of_novella = rows([novella_book], [], novella + jane)
    of_stories = rows([], story_documents[:STORIES], story_questions)
    told = {origin for _, origin, _ in story_documents[:STORIES]}
    development = np.array(halves(jane))
    own = of_jane[: len(jane)]
    known = (
        [(row, q.answerable) for row, q, mark in zip(own, jane, development, strict=True) if mark]
        + [(row, q.answerable) for row, q in zip(of_novella[: len(novella)], novella, strict=True)]
        + [(row, False) for row in of_jane[len(jane) : len(jane) + len(novella) : 2]]
        + [(row, False) for row in of_jane[len(jane) + len(novella) :]]
        + [
            (row, question.evidence[0].origin in told)
            for row, question in zip(of_stories, story_questions, strict=True)
        ]
        + [(row, False) for row, mark in zip(of_novella[len(novella) :], development, strict=True) if mark]
    )
    open_cases = [(row[0], y) for row, y in known if not row[1]]
    x = np.array([[seen[name] for name in SIGNALS] for seen, _ in open_cases])
    y = np.array([answerable for _, answerable in open_cases], float)
    weights = np.where(y == 1, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
    beta = fit_monotone(x, y, weights, ridge=0.1)
    coefficients = {name: round(float(b), 4) for name, b in zip(SIGNALS, beta, strict=False)}
    draft = Calibration(
        intercept=round(float(beta[-1]), 4),
        coefficients=coefficients,
        threshold=0.5,
        most_unknown=MOST_UNKNOWN,
        close=CLOSE,
    )
    probabilities = np.array([0.0 if rule else draft.probability(seen) for seen, rule in own])
    answerable = np.array([q.answerable for q in jane])
    foreign = np.array(
        [0.0 if rule else draft.probability(seen) for seen, rule in of_jane[len(jane) :][: len(novella)]]
    )
    # Every second foreign question stands beside the development half, the others are only reported.
    chosen_on = np.concatenate([probabilities[development], foreign[::2]])
    has_answer = np.concatenate([answerable[development], np.zeros(len(foreign[::2]), bool)])
    cuts = np.unique(np.floor(chosen_on * 1e4) / 1e4)
    scores = [balanced(chosen_on >= cut, has_answer) for cut in cuts]
    best = int(np.argmax([accuracy for accuracy, _, _ in scores]))
    print(f"without the floor: threshold {cuts[best]}, balanced accuracy, answered, silent {scores[best]}")
    useful = [n for n, (_, right, _) in enumerate(scores) if right >= LEAST_ANSWERED]
    threshold = float(cuts[max(useful, key=lambda n: scores[n][0])])
    calibration = draft.model_copy(update={"threshold": threshold})
    print(f"{len(y)} cases, {int(y.sum())} answerable; {calibration}")
    figures = {
        "development half": balanced(probabilities[development] >= threshold, answerable[development]),
        "other half": balanced(probabilities[~development] >= threshold, answerable[~development]),
    }
    for name, (accuracy, right, silent) in figures.items():
        print(
            f"{name}: balanced accuracy {accuracy:.3f}, answered {right:.3f}, abstained rightly {silent:.3f}"
        )
    print(f"questions on another book: abstained rightly {float((foreign[1::2] < threshold).mean()):.3f}")
    if arguments.write:
        report = {name: [round(f, 4) for f in three] for name, three in figures.items()}
        content = {
            "source": "tests/benchmarks/calibrate_reader.py",
            "balanced accuracy, answered, abstained rightly": report,
            "calibration": calibration.model_dump(),
        }
        CALIBRATION.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

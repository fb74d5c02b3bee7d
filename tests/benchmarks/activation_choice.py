"""Choose the weights of activation: `python tests/benchmarks/activation_choice.py LOCOMO_FILE`.

The weights are fitted on all conversations but one (the share of the softmax of the scores that falls on the
gold turns) and measured on that one, for each in turn: the figures are of conversations not seen. Recall is
the share of a question's gold turns among the first k, over categories 1 to 4, and for each.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from memory.activation import (
    ActivationWeights,
    Asked,
    Remembered,
    activate,
    period_matches,
    word_matches,
)
from memory.importance import importance
from memory.question_cues import as_a_speaker_asks, asked_speaker, question_terms
from memory.surroundings import Surroundings
from memory.term_counts import TermCounts
from memory.time_words import asked_periods
from retrieval.encoder import DEFAULT_ENCODER, SentenceTransformerEncoder
from retrieval.fusion import reciprocal_rank_fusion
from retrieval.hits import Float32
from retrieval.words import words_of_each

FITTED = ("meaning", "around", "words", "speaker", "period", "importance")
REACH = ActivationWeights().reach
DEPTHS = (5, 10, 25, 50)
KINDS = (1, 2, 3, 4)


@dataclass
class Question:
    """What is asked of a conversation; `gold` are places of its turns, `wanted` how many there should be."""

    kind: int
    asked: Asked
    gold: list[int]
    wanted: int


@dataclass
class Conversation:
    """A user whose memory it is, with what he is asked afterwards."""

    remembered: Remembered
    questions: list[Question]


def read(path: Path, encoder: SentenceTransformerEncoder) -> list[Conversation]:
    """The conversations of a LoCoMo file, their turns and questions compared as the product does."""
    return [_conversation(each, encoder) for each in json.loads(path.read_text(encoding="utf-8"))]


def _conversation(row: dict, encoder: SentenceTransformerEncoder) -> Conversation:
    turns = [(number, s, turn) for number, s in enumerate(row["sessions"]) for turn in s["turns"]]
    said = [t["text"] + (f" [{t['image_caption']}]" if t["image_caption"] else "") for _, _, t in turns]
    places = {turn["turn_id"]: place for place, (_, _, turn) in enumerate(turns)}
    speakers = np.array([turn["speaker"] for _, _, turn in turns])
    terms = TermCounts()
    terms.add(words_of_each(said))
    moments = [
        datetime.strptime(s["date_time"].upper(), "%I:%M %p ON %d %B, %Y").replace(tzinfo=UTC)
        for _, s, _ in turns
    ]
    remembered = Remembered(
        sessions=np.array([number for number, _, _ in turns]),
        times=np.array([moment.timestamp() for moment in moments]),
        importance=np.array([importance(text) for text in said], np.float32),
        lengths=terms.lengths,
    )
    rows, now = encoder.encode(said), max(moments)
    questions = []
    names = row["speakers"]
    kept = [q for q in row["questions"] if q["category"] in KINDS and q["evidence"]]
    vectors = encoder.encode([as_a_speaker_asks(q["question"], names) for q in kept])
    for question, vector in zip(kept, vectors, strict=True):
        text = question["question"]
        who = asked_speaker(text, names)
        asked = Asked(
            similarities=rows @ vector,
            counts=terms.matrix(question_terms(text, names)),
            now=now.timestamp(),
            of_speaker=None if who is None else speakers == who,
            periods=asked_periods(text, now),
        )
        gold = set(question["evidence"])
        known = [places[turn] for turn in gold if turn in places]
        questions.append(Question(question["category"], asked, known, len(gold)))
    return Conversation(remembered, questions)


def parts(conversation: Conversation, question: Question, reach: int) -> Float32:
    """What the fitted weights multiply, one column each, shape (n, len(FITTED))."""
    remembered, asked = conversation.remembered, question.asked
    around = Surroundings.of(remembered.sessions, reach)
    nothing = np.zeros(len(remembered.times), np.float32)
    columns = {
        "meaning": asked.similarities.clip(0, 1),
        "around": around.mean(asked.similarities.clip(0, 1)),
        "words": word_matches(asked.counts, remembered.lengths, around),
        "speaker": nothing if asked.of_speaker is None else asked.of_speaker,
        "period": period_matches(remembered.times, asked.periods),
        "importance": remembered.importance,
    }
    return np.stack([columns[name] for name in FITTED], axis=1)


def fit(
    conversations: Sequence[Conversation],
    reach: int = REACH,
    without: Sequence[str] = (),
    penalty: float = 1e-4,
) -> ActivationWeights:
    """The weights that give gold turns the largest share of the softmax, none below 0."""
    pairs = [(c, q) for c in conversations for q in c.questions if q.gold]
    table = np.concatenate([parts(c, q, reach) for c, q in pairs]).astype(np.float64)
    table[:, [FITTED.index(name) for name in without]] = 0
    sizes = [len(c.remembered.times) for c, _ in pairs]
    starts = np.cumsum([0, *sizes])[:-1]
    owners = np.repeat(np.arange(len(pairs)), sizes)
    share = np.zeros(len(table))
    for start, (_, question) in zip(starts, pairs, strict=True):
        share[start + np.array(question.gold)] = 1 / len(question.gold)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        scores = table @ weights
        scores -= np.maximum.reduceat(scores, starts)[owners]
        raised = np.exp(scores)
        sums = np.add.reduceat(raised, starts)
        missed = raised / sums[owners] - share
        log_share = share @ (scores - np.log(sums)[owners])
        value = -log_share / len(pairs) + penalty * weights @ weights
        return float(value), missed @ table / len(pairs) + 2 * penalty * weights

    found = minimize(
        loss, np.ones(len(FITTED)), jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(FITTED)
    ).x
    scaled = found / found[: FITTED.index("words") + 1].sum()
    return replace(ActivationWeights(reach=reach), **dict(zip(FITTED, map(float, scaled), strict=True)))


def recalls(conversation: Conversation, weights: ActivationWeights) -> list[tuple[int, list[float]]]:
    """Kind and recall at each depth of every question, ranked as the product ranks."""
    scores = [activate(conversation.remembered, q.asked, weights).score for q in conversation.questions]
    return _recalls(conversation, scores)


def _recalls(conversation: Conversation, scores: Sequence[Float32]) -> list[tuple[int, list[float]]]:
    found = []
    for question, score in zip(conversation.questions, scores, strict=True):
        ranks = np.empty(len(score), np.int64)
        ranks[np.argsort(-score, kind="stable")] = np.arange(len(score))
        shares = [float((ranks[question.gold] < k).sum()) / question.wanted for k in DEPTHS]
        found.append((question.kind, shares))
    return found


def plain(conversation: Conversation) -> list[tuple[int, list[float]]]:
    """Fusion by rank of cosine and BM25 over single turns: where this began."""
    around = Surroundings.of(conversation.remembered.sessions, 0)
    scores = []
    for question in conversation.questions:
        words = word_matches(question.asked.counts, conversation.remembered.lengths, around)
        orders = [np.argsort(-each, kind="stable") for each in (question.asked.similarities, words)]
        hits = reciprocal_rank_fusion([(order, 1.0) for order in orders])
        score = np.zeros(len(words), np.float32)
        score[hits.ids] = hits.scores
        scores.append(score)
    return _recalls(conversation, scores)


def cross_validated(
    conversations: Sequence[Conversation], reach: int = REACH, without: Sequence[str] = ()
) -> list[tuple[int, list[float]]]:
    """Recalls on each conversation with the weights fitted on the others."""
    found = []
    for left_out in conversations:
        others = [each for each in conversations if each is not left_out]
        found += recalls(left_out, fit(others, reach, without))
    return found


def show(name: str, found: Sequence[tuple[int, list[float]]]) -> None:
    """One line: recall at every depth over all kinds, then at 10 and 25 for each."""
    table = np.array([shares for _, shares in found])
    kinds = np.array([kind for kind, _ in found])
    line = " ".join(f"{share:.3f}" for share in table.mean(axis=0))
    for depth in (1, 2):
        of_kinds = [table[kinds == kind, depth] for kind in KINDS]
        each = " ".join(f"{shares.mean():.3f}" if len(shares) else "    -" for shares in of_kinds)
        line += f"  | @{DEPTHS[depth]} {each}"
    print(f"{name:32} {line}", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="conversations with questions, as LoCoMo has them")
    arguments = parser.parse_args()
    conversations = read(arguments.file, SentenceTransformerEncoder.load(DEFAULT_ENCODER))
    print(f"{'':32} @5    @10   @25   @50    | @10 by category 1 to 4   | @25 by category 1 to 4")
    show("fusion by rank, single turns", [each for c in conversations for each in plain(c)])
    show("as shipped", [each for c in conversations for each in recalls(c, ActivationWeights())])
    show("cross-validated", cross_validated(conversations))
    for number, left_out in enumerate(conversations, start=1):
        others = [each for each in conversations if each is not left_out]
        show(f"  conversation {number}", recalls(left_out, fit(others)))
    for name in FITTED:
        show(f"  without {name}", cross_validated(conversations, without=[name]))
    for reach in (0, 1, 2, 3, 4, 5, 6, 8):
        show(f"  reach {reach}", cross_validated(conversations, reach))
    for recency in (0.0, 0.02, 0.05, 0.1, 0.2):
        weights = replace(ActivationWeights(), recency=recency)
        show(f"  shipped, recency {recency}", [each for c in conversations for each in recalls(c, weights)])
    fitted = fit(conversations)
    print("fitted on all: ", {name: round(getattr(fitted, name), 3) for name in FITTED})
    for number, left_out in enumerate(conversations, start=1):
        fitted = fit([each for each in conversations if each is not left_out])
        print(f"without conversation {number}: ", {n: round(getattr(fitted, n), 3) for n in FITTED})
    seconds = []
    for conversation in conversations:
        for question in conversation.questions:
            began = time.perf_counter()
            activate(conversation.remembered, question.asked)
            seconds.append(time.perf_counter() - began)
    print(f"activate: p50 {np.median(seconds) * 1e3:.2f} ms, p95 {np.quantile(seconds, 0.95) * 1e3:.2f} ms")


if __name__ == "__main__":
    main()

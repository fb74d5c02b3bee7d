"""How remembered turns are ranked once read: `python -m tests.benchmarks.turn_rerank_choice --locomo FILE`.

Each conversation is kept as a user's memory, the turns that a question activates are read together with it,
and the weight of `app.turn_ranking` is fitted on all conversations but one (the share of the softmax of the
scores that falls on the gold turns) and measured on that one, for each in turn. Recall is the share of a
question's gold turns among the first k, over categories 1 to 4.
"""

from __future__ import annotations

import argparse
import json
import math
import pickle
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from app import turn_ranking
from app.bootstrap import open_library
from app.config import load_settings
from app.conversation_files import load_conversations
from app.locomo_evaluation import ADVERSARIAL, keep_conversation
from app.recollection import READ, READ_AROUND
from app.turn_texts import turns_in_context
from reader.spans.adapter import WEIGHTS
from reader.spans.model import EmbeddedSpanReader

NAMES = ("activation", "relevance")
DEPTHS = (5, 10, 25)


@dataclass(frozen=True)
class Asked:
    """A question with the turns that it activates, in their order: shape (turns, 2) and (turns,)."""

    conversation: str
    category: int
    wanted: int
    signs: np.ndarray
    gold: np.ndarray


def asked(file: Path) -> list[Asked]:
    """All questions with evidence of a LoCoMo file."""
    reader = EmbeddedSpanReader.load(WEIGHTS)
    found: list[Asked] = []
    with tempfile.TemporaryDirectory() as home:
        settings = load_settings(home=Path(home), database_url="", model="extractive", span_reader="off")
        library = open_library(settings)
        for conversation in load_conversations(file):
            speaker = library.for_user(conversation.sample_id)
            speaker.memory = library.memory.at(conversation.ended)
            recollector = speaker.memory.recollector(speaker.user)
            kept = keep_conversation(conversation, speaker.memory, lambda event: None)
            for question in conversation.questions:
                if question.category == ADVERSARIAL or not question.evidence:
                    continue
                row = library.memory.encode([question.question])[0]
                activated = recollector.activated(question.question, row)[:READ]
                turns = {t.key: t for t in recollector.stream.turns([each.key for each in activated])}
                around = recollector.stream.around(list(turns), *READ_AROUND)
                texts = [turns_in_context(turns[each.key], *around[each.key]) for each in activated]
                readings = reader.read(question.question, [text for both in texts for text in both])
                both = zip(readings[::2], readings[1::2], strict=True)
                relevance = [(one.relevance + two.relevance) / 2 for one, two in both]
                gold = {kept.places[turn] for turn in question.evidence if turn in kept.places}
                signs = [[each.score, said] for each, said in zip(activated, relevance, strict=True)]
                found.append(
                    Asked(
                        conversation.sample_id,
                        question.category,
                        len(set(question.evidence)),
                        np.array(signs),
                        np.array([each.key in gold for each in activated]),
                    )
                )
        library.close()
    return found


def fitted(some: Sequence[Asked]) -> np.ndarray:
    """Weights that give the gold turns the greatest share of a softmax."""
    with_gold = [each for each in some if each.gold.any()]

    def loss(weights: np.ndarray) -> float:
        total = 0.0
        for each in with_gold:
            scores = each.signs @ weights
            scores = scores - scores.max()
            total -= math.log(np.exp(scores[each.gold]).sum() / np.exp(scores).sum()) / len(with_gold)
        return total

    return np.asarray(minimize(loss, np.array([20.0, 0.5]), method="BFGS").x)


def recall(some: Sequence[Asked], weights: np.ndarray) -> dict[str, float]:
    """Mean share of the gold turns among the first k."""
    found: dict[str, float] = {}
    for k in DEPTHS:
        shares = []
        for each in some:
            order = np.argsort(-(each.signs @ weights), kind="stable")[:k]
            shares.append(each.gold[order].sum() / each.wanted)
        found[str(k)] = float(np.mean(shares))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--locomo", type=Path, required=True)
    parser.add_argument("--keep", type=Path, help="keep what was read in this file, or take it from there")
    chosen = parser.parse_args()
    if chosen.keep and chosen.keep.exists():
        everything = pickle.loads(chosen.keep.read_bytes())
    else:
        everything = asked(chosen.locomo)
        if chosen.keep:
            chosen.keep.write_bytes(pickle.dumps(everything))
    conversations = sorted({each.conversation for each in everything})
    alone = np.array([1.0, 0.0])
    shipped = np.array([1.0, turn_ranking.RELEVANCE])
    report: dict[str, Any] = {
        "activation alone": recall(everything, alone),
        "as shipped": recall(everything, shipped),
        "weights": {},
        "left out": {},
    }
    for left in conversations:
        weights = fitted([each for each in everything if each.conversation != left])
        weights = weights / weights[0]
        own = [each for each in everything if each.conversation == left]
        report["weights"][left] = dict(zip(NAMES, weights.tolist(), strict=True))
        report["left out"][left] = {"before": recall(own, alone), "after": recall(own, weights)}
    weights = fitted(everything)
    report["weights"]["all"] = dict(zip(NAMES, (weights / weights[0]).tolist(), strict=True))
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()

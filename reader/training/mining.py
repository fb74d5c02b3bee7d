"""Wrong passages that look right: what our own retrieval finds for a question and does not answer it."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from reader.training.examples import Pool
from retrieval.encoder import Encoder
from retrieval.fusion import reciprocal_rank_fusion
from retrieval.lexical_index import LexicalIndex

__all__ = ["with_wrong_passages"]

LOOKED_AT: Final = 20
KEPT: Final = 6


def with_wrong_passages(pool: Pool, encoder: Encoder) -> Pool:
    """The pool with, for each question, the best passages of its own data set that hold none of its answers.

    By embedding and BM25, fused by rank. For a question without an answer its own passage is left out.
    """
    members: dict[str, list[int]] = defaultdict(list)
    seen: set[tuple[str, int]] = set()
    for asked in pool.asked:
        if (asked.row.source, asked.passage) not in seen:
            seen.add((asked.row.source, asked.passage))
            members[asked.row.source].append(asked.passage)
    found = list(pool.asked)
    for source, passages in members.items():
        mine = [n for n, asked in enumerate(pool.asked) if asked.row.source == source]
        rows = encoder.encode([pool.passages[p].text[:1500] for p in passages])
        questions = encoder.encode([pool.asked[n].row.question for n in mine])
        with tempfile.TemporaryDirectory() as folder:
            index = LexicalIndex.create(Path(folder) / "words")
            numbers = np.arange(len(passages), dtype=np.int64)
            index.add(numbers, np.zeros_like(numbers), [pool.passages[p].text for p in passages])
            index.commit()
            for row, n in zip(questions, mine, strict=True):
                asked = pool.asked[n]
                near = np.argsort(-(rows @ row), kind="stable")[:LOOKED_AT]
                said = index.search(asked.row.question, LOOKED_AT).ids
                fused = reciprocal_rank_fusion([(near, 1.0), (said, 1.0)]).ids.tolist()
                answers = [text.lower() for text, _ in asked.row.answers]
                wrong = [
                    passages[key]
                    for key in fused
                    if passages[key] != asked.passage
                    and not any(answer in pool.passages[passages[key]].text.lower() for answer in answers)
                ]
                found[n] = replace(asked, wrong=tuple(wrong[:KEPT]))
    return replace(pool, asked=found)

"""Choose how sentences are scored as evidence: `python tests/benchmarks/evidence_choice.py SHARED_DATA`.

Over questions on stories (fairytaleqa): is the best sentence a gold one, and is a gold one among the eight
selected? Chosen by the mean of the two; Jane Eyre is only reported.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from pathlib import Path

import numpy as np
from fusion_choice import book, stories

from app.agent.lookups import PASSAGES
from app.agent.nodes import EVIDENCE
from app.bootstrap import open_library
from app.config import Settings
from app.question_files import Question
from memory.search_rows import SearchRowStore
from retrieval.document import Document
from retrieval.evidence import Candidate, EvidenceWeights, score_candidates, select_evidence
from retrieval.passages import Passage
from retrieval.question import question_words
from retrieval.search import HybridSearch

GRID = list(itertools.product((1.0,), (0.0, 0.3, 0.6, 1.0, 1.5), (0.0, 0.1, 0.25, 0.5)))


def candidates_of(passages: list[Passage], rows: SearchRowStore) -> tuple[list[Candidate], np.ndarray]:
    """The sentences of passages, and their embeddings."""
    stored = [rows.sentences(passage.document, passage.first, passage.end) for passage in passages]
    candidates = [
        Candidate(passage.document, number, span, text, rank)
        for rank, (passage, found) in enumerate(zip(passages, stored, strict=True), start=1)
        for number, span, text in zip(found.numbers, found.spans, found.texts, strict=True)
    ]
    return candidates, np.concatenate([found.rows for found in stored])


def measure(documents: list[tuple[Document, str, str]], questions: list[Question]) -> dict[tuple, np.ndarray]:
    """For each weighting, the shares of questions with a gold sentence first, and among those selected."""
    found = {weights: np.zeros(2) for weights in GRID}
    with tempfile.TemporaryDirectory() as home:
        library = open_library(Settings(home=Path(home)))
        library.add_documents(documents)
        indexes, encoder = library.indexes(), library.encoder()
        rows = SearchRowStore(library.engine, indexes.rows.encoder, encoder.dim)
        search = HybridSearch(
            indexes.chunks, indexes.sentences, indexes.chunk_words, indexes.neighbourhood_words, rows
        )
        by_key = {record.key: record for record in library.documents()}
        vectors = encoder.encode([question.text for question in questions])
        for question, vector in zip(questions, vectors, strict=True):
            words = question_words(question.text, indexes.chunk_words)
            passages = search.passages(question.text, vector, PASSAGES)
            candidates, embeddings = candidates_of(passages, rows)
            for weights in GRID:
                scored = score_candidates(candidates, embeddings, vector, words, EvidenceWeights(*weights))
                selected = select_evidence(scored, embeddings, EVIDENCE)
                gold = [
                    any(
                        by_key[s.candidate.document].path == g.origin and s.candidate.span.overlaps(g.span)
                        for g in question.evidence
                    )
                    for s in sorted(selected, key=lambda s: -s.score)
                ]
                found[weights] += (bool(gold and gold[0]), any(gold))
        library.close()
    return {weights: sums / len(questions) for weights, sums in found.items()}


def main() -> None:
    """Print a line for every weighting, the best last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--stories", type=int, default=400)
    arguments = parser.parse_args()
    tales = measure(*stories(arguments.data / "reader" / "fairytaleqa.jsonl.gz", arguments.stories))
    jane = measure(*book(arguments.data / "book_qa" / "jane_eyre.json", "jane"))
    for weights in sorted(GRID, key=lambda w: float(tales[w].mean())):
        print(
            f"{tales[weights].mean():.4f}  relevance, coverage, position {weights}  "
            f"stories first {tales[weights][0]:.3f} selected {tales[weights][1]:.3f}  "
            f"(jane) first {jane[weights][0]:.3f} selected {jane[weights][1]:.3f}"
        )


if __name__ == "__main__":
    main()

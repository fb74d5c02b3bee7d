"""Choose how the four sides of the search are fused: `python tests/benchmarks/fusion_choice.py SHARED_DATA`.

Chosen on stories with questions (fairytaleqa), paragraphs (XQuAD), the sample novella hidden among the
stories, and every second question on Jane Eyre; the other half of those is only reported. The objective is
the mean over the four of hit@5 and hit@10.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import itertools
import json
import random
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from app.bootstrap import open_library
from app.config import Settings
from app.library import Library
from app.question_files import Gold, Question, read_questions
from memory.search_rows import SearchRowStore
from retrieval.document import Document, Span
from retrieval.fusion import reciprocal_rank_fusion
from retrieval.loaders import load_document
from retrieval.passages import Neighbourhood, build_passages
from retrieval.search import HybridSearch

REPOSITORY = Path(__file__).parents[2]
Sides = list[np.ndarray]


def stories(path: Path, most: int, seed: int = 1) -> tuple[list[tuple[Document, str, str]], list[Question]]:
    """Whole stories as documents, and a sample of the questions on them."""
    contexts: dict[str, dict[str, list[dict]]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            contexts.setdefault(row["title"], {}).setdefault(row["context"], []).append(row)
    documents, questions = [], []
    for title, parts in contexts.items():
        text, found = "", []
        for context, rows in parts.items():
            for row in rows:
                spans = [
                    Span(len(text) + a["start"], len(text) + a["start"] + len(a["text"]))
                    for a in row["answers"]
                ]
                found.append((row, spans))
            text += context + "\n\n"
        origin = hashlib.sha256(text.encode()).hexdigest()
        name = title.removesuffix(".csv").removesuffix("-questions").replace("-", " ")
        documents.append((Document(text, name, "text/plain"), origin, origin))
        for row, spans in found:
            if spans and not row["impossible"]:
                gold = tuple(Gold(origin, span, text[span.start : span.end]) for span in spans)
                answers = tuple(a["text"] for a in row["answers"])
                questions.append(Question(row["id"], row["question"], "stories", answers, gold))
    random.Random(seed).shuffle(questions)
    return documents, questions[:most]


def book(path: Path, kind: str) -> tuple[list[tuple[Document, str, str]], list[Question]]:
    """A book_qa file: its book as a document, its questions that have one place to be found."""
    questions = read_questions(path)
    assert questions.book is not None
    document = load_document(questions.book)
    origin = str(questions.book)
    kept = [q for q in questions.questions if q.kind in {"fact", "detail", "paraphrase"}]
    named = [Question(q.id, q.text, kind, q.answers, q.evidence) for q in kept]
    return [(document, hashlib.sha256(document.text.encode()).hexdigest(), origin)], named


class Bench:
    """One library with its questions, everything that fusion needs held in memory."""

    def __init__(self, documents: list[tuple[Document, str, str]], questions: list[Question]) -> None:
        with tempfile.TemporaryDirectory() as home:
            library = open_library(Settings(home=Path(home)))
            library.add_documents(documents)
            self._read(library, questions)
            library.close()

    def _read(self, library: Library, questions: list[Question]) -> None:
        indexes = library.indexes()
        encoder = library.encoder()
        rows = SearchRowStore(library.engine, indexes.rows.encoder, encoder.dim)
        search = HybridSearch(
            indexes.chunks, indexes.sentences, indexes.chunk_words, indexes.neighbourhood_words, rows
        )
        self.questions = questions
        vectors = encoder.encode([question.text for question in questions])
        self.sides = [search.sides(q.text, v) for q, v in zip(questions, vectors, strict=True)]
        wanted = np.unique(np.concatenate([np.concatenate(sides) for sides in self.sides]))
        self.places = rows.places(wanted)
        documents = library.documents()
        self.origins = {record.key: record.path for record in documents}
        everything = [(record.key, 0, 1 << 40) for record in documents]
        self.tokens = {each[0]: rows.sentence_tokens([each])[each[0]] for each in everything}
        self.spans = {record.key: rows.sentences(record.key, 0, 1 << 40).spans for record in documents}

    def ranks(self, weights: tuple[float, ...], constant: float) -> list[int]:
        """The rank of the first passage that overlaps a gold span, 999 without one."""
        found = []
        for question, sides in zip(self.questions, self.sides, strict=True):
            fused = reciprocal_rank_fusion(list(zip(sides, weights, strict=True)), constant)
            hits = [
                Neighbourhood((p := self.places[int(key)]).document, p.first, p.end, float(score))
                for key, score in zip(fused.ids[:80], fused.scores, strict=False)
            ]
            rank = 999
            for place, passage in enumerate(build_passages(hits, self.tokens, 10), start=1):
                spans = self.spans[passage.document]
                span = Span(spans[passage.first].start, spans[passage.end - 1].end)
                origin = self.origins[passage.document]
                if any(g.origin == origin and span.overlaps(g.span) for g in question.evidence):
                    rank = place
                    break
            found.append(rank)
        return found


def main() -> None:
    """Print a line for every combination, the best objective last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the folder with books, book_qa, xquad and reader")
    parser.add_argument("--stories", type=int, default=600, help="questions on stories")
    arguments = parser.parse_args()
    data: Path = arguments.data
    tales = stories(data / "reader" / "fairytaleqa.jsonl.gz", arguments.stories)
    novella = book(REPOSITORY / "data" / "novella_qa.json", "novella")
    paragraphs = read_questions(data / "xquad" / "dev.json")
    xquad = [Question(q.id, q.text, "xquad", q.answers, q.evidence) for q in paragraphs.questions]
    jane = book(data / "book_qa" / "jane_eyre.json", "jane")
    benches = [
        Bench(tales[0] + novella[0], tales[1] + novella[1]),
        Bench(list(paragraphs.documents), xquad),
        Bench(jane[0], [replace(q, kind="jane" if n % 2 else "(jane)") for n, q in enumerate(jane[1])]),
    ]
    lines = []
    sides = [
        (1, 1, 0, 0),
        (1, 1, 0, 1),
        (1, 1, 1, 0),
        (1, 1, 1, 1),
        (2, 2, 1, 1),
        (2, 1, 1, 1),
        (2, 2, 0, 1),
        (3, 2, 1, 1),
        (2, 3, 1, 1),
        (1, 0, 0, 0),
        (0, 1, 0, 0),
        (0, 0, 1, 0),
        (0, 0, 0, 1),
    ]
    for weights, constant in itertools.product(sides, (3.0, 5.0, 10.0, 20.0, 60.0)):
        if sum(map(bool, weights)) == 1 and constant != 60.0:
            continue
        groups: dict[str, list[int]] = {}
        for bench in benches:
            for question, rank in zip(bench.questions, bench.ranks(weights, constant), strict=True):
                groups.setdefault(question.kind, []).append(rank)
        shares = {
            kind: [float(np.mean(np.array(ranks) <= k)) for k in (1, 5, 10)] for kind, ranks in groups.items()
        }
        chosen_on = [shares[kind][1:] for kind in ("stories", "novella", "xquad", "jane")]
        lines.append((float(np.mean(chosen_on)), weights, constant, shares))
    for objective, weights, constant, shares in sorted(lines):
        figures = "  ".join(
            f"{kind} " + "/".join(f"{s:.3f}" for s in three) for kind, three in shares.items()
        )
        print(f"{objective:.4f}  weights {weights}  constant {constant:g}  {figures}")


if __name__ == "__main__":
    main()

"""Whether a flat search over all levels of the summary trees helps: `collapsed_tree_choice.py SHARED_DATA`.

RAPTOR's collapsed tree (arXiv 2401.18059) as a fifth side of the search, over extractive trees. Chosen on
stories with questions, the sample novella hidden among them, and every second question on Jane Eyre; the
other half of those is only reported. A node is known by the mean of its summary's sentence embeddings or by
the embedding of the summary; one that is hit stands for the chunks that hold its summary's sources, or for
its best chunks.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from app.library import Library
from app.question_files import Question
from memory.documents import DocumentRecord
from memory.index_rows import IndexRowStore
from memory.search_rows import SearchRowStore
from memory.tables import ChunkRow
from memory.trees import SummaryTree
from retrieval.encoder import Encoder
from retrieval.fusion import RANK_CONSTANT
from retrieval.hits import Float32, Int64
from retrieval.search import DEPTH, WEIGHTS
from tests.benchmarks.fusion_choice import Bench, book, stories

REPOSITORY = Path(__file__).parents[2]
VARIANTS = list(itertools.product(("mean", "encoded"), ("sources", "best"), ("all", "inner")))
PER_NODE = 2


class TreeBench(Bench):
    """A library with its questions, and a ranking of chunks by the nodes of its trees for each variant."""

    def _read(self, library: Library, questions: list[Question]) -> None:
        super()._read(library, questions)
        encoder = library.encoder()
        indexes = library.indexes()
        rows = SearchRowStore(library.engine, indexes.rows.encoder, encoder.dim)
        vectors = encoder.encode([question.text for question in questions])
        nodes = [
            node
            for record in library.documents()
            for node in _nodes(record, library.trees.ensure_extractive(record), rows, indexes.rows, encoder)
        ]
        self.collapsed = {
            variant: [self._side(nodes, row, *variant) for row in vectors] for variant in VARIANTS
        }
        wanted = np.unique(np.concatenate([each for sides in self.collapsed.values() for each in sides]))
        self.places |= rows.places(wanted)
        print(f"{len(nodes)} nodes of {len(library.documents())} documents", flush=True)

    def _side(self, nodes: Sequence[_Node], row: Float32, vector: str, chunks: str, levels: str) -> Int64:
        """Chunks, best first: those of the node that is closest, then of the next."""
        kept = [node for node in nodes if levels == "all" or not node.leaf]
        rows = np.stack([node.mean if vector == "mean" else node.encoded for node in kept])
        ranking: dict[int, None] = {}
        for n in np.argsort(-(rows @ row), kind="stable"):
            node = kept[n]
            own = node.source_chunks if chunks == "sources" else node.inside
            best = own[np.argsort(-(node.rows[own] @ row), kind="stable")]
            for position in best if chunks == "sources" else best[:PER_NODE]:
                ranking.setdefault(int(node.keys[position]))
            if len(ranking) >= DEPTH:
                break
        return np.array(list(ranking)[:DEPTH], np.int64)

    def ranks_with(self, variant: tuple[str, str, str], weight: float) -> list[int]:
        """The rank of the first passage that overlaps a gold span, 999 without one."""
        kept = self.sides
        self.sides = [[*sides, more] for sides, more in zip(kept, self.collapsed[variant], strict=True)]
        try:
            return self.ranks((*WEIGHTS, weight), RANK_CONSTANT)
        finally:
            self.sides = kept


class _Node:
    """A node: its vectors, and positions of its chunks among those of its document."""

    def __init__(self, mean: Float32, encoded: Float32, leaf: bool, keys: Int64, rows: Float32) -> None:
        self.mean, self.encoded, self.leaf, self.keys, self.rows = mean, encoded, leaf, keys, rows
        self.inside: Int64 = np.empty(0, np.int64)
        self.source_chunks: Int64 = np.empty(0, np.int64)


def _nodes(
    record: DocumentRecord,
    tree: SummaryTree,
    rows: SearchRowStore,
    index_rows: IndexRowStore,
    encoder: Encoder,
) -> list[_Node]:
    keys, vectors = index_rows.vectors(record.key, ChunkRow)
    places = rows.places(keys)
    sentences = rows.sentences(record.key, 0, 1 << 40)
    number = {span.start: n for n, span in zip(sentences.numbers, sentences.spans, strict=True)}
    summarised = [node for node in tree.nodes if node.summary is not None and node.summary.sentences]
    encoded = encoder.encode([node.summary.text for node in summarised])  # type: ignore[union-attr]
    found = []
    for node, row in zip(summarised, encoded, strict=True):
        sources = [number[s.sources[0].start] for s in node.summary.sentences if s.supported]  # type: ignore[union-attr]
        mean = sentences.rows[sources].mean(axis=0)
        each = _Node(mean / np.linalg.norm(mean), row, not node.children, keys, vectors)
        held = [
            n
            for n, key in enumerate(keys)
            if (p := places[int(key)]).first < node.end_sentence and p.end > node.first_sentence
        ]
        of_sources = [n for n in held if any((p := places[int(keys[n])]).first <= s < p.end for s in sources)]
        each.inside, each.source_chunks = np.array(held, np.int64), np.array(of_sources, np.int64)
        found.append(each)
    return found


def main() -> None:
    """Print a line for every variant and weight, the best objective last; weight 0 is the search as it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the folder with books, book_qa and reader")
    parser.add_argument("--stories", type=int, default=600, help="questions on stories")
    arguments = parser.parse_args()
    data: Path = arguments.data
    tales = stories(data / "reader" / "fairytaleqa.jsonl.gz", arguments.stories)
    novella = book(REPOSITORY / "data" / "novella_qa.json", "novella")
    jane = book(data / "book_qa" / "jane_eyre.json", "jane")
    benches = [
        TreeBench(tales[0] + novella[0], tales[1] + novella[1]),
        TreeBench(jane[0], [replace(q, kind="jane" if n % 2 else "(jane)") for n, q in enumerate(jane[1])]),
    ]
    lines = []
    for variant, weight in itertools.product(VARIANTS, (0.0, 0.25, 0.5, 1.0, 2.0)):
        if weight == 0.0 and variant != VARIANTS[0]:
            continue
        groups: dict[str, list[int]] = {}
        for bench in benches:
            for question, rank in zip(bench.questions, bench.ranks_with(variant, weight), strict=True):
                groups.setdefault(question.kind, []).append(rank)
        shares = {k: [float(np.mean(np.array(r) <= n)) for n in (1, 5, 10)] for k, r in groups.items()}
        objective = float(np.mean([shares[kind][1:] for kind in ("stories", "novella", "jane")]))
        lines.append((objective, variant, weight, shares))
    for objective, variant, weight, shares in sorted(lines):
        figures = "  ".join(
            f"{kind} " + "/".join(f"{s:.3f}" for s in three) for kind, three in shares.items()
        )
        print(f"{objective:.4f}  {'+'.join(variant):<22} weight {weight:g}  {figures}")


if __name__ == "__main__":
    main()

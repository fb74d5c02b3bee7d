"""Choose how extractive summaries are made: `python tests/benchmarks/summary_choice.py SHARED_DATA`.

Over the stories of squality (the first question asks what a story is about; several people have answered it):
ROUGE-1, -2 and -L (F1, best reference of each, stemmed) of summaries of at most 250 words. The weights are
chosen on every other story, by the mean of the three; the other half is only reported. Hierarchical means
through the tree that `clew tree` builds, the others are given the whole story at once. With --tune the grid
is tried, without it the weights in use are compared with the baselines.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import networkx
import numpy as np
from rouge_score.rouge_scorer import RougeScorer

from app.bootstrap import open_library
from app.config import Settings
from app.library import Library
from memory.search_rows import SearchRowStore
from memory.trees import SummaryTree
from reader.central import CentralWeights, central_summary
from reader.contract import SummaryPart
from retrieval.chunking import flat
from retrieval.document import Document
from retrieval.hits import Float32
from retrieval.words import content_words

WORDS = 250
GRID = [
    CentralWeights(*each)
    for each in itertools.product(
        (0.0, 1.0), (0.0, 1.0, 2.0, 3.0), (0.6, 0.7, 0.8, 1.0), (0.1, 0.2, 0.4), (0.0, 0.05)
    )
    if each[0] or each[1]
]


@dataclass(frozen=True)
class Story:
    """A story as it was cut, and what people say it is about."""

    sentences: tuple[str, ...]
    rows: Float32
    tree: SummaryTree
    references: tuple[str, ...]


def stories(file: Path, library: Library) -> list[Story]:
    """The stories of a squality file, added to a library, with their extractive trees."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    found = []
    for line in lines:
        name = line["metadata"]["passage_id"]
        document = Document(line["document"], name, "text/plain")
        (added,) = library.add_documents([(document, f"squality {name}", f"/squality/{name}")])
        assert added.record is not None
        rows = SearchRowStore(library.engine, *library.trees.encoder_key())
        stored = rows.sentences(added.record.key, 0, added.record.characters)
        found.append(
            Story(
                tuple(map(flat, stored.texts)),
                stored.rows,
                library.trees.ensure_extractive(added.record),
                tuple(each["response_text"] for each in line["questions"][0]["responses"]),
            )
        )
    return found


def first_fitting(sentences: Sequence[str], order: Sequence[int]) -> str:
    """As many sentences as fit, the first of the order before the others, in the order of the text."""
    left, taken = WORDS, []
    for n in order:
        if len(sentences[n].split()) <= left:
            left -= len(sentences[n].split())
            taken.append(n)
    return " ".join(sentences[n] for n in sorted(taken))


def lead(story: Story) -> str:
    """The first words of the story."""
    counts = np.cumsum([len(each.split()) for each in story.sentences])
    return " ".join(story.sentences[: int(np.searchsorted(counts, WORDS, side="right"))])


def textrank(story: Story) -> str:
    """TextRank (Mihalcea and Tarau, EMNLP 2004): PageRank over shared words, less for long sentences."""
    words = [set(content_words(each)) for each in story.sentences]
    graph = networkx.Graph()
    graph.add_nodes_from(range(len(words)))
    for one, other in itertools.combinations(range(len(words)), 2):
        shared = len(words[one] & words[other])
        if shared and min(len(words[one]), len(words[other])) > 1:
            graph.add_edge(
                one, other, weight=shared / (math.log(len(words[one])) + math.log(len(words[other])))
            )
    ranks = networkx.pagerank(graph)
    return first_fitting(story.sentences, sorted(ranks, key=lambda n: -ranks[n]))


def lexrank(story: Story) -> str:
    """LexRank (Erkan and Radev, JAIR 2004), continuous, over the cosines of embeddings."""
    weights = np.clip(story.rows @ story.rows.T, 0, None)
    scores = np.full(len(weights), 1 / len(weights))
    walk = weights / weights.sum(axis=1, keepdims=True)
    for _ in range(50):
        scores = 0.15 / len(weights) + 0.85 * (scores @ walk)
    return first_fitting(story.sentences, list(np.argsort(-scores)))


def flat_summary(story: Story, weights: CentralWeights | None = None) -> str:
    """The sentences chosen of the whole story at once."""
    return " ".join(
        central_summary([SummaryPart(story.sentences, story.rows)], WORDS, weights=weights).sentences
    )


def through_tree(story: Story, weights: CentralWeights) -> str:
    """The root's summary if the tree were summarised with these weights."""
    made: dict[int, SummaryPart] = {}
    for node in story.tree.nodes:
        if node.children:
            parts = [made[n] for n in node.children]
        else:
            inside = slice(node.first_sentence, node.end_sentence)
            parts = [SummaryPart(story.sentences[inside], story.rows[inside])]
        words = WORDS if node.parent is None else 200 if node.children else 150
        written = central_summary(parts, words, spread=bool(node.children), weights=weights)
        assert written.taken is not None
        made[node.ordinal] = SummaryPart(
            written.sentences, np.stack([parts[p].rows[s] for p, s in written.taken])
        )
    return " ".join(made[story.tree.root.ordinal].sentences)


def stored_root(story: Story) -> str:
    """The root's summary as `clew tree` shows it."""
    assert story.tree.root.summary is not None
    return story.tree.root.summary.text


SCORER = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)


def rouge(found: Sequence[Story], summary: Callable[[Story], str]) -> np.ndarray:
    """Mean ROUGE-1, -2, -L."""
    scores = [SCORER.score_multi(story.references, summary(story)) for story in found]
    return np.mean([[each[k].fmeasure for k in ("rouge1", "rouge2", "rougeL")] for each in scores], axis=0)


def show(name: str, found: Sequence[Story], summary: Callable[[Story], str]) -> None:
    halves = [rouge(found[start::2], summary) for start in (0, 1)]
    words = np.mean([len(summary(story).split()) for story in found])
    columns = [*halves, rouge(found, summary)]
    print(
        f"{name:<24}"
        + "   ".join(" ".join(f"{x:.4f}" for x in each) for each in columns)
        + f"   {words:.0f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--tune", action="store_true", help="try the grid of weights on the first half")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        library = open_library(Settings(home=Path(home)))
        found = stories(options.shared / "squality" / "dev.jsonl", library)
        print(f"{'ROUGE-1/2/L':<24}{'half that chooses':<23}{'other half':<23}{'all':<23}words")
        for name, summary in {
            "lead": lead,
            "TextRank": textrank,
            "LexRank, embeddings": lexrank,
            "ours, whole story": flat_summary,
            "ours, hierarchical": stored_root,
        }.items():
            show(name, found, summary)
        if options.tune:
            chosen = found[0::2]
            best = sorted(GRID, key=lambda w: -float(rouge(chosen, lambda s: through_tree(s, w)).mean()))
            for weights in best[:5]:
                show("", found, lambda s, w=weights: through_tree(s, w))
                print(f"    {weights}")
            for name in ("meaning", "words", "repeated", "turn"):
                without = replace(best[0], **{name: 0.0})
                show(f"best without {name}", found, lambda s, w=without: through_tree(s, w))
            show("best, every word new", found, lambda s: through_tree(s, replace(best[0], said=1.0)))
        library.close()


if __name__ == "__main__":
    main()

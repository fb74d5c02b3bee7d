"""The summaries of trees: what each is made from, where it is kept, what it rests on, its embeddings."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from sqlalchemy import Engine

from app.errors import TreeError
from app.events import Event, Progress, silent
from app.tree_linking import SourceSentence, link_sentences
from memory.search_rows import SearchRowStore
from memory.summaries import SummaryStore, moved
from memory.tree_store import TreeStore
from memory.trees import Summary, SummarySentence, SummaryTree, TreeNode
from reader.chat import Cancellation
from reader.contract import SummaryPart, WrittenSummary
from retrieval.chunking import flat
from retrieval.encoder import Encoder
from retrieval.hits import Float32

__all__ = ["PlannedTree", "TreeSummaries"]

LINKED_AT_ONCE: Final = 64
"""Nodes whose sentences are encoded together and stored; a kill repeats at most these."""
PLANS_KEPT: Final = 8


@dataclass(frozen=True, slots=True)
class PlannedTree:
    """A tree as it was planned, the key of its document's version, and the encoder's key and width."""

    tree: SummaryTree
    document: int
    encoder: int
    dim: int


class TreeSummaries:
    """The summaries of the trees of one library; safe to use from several threads and processes.

    Args:
        engine: Of the database.
        encoder: Gives the encoder, loading it when first asked.
        encoder_key: Gives its key in the store, and its width.
    """

    def __init__(
        self,
        engine: Engine,
        encoder: Callable[[Progress], Encoder],
        encoder_key: Callable[[], tuple[int, int]],
    ) -> None:
        self.engine, self.encoder, self.encoder_key = engine, encoder, encoder_key
        self.store, self.kept = TreeStore(engine), SummaryStore(engine)
        self._lock = threading.Lock()
        self._plans: dict[int, PlannedTree] = {}

    def plan(self, key: int, document: int) -> PlannedTree:
        """A tree as it was planned, read once; `document` is the key of its document's version.

        Raises:
            TreeError: If it is gone.
        """
        with self._lock:
            if key not in self._plans or self._plans[key].document != document:
                tree = self.store.load(key)
                if tree is None:
                    raise TreeError("The tree was removed while it was built.")
                bare = tuple(replace(node, summary=None) for node in tree.nodes)
                while len(self._plans) >= PLANS_KEPT:
                    del self._plans[next(iter(self._plans))]
                self._plans[key] = PlannedTree(replace(tree, nodes=bare), document, *self.encoder_key())
            return self._plans[key]

    def parts(
        self, plan: PlannedTree, node: TreeNode, with_rows: bool
    ) -> tuple[list[SummaryPart], list[list[SourceSentence]]]:
        """What a node is summarised from; for each sentence of it where it stands, from the node's start.

        Raises:
            TreeError: If the text, or the summary of a child, is gone.
        """
        if not node.children:
            store = SearchRowStore(self.engine, plan.encoder, plan.dim)
            stored = store.sentences(plan.document, node.first_sentence, node.end_sentence)
            if len(stored.numbers) != node.end_sentence - node.first_sentence:
                raise TreeError("The document was removed or changed while its tree was built.")
            texts = tuple(flat(text) for text in stored.texts)
            places = [
                SourceSentence(text, (moved(span, -node.span.start),))
                for text, span in zip(texts, stored.spans, strict=True)
            ]
            return [SummaryPart(texts, stored.rows)], [places]
        children = plan.tree.children(node)
        summaries = self.kept.get([child.digest for child in children])
        rows = self._rows(summaries, plan.encoder, plan.dim) if with_rows else {}
        parts: list[SummaryPart] = []
        sources: list[list[SourceSentence]] = []
        for child in children:
            summary = summaries.get(child.digest)
            if summary is None:
                raise TreeError("A summary that another one is made of was removed meanwhile.")
            by = child.span.start - node.span.start
            parts.append(
                SummaryPart(
                    tuple(each.text for each in summary.sentences),
                    rows[child.digest] if with_rows else np.empty((0, plan.dim), np.float32),
                    child.title if child.kind == "section" else "",
                )
            )
            sources.append(
                [
                    SourceSentence(each.text, tuple(moved(span, by) for span in each.sources))
                    for each in summary.sentences
                ]
            )
        return parts, sources

    def keep(
        self,
        plan: PlannedTree,
        node: TreeNode,
        written: WrittenSummary,
        parts: Sequence[SummaryPart],
        sources: Sequence[Sequence[SourceSentence]],
        seconds: float,
    ) -> None:
        """Keep a summary: sentences that were taken with their places and embeddings, others to be linked."""
        vectors = None
        if written.taken is None:
            sentences = tuple(SummarySentence(flat(text), (), False) for text in written.sentences)
        else:
            sentences = tuple(
                SummarySentence(text, sources[p][s].sources, True)
                for text, (p, s) in zip(written.sentences, written.taken, strict=True)
            )
            vectors = (plan.encoder, np.stack([parts[p].rows[s] for p, s in written.taken]))
        summary = Summary(node.digest, sentences, written.notes)
        if not self.kept.put(summary, plan.tree.reader, seconds, written.taken is not None, vectors):
            raise TreeError("The document was removed or changed while its tree was built.")

    def link(
        self, plan: PlannedTree, nodes: Sequence[TreeNode], progress: Progress, cancellation: Cancellation
    ) -> None:
        """Link those of some nodes that are not linked.

        Args:
            plan: Their tree.
            nodes: In its order: the sources of parents are those of their children.
            progress: Told of each batch.
            cancellation: Ends it between two batches.

        Raises:
            TreeError: If a summary or the text is gone.
        """
        digests = {node.digest: node for node in reversed(nodes)}
        unlinked = self.kept.unlinked(digests)
        todo = [node for node in nodes if node.digest in unlinked and digests[node.digest] is node]
        for first in range(0, len(todo), LINKED_AT_ONCE):
            if cancellation.cancelled:
                return
            progress(Event("link", plan.tree.document_id, first, len(todo)))
            batch = todo[first : first + LINKED_AT_ONCE]
            summaries = self.kept.get([node.digest for node in batch])
            if len(summaries) < len(batch):
                raise TreeError("A summary was removed while it was linked.")
            taken = self._taken_rows(plan, [node for node in batch if not node.children])
            rows = self._rows(summaries, plan.encoder, plan.dim, progress, taken)
            for node in batch:
                parts, sources = self.parts(plan, node, with_rows=True)
                summary = summaries[node.digest]
                sentences = link_sentences(
                    [each.text for each in summary.sentences],
                    rows[node.digest],
                    [each for part in sources for each in part],
                    np.concatenate([part.rows for part in parts]),
                )
                self.kept.link([replace(summary, sentences=sentences)])

    def vectors(self, tree: SummaryTree, progress: Progress = silent) -> dict[bytes, Float32]:
        """Embeddings of the sentences of a tree's summaries, by digest; those that are not kept are made."""
        return self._rows(
            {node.digest: node.summary for node in tree.nodes if node.summary is not None},
            *self.encoder_key(),
            progress,
        )

    def _taken_rows(self, plan: PlannedTree, leaves: Sequence[TreeNode]) -> dict[str, Float32]:
        """The embedding of each sentence of some leaves' texts: what stands there needs no encoding."""
        parts = [part for leaf in leaves for part in self.parts(plan, leaf, with_rows=True)[0]]
        return {text: row for part in parts for text, row in zip(part.sentences, part.rows, strict=True)}

    def _rows(
        self,
        summaries: Mapping[bytes, Summary],
        encoder: int,
        dim: int,
        progress: Progress = silent,
        taken: Mapping[str, Float32] | None = None,
    ) -> dict[bytes, Float32]:
        """Embeddings that are kept; the others are made, but for those that are known, and kept."""
        found = self.kept.vectors(encoder, dim, list(summaries))
        lacking = [summary for digest, summary in summaries.items() if digest not in found]
        for first in range(0, len(lacking), LINKED_AT_ONCE):
            made = self._encoded(
                {each.digest: each for each in lacking[first : first + LINKED_AT_ONCE]}, progress, taken or {}
            )
            self.kept.put_vectors(encoder, made)
            found |= made
        return found

    def _encoded(
        self, summaries: Mapping[bytes, Summary], progress: Progress, known: Mapping[str, Float32]
    ) -> dict[bytes, Float32]:
        """Embeddings of the sentences of summaries; equal sentences are encoded once."""
        texts = list(dict.fromkeys(each.text for s in summaries.values() for each in s.sentences))
        new = [text for text in texts if text not in known]
        rows = dict(zip(new, self.encoder(progress).encode(new), strict=True)) if new else {}
        return {
            digest: np.stack([rows[s.text] if s.text in rows else known[s.text] for s in summary.sentences])
            for digest, summary in summaries.items()
        }

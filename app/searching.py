"""What the questions of all users of a home search with: the indexes in step with SQL, and the agent."""

from __future__ import annotations

import threading
from functools import partial

from sqlalchemy import Engine

from app.agent.context import FindTree
from app.agent.home import AgentHome
from app.asking import Agent
from app.backends import Backends
from app.config import Settings
from app.events import Progress, silent
from app.home_encoder import HomeEncoder
from app.indexing import SearchIndexes
from app.node_indexing import NODES, NodeIndex
from app.reading import Reading
from app.trees import Trees
from memory.documents import DocumentRecord
from memory.index_rows import IndexRowStore
from memory.layouts import Layouts
from memory.library import library_state
from memory.node_rows import NodeRowStore
from memory.search_rows import SearchRowStore
from memory.trees import SummaryTree
from retrieval.collapsed_tree import CollapsedTree
from retrieval.search import HybridSearch

__all__ = ["Searching"]


class Searching:
    """Opens the indexes of one home and makes the agents that look into them; safe on several threads.

    The indexes hold the documents of all users: what a question may find is filtered inside the search.

    Args:
        settings: With the folder of the indexes.
        engine: Of the database.
        backends: Of the library.
        encoder: Of the home.
        trees: Of the library.
        agents: Answer the questions.
    """

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        backends: Backends,
        encoder: HomeEncoder,
        trees: Trees,
        agents: AgentHome,
    ) -> None:
        self._settings, self._engine, self._backends = settings, engine, backends
        self._encoder, self._trees, self._agents = encoder, trees, agents
        self._lock = threading.RLock()
        self._layouts = Layouts(engine)
        self._indexes: SearchIndexes | None = None
        self._nodes: NodeIndex | None = None

    def indexes(self, progress: Progress = silent) -> SearchIndexes:
        """The indexes, in step with the database."""
        with self._lock:
            if self._indexes is None:
                self._indexes = SearchIndexes.open(
                    self._settings.indexes,
                    lambda: library_state(self._engine),
                    lambda: IndexRowStore(self._engine, *self._encoder.stored()),
                    self._backends.encoder_fingerprint,
                    progress=progress,
                )
            else:
                self._indexes.refresh(progress)
            return self._indexes

    def nodes(self, progress: Progress = silent) -> NodeIndex:
        """The index of all nodes of the trees that are there, in step with the database."""
        with self._lock:
            if self._nodes is None:
                self._nodes = NodeIndex(
                    self._settings.indexes,
                    library_state(self._engine).identity,
                    lambda: NodeRowStore(self._engine, *self._encoder.stored()),
                    self._backends.encoder_fingerprint,
                )
            self._nodes.refresh(progress)
            return self._nodes

    def purge(self, progress: Progress = silent) -> None:
        """Write anew the indexes of which a file may still hold something that was removed."""
        if self._settings.indexes.exists():
            self.indexes(progress).purge(progress)
        if (self._settings.indexes / NODES).exists():
            self.nodes(progress)

    def collapsed(self, indexes: SearchIndexes, progress: Progress = silent) -> CollapsedTree | None:
        """The search at all levels of the trees that are there, if it is wished for."""
        if self._settings.collapsed_tree == "off":
            return None
        with self._lock:
            nodes = self.nodes(progress)
            return CollapsedTree(nodes.index, indexes.chunks, nodes.rows)

    def agent(
        self, indexes: SearchIndexes, progress: Progress, incognito: bool, reading: Reading | None
    ) -> Agent:
        """Answers a question, from what has been read alone if a reading is given."""
        rows = SearchRowStore(self._engine, *self._encoder.stored(), layouts=self._layouts)
        search = HybridSearch(
            indexes.chunks,
            indexes.sentences,
            indexes.chunk_words,
            indexes.neighbourhood_words,
            rows,
            self.collapsed(indexes, progress),
        )
        encoder, statistics = self._encoder.load(), indexes.chunk_words
        find_tree: FindTree = partial(self._tree, progress=progress)
        if reading is None or reading.all_of_it:
            return self._agents.agent(search, statistics, rows, encoder, find_tree, progress, incognito)
        read = reading.rows(rows)
        search, words = reading.search(search, indexes, read), reading.words(indexes)[0]
        find_tree = reading.find_tree(find_tree, rows)
        return self._agents.agent(search, words, read, encoder, find_tree, progress, incognito)

    def _tree(self, record: DocumentRecord, progress: Progress) -> tuple[SummaryTree, str]:
        """The tree that a question uses: the reader's own if it is there, else one that is quickly built."""
        own = self._trees.ready(record)
        if own is not None:
            return own, ""
        quick = self._trees.ensure_extractive(record, progress)
        if self._backends.reader.key == "extractive":
            return quick, ""
        return quick, "over extractive summaries, because `clew tree DOC` has not built the reader's own"

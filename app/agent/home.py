"""What the questions of one home share: the checkpoint file, the compiled graph, the limits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from app.agent.checkpoints import (
    Unfinished,
    conversation,
    forget,
    forget_old,
    open_checkpoints,
    readable,
    unfinished,
)
from app.agent.context import AgentContext, AgentLimits, FindTree, Spent
from app.agent.graph import build_graph
from app.agent.incognito import ProcessLocks
from app.agent.locks import RunLocks
from app.agent.walk import WalkLimits
from app.asking import Agent, Asked
from app.config import Settings, without_old_tracing
from app.events import Progress
from app.models import MakeReader, ReaderRun
from memory.search_rows import SearchRowStore
from memory.users import FIRST_USER
from reader.budget import Budget
from retrieval.encoder import Encoder
from retrieval.question import WordStatistics
from retrieval.reranking import SpanReader
from retrieval.search import HybridSearch

if TYPE_CHECKING:
    from langgraph.checkpoint.sqlite import SqliteSaver
    from langgraph.graph.state import CompiledStateGraph

__all__ = ["AgentHome"]


class AgentHome:
    """Makes the agent of a question; safe to use from several threads.

    Args:
        settings: With the home and the limits.
        reader: Makes the reader of a question.
        span_reader: Gives what reads passages together with a question.
    """

    def __init__(
        self, settings: Settings, reader: MakeReader, span_reader: Callable[[], SpanReader | None]
    ) -> None:
        self._settings, self._reader, self._span_reader = settings, reader, span_reader
        self._limits = AgentLimits(
            settings.max_rounds,
            settings.max_calls,
            settings.max_tokens,
            settings.max_seconds,
            WalkLimits(settings.walk_steps, settings.walk_leaves),
        )
        self._locks, self._process_locks = RunLocks(settings.home / "locks"), ProcessLocks()
        self._lock = threading.RLock()
        self._checkpoints: SqliteSaver | None = None
        self._graph: CompiledStateGraph[Any, Any, Any, Any] | None = None

    def agent(
        self,
        search: HybridSearch,
        statistics: WordStatistics,
        rows: SearchRowStore,
        encoder: Encoder,
        find_tree: FindTree,
        progress: Progress,
        incognito: bool = False,
    ) -> Agent:
        """The agent over a search, the words of its index, its sentences, and the trees of its documents.

        For what is asked incognito, another one, which writes no file.

        Raises:
            CheckpointError: If the checkpoint file cannot be used.
        """

        def context(asked: Asked, run: str, budget: Budget, spent: Spent) -> AgentContext:
            by_key = {record.key: record for record in asked.documents}
            return AgentContext(
                search=search,
                span_reader=self._span_reader(),
                statistics=statistics,
                rows=rows,
                encoder=encoder,
                reader=self._reader(ReaderRun(run, budget, spent, progress, asked.incognito, asked.fresh)),
                threads=asked.threads,
                memory=asked.memory,
                asked=asked.plain,
                reading=asked.reading,
                find_tree=find_tree,
                route=asked.route,
                documents=by_key,
                within=None if asked.everything else np.array(sorted(by_key), np.int64),
                thread=asked.thread,
                run=run,
                limits=self._limits,
                budget=budget,
                spent=spent,
                on_step=asked.on_step,
                on_draft=asked.on_draft,
                scope=asked.scope,
            )

        home = self._settings
        if incognito:
            from langgraph.checkpoint.memory import InMemorySaver

            without_old_tracing()
            memory = InMemorySaver()
            locks = self._process_locks
            return Agent(build_graph(memory), memory, home.checkpoints, locks, self._limits, context)
        checkpoints = self.checkpoints()
        with self._lock:
            without_old_tracing()
            self._graph = self._graph or build_graph(checkpoints)
            graph = self._graph
        return Agent(graph, checkpoints, home.checkpoints, self._locks, self._limits, context)

    def interrupted(self, thread: str, user: str = FIRST_USER) -> Unfinished | None:
        """The latest question of a thread that was interrupted before its turn was kept, None if none was.

        One that somebody is answering just now is not interrupted.

        Raises:
            CheckpointError: If the file cannot be used.
        """
        checkpoints, name = self.checkpoints(), conversation(user, thread)
        with self._locks.trying(name) as free, readable(self._settings.checkpoints):
            found = unfinished(checkpoints, name) if free else []
        return next((each for each in found if not each.remembered), None)

    def abandon(self, thread: str, user: str = FIRST_USER) -> None:
        """Forget the questions of a thread that were interrupted; not while one is being answered."""
        checkpoints, name = self.checkpoints(), conversation(user, thread)
        with self._locks.trying(name) as free, readable(self._settings.checkpoints):
            if free:
                forget(checkpoints, name)

    def ended(self, progress: Progress, wait: bool = True) -> bool:
        """Whether all questions have ended that are being answered now; waits for as long as one may take."""
        return self._locks.ended(self._settings.max_seconds if wait else 0, progress)

    def checkpoints(self) -> SqliteSaver:
        """The states of questions that are being answered; those of more than a week ago are forgotten.

        Raises:
            CheckpointError: If the file cannot be used.
        """
        with self._lock:
            if self._checkpoints is None:
                self._settings.home.mkdir(parents=True, exist_ok=True)
                opened = open_checkpoints(self._settings.checkpoints)
                with readable(self._settings.checkpoints):
                    forget_old(opened)
                self._checkpoints = opened
            return self._checkpoints

    def close(self) -> None:
        """Close the checkpoint file; the next question opens it again."""
        with self._lock:
            if self._checkpoints is not None:
                self._checkpoints.conn.close()
                self._checkpoints = self._graph = None

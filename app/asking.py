"""Asking: one question through the agent, resumed where an earlier attempt at it was interrupted."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from filelock import FileLock, Timeout

from app.agent.checkpoints import forget, named_errors
from app.agent.context import AgentContext, AgentLimits, Spent
from app.agent.state import AgentState
from app.answers import Answer, answer_of
from app.events import Event, Progress, Step
from memory.documents import DocumentRecord
from memory.threads import ThreadStore
from reader.budget import Budget
from reader.chat import Cancellation
from reader.contract import OnDraft
from reader.prompts import PROMPT_VERSION
from retrieval.chunking import flat

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.sqlite import SqliteSaver
    from langgraph.graph.state import CompiledStateGraph

__all__ = ["Agent", "Asked", "clean_question"]

LOCKS: Final = 4096
AGENT_VERSION: Final = 1
"""Raised with every change of the graph or its state: what an older version left unfinished begins anew."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question and what it is asked of.

    Attributes:
        question: From `clean_question`.
        documents: Those that are asked.
        everything: Whether these are all there are.
        route: As it was wished for.
        thread: Name of the conversation, None outside of one.
        key: What an answer depends on besides: the reader, its settings, the state of the library.
        on_step: Told of each step when it is done.
        on_draft: Gets the answer as it is written.
        cancellation: Stops it by hand.
    """

    question: str
    documents: Sequence[DocumentRecord]
    everything: bool
    route: str
    thread: str | None
    key: str
    on_step: Callable[[Step], None]
    on_draft: OnDraft | None = None
    cancellation: Cancellation | None = None


MakeContext = Callable[[Asked, str, Budget, Spent], AgentContext]


def clean_question(question: str) -> str:
    """The question on one line; a terminal may hand over bytes that are no text, which nobody here takes."""
    return flat(question.encode("utf-8", "replace").decode())


class Agent:
    """Runs questions through the graph.

    Args:
        graph: From `build_graph`, over `checkpoints`.
        checkpoints: Where states are kept while questions run.
        file: The file that they are in.
        locks: A folder: two processes that ask the same question must not share its checkpoints.
        limits: What one question may take.
        threads: Conversations.
        context: Makes a question's surroundings.
    """

    def __init__(
        self,
        graph: CompiledStateGraph[Any, Any, Any, Any],
        checkpoints: SqliteSaver,
        file: Path,
        locks: Path,
        limits: AgentLimits,
        threads: ThreadStore,
        context: MakeContext,
    ) -> None:
        self._graph, self._checkpoints, self._file, self._locks = graph, checkpoints, file, locks
        self._limits, self._threads, self._context = limits, threads, context

    def ask(self, asked: Asked, progress: Progress) -> Answer:
        """Answer a question.

        Raises:
            ModelError: If a language model cannot be asked; the same question goes on from there.
            StoppedError: If it was stopped; likewise.
            CheckpointError: If the state cannot be kept.
        """
        with self._run(asked, progress) as run:
            config: RunnableConfig = {
                "configurable": {"thread_id": run},
                "metadata": {"clew_thread": asked.thread or ""},
                "recursion_limit": self._limits.steps,
            }
            with named_errors(self._file), untraced():
                before: AgentState = self._graph.get_state(config).values  # type: ignore[assignment]
                cancellation = asked.cancellation or Cancellation()
                budget = self._budget(cancellation, before)
                context = self._context(asked, run, budget, Spent())
                # From here: a model that had to be loaded first took none of the question's time.
                cancellation.limit(self._limits.seconds)
                if before and "answer" not in before:
                    progress(Event("resume", str(len(before.get("steps", [])))))
                start = None if before else AgentState(question=asked.question)
                state = before
                if not before or self._graph.get_state(config).next:
                    graph: Any = self._graph
                    state = graph.invoke(start, config, context=context, durability="sync")
                answer = answer_of(state, context)
                self._checkpoints.delete_thread(run)
                if asked.thread is not None:
                    # An earlier question that failed is passed over by now.
                    forget(self._checkpoints, asked.thread)
            return answer

    def _budget(self, cancellation: Cancellation, before: AgentState) -> Budget:
        limits = self._limits
        return Budget(
            limits.calls, limits.tokens, cancellation, before.get("calls", 0), before.get("tokens", 0)
        )

    @contextmanager
    def _run(self, asked: Asked, progress: Progress) -> Iterator[str]:
        """The name of this run, held alone: the same question, interrupted and asked again, has the same."""
        self._locks.mkdir(parents=True, exist_ok=True)
        if asked.thread is not None:
            # One question at a time in a conversation: its turns have an order.
            with self._alone(_digest(asked.thread), progress):
                turns = self._threads.turns(asked.thread, last=1)
                yield _digest(_identity(asked, turns[-1].ordinal + 1 if turns else 1))
            return
        run = _digest(_identity(asked, 0))
        lock = self._lock(run)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield f"{run}-{uuid.uuid4().hex}"  # somebody asks the same just now
            return
        try:
            yield run
        finally:
            lock.release()

    @contextmanager
    def _alone(self, digest: str, progress: Progress) -> Iterator[None]:
        lock = self._lock(digest)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress(Event("wait", "another question of this thread is being answered"))
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _lock(self, digest: str) -> FileLock:
        return FileLock(self._locks / f"{int(digest, 16) % LOCKS:03x}.lock")


@contextmanager
def untraced() -> Iterator[None]:
    """Inside, LangGraph sends no traces anywhere, whatever the environment says (promise 9)."""
    from langsmith.run_helpers import tracing_context

    with tracing_context(enabled=False):
        yield


def _identity(asked: Asked, turn: int) -> str:
    documents = sorted(record.id for record in asked.documents)
    parts = [
        AGENT_VERSION,
        PROMPT_VERSION,
        asked.thread,
        turn,
        asked.question,
        asked.route,
        asked.everything,
        documents,
        asked.key,
    ]
    return json.dumps(parts)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

"""Asking: one question through the agent, resumed where an earlier attempt at it was interrupted."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from app.agent.checkpoints import conversation, forget, named_errors, readable, unfinished
from app.agent.context import AgentContext, AgentLimits, Spent
from app.agent.incognito import ProcessLocks
from app.agent.locks import RunLocks, digest
from app.agent.state import AgentState
from app.answers import Answer, answer_of
from app.events import Event, Progress, Step
from app.reading import Reading
from app.recollection import Recollector
from memory.answering import PLAIN_ANSWER, Answering, answer_run
from memory.documents import DocumentRecord
from memory.errors import ForgottenMeanwhileError
from memory.incognito import Threads
from reader.budget import Budget
from reader.chat import Cancellation
from reader.contract import OnDraft, Route
from reader.prompts import PROMPT_VERSION
from retrieval.chunking import flat

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph

__all__ = ["Agent", "Asked", "clean_question"]

AGENT_VERSION: Final = 6
"""Raised with every change of the graph or its state: what an older version left unfinished begins anew."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question and what it is asked of.

    Attributes:
        question: From `clean_question`.
        plain: The same without the words that say how to look, such as "without spoilers".
        documents: Those that are asked.
        everything: Whether these are all there are.
        route: As it was wished for.
        threads: Those of the user who asks.
        memory: Earlier conversations of that user, None where nothing is to be remembered.
        thread: Name of the conversation, None outside of one.
        key: What an answer depends on besides: the reader, its settings, the state of the library.
        on_step: Told of each step when it is done.
        on_earlier: Told of those that were done before an interruption.
        on_draft: Gets the answer as it is written.
        cancellation: Stops it by hand.
        incognito: Whether nothing of it may be written anywhere.
        fresh: Whether no reply that is kept is taken for it.
        reading: What the user has read of the documents, where nothing else is to be told.
        scope: How it was asked, to be asked so again: kept with its turn.
        answering: The answer that comes of it, where it can be stopped and asked again.
    """

    question: str
    plain: str
    documents: Sequence[DocumentRecord]
    everything: bool
    route: Route | Literal["auto"]
    threads: Threads
    memory: Recollector | None
    thread: str | None
    key: str
    on_step: Callable[[Step], None]
    on_earlier: Callable[[Sequence[Step]], None] = lambda steps: None
    on_draft: OnDraft | None = None
    cancellation: Cancellation | None = None
    incognito: bool = False
    fresh: bool = False
    reading: Reading | None = None
    scope: Mapping[str, object] = field(default_factory=dict)
    answering: Answering = PLAIN_ANSWER

    @property
    def conversation(self) -> str | None:
        """What the thread is known by among those of all users, None outside of one."""
        return None if self.thread is None else conversation(self.threads.user, self.thread)


MakeContext = Callable[[Asked, str, Budget, Spent], AgentContext]


def clean_question(question: str) -> str:
    """The question, or the name of a thread, on one line.

    A terminal may hand over bytes that are no text, and NUL, which nobody here takes.
    """
    return flat(question.encode("utf-8", "replace").decode().replace("\x00", "\ufffd"))


class Agent:
    """Runs questions through the graph.

    Args:
        graph: From `build_graph`, over `checkpoints`.
        checkpoints: Where states are kept while questions run.
        file: The file that they are in.
        locks: Two processes that ask the same question must not share its checkpoints.
        limits: What one question may take.
        context: Makes a question's surroundings.
    """

    def __init__(
        self,
        graph: CompiledStateGraph[Any, Any, Any, Any],
        checkpoints: BaseCheckpointSaver[Any],
        file: Path,
        locks: RunLocks | ProcessLocks,
        limits: AgentLimits,
        context: MakeContext,
    ) -> None:
        self._graph, self._checkpoints, self._file, self._locks = graph, checkpoints, file, locks
        self._limits, self._context = limits, context

    def ask(self, asked: Asked, progress: Progress) -> Answer:
        """Answer a question.

        Raises:
            ModelError: If a language model cannot be asked; the same question goes on from there.
            StoppedError: If it was stopped; likewise.
            ForgottenMeanwhileError: If something was forgotten meanwhile that it may know; it is not kept.
            CheckpointError: If the state cannot be kept.
        """
        cancellation = asked.cancellation or Cancellation()
        with self._run(asked, progress, cancellation) as run:
            forgetting = asked.threads.begin(asked.answering)
            if asked.memory is not None:
                forgetting |= asked.memory.stream.threads.begin(asked.answering)
            config: RunnableConfig = {
                "configurable": {"thread_id": run},
                "metadata": {
                    "clew_thread": asked.conversation or "",
                    # LangGraph keeps no lists here.
                    "clew_documents": "" if asked.everything else " ".join(d.id for d in asked.documents),
                    "clew_route": asked.route,
                    "clew_no_spoilers": asked.reading is not None,
                },
                "recursion_limit": self._limits.steps,
            }
            with readable(self._file):
                if forgetting:
                    self._checkpoints.delete_thread(run)  # it may hold that
                kept = self._graph.get_state(config)
            before = cast(AgentState, kept.values)
            budget = self._budget(cancellation, before)
            # However often a job is begun anew, also when the library has changed, it has one turn.
            kept_as = answer_run(asked.answering.job) if asked.answering.job else run
            context = self._context(asked, kept_as, budget, Spent())
            # From here: a model that had to be loaded first took none of the question's time.
            cancellation.limit(self._limits.seconds)
            if before:
                steps = before.get("steps", [])
                asked.on_earlier([Step(each["name"], each["detail"], each["seconds"]) for each in steps])
                progress(Event("resume", str(len(steps))))
            state = before
            if kept.next or not before:
                graph: Any = self._graph
                start = None if before else AgentState(question=asked.question)
                with named_errors(self._file), untraced():
                    state = self._invoked(graph, start, config, context)
            answer = answer_of(state, context)
            with named_errors(self._file):
                self._checkpoints.delete_thread(run)
                if asked.conversation is not None:
                    # An earlier question that failed is passed over by now.
                    forget(self._checkpoints, asked.conversation)
            return answer

    def _invoked(
        self, graph: Any, start: AgentState | None, config: RunnableConfig, context: AgentContext
    ) -> AgentState:
        try:
            return cast(AgentState, graph.invoke(start, config, context=context, durability="sync"))
        except ForgottenMeanwhileError:
            self._checkpoints.delete_thread(config["configurable"]["thread_id"])
            raise

    def _budget(self, cancellation: Cancellation, before: AgentState) -> Budget:
        limits = self._limits
        return Budget(
            limits.calls, limits.tokens, cancellation, before.get("calls", 0), before.get("tokens", 0)
        )

    @contextmanager
    def _run(self, asked: Asked, progress: Progress, cancellation: Cancellation) -> Iterator[str]:
        """The name of this run, held alone: the same question, interrupted and asked again, has the same."""
        identity = digest(_identity(asked))
        if asked.conversation is None:
            with self._locks.trying(identity) as alone:
                if alone:
                    yield identity
                    return
            # Somebody asks the same just now, and this is another run.
            another = f"{identity}-{uuid.uuid4().hex}"
            with self._locks.waiting(another, progress, cancellation):
                yield another
            return
        # One question at a time in a conversation: its turns have an order.
        with self._locks.waiting(asked.conversation, progress, cancellation):
            with readable(self._file):
                runs = [each.run for each in unfinished(self._checkpoints, asked.conversation)]
            begun = [run for run in runs if run.startswith(identity)]
            yield begun[0] if begun else f"{identity}-{uuid.uuid4().hex}"


@contextmanager
def untraced() -> Iterator[None]:
    """Inside, LangGraph sends no traces anywhere, whatever the environment says (promise 9)."""
    from langsmith.run_helpers import tracing_context

    with tracing_context(enabled=False):
        yield


def _identity(asked: Asked) -> str:
    """What an answer depends on."""
    documents = sorted(record.id for record in asked.documents)
    versions, scope = [AGENT_VERSION, PROMPT_VERSION], [asked.everything, documents]
    scope += [asked.reading.key] if asked.reading is not None else []
    return json.dumps(
        [versions, asked.threads.user, asked.thread, asked.question, asked.route, scope, asked.key]
    )

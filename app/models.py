"""The language model of a library: loaded when it is first asked, shared by all questions, closed with it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from app.agent.context import Spent
from app.events import Event, Progress
from memory.completions import CompletionStore
from memory.usage import UsageStore
from reader.budget import Budget, BudgetedModel
from reader.chat import Cancellation, ChatModel
from reader.contract import Reader
from reader.generative import GenerativeReader
from reader.models.remembered import ModelCall, RememberedModel
from reader.stopping import StoppableModel

__all__ = ["LanguageModel", "MakeReader", "ReaderRun"]

KEPT: Final = {
    "demonstration": 1,
    "route": 3,
    "triage": 3,
    "leaf": 3,
    "needs_memory": 3,
    "suffices": 3,
    "judge_memories": 3,
}
"""Calls of a question's budget that a task leaves to others. Examples are an extra: the last call belongs to
the answer. What leads to evidence leaves one for selecting it, one to see if it is enough, and that one."""


@dataclass(frozen=True, slots=True)
class ReaderRun:
    """What a reader is made for: one question, its budget, and where its calls are counted.

    Of one that is asked incognito no reply is kept or found again, and no call is recorded. For a `fresh` one
    none is found again, and what it is answered takes the place of what was kept.
    """

    run: str
    budget: Budget
    spent: Spent
    progress: Progress
    incognito: bool = False
    fresh: bool = False


class MakeReader(Protocol):
    """Makes the reader of one question."""

    @property
    def key(self) -> str:
        """What answers depend on: the reader and the settings that change what it says."""

    @property
    def at_once(self) -> int:
        """Questions that are worth asking at the same time, at least 1."""

    def __call__(self, run: ReaderRun) -> Reader:
        """The reader, bound to the budget of the run."""

    def for_job(self, job: str, progress: Progress, cancellation: Cancellation | None = None) -> Reader:
        """A reader without a budget that stops when its job does, its calls recorded under the job's id."""

    def close(self) -> None:
        """Free what readers share."""


class LanguageModel:
    """Makes a `GenerativeReader` for each question, over one model.

    Args:
        load: Loads the model; called once.
        name: As it was set, for progress.
        key: See `MakeReader`.
        completions: Where replies are kept, None to keep none.
        usage: Where calls are recorded.
        reason: From a model's parameters, whether its decisions are reasoned first.
        demonstrations: Examples shown before each answer.
        at_once: See `MakeReader`.
    """

    def __init__(
        self,
        load: Callable[[], ChatModel],
        name: str,
        key: str,
        completions: CompletionStore | None,
        usage: UsageStore,
        reason: Callable[[float | None], bool],
        demonstrations: int,
        at_once: int,
    ) -> None:
        self._load, self._name, self.key, self.at_once = load, name, key, at_once
        self._completions, self._usage = completions, usage
        self._reason, self._demonstrations = reason, demonstrations
        self._lock = threading.Lock()
        self._model: ChatModel | None = None

    def model(self, progress: Progress) -> ChatModel:
        """The model, loaded on first use.

        Raises:
            ModelError: If it cannot be loaded.
        """
        with self._lock:
            if self._model is None:
                progress(Event("model", self._name))
                self._model = self._load()
            return self._model

    def __call__(self, run: ReaderRun) -> GenerativeReader:
        """The reader of one question."""
        model = self.model(run.progress)

        def record(call: ModelCall) -> None:
            run.spent.add(call.prompt_tokens, call.completion_tokens, call.cached)
            if not run.incognito:
                self._usage.record(call)

        kept = None if run.incognito else self._completions
        completions = None if kept is None else kept.for_question(run.fresh)
        remembered = RememberedModel(model, completions, record).for_run(run.run)
        return GenerativeReader(
            lambda task: BudgetedModel(remembered.for_task(task), run.budget, keep=KEPT.get(task, 0)),
            reason=self._reason(model.parameters),
            demonstrations=self._demonstrations,
        )

    def for_job(
        self, job: str, progress: Progress, cancellation: Cancellation | None = None
    ) -> GenerativeReader:
        """The reader of a job."""
        model = self.model(progress)
        stop = cancellation or Cancellation()
        remembered = RememberedModel(model, self._completions, self._usage.record).for_run(job)
        return GenerativeReader(
            lambda task: StoppableModel(remembered.for_task(task), stop),
            reason=self._reason(model.parameters),
        )

    def close(self) -> None:
        """Unload the model; the next question loads it again."""
        with self._lock:
            if self._model is not None:
                self._model.close()
                self._model = None

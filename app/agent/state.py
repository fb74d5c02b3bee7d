"""What the agent knows of a question between two steps; it is written to the checkpoint at each of them.

Ids and offsets stand for text: passages and evidence are read from the database again, so that a checkpoint
stays small. Of a book it holds the few quotes that stand in the answer, and no more.
"""

from __future__ import annotations

import operator
from typing import Annotated, TypedDict

from app.agent.walk import WalkState
from memory.controller import Form
from reader.contract import Route

__all__ = [
    "AgentState",
    "AnswerState",
    "DraftState",
    "EvidenceState",
    "FoundState",
    "MemoryState",
    "PackedState",
    "PassageState",
    "RecalledState",
    "StepState",
    "TraceOptionState",
    "TraceState",
    "WholeState",
]


class StepState(TypedDict):
    """A step that is done."""

    name: str
    detail: str
    seconds: float


class PassageState(TypedDict):
    """A passage: its document's key, its sentences, its characters, its tokens and its score.

    A `document` below 0 is a remembered turn, by its negated key, here and in evidence.
    """

    document: int
    first: int
    last: int
    start: int
    end: int
    tokens: int
    score: float


class RecalledState(TypedDict):
    """A turn that memory gives, and in which form; `why` is its relevance, recency and importance, or []."""

    turn: int
    form: Form
    score: float
    why: list[float]


class MemoryState(TypedDict):
    """What memory gives: turns in the order of time, and ids of facts, best first.

    `tokens` are those of the turns, `dropped` is how many had no room.
    """

    turns: list[RecalledState]
    facts: list[str]
    tokens: int
    dropped: int


class FoundState(TypedDict):
    """What was found for one query, best first."""

    query: str
    passages: list[PassageState]


class EvidenceState(TypedDict):
    """A sentence that was selected, what looking it up has shown, and for which of the queries it was."""

    document: int
    start: int
    end: int
    score: float
    relevance: float
    coverage: float
    verdict: str
    query: int


class PackedState(TypedDict):
    """What a model was shown; see `reader.contract.Packed`."""

    window: int
    parts: list[tuple[str, int]]
    left_out: list[tuple[str, int]]


class DraftState(TypedDict):
    """What the reader answered.

    Positions in the list of evidence: `cited`, and `made_from`, those that the answer was made from. `packed`
    is None where no model was asked.
    """

    text: str
    abstained: bool
    cited: list[int]
    made_from: list[int]
    confidence: float | None
    notes: list[str]
    packed: PackedState | None


class AnswerState(TypedDict):
    """The answer as it is shown."""

    text: str
    abstained: bool
    cited: list[int]


class TraceOptionState(TypedDict):
    """A child that triage was shown."""

    node: str
    title: str
    score: float


class TraceState(TypedDict):
    """A step of a walk as it is shown.

    `document` is the id of a document, "" above all of them; `node` and `level` are the tree's, `start` and
    `end` its span, `tokens` those of a leaf that was read. `choice` is an option's node, or "commit",
    "revert", "invalid".
    """

    document: str
    node: str
    level: int
    title: str
    start: int
    end: int
    tokens: int
    options: list[TraceOptionState]
    choice: str
    reason: str
    note: str
    prompt_tokens: int
    completion_tokens: int


class WholeState(TypedDict):
    """How far the parts of the documents have been read: the first `done` of `parts`.

    `tokens` are those of the sentences that were selected from, `ended` why it is over, "" while it is not.
    """

    parts: int
    done: int
    tokens: int
    ended: str


class AgentState(TypedDict, total=False):
    """A question on its way.

    Attributes:
        question: As it was asked.
        query: The same in words that need no earlier turn.
        memory: What earlier conversations hold for it, if it needs that.
        route: How it is looked up.
        open: Queries that are to be looked up now.
        asked: Queries that were looked up.
        found: What they brought in this round, not yet selected from.
        passages: All passages so far.
        evidence: All evidence so far, in the order in which the reader wants it.
        rounds: How often something was looked up.
        walk: The walk down the summary trees, on the route "walk".
        trace: Its steps as they are shown.
        whole: What has been read, on the route "whole".
        draft: The reader's answer.
        answer: The answer that is shown.
        stopped: Why it ended early, "" if it did not.
        steps: All steps so far.
        calls: Model calls so far.
        tokens: Tokens of these calls.
        prompt_tokens: Those of their prompts.
        completion_tokens: Those of their replies.
    """

    question: str
    query: str
    memory: MemoryState
    route: Route
    open: list[str]
    asked: list[str]
    found: list[FoundState]
    passages: list[PassageState]
    evidence: list[EvidenceState]
    rounds: int
    walk: WalkState
    trace: Annotated[list[TraceState], operator.add]
    whole: WholeState
    draft: DraftState
    answer: AnswerState
    stopped: str
    steps: Annotated[list[StepState], operator.add]
    calls: int
    tokens: int
    prompt_tokens: int
    completion_tokens: int

"""What is shown of a walk: a line for each step, and the same as data."""

from __future__ import annotations

from typing import Final

from app.agent.context import AgentContext
from app.agent.forest import EVERYTHING, Forest
from app.agent.state import TraceOptionState, TraceState
from app.agent.walk import WalkState, WalkStepState

__all__ = ["concluded", "told", "traced"]

TITLE_SHOWN: Final = 60


def told(done: WalkStepState, before: WalkState, forest: Forest) -> str:
    """A step in one line: where it was taken, what it saw, what was chosen and why."""
    options = "; ".join(
        f"{_called(each, forest)} {forest.option(each, before['excluded']).score:.2f}"
        for each in done["options"]
    )
    seen = f"of {len(done['options'])} parts [{options}]" if done["options"] else "read"
    choice = _called(done["choice"], forest) if done["choice"] in done["options"] else done["choice"]
    line = f"{_called(done['node'], forest)}{_where(done['node'], forest)}: {seen} -> {choice}"
    line += f" ({done['reason']})" if done["reason"] else ""
    return f"{line}, {done['note']}" if done["note"] else line


def concluded(walk: WalkState) -> str:
    """How a walk has ended, and what follows from it."""
    count = len(walk["leaves"])
    if not count:
        return f"the walk ends: {walk['ended']}; no answer on the way, falls back to search"
    return f"the walk ends: {walk['ended']}; {count} {'leaf' if count == 1 else 'leaves'} pooled"


def traced(done: WalkStepState, before: WalkState, forest: Forest, context: AgentContext) -> TraceState:
    """The same as data."""
    options = [
        TraceOptionState(
            node=_id(each, forest),
            title=forest.title(each)[:TITLE_SHOWN],
            score=round(forest.option(each, before["excluded"]).score, 4),
        )
        for each in done["options"]
    ]
    choice = _id(done["choice"], forest) if done["choice"] in done["options"] else done["choice"]
    step = TraceState(
        document="",
        node=_id(done["node"], forest),
        level=1 + max((tree.root.level for tree in forest.trees.values()), default=0),
        title=forest.title(done["node"])[:TITLE_SHOWN],
        start=0,
        end=0,
        tokens=0,
        options=options,
        choice=choice,
        reason=done["reason"],
        note=done["note"],
        prompt_tokens=context.spent.prompt_tokens,
        completion_tokens=context.spent.completion_tokens,
    )
    if done["node"] == EVERYTHING:
        return step
    document, node = forest.node(done["node"])
    step["document"], step["level"] = context.documents[document].id, node.level
    step["start"], step["end"] = node.span.start, node.span.end
    step["tokens"] = 0 if node.children else node.tokens
    return step


def _id(name: str, forest: Forest) -> str:
    """The tree's own name of a node; among several documents, with its document's key before it."""
    if name == EVERYTHING:
        return name
    document, node = forest.node(name)
    return node.id if len(forest.trees) == 1 else f"{document}:{node.id}"


def _called(name: str, forest: Forest) -> str:
    return f"{_id(name, forest)} {forest.title(name)[:TITLE_SHOWN]}".strip()


def _where(name: str, forest: Forest) -> str:
    if name == EVERYTHING:
        return ""
    span = forest.node(name)[1].span
    return f" (level {forest.node(name)[1].level}, characters {span.start}-{span.end})"

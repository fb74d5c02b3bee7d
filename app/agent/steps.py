"""What makes a function a step of the agent: it is timed, counted, told, and stopped by a spent budget."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Final

from app.agent.context import AgentContext
from app.agent.state import AgentState, StepState
from app.events import Step
from reader.errors import BudgetError, StoppedError

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

__all__ = ["Node", "Update", "shown", "step", "tight"]

ENDING: Final = frozenset({"verify", "remember"})
"""Steps that a question ends in, whatever its limits say."""

KEPT_CALLS: Final = 3
"""Model calls that are left to the answer when the budget runs out before."""
KEPT_SHARE: Final = 0.25
"""Share of the tokens and of the time that is left to it."""

QUERY_SHOWN: Final = 80

Update = tuple[AgentState, str]
"""What a step changes, and its detail."""
Node = Callable[[AgentState, "Runtime[AgentContext]"], AgentState]


def step(node: Callable[[AgentState, AgentContext], Update]) -> Node:
    """A node of the graph: timed, its tokens counted, its step told; a spent budget ends the question.

    One that was stopped by hand goes no step further.
    """

    @wraps(node)
    def run(state: AgentState, runtime: Runtime[AgentContext]) -> AgentState:
        context, began = runtime.context, time.perf_counter()
        if context.budget.cancellation.by_hand:
            raise StoppedError("The question was stopped.")
        spent = context.spent
        spent.prompt_tokens = spent.completion_tokens = spent.calls = spent.cached = 0
        try:
            if node.__name__ not in ENDING:
                context.budget.look()
            update, detail = node(state, context)
        except BudgetError as error:
            update, detail = {"stopped": str(error)}, f"stopped: {error}"
        context.threads.look()  # before it is written to the checkpoint
        if spent.calls:
            cached = f", {spent.cached} cached" if spent.cached else ""
            cost = f"{spent.prompt_tokens:,} + {spent.completion_tokens:,} tokens"
            detail += f" ({spent.calls} call{'s' * (spent.calls > 1)}{cached}, {cost})"
        done = Step(node.__name__, detail, time.perf_counter() - began)
        context.on_step(done)
        return {
            **update,
            "steps": [StepState(name=done.name, detail=done.detail, seconds=done.seconds)],
            "calls": context.budget.calls,
            "tokens": context.budget.tokens,
            "prompt_tokens": state.get("prompt_tokens", 0) + spent.prompt_tokens,
            "completion_tokens": state.get("completion_tokens", 0) + spent.completion_tokens,
        }

    # LangGraph reads the types of a node's arguments, and must not find those of the inner function.
    del run.__wrapped__
    return run


def shown(query: str) -> str:
    """The beginning of a query, for a step's detail."""
    return query if len(query) <= QUERY_SHOWN else query[: QUERY_SHOWN - 1] + "…"


def tight(context: AgentContext) -> str:
    """Why what is left of the budget belongs to the answer, "" if there is more."""
    budget, limits = context.budget, context.limits
    if budget.calls and budget.calls + KEPT_CALLS > limits.calls:
        return f"of {limits.calls} model calls the last {KEPT_CALLS} are the answer's"
    if budget.tokens > (1 - KEPT_SHARE) * limits.tokens:
        return f"of {limits.tokens:,} tokens the last {KEPT_SHARE:.0%} are the answer's"
    left = budget.cancellation.remaining
    if left is not None and limits.seconds is not None and left < KEPT_SHARE * limits.seconds:
        return f"of {limits.seconds:g} seconds the last {KEPT_SHARE:.0%} are the answer's"
    return ""

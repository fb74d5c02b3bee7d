"""The graph: which step follows which.

recall -> route -> retrieve -> select -> enough -> reason -> verify -> remember
                      ^__________________|
          route -> walk -> retrieve ...          the walk, a step at a time, until it ends
                    ^_|
          route -> retrieve -> whole -> reason   the whole, a batch of parts at a time
                                ^_|
recall -> verify -> remember                   where nothing is asked, but something is told
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from app.agent.context import AgentContext
from app.agent.nodes import NODES
from app.agent.state import AgentState

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph

__all__ = [
    "after",
    "after_enough",
    "after_recall",
    "after_retrieve",
    "after_route",
    "after_walk",
    "after_whole",
    "build_graph",
]


def build_graph(checkpoints: BaseCheckpointSaver[str]) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The agent, compiled; its state is written to `checkpoints` after every step."""
    from langgraph.graph import END, START, StateGraph

    graph = StateGraph(AgentState, context_schema=AgentContext)
    for name, node in NODES.items():
        graph.add_node(name, cast(Any, node))
    graph.add_edge(START, "recall")
    graph.add_conditional_edges("recall", after_recall, ["route", "verify"])
    graph.add_conditional_edges("route", after_route, ["retrieve", "walk", "verify"])
    graph.add_conditional_edges("walk", after_walk, ["walk", "retrieve", "verify"])
    graph.add_conditional_edges("retrieve", after_retrieve, ["select", "whole", "verify"])
    graph.add_conditional_edges("whole", after_whole, ["whole", "reason", "verify"])
    graph.add_conditional_edges("select", after("enough"), ["enough", "verify"])
    graph.add_conditional_edges("enough", after_enough, ["retrieve", "reason", "verify"])
    graph.add_edge("reason", "verify")
    graph.add_edge("verify", "remember")
    graph.add_edge("remember", END)
    return graph.compile(checkpointer=checkpoints, name="clew")


def after(following: str) -> Any:
    """To the step that follows, or, where the question has been stopped, to its end."""

    def choose(state: AgentState) -> str:
        return "verify" if state.get("stopped") else following

    return choose


def after_recall(state: AgentState) -> str:
    """To the route, or, where nothing was asked, to the end."""
    return "verify" if state.get("stopped") or "draft" in state else "route"


def after_route(state: AgentState) -> str:
    """To the walk, or to what search finds."""
    if state.get("stopped"):
        return "verify"
    return "walk" if state["route"] == "walk" else "retrieve"


def after_walk(state: AgentState) -> str:
    """On until it ends; then its leaves are looked up, and what search finds behind them."""
    if state.get("stopped"):
        return "verify"
    return "retrieve" if state["walk"]["ended"] else "walk"


def after_retrieve(state: AgentState) -> str:
    """To all parts of the documents, or to the evidence in what was found."""
    if state.get("stopped"):
        return "verify"
    return "whole" if state["route"] == "whole" else "select"


def after_whole(state: AgentState) -> str:
    """On until all parts are read."""
    if state.get("stopped"):
        return "verify"
    return "reason" if state["whole"]["ended"] else "whole"


def after_enough(state: AgentState) -> str:
    """Back to look up what is missing, or on to the answer."""
    if state.get("stopped"):
        return "verify"
    return "retrieve" if state["open"] else "reason"

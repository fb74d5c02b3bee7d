"""The graph: which step follows which.

recall -> route -> retrieve -> select -> enough -> reason -> verify -> remember
                      ^__________________|
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from app.agent.context import AgentContext
from app.agent.nodes import NODES
from app.agent.state import AgentState

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph

__all__ = ["after", "after_enough", "build_graph"]


def build_graph(checkpoints: BaseCheckpointSaver[str]) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The agent, compiled; its state is written to `checkpoints` after every step."""
    from langgraph.graph import END, START, StateGraph

    graph = StateGraph(AgentState, context_schema=AgentContext)
    for name, node in NODES.items():
        graph.add_node(name, cast(Any, node))
    graph.add_edge(START, "recall")
    graph.add_conditional_edges("recall", after("route"), ["route", "verify"])
    graph.add_conditional_edges("route", after("retrieve"), ["retrieve", "verify"])
    graph.add_conditional_edges("retrieve", after("select"), ["select", "verify"])
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


def after_enough(state: AgentState) -> str:
    """Back to look up what is missing, or on to the answer."""
    if state.get("stopped"):
        return "verify"
    return "retrieve" if state["open"] else "reason"

"""The tasks that build a summary tree: one for each node, and others that link some nodes at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from app.jobs.contract import NewTask
from app.tree_summaries import PlannedTree
from memory.tree_settings import SummaryLength, TreeSettings
from memory.trees import TreeNode

__all__ = ["link_tasks", "node_tasks", "root_links", "root_task"]

LINKED_TOGETHER: Final = 16
"""Nodes of a task that links; fewer are linked sooner, more are encoded faster."""


def root_task(document: int, reader: str) -> str:
    """The name of the task that summarises the root of a document's tree; it is there in any case."""
    return f"root {reader} {document}"


def root_links(document: int, reader: str) -> str:
    """The name of the task that links the root, and before which all others are linked."""
    return f"links {reader} {document}"


def node_tasks(
    plan: PlannedTree, settings: TreeSettings, missing: Collection[bytes], payload: Mapping[str, Any]
) -> list[NewTask]:
    """A task for each node that has no summary yet, and in any case for the root.

    Args:
        plan: The tree.
        settings: It was planned with.
        missing: Digests without a summary.
        payload: Of all of the tree's tasks.
    """
    first = {node.digest: node for node in reversed(plan.tree.nodes)}  # of equal ones
    tasks: list[NewTask] = []
    for node in plan.tree.nodes:
        root = node.parent is None
        if not root and (node.digest not in missing or first[node.digest] is not node):
            continue
        children = (plan.tree.nodes[n].digest for n in node.children)
        tasks.append(
            NewTask(
                name=root_task(plan.document, payload["reader"]) if root else _node_task(node),
                kind="summarise-node",
                payload={**payload, "tree": plan.tree.key, "node": node.ordinal},
                weight=float(node.tokens if not node.children else _room(settings, node)),
                needs=tuple(dict.fromkeys(f"node {each.hex()}" for each in children if each in missing)),
            )
        )
    return tasks


def link_tasks(
    plan: PlannedTree,
    settings: TreeSettings,
    summarised: Sequence[NewTask],
    unlinked: Collection[bytes],
    payload: Mapping[str, Any],
) -> list[NewTask]:
    """Tasks that link what is written, in the order of the plan, children first; the last holds the root.

    Args:
        plan: The tree.
        settings: It was planned with.
        summarised: The tasks that summarise its nodes.
        unlinked: Digests of summaries that are there and not linked.
        payload: Of all of the tree's tasks.
    """
    tree = plan.tree
    made = {tree.nodes[task.payload["node"]].digest: task.name for task in summarised}
    first = {node.digest: node for node in reversed(tree.nodes)}
    nodes = [
        node
        for node in tree.nodes
        if first[node.digest] is node and (node.digest in made or node.digest in unlinked)
    ]
    tasks: list[NewTask] = []
    linked: dict[bytes, str] = {}
    for start in range(0, len(nodes), LINKED_TOGETHER):
        batch = nodes[start : start + LINKED_TOGETHER]
        name = f"links {len(tasks) + 1} {payload['reader']} {plan.document}"
        if start + LINKED_TOGETHER >= len(nodes):
            name = root_links(plan.document, payload["reader"])
        below = [tree.nodes[n].digest for node in batch for n in node.children]
        needs = [made[node.digest] for node in batch if node.digest in made]
        needs += [linked[each] for each in below if each in linked]
        tasks.append(
            NewTask(
                name=name,
                kind="link-nodes",
                payload={**payload, "tree": tree.key, "nodes": [node.ordinal for node in batch]},
                weight=float(sum(_tokens(settings.length(n.kind if n.children else "leaf")) for n in batch)),
                needs=tuple(dict.fromkeys(needs)),
            )
        )
        linked |= {node.digest: name for node in batch}
    return tasks


def _node_task(node: TreeNode) -> str:
    return f"node {node.digest.hex()}"


def _room(settings: TreeSettings, node: TreeNode) -> int:
    """About the tokens of the summaries that a node is made of."""
    return len(node.children) * _tokens(settings.inner)


def _tokens(length: SummaryLength) -> int:
    """About those of a summary."""
    return length.words * 4 // 3

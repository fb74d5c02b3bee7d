"""The plan of a summary tree (MemWalker, arXiv 2310.05029): its nodes, before a word of them is summarised.

The upper levels follow the document's own sections (as in PageIndex); elsewhere a node has at most 8
consecutive children. A node's digest names all that its summary is made of, so that equal work is done once:
an edit changes the digests of one path. A section that is one leaf is a node without children; only the root
always has one, and its summary if that is all.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from memory.tree_cuts import Anchor, anchor_at, cut_part, found_again
from memory.tree_parts import Part, document_parts
from memory.tree_settings import TreeSettings
from memory.trees import NodeKind, TreeNode
from retrieval.document import Document, Span
from retrieval.hits import Int64

__all__ = ["PLAN_VERSION", "plan_tree", "tree_anchors"]

PLAN_VERSION: Final = 1
"""Raised when the same document is planned in another way; part of what trees are stored under."""


@dataclass(slots=True)
class _Draft:
    """A node that has no number yet; `part` is its number among the `parts` leaves of one text."""

    kind: NodeKind
    owner: str
    first: int
    end: int
    part: int = 1
    parts: int = 1
    level: int = 0
    title: str = ""
    children: list[_Draft] = field(default_factory=list)
    depth: int = 0


def plan_tree(
    document: Document,
    sentences: Sequence[Span],
    token_counts: Sequence[int],
    summary_key: str,
    settings: TreeSettings | None = None,
    anchors: Sequence[Anchor] | None = None,
) -> tuple[TreeNode, ...]:
    """The nodes of a document's tree, children before parents, the root last; no summaries yet.

    Args:
        document: At least one sentence long.
        sentences: As the document was cut, in order.
        token_counts: For each sentence, its tokens.
        summary_key: What summaries depend on besides their texts.
        settings: Sizes and lengths.
        anchors: The boundaries of the tree of the version before (`tree_anchors`); None if there is none.
    """
    if not sentences:
        raise ValueError("a document without a sentence has no summary tree")
    settings = settings or TreeSettings()
    sums = np.concatenate([[0], np.cumsum(np.asarray(token_counts, np.int64))]).astype(np.int64)
    kept = None if anchors is None else found_again(document.text, sentences, anchors)
    whole = document_parts(document, sentences, sums, settings)

    def leaves(part: Part, owner: str) -> list[_Draft]:
        starts = cut_part(document.text, sentences, sums, part, kept, settings)
        ends = [*starts[1:], part.end]
        made = [_Draft("leaf", owner, *range_) for range_ in zip(starts, ends, strict=True)]
        for leaf in made:
            titles = [title for first, title in part.edges if leaf.first <= first < leaf.end and title]
            leaf.title = titles[0] if len(set(titles)) == 1 else _from_to(titles)
        return made

    def drafted(part: Part, depth: int) -> _Draft:
        owner = part.title if part.section else ""
        draft = _Draft("section" if part.section else "root", owner, part.first, part.end, depth=depth)
        if part.parts:
            for inner in part.parts:
                draft.children += [drafted(inner, depth + 1)] if inner.section else leaves(inner, owner)
        else:
            draft.children = leaves(part, owner)
        if draft.kind == "section" and [each.kind for each in draft.children] == ["leaf"]:
            draft.children = []
        return draft

    root = drafted(whole, 0)
    root.title = document.title
    _name_leaves(root)
    _group(root, _levels(root, settings), settings)
    return tuple(_numbered(root, document, sentences, sums, summary_key, settings))


def tree_anchors(text: str, sentences: Sequence[Span], nodes: Sequence[TreeNode]) -> tuple[Anchor, ...]:
    """The boundaries between the leaves of a tree, by which the next version's tree finds them again."""
    firsts = [node.first_sentence for node in nodes if not node.children]
    return tuple(anchor_at(text, sentences[n - 1].end, sentences[n].start) for n in firsts[1:])


def _name_leaves(draft: _Draft) -> None:
    """Number the leaves of each section, and name them by it."""
    leaves = [each for each in draft.children if each.kind == "leaf"]
    for n, leaf in enumerate(leaves, start=1):
        leaf.part, leaf.parts = n, len(leaves)
        if leaf.title:
            continue
        if draft.kind == "section":
            leaf.title = f"{draft.owner}, part {n}" if len(leaves) > 1 else draft.owner
        elif len(draft.children) == 1:
            leaf.title = draft.title
        else:
            leaf.title = f"part {n}"
    for before, after in itertools.pairwise(draft.children):
        if before.kind == "leaf" and after.kind == "section" and draft.kind == "root":
            before.title = f"before {after.owner}" if len(leaves) == 1 else before.title
    for inner in draft.children:
        if inner.kind == "section":
            inner.title = inner.owner
            _name_leaves(inner)


def _levels(root: _Draft, settings: TreeSettings) -> dict[int, int]:
    """The level of the sections of each depth, the root's being 0: room for the groups of all of them."""
    by_depth: dict[int, list[_Draft]] = {}
    waiting = [root]
    while waiting:
        draft = waiting.pop()
        by_depth.setdefault(draft.depth, []).append(draft)
        waiting += [each for each in draft.children if each.kind == "section"]
    levels: dict[int, int] = {}
    for depth in sorted(by_depth, reverse=True):
        levels[depth] = max(
            _base(draft, levels) + _rounds(len(draft.children), settings.children) + bool(draft.children)
            for draft in by_depth[depth]
        )
    return levels


def _base(draft: _Draft, levels: dict[int, int]) -> int:
    """The highest level among what a section is made of."""
    holds_sections = any(each.kind == "section" for each in draft.children)
    return levels[draft.depth + 1] if holds_sections else 0


def _rounds(count: int, most: int) -> int:
    """How often nodes are grouped until at most `most` are left."""
    rounds = 0
    while count > most:
        count, rounds = -(-count // most), rounds + 1
    return rounds


def _group(draft: _Draft, levels: dict[int, int], settings: TreeSettings) -> None:
    """Give a draft its level, and groups between itself and its children where these are too many."""
    draft.level = levels[draft.depth] if draft.children else 0
    for child in draft.children:
        if child.kind == "section":
            _group(child, levels, settings)
    level, ends = _base(draft, levels), [(child, child) for child in draft.children]
    while len(draft.children) > settings.children:
        level += 1
        count = -(-len(draft.children) // settings.children)
        cuts = [len(draft.children) * n // count for n in range(count + 1)]
        groups: list[_Draft] = []
        group_ends: list[tuple[_Draft, _Draft]] = []
        for low, high in itertools.pairwise(cuts):
            members = draft.children[low:high]
            group_ends.append((ends[low][0], ends[high - 1][1]))
            title = _group_title(*group_ends[-1])
            groups.append(
                _Draft(
                    "group",
                    draft.owner,
                    members[0].first,
                    members[-1].end,
                    level=level,
                    title=title,
                    children=members,
                )
            )
        draft.children, ends = groups, group_ends


def _group_title(first: _Draft, last: _Draft) -> str:
    numbered = all(each.kind == "leaf" and each.title.endswith(f"part {each.part}") for each in (first, last))
    if numbered and first.owner == last.owner:
        named = f"{first.owner}, " if first.owner else ""
        return f"{named}parts {first.part} - {last.part}"
    return f"{first.title} - {last.title}"


def _from_to(titles: Sequence[str]) -> str:
    return f"{titles[0]} - {titles[-1]}" if titles else ""


def _numbered(
    root: _Draft,
    document: Document,
    sentences: Sequence[Span],
    sums: Int64,
    summary_key: str,
    settings: TreeSettings,
) -> Iterator[TreeNode]:
    nodes: list[TreeNode] = []
    parents: dict[int, int] = {}
    numbers: Counter[int] = Counter()

    def add(draft: _Draft) -> int:
        children = tuple(add(child) for child in draft.children)
        digest = hashlib.blake2b(digest_size=16)
        kind = draft.kind if children else "leaf"
        length = settings.length(kind)
        digest.update(f"{PLAN_VERSION}\0{summary_key}\0{length.at_least}\0{length.words}\0{kind}\0".encode())
        if children:
            for n in children:
                title = nodes[n].title if nodes[n].kind == "section" else ""
                # The places of sources count from the node's start, so where its children stand decides too.
                place = nodes[n].span.start - sentences[draft.first].start
                digest.update(nodes[n].digest + f"{place}\0{title}\0".encode("utf-8", "surrogatepass"))
        else:
            text = document.text[sentences[draft.first].start : sentences[draft.end - 1].end]
            digest.update(text.encode("utf-8", "surrogatepass"))
        end = sentences[draft.end].start if draft.end < len(sentences) else sentences[-1].end
        ordinal = len(nodes)
        nodes.append(
            TreeNode(
                ordinal=ordinal,
                parent=None,
                children=children,
                level=draft.level,
                number=numbers[draft.level],
                kind=draft.kind,
                title=draft.title,
                span=Span(sentences[draft.first].start, end),
                first_sentence=draft.first,
                end_sentence=draft.end,
                tokens=int(sums[draft.end] - sums[draft.first]),
                digest=nodes[children[0]].digest if len(children) == 1 else digest.digest(),
            )
        )
        numbers[draft.level] += 1
        parents.update(dict.fromkeys(children, ordinal))
        return ordinal

    add(root)
    return (replace(node, parent=parents.get(node.ordinal)) for node in nodes)

"""The three ways to summarise a book, as tasks that follow from one another.

`hierarchical` merges the summary tree's upper nodes (BooookScore, arXiv 2310.00785, over MemWalker's tree).
`incremental` goes through the book with one running summary, which is compressed when it has grown too long
(the same paper). `scm` summarises blocks with the block before as background, then merges groups of summaries
to a share of their length until one is left (SCM, arXiv 2304.13343). All of them end in one summary of the
length that was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, assert_never, cast

from app.errors import TreeError
from app.jobs.contract import NewTask, Outcome, Work
from app.summaries.blocks import Block, blocks_of, merge_groups
from app.summaries.payloads import Piece, Subject, UnitPayload, UnitResult
from app.summaries.tree_cover import cover, opened
from app.summaries.units import SummarySource, SummaryUnits
from app.summaries.wanted import Method, Wanted
from app.trees import Trees

__all__ = ["SummaryMethods", "summary_task"]

INCREMENTAL_TOKENS: Final = 2048
"""Tokens of a block for incremental updating, as in the paper."""
SCM_TOKENS: Final = 3000
SCM_GROUP: Final = 2300
SCM_SHARE: Final = 0.3
"""SCM: tokens of a block, tokens of summaries that are merged together, and to what share of their length."""
BLOCK_WORDS: Final = (90, 150)
"""Fewest and most words about one block; the papers leave them open."""
FULL: Final = 2.0
"""A running summary is compressed when it has so many times the words that are asked for."""
SHORTEST: Final = 40
OPENED: Final = 1.5
"""The nodes that a summary is merged from have at least so many times its words, where the tree has them."""


class SummaryMethods:
    """Handlers of the tasks between a document's plan and its summary."""

    def __init__(self, units: SummaryUnits, trees: Trees) -> None:
        self.units, self.trees = units, trees

    def begun(self, subject: Subject, source: SummarySource, work: Work) -> Iterator[NewTask]:
        """The first tasks for a part of a document; they write those that follow."""
        match cast(Method, subject["method"]):
            case "hierarchical":
                yield from self._tree_tasks(subject, source, work)
            case "incremental":
                blocks = [[block.first, block.end] for block in _blocks(source, INCREMENTAL_TOKENS)]
                yield _step_task(subject, 0, [], blocks, source.tokens / len(blocks))
            case "scm":
                yield from _block_tasks(subject, _blocks(source, SCM_TOKENS))
            case unknown:
                assert_never(unknown)

    def pieces(self, payload: Mapping[str, Any], work: Work) -> list[Piece]:
        """What the summary itself is made of."""
        if "pieces" in payload:
            return list(payload["pieces"])
        subject: Subject = payload["subject"]
        source = self.units.source(subject)
        tree = self.trees.store.load(payload["tree"])
        if tree is None:
            raise TreeError(f"The tree of {source.record.title!r} was removed meanwhile; begin again.")
        covered = cover(tree, source.first, source.end)
        nodes = opened(tree, covered.nodes, round(OPENED * subject["words"]))
        found = [Piece(digest=n.digest.hex(), start=n.span.start, end=n.span.end) for n in nodes]
        edges = work.results(tuple(payload["edges"]))
        found += [edges[name]["piece"] for name in payload["edges"]]
        return sorted(found, key=lambda piece: piece["start"])

    def remarks(self, payload: Mapping[str, Any]) -> list[str]:
        """What stayed wrong with summaries of the tree that the summary is made from, each once."""
        tree = self.trees.store.load(payload["tree"]) if "tree" in payload else None
        if tree is None:
            return []
        source = self.units.source(payload["subject"])
        tops = cover(tree, source.first, source.end).nodes
        nodes = [node for top in tops for node in (*tree.below(top), top)]
        notes = [note for node in nodes if node.summary for note in node.summary.notes]
        return [f"{note} ({notes.count(note)} of {len(nodes)})" for note in dict.fromkeys(notes)]

    def unit(self, work: Work) -> Outcome:
        """Make one summary."""
        payload = cast(UnitPayload, work.payload)
        made = self.units.make(
            self.units.source(payload["subject"]),
            payload["pieces"],
            at_least=payload["at_least"],
            most=payload["most"],
            spread=payload["spread"],
            before=tuple(payload["before"]),
            work=work,
        )
        return Outcome(cast(dict[str, Any], made))

    def step(self, work: Work) -> Outcome:
        """Take one block into the running summary, and compress that if it has grown too long."""
        subject, number = work.payload["subject"], work.payload["block"]
        blocks, running = work.payload["blocks"], list(work.payload["running"])
        source = self.units.source(subject)
        least, most = BLOCK_WORDS
        added = self.units.make(
            source,
            [Piece(sentences=blocks[number])],
            at_least=min(least, subject["words"]),
            most=min(most, subject["words"]),
            background=[each["piece"] for each in running],
            work=work,
        )
        running.append(added)
        if len(running) > 1 and sum(each["words"] for each in running) > FULL * subject["words"]:
            compressed = self.units.make(
                source,
                [each["piece"] for each in running],
                at_least=_fewest(subject["words"]),
                most=subject["words"],
                work=work,
            )
            running = [compressed]
        if number + 1 < len(blocks):
            tokens = float(work.payload["tokens"])
            return Outcome({}, (_step_task(subject, number + 1, running, blocks, tokens),))
        return Outcome({}, (summary_task(subject, [each["piece"] for each in running]),))

    def merge(self, work: Work) -> Outcome:
        """Merge the summaries of one round in groups, or, when they are few enough, to the last one."""
        subject, round_ = work.payload["subject"], work.payload["round"]
        names = tuple(work.payload["tasks"])
        results = work.results(names)
        made = [cast(UnitResult, results[name]) for name in names]
        tokens = [each["tokens"] for each in made]
        if len(made) == 1 or sum(tokens) <= SCM_GROUP:
            return Outcome({}, (summary_task(subject, [each["piece"] for each in made]),))
        tasks: list[NewTask] = []
        for number, (first, end) in enumerate(merge_groups(tokens, SCM_GROUP)):
            most = max(round(SCM_SHARE * sum(each["words"] for each in made[first:end])), SHORTEST)
            pieces = [each["piece"] for each in made[first:end]]
            name = f"merge {round_ + 1}.{number + 1} {_tail(subject)}"
            payload = _payload(subject, pieces, _fewest(most), most, spread=True)
            tasks.append(NewTask(name, "summary-unit", payload, float(sum(tokens[first:end]))))
        return Outcome({}, (*tasks, _merge_task(subject, round_ + 1, [task.name for task in tasks])))

    def _tree_tasks(self, subject: Subject, source: SummarySource, work: Work) -> Iterator[NewTask]:
        """The nodes of the tree that lie in the part, what is left at its edges, and the summary of them."""
        plan = {"document": source.record.key, "id": source.record.id, "reader": "reader"}
        planned = self.trees.write_plan(replace(work, payload=plan))
        tree = self.trees.store.load(planned.result["tree"])
        if tree is None:
            raise TreeError(f"The tree of {source.record.title!r} was removed while it was planned.")
        covered = cover(tree, source.first, source.end)
        needed = {node.digest for top in covered.nodes for node in (*tree.below(top), top)}
        nodes = [
            task
            for task in planned.tasks
            if task.kind == "summarise-node" and tree.nodes[task.payload["node"]].digest in needed
        ]
        yield from nodes
        link = NewTask(
            name=f"links {_tail(subject)}",
            kind="link-tree",
            payload={**plan, "partial": True},
            weight=0.0,
            needs=tuple(task.name for task in nodes),
        )
        yield link
        edges: list[str] = []
        for number, (first, end) in enumerate(covered.edges, start=1):
            edges.append(f"edge {number} {_tail(subject)}")
            payload = _payload(subject, [Piece(sentences=[first, end])], *BLOCK_WORDS)
            yield NewTask(edges[-1], "summary-unit", payload, source.tokens_of(first, end))
        yield NewTask(
            name=f"summary {_tail(subject)}",
            kind="summary",
            payload={"subject": subject, "tree": tree.key, "edges": edges},
            weight=_weight(subject),
            needs=(link.name, *edges),
        )


def summary_task(subject: Subject, pieces: Sequence[Piece]) -> NewTask:
    """The task that makes the summary itself from the last pieces."""
    return NewTask(
        name=f"summary {_tail(subject)}",
        kind="summary",
        payload={"subject": subject, "pieces": list(pieces)},
        weight=_weight(subject),
    )


def _step_task(
    subject: Subject,
    number: int,
    running: Sequence[UnitResult],
    blocks: Sequence[Sequence[int]],
    tokens: float,
) -> NewTask:
    return NewTask(
        name=f"block {number + 1} {_tail(subject)}",
        kind="summary-step",
        payload={
            "subject": subject,
            "block": number,
            "running": list(running),
            "blocks": [list(each) for each in blocks],
            "tokens": tokens,
        },
        weight=tokens,
    )


def _block_tasks(subject: Subject, blocks: Sequence[Block]) -> Iterator[NewTask]:
    names: list[str] = []
    for number, block in enumerate(blocks):
        before = blocks[number - 1] if number else None
        least, most = BLOCK_WORDS
        most = min(most, subject["words"]) if len(blocks) > 1 else most
        pieces = [Piece(sentences=[block.first, block.end])]
        beside = [before.first, before.end] if before else []
        payload = _payload(subject, pieces, min(least, most), most, before=beside)
        names.append(f"block {number + 1} {_tail(subject)}")
        yield NewTask(names[-1], "summary-unit", payload, float(block.tokens))
    yield _merge_task(subject, 0, names)


def _merge_task(subject: Subject, round_: int, names: Sequence[str]) -> NewTask:
    return NewTask(
        name=f"merge round {round_ + 1} {_tail(subject)}",
        kind="summary-merge",
        payload={"subject": subject, "round": round_, "tasks": list(names)},
        weight=0.0,
        needs=tuple(names),
    )


def _payload(
    subject: Subject,
    pieces: list[Piece],
    at_least: int,
    most: int,
    spread: bool = False,
    before: Sequence[int] = (),
) -> dict[str, Any]:
    payload = UnitPayload(
        subject=subject, pieces=pieces, at_least=at_least, most=most, spread=spread, before=list(before)
    )
    return dict(payload)


def _blocks(source: SummarySource, limit: int) -> list[Block]:
    return blocks_of(source.text, source.sentences, source.token_counts, source.span, limit)


def _tail(subject: Subject) -> str:
    return f"of {subject['number']}"


def _fewest(words: int) -> int:
    return Wanted(words=words).fewest


def _weight(subject: Subject) -> float:
    """About the tokens that the last summary is made of."""
    return 4.0 * subject["words"]

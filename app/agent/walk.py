"""The walk down a summary tree (MemWalker, arXiv 2310.05029), one decision of the reader at a time.

Triage at an inner node chooses a child; a leaf is committed to or reverted from; reverting goes back to the
parent with the leaf excluded, and from a parent that has no child left further up. Beyond the paper: each
child is shown with the best score of a search below it, the walk goes on after a commit until enough leaves
are pooled, and it ends where the search has found next to nothing in what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypedDict

from reader.contract import LeafReading, Triage, TriageOption
from reader.errors import InvalidReplyError

__all__ = ["Decisions", "Ground", "WalkLimits", "WalkState", "WalkStepState", "begun_at", "next_step"]

STRIKES: Final = 3
"""Invalid actions that end a walk (the paper's number)."""
LITTLE: Final = 0.25
"""Score below which a part is not worth another leaf once one is pooled: about that of the sixtieth hit."""
NEAR: Final = 0.75
"""Once a leaf is pooled, the walk stays where it is while something there has at least this share of the best
score of all that is left; else a leaf that stands far away, and is better, would never be reached."""
REASON_KEPT: Final = 240


@dataclass(frozen=True, slots=True)
class WalkLimits:
    """Most steps of a walk, and most leaves that are pooled."""

    steps: int = 24
    leaves: int = 3

    def __post_init__(self) -> None:
        if self.steps < 1 or self.leaves < 1:
            raise ValueError(f"a walk needs a step and a leaf: {self}")


class WalkStepState(TypedDict):
    """What was decided at a node.

    `options` are names of the children that were left; `choice` is one of them, "commit", "revert", or
    "invalid". `note` says what the reader was not shown.
    """

    node: str
    options: list[str]
    choice: str
    reason: str
    note: str


class WalkState(TypedDict):
    """A walk on its way; nodes by their names.

    `path` leads from the root to where it stands; `excluded` nodes are done with; `leaves` were committed to,
    each with the reason in `notes`; `ended` says why it is over, "" while it is not.
    """

    path: list[str]
    excluded: list[str]
    leaves: list[str]
    notes: list[str]
    steps: int
    strikes: int
    ended: str


class Ground(Protocol):
    """What is walked on."""

    @property
    def root(self) -> str:
        """The name of the node above all."""

    def children(self, name: str) -> Sequence[str]:
        """The names of a node's children, in the order of the text; of a leaf, none."""

    def option(self, name: str, excluded: Sequence[str]) -> TriageOption:
        """A node as triage is shown it, its score that of the parts that are not excluded."""


class Decisions(Protocol):
    """Who decides; `walk` says what was read before."""

    def triage(self, walk: WalkState, options: Sequence[TriageOption]) -> Triage:
        """Which of the options to look into."""

    def leaf(self, walk: WalkState) -> LeafReading:
        """Whether the leaf at which the walk stands holds what answers the question."""


def begun_at(root: str) -> WalkState:
    """A walk that stands at the root."""
    return WalkState(path=[root], excluded=[], leaves=[], notes=[], steps=0, strikes=0, ended="")


def next_step(
    walk: WalkState, ground: Ground, decisions: Decisions, limits: WalkLimits
) -> tuple[WalkState, WalkStepState]:
    """The walk after one more decision, and that decision; where only one child is left, nobody is asked.

    Raises:
        ModelError: If the reader's model cannot be asked.
    """
    here = walk["path"][-1]
    options = [child for child in ground.children(here) if child not in walk["excluded"]]
    try:
        after, step = (_triaged if options else _read)(walk, options, ground, decisions)
    except InvalidReplyError:
        # A reader that gives up has tried twice.
        after = {**walk, "strikes": walk["strikes"] + 2}
        step = WalkStepState(node=here, options=options, choice="invalid", reason="", note="")
    after = {**after, "steps": walk["steps"] + 1}
    if after["strikes"] >= STRIKES:
        after = {**after, "ended": f"{STRIKES} invalid actions"}
    elif len(after["leaves"]) >= limits.leaves:
        after = {**after, "ended": "enough leaves are pooled"}
    elif not after["ended"] and after["steps"] >= limits.steps:
        after = {**after, "ended": f"the limit of {limits.steps} steps is reached"}
    return after, step


def _triaged(
    walk: WalkState, options: list[str], ground: Ground, decisions: Decisions
) -> tuple[WalkState, WalkStepState]:
    if len(options) == 1:
        chosen = Triage(0, "the only one left")
    else:
        shown = [ground.option(child, walk["excluded"]) for child in options]
        chosen = decisions.triage(walk, shown)
    if not 0 <= chosen.position < len(options):
        after: WalkState = {**walk, "strikes": walk["strikes"] + chosen.invalid + 1}
        return after, _step(walk, options, "invalid", chosen)
    choice = options[chosen.position]
    after = {**walk, "path": [*walk["path"], choice], "strikes": walk["strikes"] + chosen.invalid}
    return after, _step(walk, options, choice, chosen)


def _read(
    walk: WalkState, options: list[str], ground: Ground, decisions: Decisions
) -> tuple[WalkState, WalkStepState]:
    leaf, reading = walk["path"][-1], decisions.leaf(walk)
    step = _step(walk, options, "commit" if reading.commits else "revert", reading)
    after: WalkState = {
        **walk,
        "path": walk["path"][:-1],
        "excluded": [*walk["excluded"], leaf],
        "leaves": [*walk["leaves"], leaf] if reading.commits else walk["leaves"],
        "notes": [*walk["notes"], step["reason"]] if reading.commits else walk["notes"],
        "strikes": walk["strikes"] + reading.invalid,
    }
    return _settled(after, ground), step


def _settled(walk: WalkState, ground: Ground) -> WalkState:
    """After a leaf: back up to where something is left; once a leaf is pooled, something that is worth it."""
    path, excluded, left = list(walk["path"]), list(walk["excluded"]), False
    floor = 0.0
    if walk["leaves"]:
        best = [ground.option(child, excluded).score for name in path for child in ground.children(name)]
        floor = max(LITTLE, NEAR * max(best, default=0.0))
    while path:
        options = [child for child in ground.children(path[-1]) if child not in excluded]
        if any(ground.option(child, excluded).score >= floor for child in options):
            return {**walk, "path": path, "excluded": excluded}
        if not options:
            excluded.append(path[-1])
        left = left or bool(options)
        path.pop()
    ended = "search found next to nothing in what is left" if left else "every part has been looked into"
    return {**walk, "path": [], "excluded": excluded, "ended": ended}


def _step(walk: WalkState, options: list[str], choice: str, decided: Triage | LeafReading) -> WalkStepState:
    reason = " ".join(decided.reason.split())[:REASON_KEPT]
    return WalkStepState(
        node=walk["path"][-1], options=options, choice=choice, reason=reason, note=decided.note
    )

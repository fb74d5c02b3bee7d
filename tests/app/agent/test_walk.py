"""The walk on trees made by hand, its decisions from a script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from app.agent.forest import Forest
from app.agent.walk import WalkLimits, WalkState, begun_at, next_step
from reader.contract import LeafReading, Triage, TriageOption
from reader.errors import InvalidReplyError
from retrieval.search import ChunkPlace
from tests.tree_samples import part, tree_of

TREE = tree_of(part("Book", part("One", "a", "b"), part("Two", "c", "d"), part("Three", "e", "f")))
NAMES = {node.title: f"7:{node.ordinal}" for node in TREE.nodes}
TITLES = {name: title for title, name in NAMES.items()}


def forest(**scores: float) -> Forest:
    """The tree, with a hit of that score in each leaf named."""
    leaves = {node.title: node for node in TREE.leaves}
    hits = [
        (ChunkPlace(7, leaves[title].first_sentence, leaves[title].first_sentence + 2), score)
        for title, score in scores.items()
    ]
    return Forest.grown({7: TREE}, {7: "Book"}, hits)


EVEN = forest(a=1.0, b=1.0, c=1.0, d=1.0, e=1.0, f=1.0)


@dataclass
class Script:
    """Decides as it is told: a title to look into, True to commit, False to revert, or an error."""

    told: list[str | bool | int | Exception]
    seen: list[list[str]] = field(default_factory=list)
    invalid: int = 0

    def triage(self, walk: WalkState, options: Sequence[TriageOption]) -> Triage:
        self.seen.append([option.title for option in options])
        decided = self.told.pop(0)
        if isinstance(decided, Exception):
            raise decided
        if isinstance(decided, int):
            return Triage(decided)
        return Triage([option.title for option in options].index(decided), "it says so", self.invalid)

    def leaf(self, walk: WalkState) -> LeafReading:
        decided = self.told.pop(0)
        if isinstance(decided, Exception):
            raise decided
        assert isinstance(decided, bool)
        return LeafReading(decided, f"read {TITLES[walk['path'][-1]]}")


def walked(
    told: Script, steps: int = 50, leaves: int = 1, ground: Forest = EVEN
) -> tuple[WalkState, list[tuple[str, str]]]:
    """The walk to its end, and where which choice was made."""
    walk, choices = begun_at(ground.root), list[tuple[str, str]]()
    while not walk["ended"]:
        walk, step = next_step(walk, ground, told, WalkLimits(steps, leaves))
        choices.append((TITLES[step["node"]], TITLES.get(step["choice"], step["choice"])))
    assert told.told == [], "everything that was told was asked"
    return walk, choices


def titles(names: list[str]) -> list[str]:
    return [TITLES[name] for name in names]


def test_a_straight_walk() -> None:
    script = Script(["Two", "d", True])
    walk, choices = walked(script)
    assert choices == [("Book", "Two"), ("Two", "d"), ("d", "commit")]
    assert titles(walk["leaves"]) == ["d"]
    assert walk["notes"] == ["read d"]
    assert walk["ended"] == "enough leaves are pooled"
    assert script.seen == [["One", "Two", "Three"], ["c", "d"]]


def test_a_revert_recovers_at_the_parent_without_the_child() -> None:
    script = Script(["One", "a", False, True])
    walk, choices = walked(script)
    # Of the two leaves one is left: nobody is asked which.
    assert choices == [("Book", "One"), ("One", "a"), ("a", "revert"), ("One", "b"), ("b", "commit")]
    assert titles(walk["leaves"]) == ["b"]
    assert script.seen == [["One", "Two", "Three"], ["a", "b"]]


def test_an_exhausted_parent_reverts_further_up() -> None:
    script = Script(["One", "a", False, False, "Three", "e", True])
    walk, choices = walked(script)
    assert choices[4:] == [("b", "revert"), ("Book", "Three"), ("Three", "e"), ("e", "commit")]
    assert script.seen[2] == ["Two", "Three"], "the exhausted part is excluded"
    assert titles(walk["leaves"]) == ["e"]


def test_a_walk_that_finds_nothing_has_read_everything() -> None:
    script = Script(["One", "a", False, False, "Two", "c", False, False, "e", False, False])
    walk, choices = walked(script)
    assert walk["leaves"] == []
    assert walk["ended"] == "every part has been looked into"
    assert [node for node, choice in choices if choice == "revert"] == ["a", "b", "c", "d", "e", "f"]


@pytest.mark.parametrize(
    "told",
    [
        [InvalidReplyError("no"), InvalidReplyError("no")],  # each has been tried twice
        [9, -1, 5],
        [InvalidReplyError("no"), 3],
        ["One", "a", InvalidReplyError("no"), InvalidReplyError("no")],
    ],
)
def test_three_invalid_actions_end_in_no_answer(told: list[str | bool | int | Exception]) -> None:
    walk, choices = walked(Script(told))
    assert walk["ended"] == "3 invalid actions"
    assert walk["leaves"] == []
    assert choices[-1][1] == "invalid"


def test_two_invalid_actions_are_tried_again() -> None:
    walk, choices = walked(Script([7, 8, "One", "a", True]))
    assert choices[:3] == [("Book", "invalid"), ("Book", "invalid"), ("Book", "One")]
    assert titles(walk["leaves"]) == ["a"]


def test_repaired_replies_count_as_invalid_too() -> None:
    script = Script(["One", "a"], invalid=2)
    walk, _ = walked(script)
    assert walk["ended"] == "3 invalid actions"


def test_two_leaves_are_pooled_and_the_walk_goes_on_from_the_parent() -> None:
    script = Script(["Two", "c", True, True])
    walk, choices = walked(script, leaves=2)
    assert choices[2:] == [("c", "commit"), ("Two", "d"), ("d", "commit")]
    assert titles(walk["leaves"]) == ["c", "d"]


def test_two_leaves_far_from_each_other_are_pooled() -> None:
    ground = forest(a=1.0, b=0.5, f=0.9, c=0.2)
    script = Script(["One", "a", True, "Three", "f", True])
    walk, choices = walked(script, leaves=2, ground=ground)
    # b has 0.5, less than three quarters of the 0.9 that is left elsewhere.
    assert choices[3] == ("Book", "Three")
    assert titles(walk["leaves"]) == ["a", "f"]


def test_a_near_leaf_is_taken_first_if_it_is_as_good() -> None:
    ground = forest(a=1.0, b=0.7, f=0.9)
    script = Script(["One", "a", True, True])
    walk, _ = walked(script, leaves=2, ground=ground)
    assert titles(walk["leaves"]) == ["a", "b"]


def test_next_to_nothing_left_ends_the_walk() -> None:
    ground = forest(a=1.0, b=0.2, f=0.1)
    walk, _ = walked(Script(["One", "a", True]), leaves=3, ground=ground)
    assert titles(walk["leaves"]) == ["a"]
    assert walk["ended"] == "search found next to nothing in what is left"


def test_without_a_leaf_what_search_did_not_find_is_read_too() -> None:
    ground = forest(a=1.0)
    walk, _ = walked(Script(["One", "a", False, False, "Two", "c", True]), ground=ground)
    assert titles(walk["leaves"]) == ["c"]


def test_the_limit_of_steps() -> None:
    walk, choices = walked(Script(["One", "a", False]), steps=3)
    assert len(choices) == walk["steps"] == 3
    assert walk["ended"] == "the limit of 3 steps is reached"


def test_scores_shown_are_those_of_what_is_left() -> None:
    ground = forest(a=1.0, b=0.5, f=0.8)
    assert ground.option(NAMES["One"]).score == 1.0
    assert ground.option(NAMES["One"], [NAMES["a"]]).score == 0.5
    assert ground.option(NAMES["Two"]).score == 0.0


def test_a_tree_of_one_leaf_is_read() -> None:
    single = tree_of(part("Book", "only"))
    ground = Forest.grown({1: single}, {1: "Book"}, [])
    walk = begun_at(ground.root)
    script = Script([])

    class Reading(Script):
        def leaf(self, walk: WalkState) -> LeafReading:
            return LeafReading(False, "nothing")

    while not walk["ended"]:
        walk, _ = next_step(walk, ground, Reading([]), WalkLimits())
    assert (walk["leaves"], walk["ended"]) == ([], "every part has been looked into")
    assert script.seen == []


def test_a_walk_needs_a_step_and_a_leaf() -> None:
    for steps, leaves in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="a walk needs"):
            WalkLimits(steps, leaves)

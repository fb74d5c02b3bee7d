"""The trees of several documents as one, with the scores of a search."""

from __future__ import annotations

from app.agent.forest import EVERYTHING, Forest
from retrieval.search import ChunkPlace
from tests.tree_samples import part, tree_of

FIRST = tree_of(part("First", part("One", "a", "b"), part("Two", "c", "d")))
SECOND = tree_of(part("Second", "e", "f"))
BOTH = {3: FIRST, 5: SECOND}
TITLES = {3: "The First", 5: "The Second"}


def test_hits_are_given_to_their_leaves_and_all_nodes_above() -> None:
    hits = [
        (ChunkPlace(3, 18, 22), 0.5),  # from the second leaf into the third
        (ChunkPlace(3, 0, 3), 0.1),
        (ChunkPlace(5, 10, 12), 0.25),
        (ChunkPlace(9, 0, 3), 0.9),  # a document that is not walked
    ]
    forest = Forest.grown(BOTH, TITLES, hits)
    scores = {title: forest.option(name).score for title, name in named(forest).items()}
    assert scores == {
        "all documents": 1.0,
        "The First": 1.0,
        "One": 1.0,
        "Two": 1.0,
        "a": 0.2,
        "b": 1.0,
        "c": 1.0,
        "d": 0.0,
        "The Second": 0.5,
        "e": 0.0,
        "f": 0.5,
    }


def named(forest: Forest) -> dict[str, str]:
    """All nodes by title, from the root down."""
    found, names = dict[str, str](), [forest.root]
    for name in names:
        found[forest.title(name)] = name
        names += forest.children(name)
    return found


def test_above_several_documents_stands_one_node() -> None:
    forest = Forest.grown(BOTH, TITLES, [])
    assert forest.root == EVERYTHING
    assert [forest.title(child) for child in forest.children(EVERYTHING)] == ["The First", "The Second"]
    assert forest.summary(EVERYTHING) == ""
    assert forest.option(forest.children(EVERYTHING)[0]).summary == "What First tells."


def test_of_one_document_its_root_is_the_root() -> None:
    forest = Forest.grown({3: FIRST}, TITLES, [])
    document, node = forest.node(forest.root)
    assert (document, node) == (3, FIRST.root)
    assert forest.title(forest.root) == "The First"
    assert [forest.title(child) for child in forest.children(forest.root)] == ["One", "Two"]

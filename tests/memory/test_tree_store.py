import pytest
from sqlalchemy import Engine

from memory.documents import DocumentStore
from memory.summaries import SummaryStore
from memory.tree_store import TreeStore, TreeVersion
from memory.trees import SummaryTree
from retrieval.document import Span
from tests.memory.samples import TEXT, add, add_tree, counts, summarise

TABLES = ("trees", "tree_nodes", "summaries", "summary_vectors")


@pytest.fixture
def trees(engine: Engine) -> TreeStore:
    return TreeStore(engine)


def loaded(trees: TreeStore, key: int) -> SummaryTree:
    found = trees.load(key)
    assert found is not None
    return found


def rows(engine: Engine) -> list[int]:
    found = counts(engine)
    return [found[name] for name in TABLES]


def test_what_a_tree_is_planned_from(engine: Engine, trees: TreeStore) -> None:
    key = add(engine)
    sentences, tokens = trees.sentences(key)
    assert [TEXT[span.start : span.end] for span in sentences][::5] == ["One lamp burns.", "Six men wake."]
    assert tokens == [3] * 6


def test_a_tree_comes_back_as_it_was_planned(engine: Engine, trees: TreeStore) -> None:
    tree = loaded(trees, add_tree(engine, add(engine)))
    # Six sentences of three tokens; "Rivers" begins with the third.
    assert [(n.title, n.kind, n.level, n.number, n.parent, n.children, n.span) for n in tree.nodes] == [
        ("before Rivers", "leaf", 0, 0, 4, (), Span(0, 32)),
        ("Rivers, part 1", "leaf", 0, 1, 3, (), Span(32, 69)),
        ("Rivers, part 2", "leaf", 0, 2, 3, (), Span(69, 98)),
        ("Rivers", "section", 1, 0, 4, (1, 2), Span(32, 98)),
        ("Lamps", "root", 2, 0, None, (0, 3), Span(0, 98)),
    ]
    assert [node.tokens for node in tree.nodes] == [6, 6, 6, 12, 18]
    assert all(node.summary is None for node in tree.nodes)
    assert len({node.digest for node in tree.nodes}) == len(tree.nodes)


def test_summaries_stand_in_the_tree_with_absolute_places(engine: Engine, trees: TreeStore) -> None:
    key = add_tree(engine, add(engine))
    assert not trees.finish(key)
    summarise(engine, key)
    tree = loaded(trees, key)
    for node in tree.nodes:
        assert node.summary is not None
        assert node.summary.sentences[0].sources == (node.span,)
    assert trees.finish(key)


def test_a_tree_is_ready_once_all_is_linked(engine: Engine, trees: TreeStore) -> None:
    document = add(engine)
    key = add_tree(engine, document)
    summarise(engine, key, linked=False)
    tree = loaded(trees, key)
    record = DocumentStore(engine).records()[0]
    version = TreeVersion(record.id, record.content_hash, "reader", "recipe")
    assert not trees.finish(key)
    assert trees.find(version) == (key, False)
    store = SummaryStore(engine)
    digests = [node.digest for node in tree.nodes]
    assert store.unlinked(digests) == set(digests)
    store.link(store.get(digests).values())
    assert trees.finish(key)
    assert trees.find(version) == (key, True)
    assert trees.find(TreeVersion(record.id, record.content_hash, "another", "recipe")) is None


def test_a_tree_is_written_once(engine: Engine, trees: TreeStore) -> None:
    document = add(engine)
    key = add_tree(engine, document)
    before = rows(engine)
    assert add_tree(engine, document) == key
    assert rows(engine) == before


def test_two_readers_trees_stand_side_by_side(engine: Engine, trees: TreeStore) -> None:
    document = add(engine)
    one, other = add_tree(engine, document), add_tree(engine, document, "another")
    for key in (one, other):
        summarise(engine, key)
        assert trees.finish(key)
    assert {n.digest for n in loaded(trees, one).nodes} & {
        n.digest for n in loaded(trees, other).nodes
    } == set()
    assert trees.load(one) is not None


def test_a_new_versions_tree_takes_the_place_of_the_old_one(engine: Engine, trees: TreeStore) -> None:
    old = add_tree(engine, add(engine))
    summarise(engine, old)
    assert trees.finish(old)
    kept = loaded(trees, old)
    document = add(engine, text=TEXT.replace("Six men wake", "Six men dream"))
    new = add_tree(engine, document)
    digests = {node.digest for node in loaded(trees, new).nodes}
    # The old one answers until the new one is whole; what did not change has its summary.
    assert trees.load(old) is not None
    assert len(SummaryStore(engine).missing(digests)) == 3  # a leaf, its section, the root
    summarise(engine, new)
    assert trees.finish(new)
    assert trees.load(old) is None
    gone = {node.digest for node in kept.nodes} - digests
    assert SummaryStore(engine).missing(gone) == gone
    assert rows(engine)[2:] == [len(digests), len(digests)]


def test_removing_a_document_leaves_nothing_of_its_trees(engine: Engine, trees: TreeStore) -> None:
    document = add(engine)
    for reader in ("reader", "another"):
        summarise(engine, add_tree(engine, document, reader))
    assert min(rows(engine)) > 0
    DocumentStore(engine).remove(document)
    assert rows(engine) == [0, 0, 0, 0]


def test_what_another_document_needs_stays(engine: Engine, trees: TreeStore) -> None:
    one = add(engine)
    # The same text in another file, and a little more: its first leaf is the same.
    other = add(engine, text=TEXT + " Seven women work.", path="/books/more.txt", title="Lamps")
    keys = [add_tree(engine, each) for each in (one, other)]
    for key in keys:
        summarise(engine, key)
    shared = {n.digest for n in loaded(trees, keys[0]).nodes} & {
        n.digest for n in loaded(trees, keys[1]).nodes
    }
    assert shared
    DocumentStore(engine).remove(one)
    assert trees.load(keys[0]) is None
    tree = loaded(trees, keys[1])
    assert all(node.summary is not None for node in tree.nodes)
    assert rows(engine) == [1, len(tree.nodes), len(tree.nodes), len(tree.nodes)]


def test_anchors_are_those_of_the_same_text_or_of_the_newest_tree(engine: Engine, trees: TreeStore) -> None:
    document = add(engine)
    record = DocumentStore(engine).records()[0]
    assert trees.anchors(record.id, record.content_hash, "reader") is None
    key = add_tree(engine, document)
    leaves = loaded(trees, key).leaves
    found = trees.anchors(record.id, "another hash", "another reader")
    assert found is not None
    assert [anchor.offset for anchor in found] == [leaf.span.start for leaf in leaves[1:]]

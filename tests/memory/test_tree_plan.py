"""Plans of summary trees: texts of one-token words, sentences of ten, so that sizes can be said by hand."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.tree_plan import plan_tree, tree_anchors
from memory.tree_settings import SummaryLength, TreeSettings
from memory.trees import SummaryTree, TreeNode
from retrieval.document import Document, Section, Span
from retrieval.sentences import split_sentences

SMALL = TreeSettings(leaf_tokens=100, children=3)


def sentence(number: int, words: int = 10) -> str:
    return f"S{number} " + " ".join(["word"] * (words - 2)) + " end."


def paragraphs(count: int, first: int = 0, sentences: int = 2) -> str:
    """Paragraphs of two sentences, 20 tokens each."""
    texts = [" ".join(sentence(first + sentences * n + k) for k in range(sentences)) for n in range(count)]
    return "\n\n".join(texts) + "\n\n"


def book(*parts: tuple[int, str, str]) -> Document:
    """A document of (level, title, text); level 0 is text outside of sections."""
    text, opened = "", []
    for level, title, body in parts:
        opened.append((level, title, len(text)))
        text += (f"{title}\n\n" if level else "") + body
    sections = []
    for n, (level, title, start) in enumerate(opened):
        if level:
            ends = [at for other, _, at in opened[n + 1 :] if other <= level]
            sections.append(Section(title, level, Span(start, ends[0] if ends else len(text))))
    return Document(text, "The Book", "text/plain", tuple(sections))


def cut(document: Document) -> tuple[list[Span], list[int]]:
    starts = sorted({0, *(s.span.start for s in document.sections), len(document.text)})
    spans = [
        span
        for start, end in itertools.pairwise(starts)
        for span in split_sentences(document.text, start, end)
    ]
    return spans, [len(document.text[s.start : s.end].split()) for s in spans]


def plan(
    document: Document, settings: TreeSettings = SMALL, before: Document | None = None, key: str = "reader"
) -> tuple[TreeNode, ...]:
    """The plan of a document, if need be after that of the version before it."""
    anchors = None
    if before is not None:
        sentences, tokens = cut(before)
        anchors = tree_anchors(before.text, sentences, plan_tree(before, sentences, tokens, key, settings))
    sentences, tokens = cut(document)
    return plan_tree(document, sentences, tokens, key, settings, anchors)


def check(nodes: Sequence[TreeNode], document: Document, most: int = 3) -> None:
    """What holds for every tree."""
    sentences, tokens = cut(document)
    tree = SummaryTree(1, "d", "h", "r", tuple(nodes))
    assert [node.ordinal for node in nodes] == list(range(len(nodes)))
    assert [node.kind for node in nodes].count("root") == 1
    assert tree.root.kind == "root"
    assert tree.root.parent is None
    # Leaves hold every sentence once, in order, and follow one another.
    assert [n for leaf in tree.leaves for n in range(leaf.first_sentence, leaf.end_sentence)] == list(
        range(len(sentences))
    )
    for one, other in itertools.pairwise(tree.leaves):
        assert one.span.end == other.span.start
    assert tree.leaves[0].span.start == sentences[0].start
    assert tree.leaves[-1].span.end == sentences[-1].end
    for node in nodes:
        assert node.tokens == sum(tokens[node.first_sentence : node.end_sentence])
        assert node.title.strip()
        if not node.children:
            assert node.level == 0
            continue
        children = tree.children(node)
        assert len(children) <= most
        assert all(child.parent == node.ordinal < len(nodes) for child in children)
        assert all(child.level < node.level for child in children)
        assert node.span == Span(children[0].span.start, children[-1].span.end)
        if len(children) == 1:
            assert node.kind == "root"
            assert node.digest == children[0].digest
    for level in {node.level for node in nodes}:
        of_level = [node for node in nodes if node.level == level]
        assert sorted(node.number for node in of_level) == list(range(len(of_level)))


def outline(nodes: Sequence[TreeNode]) -> list[tuple[str, str, int, int]]:
    """Title, kind, level and tokens of all but the leaves, parents first."""
    return [(n.title, n.kind, n.level, n.tokens) for n in reversed(nodes) if n.kind != "leaf"]


def test_a_short_text_is_a_root_with_one_leaf_and_its_summary() -> None:
    document = book((0, "", paragraphs(2)))
    leaf, root = plan(document)
    check([leaf, root], document)
    assert (leaf.title, leaf.kind, leaf.level, leaf.tokens, leaf.id) == ("The Book", "leaf", 0, 40, "0.1")
    assert (root.title, root.kind, root.level, root.children, root.id) == ("The Book", "root", 1, (0,), "1.1")
    assert root.digest == leaf.digest


def test_without_sections_leaves_are_even_and_end_with_paragraphs() -> None:
    document = book((0, "", paragraphs(22)))  # 440 tokens: 4 leaves of about 110
    nodes = plan(document)
    check(nodes, document)
    leaves = [node for node in nodes if node.kind == "leaf"]
    assert [(leaf.tokens, leaf.title) for leaf in leaves] == [
        (100, "part 1"),
        (120, "part 2"),
        (100, "part 3"),
        (120, "part 4"),
    ]
    assert all(document.text[: leaf.span.end].endswith("\n\n") for leaf in leaves[:-1])
    # At most three children: two groups of two.
    assert outline(nodes) == [
        ("The Book", "root", 2, 440),
        ("parts 3 - 4", "group", 1, 220),
        ("parts 1 - 2", "group", 1, 220),
    ]


def test_sections_are_nodes_of_one_level_with_groups_above_and_below() -> None:
    chapters = [(1, f"CHAPTER {n}", paragraphs(size, 100 * n)) for n, size in enumerate((15, 10, 24, 5), 1)]
    document = book((0, "", paragraphs(3)), *chapters)
    nodes = plan(document)
    check(nodes, document)
    # A chapter of 100 tokens is one leaf; of 480, five leaves in two groups.
    assert outline(nodes) == [
        ("The Book", "root", 4, 1148),
        ("CHAPTER 2 - CHAPTER 4", "group", 3, 786),
        ("CHAPTER 4", "section", 0, 102),
        ("CHAPTER 3", "section", 2, 482),
        ("CHAPTER 3, parts 3 - 5", "group", 1, 280),
        ("CHAPTER 3, parts 1 - 2", "group", 1, 202),
        ("CHAPTER 2", "section", 2, 202),
        ("before CHAPTER 1 - CHAPTER 1", "group", 3, 362),
        ("CHAPTER 1", "section", 2, 302),
    ]
    first = nodes[0]
    assert (first.title, first.tokens, first.kind) == ("before CHAPTER 1", 60, "leaf")
    tree = SummaryTree(1, "d", "h", "r", nodes)
    assert [node.title for node in tree.sections] == ["CHAPTER 1", "CHAPTER 2", "CHAPTER 3", "CHAPTER 4"]


def test_nested_sections_and_headings_that_go_with_what_follows() -> None:
    document = book(
        (1, "PART ONE", ""),
        (2, "CHAPTER 1", paragraphs(10)),
        (2, "CHAPTER 2", paragraphs(10, 100)),
        (1, "PART TWO", paragraphs(4, 200)),
        (2, "CHAPTER 3", paragraphs(10, 300)),
    )
    nodes = plan(document)
    check(nodes, document)
    assert outline(nodes) == [
        ("The Book", "root", 3, 690),
        ("PART TWO", "section", 2, 284),
        ("CHAPTER 3", "section", 1, 202),
        ("PART ONE", "section", 2, 406),
        ("CHAPTER 2", "section", 1, 202),
        ("CHAPTER 1", "section", 1, 204),
    ]
    assert document.text[nodes[0].span.start :].startswith("PART ONE")


def test_a_part_with_a_single_chapter_is_one_node() -> None:
    document = book(
        (1, "PART ONE", ""),
        (2, "CHAPTER 1", paragraphs(10)),
        (1, "PART TWO", ""),
        (2, "CHAPTER 2", paragraphs(10, 100)),
    )
    nodes = plan(document)
    check(nodes, document)
    assert [each[:2] for each in outline(nodes)] == [
        ("The Book", "root"),
        ("PART TWO, CHAPTER 2", "section"),
        ("PART ONE, CHAPTER 1", "section"),
    ]


def test_a_section_around_everything_is_the_root() -> None:
    document = book((1, "The Book", ""), (2, "One", paragraphs(10)), (2, "Two", paragraphs(10, 50)))
    nodes = plan(document)
    check(nodes, document)
    assert [each[:2] for each in outline(nodes)] == [
        ("The Book", "root"),
        ("Two", "section"),
        ("One", "section"),
    ]


def test_small_sections_share_leaves_that_begin_where_they_do() -> None:
    small = [(1, f"Entry {n}", paragraphs(1, 10 * n)) for n in range(1, 21)]  # 22 tokens each
    document = book(*small, (1, "Essay", paragraphs(10, 500)))
    nodes = plan(document)
    check(nodes, document)
    leaves = [node for node in nodes if node.kind == "leaf" and node.title.startswith("Entry")]
    assert [(leaf.title, leaf.tokens) for leaf in leaves] == [
        ("Entry 1 - Entry 5", 110),
        ("Entry 6 - Entry 10", 110),
        ("Entry 11 - Entry 15", 110),
        ("Entry 16 - Entry 20", 110),
    ]


def test_a_last_section_that_is_hardly_a_heading_goes_with_the_one_before() -> None:
    document = book((1, "One", paragraphs(10)), (1, "Two", paragraphs(10, 50)), (1, "FINIS", ""))
    nodes = plan(document)
    check(nodes, document)
    assert [each[0] for each in outline(nodes)] == ["The Book", "Two", "One"]
    assert document.text[nodes[-1].span.start : nodes[-1].span.end].endswith("FINIS")


def test_degenerate_structures_stay_sane() -> None:
    tiny = book(*((1, f"Section {n}", sentence(n, 3) + "\n\n") for n in range(3_000)))
    nodes = plan(tiny)
    check(nodes, tiny)
    assert sum(not node.children for node in nodes) == 150  # 15,000 tokens
    deep = book(*((n, f"Level {n}", paragraphs(3, 10 * n)) for n in range(1, 31)))
    nodes = plan(deep)
    check(nodes, deep)
    assert max(node.level for node in nodes) <= 20
    # Sections that say the same, overlap, or hold nothing.
    text = paragraphs(20)
    odd = Document(
        text,
        "Odd",
        "text/plain",
        (
            Section("A", 1, Span(0, len(text))),
            Section("B", 2, Span(0, len(text))),
            Section("C", 3, Span(0, 0)),
            Section("D", 3, Span(10, len(text) // 2)),
            Section("E", 3, Span(len(text) // 3, len(text))),
            Section("F", 1, Span(len(text), len(text))),
        ),
    )
    check(plan(odd), odd)


def test_a_text_without_paragraphs_is_cut_at_sentences() -> None:
    document = book((0, "", " ".join(sentence(n) for n in range(40))))
    nodes = plan(document)
    check(nodes, document)
    assert [node.tokens for node in nodes if node.kind == "leaf"] == [100, 100, 100, 100]


def test_a_document_without_sentences_has_no_tree() -> None:
    with pytest.raises(ValueError, match="without a sentence"):
        plan_tree(Document("", "Empty", "text/plain"), [], [], "reader")


def test_a_digest_depends_on_what_a_summary_is_made_of() -> None:
    document = book((1, "One", paragraphs(10)), (1, "Two", paragraphs(10, 50)))
    nodes = plan(document)
    assert len({node.digest for node in nodes}) == len(nodes)
    assert [n.digest for n in plan(document)] == [n.digest for n in nodes]
    assert not {n.digest for n in plan(document, key="another")} & {n.digest for n in nodes}
    # Another length of inner summaries leaves those of leaves as they are; the text alone decides there.
    longer = plan(document, replace(SMALL, inner=SummaryLength(0, 300), root=SummaryLength(0, 300)))
    assert [n.digest == m.digest for n, m in zip(nodes, longer, strict=True)] == [
        not node.children for node in nodes
    ]
    moved = book(
        (0, "", paragraphs(6, 900)), *((1, f"Moved {t}", paragraphs(10, f)) for t, f in (("One", 0),))
    )
    assert nodes[1].digest in {node.digest for node in plan(moved)}


def changed(nodes: Sequence[TreeNode], before: Sequence[TreeNode]) -> int:
    """Summaries that must be made anew."""
    return len({node.digest for node in nodes} - {node.digest for node in before})


def depth(nodes: Sequence[TreeNode]) -> int:
    return nodes[-1].level


def the_book(seed: int = 0) -> list[list[str]]:
    """Chapters of paragraphs of one to three sentences of one to nine words, no two alike."""
    rng = random.Random(seed)
    number = iter(range(100_000))
    return [
        [
            " ".join(sentence(next(number), rng.randint(3, 12)) for _ in range(rng.randint(1, 3)))
            for _ in range(rng.randint(15, 60))
        ]
        for _ in range(7)
    ]


def printed(chapters: Sequence[Sequence[str]]) -> Document:
    return book(*((1, f"CHAPTER {n}", "\n\n".join(body) + "\n\n") for n, body in enumerate(chapters, 1)))


@pytest.mark.parametrize("seed", range(3))
def test_the_same_text_is_cut_in_the_same_way_again(seed: int) -> None:
    document = printed(the_book(seed))
    assert plan(document, before=document) == plan(document)
    # Repeated text too: a boundary is known by its place as well.
    chapters = the_book(seed)
    twice = printed(chapters + chapters)
    assert plan(twice, before=twice) == plan(twice)


@given(
    st.integers(0, 6), st.floats(0, 0.999), st.sampled_from(["grow", "shrink", "replace"]), st.integers(0, 3)
)
@settings(max_examples=60, deadline=None)
def test_an_edit_of_a_paragraph_costs_one_path(chapter: int, where: float, how: str, seed: int) -> None:
    chapters = the_book(seed)
    before = printed(chapters)
    edited = [list(body) for body in chapters]
    place = int(where * len(edited[chapter]))
    old = edited[chapter][place]
    edited[chapter][place] = {
        "grow": old + " And more was said of it, in a sentence that is new.",
        "shrink": old.split(". ")[0].split()[0] + ".",
        "replace": "Nothing of what stood here before is left.",
    }[how]
    after = printed(edited)
    nodes, again = plan(before), plan(after, before=before)
    check(again, after)
    assert 1 <= changed(again, nodes) <= depth(nodes) + 1


def test_a_new_paragraph_at_a_boundary_costs_one_path() -> None:
    chapters = the_book()
    before = printed(chapters)
    nodes = plan(before)
    boundaries = [node.span.start for node in nodes if node.kind == "leaf"][1:]
    for start in boundaries[::5]:
        text = before.text[:start] + "A paragraph that is new stands here.\n\n" + before.text[start:]
        shift = len(text) - len(before.text)
        sections = tuple(
            Section(s.title, s.level, Span(*(at + shift * (at > start) for at in (s.span.start, s.span.end))))
            for s in before.sections
        )
        after = Document(text, before.title, before.media_type, sections)
        assert changed(plan(after, before=before), nodes) <= depth(nodes) + 1


def test_a_leaf_that_has_grown_too_large_or_too_small_is_cut_anew() -> None:
    before = book((0, "", paragraphs(20)))
    grown = book((0, "", paragraphs(7) + paragraphs(10, 500) + paragraphs(13, 14)))
    nodes = plan(grown, before=before)
    check(nodes, grown)
    assert all(30 <= node.tokens <= 170 for node in nodes if node.kind == "leaf")
    shrunk = book((0, "", paragraphs(6) + paragraphs(10, 20)))
    nodes = plan(shrunk, before=before)
    check(nodes, shrunk)
    assert all(30 <= node.tokens <= 170 for node in nodes if node.kind == "leaf")


def test_another_text_in_place_of_the_old_one_is_cut_evenly() -> None:
    before, after = book((0, "", paragraphs(20))), book((0, "", paragraphs(20, 700)))
    nodes = plan(after, before=before)
    check(nodes, after)
    assert [node.tokens for node in nodes if node.kind == "leaf"] == [100, 100, 100, 100]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12)), min_size=1, max_size=25))
@settings(max_examples=100, deadline=None)
def test_any_structure_becomes_a_tree(shape: list[tuple[int, int]]) -> None:
    parts = [(level, f"T{n}", paragraphs(size, 100 * n)) for n, (level, size) in enumerate(shape)]
    document = book(*parts)
    if any(c.isalnum() for c in document.text):
        check(plan(document), document)


def test_settings_are_checked() -> None:
    with pytest.raises(ValueError, match="no length"):
        SummaryLength(10, 5)
    with pytest.raises(ValueError, match="no tree"):
        TreeSettings(children=1)

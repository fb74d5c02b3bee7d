from hypothesis import given
from hypothesis import strategies as st

from app.summaries.blocks import Block, blocks_of, innermost, merge_groups
from retrieval.document import Section, Span


def written(*paragraphs: int) -> tuple[str, list[Span]]:
    """A text of paragraphs of so many sentences, each "One." and ten tokens."""
    text, spans = "", list[Span]()
    for count in paragraphs:
        for n in range(count):
            spans.append(Span(len(text), len(text) + 4))
            text += "One." + (" " if n + 1 < count else "\n\n")
    return text, spans


def cut(text: str, spans: list[Span], limit: int, part: Span | None = None) -> list[Block]:
    return blocks_of(text, spans, [10] * len(spans), part or Span(0, len(text)), limit)


def test_blocks_end_with_paragraphs() -> None:
    text, spans = written(3, 2, 2, 1)
    assert cut(text, spans, 50) == [Block(0, 5, 50), Block(5, 8, 30)]
    assert cut(text, spans, 60) == [Block(0, 5, 50), Block(5, 8, 30)]
    assert cut(text, spans, 1000) == [Block(0, 8, 80)]


def test_long_paragraphs_are_cut_at_sentences() -> None:
    text, spans = written(7)
    assert cut(text, spans, 30) == [Block(0, 3, 30), Block(3, 6, 30), Block(6, 7, 10)]
    assert cut(text, spans, 5) == [Block(n, n + 1, 10) for n in range(7)]


def test_a_paragraph_end_that_would_leave_little_is_passed_over() -> None:
    text, spans = written(1, 9)
    assert cut(text, spans, 60) == [Block(0, 6, 60), Block(6, 10, 40)]


def test_only_sentences_that_lie_in_the_part_whole() -> None:
    text, spans = written(3, 3)
    assert cut(text, spans, 100, Span(spans[1].start, spans[4].end)) == [Block(1, 5, 40)]
    assert cut(text, spans, 100, Span(spans[1].start + 1, spans[4].end - 1)) == [Block(2, 4, 20)]
    assert cut(text, spans, 100, Span(1, 3)) == []


@given(
    st.lists(st.integers(1, 6), max_size=12), st.lists(st.integers(1, 40), min_size=72), st.integers(1, 90)
)
def test_blocks_hold_every_sentence_once(paragraphs: list[int], tokens: list[int], limit: int) -> None:
    text, spans = written(*paragraphs)
    blocks = blocks_of(text, spans, tokens, Span(0, len(text)), limit)
    assert [n for block in blocks for n in range(block.first, block.end)] == list(range(len(spans)))
    for block in blocks:
        assert block.tokens == sum(tokens[block.first : block.end])
        assert block.tokens <= limit or block.end - block.first == 1


@given(st.lists(st.integers(1, 3000), max_size=60))
def test_every_round_of_merging_leaves_fewer(tokens: list[int]) -> None:
    groups = merge_groups(tokens, 2300)
    assert [n for first, end in groups for n in range(first, end)] == list(range(len(tokens)))
    if len(tokens) > 1:
        assert len(groups) < len(tokens)
        assert all(end - first >= 2 for first, end in groups)


def test_groups_fill_up_to_the_limit() -> None:
    assert merge_groups([1000, 1000, 1000, 1000], 2300) == [(0, 2), (2, 4)]
    assert merge_groups([500] * 5, 2300) == [(0, 5)]
    assert merge_groups([1000, 1000, 1000], 2300) == [(0, 3)]
    assert merge_groups([7], 2300) == [(0, 1)]


def test_coverage_is_counted_in_the_sections_that_hold_no_others() -> None:
    sections = [
        Section("Part", 1, Span(10, 60)),
        Section("One", 2, Span(20, 40)),
        Section("Two", 2, Span(40, 60)),
        Section("End", 1, Span(60, 90)),
    ]
    assert innermost(sections, Span(0, 100)) == [Span(20, 40), Span(40, 60), Span(60, 90)]
    assert innermost(sections, Span(30, 60)) == [Span(30, 40), Span(40, 60)]


def test_without_sections_it_is_counted_in_tenths() -> None:
    assert innermost([], Span(100, 200)) == [Span(100 + 10 * n, 110 + 10 * n) for n in range(10)]
    assert innermost([], Span(5, 8)) == [Span(5, 6), Span(6, 7), Span(7, 8)]
    assert innermost([], Span(5, 5)) == [Span(5, 5)]

"""Generated haystacks: the same for a seed, nested, with each sentence at its depth and nothing by chance."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.haystacks.hay import Hay, Placed, token_counts
from app.haystacks.needles import KINDS, Needle, make_needles, make_several
from app.haystacks.prose import TITLE, paragraphs
from app.haystacks.threads import MOST_MARKS, make_chains
from retrieval.encoder import Encoder
from retrieval.headings import find_sections


class Letters:
    """Counts every character that is not white space as a token."""

    def token_offsets(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        return [[(n, n + 1) for n, c in enumerate(text) if not c.isspace()] for text in texts]


LETTERS = Letters()


@pytest.fixture(scope="module")
def hay() -> Hay:
    return Hay.grown(5, 200_000, LETTERS)


def text_of(hay: Hay) -> str:
    return hay.with_placed([]).text


def test_the_same_seed_makes_the_same_prose(hay: Hay) -> None:
    again = Hay.grown(5, 200_000, LETTERS)
    assert again == hay
    other = Hay.grown(6, 200_000, LETTERS)
    bodies = [{p.sentences for p in each.paragraphs if not p.heading} for each in (hay, other)]
    assert bodies[0].isdisjoint(bodies[1])


def test_shorter_hay_is_the_beginning_of_longer_hay(hay: Hay) -> None:
    whole = text_of(hay)
    for tokens in (1, 4_000, 50_000, 199_000):
        assert whole.startswith(text_of(hay.beginning(tokens)))
    assert (
        Hay.grown(5, 50_000, LETTERS).paragraphs == hay.paragraphs[: len(Hay.grown(5, 50_000, LETTERS).ends)]
    )


def test_hay_has_the_tokens_that_were_asked_for(hay: Hay, encoder: Encoder) -> None:
    assert hay.tokens == sum(1 for c in text_of(hay) if not c.isspace())
    for tokens in (20_000, 100_000):
        assert hay.beginning(tokens).tokens == pytest.approx(tokens, rel=0.05)
    counted = Hay.grown(5, 4_000, encoder)
    assert counted.tokens == pytest.approx(4_000, rel=0.05)
    assert counted.tokens == token_counts([text_of(counted)], encoder)[0]


def test_prose_is_readable_and_varied(hay: Hay) -> None:
    text = text_of(hay)
    assert text.startswith(TITLE + "\n\nBOOK 1. ")
    sentences = [each for p in hay.paragraphs if not p.heading for each in p.sentences]
    assert hay.distinct == len(set(sentences)) / len(sentences) > 0.99
    for sentence in sentences:
        assert re.fullmatch(r"[A-Z].*\w\.", sentence), sentence
        assert not re.search(r"[{}\d\n]|  |\b[Aa] [aeiou]", sentence), sentence
    bodies = [" ".join(p.sentences) for p in hay.paragraphs if not p.heading]
    assert len(set(bodies)) == len(bodies)


def test_chapters_are_found_as_sections(hay: Hay) -> None:
    text = text_of(hay)
    headings = [p.sentences[0] for p in hay.paragraphs if p.heading][1:]
    sections = find_sections(text)
    assert [text[s.span.start :].split("\n")[0] for s in sections] == headings
    assert {section.level for section in sections} == {1, 2}


def test_every_chapter_of_a_long_book_is_found() -> None:
    """Books are counted so that no number gets too long for a heading."""
    headings = [p.sentences[0] for p in itertools.islice(paragraphs(1), 40_000) if p.heading][1:]
    numbers = [int(each.split()[1].rstrip(".")) for each in headings]
    assert len(headings) > 1_500
    assert max(numbers) < 1_000


def test_sentences_stand_at_their_depths(hay: Hay) -> None:
    placed = [Placed(f"Mark {n}.", n / 10) for n in range(11)]
    stack = hay.with_placed(placed)
    body = stack.text.index("\n\n", stack.text.index("CHAPTER 1.")) + 2
    for n, offset in enumerate(stack.offsets):
        assert stack.text[offset:].startswith(f"Mark {n}.")
        depth = (offset - body) / (len(stack.text) - body)
        assert depth == pytest.approx(n / 10, abs=0.005)
    assert stack.offsets[0] == body
    assert stack.text.endswith("Mark 10.\n\n")
    without = stack.text
    for n in range(11):
        without = without.replace(f"Mark {n}. ", "").replace(f" Mark {n}.\n", "\n")
    assert without == text_of(hay)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1), max_size=12), st.integers(1, 30_000))
def test_nothing_placed_is_lost(hay: Hay, depths: list[float], tokens: int) -> None:
    placed = [Placed(f"Mark {n}.", depth) for n, depth in enumerate(depths)]
    stack = hay.beginning(tokens).with_placed(placed)
    for each, offset in zip(placed, stack.offsets, strict=True):
        assert stack.text[offset : offset + len(each.sentence)] == each.sentence
        assert stack.text.count(each.sentence) == 1
    lines = stack.text.split("\n\n")
    assert not any("Mark" in line for line in lines if line.startswith(("BOOK", "CHAPTER", "THE CHRONICLE")))
    in_order = [offset for _, offset in sorted(zip(depths, stack.offsets, strict=True))]
    assert in_order == sorted(in_order)


def test_needles_have_keys_and_values_of_their_own(hay: Hay) -> None:
    needles = make_needles(3, 51, 8)
    assert needles == make_needles(3, 51, 8) != make_needles(4, 51, 8)
    facts = [fact for needle in needles for fact in (needle.fact, *needle.look_alikes)]
    assert len(facts) == 51 * 9
    assert len({fact.value for fact in facts}) == len(facts)
    text = text_of(hay)
    for fact in facts:
        assert fact.value in fact.sentence
        assert fact.value not in text
        assert re.match(r"[A-Z\d].*\.$", fact.sentence)
    for needle in needles:
        assert len(needle.questions) == 3
        assert not any(fact.value in question for question in needle.questions for fact in facts)


def test_a_look_alike_differs_in_one_word_of_the_key() -> None:
    for number, needle in enumerate(make_needles(8, 40, 4)):
        slots = KINDS[number % len(KINDS)].slots
        key = key_of(needle.fact.sentence, slots)
        for fact in needle.look_alikes:
            other = key_of(fact.sentence, slots)
            assert sum(one != two for one, two in zip(key, other, strict=True)) == 1
        assert all(all(word in question for word in key) for question in needle.questions)


def key_of(sentence: str, slots: Sequence[Sequence[str]]) -> list[str]:
    """The word of each slot that stands in a sentence."""
    return [next(word for word in slot if re.search(rf"\b{word}\b", sentence)) for slot in slots]


def test_a_needle_can_stand_alone() -> None:
    (needle,) = make_needles(1, 1, 0)
    assert isinstance(needle, Needle)
    assert needle.look_alikes == ()


def test_several_answers_to_one_question() -> None:
    made = make_several(2, 4)
    assert len({each.question for each in made}) == 4
    values = [fact.value for each in made for fact in each.facts]
    assert len(set(values)) == 12
    assert all(fact.value in fact.sentence for each in made for fact in each.facts)


def test_each_fact_of_a_chain_names_the_next() -> None:
    chains = make_chains(1, 4, 3)
    assert chains == make_chains(1, 4, 3)
    marks: list[str] = []
    for chain in chains:
        assert chain.hops == 4
        first = re.search(r"mark of the (\w+ \w+):", chain.question)
        assert first is not None
        mark = first[1]
        for fact in chain.facts:
            marks.append(mark)
            assert f"box with the mark of the {mark}" in fact.sentence
            assert fact.value in fact.sentence.replace(mark, "")
            mark = fact.value
        assert chain.value == mark
        assert re.fullmatch(r"\d{5}", chain.value)
    assert len(set(marks)) == 12
    others = make_chains(1, 2, 3, apart=12)
    assert not any(mark in fact.sentence for chain in others for fact in chain.facts for mark in marks)


def test_marks_run_out() -> None:
    assert len(make_chains(0, 8, MOST_MARKS // 8)) == MOST_MARKS // 8
    with pytest.raises(ValueError, match=f"more than {MOST_MARKS} marks"):
        make_chains(0, 8, MOST_MARKS // 8, apart=8)

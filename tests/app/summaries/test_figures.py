import math

import pytest

from app.summaries.figures import measure
from retrieval.document import Span

SECTIONS = [Span(0, 50), Span(50, 80), Span(80, 100)]


def test_a_summary_that_draws_on_all_sections_evenly() -> None:
    sources = [[Span(n * 10, n * 10 + 5)] for n in range(10)]
    figures = measure(["One two."] * 10, sources, SECTIONS, Span(0, 100))
    assert figures.words == 20
    assert (figures.sections_drawn_on, figures.sections_total, figures.coverage) == (3, 3, 1.0)
    assert figures.stretches == (1,) * 10
    assert figures.evenness == pytest.approx(1.0)
    assert figures.unsupported == 0


def test_a_summary_of_the_ending_alone() -> None:
    figures = measure(["A."] * 4, [[Span(95, 99)]] * 4, SECTIONS, Span(0, 100))
    assert figures.sections_drawn_on == 1
    assert figures.coverage == pytest.approx(1 / 3)
    assert figures.stretches == (*(0,) * 9, 4)
    assert figures.evenness == 0.0


def test_two_halves_of_three_sentences() -> None:
    figures = measure(["A."] * 3, [[Span(0, 5)], [Span(1, 5)], [Span(90, 95)]], SECTIONS, Span(0, 100))
    entropy = -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3))
    assert figures.evenness == pytest.approx(entropy / math.log(3))


def test_a_sentence_counts_once_in_a_tenth_and_once_in_each_that_it_rests_on() -> None:
    figures = measure(["A.", "B."], [[Span(0, 3), Span(4, 8), Span(55, 60)], []], SECTIONS, Span(0, 100))
    assert figures.stretches == (1, 0, 0, 0, 0, 1, 0, 0, 0, 0)
    assert figures.unsupported == 1


def test_offsets_count_from_the_start_of_the_part() -> None:
    figures = measure(["A."], [[Span(150, 160)]], [Span(100, 200)], Span(100, 200))
    assert figures.stretches == (0, 0, 0, 0, 0, 1, 0, 0, 0, 0)


def test_a_summary_that_rests_on_nothing() -> None:
    figures = measure(["A."], [[]], SECTIONS, Span(0, 100))
    assert (figures.evenness, figures.coverage, figures.unsupported) == (None, 0.0, 1)
    assert measure([], [], SECTIONS, Span(0, 100)).evenness is None


def test_no_sections_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one section"):
        measure([], [], [], Span(0, 0))

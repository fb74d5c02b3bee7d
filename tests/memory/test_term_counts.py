from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.term_counts import MOST, SMALL, TermCounts

words = st.lists(st.sampled_from(["tea", "sea", "ship", "été", "日本"]), max_size=8)
batches = st.lists(st.lists(words, max_size=90), max_size=6)


def counted(batches: list[list[list[str]]]) -> TermCounts:
    found = TermCounts()
    for batch in batches:
        found.add(batch)
    return found


@settings(max_examples=60, deadline=None)
@given(batches)
def test_counts_are_those_of_the_texts_however_they_were_added(batches: list[list[list[str]]]) -> None:
    turns = [turn for batch in batches for turn in batch]
    found = counted(batches)
    terms = ["tea", "日本", "nowhere", "ship"]
    expected = [[Counter(turn)[term] for turn in turns] for term in terms]
    assert len(found) == len(turns)
    assert found.matrix(terms).tolist() == expected
    assert found.lengths.tolist() == [len(turn) for turn in turns]
    for term, (places, counts) in zip(terms, found.postings(terms), strict=True):
        assert places.tolist() == [place for place, turn in enumerate(turns) if term in turn]
        assert counts.tolist() == [Counter(turn)[term] for turn in turns if term in turn]


def test_one_by_one_is_as_all_at_once() -> None:
    turns = [["tea"] * (n % 4) + [f"word{n % 50}"] for n in range(5 * SMALL)]
    terms = ["tea", "word7", "word49", "sea"]
    one_by_one, at_once = counted([[turn] for turn in turns]), counted([turns])
    assert np.array_equal(one_by_one.matrix(terms), at_once.matrix(terms))
    assert np.array_equal(one_by_one.lengths, at_once.lengths)


def test_nothing_was_said() -> None:
    assert TermCounts().matrix(["tea"]).shape == (1, 0)
    assert counted([[], [[]]]).matrix(["tea"]).tolist() == [[0.0]]
    assert counted([[["tea"]]]).matrix([]).shape == (0, 1)


def test_a_term_repeated_without_end_counts_as_often_as_a_byte_holds() -> None:
    many = ["tea"] * (MOST + 100)
    assert counted([[many]]).matrix(["tea"]).tolist() == [[MOST]]
    sealed = counted([[many] * (SMALL + 1)])
    assert sealed.matrix(["tea"]).max() == MOST
    assert sealed.lengths[0] == MOST + 100

"""Summaries of sentences taken as they stand; embeddings are given by hand."""

import time
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader.central import CentralWeights, central_summary
from reader.contract import SummaryPart
from retrieval.hits import Float32

BOAT = "The keeper painted the old boat red."
SANK = "In the storm the old boat of the keeper sank."
HENS = "Somewhere else four hens were fed on corn."
NIGHT = "Nobody slept in the village that night."


def rows(*angles: float) -> Float32:
    """Unit rows at these angles, in degrees: sentences of one direction say the same."""
    radians = np.radians(angles)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def part(texts: Sequence[str], *angles: float) -> SummaryPart:
    return SummaryPart(tuple(texts), rows(*(angles or [0.0] * len(texts))))


def test_the_sentence_closest_to_all_others_in_meaning() -> None:
    # The mean of 0, 30 and 90 degrees points to 38.8: the second is the closest.
    weights = CentralWeights(words=0)
    written = central_summary([part([BOAT, SANK, HENS], 0, 30, 90)], 10, weights=weights)
    assert written.sentences == (SANK,)
    assert written.taken == ((0, 1),)


def test_the_sentence_with_the_words_that_are_said_most() -> None:
    # keeper, old and boat stand in two sentences, everything else in one.
    weights = CentralWeights(meaning=0)
    assert central_summary([part([HENS, NIGHT, BOAT, SANK])], 9, weights=weights).sentences in [
        (BOAT,),
        (SANK,),
    ]


def test_what_has_been_said_is_not_said_again() -> None:
    texts = ["The old boat sank in the storm.", "The old boat sank in the storm again.", NIGHT]
    weights = CentralWeights(meaning=0, words=1, said=0.1, repeated=0)
    assert central_summary([part(texts)], 15, weights=weights).taken == ((0, 0), (0, 2))
    weights = CentralWeights(meaning=0, words=0, repeated=1)
    assert central_summary([part(texts, 0, 1, 90)], 15, weights=weights).taken == ((0, 0), (0, 2))


def test_each_part_has_its_turn_if_it_is_to_be_spread() -> None:
    # All of the first part is closer to the mean, 25.8 degrees, than the second.
    parts = [part([BOAT, SANK, NIGHT], 20, 20, 20), part([HENS], 50)]
    weights = CentralWeights(words=0, repeated=0, turn=0.2)
    assert central_summary(parts, 15, weights=weights).taken == ((0, 0), (0, 2))
    assert central_summary(parts, 15, spread=True, weights=weights).taken == ((0, 0), (1, 0))


def test_as_many_as_there_is_room_for_in_the_order_of_the_text() -> None:
    texts = [BOAT, SANK, HENS, NIGHT]  # 7, 10, 8, 7 words
    assert central_summary([part(texts)], 100).sentences == tuple(texts)
    assert sum(len(each.split()) for each in central_summary([part(texts)], 16).sentences) in (14, 15, 16)
    # Without room for any, the shortest.
    assert central_summary([part(texts)], 3).sentences == (BOAT,)


@pytest.mark.parametrize(
    "other",
    [
        "CHAPTER I",
        "* * *",
        "No.",
        "1847 1848 1849 1850 1851 1852.",
        "The Project Gutenberg eBook of the boat of the keeper.",
        "All rights reserved by the keeper of the old boat.",
        "A list of the boats of the keeper of the isle",
        "” said the keeper of the old boat at last.",
        "boat " * 61 + "sank.",
    ],
)
def test_what_is_no_sentence_of_the_text_is_taken_last(other: str) -> None:
    parts = [part([other, BOAT, other, SANK])]
    assert set(central_summary(parts, 100).sentences) == {BOAT, SANK}
    # Where there is nothing else, it is better than nothing.
    alone = central_summary([part([other])], 100)
    assert alone.sentences == (other,)


def test_texts_of_scripts_without_spaces() -> None:
    texts = ["老船在暴风雨中沉没了，没有人获救。", "第二天早上，灯塔看守人在沙滩上发现了它的舵。"]
    assert central_summary([part(texts)], 100).sentences == tuple(texts)
    assert len(central_summary([part(texts)], 12).sentences) == 1


@given(
    st.lists(
        st.lists(st.sampled_from([BOAT, SANK, HENS, NIGHT, "No.", "* * *"]), max_size=6),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 60),
    st.booleans(),
)
def test_sentences_are_taken_as_they_stand(texts: list[list[str]], words: int, spread: bool) -> None:
    if not any(texts):
        return
    rng = np.random.default_rng(words)
    parts = [SummaryPart(tuple(each), rows(*rng.uniform(0, 180, len(each)))) for each in texts]
    written = central_summary(parts, words, spread)
    assert written.taken is not None
    assert list(written.taken) == sorted(set(written.taken))
    assert written.sentences == tuple(parts[p].sentences[s] for p, s in written.taken)
    assert len(written.sentences) == 1 or sum(len(each.split()) for each in written.sentences) <= words
    assert central_summary(parts, words, spread) == written


def test_a_long_text_takes_no_time() -> None:
    texts = [f"The boat number {n} sank on day {n % 7} of the long voyage." for n in range(10_000)]
    embeddings = np.random.default_rng(0).standard_normal((10_000, 384)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    began = time.process_time()
    written = central_summary([SummaryPart(tuple(texts), embeddings)], 250)
    assert 230 <= sum(len(each.split()) for each in written.sentences) <= 250
    assert time.process_time() - began < 20

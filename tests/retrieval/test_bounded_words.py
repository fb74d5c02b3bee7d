"""Entries up to an id, by brute force over all entries."""

from __future__ import annotations

import numpy as np
import pytest

from retrieval.bounded_words import BoundedWords
from retrieval.lexical_index import LexicalIndex

WORDS = ("fox", "owl", "river", "stone", "lamp", "snow")
DOCUMENTS, EACH = 3, 40


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> LexicalIndex:
    draw = np.random.default_rng(7)
    count = DOCUMENTS * EACH
    texts = [" ".join(draw.choice(WORDS, draw.integers(2, 12))) for _ in range(count)]
    # The word of the last entry of each document, and of no other.
    texts[EACH - 1 :: EACH] = [f"{text} ending" for text in texts[EACH - 1 :: EACH]]
    index = LexicalIndex.create(tmp_path_factory.mktemp("words"))
    # In two commits, so that there are several segments.
    for first in range(0, count, count // 2):
        ids = np.arange(first, first + count // 2) + 1
        index.add(ids, 10 + (ids - 1) // EACH, texts[first : first + count // 2])
        index.commit()
    return index


def within(*documents: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(documents, np.int64)


@pytest.mark.parametrize("query", ["fox", "river stone", "owl lamp ending", "snow"])
@pytest.mark.parametrize("up_to", [{}, {10: 0}, {10: 7}, {11: 63, 12: 81}, {10: 39, 11: 40, 12: 200}])
def test_the_same_hits_as_all_hits_without_those_beyond(
    index: LexicalIndex, query: str, up_to: dict[int, int]
) -> None:
    everything = index.search(query, DOCUMENTS * EACH)
    for documents in ((10,), (10, 11), (10, 11, 12)):
        allowed = [
            n
            for n, key in enumerate(everything.ids.tolist())
            if (document := 10 + (key - 1) // EACH) in documents and key <= up_to.get(document, key)
        ]
        for k in (5, DOCUMENTS * EACH):
            hits = index.search(query, k, within(*documents), up_to)
            assert hits.ids.tolist() == everything.ids[allowed][:k].tolist()
            assert hits.scores.tolist() == pytest.approx(everything.scores[allowed][:k].tolist())


def test_words_that_occur_beyond_alone_are_unknown(index: LexicalIndex) -> None:
    bounded = BoundedWords(index, {10: EACH - 1}, frozenset({"tail"}))
    assert bounded.occurring(["end", "fox", "tail", "moon"], within(10)) == {"fox", "tail"}
    assert bounded.occurring(["end"], within(10, 11)) == {"end"}
    assert bounded.frequencies(["end"]) == index.frequencies(["end"]) == [DOCUMENTS]
    assert len(bounded) == len(index) == DOCUMENTS * EACH
    assert len(bounded.search("ending", 5, within(10))) == 0
    assert bounded.search("ending", 5, within(11)).ids.tolist() == [2 * EACH]


def test_it_is_not_searched_without_documents(index: LexicalIndex) -> None:
    bounded = BoundedWords(index, {10: 3})
    with pytest.raises(ValueError, match="named"):
        bounded.search("fox", 5)
    with pytest.raises(ValueError, match="named"):
        bounded.occurring(["fox"])

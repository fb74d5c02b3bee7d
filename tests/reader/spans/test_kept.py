"""Readings that are kept, with a reader that counts what it reads."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from reader.spans.kept import KeptReadings
from retrieval.reranking import Reading


class CountingReader:
    """A `SpanReader` whose relevance tells which text and question it read."""

    name = "counting"

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[str]]] = []
        self.fails = False

    def read(self, question: str, texts: Sequence[str]) -> list[Reading]:
        if self.fails:
            raise RuntimeError("no memory")
        self.asked.append((question, list(texts)))
        return [Reading(meaning(question, text), 0.0, ()) for text in texts]


def meaning(question: str, text: str) -> float:
    return 1000.0 * len(question) + len(text)


@pytest.fixture
def counting() -> CountingReader:
    return CountingReader()


def test_the_name_is_that_of_the_other_one(counting: CountingReader) -> None:
    assert KeptReadings(counting).name == "counting"


def test_each_text_is_read_once_in_the_order_given(counting: CountingReader) -> None:
    kept = KeptReadings(counting)
    texts = ["ccc", "a", "ccc", "bb", "a"]
    assert [each.relevance for each in kept.read("q", texts)] == [1003.0, 1001.0, 1003.0, 1002.0, 1001.0]
    assert [each.relevance for each in kept.read("q", ["bb", "dddd", "a"])] == [1002.0, 1004.0, 1001.0]
    assert counting.asked == [("q", ["ccc", "a", "bb"]), ("q", ["dddd"])]


def test_another_question_is_another_reading(counting: CountingReader) -> None:
    kept = KeptReadings(counting)
    assert kept.read("q", ["a"])[0].relevance == 1001.0
    assert kept.read("who", ["a"])[0].relevance == 3001.0
    assert len(counting.asked) == 2


def test_what_is_known_or_nothing_asks_nobody(counting: CountingReader) -> None:
    kept = KeptReadings(counting)
    assert kept.read("q", []) == []
    kept.read("q", ["a", ""])
    first, second = kept.read("q", ["", "a"])
    assert (first.relevance, second.relevance) == (1000.0, 1001.0)
    assert counting.asked == [("q", ["a", ""])]


def test_what_was_not_needed_for_longest_is_forgotten(counting: CountingReader) -> None:
    kept = KeptReadings(counting, most=2)
    kept.read("q", ["a", "bb"])
    kept.read("q", ["a"])  # needed again, so bb goes first
    kept.read("q", ["ccc"])
    assert [texts for _, texts in counting.asked] == [["a", "bb"], ["ccc"]]
    kept.read("q", ["a", "ccc"])
    assert len(counting.asked) == 2
    kept.read("q", ["bb"])
    assert counting.asked[2:] == [("q", ["bb"])]


def test_more_texts_than_are_kept_all_come_back(counting: CountingReader) -> None:
    kept = KeptReadings(counting, most=3)
    texts = ["x" * n for n in range(10)]
    assert [each.relevance for each in kept.read("q", texts)] == [1000.0 + n for n in range(10)]
    kept.read("q", texts[7:])
    assert len(counting.asked) == 1
    kept.read("q", texts[6:7])
    assert len(counting.asked) == 2


def test_after_an_error_all_is_as_before(counting: CountingReader) -> None:
    kept = KeptReadings(counting)
    kept.read("q", ["a"])
    counting.fails = True
    with pytest.raises(RuntimeError, match="no memory"):
        kept.read("q", ["a", "bb"])
    assert kept.read("q", ["a"])[0].relevance == 1001.0
    counting.fails = False
    assert kept.read("q", ["bb"])[0].relevance == 1002.0


class Yielding(str):
    """A text that lets the other threads run whenever it is looked up."""

    def __hash__(self) -> int:
        time.sleep(0)
        return super().__hash__()


def test_several_threads_each_get_their_own(counting: CountingReader) -> None:
    kept = KeptReadings(counting, most=5)
    begin = threading.Barrier(8)

    def reads(number: int) -> None:
        begin.wait()
        for turn in range(100):
            question = "q" * (1 + (number + turn) % 3)
            texts = [Yielding("x" * ((number * turn + n) % 9)) for n in range(4)]
            expected = [meaning(question, text) for text in texts]
            assert [each.relevance for each in kept.read(question, texts)] == expected

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(reads, number) for number in range(8)]:
            done.result()

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.controller import ActivatedItem, MemoryBudget, control, extract, flash_text

NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)
BUDGET = MemoryBudget(flash=5, item=8, activated=20, total=25)


def words(text: str) -> int:
    return len(text.split())


def item(key: int, tokens: int, summary: int = 0, score: float = 1.0, minutes: int = 0) -> ActivatedItem:
    """A turn of so many words whose summary has so many."""
    text, short = " ".join([f"w{key}"] * tokens), " ".join([f"s{key}"] * summary)
    return ActivatedItem(key, NOON + timedelta(minutes=minutes or key), text, short, score)


class Judge:
    """Says what it is told to, and knows what it was asked."""

    def __init__(
        self, suffices: bool = False, forms: Sequence[Literal["drop", "summary", "raw"]] = ()
    ) -> None:
        self.suffices, self.forms = suffices, forms
        self.asked: list[str] = []

    def summary_suffices(self, question: str, summary: str, text: str) -> bool:
        self.asked.append(summary)
        return self.suffices

    def judge_memories(
        self, question: str, memories: Sequence[str]
    ) -> Sequence[Literal["drop", "summary", "raw"]]:
        self.asked += memories
        return self.forms or ["raw"] * len(memories)


def test_what_fits_is_given_whole_in_the_order_of_time() -> None:
    judge = Judge()
    found = control("q", [item(1, 10, 2, minutes=30), item(2, 5, 1, minutes=20)], BUDGET, words, judge)
    assert [(each.key, each.form, each.tokens) for each in found.items] == [(2, "raw", 5), (1, "raw", 10)]
    assert (found.tokens, found.dropped, judge.asked) == (15, 0, [])


def test_a_long_item_becomes_its_summary_if_that_is_enough() -> None:
    # 22 words in all, above 20: the item of 9, above 8, is asked about, that of 8 is not.
    items = [item(1, 9, 2), item(2, 8, 2), item(3, 5, 1)]
    enough, lacking = Judge(suffices=True), Judge()
    found = control("q", items, BUDGET, words, enough)
    assert [(each.key, each.form) for each in found.items] == [(1, "summary"), (2, "raw"), (3, "raw")]
    assert found.tokens == 2 + 8 + 5
    assert enough.asked == ["s1 s1"]
    assert [each.form for each in control("q", items, BUDGET, words, lacking).items] == ["raw"] * 3


def test_of_few_long_items_only_it_is_asked() -> None:
    judge = Judge(suffices=False)
    found = control("q", [item(n, 9, 1) for n in range(1, 7)], MemoryBudget(5, 8, 20, 60), words, judge)
    assert len(judge.asked) == 4
    assert [each.form for each in found.items] == ["raw"] * 4 + ["summary"] * 2


def test_over_the_total_all_but_the_best_are_judged() -> None:
    items = [item(1, 10, 1), item(2, 10, 1), item(3, 10, 1), item(4, 1)]
    judge = Judge(forms=["drop", "summary", "raw"])
    found = control("q", items, BUDGET, words, judge)
    assert [(each.key, each.form) for each in found.items] == [(1, "raw"), (3, "summary"), (4, "raw")]
    assert found.dropped == 1
    assert not any("w1" in text for text in judge.asked), "the most relevant one is not judged"


def test_what_is_still_too_much_is_made_brief_from_the_least_relevant_up() -> None:
    found = control("q", [item(n, 8, 2) for n in (1, 2, 3, 4)], BUDGET, words, Judge())
    # 32 words: the fourth makes it 26, the third 20.
    assert [each.form for each in found.items] == ["raw", "raw", "summary", "summary"]


def test_then_dropped_and_the_best_is_the_last_to_lose_its_words() -> None:
    found = control("q", [item(1, 24), item(2, 9, 5), item(3, 9)], BUDGET, words, Judge())
    assert [each.key for each in found.items] == [1]
    assert found.dropped == 2


def test_what_is_above_the_total_by_itself_is_a_summary_or_an_extract_rather_than_lost() -> None:
    found = control("q", [item(1, 40, 3), item(2, 30, 30), item(3, 9)], BUDGET, words, Judge())
    assert [(each.key, each.form, each.tokens) for each in found.items] == [
        (1, "summary", 3),
        (2, "extract", 8),  # as many words as a long item has
        (3, "raw", 9),
    ]
    assert found.items[1].shown == " ".join(["w2"] * 8) + "…"
    assert found.dropped == 0
    (alone,) = control("q", [item(1, 40)], BUDGET, words, Judge()).items
    assert (alone.form, alone.tokens) == ("extract", 8)
    assert control("q", [item(1, 40)], MemoryBudget(0, 0, 0, 0), words, Judge()).items == ()


def test_summaries_alone_that_are_too_much_end() -> None:
    """The released code of SCM never ends here."""
    found = control("q", [item(n, 30, 20) for n in range(1, 6)], BUDGET, words, Judge(suffices=True))
    assert [(each.key, each.form) for each in found.items] == [(1, "summary")]


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=12),
    st.booleans(),
    st.integers(0, 60),
)
def test_the_budget_is_never_exceeded(sizes: list[tuple[int, int]], suffices: bool, total: int) -> None:
    items = [item(n, *size, score=1 / n) for n, size in enumerate(sizes, start=1)]
    budget = MemoryBudget(flash=5, item=8, activated=min(20, total), total=total)
    found = control("q", items, budget, words, Judge(suffices))
    assert found.tokens == sum(words(each.shown) for each in found.items) <= total
    assert len(found.items) + found.dropped == len(items)
    assert [each.at for each in found.items] == sorted(each.at for each in found.items)


def test_the_turn_before_is_raw_if_it_is_short_else_brief() -> None:
    assert flash_text("a b c d e", "a", BUDGET, words) == "a b c d e"
    assert flash_text("a b c d e f", "a", BUDGET, words) == "a"
    assert flash_text("a b c d e f", "", BUDGET, words) == "a b c d e…"
    assert flash_text("a b c d e f g h", "a b c d e f", BUDGET, words) == "a b c d e…"
    assert flash_text("a b", "", MemoryBudget(0, 8, 20, 25), words) == ""


def pairs(text: str) -> int:
    """Tokens of two characters, as some have that are cut within words."""
    return (len(text) + 1) // 2


@given(st.text(max_size=200), st.text(max_size=80), st.integers(0, 60))
def test_the_budget_of_the_turn_before_is_never_exceeded(text: str, summary: str, flash: int) -> None:
    given_text = flash_text(text, summary, MemoryBudget(flash, 0, 0, 0), pairs)
    assert pairs(given_text) <= flash
    assert given_text in (text, summary) or any(
        each.startswith(given_text.removesuffix("…")) for each in (text, summary)
    )


def test_an_extract_ends_with_a_word_and_is_as_long_as_it_can_be() -> None:
    text = "One sentence of many words, and no full stop anywhere in it"
    assert extract(text, 100, pairs) == text
    assert extract(text, 15, pairs) == "One sentence of many words,…"  # 28 characters; "and" makes it 32
    assert extract("x" * 50, 5, pairs) == "xxxxxxxxx…"


def test_budgets_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="budgets"):
        MemoryBudget(activated=10, total=5)

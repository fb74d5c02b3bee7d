"""Questions made wrong for their passage: what is put in never is an answer."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reader.training.altering import altered_questions
from reader.training.rows import Row


def row(
    question: str, context: str, answer: str | None = "den", title: str = "Foxes", source: str = "toy"
) -> Row:
    """Whether the answer stands in the passage does not matter here."""
    return Row(source, title, context, question, ((answer, 0),) if answer else ())


def altered(*rows: Row, seed: int = 0) -> list[str | None]:
    return altered_questions(rows, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("question", "context", "expected"),
    [
        ("Who saw Ada?", "In spring Olaf came.", "Who saw Olaf?"),
        ("Who saw Ada Lind at night?", "It was of old Duke of York.", "Who saw Duke of York at night?"),
        ("Who came in 1880?", "It was 1880, then 1912.", "Who came in 1912?"),
        ("Who sold 3 boats?", "He had 4,500 of them.", "Who sold 4,500 boats?"),
        ("What was red?", "A den.", "What wasn't red?"),
        ("What did he say and do?", "A den.", "What didn't he say and do?"),
    ],
)
def test_exchanges_by_hand(question: str, context: str, expected: str, seed: int) -> None:
    assert altered(row(question, context), seed=seed) == [expected]


@pytest.mark.parametrize(
    ("question", "context", "answer"),
    [
        ("Who saw it?", "In spring Olaf came in 1912.", "den"),  # neither name, number nor verb
        ("What wasn't red?", "A den.", "den"),
        ("What was not red?", "A den.", "den"),
        ("Who saw Ada?", "In spring Ada came.", "den"),
        ("Who saw Ada Lind?", "In spring Olaf Lind came.", "den"),  # may be the same person
        ("Who saw Ada?", "In spring Olaf came.", "Olaf"),
        ("Who saw Ada?", "In spring Olaf came.", "the old Olaf of Ven"),
        ("Who saw Ada?", "In spring Olaf Berg came.", "Berg"),
        ("Who saw Ada?", "In spring Olaf Berg came.", "olaf"),
        ("Who came in 1880?", "It was 1880, then 1912.", "1912"),
        ("Who came in 1880?", "In spring Olaf came.", "den"),  # a name is no number
        ("Who saw Ada?", "In spring Olaf came.", None),
        ("What was red?", "A den.", None),
    ],
)
def test_nothing_where_there_is_nothing_to_exchange(question: str, context: str, answer: str | None) -> None:
    for seed in range(5):
        assert altered(row(question, context, answer), seed=seed) == [None]


def test_what_is_put_in_stands_in_the_same_article() -> None:
    asked = row("Who saw Ada?", "In spring Ada came.")
    same = row("Who?", "With him Olaf came.", None)
    others = [
        row("Who?", "With him Nils came.", None, "Owls"),
        row("Who?", "With Erik.", None, source="else"),
    ]
    assert altered(asked, *others) == [None, None, None]
    assert altered(asked, same, *others) == ["Who saw Olaf?", None, None, None]


def test_the_same_is_made_of_the_same() -> None:
    names = " and ".join(f"with {name}" for name in ("Olaf", "Nils", "Erik", "Berta", "Signe"))
    rows = [row(f"What did the keeper {n} tell Ada in 18{n:02d}?", names, title=f"{n}") for n in range(60)]
    assert altered(*rows, seed=3) == altered(*rows, seed=3)
    assert altered(*rows, seed=3) != altered(*rows, seed=4)


def test_every_fifth_is_negated_where_something_else_could_be_done() -> None:
    rows = [row("What did you tell Ada?", "In spring Olaf came.", title=f"{n}") for n in range(1_000)]
    found = altered(*rows)
    assert {*found} == {"What didn't you tell Ada?", "What did you tell Olaf?"}
    assert 150 < found.count("What didn't you tell Ada?") < 250  # 200, and four times its deviation of 12.6


NAMES = ("Smith", "John Smith", "Ada Lind", "Lind", "Ven", "Olaf", "Duke of York", "York", "Mary-Ann", "Ann")
NAME = st.sampled_from(NAMES)
NUMBER = st.integers(1, 30).map(str) | st.integers(1_900, 1_930).map(str)


def articles(said: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, list[str], list[str]]]:
    answers = st.lists(said | said.map(lambda each: f"{each} and others"), min_size=1, max_size=3)
    return st.tuples(said, st.lists(said, max_size=6), answers)


@settings(deadline=None)
@given(articles(NAME) | articles(NUMBER), st.integers(0, 99))
def test_no_answer_is_ever_put_in(article: tuple[str, list[str], list[str]], seed: int) -> None:
    said, told, answers = article
    context = "".join(f"then came {each} ; " for each in told)
    asked = Row("toy", "Article", context, f"Who saw {said} there?", tuple((each, 0) for each in answers))
    (found,) = altered(asked, seed=seed)
    possible = [
        each
        for each in told
        if not {*each.lower().split()} & {*said.lower().split()}
        and not any(answer.lower() in each.lower() or each.lower() in answer.lower() for answer in answers)
    ]
    if found is None:
        assert possible == []
        return
    match = re.fullmatch(r"Who saw (.+) there\?", found)
    assert match
    assert match.group(1) in possible

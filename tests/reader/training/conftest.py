"""What the tests of training share: ten questions, and the same as tokens."""

from __future__ import annotations

from typing import Any

import pytest
from tokenizers import Tokenizer

from reader.training.examples import Pool, make_pool
from reader.training.rows import Row
from retrieval.encoder import DEFAULT_ENCODER, model_folder

PEOPLE = ("Ada", "Corrie", "Märta", "Olaf", "Ingrid", "Johan", "Sigrid", "Nils", "Astrid", "Erik")
THINGS = ("boat", "door", "tower", "lamp", "fence", "bridge", "wagon", "bell", "mill", "roof")


def row(number: int) -> Row:
    """Of three sentences the second one answers; every fifth question has no answer."""
    person, thing = PEOPLE[number], THINGS[number]
    context = (
        f"The island of Ven had {number + 3} farms in 18{number}0. "
        f"In the spring {person} painted the {thing} red, and nobody helped. "
        f"Later the old people of Sandholm spoke of it with Captain Lund."
    )
    if number % 5 == 4:
        return Row("toy", f"Article {number}", context, f"Why did {person} sell the {thing}?", ())
    answer = f"the {thing}"
    answers = ((answer, context.index(answer)),)
    return Row(
        "toy", f"Article {number}", context, f"What did the keeper {person} paint in 18{number}0?", answers
    )


@pytest.fixture(scope="session")
def rows() -> list[Row]:
    return [row(number) for number in range(10)]


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """Without truncation and padding."""
    loaded = Tokenizer.from_file(str(model_folder(DEFAULT_ENCODER) / "tokenizer.json"))
    loaded.no_truncation()
    loaded.no_padding()
    return loaded


@pytest.fixture(scope="session")
def pool(rows: list[Row], tokenizer: Any) -> Pool:
    """With two wrong passages for each question."""
    made = make_pool(rows, tokenizer)
    return made.with_wrong([((n + 1) % 10, (n + 2) % 10) for n in range(10)])

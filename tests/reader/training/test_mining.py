"""Wrong passages that look right, found by the real encoder among a few."""

from __future__ import annotations

from typing import Any

import pytest

from reader.training.examples import Pool, make_pool
from reader.training.mining import KEPT, with_wrong_passages
from reader.training.rows import Row
from retrieval.encoder import DEFAULT_ENCODER, SentenceTransformerEncoder


@pytest.fixture(scope="module")
def encoder() -> SentenceTransformerEncoder:
    return SentenceTransformerEncoder.load(DEFAULT_ENCODER)


def row(context: str, question: str, *answers: str, source: str = "toy") -> Row:
    return Row(source, "", context, question, tuple((each, context.index(each)) for each in answers))


LAMP = "At nine o'clock Märta put out the lamp of the lighthouse."
LIKE = [
    "At ten o'clock Olaf put out the lamp in the kitchen.",
    "The lamp of the lighthouse was lit at dusk.",
    "The keeper carried oil to the lamp of the lighthouse.",
]
UNLIKE = [f"Stocks of company {n} fell by {n} percent on Monday." for n in range(12)]


def mined(rows: list[Row], tokenizer: Any, encoder: SentenceTransformerEncoder) -> tuple[Pool, Pool]:
    pool = make_pool(rows, tokenizer)
    return pool, with_wrong_passages(pool, encoder)


def texts(pool: Pool, n: int) -> list[str]:
    return [pool.passages[wrong].text for wrong in pool.asked[n].wrong]


def test_the_nearest_passages_without_the_answer(tokenizer: Any, encoder: SentenceTransformerEncoder) -> None:
    rows = [row(LAMP, "Who put out the lamp of the lighthouse?", "Märta")]
    rows += [row(each, "What?") for each in (*UNLIKE, *LIKE)]
    _, found = mined(rows, tokenizer, encoder)
    wrong = texts(found, 0)
    assert len(wrong) == KEPT
    assert {*wrong[:3]} == {*LIKE}
    assert LAMP not in wrong


def test_a_passage_with_an_answer_is_not_wrong(tokenizer: Any, encoder: SentenceTransformerEncoder) -> None:
    holds = ["The name of the keeper of the lamp was MÄRTA.", "She put it out: Märta's hand was burnt."]
    rows = [row(LAMP, "Who put out the lamp of the lighthouse?", "Märta", "nine")]
    rows += [row(each, "What?") for each in (*holds, *LIKE, "Ninety-nine lamps of a lighthouse.")]
    _, found = mined(rows, tokenizer, encoder)
    assert {*texts(found, 0)} == {*LIKE}


def test_without_an_answer_only_its_own_passage_is_left_out(
    tokenizer: Any, encoder: SentenceTransformerEncoder
) -> None:
    rows = [row(LAMP, "Who sold the lamp?"), *(row(each, "What?") for each in LIKE)]
    _, found = mined(rows, tokenizer, encoder)
    assert {*texts(found, 0)} == {*LIKE}
    for n in range(len(rows)):
        assert found.asked[n].passage not in found.asked[n].wrong


def test_each_set_is_searched_by_itself(tokenizer: Any, encoder: SentenceTransformerEncoder) -> None:
    rows = [row(LAMP, "Who put out the lamp?", "Märta"), row(UNLIKE[0], "What fell?")]
    rows += [row(each, "What?", source="other") for each in (*LIKE, LAMP)]
    pool, found = mined(rows, tokenizer, encoder)
    assert texts(found, 0) == [UNLIKE[0]]
    # The same passage in both sets is one passage, and may be wrong in the other.
    assert len(pool.passages) == 5
    assert UNLIKE[0] not in {text for n in range(2, 6) for text in texts(found, n)}
    assert LAMP in texts(found, 2)


def test_a_question_without_words_and_a_set_of_one_passage(
    tokenizer: Any, encoder: SentenceTransformerEncoder
) -> None:
    rows = [row(LAMP, "?", "Märta"), row(LIKE[0], "What?"), row(UNLIKE[0], "Why?", source="other")]
    _, found = mined(rows, tokenizer, encoder)
    assert texts(found, 0) == [LIKE[0]]
    assert found.asked[2].wrong == ()


def test_nothing_else_of_the_pool_changes(tokenizer: Any, encoder: SentenceTransformerEncoder) -> None:
    pool, found = mined([row(LAMP, "Who?", "Märta"), row(LIKE[0], "Who?", "Olaf")], tokenizer, encoder)
    assert found.passages is pool.passages
    assert [each.row for each in found.asked] == [each.row for each in pool.asked]
    assert [each.spans for each in found.asked] == [each.spans for each in pool.asked]
    assert [each.wrong for each in pool.asked] == [(), ()]
    empty = Pool([], [])
    assert with_wrong_passages(empty, encoder) == empty

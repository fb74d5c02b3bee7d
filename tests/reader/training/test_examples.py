"""Rows as tokens and batches, against arrays that are made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader.training.examples import (
    CLS,
    MOST_QUESTION,
    SEP,
    WINDOW,
    Asked,
    Example,
    Passage,
    Pool,
    batch_of,
    examples_of,
    make_pool,
)
from reader.training.rows import Row

FOX = "The fox ran. It slept."
OWL = "An owl."


def row(context: str, question: str, *answers: str) -> Row:
    return Row("toy", "", context, question, tuple((each, context.index(each)) for each in answers))


def ids(tokenizer: Any, *tokens: str) -> list[int]:
    return [tokenizer.token_to_id(token) for token in tokens]


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_special_tokens_are_those_of_the_model(tokenizer: Any) -> None:
    assert ids(tokenizer, "[CLS]", "[SEP]") == [CLS, SEP]


def test_each_passage_is_tokenised_once(tokenizer: Any) -> None:
    pool = make_pool(
        [row(FOX, "Who ran?", "fox"), row(OWL, "What?"), row(FOX, "Who slept?", "It")], tokenizer
    )
    assert [each.text for each in pool.passages] == [FOX, OWL]
    assert [each.passage for each in pool.asked] == [0, 1, 0]
    assert [each.spans for each in pool.asked] == [((1, 1),), (), ((4, 4),)]
    fox = pool.passages[0]
    assert fox.ids.tolist() == ids(tokenizer, "the", "fox", "ran", ".", "it", "slept", ".")
    assert fox.starts.tolist() == [0, 4, 8, 11, 13, 16, 21]
    assert fox.ends.tolist() == [3, 7, 11, 12, 15, 21, 22]
    assert fox.sentences == [0, 13]


def test_altered_questions_are_tokens_too_and_long_ones_are_cut(tokenizer: Any) -> None:
    long = "why " * 60 + "was it red?"
    pool = make_pool(
        [row(FOX, "What was red?", "fox"), row(FOX, "Who ran?", "fox"), row(FOX, long, "fox")], tokenizer
    )
    first, second, third = pool.asked
    assert first.altered is not None
    assert first.altered.tolist() == tokenizer.encode("What wasn't red?", add_special_tokens=False).ids
    assert second.altered is None
    assert third.ids.tolist() == ids(tokenizer, "why") * MOST_QUESTION
    assert third.altered is not None
    assert len(third.altered) == MOST_QUESTION


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (4, 7, (1, 1)),
        (4, 11, (1, 2)),
        (5, 6, (1, 1)),  # inside of a token
        (3, 8, (1, 1)),  # with the spaces around it
        (0, 22, (0, 6)),
        (21, 22, (6, 6)),
        (10, 14, (2, 4)),
        (3, 4, (1, 1)),  # a space is the token behind it
    ],
)
def test_the_tokens_of_characters_by_hand(
    tokenizer: Any, start: int, end: int, expected: tuple[int, int]
) -> None:
    (passage,) = make_pool([row(FOX, "?")], tokenizer).passages
    assert passage.tokens(start, end) == expected


@pytest.mark.parametrize(("token", "expected"), [(0, (0, 4)), (3, (0, 4)), (4, (4, 7)), (6, (4, 7))])
def test_the_sentence_of_a_token_by_hand(tokenizer: Any, token: int, expected: tuple[int, int]) -> None:
    (passage,) = make_pool([row(FOX, "?")], tokenizer).passages
    assert passage.sentence(token) == expected


def test_a_passage_of_other_letters_keeps_its_characters(tokenizer: Any) -> None:
    text = "  😀 Märta saw 今天天气。 She left, too."
    (asked,) = make_pool([row(text, "Who?", "Märta", "今天天气", "She left")], tokenizer).asked
    (passage,) = make_pool([row(text, "Who?")], tokenizer).passages
    assert [text[passage.starts[first] : passage.ends[last]] for first, last in asked.spans] == [
        "Märta",
        "今天天气",
        "She left",
    ]


def test_an_empty_passage_has_no_tokens(tokenizer: Any) -> None:
    pool = make_pool([row("", "Who ran?"), row(" \n", "Who?")], tokenizer)
    examples = [each for n in (0, 1) for each in examples_of(pool, n, random(), True, True)]
    arrays = batch_of(pool, examples)
    assert arrays["ids"].tolist() == [
        ids(tokenizer, "[CLS]", "who", "ran", "?", "[SEP]", "[SEP]"),
        [*ids(tokenizer, "[CLS]", "who", "?", "[SEP]", "[SEP]"), 0],
    ]
    assert arrays["first"].tolist() == [0, 0]


def test_a_batch_by_hand(tokenizer: Any) -> None:
    pool = make_pool(
        [row(FOX, "Who ran?", "fox ran"), row(OWL, "Who was it?"), row(FOX, "What was it?", "slept")],
        tokenizer,
    ).with_wrong([(1,), (), (1,)])
    examples = [
        *examples_of(pool, 0, random(), wrong=True, trick=False),
        *examples_of(pool, 1, random(), wrong=True, trick=True),
        *examples_of(pool, 2, random(), wrong=False, trick=True),
    ]
    found = batch_of(pool, examples)

    def padded(*tokens: str) -> list[int]:
        return [*ids(tokenizer, *tokens), *[0] * (16 - len(tokens))]

    fox, owl = ("the", "fox", "ran", ".", "it", "slept", "."), ("an", "owl", ".")
    was = ("what", "was", "it", "?")
    # ' and t of "wasn't" are tokens of their own.
    was_not = ("what", "wasn", "'", "t", "it", "?")
    assert found["ids"].tolist() == [
        padded("[CLS]", "who", "ran", "?", "[SEP]", *fox, "[SEP]"),
        padded("[CLS]", "who", "ran", "?", "[SEP]", *owl, "[SEP]"),
        padded("[CLS]", "who", "was", "it", "?", "[SEP]", *owl, "[SEP]"),
        padded("[CLS]", *was, "[SEP]", *fox, "[SEP]"),
        ids(tokenizer, "[CLS]", *was_not, "[SEP]", *fox, "[SEP]"),
    ]
    lengths, begins = [13, 9, 10, 14, 16], [5, 5, 6, 6, 8]
    for k, (length, begin) in enumerate(zip(lengths, begins, strict=True)):
        passage = range(begin, length - 1)
        assert found["mask"][k].tolist() == [int(at < length) for at in range(16)]
        assert found["kinds"][k].tolist() == [int(begin <= at < length) for at in range(16)]
        assert found["choosable"][k].tolist() == [at == 0 or at in passage for at in range(16)]
    assert found["first"].tolist() == [6, 0, 0, 11, 0]
    assert found["last"].tolist() == [7, 0, 0, 11, 0]
    assert found["relevant"].tolist() == [1, 0, -1, 1, -1]
    sentence = np.full((5, 16), -1)
    sentence[0, 5:12], sentence[0, 5:9] = 0, 1
    sentence[3, 6:13], sentence[3, 10:13] = 0, 1
    assert found["sentence"].tolist() == sentence.tolist()


def made(tokens: int, question: int, spans: tuple[tuple[int, int], ...], altered: int = 0) -> Pool:
    """A passage of tokens that are numbers, three characters each, in sentences of seven tokens."""
    starts = np.arange(tokens, dtype=np.int32) * 4
    text = "abc " * tokens
    passage = Passage(
        text, np.arange(tokens, dtype=np.int32) + 1000, starts, starts + 3, [*starts[::7]] or [0]
    )
    asked = Asked(
        row(OWL, "?"),
        np.full(question, 7, np.int32),
        0,
        spans,
        np.full(altered, 8, np.int32) if altered else None,
        (0,),
    )
    return Pool([passage], [asked])


@st.composite
def pools(draw: st.DrawFn) -> Pool:
    tokens = draw(st.integers(0, 700))
    first = draw(st.integers(0, max(tokens - 1, 0)))
    last = draw(st.integers(first, max(min(tokens - 1, first + draw(st.sampled_from([0, 5, 600]))), first)))
    spans = ((first, last),) if tokens and draw(st.booleans()) else ()
    return made(tokens, draw(st.integers(0, MOST_QUESTION)), spans, draw(st.integers(0, MOST_QUESTION)))


@given(pools(), st.integers(0, 999))
def test_a_window_holds_the_answer_and_fits(pool: Pool, seed: int) -> None:
    (asked,), (passage,) = pool.asked, pool.passages
    examples = examples_of(pool, 0, random(seed), wrong=True, trick=True)
    assert [each.relevant for each in examples] == [
        1 if asked.spans else -1,
        0,
        *([-1] if asked.altered is not None else []),
    ]
    assert [each.altered for each in examples] == [False, False, True][: len(examples)]
    arrays = batch_of(pool, examples)
    assert arrays["ids"].shape[1] == max(each.length for each in examples) <= WINDOW
    for k, each in enumerate(examples):
        question = len(asked.altered) if each.altered and asked.altered is not None else len(asked.ids)
        assert 0 <= each.begin <= each.end <= len(passage.ids)
        assert each.length == each.end - each.begin + question + 3 == arrays["mask"][k].sum()
        # As much as fits is shown.
        assert each.length == WINDOW or (each.begin, each.end) == (0, len(passage.ids))
        if each.span is None:
            assert arrays["first"][k] == arrays["last"][k] == 0
            assert (arrays["sentence"][k] == -1).all()
            continue
        ((first, last),) = asked.spans
        # Its beginning, and all of it unless it is longer than half of a window.
        room = WINDOW - question - 3
        assert each.span == (first, min(last, first + room // 2 - 1) if last - first >= room // 2 else last)
        assert each.begin <= each.span[0] <= each.span[1] < each.end
        assert arrays["ids"][k, arrays["first"][k]] == 1000 + each.span[0]
        assert arrays["ids"][k, arrays["last"][k]] == 1000 + each.span[1]
        inside = {int(number) - 1000 for number in arrays["ids"][k][arrays["sentence"][k] == 1]}
        number = first // 7
        assert inside == {*range(7 * number, 7 * number + 7)} & {*range(each.begin, each.end)}


def test_windows_of_a_long_passage_lie_anywhere_around_the_answer() -> None:
    pool = made(700, 10, ((300, 302),))
    begins = {examples_of(pool, 0, random(seed), False, False)[0].begin for seed in range(300)}
    room = WINDOW - 10 - 3
    assert 303 - room <= min(begins) < 303 - room + 20
    assert 300 - 20 < max(begins) <= 300


def test_one_of_several_answers_is_taken() -> None:
    pool = made(50, 10, ((3, 3), (20, 22)))
    spans = [examples_of(pool, 0, random(seed), False, False)[0].span for seed in range(40)]
    assert {*spans} == {(3, 3), (20, 22)}


def test_only_what_is_wanted_is_made(tokenizer: Any) -> None:
    rows = [row(FOX, "What was red?", "fox"), row(OWL, "What?")]
    pool = make_pool(rows, tokenizer).with_wrong([(1,), ()])
    assert len(examples_of(pool, 0, random(), False, False)) == 1
    assert [each.passage for each in examples_of(pool, 0, random(), True, False)] == [0, 1]
    assert [each.altered for each in examples_of(pool, 0, random(), False, True)] == [False, True]
    assert len(examples_of(pool, 1, random(), True, True)) == 1


def test_wrong_passages_are_those_given(tokenizer: Any) -> None:
    pool = make_pool([row(FOX, "Who ran?", "fox"), row(OWL, "What?")], tokenizer)
    assert [each.wrong for each in pool.with_wrong([[1], []]).asked] == [(1,), ()]
    assert [each.wrong for each in pool.asked] == [(), ()]
    with pytest.raises(ValueError, match="shorter"):
        pool.with_wrong([[1]])


def test_examples_are_the_same_for_the_same_seed() -> None:
    pool = made(700, 10, ((300, 302), (5, 6)), altered=12)
    first = [examples_of(pool, 0, random(seed), True, True) for seed in range(20)]
    assert first == [examples_of(pool, 0, random(seed), True, True) for seed in range(20)]
    assert len({each[0].begin for each in first}) > 5


def test_a_batch_does_not_depend_on_its_order() -> None:
    pool = made(300, 10, ((100, 102),), altered=12)
    examples: list[Example] = examples_of(pool, 0, random(), True, True)
    shorter = replace(examples[1], end=examples[1].begin + 5, length=18)
    first, second = batch_of(pool, [*examples, shorter]), batch_of(pool, [shorter, *examples[::-1]])
    for name, each in first.items():
        np.testing.assert_array_equal(each, second[name][::-1])

"""Rows as tokens and batches, against arrays that are made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reader.spans.decoding import LONGEST
from reader.training.examples import (
    CLS,
    MOST_QUESTION,
    SEP,
    STEP,
    WINDOW,
    Asked,
    Example,
    Passage,
    Pool,
    Wording,
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
    # "The" and "It" begin with a capital.
    assert fox.shapes.tolist() == [1, 0, 0, 0, 1, 0, 0]
    assert pool.asked[1].wording.ids.tolist() == ids(tokenizer, "what", "?")
    assert pool.asked[1].wording.shapes.tolist() == [1, 0]


def test_all_accepted_answers_are_kept(tokenizer: Any) -> None:
    (asked,) = make_pool([row(FOX, "Who ran?", "The fox", "fox", "It")], tokenizer).asked
    assert asked.spans == ((0, 1), (1, 1), (4, 4))
    # White space at the end of an answer is none of it.
    (asked,) = make_pool([row(FOX, "Who ran?", "The fox ")], tokenizer).asked
    assert asked.spans == ((0, 1),)


def test_altered_questions_are_tokens_too_and_long_ones_are_cut(tokenizer: Any) -> None:
    long = "why " * 60 + "was it red?"
    pool = make_pool(
        [row(FOX, "What was red?", "fox"), row(FOX, "Who ran?", "fox"), row(FOX, long, "fox")], tokenizer
    )
    first, second, third = pool.asked
    assert first.altered is not None
    assert first.altered.ids.tolist() == ids(tokenizer, "what", "wasn", "'", "t", "red", "?")
    assert first.altered.shapes.tolist() == [1, 0, 0, 0, 0, 0]
    assert second.altered is None
    assert third.wording.ids.tolist() == ids(tokenizer, "why") * MOST_QUESTION
    assert third.altered is not None
    assert len(third.altered.ids) == len(third.altered.shapes) == MOST_QUESTION


def test_a_wording_is_cut_with_its_shapes(tokenizer: Any) -> None:
    question = "NATO " * 20 + "in 1949 " * 20
    found = Wording.of(question, tokenizer.encode(question, add_special_tokens=False))
    assert found.ids.tolist() == ids(tokenizer, *["nato"] * 20, *["in", "1949"] * 14)
    assert found.shapes.tolist() == [2] * 20 + [0, 3] * 14
    nothing = Wording.of("", tokenizer.encode("", add_special_tokens=False))
    assert (len(nothing.ids), len(nothing.shapes)) == (0, 0)


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
    examples = [each for n in (0, 1) for each in examples_of(pool, n, random(), 2, True)]
    arrays = batch_of(pool, examples)
    assert arrays["ids"].tolist() == [
        padded(tokenizer, "[CLS]", "who", "ran", "?", "[SEP]", "[SEP]"),
        padded(tokenizer, "[CLS]", "who", "?", "[SEP]", "[SEP]"),
    ]
    assert not arrays["gold"].any()
    assert not arrays["choosable"].any()


def padded(tokenizer: Any, *tokens: str) -> list[int]:
    """To 16, of which the length of a batch is a multiple."""
    return [*ids(tokenizer, *tokens), *[0] * (-len(tokens) % 16)]


def test_a_batch_by_hand(tokenizer: Any) -> None:
    pool = make_pool(
        [
            row(FOX, "Who ran?", "fox ran", "fox", "It"),
            row(OWL, "Who was it?"),
            row(FOX, "What was it?", "slept"),
        ],
        tokenizer,
    ).with_wrong([(1,), (), (1,)])
    examples = [
        *examples_of(pool, 0, random(), wrong=2, trick=False),
        *examples_of(pool, 1, random(), wrong=2, trick=True),
        *examples_of(pool, 2, random(), wrong=0, trick=True),
    ]
    found = batch_of(pool, examples)
    assert {*found} == {
        "ids",
        "kinds",
        "mask",
        "shapes",
        "choosable",
        "gold",
        "relevant",
        "group",
        "sentence",
    }

    fox, owl = ("the", "fox", "ran", ".", "it", "slept", "."), ("an", "owl", ".")
    was = ("what", "was", "it", "?")
    # ' and t of "wasn't" are tokens of their own.
    was_not = ("what", "wasn", "'", "t", "it", "?")
    assert found["ids"].tolist() == [
        padded(tokenizer, "[CLS]", "who", "ran", "?", "[SEP]", *fox, "[SEP]"),
        padded(tokenizer, "[CLS]", "who", "ran", "?", "[SEP]", *owl, "[SEP]"),
        padded(tokenizer, "[CLS]", "who", "was", "it", "?", "[SEP]", *owl, "[SEP]"),
        padded(tokenizer, "[CLS]", *was, "[SEP]", *fox, "[SEP]"),
        ids(tokenizer, "[CLS]", *was_not, "[SEP]", *fox, "[SEP]"),
    ]
    lengths, begins = [13, 9, 10, 14, 16], [5, 5, 6, 6, 8]
    for k, (length, begin) in enumerate(zip(lengths, begins, strict=True)):
        passage = range(begin, length - 1)
        assert found["mask"][k].tolist() == [int(at < length) for at in range(16)]
        assert found["kinds"][k].tolist() == [int(begin <= at < length) for at in range(16)]
        assert found["choosable"][k].tolist() == [at in passage for at in range(16)]
        # The question's first word begins with a capital, and the passage's, and "It".
        capitals = {1, begin, begin + 4} if k in (0, 3, 4) else {1, begin}
        assert found["shapes"][k].tolist() == [int(at in capitals) for at in range(16)]
    # "fox", "fox ran" and "It" in the first; "slept" in the fourth; the question of the fifth is another.
    assert np.argwhere(found["gold"]).tolist() == [[0, 6, 6], [0, 6, 7], [0, 9, 9], [3, 11, 11]]
    assert found["gold"].shape == (5, 16, 16)
    assert found["relevant"].tolist() == [1, 0, -1, 1, -1]
    assert found["group"].tolist() == [0, 0, 1, 2, 2]
    sentence = np.full((5, 16), -1)
    sentence[0, 5:12], sentence[0, 5:9] = 0, 1
    sentence[3, 6:13], sentence[3, 10:13] = 0, 1
    assert found["sentence"].tolist() == sentence.tolist()


@pytest.mark.parametrize(("length", "expected"), [(15, 16), (16, 16), (17, 32), (250, 256), (256, 256)])
def test_batches_have_few_lengths(length: int, expected: int) -> None:
    pool = made(length - 13, 10, ())
    (example,) = examples_of(pool, 0, random(), 0, False)
    assert example.length == length
    assert batch_of(pool, [example])["ids"].shape == (1, expected)


Spans = tuple[tuple[int, int], ...]


def made(tokens: int, question: int, spans: Spans, altered: int = 0) -> Pool:
    """A passage of tokens that are numbers, three characters each, in sentences of seven tokens."""
    starts = np.arange(tokens, dtype=np.int32) * 4
    passage = Passage(
        "abc " * tokens,
        np.arange(tokens, dtype=np.int32) + 1000,
        starts,
        starts + 3,
        [*starts[::7]] or [0],
        (np.arange(tokens) % 4).astype(np.int8),
    )
    asked = Asked(
        row(OWL, "?"), worded(question, 7), 0, spans, worded(altered, 8) if altered else None, (0,) * 3
    )
    return Pool([passage], [asked])


def worded(count: int, token: int) -> Wording:
    return Wording(np.full(count, token, np.int32), np.full(count, 3, np.int8))


@st.composite
def pools(draw: st.DrawFn) -> Pool:
    tokens = draw(st.integers(0, 700))
    spans = []
    for _ in range(draw(st.integers(0, 3)) if tokens else 0):
        first = draw(st.integers(0, tokens - 1))
        spans.append((first, min(tokens - 1, first + draw(st.sampled_from([0, 5, LONGEST, 600])))))
    return made(
        tokens, draw(st.integers(0, MOST_QUESTION)), tuple(spans), draw(st.integers(0, MOST_QUESTION))
    )


@settings(deadline=None)
@given(pools(), st.integers(0, 999), st.integers(0, 2))
def test_a_window_holds_an_answer_and_fits(pool: Pool, seed: int, wrong: int) -> None:
    (asked,), (passage,) = pool.asked, pool.passages
    examples = examples_of(pool, 0, random(seed), wrong=wrong, trick=True)
    assert [each.relevant for each in examples] == [
        1 if asked.spans else -1,
        *[0] * wrong,
        *([-1] if asked.altered is not None else []),
    ]
    assert [each.altered for each in examples] == [*[False] * (1 + wrong), True][: len(examples)]
    arrays = batch_of(pool, examples)
    assert arrays["ids"].shape[1] - STEP < max(each.length for each in examples) <= WINDOW
    # An answer is no longer than what can be chosen.
    accepted = {(first, min(last, first + LONGEST - 1)) for first, last in asked.spans}
    for k, each in enumerate(examples):
        wording = asked.altered if each.altered and asked.altered is not None else asked.wording
        assert 0 <= each.begin <= each.end <= len(passage.ids)
        assert each.length == each.end - each.begin + len(wording.ids) + 3 == arrays["mask"][k].sum()
        # As much as fits is shown.
        assert each.length == WINDOW or (each.begin, each.end) == (0, len(passage.ids))
        shown = range(each.begin, each.end)
        inside = {span for span in accepted if span[0] in shown and span[1] in shown}
        if accepted and each.relevant != 0:
            assert inside
        if each.altered or not asked.spans:
            assert each.spans == ()
        else:
            # Wrong passages of this pool are its own one, which is not wrong.
            assert [*each.spans] == sorted(inside)
        told = {
            (int(arrays["ids"][k, first]) - 1000, int(arrays["ids"][k, last]) - 1000)
            for first, last in np.argwhere(arrays["gold"][k])
        }
        assert told == {*each.spans}
        if not each.spans:
            assert (arrays["sentence"][k] == -1).all()
            continue
        marked = {int(number) - 1000 for number in arrays["ids"][k][arrays["sentence"][k] == 1]}
        number = each.spans[0][0] // 7
        assert marked == {*range(7 * number, 7 * number + 7)} & {*shown}


@settings(deadline=None)
@given(pools(), st.integers(0, 999))
def test_shapes_stand_where_their_tokens_do(pool: Pool, seed: int) -> None:
    examples = examples_of(pool, 0, random(seed), wrong=1, trick=True)
    arrays = batch_of(pool, examples)
    passage = arrays["ids"] >= 1000
    assert (arrays["shapes"][passage] == (arrays["ids"][passage] - 1000) % 4).all()
    question = np.isin(arrays["ids"], (7, 8))
    assert (arrays["shapes"][question] == 3).all()
    assert (arrays["shapes"][~passage & ~question] == 0).all()


def test_a_wrong_passage_has_no_answer_though_the_place_is_in_it(tokenizer: Any) -> None:
    pool = make_pool([row(FOX, "Who ran?", "fox"), row("Now we see owls.", "What?")], tokenizer)
    examples = examples_of(pool.with_wrong([(1,), ()]), 0, random(), 2, False)
    assert [each.spans for each in examples] == [((1, 1),), ()]
    assert [each.passage for each in examples] == [0, 1]


def test_windows_of_a_long_passage_lie_anywhere_around_the_answer() -> None:
    pool = made(700, 10, ((300, 302),))
    begins = {examples_of(pool, 0, random(seed), 0, False)[0].begin for seed in range(300)}
    room = WINDOW - 10 - 3
    assert 303 - room <= min(begins) < 303 - room + 20
    assert 300 - 20 < max(begins) <= 300


def test_an_altered_question_sees_the_place_of_the_answer() -> None:
    pool = made(700, 10, ((300, 302),), altered=12)
    for seed in range(40):
        _, altered = examples_of(pool, 0, random(seed), 0, True)
        assert altered.altered
        assert altered.begin <= 300 <= 302 < altered.end
        assert altered.spans == ()


def test_windows_are_put_around_each_of_several_answers() -> None:
    pool = made(700, 10, ((3, 3), (600, 602)))
    spans = [examples_of(pool, 0, random(seed), 0, False)[0].spans for seed in range(40)]
    assert {*spans} == {((3, 3),), ((600, 602),)}


def test_each_of_several_answers_in_a_window_is_right() -> None:
    pool = made(50, 10, ((20, 22), (3, 3), (20, 20), (3, 3)))
    (example,) = examples_of(pool, 0, random(), 0, False)
    assert example.spans == ((3, 3), (20, 20), (20, 22))
    gold = batch_of(pool, [example])["gold"]
    assert np.argwhere(gold).tolist() == [[0, 15, 15], [0, 32, 32], [0, 32, 34]]


def test_only_what_is_wanted_is_made(tokenizer: Any) -> None:
    rows = [row(FOX, "What was red?", "fox"), row(OWL, "What?")]
    pool = make_pool(rows, tokenizer).with_wrong([(1,), ()])
    assert len(examples_of(pool, 0, random(), 0, False)) == 1
    # There is but one.
    assert [each.passage for each in examples_of(pool, 0, random(), 2, False)] == [0, 1]
    assert [each.altered for each in examples_of(pool, 0, random(), 0, True)] == [False, True]
    assert len(examples_of(pool, 1, random(), 2, True)) == 1


def test_of_many_wrong_passages_others_are_taken_each_time(tokenizer: Any) -> None:
    rows = [row(FOX, "Who ran?", "fox"), *(row(f"{n} owls.", "What?") for n in range(5))]
    pool = make_pool(rows, tokenizer).with_wrong([(1, 2, 3, 4, 5), (), (), (), (), ()])
    taken = [
        tuple(each.passage for each in examples_of(pool, 0, random(seed), 2, False)[1:]) for seed in range(60)
    ]
    assert all(one != two for one, two in taken)
    assert {each for pair in taken for each in pair} == {1, 2, 3, 4, 5}


def test_wrong_passages_are_those_given(tokenizer: Any) -> None:
    pool = make_pool([row(FOX, "Who ran?", "fox"), row(OWL, "What?")], tokenizer)
    assert [each.wrong for each in pool.with_wrong([[1], []]).asked] == [(1,), ()]
    assert [each.wrong for each in pool.asked] == [(), ()]
    with pytest.raises(ValueError, match="shorter"):
        pool.with_wrong([[1]])


def test_examples_are_the_same_for_the_same_seed() -> None:
    pool = made(700, 10, ((300, 302), (5, 6)), altered=12)
    first = [examples_of(pool, 0, random(seed), 2, True) for seed in range(20)]
    assert first == [examples_of(pool, 0, random(seed), 2, True) for seed in range(20)]
    assert len({each[0].begin for each in first}) > 5


def test_a_batch_does_not_depend_on_its_order() -> None:
    pool = made(300, 10, ((100, 102),), altered=12)
    examples: list[Example] = examples_of(pool, 0, random(), 2, True)
    shorter = replace(examples[1], end=examples[1].begin + 5, length=18)
    first, second = batch_of(pool, [*examples, shorter]), batch_of(pool, [shorter, *examples[::-1]])
    for name, each in first.items():
        np.testing.assert_array_equal(each, second[name][::-1])

"""The embedded reader with the weights that ship: where it finds answers, and that batches change nothing."""

from __future__ import annotations

import math
import shutil
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from reader.errors import SpanReaderError
from reader.spans import decoding
from reader.spans.adapter import ADAPTER, HEADS, merged_weights
from reader.spans.decoding import AGREEING, LONGEST, OVERLAP
from reader.spans.model import BATCH, LENGTH, WEIGHTS, EmbeddedSpanReader
from reader.spans.windows import MOST_QUESTION
from retrieval.document import Span
from retrieval.encoder import DEFAULT_ENCODER, model_folder
from retrieval.reranking import Reading

QUESTION = "Who put out the lamp?"
SENTENCE = "At nine o'clock Grünfeld put out the lamp."
FILLER = "The river rose in the night and took the bridge with it, and nobody had heard a thing. "

TEXTS = [
    SENTENCE,
    "",
    FILLER * 6,
    "今天天气很好。我们去公园。",
    FILLER * 60 + SENTENCE,
    "مرحبا. كيف حالك؟",
    "x" * 10_000,
    "\ufeff\u200b 😀👩\u200d👩\u200d👧",
    " \n\t",
    "A red fox runs over the snow. " * 10,
    SENTENCE,
]


@pytest.fixture(scope="module")
def bfloat16() -> EmbeddedSpanReader:
    return EmbeddedSpanReader.load(WEIGHTS)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(WEIGHTS, tmp_path / "weights"))


def assert_alike(found: Reading, expected: Reading, within: float = 1e-3) -> None:
    assert found.relevance == pytest.approx(expected.relevance, abs=within)
    assert found.answerable == pytest.approx(expected.answerable, abs=within)
    assert found.starts.tolist() == expected.starts.tolist()
    assert found.begins == pytest.approx(expected.begins, abs=within)
    assert [each.score for each in found.spans] == pytest.approx(
        [each.score for each in expected.spans], abs=10 * within
    )


def quoted(text: str, reading: Reading) -> str:
    """The best span, which is of whole words; how many is what training changes."""
    span = reading.spans[0].span
    around = f" {text} "
    assert not (around[span.start].isalnum() and around[span.start + 1].isalnum())
    assert not (around[span.end].isalnum() and around[span.end + 1].isalnum())
    return text[span.start : span.end]


@pytest.mark.parametrize(
    "before",
    [
        "",
        "😀👩\u200d👩\u200d👧 ",
        "今天天气很好。我们去公园。",
        "Ärger über Öl. ",
        "\ufeff\u200b",
        "\r\n\r\n\t ",
        "مرحبا. كيف حالك؟ ",
        "한국어 좋아. ",
        "e\u0301" * 20 + " ",
        FILLER * 2,
    ],
    ids=["none", "emoji", "Chinese", "umlauts", "marks", "space", "Arabic", "Korean", "accents", "English"],
)
def test_the_answer_stands_where_it_is_said_to(embedded: EmbeddedSpanReader, before: str) -> None:
    text = f"{before}{SENTENCE} {FILLER}"
    (reading,) = embedded.read(QUESTION, [text])
    assert "Grünfeld" in quoted(text, reading)
    assert reading.spans[0].score > 0
    end = len(before) + len(SENTENCE)
    assert reading.share(Span(0, end)) > 0.5 > reading.share(Span(end, len(text)))


def test_an_answer_keeps_an_accent_that_is_a_character_of_its_own(embedded: EmbeddedSpanReader) -> None:
    text = "At nine o'clock Rene\u0301 put out the lamp."
    (reading,) = embedded.read(QUESTION, [text])
    assert "Rene\u0301" in quoted(text, reading)


def test_an_answer_in_the_middle_of_a_long_text(embedded: EmbeddedSpanReader) -> None:
    text = FILLER * 30 + SENTENCE + " " + FILLER * 30
    (reading,) = embedded.read(QUESTION, [text])
    assert "Grünfeld" in quoted(text, reading)
    # All of it was read, each token counted once.
    assert len(reading.starts) > 3 * LENGTH
    assert all(a < b for a, b in pairwise(reading.starts))
    assert sum(text.startswith("bridge", at) for at in reading.starts) == 60


def test_spans_are_whole_tokens_and_do_not_overlap(embedded: EmbeddedSpanReader) -> None:
    for text, reading in zip(TEXTS, embedded.read(QUESTION, TEXTS), strict=True):
        assert len(reading.starts) == len(reading.begins)
        assert ((reading.begins >= 0) & (reading.begins <= 1)).all()
        for n, each in enumerate(reading.spans):
            told = text[each.span.start : each.span.end]
            assert told
            assert told == told.strip()
            assert each.span.start in reading.starts
            assert not any(each.span.overlaps(other.span) for other in reading.spans[:n])
        assert [each.score for each in reading.spans] == sorted(
            (each.score for each in reading.spans), reverse=True
        )


@pytest.mark.parametrize("text", ["", " ", " \n\t\u00a0"])
def test_a_text_without_words_has_no_answer(embedded: EmbeddedSpanReader, text: str) -> None:
    (reading,) = embedded.read(QUESTION, [text])
    assert reading.spans == ()
    assert reading.share(Span(0, len(text))) == 0.0
    (other,) = embedded.read(QUESTION, [SENTENCE])
    assert reading.relevance < other.relevance
    assert reading.answerable < other.answerable


def supported(scores: dict[tuple[int, int], float]) -> dict[tuple[int, int], float]:
    """The best spans with half of what the others among them have in common with them."""
    best = sorted(scores, key=lambda span: -scores[span])[:AGREEING]
    found = dict(scores)
    for a, b in best:
        total = math.exp(scores[a, b])
        for c, d in best:
            common = len({*range(a, b + 1)} & {*range(c, d + 1)})
            if (c, d) != (a, b):
                total += OVERLAP * 2 * common / (b - a + 1 + d - c + 1) * math.exp(scores[c, d])
        found[a, b] = math.log(total)
    return found


def test_readings_are_those_of_the_model_by_hand(embedded: EmbeddedSpanReader, tokenizer: Any) -> None:
    from transformers import AutoModel

    model = AutoModel.from_pretrained(
        model_folder(DEFAULT_ENCODER), add_pooling_layer=False, attn_implementation="eager"
    ).eval()
    weights, heads = merged_weights(WEIGHTS, model.state_dict())
    model.load_state_dict(weights)
    found = tokenizer.encode(SENTENCE, add_special_tokens=False)
    asked = tokenizer.encode(QUESTION, add_special_tokens=False)
    ids = torch.tensor([[101, *asked.ids, 102, *found.ids, 102]])
    begin, count = len(asked.ids) + 2, len(found.ids)
    # Capitals begin "Who", "At" and "Grünfeld", and there are no digits and no words of capitals.
    capital = torch.zeros_like(ids)
    name = [start for start, _ in found.offsets].index(SENTENCE.index("Grünfeld"))
    for at in (1, begin, begin + name):
        capital[0, at] = 1
    kinds = torch.zeros_like(ids)
    kinds[0, begin:] = 1
    with torch.inference_mode():
        words = model.embeddings.word_embeddings(ids) + heads["shape.weight"][capital]
        hidden = model(inputs_embeds=words, token_type_ids=kinds).last_hidden_state[0]

    def head(name: str) -> np.ndarray:
        return np.asarray((hidden @ heads[f"{name}.weight"].T + heads[f"{name}.bias"]).double())

    def whole(a: int, b: int) -> bool:
        """Whether the span cuts no word, and has one."""
        inner = [token.startswith("##") for token in found.tokens] + [False]
        text = SENTENCE[found.offsets[a][0] : found.offsets[b][1]]
        return not inner[a] and not inner[b + 1] and any(map(str.isalnum, text))

    ends, first, last = head("span"), head("first"), head("last")
    sentence = head("sentence")[begin:, 0]
    scores = supported(
        {
            (a, b): ends[begin + a, 0]
            + ends[begin + b, 1]
            + first[begin + a] @ last[begin + b] / 8
            + decoding.SENTENCE * sentence[a]
            for a in range(count)
            for b in range(a, count)
            if whole(a, b)
        }
    )
    assert count < LONGEST
    none = head("none")[0, 0]
    (reading,) = embedded.read(QUESTION, [SENTENCE])
    assert reading.relevance == pytest.approx(head("relevant")[0, 0], abs=1e-3)
    assert reading.answerable == pytest.approx(head("answerable")[0, 0], abs=1e-3)
    (a, b), best = max(scores.items(), key=lambda each: each[1])
    assert reading.spans[0].span == Span(found.offsets[a][0], found.offsets[b][1])
    assert reading.spans[0].score == pytest.approx(best - none, abs=1e-3)
    everything = math.exp(none) + sum(map(math.exp, scores.values()))
    shares = [
        sum(math.exp(scores.get((a, b), -math.inf)) for b in range(a, count)) / everything
        for a in range(count)
    ]
    assert reading.begins == pytest.approx(shares, abs=1e-3)


def test_capitals_and_digits_are_seen(embedded: EmbeddedSpanReader) -> None:
    # The same tokens, of which the shapes differ.
    for text, other in (("The bill was sent.", "The Bill was sent."), ("We met us.", "We met US.")):
        one, two = embedded.read(QUESTION, [text, other])
        assert one.starts.tolist() == two.starts.tolist()
        assert abs(one.relevance - two.relevance) > 1e-4
    one, two = (embedded.read(each, [SENTENCE])[0] for each in (QUESTION, QUESTION.lower()))
    assert abs(one.relevance - two.relevance) > 1e-4


def test_halves_of_characters_are_read_and_move_no_offset(embedded: EmbeddedSpanReader) -> None:
    text = f"\ud83d\ude00 \udfff{SENTENCE} \ud800"
    (reading,) = embedded.read(f"\ud800{QUESTION}", [text])
    (same,) = embedded.read(QUESTION, [text.replace("\udfff", " ")])
    assert_alike(reading, same)
    assert reading.starts[0] == text.index("At")
    assert text[reading.spans[0].span.start : reading.spans[0].span.end].isprintable()


def test_shares_of_a_text_of_many_windows_make_no_more_than_one(embedded: EmbeddedSpanReader) -> None:
    text = f"{SENTENCE} {FILLER * 18}" * 4
    (reading,) = embedded.read(QUESTION, [text])
    (alone,) = embedded.read(QUESTION, [SENTENCE])
    assert len(reading.starts) > 4 * LENGTH
    # The answer stands there four times; each window by itself is as sure of it as this one.
    assert alone.share(Span(0, len(SENTENCE))) > 0.5
    assert 0.5 < reading.share(Span(0, len(text))) <= 1 + 1e-5


def test_no_texts_have_no_readings(embedded: EmbeddedSpanReader) -> None:
    assert embedded.read(QUESTION, []) == []


def test_a_text_that_answers_is_more_relevant_than_one_that_does_not(embedded: EmbeddedSpanReader) -> None:
    answers, like, other = embedded.read(QUESTION, [SENTENCE, "The lamp stood in the window.", FILLER])
    assert answers.relevance > max(like.relevance, other.relevance)
    assert answers.answerable > max(like.answerable, other.answerable)
    assert answers.spans[0].score > 0 > other.spans[0].score


def test_together_texts_are_read_as_each_alone(embedded: EmbeddedSpanReader) -> None:
    texts = TEXTS * 3
    together = embedded.read(QUESTION, texts)
    # More than one batch, with texts of several lengths.
    assert sum(len(each.starts) for each in together) > BATCH
    alone = [embedded.read(QUESTION, [text])[0] for text in TEXTS] * 3
    for found, expected in zip(together, alone, strict=True):
        assert_alike(found, expected)
        assert [each.span for each in found.spans[:1]] == [each.span for each in expected.spans[:1]]


def test_bfloat16_reads_nearly_as_float32(embedded: EmbeddedSpanReader, bfloat16: EmbeddedSpanReader) -> None:
    for found, expected in zip(bfloat16.read(QUESTION, TEXTS), embedded.read(QUESTION, TEXTS), strict=True):
        assert_alike(found, expected, within=0.08)
    assert "Grünfeld" in quoted(SENTENCE, bfloat16.read(QUESTION, [SENTENCE])[0])


def test_all_of_the_question_counts_until_it_is_too_long(embedded: EmbeddedSpanReader) -> None:
    words = ["lamp"] * (MOST_QUESTION - 5)
    long = f"{QUESTION[:-1]} {' '.join(words)}"  # as many tokens as are read
    (cut,) = embedded.read(long, [SENTENCE])
    (same,) = embedded.read(f"{long} bridge river {FILLER * 40}", [SENTENCE])
    assert_alike(same, cut, within=1e-6)
    (other,) = embedded.read(f"{long[:-4]}bridge", [SENTENCE])
    assert other.relevance != cut.relevance
    assert embedded.read("", [SENTENCE])[0].relevance < embedded.read(QUESTION, [SENTENCE])[0].relevance


def test_several_threads_read_as_one(embedded: EmbeddedSpanReader) -> None:
    questions = [QUESTION, "What rose in the night?", "Who ran over the snow?"]
    texts = [SENTENCE, FILLER, TEXTS[-2]]
    expected = {question: embedded.read(question, texts) for question in questions}
    with ThreadPoolExecutor(4) as threads:
        found = threads.map(lambda question: (question, embedded.read(question, texts)), questions * 6)
        for question, readings in found:
            for mine, theirs in zip(readings, expected[question], strict=True):
                assert_alike(mine, theirs, within=1e-5)


def test_the_name_is_that_of_the_weights(
    copied: Path, embedded: EmbeddedSpanReader, bfloat16: EmbeddedSpanReader
) -> None:
    assert embedded.name == bfloat16.name == EmbeddedSpanReader.load(copied).name
    assert embedded.name.startswith("embedded@")
    for file, name in ((HEADS, "span.bias"), (ADAPTER, None)):
        kept = load_file(copied / file)
        kept[name or next(iter(kept))] += 1
        save_file(kept, copied / file)
        names = {embedded.name, EmbeddedSpanReader.load(copied).name}
        assert len(names) == 2


def narrower(folder: Path) -> None:
    kept = load_file(folder / ADAPTER)
    save_file(
        {name: each[:, : each.shape[1] // 2].contiguous() for name, each in kept.items()}, folder / ADAPTER
    )


def half(folder: Path) -> None:
    kept = (folder / ADAPTER).read_bytes()
    (folder / ADAPTER).write_bytes(kept[: len(kept) // 2])


def for_twelve_layers(folder: Path) -> None:
    kept = load_file(folder / HEADS)
    more = {name.replace("layer.5", "layer.11"): each.clone() for name, each in kept.items()}
    save_file(kept | more, folder / HEADS)


@pytest.mark.parametrize("damage", [shutil.rmtree, half, narrower, for_twelve_layers])
def test_weights_that_cannot_be_used_are_one_sentence(copied: Path, damage: Any) -> None:
    damage(copied)
    with pytest.raises(SpanReaderError) as caught:
        EmbeddedSpanReader.load(copied)
    assert str(copied) in str(caught.value)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_nothing_is_trained_while_reading(embedded: EmbeddedSpanReader) -> None:
    (first,) = embedded.read(QUESTION, [SENTENCE])
    (second,) = embedded.read(QUESTION, [SENTENCE])
    np.testing.assert_array_equal(first.begins, second.begins)
    assert torch.is_grad_enabled()

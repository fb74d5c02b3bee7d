"""Question-answering models in place of the embedded one: tiny, with random weights, saved as others are."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from reader.errors import SpanReaderError
from reader.spans.decoding import LONGEST, MOST
from reader.spans.named import LENGTH, NamedSpanReader
from retrieval.document import Span
from retrieval.encoder import DEFAULT_ENCODER, model_folder
from tests.tiny_models import DATA

QUESTION = "Who put out the lamp?"
SENTENCE = "At nine o'clock Märta Grünfeld put out the lamp 😀."
LONG = " ".join(
    f"The keeper of light {n} went up the stairs with oil, and nobody saw him." for n in range(60)
)
TEXTS = [
    SENTENCE,
    "",
    "  The keeper  was\n\nold, \t and so was\u00a0he.  ",
    "今天天气很好。我们去公园。",
    LONG,
    " \n\n\t ",
    "👩\u200d👩\u200d👧 한국어 좋아 e\u0301 مرحبا",
    SENTENCE,
]
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
# Wide weights: with the usual ones all spans score nearly the same.
SIZES |= {"initializer_range": 0.4}


def saved(model: Any, config: Any, folder: Path) -> Path:
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model(config).save_pretrained(folder)
    return folder


def bert(folder: Path) -> Path:
    """The encoder's tokenizer, which takes accents off, on a model that answers."""
    from transformers import BertConfig, BertForQuestionAnswering

    saved(BertForQuestionAnswering, BertConfig(vocab_size=30_522, **SIZES), folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
        shutil.copy(model_folder(DEFAULT_ENCODER) / name, folder)
    return folder


def roberta(folder: Path, left: bool = False) -> Path:
    """With a tokenizer of bytes, of which a character may have several, and no kinds of tokens."""
    from tokenizers import models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    learn(
        tokenizer,
        trainers.BpeTrainer(
            vocab_size=600,
            special_tokens=["<s>", "<pad>", "</s>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return with_tokenizer(tokenizer, folder, "left" if left else "right")


def metaspace(folder: Path) -> Path:
    """With a tokenizer whose tokens begin with the space before them, as XLM-R's and DeBERTa's do."""
    from tokenizers import models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    learn(tokenizer, trainers.BpeTrainer(vocab_size=600, special_tokens=special, show_progress=False))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return with_tokenizer(tokenizer, folder, "right")


def learn(tokenizer: Any, trainer: Any) -> None:
    lines = (DATA / "novella.txt").read_text(encoding="utf-8").splitlines()
    tokenizer.train_from_iterator(lines[:200], trainer)


def with_tokenizer(tokenizer: Any, folder: Path, side: str) -> Path:
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaForQuestionAnswering

    config = RobertaConfig(
        vocab_size=600, max_position_embeddings=514, type_vocab_size=1, pad_token_id=1, **SIZES
    )
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        cls_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        model_max_length=512,
        padding_side=side,
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
    ).save_pretrained(str(folder))
    return saved(RobertaForQuestionAnswering, config, folder)


MODELS: dict[str, Callable[[Path], Path]] = {
    "bert": bert,
    "roberta": roberta,
    "left": lambda folder: roberta(folder, left=True),
    "metaspace": metaspace,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: make(tmp_path_factory.mktemp(name) / "model") for name, make in MODELS.items()}


@pytest.fixture(scope="module")
def readers(folders: dict[str, Path]) -> dict[str, NamedSpanReader]:
    return {name: NamedSpanReader.load(str(folder)) for name, folder in folders.items()}


@pytest.fixture(params=MODELS)
def reader(request: pytest.FixtureRequest, readers: dict[str, NamedSpanReader]) -> NamedSpanReader:
    return readers[request.param]


@pytest.fixture
def copied(tmp_path: Path, folders: dict[str, Path]) -> Path:
    return Path(shutil.copytree(folders["bert"], tmp_path / "copied"))


def searched(starts: Sequence[float], ends: Sequence[float], tokens: int) -> list[tuple[int, int, float]]:
    """Every span that there is, the best first, none over a better one."""
    every = sorted(
        (
            (starts[first] + ends[last], first, last)
            for first in range(tokens)
            for last in range(first, min(tokens, first + LONGEST))
        ),
        reverse=True,
    )
    kept: list[tuple[int, int, float]] = []
    for score, first, last in every:
        if len(kept) < MOST and all(last < a or first > b for a, b, _ in kept):
            kept.append((first, last, score))
    return kept


def test_spans_are_those_of_the_model_by_hand(
    folders: dict[str, Path], readers: dict[str, NamedSpanReader]
) -> None:
    from transformers import BertForQuestionAnswering

    tokenizer = Tokenizer.from_file(str(folders["bert"] / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    asked = tokenizer.encode(QUESTION, add_special_tokens=False).ids
    found = tokenizer.encode(SENTENCE, add_special_tokens=False)
    ids = [101, *asked, 102, *found.ids, 102]
    kinds = [0] * (len(asked) + 2) + [1] * (len(found.ids) + 1)
    model = BertForQuestionAnswering.from_pretrained(folders["bert"]).eval()
    with torch.inference_mode():
        reply = model(input_ids=torch.tensor([ids]), token_type_ids=torch.tensor([kinds]))
    starts, ends = reply.start_logits[0].tolist(), reply.end_logits[0].tolist()
    none, begin = starts[0] + ends[0], len(asked) + 2
    expected = searched(starts[begin:-1], ends[begin:-1], len(found.ids))

    (reading,) = readers["bert"].read(QUESTION, [SENTENCE])
    assert [(each.span.start, each.span.end) for each in reading.spans] == [
        (found.offsets[first][0], found.offsets[last][1]) for first, last, _ in expected
    ]
    assert [each.score for each in reading.spans] == pytest.approx(
        [score - none for *_, score in expected], abs=1e-4
    )
    # How far the best one is above "no answer" stands for the rest.
    assert reading.relevance == reading.answerable == reading.spans[0].score
    likely = [
        sum(math.exp(starts[begin + first] + ends[begin + last]) for last in range(first, len(found.ids)))
        for first in range(len(found.ids))
    ]
    assert len(found.ids) < LONGEST
    assert reading.begins == pytest.approx(np.array(likely) / (sum(likely) + math.exp(none)), abs=1e-4)
    assert reading.starts.tolist() == [start for start, _ in found.offsets]


def test_spans_stand_in_their_text_without_white_space_around_them(reader: NamedSpanReader) -> None:
    readings = reader.read(QUESTION, TEXTS)
    assert len(readings) == len(TEXTS)
    for text, reading in zip(TEXTS, readings, strict=True):
        assert len(reading.spans) == MOST or not text.strip() or len(text) < 60
        for n, each in enumerate(reading.spans):
            quoted = text[each.span.start : each.span.end]
            assert quoted
            assert quoted == quoted.strip()
            assert not any(each.span.overlaps(other.span) for other in reading.spans[:n])
        assert all(a <= b for a, b in pairwise(reading.starts))
        assert len(reading.starts) == len(reading.begins)


@pytest.mark.parametrize("text", ["", " ", " \n\n\t "])
def test_a_text_without_words_has_no_answer(reader: NamedSpanReader, text: str) -> None:
    empty, other = reader.read(QUESTION, [text, SENTENCE])
    assert empty.spans == ()
    assert empty.relevance < other.relevance
    assert empty.share(Span(0, len(text))) == 0.0


def test_no_texts_have_no_readings(reader: NamedSpanReader) -> None:
    assert reader.read(QUESTION, []) == []


def test_together_texts_are_read_as_each_alone(reader: NamedSpanReader) -> None:
    for found, text in zip(reader.read(QUESTION, TEXTS), TEXTS, strict=True):
        (alone,) = reader.read(QUESTION, [text])
        assert found.relevance == pytest.approx(alone.relevance, abs=1e-3)
        assert found.starts.tolist() == alone.starts.tolist()
        assert found.begins == pytest.approx(alone.begins, abs=1e-3)
        assert [each.score for each in found.spans] == pytest.approx(
            [each.score for each in alone.spans], abs=1e-3
        )


def test_all_of_a_long_text_is_read(reader: NamedSpanReader) -> None:
    (reading,) = reader.read(QUESTION, [LONG])
    assert len(reading.starts) > 2 * LENGTH  # several windows
    # Every word begins with a token, and every token is counted once.
    words = {0, *(at + 1 for at, letter in enumerate(LONG) if letter == " ")}
    assert words <= {*reading.starts.tolist()}
    tokenizer = Tokenizer.from_file(f"{reader.name}/tokenizer.json")
    tokenizer.no_truncation()
    tokenizer.no_padding()
    assert len(reading.starts) == len(tokenizer.encode(LONG, add_special_tokens=False).ids)
    assert reading.relevance == reading.spans[0].score
    assert reading.share(Span(0, len(LONG))) <= 1 + 1e-5


def test_halves_of_characters_are_read_and_move_no_offset(reader: NamedSpanReader) -> None:
    whole, halves = reader.read(QUESTION, [f"\ufffd {SENTENCE} \ufffd", f"\ud83d {SENTENCE} \udc00"])
    assert [each.span for each in halves.spans] == [each.span for each in whole.spans]
    assert halves.relevance == pytest.approx(whole.relevance, abs=1e-4)
    (asked,) = reader.read("Who\ud800?", [SENTENCE])
    (same,) = reader.read("Who\ufffd?", [SENTENCE])
    assert asked.relevance == pytest.approx(same.relevance, abs=1e-4)


@pytest.mark.parametrize("words", [60, 350, 370, 378, 380, 2_000])
def test_a_question_of_any_length_leaves_room_for_the_text(reader: NamedSpanReader, words: int) -> None:
    short, long = reader.read("lamp " * words, [SENTENCE, LONG])
    assert short.spans
    assert len(long.starts) > 2 * LENGTH
    (same,) = reader.read("lamp " * words + "oil", [SENTENCE])
    assert same.relevance == pytest.approx(short.relevance, abs=1e-4)
    (other,) = reader.read("oil " + "lamp " * words, [SENTENCE])
    assert other.relevance != pytest.approx(short.relevance, abs=1e-4)


def test_an_empty_question_is_no_error(reader: NamedSpanReader) -> None:
    assert reader.read("", [SENTENCE])[0].spans


@pytest.fixture
def many_switches() -> Iterator[None]:
    """Threads take turns so often that what is not locked goes wrong."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("many_switches")
def test_several_threads_read_as_one(reader: NamedSpanReader) -> None:
    questions = [QUESTION, "oil " * 300, "Who went up the stairs?"]
    texts = [SENTENCE, LONG[:2000]]
    expected = {question: reader.read(question, texts) for question in questions}
    with ThreadPoolExecutor(6) as threads:
        found = threads.map(lambda question: (question, reader.read(question, texts)), questions * 8)
        for question, readings in found:
            for mine, theirs in zip(readings, expected[question], strict=True):
                assert mine.relevance == pytest.approx(theirs.relevance, abs=1e-3)
                assert mine.starts.tolist() == theirs.starts.tolist()


def test_the_name_is_the_one_given(folders: dict[str, Path], readers: dict[str, NamedSpanReader]) -> None:
    assert readers["bert"].name == str(folders["bert"])


def without(name: str) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        kept = load_file(folder / "model.safetensors")
        metadata = {"format": "pt"}
        save_file(
            {key: each for key, each in kept.items() if not key.startswith(name)},
            folder / "model.safetensors",
            metadata,
        )

    return damage


def configured(**others: object) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        file = folder / "config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | others))

    return damage


def cut(name: str, size: int) -> Callable[[Path], object]:
    return lambda folder: os.truncate(folder / name, size)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "no folder": shutil.rmtree,
    "no files": lambda folder: [file.unlink() for file in folder.iterdir()],
    "no weights": lambda folder: (folder / "model.safetensors").unlink(),
    "cut weights": cut("model.safetensors", 100_000),
    "empty weights": cut("model.safetensors", 0),
    "weights without the head": without("qa_outputs."),
    "weights of fewer layers": without("bert.encoder.layer.1."),
    "weights of another width": configured(hidden_size=64),
    "not a head that answers": configured(architectures=["BertForMaskedLM"]),
    "no word about the head": configured(architectures=None),
    "nonsense about the head": configured(architectures=5),
    "an unknown kind": configured(model_type="nothing-known"),
    "cut config": cut("config.json", 50),
    "config of a list": lambda folder: (folder / "config.json").write_text("[]"),
    "cut tokenizer": cut("tokenizer.json", 1_000),
    "no tokenizer": lambda folder: [
        file.unlink() for file in folder.iterdir() if file.name[:5] in {"token", "vocab", "speci"}
    ],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_answers_no_questions_is_one_sentence(copied: Path, damage: str) -> None:
    DAMAGES[damage](copied)
    with pytest.raises(SpanReaderError) as caught:
        NamedSpanReader.load(str(copied))
    assert_one_sentence(str(caught.value), str(copied))


@pytest.mark.parametrize("name", ["", "?", "a/b/c", "/no/such/folder", "nobody/no-such-model"])
def test_a_name_of_nothing_is_one_sentence(name: str) -> None:
    with pytest.raises(SpanReaderError, match="neither a folder nor among the downloaded") as caught:
        NamedSpanReader.load(name)
    assert_one_sentence(str(caught.value), name)


def test_a_model_that_only_embeds_is_one_sentence() -> None:
    with pytest.raises(SpanReaderError, match=r"no question-answering model \(BertModel\)") as caught:
        NamedSpanReader.load(str(model_folder(DEFAULT_ENCODER)))
    assert_one_sentence(str(caught.value), str(model_folder(DEFAULT_ENCODER)))


def assert_one_sentence(message: str, name: str) -> None:
    assert name in message
    assert message.endswith(".")
    assert "\n" not in message
    assert len(message) < 400

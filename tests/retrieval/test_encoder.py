import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from retrieval.chunking import chunk_document, encoder_text
from retrieval.document import Document
from retrieval.encoder import (
    DEFAULT_ENCODER,
    NumberFormat,
    SentenceTransformerEncoder,
    model_fingerprint,
    model_folder,
)
from retrieval.errors import EncoderError

TEXTS = [
    "The lamp went out.",
    "",
    "The river rose in the night and took the bridge with it, and nobody had heard a thing. " * 6,
    "今天天气很好。我们去公园。",
    "مرحبا. كيف حالك؟",
    "x" * 10_000,
    "\ufeff\u200b 😀👩\u200d👩\u200d👧",
    "A red fox runs over the snow.",
    "The lamp went out.",
]


@pytest.fixture(scope="session")
def float32() -> SentenceTransformerEncoder:
    return SentenceTransformerEncoder.load(DEFAULT_ENCODER)


@pytest.fixture
def copied_model(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "model"
    shutil.copytree(model_folder(DEFAULT_ENCODER), folder)
    yield folder
    shutil.rmtree(folder)


def test_rows_are_of_unit_length_and_as_wide_as_said(float32: SentenceTransformerEncoder) -> None:
    rows = float32.encode(TEXTS)
    assert rows.shape == (len(TEXTS), 384) == (len(TEXTS), float32.dim)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)


def test_rows_come_in_the_order_of_the_texts(float32: SentenceTransformerEncoder) -> None:
    # Batches are made by length; each row must still be that of its own text.
    together = float32.encode(TEXTS)
    alone = np.concatenate([float32.encode([text]) for text in TEXTS])
    assert (together * alone).sum(axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-4)
    backwards = float32.encode(TEXTS[::-1])[::-1]
    assert (together * backwards).sum(axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-4)
    assert together[0] == pytest.approx(together[-1], abs=1e-4)


def test_like_meanings_are_nearer_than_unlike_ones(float32: SentenceTransformerEncoder) -> None:
    question, near, far = float32.encode(
        ["Who put out the light?", "Somebody had extinguished the lamp.", "The stock market fell on Monday."]
    )
    assert question @ near > question @ far + 0.2


def test_an_empty_list_makes_no_rows(float32: SentenceTransformerEncoder) -> None:
    assert float32.encode([]).shape == (0, 384)
    assert float32.token_offsets([]) == []


def test_many_texts_make_several_batches(float32: SentenceTransformerEncoder) -> None:
    texts = [f"Number {n} of many short sentences." for n in range(270)]
    rows = float32.encode(texts)
    assert (rows[261] @ float32.encode([texts[261]])[0]) == pytest.approx(1, abs=1e-4)
    assert int(np.argmax(rows @ rows[17])) == 17


@pytest.mark.parametrize("number_format", ["bfloat16"])
def test_a_faster_number_format_moves_rows_by_less_than_a_hundredth(
    float32: SentenceTransformerEncoder, number_format: NumberFormat
) -> None:
    faster = SentenceTransformerEncoder.load(DEFAULT_ENCODER, number_format=number_format)
    rows = faster.encode(TEXTS)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)
    assert (1 - (rows * float32.encode(TEXTS)).sum(axis=1)).max() < 0.01


def test_token_offsets_are_exact_and_never_truncated(float32: SentenceTransformerEncoder) -> None:
    text = "River " * 2_000
    (offsets,) = float32.token_offsets([text])
    assert [text[start:end] for start, end in offsets] == ["River"] * 2_000
    assert float32.max_tokens == 256
    # Encoding a long text afterwards, which truncates, changes nothing about it.
    float32.encode([text, text])
    assert len(float32.token_offsets([text])[0]) == 2_000


def test_token_offsets_have_no_special_tokens(float32: SentenceTransformerEncoder) -> None:
    text = "\r\n Lámps 😀 unaffordable"
    (offsets,) = float32.token_offsets([text])
    pieces = [text[start:end] for start, end in offsets]
    assert "".join(pieces) == "Lámps😀unaffordable"
    assert float32.token_offsets(["", "a"]) == [[], [(0, 1)]]


@pytest.mark.parametrize(
    "text",
    [
        "The surveyor kept two books; in the second stood what the people told her. " * 80,
        "incomprehensibilities-antidisestablishmentarianism" * 300,
        "没有句号的一行字" * 400,
        "สวัสดีครับวันนี้อากาศดีมาก" * 100,
        "a1b2-c3/d4_e5.f6:" * 500,
        "😀👩\u200d👩\u200d👧é\u0301" * 500,
    ],
    ids=["English", "endless word", "Chinese", "Thai", "marks", "emoji"],
)
def test_what_the_encoder_is_given_fits_its_window(float32: SentenceTransformerEncoder, text: str) -> None:
    title = "A title that is far too long for its place " * 5
    document = Document(text, title, "text/plain")
    chunks = chunk_document(document, float32).chunks
    given = [encoder_text(text, chunk.span, chunk.context) for chunk in chunks]
    assert given
    assert max(len(offsets) for offsets in float32.token_offsets(given)) <= float32.max_tokens - 2


def test_time_in_the_forward_pass_is_counted(float32: SentenceTransformerEncoder) -> None:
    before = float32.forward_seconds
    float32.encode(["A sentence."])
    assert before < float32.forward_seconds < before + 60


@pytest.mark.parametrize(
    "name", ["no-such-model", "nobody/no-such-model", "a/b/c", "/no/such/folder", "", "?"]
)
def test_an_unknown_name_is_one_sentence(name: str) -> None:
    with pytest.raises(EncoderError) as caught:
        SentenceTransformerEncoder.load(name)
    assert_one_sentence(str(caught.value), name)
    with pytest.raises(EncoderError):
        model_fingerprint(name)


def truncated(file: str, size: int) -> Callable[[Path], None]:
    return lambda folder: os.truncate(folder / file, size)


@pytest.mark.parametrize(
    "damage",
    [
        truncated("model.safetensors", 1_000_000),
        truncated("model.safetensors", 0),
        lambda folder: (folder / "model.safetensors").unlink(),
        truncated("config.json", 100),
        truncated("tokenizer.json", 1_000),
        truncated("modules.json", 10),
        lambda folder: (folder / "1_Pooling" / "config.json").unlink(),
        lambda folder: [file.unlink() for file in folder.glob("*.*")],
    ],
    ids=["cut weights", "empty weights", "no weights", "config", "tokenizer", "modules", "pooling", "all"],
)
def test_a_damaged_folder_is_one_sentence(copied_model: Path, damage: Callable[[Path], object]) -> None:
    damage(copied_model)
    with pytest.raises(EncoderError) as caught:
        SentenceTransformerEncoder.load(str(copied_model))
    assert_one_sentence(str(caught.value), str(copied_model))


def assert_one_sentence(message: str, name: str) -> None:
    assert message.startswith(f"The encoder {name!r} ")
    assert message.endswith(".")
    assert "\n" not in message


def test_the_fingerprint_is_of_the_content(copied_model: Path) -> None:
    first = model_fingerprint(str(copied_model))
    assert first.startswith("model@")
    assert model_fingerprint(str(copied_model)) == first
    # The same weights under their own name.
    assert model_fingerprint(DEFAULT_ENCODER).partition("@")[2] == first.partition("@")[2]
    (copied_model / "README.md").write_text("says nothing about rows")
    assert model_fingerprint(str(copied_model)) == first
    seen = {first}
    for file in ("config.json", "tokenizer.json", "1_Pooling/config.json"):
        path = copied_model / file
        path.write_bytes(path.read_bytes() + b" ")
        seen.add(model_fingerprint(str(copied_model)))
    weights = copied_model / "model.safetensors"
    for position in (100, weights.stat().st_size - 1):
        with weights.open("r+b") as content:
            content.seek(position)
            byte = content.read(1)
            content.seek(position)
            content.write(bytes([byte[0] ^ 1]))
        seen.add(model_fingerprint(str(copied_model)))
    assert len(seen) == 6


def test_the_fingerprint_stored_is_that_of_the_loaded_model(float32: SentenceTransformerEncoder) -> None:
    assert float32.name == DEFAULT_ENCODER
    assert float32.fingerprint == model_fingerprint(DEFAULT_ENCODER)

"""From a network to the files that ship: read again, they say what the network says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from reader.spans import model
from reader.spans.adapter import ADAPTER, HEADS, SCALE
from reader.spans.decoding import LONGEST, agreed
from reader.spans.model import WEIGHTS, EmbeddedSpanReader
from reader.training.examples import Pool, batch_of, examples_of, make_pool
from reader.training.export import write_weights
from reader.training.network import SpanNetwork
from reader.training.rows import Row

RANK = 4
HALF = 0.08
"""What eight bits of precision lose of scores whose spread is about one."""


@pytest.fixture(scope="module")
def network() -> SpanNetwork:
    """With all that can be trained moved away from where it begins."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = SpanNetwork(RANK).eval()
        with torch.no_grad():
            for each in network.trained().values():
                each.add_(0.02 * torch.randn_like(each))
    return network


@pytest.fixture(scope="module")
def written(network: SpanNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "not" / "there"
    write_weights(network.trained(), folder)
    return folder


@pytest.fixture(scope="module")
def reader(written: Path) -> EmbeddedSpanReader:
    return EmbeddedSpanReader.load(written, number_format="float32")


Heard = list[tuple[np.ndarray, np.ndarray]]


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """What heads say of spans and sentences, before spans support one another."""
    found: Heard = []

    def listen(scores: np.ndarray, sentence: np.ndarray) -> np.ndarray:
        found.append((scores.copy(), sentence.copy()))
        return agreed(scores, sentence)

    monkeypatch.setattr(model, "agreed", listen)
    return found


def assert_reads_as(reader: EmbeddedSpanReader, network: SpanNetwork, pool: Pool, heard: Heard) -> None:
    """Up to what eight bits of precision lose in the network."""
    for n, asked in enumerate(pool.asked):
        passage = pool.passages[asked.passage]
        example = examples_of(pool, n, np.random.default_rng(0), 0, False)
        arrays = {name: torch.from_numpy(each) for name, each in batch_of(pool, example).items()}
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            found = network(arrays["ids"], arrays["kinds"], arrays["mask"], arrays["shapes"])
        heard.clear()
        (reading,) = reader.read(asked.row.question, [passage.text])
        assert reading.relevance == pytest.approx(float(found["relevant"][0]), abs=HALF)
        assert reading.answerable == pytest.approx(float(found["answerable"][0]), abs=HALF)
        assert reading.starts.tolist() == passage.starts.tolist()
        ((bands, sentence),) = heard
        begin, count = len(asked.wording.ids) + 2, len(passage.ids)
        expected = found["spans"][0, begin:, begin:].numpy()
        every = [(a, b) for a in range(count) for b in range(a, min(a + LONGEST, count))]
        possible = [(a, b) for a, b in every if np.isfinite(bands[a, b - a])]
        assert np.isfinite(bands).sum() == len(possible) > 0
        assert [bands[a, b - a] for a, b in possible] == pytest.approx(
            [expected[a, b] for a, b in possible], abs=3 * HALF
        )
        assert sentence == pytest.approx(found["sentence"][0, begin : begin + count].numpy(), abs=HALF)
        # Of "no answer" only the margin is told.
        best = agreed(bands, sentence).max()
        assert best - reading.spans[0].score == pytest.approx(float(found["none"][0]), abs=HALF)


def test_what_is_written_is_read_as_the_network_reads(
    reader: EmbeddedSpanReader, network: SpanNetwork, pool: Pool, heard: Heard
) -> None:
    assert_reads_as(reader, network, pool, heard)


def test_also_other_letters_and_long_questions(
    reader: EmbeddedSpanReader, network: SpanNetwork, tokenizer: Any, heard: Heard
) -> None:
    texts = ["Märta 😀 saw 今天天气。 한국어 좋아.", "The fox ran. " * 30]
    rows = [Row("toy", "", text, question, ()) for text in texts for question in ("", "who saw " * 60)]
    assert_reads_as(reader, network, make_pool(rows, tokenizer), heard)


def test_the_network_was_changed_in_every_part(
    network: SpanNetwork, reader: EmbeddedSpanReader, pool: Pool
) -> None:
    # Without this the two tests before would hold for weights that were never written.
    asked = pool.asked[0]
    (reading,) = reader.read(asked.row.question, [asked.row.context])
    (shipped,) = EmbeddedSpanReader.load(WEIGHTS, number_format="float32").read(
        asked.row.question, [asked.row.context]
    )
    assert abs(reading.relevance - shipped.relevance) > 0.05


def test_files_and_names_are_those_that_ship(written: Path) -> None:
    for file in (ADAPTER, HEADS):
        mine, shipped = load_file(written / file), load_file(WEIGHTS / file)
        assert {*mine} == {*shipped}
        assert {each.dtype for each in mine.values()} == {torch.float16}
        for name, each in mine.items():
            # Only the rank is smaller here.
            rows, theirs = each.shape, shipped[name].shape
            if "lora_A" in name:
                assert (rows[0], rows[1:]) == (RANK, theirs[1:])
            elif "lora_B" in name:
                assert (rows[1], rows[:1]) == (RANK, theirs[:1])
            else:
                assert rows == theirs


def test_the_config_is_pefts(written: Path) -> None:
    about = json.loads((written / "adapter_config.json").read_text())
    assert (about["peft_type"], about["r"], about["lora_alpha"]) == ("LORA", RANK, SCALE * RANK)
    assert about["target_modules"] == ["dense", "key", "query", "value"]
    shipped = json.loads((WEIGHTS / "adapter_config.json").read_text())
    assert {*about} == {*shipped}


def test_written_again_it_is_the_same(written: Path, network: SpanNetwork, tmp_path: Path) -> None:
    write_weights(network.trained(), tmp_path)
    write_weights(network.trained(), tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(each.name for each in written.iterdir())
    for each in written.iterdir():
        assert (tmp_path / each.name).read_bytes() == each.read_bytes()

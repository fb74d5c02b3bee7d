"""What training left, merged into the weights: sums by hand, and files that are of something else."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file as numpy_arrays
from safetensors.torch import load_file, save_file
from torch import Tensor

from reader.errors import SpanReaderError
from reader.spans.adapter import ADAPTER, HEADS, SCALE, merged_weights
from reader.spans.model import WEIGHTS, EmbeddedSpanReader
from retrieval.encoder import DEFAULT_ENCODER, model_folder

LAYER = "encoder.layer.0.dense"
FIRST, SECOND = (f"base_model.model.{LAYER}.lora_{part}.weight" for part in "AB")
WIDTH = 4


def base() -> dict[str, Tensor]:
    """A model of one layer, 3 rows of 4."""
    return {
        "embeddings.word_embeddings.weight": torch.zeros(9, WIDTH),
        f"{LAYER}.weight": torch.arange(12.0).reshape(3, WIDTH),
        f"{LAYER}.bias": torch.tensor([1.0, 2.0, 3.0]),
    }


def additions() -> dict[str, Tensor]:
    return {
        FIRST: torch.tensor([[1.0, 0, 0, 2], [0, 1, 0, 0]]),
        SECOND: torch.tensor([[1.0, 0], [0, 3], [1, 1]]),
    }


def heads() -> dict[str, Tensor]:
    rows = {"none": 1, "sentence": 1, "relevant": 1, "answerable": 1, "span": 2, "first": 64, "last": 64}
    made = {f"{name}.weight": torch.ones(count, WIDTH) for name, count in rows.items()}
    made |= {f"{name}.bias": torch.zeros(count) for name, count in rows.items()}
    return made | {"shape.weight": torch.ones(4, WIDTH)}


def written(folder: Path, added: dict[str, Tensor], kept: dict[str, Tensor]) -> Path:
    folder.mkdir(exist_ok=True)
    save_file(added, folder / ADAPTER)
    save_file(kept, folder / HEADS)
    return folder


def test_a_product_is_added_by_hand(tmp_path: Path) -> None:
    weights, kept = merged_weights(written(tmp_path, additions(), heads()), base())
    # B @ A is [1 0 0 2], [0 3 0 0] and [1 1 0 2]; twice that on top of 0 to 11.
    assert SCALE == 2.0
    assert weights[f"{LAYER}.weight"].tolist() == [[2, 1, 2, 7], [4, 11, 6, 7], [10, 11, 10, 15]]
    assert weights[f"{LAYER}.bias"].tolist() == [1, 2, 3]
    assert {*weights} == {*base()}
    assert {*kept} == {*heads()}


def test_small_parameters_are_taken_whole_and_are_no_heads(tmp_path: Path) -> None:
    own = {f"base.{LAYER}.bias": torch.tensor([7.0, 8.0, 9.0])}
    weights, kept = merged_weights(written(tmp_path, additions(), heads() | own), base())
    assert weights[f"{LAYER}.bias"].tolist() == [7, 8, 9]
    assert {*kept} == {*heads()}


def test_all_is_float32_and_the_weights_given_stay_what_they_were(tmp_path: Path) -> None:
    given = {name: each.to(torch.bfloat16) for name, each in base().items()}
    half = {name: each.to(torch.float16) for name, each in additions().items()}
    weights, kept = merged_weights(written(tmp_path, half, heads()), given)
    assert {each.dtype for each in (*weights.values(), *kept.values())} == {torch.float32}
    assert given[f"{LAYER}.weight"].tolist() == base()[f"{LAYER}.weight"].tolist()


def changed(of: dict[str, Tensor], **others: Tensor | None) -> dict[str, Tensor]:
    """With some exchanged, or without them: "__" stands for a full stop."""
    names = {name.replace("__", "."): each for name, each in others.items()}
    return {name: each for name, each in (of | names).items() if each is not None}


OTHERS: dict[str, tuple[dict[str, Tensor], dict[str, Tensor]]] = {
    "nothing added": ({}, heads()),
    "no second table": ({FIRST: additions()[FIRST]}, heads()),
    "no first table": ({SECOND: additions()[SECOND]}, heads()),
    "more than pairs": (additions() | {"encoder.weight": torch.zeros(2)}, heads()),
    "a whole model": (base(), heads()),
    "ranks that differ": (additions() | {FIRST: torch.zeros(3, WIDTH)}, heads()),
    "narrower": (additions() | {FIRST: torch.zeros(2, 3)}, heads()),
    # These could be added to every row, and would be wrong in silence.
    "one row": (additions() | {SECOND: torch.ones(1, 2)}, heads()),
    "one column": (additions() | {FIRST: torch.ones(2, 1)}, heads()),
    "no table": (additions() | {SECOND: torch.ones(2)}, heads()),
    "another layer": (
        {name.replace("layer.0", "layer.7"): each for name, each in additions().items()},
        heads(),
    ),
    "no heads": (additions(), {}),
    "a head missing": (additions(), changed(heads(), span__bias=None)),
    "a head too many": (additions(), changed(heads(), yes_or_no__weight=torch.zeros(1, WIDTH))),
    "heads of a wider model": (additions(), changed(heads(), span__weight=torch.ones(2, WIDTH + 1))),
    "a head of one row": (additions(), changed(heads(), span__weight=torch.ones(1, WIDTH))),
    "no head that puts ends together": (additions(), changed(heads(), first__weight=None, first__bias=None)),
    "narrower heads that put ends together": (
        additions(),
        changed(heads(), last__weight=torch.ones(32, WIDTH), last__bias=torch.zeros(32)),
    ),
    "nothing for no answer": (additions(), changed(heads(), none__weight=None, none__bias=None)),
    "no shapes": (additions(), changed(heads(), shape__weight=None)),
    "fewer shapes": (additions(), changed(heads(), shape__weight=torch.ones(3, WIDTH))),
    "shapes of a wider model": (additions(), changed(heads(), shape__weight=torch.ones(4, WIDTH + 1))),
    "a small parameter of another shape": (
        additions(),
        heads() | {f"base.{LAYER}.bias": torch.zeros(4)},
    ),
    "a small parameter of one number": (additions(), heads() | {f"base.{LAYER}.bias": torch.zeros(1)}),
    "a small parameter of another model": (additions(), heads() | {"base.pooler.bias": torch.zeros(3)}),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_files_of_another_model_are_one_sentence(tmp_path: Path, kind: str) -> None:
    with pytest.raises(SpanReaderError) as caught:
        merged_weights(written(tmp_path, *OTHERS[kind]), base())
    assert_one_sentence(str(caught.value), tmp_path)


def cut(name: str, size: int) -> Callable[[Path], None]:
    return lambda folder: os.truncate(folder / name, size)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "no folder": shutil.rmtree,
    "no additions": lambda folder: (folder / ADAPTER).unlink(),
    "no heads": lambda folder: (folder / HEADS).unlink(),
    "empty": cut(ADAPTER, 0),
    "half a header": cut(ADAPTER, 30),
    "cut additions": cut(ADAPTER, 300),
    "cut heads": cut(HEADS, 400),
    "no weights at all": lambda folder: (folder / HEADS).write_text(
        "version https://git-lfs.github.com/spec/v1"
    ),
    "a folder": lambda folder: ((folder / ADAPTER).unlink(), (folder / ADAPTER).mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_one_sentence(tmp_path: Path, damage: str) -> None:
    folder = written(tmp_path / "weights", additions(), heads())
    DAMAGES[damage](folder)
    with pytest.raises(SpanReaderError) as caught:
        merged_weights(folder, base())
    assert_one_sentence(str(caught.value), folder)
    # The reader itself lets nothing else out either.
    with pytest.raises(SpanReaderError):
        EmbeddedSpanReader.load(folder)


def assert_one_sentence(message: str, folder: Path) -> None:
    assert str(folder) in message
    assert message.endswith(".")
    assert not message.endswith("..")
    assert "\n" not in message


@pytest.fixture(scope="module")
def shipped() -> dict[str, Tensor]:
    return load_file(WEIGHTS / ADAPTER)


def test_the_shipped_weights_merge_as_numpy_does_it() -> None:
    stored = model_folder(DEFAULT_ENCODER) / "model.safetensors"
    installed = {name: each for name, each in load_file(stored).items() if not name.startswith("pooler.")}
    weights, _ = merged_weights(WEIGHTS, installed)
    before, added = numpy_arrays(stored), numpy_arrays(WEIGHTS / ADAPTER)
    for layer in ("encoder.layer.3.attention.self.query", "encoder.layer.5.intermediate.dense"):
        first, second = (
            added[f"base_model.model.{layer}.lora_{part}.weight"].astype(np.float64) for part in "AB"
        )
        expected = before[f"{layer}.weight"] + SCALE * (second @ first)
        np.testing.assert_allclose(weights[f"{layer}.weight"].numpy(), expected, atol=1e-5)
        assert np.abs(expected - before[f"{layer}.weight"]).max() > 1e-3  # training did change it


def test_the_shipped_additions_have_the_names_and_shapes_of_peft(shipped: dict[str, Tensor]) -> None:
    about = json.loads((WEIGHTS / "adapter_config.json").read_text())
    assert (about["peft_type"], about["bias"]) == ("LORA", "none")
    assert about["lora_alpha"] / about["r"] == SCALE
    installed = load_file(model_folder(DEFAULT_ENCODER) / "model.safetensors")
    seen = set()
    for name, first in shipped.items():
        prefix, _, last = name.partition(".lora_A.")
        if not last:
            continue
        assert last == "weight"
        layer = prefix.removeprefix("base_model.model.")
        assert layer != prefix
        high, wide = installed[f"{layer}.weight"].shape
        assert first.shape == (about["r"], wide)
        assert shipped[f"{prefix}.lora_B.weight"].shape == (high, about["r"])
        assert layer.rpartition(".")[2] in about["target_modules"]
        seen.add(layer)
    assert len(shipped) == 2 * len(seen)
    # PEFT would look for an addition in every layer whose name ends so.
    assert seen == {
        name.removesuffix(".weight")
        for name in installed
        if name.endswith(".weight")
        and name.split(".")[-2] in about["target_modules"]
        and not name.startswith("pooler.")
    }


def test_the_shipped_numbers_are_finite(shipped: dict[str, Tensor]) -> None:
    for each in (*shipped.values(), *load_file(WEIGHTS / HEADS).values()):
        assert torch.isfinite(each.float()).all()

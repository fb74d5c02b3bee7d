"""What training left, put back into the model: low-rank additions merged into the weights, and heads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from reader.errors import SpanReaderError
from reader.spans.windows import SHAPES

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ADAPTER", "HEADS", "SCALE", "WEIGHTS", "WIDTH", "merged_weights"]

_PACKAGED = Path(__file__).with_name("weights")
WEIGHTS: Final = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[2] / "data" / "reader"
"""What ships: data/reader, which a wheel holds beside this file."""

ADAPTER: Final = "adapter_model.safetensors"
"""In PEFT's names, with PEFT's adapter_config.json beside it."""
HEADS: Final = "heads.safetensors"
"""The heads, and the small parameters of the model that were trained whole."""
SCALE: Final = 2.0
WIDTH: Final = 64
"""Of the projections whose product tells which end belongs to which beginning."""
_PREFIX: Final = "base_model.model."
_FIRST: Final = ".lora_A.weight"
_SECOND: Final = ".lora_B.weight"
_HEADS: Final = {
    "span": 2,
    "first": WIDTH,
    "last": WIDTH,
    "none": 1,
    "sentence": 1,
    "relevant": 1,
    "answerable": 1,
}


def merged_weights(folder: Path, base: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The weights of the model with what was trained, and the heads, all float32.

    Args:
        folder: With the two files.
        base: The weights of the model as it is installed, by name.

    Raises:
        SpanReaderError: If a file is missing, unreadable, or of another model.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        added = load_file(folder / ADAPTER)
        heads = {name: each.float() for name, each in load_file(folder / HEADS).items()}
    except (OSError, SafetensorError) as error:
        raise SpanReaderError(f"The weights in {folder} cannot be read: {error}.") from error
    weights = {name: each.float() for name, each in base.items()}
    stems = {name.removesuffix(_FIRST) for name in added if name.endswith(_FIRST)}
    if not stems or {*added} != {stem + part for stem in stems for part in (_FIRST, _SECOND)}:
        raise SpanReaderError(f"{ADAPTER} in {folder} does not hold pairs of {_FIRST[1:]} and {_SECOND[1:]}.")
    for stem in sorted(stems):
        first, second = added[stem + _FIRST].float(), added[stem + _SECOND].float()
        name = f"{stem.removeprefix(_PREFIX)}.weight"
        if name not in weights or not _fit(first, second, weights[name]):
            raise SpanReaderError(
                f"{ADAPTER} in {folder} is of another model: {name} has no such shape there."
            )
        weights[name] = weights[name] + SCALE * (second @ first)
    for name in [each for each in heads if each.startswith("base.")]:
        whole, own = heads.pop(name), name.removeprefix("base.")
        if own not in weights or weights[own].shape != whole.shape:
            raise SpanReaderError(f"{HEADS} in {folder} is of another model: {own} has no such shape there.")
        weights[own] = whole
    if {name: tuple(each.shape) for name, each in heads.items()} != _shapes(weights):
        raise SpanReaderError(f"{HEADS} in {folder} does not hold the heads {', '.join(_HEADS)}.")
    return weights, heads


def _fit(first: Tensor, second: Tensor, weight: Tensor) -> bool:
    """Whether their product is as wide and high as the weight: one of a single row would be added to all."""
    tables = first.ndim == second.ndim == 2 and second.shape[1] == first.shape[0]
    return tables and tuple(weight.shape) == (second.shape[0], first.shape[1])


def _shapes(weights: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Of the heads that belong on a model."""
    width = weights["embeddings.word_embeddings.weight"].shape[1]
    shapes: dict[str, tuple[int, ...]] = {f"{head}.weight": (count, width) for head, count in _HEADS.items()}
    shapes["shape.weight"] = (SHAPES, width)
    return shapes | {f"{head}.bias": (count,) for head, count in _HEADS.items()}

"""What training left, put back into the model: low-rank additions merged into the weights, and heads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from reader.errors import SpanReaderError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ADAPTER", "HEADS", "SCALE", "merged_weights"]

ADAPTER: Final = "adapter_model.safetensors"
"""In PEFT's names, with PEFT's adapter_config.json beside it."""
HEADS: Final = "heads.safetensors"
"""The heads, and the small parameters of the model that were trained whole."""
SCALE: Final = 2.0
_PREFIX: Final = "base_model.model."


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
    try:
        for name in [each for each in added if each.endswith("lora_A.weight")]:
            stem = name.removeprefix(_PREFIX).removesuffix(".lora_A.weight")
            second = added[name.replace("lora_A", "lora_B")].float()
            weights[f"{stem}.weight"] = weights[f"{stem}.weight"] + SCALE * (second @ added[name].float())
        for name in [each for each in heads if each.startswith("base.")]:
            whole = heads.pop(name)
            if weights[name.removeprefix("base.")].shape != whole.shape:
                raise SpanReaderError(f"{HEADS} in {folder} is of another model: {name} has another shape.")
            weights[name.removeprefix("base.")] = whole
    except (KeyError, RuntimeError) as error:
        raise SpanReaderError(f"{ADAPTER} in {folder} is of another model: {error}.") from error
    return weights, heads

"""What the headers of a model's weight files say, without reading the weights."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from reader.errors import ModelLoadError

__all__ = ["StoredWeights", "stored_weights"]

# Numbers of fewer than 16 bits, or several in one.
_PACKED: Final = {"U8", "I8", "I32", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F4"}
# What stands beside packed numbers and is no parameter itself.
_BESIDE: Final = ("scale", "absmax", "quant_map", "quant_state", "qzeros", "g_idx")


@dataclass(frozen=True, slots=True)
class StoredWeights:
    """Weights as they are stored.

    Attributes:
        parameters: How many, those that share a byte counted each.
        packed_bytes: Of all weights if they are quantized already; None if they are not.
    """

    parameters: int
    packed_bytes: int | None


def stored_weights(folder: Path, config: Any) -> StoredWeights | None:
    """What the safetensors files of a folder hold; None if there are none, or some are missing.

    Raises:
        ModelLoadError: If one of them is not what its name says.
    """
    files = [
        each for each in sorted(folder.glob("*.safetensors")) if not each.name.startswith("consolidated")
    ]
    if not files or _missing(folder, files):
        return None
    in_a_byte = _in_a_byte(config)
    parameters = size = 0
    packed = False
    for file in files:
        for name, kind, count, length in _tensors(file):
            beside = in_a_byte is not None and any(word in name for word in _BESIDE)
            parameters += 0 if beside else int(count * (in_a_byte or 1)) if kind == "U8" else count
            packed = packed or (in_a_byte is not None and kind in _PACKED)
            size += length
    return StoredWeights(parameters, size if packed else None)


def _in_a_byte(config: Any) -> int | None:
    """Parameters in a byte of weights that are quantized already; None if they are not."""
    found = getattr(config, "quantization_config", None)
    if not found:
        return None
    stored = found if isinstance(found, dict) else vars(found)
    four = stored.get("bits") == 4 or stored.get("load_in_4bit") or "fp4" in str(stored.get("quant_method"))
    return 2 if four else 1


def _tensors(file: Path) -> Iterator[tuple[str, str, int, int]]:
    """Name, number format, count of numbers and bytes of each tensor."""
    try:
        with file.open("rb") as content:
            (length,) = struct.unpack("<Q", content.read(8))
            # Before it is read: the beginning of what is no such file can stand for any number.
            if length > file.stat().st_size:
                raise ValueError("its header is longer than the file")
            header = json.loads(content.read(length))
        found = [
            (name, str(tensor["dtype"]), math.prod(tensor["shape"]), tensor["data_offsets"])
            for name, tensor in header.items()
            if name != "__metadata__"
        ]
        sizes = [end - start for *_, (start, end) in found]
    except (struct.error, ValueError, TypeError, LookupError, AttributeError, OSError) as error:
        raise ModelLoadError(
            f"The file {file} holds no weights: it is damaged, or only the pointer of one that git LFS has "
            "not fetched."
        ) from error
    for (name, kind, count, _), size in zip(found, sizes, strict=True):
        yield name, kind, count, size


def _missing(folder: Path, files: list[Path]) -> bool:
    index = folder / "model.safetensors.index.json"
    if not index.exists():
        return False
    try:
        named = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, TypeError, LookupError, AttributeError, OSError) as error:
        raise ModelLoadError(f"The file {index} cannot be read.") from error
    return not named <= {file.name for file in files}

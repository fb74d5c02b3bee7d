"""Which number format encodes fastest on this CPU while the rows stay what float32 makes them.

bfloat16 is several times faster where the CPU multiplies it in hardware (AMX, AVX512-BF16) and slower
elsewhere, so it is measured once on the machine at hand and remembered by the caller.
"""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from retrieval.encoder import NumberFormat, SentenceTransformerEncoder

__all__ = ["FormatMeasurement", "machine_name", "measure_formats"]

MOST_ERROR: Final = 0.01
CLEARLY_FASTER: Final = 1.15
ROUNDS: Final = 5

# A paragraph of our own, long enough for the lengths that chunks have.
_SAMPLE: Final = (
    "The surveyor kept two books. In the first she wrote what the instruments said, to the nearest tenth, "
    "with the hour and the weather; in the second, what the people by the river told her, with their names. "
    "When the two did not agree she walked back, however late it was, and looked again. In eleven years the "
    "instruments were wrong four times, and the people, who had lived beside the water since before there "
    "were maps of it, were wrong seven times, mostly about distances, and never once about the floods."
)


@dataclass(frozen=True, slots=True)
class FormatMeasurement:
    """What was found.

    Attributes:
        chosen: The format to use.
        seconds: Of one batch, by format; the best of five.
        error: Largest cosine error of bfloat16 rows against float32, from 0 to 2.
    """

    chosen: NumberFormat
    seconds: dict[NumberFormat, float]
    error: float


def machine_name() -> str:
    """What the measurement depends on: processor, cores and torch."""
    import torch

    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(errors="replace").splitlines()
        names = {line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "flags"))}
        model = f"{model} {hash_of(sorted(names))}"
    return f"{model} x{os.cpu_count()} torch {torch.__version__}"


def hash_of(lines: list[str]) -> str:
    """A short stable name for a list of lines."""
    import hashlib

    return hashlib.blake2b("\n".join(lines).encode(), digest_size=6).hexdigest()


def measure_formats(name: str) -> FormatMeasurement:
    """Encode one batch in float32 and in bfloat16 on the CPU and choose.

    bfloat16 is chosen if its rows are within 0.01 of cosine and it is at least 1.15 times as fast.
    """
    words = _SAMPLE.split()
    texts = [" ".join(words[start:] + words[:start]) for start in range(16)]
    formats: tuple[NumberFormat, ...] = ("float32", "bfloat16")
    encoders = {each: SentenceTransformerEncoder.load(name, "cpu", each) for each in formats}
    rows = {each: encoder.encode(texts) for each, encoder in encoders.items()}
    seconds = dict.fromkeys(formats, float("inf"))
    # In turn, and the best of each: what else the machine does must not decide.
    for _ in range(ROUNDS):
        for each, encoder in encoders.items():
            began = time.perf_counter()
            encoder.encode(texts)
            seconds[each] = min(seconds[each], time.perf_counter() - began)
    error = float((1 - (rows["float32"] * rows["bfloat16"]).sum(axis=1)).max())
    faster = seconds["bfloat16"] * CLEARLY_FASTER <= seconds["float32"]
    return FormatMeasurement("bfloat16" if faster and error < MOST_ERROR else "float32", seconds, error)

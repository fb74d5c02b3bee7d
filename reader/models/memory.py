"""Memory of a device: when it has run out, and giving it back."""

from __future__ import annotations

import gc
from typing import Final

__all__ = ["free_memory", "is_out_of_memory"]

_WORDS: Final = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "cannot allocate memory",
    # Of cuBLAS and cuDNN, which have memory of their own.
    "status_alloc_failed",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch says that memory ran out, on a GPU or on a CPU."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(words in text for words in _WORDS)


def free_memory() -> None:
    """Give back what is not in use."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()

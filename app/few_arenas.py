"""The memory of a server with many threads."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

__all__ = ["few_arenas"]

M_ARENA_MAX: Final = -8
"""From malloc.h of glibc."""
ARENAS: Final = 2


def few_arenas() -> bool:
    """Have the C library keep few pools of memory, whether it could be told.

    By itself glibc gives each thread a pool of its own, up to eight for each core, and what is freed in one
    is not used by another: a server whose questions are answered on ever other threads grows for hours.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none, and no such pools
    return mallopt is not None and bool(mallopt(M_ARENA_MAX, ARENAS))

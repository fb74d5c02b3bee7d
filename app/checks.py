"""What `clew doctor` says of one thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Check"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at; `detail` says what is so, and for a problem what changes it."""

    name: str
    state: Literal["ok", "warning", "problem"]
    detail: str

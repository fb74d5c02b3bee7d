"""Replies that are kept: under which name, and what a place to keep them offers."""

from __future__ import annotations

import hashlib
import json
from typing import Final, Protocol

from reader.chat import Request

__all__ = ["CachedReply", "Completions", "content_address"]

ADDRESS_VERSION: Final = 1
"""Part of every content address; another number makes all that is kept unknown."""


class CachedReply(Protocol):
    """A reply that was kept; `finish` is a value of `Finish`."""

    @property
    def text(self) -> str:
        """What was replied."""

    @property
    def finish(self) -> str:
        """A value of `Finish`."""

    @property
    def prompt_tokens(self) -> int:
        """Of the reply, also where no model ran."""

    @property
    def completion_tokens(self) -> int:
        """Of the reply, also where no model ran."""

    @property
    def enforced(self) -> bool:
        """Whether the schema was enforced while it was generated."""


class Completions(Protocol):
    """Where replies are kept, by digests of 16 bytes; safe to use from several threads."""

    def get(self, digest: bytes) -> CachedReply | None:
        """The reply kept under a digest, or None."""

    def put(
        self,
        digest: bytes,
        *,
        model: str,
        text: str,
        finish: str,
        prompt_tokens: int,
        completion_tokens: int,
        enforced: bool,
    ) -> None:
        """Keep a reply; it may be dropped at any time, and one that is there already stays."""


def content_address(fingerprint: str, request: Request) -> bytes | None:
    """16 bytes that name all a reply depends on; None if it depends on chance.

    Keys of the schema are not sorted: a backend that enforces it writes properties in its order.
    """
    if request.temperature > 0 and request.seed is None:
        return None
    content = [
        ADDRESS_VERSION,
        fingerprint,
        [[message.role, message.content] for message in request.messages],
        request.max_tokens,
        float(request.temperature),
        request.seed,
        request.schema,
    ]
    # ASCII holds lone surrogates as escapes; `dict` is for mappings that are no dict.
    canonical = json.dumps(content, ensure_ascii=True, separators=(",", ":"), default=dict)
    return hashlib.blake2b(canonical.encode("ascii"), digest_size=16).digest()

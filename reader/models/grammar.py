"""Constrained decoding: a reply that follows a JSON schema because no other token can be taken.

By llguidance, chosen over xgrammar in `tests/benchmarks/grammar_choice.py`. JSON comes without free
whitespace, and the reply can end only where the grammar is satisfied.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

if TYPE_CHECKING:
    import torch

__all__ = ["Grammars", "Matcher", "mask_scores"]

_COMPACT: Final = {"whitespace_flexible": False, "item_separator": ",", "key_separator": ":"}
_KEPT: Final = 256
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Matcher(Protocol):
    """Where one reply stands in its grammar."""

    def consume_token(self, token: int) -> bool:
        """Go on by a token; False if the grammar does not have it there."""

    def is_accepting(self) -> bool:
        """Whether what there is so far is complete."""

    def is_stopped(self) -> bool:
        """Whether nothing can follow but the end."""

    def compute_bitmask(self) -> bytes:
        """One bit per token of the tokenizer, set if it may come next, the first in the lowest bit."""


class Grammars:
    """Compiles the schemas of one model, each once; safe to use from several threads."""

    def __init__(self, tokenizer: Any, vocabulary: int, ends: Sequence[int]) -> None:
        """Takes what the model has.

        Args:
            tokenizer: A `tokenizers.Tokenizer`; with None, for those of another kind, nothing is enforced.
            vocabulary: Width of the model's scores.
            ends: Tokens that end a reply, at least one.
        """
        self._tokenizer, self._vocabulary, self._ends = tokenizer, vocabulary, list(ends)
        self._lock = threading.Lock()
        self._compiled: dict[str, Any] = {}
        self._tokens: Any = None

    def start(self, schema: Mapping[str, Any]) -> Matcher | None:
        """A new matcher at the beginning of a reply.

        None if the schema has something that cannot be enforced (`not`, look-around in a pattern, objects in
        objects beyond what can be read), or the tokenizer cannot be read: what comes back then must be
        validated. Half of a character (a lone surrogate) stands as U+FFFD in the reply.
        """
        if self._tokenizer is None or not self._ends:
            return None
        try:
            written = json.dumps(schema, ensure_ascii=False, default=_as_dict)
        except (TypeError, ValueError, RecursionError):
            return None
        key = _LONE_SURROGATE.sub("\ufffd", written)
        with self._lock:
            if key not in self._compiled:
                if len(self._compiled) >= _KEPT:
                    self._compiled.pop(next(iter(self._compiled)))
                self._compiled[key] = self._compile(key)
            compiled = self._compiled[key]
        matcher: Matcher | None = None if compiled is None else compiled.deep_copy()
        return matcher

    def _compile(self, schema: str) -> Any:
        from llguidance import LLMatcher, LLTokenizer

        if self._tokens is None:
            self._tokens = LLTokenizer(
                self._tokenizer.to_str(),
                n_vocab=max(self._vocabulary, self._tokenizer.get_vocab_size(with_added_tokens=True)),
                eos_token=self._ends,
                slices=LLTokenizer.json_slices(),
            )
        options: Any = _COMPACT
        try:
            grammar = LLMatcher.grammar_from_json_schema(schema, overrides=options)
            matcher = LLMatcher(self._tokens, grammar, log_level=0)
        except ValueError:
            return None
        return None if matcher.is_error() else matcher


def _as_dict(value: object) -> dict[Any, Any]:
    """Mappings of other kinds, for `json.dumps`."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} is no part of a JSON schema")


def mask_scores(scores: torch.Tensor, matchers: Sequence[Matcher | None]) -> torch.Tensor:
    """Scores with those of tokens that a row's grammar does not have set to minus infinity.

    Args:
        scores: Shape (rows, width), any float type and device; the width may differ from the tokenizer's
            vocabulary, and what is beyond that is no token.
        matchers: One per row; rows with None stay as they are.
    """
    rows = [row for row, matcher in enumerate(matchers) if matcher is not None]
    if not rows:
        return scores
    import torch

    width = scores.shape[1]
    unpacked = np.zeros((len(rows), width), np.uint8)
    for position, row in enumerate(rows):
        matcher = matchers[row]
        assert matcher is not None
        bits = np.unpackbits(np.frombuffer(matcher.compute_bitmask(), np.uint8), bitorder="little")[:width]
        unpacked[position, : len(bits)] = bits
    allowed = torch.from_numpy(unpacked).to(scores.device).bool()
    masked = scores.clone()
    masked[rows] = masked[rows].masked_fill(~allowed, float("-inf"))
    return masked

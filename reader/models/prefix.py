"""What prompts begin with alike is computed once: within a batch, and from one call to the next.

Prompts about one document share its text, which is most of them. Only for models whose layers all attend to
everything before: a recurrent state or a sliding window cannot be cut back to an earlier token.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Final

__all__ = ["PrefixCache", "common_length"]

LEAST: Final = 32
_CHUNK: Final = 2048


class PrefixCache:
    """The keys and values of the last prompt; not for several threads at once.

    Attributes:
        tokens_reused: Prompt tokens that were not computed again, since it was made.
    """

    def __init__(self, model: Any, enabled: bool = True) -> None:
        self._model = model
        self._ids: list[int] = []
        self._cache: Any = None
        stateful = getattr(model, "_is_stateful", False)
        self._enabled = enabled and not stateful and _is_plain(self._empty())
        self.tokens_reused = 0

    @property
    def enabled(self) -> bool:
        """Whether this model's cache can be shared and cut."""
        return self._enabled

    def take(self, ids: Sequence[int]) -> Any:
        """A cache that holds a beginning of `ids`, perhaps nothing, but never their last token.

        It belongs to the caller until it is given to `keep`. None if the model's cache cannot be shared.
        """
        if not self._enabled:
            return None
        length = min(common_length(self._ids, ids), len(ids) - 1)
        cache, self._cache, self._ids = self._cache, None, []
        if cache is None or length < LEAST:
            return self._empty()
        self.tokens_reused += length
        for layer in cache.layers:
            layer.keys, layer.values = layer.keys[..., :length, :], layer.values[..., :length, :]
        return cache

    def keep(self, ids: Sequence[int], cache: Any) -> None:
        """Keep what has been computed for the next call; `ids` may go on beyond it."""
        if cache is not None and self._enabled:
            self._ids, self._cache = list(ids)[: cache.get_seq_length()], cache

    def shared(self, prompts: Sequence[Sequence[int]]) -> tuple[Any, int]:
        """A cache with one row per prompt that holds what all begin with, and its length.

        (None, 0) if there is one prompt only, or hardly anything is shared.
        """
        if not self._enabled or len(prompts) < 2:
            return None, 0
        first = prompts[0]
        length = min(min(common_length(first, each), len(each) - 1) for each in prompts)
        if length < LEAST:
            return None, 0
        import torch

        ids = list(first[: length + 1])
        cache = self.take(ids)
        had = cache.get_seq_length()
        with torch.inference_mode():
            for start in range(had, length, _CHUNK):
                piece = torch.tensor([ids[start : min(start + _CHUNK, length)]], device=self._model.device)
                self._model(input_ids=piece, past_key_values=cache, use_cache=True, logits_to_keep=1)
        self.keep(ids, cache)
        self.tokens_reused += length * (len(prompts) - 1)
        rows = copy.copy(cache)
        rows.layers = [copy.copy(layer) for layer in cache.layers]
        rows.batch_repeat_interleave(len(prompts))
        return rows, length

    def clear(self) -> None:
        """Give the memory back."""
        self._ids, self._cache = [], None

    def close(self) -> None:
        """Let go of the model too."""
        self.clear()
        self._model, self._enabled = None, False

    def _empty(self) -> Any:
        from transformers import DynamicCache

        return DynamicCache(config=self._model.config)


def common_length(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two sequences begin with alike."""
    for position, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return position
    return min(len(first), len(second))


def _is_plain(cache: Any) -> bool:
    # By name: the classes of sliding and recurrent layers are subclasses.
    return bool(cache.layers) and all(type(layer).__name__ == "DynamicLayer" for layer in cache.layers)

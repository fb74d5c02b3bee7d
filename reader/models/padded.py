"""Replies in left-padded batches through `generate`, which knows the cache of every family of models.

Rows have their own grammar, temperature, token cap and cancellation. A batch that runs out of memory is
halved and goes on where it was; rows that are done leave it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from reader.chat import Finish
from reader.errors import ModelError, ModelMemoryError
from reader.models.grammar import mask_scores
from reader.models.memory import free_memory, is_out_of_memory
from reader.models.packing import LEAST_SHARED, pack
from reader.models.prefix import PrefixCache
from reader.models.replies import FAILURES, Reply

if TYPE_CHECKING:
    import torch

__all__ = ["PaddedBatches"]

# Of a nucleus: what is less likely than all this together is never sampled.
TOP_P: Final = 0.95


class PaddedBatches:
    """Runs replies on one model, a batch at a time; the caller keeps all but one thread out."""

    def __init__(
        self,
        model: Any,
        name: str,
        pad: int,
        most_rows: int,
        most_tokens: int,
        prefixes: PrefixCache,
        closing: threading.Event,
    ) -> None:
        """Takes the model and its limits; once `closing` is set, rows end at their next token."""
        self._model, self._name, self._pad, self._closing = model, name, pad, closing
        self._most_rows, self._most_tokens = most_rows, most_tokens
        self.prefixes = prefixes
        self._recurrent = bool(getattr(model, "_is_stateful", False))

    def run(self, replies: Sequence[Reply], on_done: Callable[[Reply], None]) -> None:
        """Bring all replies to their end.

        Raises:
            ModelMemoryError: If one does not fit into the memory alone; the others are done by then.
            ModelError: If the model fails in another way, or is closed meanwhile.
        """
        most_rows, failed = self._most_rows, False
        alone: set[int] = set()
        waiting = self._packed(replies, most_rows)
        while waiting:
            batch = [reply for reply in waiting.pop(0) if reply.finish is None]
            if not batch:
                continue
            try:
                self._generate(batch, on_done)
            except FAILURES as error:
                if not is_out_of_memory(error):
                    raise ModelError(f"The model {self._name} failed: {_first_line(error)}.") from error
            else:
                continue
            # Outside of the handler: the error's frames hold the tensors of the batch.
            self.prefixes.clear()
            free_memory()
            left = [reply for reply in batch if reply.finish is None]
            if len(batch) > 1:
                most_rows = min(most_rows, (len(batch) + 1) // 2)
                waiting = self._packed([*left, *(each for more in waiting for each in more)], most_rows)
            elif id(batch[0]) not in alone:
                # Once more, now that nothing is kept of the calls before.
                alone.add(id(batch[0]))
                waiting.insert(0, left)
            else:
                failed = True
        if failed:
            raise ModelMemoryError(
                f"The memory is too small for {self._name} to answer even one request at a time: a smaller "
                "CLEW_WINDOW, a smaller CLEW_MODEL or quantized weights need less."
            )

    def close(self) -> None:
        """Let go of the model."""
        self._model = None
        self.prefixes.close()

    def _packed(self, replies: Sequence[Reply], most_rows: int) -> list[list[Reply]]:
        batches = pack(
            [reply.ids for reply in replies],
            most_rows,
            self._most_tokens,
            [reply.request.max_tokens - len(reply.tokens) for reply in replies],
            equal_lengths=self._recurrent,
            together=LEAST_SHARED if self.prefixes.enabled else None,
        )
        return [[replies[position] for position in batch] for batch in batches]

    def _generate(self, batch: list[Reply], on_done: Callable[[Reply], None]) -> None:
        import torch
        from transformers import LogitsProcessorList, StoppingCriteriaList

        rows = _Rows(batch, on_done, self.prefixes.enabled, self._check_open)
        self._check_open()
        if rows.finish_cancelled():
            return
        alone = len(batch) == 1
        cache, shared = (
            (self.prefixes.take(batch[0].ids), 0) if alone else self.prefixes.shared([r.ids for r in batch])
        )
        if cache is None and self.prefixes.enabled:
            cache = self.prefixes._empty()
        ids, mask = self._padded([reply.ids for reply in batch], shared)
        while rows.live:
            arguments = {} if cache is None else {"past_key_values": cache}
            with torch.inference_mode():
                ids = self._model.generate(
                    ids,
                    attention_mask=mask,
                    max_new_tokens=max(r.request.max_tokens - len(r.tokens) for r in rows.live),
                    logits_processor=LogitsProcessorList([rows.choose]),
                    stopping_criteria=StoppingCriteriaList([rows.advance]),
                    **arguments,
                )
            if rows.live:
                # Most rows are done: the others go on without them, from what is computed.
                index = torch.tensor(rows.leave(), device=ids.device)
                cache.batch_select_indices(index)
                mask = torch.cat([mask, mask.new_ones(len(mask), ids.shape[1] - mask.shape[1])], 1)[index]
                ids = ids[index]
        if alone:
            self.prefixes.keep(batch[0].ids, cache)

    def _check_open(self) -> None:
        if self._closing.is_set():
            raise ModelError(f"The model {self._name} has been closed.")

    def _padded(self, prompts: list[list[int]], shared: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids and attention mask; the padding stands after the `shared` first tokens."""
        import torch

        longest = max(map(len, prompts))
        gaps = [longest - len(prompt) for prompt in prompts]
        ids = [
            prompt[:shared] + [self._pad] * gap + prompt[shared:]
            for prompt, gap in zip(prompts, gaps, strict=True)
        ]
        mask = [[1] * shared + [0] * gap + [1] * (longest - shared - gap) for gap in gaps]
        device = self._model.device
        return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


class _Rows:
    """What happens to each row of a batch at each step of `generate`."""

    def __init__(
        self,
        batch: list[Reply],
        on_done: Callable[[Reply], None],
        can_leave: bool,
        check_open: Callable[[], None],
    ) -> None:
        self._rows, self._on_done, self._can_leave, self._check_open = batch, on_done, can_leave, check_open

    @property
    def live(self) -> list[Reply]:
        return [reply for reply in self._rows if reply.finish is None]

    def leave(self) -> list[int]:
        """Drop the rows that are done; returns the positions of those that stay."""
        positions = [position for position, reply in enumerate(self._rows) if reply.finish is None]
        self._rows = [self._rows[position] for position in positions]
        return positions

    def finish_cancelled(self) -> bool:
        for reply in self.live:
            if reply.cancelled:
                reply.done(Finish.CANCELLED)
        return not self.live

    def choose(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores in which the likeliest token of each row is the one to take."""
        matchers = [reply.matcher if reply.finish is None else None for reply in self._rows]
        scores = mask_scores(scores, matchers)
        for row, reply in enumerate(self._rows):
            if reply.finish is None and reply.request.temperature > 0:
                token = _sampled(scores[row], reply)
                scores[row] = float("-inf")
                scores[row, token] = 0.0
        return scores

    def advance(self, input_ids: torch.Tensor, scores: torch.Tensor, **_: Any) -> torch.Tensor:
        """Take note of the new tokens; tells which rows are done."""
        self._check_open()
        for reply, token in zip(self._rows, input_ids[:, -1].tolist(), strict=True):
            if reply.finish is None:
                reply.add(token)
                if reply.finish is not None:
                    self._on_done(reply)
        self.finish_cancelled()
        done = [reply.finish is not None for reply in self._rows]
        if self._can_leave and len(done) > 1 and sum(done) * 2 >= len(done):
            done = [True] * len(done)
        import torch

        return torch.tensor(done, device=input_ids.device)


def _sampled(scores: torch.Tensor, reply: Reply) -> int:
    """A token by temperature and nucleus, the same for the same seed whatever else is in the batch."""
    import torch

    if reply.sampler is None:
        reply.sampler = torch.Generator()
        if reply.request.seed is None:
            reply.sampler.seed()
        else:
            reply.sampler.manual_seed(reply.request.seed)
    chances = (scores.detach().float().cpu() / reply.request.temperature).softmax(-1)
    ordered, tokens = chances.sort(descending=True)
    ordered[ordered.cumsum(-1) - ordered > TOP_P] = 0.0
    return int(tokens[int(torch.multinomial(ordered, 1, generator=reply.sampler))])


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return (text.splitlines()[0] if text else type(error).__name__).rstrip(".")

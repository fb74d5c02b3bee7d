"""Continuous batching: one loop on the device into which requests of all threads enter and leave at any time.

By the batching of transformers 5, kept running; beginnings that prompts share are computed once, block by
block. It runs models of attention layers only, and takes each time the likeliest token: what has a grammar or
a temperature, and what it fails at, goes through `PaddedBatches`.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final

from reader.chat import Finish
from reader.models.continuous_loop import POLL, Call, Loop
from reader.models.memory import free_memory
from reader.models.packing import groups_of
from reader.models.replies import FAILURES, Reply

__all__ = ["ContinuousBatches", "runs_continuously"]

_ATTENTION: Final = {"full_attention", "sliding_attention"}
# On a GPU the rest stays for the batches with a grammar and for the encoder.
_SHARE_OF_MEMORY: Final = 0.5
# On a CPU nothing says how much to take.
_CPU_PAGE: Final = 32
_CPU_TOKENS: Final = 32_768
_CPU_STEP: Final = 512


def runs_continuously(model: Any) -> bool:
    """Whether a model has nothing but attention layers with a cache in blocks."""
    config = model.config.get_text_config()
    types = set(getattr(config, "layer_types", None) or ["full_attention"])
    attention = getattr(config, "_attn_implementation", None)
    return (
        not getattr(model, "_is_stateful", False) and types <= _ATTENTION and attention in {"sdpa", "eager"}
    )


class ContinuousBatches:
    """The running loop of one model, started at its first request.

    `run` is safe to use from several threads; from all else that changes it the caller keeps all but one.
    """

    def __init__(
        self, model: Any, ends: Sequence[int], pad: int, window: int, closing: threading.Event
    ) -> None:
        """Takes the model and its limits; once `closing` is set, `run` leaves what is not done."""
        self._model, self._ends, self._pad, self._window = model, list(ends), pad, window
        self._closing = closing
        self._numbers = itertools.count()
        self._loop: Loop | None = None
        self._before: str | None = None
        self._given_up = False

    @property
    def usable(self) -> bool:
        """Whether it runs, or can be started."""
        return not self._given_up and not self.dead

    @property
    def started(self) -> bool:
        """Whether there is a loop."""
        return self._loop is not None

    @property
    def dead(self) -> bool:
        """Whether the loop has failed and still holds its memory, until the next `paused`."""
        loop = self._loop
        return loop is not None and not loop.running

    def run(self, replies: Sequence[Reply], on_done: Callable[[Reply], None], streaming: bool) -> None:
        """Bring replies to their end; those that it cannot run or fails at are left unfinished."""
        loop = self._loop
        if loop is None:
            return
        call = Call(loop, self._numbers, streaming)
        fitting = [each for each in replies if len(each.ids) + each.request.max_tokens <= loop.capacity]
        try:
            for group in groups_of([reply.prompt for reply in fitting]):
                # Blocks are shared once they are full: the others follow when the first has read its prompt.
                call.add(fitting[group[0]], [fitting[position] for position in group[1:]])
            self._collect(call, on_done)
        finally:
            # After an error of the caller's own functions, too.
            for name in call.running:
                loop.cancel(name)

    def start(self) -> None:
        """Start the loop if it does not run; nothing else may use the model meanwhile, as it changes it."""
        if not self.usable or self._loop is not None or self._closing.is_set():
            return
        self._before = self._model.config._attn_implementation
        self._loop = self._begun()
        if self._loop is None or not self._loop.started(self._closing):
            self._give_up()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The loop stands still, so that the model can be used otherwise; one that has failed is given up."""
        with ExitStack() as stack:
            if self._loop is not None:
                # Suppressed: it has ended, perhaps just now. The error's frames hold its blocks.
                with suppress(RuntimeError):
                    stack.enter_context(self._loop.pause())
                    stack.enter_context(self._attention(self._before))
            if self.dead:
                self._give_up()
            yield

    def close(self) -> None:
        """Stop the loop and let go of the model; it can be called twice."""
        if self._model is not None:
            self._give_up()
        self._model = None

    def _give_up(self) -> None:
        """End the loop for good: the model is as it was before, and the memory of the blocks is free."""
        self._given_up = True
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.stop()
        if self._before is not None and self._model.config._attn_implementation != self._before:
            self._model.set_attn_implementation(self._before)
        del loop
        free_memory()

    @contextmanager
    def _attention(self, name: str | None) -> Iterator[None]:
        """Another way of attention for a while: that of the loop refuses to run without its blocks."""
        now = self._model.config._attn_implementation
        if name is None or name == now:
            yield
            return
        self._model.set_attn_implementation(name)
        try:
            yield
        finally:
            self._model.set_attn_implementation(now)

    def _collect(self, call: Call, on_done: Callable[[Reply], None]) -> None:
        while call.running and not self._closing.is_set():
            for name in [name for name, reply in call.running.items() if reply.cancelled]:
                for reply in call.cancel(name):
                    reply.done(Finish.CANCELLED)
            try:
                output = call.inbox.get(timeout=POLL)
            except queue.Empty:
                if not call.loop.running:
                    return
                continue
            taken = call.running.get(output.request_id)
            if taken is None:
                continue
            for token in output.generated_tokens[len(taken.tokens) :]:
                if taken.finish is None:
                    taken.add(token)
            call.let_follow(output.request_id)
            if taken.finish is not None or output.is_finished():
                call.end(output.request_id)
                if taken.finish is not None:
                    on_done(taken)

    def _begun(self) -> Loop | None:
        """A loop that begins to start; None if this model's attention cannot do it."""
        from transformers import GenerationConfig
        from transformers.generation.configuration_utils import ContinuousBatchingConfig

        # Its failures are answered by the padded batches, and need no traceback on the screen.
        logging.getLogger("ContinuousBatchingLogger").setLevel(logging.CRITICAL)
        sizes: dict[str, Any] = {"max_memory_percent": _SHARE_OF_MEMORY}
        if self._model.device.type == "cpu":
            sizes = {
                "page_size": _CPU_PAGE,
                "num_blocks": max(_CPU_TOKENS, self._window) // _CPU_PAGE + 1,
                "max_batch_tokens": min(_CPU_STEP, self._window),
            }
        try:
            if _has_flash(self._model):
                self._model.set_attn_implementation("flash_attention_2")
            runner = self._model.init_continuous_batching(
                generation_config=GenerationConfig(  # type: ignore[no-untyped-call]
                    do_sample=False, eos_token_id=self._ends or [-1], pad_token_id=self._pad
                ),
                # Left to itself it takes a flash attention that the model does not have, or downloads one.
                continuous_batching_config=ContinuousBatchingConfig(
                    auto_switch_to_flash=False, allow_block_sharing=True, **sizes
                ),
            )
            return Loop(runner, self._ends)
        except (*FAILURES, AttributeError, ImportError, OSError, TypeError):
            return None


def _has_flash(model: Any) -> bool:
    """Whether flash attention 2 is installed and this model can use it."""
    from transformers.utils.import_utils import is_flash_attn_2_available

    known = getattr(model, "_compatible_flash_implementations", None)
    return (
        model.device.type == "cuda"
        and bool(getattr(model, "_supports_flash_attn", False))
        and (known is None or "flash_attention_2" in known)
        and str(model.dtype) in {"torch.bfloat16", "torch.float16"}
        and bool(is_flash_attn_2_available())
    )

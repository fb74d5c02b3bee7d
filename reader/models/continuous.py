"""Continuous batching: one loop on the device into which requests of all threads enter and leave at any time.

By the batching of transformers 5, kept running; beginnings that prompts share are computed once, block by
block. It runs models of attention layers only, and takes each time the likeliest token: what has a grammar or
a temperature, and what it fails at, goes through `PaddedBatches`.
"""

from __future__ import annotations

import itertools
import queue
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Final

from reader.chat import Finish
from reader.models.continuous_loop import POLL, Call, Loop
from reader.models.packing import groups_of
from reader.models.replies import Reply

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
    """The running loop of one model, started at its first request; safe to use from several threads."""

    def __init__(self, model: Any, ends: Sequence[int], pad: int, window: int) -> None:
        self._model, self._ends, self._pad, self._window = model, list(ends), pad, window
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._loop: Loop | None = None
        self._before: str | None = None
        self._at_exit: weakref.finalize[..., Any] | None = None
        self._failures = 0

    @property
    def usable(self) -> bool:
        """Whether it has not failed yet."""
        return self._failures == 0

    def run(self, replies: Sequence[Reply], on_done: Callable[[Reply], None], streaming: bool) -> None:
        """Bring replies to their end; those that it cannot run or fails at are left unfinished."""
        loop = self._loop
        if loop is None or not self.usable:
            return
        call = Call(loop, self._numbers, streaming)
        fitting = [each for each in replies if len(each.ids) + each.request.max_tokens <= loop.capacity]
        for group in groups_of([reply.prompt for reply in fitting]):
            # Blocks are shared once they are full: the others follow when the first has read its prompt.
            call.add(fitting[group[0]], [fitting[position] for position in group[1:]])
        try:
            self._collect(call, on_done)
        finally:
            # After an error of the caller's own functions, too.
            for name in call.running:
                loop.cancel(name)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """The loop stands still, so that the model can be used otherwise."""
        loop = self._loop
        if loop is None or not loop.runner.is_running():
            yield
            return
        with loop.runner.pause(), self._attention(self._before):
            yield

    @contextmanager
    def _attention(self, name: str | None) -> Iterator[None]:
        """Another way of attention for a while: that of the loop refuses to run without its blocks."""
        model = self._model
        now = None if model is None else model.config._attn_implementation
        if name is None or now is None or name == now:
            yield
            return
        model.set_attn_implementation(name)
        try:
            yield
        finally:
            model.set_attn_implementation(now)

    def close(self) -> None:
        """Stop the loop and let go of the model."""
        with self._lock:
            loop, self._loop, self._model = self._loop, None, None
            self._failures += 1
            if self._at_exit is not None:
                self._at_exit.detach()
        if loop is not None:
            loop.stop()

    def _collect(self, call: Call, on_done: Callable[[Reply], None]) -> None:
        while call.running:
            for name in [name for name, reply in call.running.items() if reply.cancelled]:
                for reply in call.cancel(name):
                    reply.done(Finish.CANCELLED)
                    on_done(reply)
            try:
                output = call.inbox.get(timeout=POLL)
            except queue.Empty:
                if not call.loop.runner.is_running():
                    self._failures += 1
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
                self._failures += output.error is not None
                if taken.finish is not None:
                    on_done(taken)

    def start(self) -> None:
        """Start the loop if it does not run; nothing else may use the model meanwhile, as it changes it."""
        with self._lock:
            if self.usable and self._loop is None and self._model is not None:
                self._before = self._model.config._attn_implementation
                self._loop = self._start()

    @property
    def started(self) -> bool:
        """Whether there is a loop."""
        return self._loop is not None

    def _start(self) -> Loop | None:
        from transformers import GenerationConfig
        from transformers.generation.configuration_utils import ContinuousBatchingConfig

        on_cpu = self._model.device.type == "cpu"
        capacity = max(_CPU_TOKENS, self._window)
        sizes: dict[str, Any] = {"max_memory_percent": _SHARE_OF_MEMORY}
        if on_cpu:
            step = min(_CPU_STEP, self._window)
            sizes = {
                "page_size": _CPU_PAGE,
                "num_blocks": capacity // _CPU_PAGE + 1,
                "max_batch_tokens": step,
            }
        # Never by kernels that would be fetched: only a flash attention that is installed.
        flash = not on_cpu and find_spec("flash_attn") is not None
        try:
            runner = self._model.init_continuous_batching(
                generation_config=GenerationConfig(  # type: ignore[no-untyped-call]
                    do_sample=False, eos_token_id=self._ends or [-1], pad_token_id=self._pad
                ),
                continuous_batching_config=ContinuousBatchingConfig(
                    auto_switch_to_flash=flash, allow_block_sharing=True, **sizes
                ),
            )
        except (ValueError, RuntimeError, MemoryError, AttributeError):
            # What this model's attention cannot do the padded batches can.
            self._failures += 1
            return None
        loop = Loop(runner, self._ends)
        if not loop.started():
            self._failures += 1
            return None
        self._at_exit = weakref.finalize(self, loop.stop)
        return loop

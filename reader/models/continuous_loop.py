"""The threads of continuous batching: one runs the model, one brings what comes out to those who wait."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

from reader.models.replies import Reply

__all__ = ["POLL", "Call", "Loop"]

POLL: Final = 0.05
_START: Final = 120.0


class Call:
    """The requests of one call."""

    def __init__(self, loop: Loop, numbers: Iterator[int], streaming: bool) -> None:
        self.loop, self.inbox = loop, queue.SimpleQueue[Any]()
        self.running: dict[str, Reply] = {}
        self._followers: dict[str, list[Reply]] = {}
        self._numbers, self._streaming = numbers, streaming

    def add(self, reply: Reply, followers: list[Reply]) -> None:
        """Start a request, and others when its prompt has been read."""
        name = f"clew-{next(self._numbers)}"
        if self.loop.add(name, reply, self.inbox, self._streaming or bool(followers)):
            self.running[name] = reply
            self._followers[name] = followers

    def let_follow(self, name: str) -> None:
        """A request has its first token."""
        for reply in self._followers.pop(name, []):
            self.add(reply, [])

    def cancel(self, name: str) -> list[Reply]:
        """Stop a request; returns it and those that waited for it."""
        self.loop.cancel(name)
        return [self.running.pop(name), *self._followers.pop(name, [])]

    def end(self, name: str) -> None:
        """A request has come to its end."""
        self.loop.forget(name)
        del self.running[name]


class Loop:
    """The loop's thread, and one that brings its outputs to those who wait for them."""

    def __init__(self, runner: Any, ends: Sequence[int]) -> None:
        self.runner, self._ends = runner, list(ends)
        self._inboxes: dict[str, queue.SimpleQueue[Any]] = {}
        self._ready = threading.Event()
        # The loop's own thread inherits from this one that it does not keep the program from ending.
        self._thread = threading.Thread(target=self._deliver, name="clew-continuous", daemon=True)
        self._thread.start()

    @property
    def capacity(self) -> int:
        """Tokens that fit into the blocks."""
        sizes = self.runner.continuous_batching_config
        return int((sizes.num_blocks or 0) * sizes.page_size)

    def started(self) -> bool:
        """Wait until it takes requests; False if it failed to start."""
        self._ready.wait()
        deadline = time.monotonic() + _START
        while self.runner.is_running() and time.monotonic() < deadline:
            if self.runner.batch_processor is not None:
                return True
            time.sleep(POLL / 10)
        return False

    def add(self, name: str, reply: Reply, inbox: queue.SimpleQueue[Any], streaming: bool) -> bool:
        """Give it a request; False if it does not take any more."""
        self._inboxes[name] = inbox
        accepted = self.runner.add_request(
            reply.prompt,
            request_id=name,
            max_new_tokens=reply.request.max_tokens,
            streaming=streaming,
            eos_token_id=self._ends or [-1],
        )
        return accepted is not None

    def cancel(self, name: str) -> None:
        """Stop a request; nothing of it arrives any more."""
        self.forget(name)
        self.runner.cancel_request(name)

    def forget(self, name: str) -> None:
        """A request has come to its end."""
        self._inboxes.pop(name, None)

    def stop(self) -> None:
        """End both threads; it can be called twice."""
        if self.runner is not None and self.runner.is_running():
            self.runner.stop(block=True, hard_stop=True)
        self._thread.join()

    def _deliver(self) -> None:
        self.runner.start()
        self._ready.set()
        while self.runner.is_running():
            output = self.runner.get_result(timeout=POLL)
            inbox = None if output is None else self._inboxes.get(output.request_id)
            if inbox is not None:
                inbox.put(output)

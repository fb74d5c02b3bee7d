"""The threads of continuous batching: one runs the model, one brings what comes out to those who wait."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
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
        """Start a request, and others when its prompt has been read; nothing if the loop takes no more."""
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
    """The loop's thread, and one that brings its outputs to those who wait for them.

    Attributes:
        capacity: Tokens that fit into the blocks; 0 until it has started.
    """

    def __init__(self, runner: Any, ends: Sequence[int]) -> None:
        self._runner, self._ends = runner, list(ends)
        self._inboxes: dict[str, queue.SimpleQueue[Any]] = {}
        self._ready = threading.Event()
        self.capacity = 0
        # The loop's own thread inherits from this one that it does not keep the program from ending.
        self._thread = threading.Thread(
            target=self._deliver, args=(runner,), name="clew-continuous", daemon=True
        )
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether its thread lives."""
        return _thread_of(self._runner) is not None

    def started(self, closing: threading.Event) -> bool:
        """Wait until it takes requests; False if it failed to start, was too slow, or should close."""
        deadline = time.monotonic() + _START
        self._ready.wait(_START)
        while self.running and time.monotonic() < deadline and not closing.is_set():
            if self._runner.batch_processor is not None:
                sizes = self._runner.continuous_batching_config
                self.capacity = int((sizes.num_blocks or 0) * sizes.page_size)
                return True
            time.sleep(POLL / 10)
        return False

    def pause(self) -> AbstractContextManager[None]:
        """The loop stands still meanwhile.

        Raises:
            RuntimeError: On entering, if it has ended.
        """
        paused: AbstractContextManager[None] = self._runner.pause()
        return paused

    def add(self, name: str, reply: Reply, inbox: queue.SimpleQueue[Any], streaming: bool) -> bool:
        """Give it a request; False if it does not take any more."""
        runner = self._runner
        if runner is None:
            return False
        self._inboxes[name] = inbox
        accepted = runner.add_request(
            reply.prompt,
            request_id=name,
            max_new_tokens=reply.request.max_tokens,
            streaming=streaming,
            eos_token_id=self._ends or [-1],
        )
        if accepted is None:
            self.forget(name)
        return accepted is not None

    def cancel(self, name: str) -> None:
        """Stop a request; nothing of it arrives any more."""
        self.forget(name)
        runner = self._runner
        if runner is not None:
            runner.cancel_request(name)

    def forget(self, name: str) -> None:
        """A request has come to its end."""
        self._inboxes.pop(name, None)

    def stop(self) -> None:
        """End both threads and let go of the blocks; it can be called twice, but not while it is paused."""
        # Until it has begun to start it could not be stopped.
        self._ready.wait(_START)
        runner, self._runner = self._runner, None
        if runner is not None:
            # One of its own threads may have been the one to collect what nobody uses any more.
            own = threading.current_thread() in {self._thread, runner._generation_thread}
            runner.stop(block=not own, hard_stop=True)
        if threading.current_thread() is not self._thread and _thread_of(runner) is None:
            self._thread.join()

    def _deliver(self, runner: Any) -> None:
        try:
            runner.start()
        except RuntimeError:
            # The system gives no more threads: seen by those who wait for the start.
            return
        finally:
            self._ready.set()
        while _thread_of(runner) is not None:
            output = runner.get_result(timeout=POLL)
            inbox = None if output is None else self._inboxes.get(output.request_id)
            if inbox is not None:
                inbox.put(output)


def _thread_of(runner: Any) -> threading.Thread | None:
    """The thread that runs the model, while it lives; asked once, as another may be stopping it."""
    thread: threading.Thread | None = None if runner is None else runner._generation_thread
    return thread if thread is not None and thread.is_alive() else None

"""Closing, cancelling and forking while something is asked of an endpoint."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from reader.chat import Cancellation, Finish, Message, Request
from reader.errors import ModelError
from reader.models.endpoint import EndpointModel, Timeouts
from tests.servers import FakeServer, serving

QUESTION = Request((Message("system", "Be brief."), Message("user", "Who is there?")))
LONG = Timeouts(connect=60, first_token=60, between_tokens=60, total=60, asking=60)
ENDLESS = 30.0
"""Seconds after which a test calls a call endless, on a machine under load too; far less than `LONG`."""


@contextmanager
def connected(server: FakeServer, **options: Any) -> Iterator[EndpointModel]:
    settings: dict[str, Any] = {"base_url": server.base_url, "api_key": None, "timeout": LONG}
    model = EndpointModel.connect("fake", **(settings | {"backoff": 0.02} | options))
    try:
        yield model
    finally:
        model.close()


def test_closing_again_and_again_while_others_ask_ends_in_replies_or_one_sentence() -> None:
    ended: Counter[object] = Counter()
    over = threading.Event()

    def ask(model: EndpointModel) -> None:
        # Any other error ends the thread, and the test with it: warnings are errors.
        while not over.is_set():
            try:
                ended[model.complete(QUESTION).finish] += 1
            except ModelError as error:
                ended[str(error)] += 1

    with serving(lambda body: "word" * 5, pace=0.001) as server, connected(server, in_flight=3) as model:
        threads = [threading.Thread(target=ask, args=(model,), daemon=True) for _ in range(8)]
        for thread in threads:
            thread.start()
        for _ in range(60):
            time.sleep(0.02)
            model.close()
        over.set()
        for thread in threads:
            thread.join(ENDLESS)
        assert not any(thread.is_alive() for thread in threads)
        closed = f"The connection to {server.base_url} was closed before the answer was there."
        assert set(ended) <= {Finish.STOP, closed}
        assert ended[closed]
        assert model.complete(QUESTION).finish is Finish.STOP


def test_nothing_is_left_of_a_closed_connection() -> None:
    with serving() as server:
        before = threading.active_count()
        with connected(server) as model:
            for _ in range(3):
                model.complete(QUESTION)
                model.close()
        ours = [each.name for each in threading.enumerate() if each.name.startswith(("endpoint", "asyncio"))]
        assert server.wait_until(lambda: threading.active_count() <= before), ours


def test_one_of_many_that_is_closed_under_is_no_reply() -> None:
    done: list[int] = []
    with serving(lambda body: "word" * 500, pace=0.05) as server, connected(server) as model:
        ends = threading.Thread(
            target=lambda: (server.wait_until(lambda: server.in_flight == 2), model.close())
        )
        ends.start()
        with pytest.raises(ModelError, match="closed before"):
            model.complete_many([QUESTION] * 2, lambda position, _: done.append(position))
        ends.join()
    assert done == []


@pytest.mark.parametrize("given", [{}, {"window": 100}])
def test_a_deadline_holds_while_the_server_is_asked_about_itself(given: dict[str, int]) -> None:
    # With a window that is set it is the tokens that must be asked for.
    request = Request((Message("user", "word " * 60),), max_tokens=50)
    with serving(mute=True) as server, connected(server, **given) as model:
        began = time.monotonic()
        reply = model.complete(request, None, Cancellation(seconds=0.3))
        assert (reply.finish, reply.text) == (Finish.CANCELLED, "")
        assert time.monotonic() - began < ENDLESS
        assert server.paths, "it was asked"
        assert server.requests == []


def test_a_deadline_holds_while_tokens_are_counted() -> None:
    request = Request((Message("user", "word " * 60),), max_tokens=50)
    with serving(window=150, tokenize="vllm") as server, connected(server) as model:
        assert model.exact_tokens
        server.mute, server.tokenize = True, None
        began = time.monotonic()
        assert model.complete(request, None, Cancellation(seconds=0.3)).finish is Finish.CANCELLED
        assert time.monotonic() - began < ENDLESS


def test_cancelling_by_hand_while_the_window_is_asked() -> None:
    cancellation = Cancellation()
    with serving(mute=True) as server, connected(server) as model:
        ends = threading.Thread(
            target=lambda: (server.wait_until(lambda: bool(server.paths)), cancellation.cancel())
        )
        ends.start()
        began = time.monotonic()
        replies = model.complete_many([QUESTION] * 3, None, cancellation)
        assert [each.finish for each in replies] == [Finish.CANCELLED] * 3
        assert time.monotonic() - began < ENDLESS
        ends.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_has_a_connection_of_its_own() -> None:
    with serving() as server, connected(server) as model:
        model.complete(QUESTION)
        child = os.fork()
        if child == 0:
            # Whatever happens, the child must not go on with the tests.
            good = False
            try:
                good = model.complete(QUESTION, None, Cancellation(seconds=ENDLESS)).finish is Finish.STOP
                model.close()
            finally:
                os._exit(0 if good else 1)
        end = time.monotonic() + 2 * ENDLESS
        while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < end:
            time.sleep(0.02)
        if ended == (0, 0):
            os.kill(child, 9)
            os.waitpid(child, 0)
        assert ended == (child, 0)
        assert model.complete(QUESTION).finish is Finish.STOP, "that of the parent is as it was"

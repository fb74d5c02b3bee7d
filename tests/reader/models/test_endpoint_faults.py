"""Every fault of a server ends in the answer or in one named error, within its time limit."""

from __future__ import annotations

import email.utils
import json
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from reader.chat import Cancellation, Completion, Finish, Message, Request
from reader.errors import (
    EndpointBusyError,
    EndpointError,
    EndpointRefusedError,
    EndpointReplyError,
    EndpointTimeoutError,
    EndpointUnreachableError,
    ModelError,
    ModelNotFoundError,
    RequestRefusedError,
    WindowError,
)
from reader.models.endpoint import EndpointModel, Timeouts
from reader.models.endpoint_faults import window_that_is_told
from reader.models.retrying import retry_after
from tests.servers import (
    FakeServer,
    Fault,
    body,
    cut,
    events,
    free_port,
    raw_events,
    serving,
    stall,
    status,
    trickle,
)

QUESTION = Request((Message("user", "Who is there?"),))
# Only what stands still or never ends meets a short limit; a machine under load must not meet one elsewhere.
TIGHT = Timeouts(connect=5, first_token=0.6, between_tokens=0.3, total=30, asking=5)
BRIEF = Timeouts(connect=5, first_token=20, between_tokens=20, total=1.5, asking=5)
SLOW = Timeouts(connect=5, first_token=20, between_tokens=20, total=30, asking=5)
SLACK = 10.0
"""Seconds over its limit that a machine under load may take until a test calls a request endless."""

HALF = raw_events(b'{"choices": [{"delta": {"content": "Hel')
PAGE = body(b"<html><style>p{}</style><h1>Bad gateway</h1></html>", "text/html")
NO_JSON = body(b"Hello", "application/json")
EMPTY = raw_events(b'{"id": "1", "choices": []}', b"[DONE]")
IN_STREAM = raw_events(b'{"error": {"message": "the engine died"}}')
NOT_ESCAPED = raw_events(b'{"error": "no "such" thing"}')
STRANGE = raw_events(b'{"choices": "none"}', b"[DONE]")
NUMBERS = raw_events(b"[1, 2]", b"[DONE]")
ENDLESS = trickle("word ", 0.02)
NO_TEXT = raw_events(b'{"choices": [{"delta": {"content": 5}}]}', b"[DONE]")


@contextmanager
def connected(server: FakeServer, name: str = "fake", **options: Any) -> Iterator[EndpointModel]:
    settings: dict[str, Any] = {"base_url": server.base_url, "api_key": None, "timeout": SLOW}
    model = EndpointModel.connect(name, **(settings | {"backoff": 0.02} | options))
    try:
        yield model
    finally:
        model.close()


@pytest.mark.parametrize(
    "faults",
    [
        [status(500), status(500)],
        [status(429, "0.05")],
        [status(429, "soon")],
        [status(502), status(503), status(504)],
        [stall(headers=False)],
        [stall()],
        [stall(["Hel", "lo "])],
        [cut(["Hel"])],
        [cut(["Hel"], politely=True)],
        [cut()],
        [HALF],
        [PAGE],
        [NO_JSON],
        [EMPTY],
        [IN_STREAM],
        [NOT_ESCAPED],
        [STRANGE],
        [NUMBERS],
        [NO_TEXT],
    ],
)
def test_a_fault_that_passes_ends_in_the_answer(faults: list[Fault]) -> None:
    shown: list[str] = []

    def on_token(text: str | None) -> None:
        if text is None:
            shown.clear()
        else:
            shown.append(text)

    stalls = any(hasattr(fault, "stalls") for fault in faults)
    limits = TIGHT if stalls else SLOW
    with (
        serving(lambda body: "Nobody but the wind.", faults=faults) as server,
        connected(server, timeout=limits, attempts=8) as model,
    ):
        reply = model.complete(QUESTION, on_token)
    assert (reply.text, reply.finish) == ("Nobody but the wind.", Finish.STOP)
    assert "".join(shown) == "Nobody but the wind.", "what came of the failed attempt is void"
    assert len(server.requests) == len(faults) + 1 or stalls
    assert not server.faults


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        (status(500), EndpointBusyError, "500"),
        (status(503), EndpointBusyError, "503"),
        (status(429, "0"), EndpointBusyError, "429"),
        (stall(headers=False), EndpointTimeoutError, "no token for 0.6 s"),
        (stall(), EndpointTimeoutError, "no token for 0.6 s"),
        (stall(["Hel", "lo "]), EndpointTimeoutError, "stood still for 0.3 s"),
        (ENDLESS, EndpointTimeoutError, "did not end its reply within 1.5 s"),
        (cut(["Hel"]), EndpointReplyError, "cut off"),
        (cut(["Hel"], politely=True), EndpointReplyError, "cut off"),
        (cut(), EndpointReplyError, "cut off"),
        (lambda exchange: exchange.hang_up(), EndpointReplyError, "without an answer"),
        (HALF, EndpointReplyError, "not JSON|cut off"),
        (PAGE, EndpointReplyError, "text/html: 'Bad gateway'"),
        (NO_JSON, EndpointReplyError, "'Hello'"),
        (EMPTY, EndpointReplyError, "no choices"),
        (IN_STREAM, EndpointReplyError, "the engine died"),
        (NOT_ESCAPED, EndpointReplyError, "not JSON"),
        (STRANGE, EndpointReplyError, "choices"),
        (NUMBERS, EndpointReplyError, "dictionary"),
        (NO_TEXT, EndpointReplyError, "content"),
        (events({"content": "Hel"}, finish="error"), EndpointReplyError, "ends with 'error'"),
    ],
)
def test_a_fault_that_stays_ends_in_one_named_error(
    fault: Fault, error: type[EndpointError], says: str
) -> None:
    limits = TIGHT if hasattr(fault, "stalls") else BRIEF if fault is ENDLESS else SLOW
    with serving(always=fault) as server, connected(server, attempts=2, timeout=limits) as model:
        began = time.monotonic()
        with pytest.raises(error, match=says) as caught:
            model.complete(QUESTION)
        assert time.monotonic() - began < SLACK
        assert type(caught.value) is error
        assert server.base_url in str(caught.value)
        assert 1 <= len(server.requests) <= 2


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (400, RequestRefusedError),
        (401, EndpointRefusedError),
        (403, EndpointRefusedError),
        (404, EndpointRefusedError),
        (413, RequestRefusedError),
        (422, RequestRefusedError),
    ],
)
def test_a_refusal_is_not_tried_again(code: int, error: type[ModelError]) -> None:
    with serving(always=status(code, message="what a question")) as server, connected(server) as model:
        with pytest.raises(error, match="what a question") as caught:
            model.complete(QUESTION)
        assert str(code) in str(caught.value)
        if code in {401, 403}:
            assert "OPENAI_API_KEY" in str(caught.value)
        assert type(caught.value) is error
    assert len(server.requests) == 1


def test_a_policy_on_content_is_not_about_the_key() -> None:
    fault = status(403, message="Blocked by the content_policy of this gateway")
    with (
        serving(always=fault) as server,
        connected(server) as model,
        pytest.raises(RequestRefusedError, match="content_policy"),
    ):
        model.complete(QUESTION)


def test_nobody_listens() -> None:
    port = free_port()
    model = EndpointModel.connect(
        "fake", base_url=f"http://127.0.0.1:{port}/v1", api_key=None, timeout=SLOW, backoff=0.02
    )
    for ask in (lambda: model.complete(QUESTION), lambda: model.window, lambda: model.count_tokens("text")):
        with pytest.raises(EndpointUnreachableError, match=f"http://127.0.0.1:{port}/v1.*OPENAI_BASE_URL"):
            ask()
    model.close()


def test_a_server_that_comes_up_late_is_waited_for() -> None:
    with serving() as server:
        port = server.server_address[1]
        model = EndpointModel.connect(
            "fake", base_url=server.base_url, api_key=None, backoff=0.3, attempts=12
        )
    replies: list[Completion] = []
    thread = threading.Thread(target=lambda: replies.append(model.complete(QUESTION)))
    thread.start()
    time.sleep(0.2)
    with serving(port=port):
        thread.join(60)
        model.close()
    assert [reply.finish for reply in replies] == [Finish.STOP]


def test_a_wait_that_is_asked_for_is_kept() -> None:
    with serving(faults=[status(429, "0.4")]) as server, connected(server) as model:
        assert model.complete(QUESTION).seconds >= 0.4
    assert len(server.requests) == 2


@pytest.mark.parametrize("deadline", [None, 30])
def test_a_wait_beyond_the_limit_is_not_begun(deadline: float | None) -> None:
    limits = Timeouts(connect=5, total=20 if deadline is None else 1800)
    cancellation = Cancellation(deadline)
    with serving(always=status(429, "60")) as server, connected(server, timeout=limits) as model:
        began = time.monotonic()
        with pytest.raises(EndpointBusyError, match="asks to wait 60 s"):
            model.complete(QUESTION, None, cancellation)
        assert time.monotonic() - began < SLACK
    assert len(server.requests) == 1


def test_cancelling_between_two_attempts() -> None:
    cancellation = Cancellation()
    with (
        serving(always=status(429, "60")) as server,
        connected(server, timeout=Timeouts(connect=5)) as model,
    ):
        asked = lambda: len(server.requests) == 1 and server.in_flight == 0  # noqa: E731
        ends = threading.Thread(target=lambda: server.wait_until(asked) and cancellation.cancel())
        ends.start()
        began = time.monotonic()
        assert model.complete(QUESTION, None, cancellation).finish is Finish.CANCELLED
        assert time.monotonic() - began < 2 * SLACK
        ends.join()
    assert len(server.requests) == 1


def test_a_cancelled_reply_has_nothing_of_a_failed_attempt() -> None:
    cancellation = Cancellation()
    shown: list[str | None] = []

    def on_token(text: str | None) -> None:
        shown.append(text)
        if text == "word":
            cancellation.cancel()

    with (
        serving(lambda body: "word" * 500, faults=[cut(["Hel"])], pace=0.01) as server,
        connected(server) as model,
    ):
        reply = model.complete(QUESTION, on_token, cancellation)
    assert shown == ["Hel", None, "word"]
    assert (reply.text, reply.finish) == ("word", Finish.CANCELLED)


def test_cancelling_while_waiting_for_a_turn() -> None:
    cancellation, first = Cancellation(), Cancellation()
    with (
        serving(latency=30) as server,
        connected(server, in_flight=1, timeout=Timeouts(connect=5)) as model,
    ):
        thread = threading.Thread(target=model.complete, args=(QUESTION, None, first))
        thread.start()
        assert server.wait_until(lambda: server.in_flight == 1)
        threading.Timer(0.1, cancellation.cancel).start()
        assert model.complete(QUESTION, None, cancellation).finish is Finish.CANCELLED
        assert len(server.requests) == 1
        first.cancel()
        thread.join()


def test_retry_after_in_all_its_forms() -> None:
    later = email.utils.formatdate(time.time() + 30, usegmt=True)
    earlier = email.utils.formatdate(time.time() - 30, usegmt=True)
    assert retry_after({"retry-after": "1.5"}) == 1.5
    assert retry_after({"retry-after": "-3"}) == 0
    assert retry_after({"retry-after-ms": "250", "retry-after": "9"}) == 0.25
    assert 25 < (retry_after({"retry-after": later}) or 0) <= 30
    assert retry_after({"retry-after": earlier}) == 0
    for nonsense in ("", "soon", "nan", "inf", "Wed, 99 Foo 2024"):
        assert retry_after({"retry-after": nonsense}) is None
    assert retry_after({}) is None


# Windows.


def test_a_window_smaller_than_claimed_is_told_and_learnt() -> None:
    long = Request((Message("user", "word " * 200),), max_tokens=20)
    with serving(window=5000, real_window=120) as server, connected(server) as model:
        assert model.window == 5000
        with pytest.raises(WindowError, match="120") as caught:
            model.complete(long)
        assert caught.value.window == 120
        assert model.window == 120
        with pytest.raises(WindowError):
            model.complete(long)
        short = Request((Message("user", "word " * 10),), max_tokens=20)
        assert model.complete(short).finish is Finish.STOP
    assert len(server.requests) == 2, "what cannot fit is not sent a second time"


TOLD = {
    "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4500 in the "
    "messages, 500 in the completion).": 4096,
    "This model's maximum context length is 4096 tokens. However, your request has 5000 input tokens.": 4096,
    "the request exceeds the available context size (4096 tokens), try increasing it": 4096,
    "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it": 4096,
    "The decoder prompt (length 5000) is longer than the maximum model length of 4096.": 4096,
    "prompt is too long: 5000 tokens > 4096 maximum": 4096,
    "input length 5000 exceeds the context length": None,
    "Your input exceeds the context window of this model.": None,
    "'max_tokens' is too large: 5000. This model's maximum context length is 4096 tokens and your request "
    "has 90 input tokens": 4096,
    "Requested token count exceeds the model's maximum context length of 4096 tokens.": 4096,
}


@pytest.mark.parametrize(("message", "window"), TOLD.items())
def test_every_servers_words_for_too_long_are_known(message: str, window: int | None) -> None:
    assert window_that_is_told(message) == window
    with serving(window=9000, always=status(400, message=message)) as server, connected(server) as model:
        with pytest.raises(WindowError) as caught:
            model.complete(QUESTION)
        assert caught.value.window == window
        assert model.window == (window or 9000)
    assert len(server.requests) == 1


def test_the_window_in_the_fields_of_an_error() -> None:
    llama = {
        "error": {
            "code": 400,
            "message": "the request exceeds the available context size",
            "type": "exceed_context_size_error",
            "n_prompt_tokens": 5000,
            "n_ctx": 4096,
        }
    }
    fault = body(json.dumps(llama).encode(), "application/json", 400)
    with serving(always=fault) as server, connected(server) as model:
        with pytest.raises(WindowError) as caught:
            model.complete(QUESTION)
        assert caught.value.window == 4096
    openai = raw_events(b'{"error": {"message": "Too much.", "code": "context_length_exceeded"}}')
    with serving(always=openai) as server, connected(server) as model, pytest.raises(WindowError):
        model.complete(QUESTION)


# Names and keys.


def test_an_unknown_model_lists_those_there_are() -> None:
    with (
        serving(models=["llama-8b", "qwen-8b"]) as server,
        connected(server, name="gpt") as model,
        pytest.raises(ModelNotFoundError, match=r"no model 'gpt'; it has llama-8b, qwen-8b\..*CLEW_MODEL"),
    ):
        model.complete(QUESTION)
    assert len(server.requests) == 1


def test_a_bad_key_is_refused_and_nowhere_shown() -> None:
    with serving(key="sk-right") as server, connected(server, api_key="sk-wrong-secret") as model:
        for ask in (lambda: model.complete(QUESTION), lambda: model.complete_many([QUESTION])):
            with pytest.raises(EndpointRefusedError, match="OPENAI_API_KEY") as caught:
                ask()
            assert "secret" not in "".join(traceback.format_exception(caught.value))
            assert "secret" not in repr(caught.value)
    assert len(server.requests) == 2


def test_a_used_up_quota_is_not_waited_for() -> None:
    used_up = {"error": {"message": "You exceeded your current quota.", "code": "insufficient_quota"}}
    fault = body(json.dumps(used_up).encode(), "application/json", 429)
    with (
        serving(always=fault) as server,
        connected(server) as model,
        pytest.raises(EndpointRefusedError, match="quota"),
    ):
        model.complete(QUESTION)
    assert len(server.requests) == 1


# Many requests, some of which fail.


def test_a_retry_never_repeats_a_finished_unit() -> None:
    faults: list[Fault | None] = [None, status(500), None, cut(["Hel"]), status(429, "0.02"), None]
    done: list[int] = []
    requests = [Request((Message("user", f"question {number}"),)) for number in range(10)]
    with serving(lambda body: "good", faults=faults) as server, connected(server, in_flight=3) as model:
        replies = model.complete_many(requests, lambda position, _: done.append(position))
    assert [reply.text for reply in replies] == ["good"] * 10
    assert sorted(done) == list(range(10)), "each is told once"
    assert len(server.requests) == 13, "three of ten were asked twice"
    assert server.most_in_flight <= 3


def test_the_others_are_done_before_the_error_of_one_is_raised() -> None:
    done: dict[int, str] = {}

    def reply(asked: dict[str, Any]) -> str:
        return str(asked["messages"][0]["content"])

    def keep(position: int, completion: Completion) -> None:
        done[position] = completion.text

    requests = [Request((Message("user", f"question {number}"),)) for number in range(5)]
    requests[2] = Request((Message("user", "word " * 400),))
    with (
        serving(reply, real_window=600) as server,
        connected(server, in_flight=2) as model,
        pytest.raises(WindowError),
    ):
        model.complete_many(requests, keep)
    assert done == {number: f"question {number}" for number in (0, 1, 3, 4)}
    assert len(server.requests) == 5


def test_a_reply_after_reasoning_counts_it() -> None:
    deltas = [{"reasoning_content": "hm "}] * 3 + [{"content": "Nobody."}]
    with serving(faults=[events(*deltas, finish="length")]) as server, connected(server) as model:
        reply = model.complete(QUESTION)
        assert (reply.text, reply.finish, reply.completion_tokens) == ("Nobody.", Finish.LENGTH, 4)


def test_time_limits_are_above_nothing() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Timeouts(total=0)

"""A reply that has come is not thrown away for what is odd about it, and one that does not end is ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from reader.chat import Finish, Message, Request
from reader.errors import EndpointReplyError
from reader.models.endpoint import EndpointModel, Timeouts
from tests.servers import Exchange, FakeServer, Fault, body, raw_events, serving, stall, trickle

QUESTION = Request((Message("user", "Who is there?"),))
SAID = b'{"choices": [{"delta": {"content": "Nobody."}}]}'
STOP = b'{"choices": [{"delta": {}, "finish_reason": "stop"}]}'
DONE = b"[DONE]"


@contextmanager
def connected(server: FakeServer, **options: Any) -> Iterator[EndpointModel]:
    model = EndpointModel.connect(
        "fake", base_url=server.base_url, api_key=None, **({"backoff": 0.02} | options)
    )
    try:
        yield model
    finally:
        model.close()


def usage(**tokens: object) -> bytes:
    return json.dumps({"choices": [], "usage": tokens}).encode()


def content(*parts: object) -> bytes:
    return json.dumps({"choices": [{"delta": {"content": parts}}]}).encode()


def exactly(*lines: bytes) -> Fault:
    """Sends a stream of exactly these bytes."""

    def fault(exchange: Exchange) -> None:
        exchange.begin_stream()
        for line in lines:
            exchange.send_raw(line)
        exchange.end_stream()

    return fault


THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "well"}]}


@pytest.mark.parametrize(
    "events",
    [
        [SAID, STOP, usage(prompt_tokens=3, completion_tokens=None), DONE],
        [SAID, STOP, usage(prompt_tokens=3.5, completion_tokens=1.5), DONE],
        [SAID, STOP, usage(prompt_tokens="3", completion_tokens=-1), DONE],
        [SAID, STOP, b'{"choices": [], "usage": [1, 2]}', DONE],
        [SAID, STOP, b'{"choices": null, "usage": {"prompt_tokens": 3, "completion_tokens": 1}}', DONE],
        [b"", SAID, b"", STOP, DONE],
        [b"null", SAID, STOP, DONE],
        [content({"type": "text", "text": "No"}, "body."), STOP, DONE],
        [b'{"choices": [{"index": 1, "delta": {"content": "I."}}]}', SAID, STOP, DONE],
        [SAID, DONE],
        [SAID, STOP],
        [SAID, STOP, b"{oh"],
        [SAID, STOP, b'{"error": {"message": "too late"}}'],
    ],
)
def test_a_whole_reply_is_taken_as_it_is(events: list[bytes]) -> None:
    with serving(faults=[raw_events(*events)]) as server, connected(server) as model:
        reply = model.complete(QUESTION)
        assert (reply.text, reply.finish, reply.completion_tokens) == ("Nobody.", Finish.STOP, 1)
        assert reply.prompt_tokens > 0
    assert len(server.requests) == 1, "it is paid for once"


def test_reasoning_in_parts_of_a_content_is_not_shown() -> None:
    shown: list[str | None] = []
    events = [content(THINKING), content(THINKING), SAID, STOP, DONE]
    with serving(faults=[raw_events(*events)]) as server, connected(server) as model:
        reply = model.complete(QUESTION, shown.append)
    assert (reply.text, reply.completion_tokens, shown) == ("Nobody.", 3, ["Nobody."])
    assert len(server.requests) == 1


def test_line_ends_in_a_text_do_not_end_an_event() -> None:
    text = "one\u2028two\x85three\r\nfour"
    delta = json.dumps({"choices": [{"delta": {"content": text}}]}, ensure_ascii=False).encode()
    events = b": a comment\r\n\r\nevent: x\r\ndata:" + delta + b"\r\n\r\ndata: " + STOP + b"\n\ndata: [DONE]"
    halves = [events[: len(events) // 3], events[len(events) // 3 :]]
    with serving(faults=[exactly(*halves)]) as server, connected(server) as model:
        assert model.complete(QUESTION).text == text
    assert len(server.requests) == 1


def test_a_stream_that_stands_still_after_its_end_has_ended() -> None:
    def fault(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.send_delta({"content": "Nobody."}, finish="stop")
        stall(headers=False)(exchange)

    with (
        serving(faults=[fault]) as server,
        connected(server, timeout=Timeouts(first_token=60, between_tokens=0.3)) as model,
    ):
        assert model.complete(QUESTION).text == "Nobody."
    assert len(server.requests) == 1


def test_a_stream_that_only_says_that_it_is_done_may_have_met_its_cap() -> None:
    request = Request(QUESTION.messages, max_tokens=2)
    told = usage(prompt_tokens=3, completion_tokens=2)
    with serving(faults=[raw_events(SAID, told, DONE)]) as server, connected(server) as model:
        assert model.complete(request).finish is Finish.LENGTH
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "malformed",
    [
        raw_events(b'{"choices": "none"}', DONE),
        raw_events(b"[1, 2]", DONE),
        raw_events(b"{oh", DONE),
        raw_events(DONE),
        body(b"<h1>Welcome</h1>", "text/html"),
    ],
)
def test_a_malformed_reply_is_asked_for_once_more_only(malformed: Fault) -> None:
    with serving(always=malformed) as server, connected(server, attempts=4) as model:
        with pytest.raises(EndpointReplyError):
            model.complete(QUESTION)
        assert len(server.requests) == 2
    with serving(faults=[malformed]) as server, connected(server, attempts=4) as model:
        assert model.complete(QUESTION).finish is Finish.STOP


# The cap.


@pytest.mark.parametrize("piece", ["word ", "x ", "w", "a longer stretch of text in one piece, "])
def test_a_server_that_ignores_the_cap_is_stopped(piece: str) -> None:
    request = Request(QUESTION.messages, max_tokens=20)
    with serving(always=trickle(piece, 0.0)) as server, connected(server) as model:
        reply = model.complete(request)
        assert reply.finish is Finish.LENGTH
        assert 20 < len(reply.text) <= 20 * 1.25 * 12 + 64 * 12 + 12 + len(piece)
        assert server.wait_until(lambda: server.in_flight == 0), "it goes on"
    assert len(server.requests) == 1


def test_a_reply_in_single_characters_is_not_cut() -> None:
    text = "Nobody but the wind came to the island that night. " * 4
    events = [json.dumps({"choices": [{"delta": {"content": each}}]}).encode() for each in text]
    request = Request(QUESTION.messages, max_tokens=45)
    with serving(faults=[raw_events(*events, STOP, DONE)]) as server, connected(server) as model:
        reply = model.complete(request)
    assert (reply.text, reply.finish) == (text.rstrip(), Finish.STOP)

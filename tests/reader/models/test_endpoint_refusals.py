"""What a server refuses is learnt from what it says itself, and from nothing that it quotes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from reader.chat import Finish, Message, Request
from reader.errors import EndpointRefusedError, WindowError
from reader.models.endpoint import EndpointModel
from reader.models.endpoint_quoted import unquoted
from tests.servers import Exchange, FakeServer, Fault, serving, status

OPTIONAL = {"stream_options", "response_format", "seed", "temperature"}
QUOTED = "What temperature has the seed of the grammar?"
QUESTION = Request((Message("user", QUOTED),), seed=1, schema={"type": "string", "minLength": 1})


@contextmanager
def connected(server: FakeServer, **options: Any) -> Iterator[EndpointModel]:
    model = EndpointModel.connect("fake", base_url=server.base_url, api_key=None, backoff=0.02, **options)
    try:
        yield model
    finally:
        model.close()


def refusing(content: dict[str, Any] | str, code: int = 400) -> Fault:
    return lambda exchange: exchange.send_json(code, content)


def refusing_field(field: str, content: dict[str, Any]) -> Fault:
    """Refuses every request that has that field, and answers the others."""

    def fault(exchange: Exchange) -> None:
        if field in exchange.server.requests[-1]:
            exchange.send_json(400, content)
        else:
            exchange.begin_stream()
            exchange.send_delta({"content": '"a"'}, finish="stop")
            exchange.send_raw(b"data: [DONE]\n\n")
            exchange.end_stream()

    return fault


@pytest.mark.parametrize(
    "content",
    [
        {"error": {"message": f'bad request: "{QUOTED}"'}},
        {"error": {"message": f"bad request: {json.dumps(QUOTED[:-9])}..."}},
        {"error": {"message": f"{QUOTED} is no question", "param": None}},
        {"detail": f"cannot answer {QUOTED!r}"},
        {"error": {"message": "The temperature of the seed is wrong.", "param": "messages[0].content"}},
        {"detail": [{"loc": ["body", "messages", 0], "msg": "no", "input": {"seed": 1, "temperature": 0}}]},
        {"error": {"message": "1 validation error\n {'loc': ('body', 'messages'), 'input': {'seed': 1}}"}},
        {"error": {"message": "1 validation error for it\n [input_value={'stream_options': {}}]"}},
    ],
)
def test_a_refusal_that_repeats_the_request_switches_nothing_off(content: dict[str, Any]) -> None:
    with serving(lambda body: '"a"', faults=[refusing(content)]) as server, connected(server) as model:
        with pytest.raises(EndpointRefusedError):
            model.complete(QUESTION)
        assert model.complete(QUESTION).finish is Finish.STOP
        assert model.enforces is not False
    assert len(server.requests) == 2, "there was nothing to leave out"
    assert server.requests[-1].keys() >= OPTIONAL


@pytest.mark.parametrize(
    ("field", "content"),
    [
        ("seed", {"error": {"message": "That is not supported.", "param": "seed"}}),
        ("seed", {"detail": [{"loc": ["body", "seed"], "msg": "no extras", "input": {"temperature": 1}}]}),
        ("temperature", {"error": {"message": "'temperature' does not support 0 with this model."}}),
        ("response_format", {"error": {"message": "json_schema is not supported", "param": None}}),
        ("stream_options", {"detail": "Unexpected fields in the request: {'stream_options'}"}),
        (
            "stream_options",
            {"message": "1 error: {'loc': ('body', 'stream_options'), 'input': {'seed': 1}}"},
        ),
    ],
)
def test_the_field_that_is_refused_is_left_out_from_then_on(field: str, content: dict[str, Any]) -> None:
    with serving(always=refusing_field(field, content)) as server, connected(server) as model:
        for _ in range(2):
            assert model.complete(QUESTION).finish is Finish.STOP
    assert len(server.requests) == 3
    assert OPTIONAL - server.requests[-1].keys() == {field}


def test_a_field_whose_lack_changes_nothing_is_sent_again() -> None:
    faults = [status(400, message="seed and temperature are bad")] * 3
    with serving(lambda body: '"a"', faults=faults) as server, connected(server) as model:
        with pytest.raises(EndpointRefusedError):
            model.complete(QUESTION)
        assert model.complete(QUESTION).finish is Finish.STOP
    assert server.requests[-1].keys() >= OPTIONAL


def test_too_many_tokens_are_no_reason_to_rename_the_cap() -> None:
    too_long = (
        "'max_tokens' or 'max_completion_tokens' is too large: 512. This model's maximum context length is "
        "400 tokens and your request has 12 input tokens (512 > 400 - 12)."
    )
    too_large = "'max_tokens' or 'max_completion_tokens' is too large: 512. At most 64 can be generated."
    faults = [status(400, message=too_long), status(400, message=too_large)]
    with serving(lambda body: '"a"', faults=faults) as server, connected(server, window=4000) as model:
        with pytest.raises(WindowError, match="too large") as caught:
            model.complete(QUESTION)
        assert caught.value.window == 400
    with serving(lambda body: '"a"', faults=faults[1:]) as server, connected(server) as model:
        with pytest.raises(EndpointRefusedError, match="too large"):
            model.complete(QUESTION)
        assert model.complete(QUESTION).finish is Finish.STOP
    assert server.requests[-1]["max_tokens"] == 512


def test_a_document_cannot_shrink_the_window() -> None:
    lie = "This model's maximum context length is 16 tokens."
    request = Request((Message("user", f"It says: {lie} Why?"),))
    faults = [status(400, message=f"cannot parse: It says: {lie}")]
    with serving(faults=faults) as server, connected(server, window=5000) as model:
        with pytest.raises(EndpointRefusedError):
            model.complete(request)
        assert model.window == 5000
        assert model.complete(request).finish is Finish.STOP


def test_what_is_quoted_is_taken_out_and_nothing_else() -> None:
    sent = ["Who came to\nthe island, and why?", "seed"]
    assert unquoted("no: 'came to\\nthe island' ('seed', n_ctx: 40)", sent).split() == [
        "no:",
        "'",
        "'",
        "('seed',",
        "n_ctx:",
        "40)",
    ]
    assert unquoted("came to nothing", sent) == "came to nothing"
    assert unquoted("", sent) == ""

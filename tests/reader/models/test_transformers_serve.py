"""The endpoint backend against the real `transformers serve` with a tiny model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reader.chat import Cancellation, Finish, Message, Request
from reader.decisions import choose
from reader.errors import ModelNotFoundError
from reader.models.endpoint import EndpointModel
from tests.servers import healthy, transformers_serve
from tests.tiny_models import tiny_llama

ASKED = (Message("system", "Be brief."), Message("user", "Who came to the island?"))
CHOICE = {"type": "string", "enum": ["search", "walk", "whole"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("tiny") / "tiny-llama")


@pytest.fixture(scope="module")
def base_url(folder: Path) -> Iterator[str]:
    with transformers_serve(folder) as base_url:
        yield base_url


@pytest.fixture
def model(base_url: str, folder: Path) -> Iterator[EndpointModel]:
    connected = EndpointModel.connect(
        str(folder), base_url=base_url, api_key=None, tokenizer=str(folder), backoff=0.05
    )
    yield connected
    connected.close()


def test_a_reply_is_streamed_and_its_tokens_are_counted(model: EndpointModel) -> None:
    shown: list[str | None] = []
    reply = model.complete(Request(ASKED, max_tokens=12), shown.append)
    assert reply.finish is Finish.LENGTH
    assert reply.completion_tokens == 12
    assert reply.prompt_tokens == model.prompt_tokens(ASKED)
    assert len(shown) > 1, "it comes in pieces"
    assert None not in shown
    assert "".join(each or "" for each in shown).strip() == reply.text
    again = model.complete(Request(ASKED, max_tokens=12))
    assert again.text == reply.text, "at temperature 0 it is the same"


def test_many_at_once(model: EndpointModel) -> None:
    requests = [Request((Message("user", f"Question {number}?"),), max_tokens=4) for number in range(6)]
    together = model.complete_many(requests)
    assert [each.completion_tokens for each in together] == [4] * 6
    assert together[3].text == model.complete(requests[3]).text


def test_cancelling_stops_the_generation(model: EndpointModel) -> None:
    cancellation = Cancellation()
    shown: list[str | None] = []

    def on_token(text: str | None) -> None:
        shown.append(text)
        cancellation.cancel()

    reply = model.complete(Request(ASKED, max_tokens=3000), on_token, cancellation)
    assert reply.finish is Finish.CANCELLED
    assert reply.text == shown[0]
    # The server generates one request after the other: it would keep this one waiting for 3000 tokens.
    assert model.complete(Request(ASKED, max_tokens=2)).completion_tokens == 2


def test_a_choice_is_enforced(model: EndpointModel, base_url: str) -> None:
    reply = model.complete(Request(ASKED, max_tokens=4, schema=CHOICE))
    assert json.loads(reply.text) in CHOICE["enum"]
    assert reply.enforced
    wrapped: dict[str, Any] = {"type": "object", "properties": {"level": {"enum": [0, 1, 2]}}}
    reply = model.complete(Request(ASKED, max_tokens=4, schema=wrapped))
    assert json.loads(reply.text)["level"] in (0, 1, 2)
    assert reply.enforced


def test_choosing_cannot_go_wrong(model: EndpointModel) -> None:
    # What a random model writes by itself is no JSON: without the server's decisions none would succeed.
    for options in (["search", "walk"], ["yes", "no", "perhaps"], ["only"]):
        decided = choose(model, ASKED, options)
        assert decided.value in options
        assert decided.invalid == 0


def test_a_schema_that_is_no_choice_is_not_enforced_and_that_is_said(model: EndpointModel) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    reply = model.complete(Request(ASKED, max_tokens=8, schema=schema))
    assert reply.text
    assert not reply.enforced


def test_an_unknown_model_is_named(base_url: str, folder: Path) -> None:
    model = EndpointModel.connect("no-such-model", base_url=base_url, api_key=None)
    with pytest.raises(ModelNotFoundError, match="no-such-model"):
        model.complete(Request(ASKED))
    with pytest.raises(ModelNotFoundError, match="no-such-model"):
        model.complete(Request(ASKED, schema=CHOICE))
    model.close()


def test_probing(model: EndpointModel) -> None:
    found = model.probe()
    assert found.reachable
    assert found.error is None
    assert found.enforced is True
    assert not found.window_known, "this server tells nothing of its window"
    assert found.exact_tokens
    assert not found.listed, "it lists what was downloaded, and not the folder that it serves"


def test_the_server_is_healthy_after_all_that(base_url: str) -> None:
    assert healthy(base_url.removesuffix("/v1") + "/health")

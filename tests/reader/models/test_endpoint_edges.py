"""What cannot be sent is named at once, and what can be put right is put right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from reader.chat import Finish, Message, Request
from reader.errors import EndpointBusyError, EndpointRefusedError, EndpointUnreachableError
from reader.models.endpoint import EndpointModel
from reader.models.retrying import retry_after
from tests.servers import FakeServer, serving, status
from tests.tiny_models import tiny_tokenizer

QUESTION = Request((Message("system", "Be brief."), Message("user", "Who is there?")))


@contextmanager
def connected(server: FakeServer, **options: Any) -> Iterator[EndpointModel]:
    settings: dict[str, Any] = {"base_url": server.base_url, "api_key": None, "backoff": 0.02}
    model = EndpointModel.connect("fake", **(settings | options))
    try:
        yield model
    finally:
        model.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:99999/v1",
        "http://127.0.0.1:abc/v1",
        "http://127.0.0.1:-1/v1",
        "http://[::1/v1",
        "http://127.0.0.1 :80/v1",
        "http://127.0.0.1\x01/v1",
        "http://127.0.0.1/v\udc80",
        f"http://{'a' * 70}.example/v1",
        "http://a..example/v1",
    ],
)
def test_what_is_no_address_is_named_at_once(url: str) -> None:
    with pytest.raises(EndpointUnreachableError, match="OPENAI_BASE_URL"):
        EndpointModel.connect("fake", base_url=url, api_key=None)


@pytest.mark.parametrize(
    "url", ["http://me:secret@host:abc/v1", "http://me:sec/secret@host/v1", "http://host:x/v1?key=secret"]
)
def test_the_refusal_of_an_address_shows_no_password(url: str) -> None:
    with pytest.raises(EndpointUnreachableError) as caught:
        EndpointModel.connect("fake", base_url=url, api_key=None)
    assert "sec" not in str(caught.value)


def test_blanks_around_an_address_and_a_key_are_left_out() -> None:
    with (
        serving(key="sk-abcdef-1") as server,
        connected(server, base_url=f" {server.base_url}/\n", api_key=" sk-abcdef-1\r\n") as model,
    ):
        assert model.complete(QUESTION).finish is Finish.STOP
        assert model.address == server.base_url


@pytest.mark.parametrize("key", ["sk-ü", "sk-\u200b1", "a\nb", "sk-\udc80"])
def test_a_key_that_cannot_be_sent_is_named_at_once(key: str) -> None:
    with pytest.raises(EndpointRefusedError, match="OPENAI_API_KEY") as caught:
        EndpointModel.connect("fake", base_url="http://127.0.0.1:1/v1", api_key=key)
    assert key not in str(caught.value)


def test_a_key_of_blanks_is_none() -> None:
    with serving() as server, connected(server, api_key=" \n") as model:
        assert model.complete(QUESTION).finish is Finish.STOP


@pytest.mark.parametrize(
    ("key", "says", "shown"),
    [
        ("ollama", "ollama: the model runner has stopped", "ollama: the model runner has stopped"),
        ("k", "a broken link", "a broken link"),
        ("abcdefgh", "the key abcdefgh is bad", "the key *** is bad"),
        ("abcdefgh", "see abcdefghij and 'abcdefgh'", "see abcdefghij and '***'"),
    ],
)
def test_only_a_whole_key_is_taken_out_of_an_error(key: str, says: str, shown: str) -> None:
    with (
        serving(always=status(500, message=says)) as server,
        connected(server, api_key=key, attempts=1) as model,
        pytest.raises(EndpointBusyError) as caught,
    ):
        model.complete(QUESTION)
    assert shown in str(caught.value)


def test_halves_of_characters_are_replaced() -> None:
    schema = MappingProxyType({"type": "string", "minLength": 1, "description": "a \udc80"})
    request = Request((Message("user", "Who \udc80 is \ud83d\ude00 there?"),), schema=schema)
    with serving(tokenize="vllm", window=120) as server, connected(server) as model:
        assert model.count_tokens("a \udc80") == 1
        assert model.prompt_tokens(request.messages) > 0
        assert model.complete(Request(request.messages, schema=schema, max_tokens=90)).text
    sent = server.requests[0]
    assert sent["messages"][0]["content"] == "Who \ufffd is \U0001f600 there?"
    assert sent["response_format"]["json_schema"]["schema"]["description"] == "a \ufffd"


def test_a_date_that_no_calendar_has_asks_for_nothing() -> None:
    date = "Wed, 21 Oct 2015 07:28:00 +99999999999999"
    assert retry_after({"retry-after": date}) is None
    with serving(faults=[status(429, date)]) as server, connected(server) as model:
        assert model.complete(QUESTION).finish is Finish.STOP


@pytest.mark.parametrize(
    ("template", "folds"),
    [
        (
            "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
            "[{{ m.role }}]{{ m.content }}{% endfor %}",
            True,
        ),
        ("{{ raise_exception('never') }}", False),
        ("{{ nothing.at.all }}", False),
    ],
)
def test_a_template_that_refuses_a_system_role_still_counts(
    tmp_path: Path, template: str, folds: bool
) -> None:
    from transformers import AutoTokenizer

    folder = tiny_tokenizer(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    with serving() as server, connected(server, tokenizer=str(folder)) as model:
        counted = model.prompt_tokens(QUESTION.messages)
        assert model.count_tokens("a \udc80") > 0
    text = "[user]Be brief.\n\nWho is there?"
    exact = len(tokenizer.encode(text, add_special_tokens=False))
    assert counted == exact if folds else counted > exact
    assert server.paths == []

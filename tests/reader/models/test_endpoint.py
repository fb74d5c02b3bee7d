from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reader.chat import Cancellation, Completion, Finish, Message, Request
from reader.errors import EndpointError, EndpointUnreachableError, ModelNotFoundError, WindowError
from reader.models.endpoint import EndpointModel, Timeouts
from reader.models.endpoint_schema import fits, options_of
from tests.servers import FakeServer, body, count, events, free_port, raw_events, serving
from tests.tiny_models import tiny_tokenizer

QUESTION = Request((Message("system", "Be brief."), Message("user", "Who is there?")))
CHOICE = {"type": "string", "enum": ["search", "walk"]}
COLOUR: dict[str, Any] = {
    "type": "object",
    "properties": {"colour": {"type": "string"}, "shades": {"type": "array", "items": {"type": "integer"}}},
    "required": ["colour", "shades"],
    "additionalProperties": False,
}
LIMITS = Timeouts(connect=10, first_token=60, between_tokens=30, total=60, asking=10)


def asking(text: str, **options: Any) -> Request:
    return Request((Message("user", text),), **options)


@contextmanager
def connected(server: FakeServer, name: str = "fake", **options: Any) -> Iterator[EndpointModel]:
    settings: dict[str, Any] = {
        "base_url": server.base_url,
        "api_key": None,
        "timeout": LIMITS,
        "backoff": 0.02,
    }
    model = EndpointModel.connect(name, **(settings | options))
    try:
        yield model
    finally:
        model.close()


def test_a_reply_comes_with_the_tokens_that_the_server_counted() -> None:
    with serving(lambda body: "Nobody but the wind.") as server, connected(server) as model:
        reply = model.complete(QUESTION)
        assert (reply.text, reply.finish) == ("Nobody but the wind.", Finish.STOP)
        assert (reply.prompt_tokens, reply.completion_tokens) == (3 + 4, 5)
        assert reply.seconds > 0
        assert not reply.enforced
        assert not reply.cached
    (asked,) = server.requests
    assert asked["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Who is there?"},
    ]
    assert (asked["model"], asked["stream"], asked["max_tokens"], asked["temperature"]) == (
        "fake",
        True,
        512,
        0,
    )
    assert "response_format" not in asked
    assert "seed" not in asked


def test_the_tokens_are_shown_as_they_come_in_the_callers_thread() -> None:
    shown: list[str | None] = []
    threads = set()

    def on_token(text: str | None) -> None:
        shown.append(text)
        threads.add(threading.get_ident())

    with serving(lambda body: "one two three four") as server, connected(server) as model:
        reply = model.complete(QUESTION, on_token)
    assert shown == ["one ", "two ", "thre", "e fo", "ur"]
    assert reply.text == "one two three four"
    assert threads == {threading.get_ident()}


def test_a_reply_at_the_token_cap_says_so() -> None:
    with serving(lambda body: "one two three four") as server, connected(server) as model:
        reply = model.complete(asking("count", max_tokens=2, seed=7, temperature=0.5))
    assert (reply.text, reply.finish, reply.completion_tokens) == ("one two", Finish.LENGTH, 2)
    assert (server.requests[0]["seed"], server.requests[0]["temperature"]) == (7, 0.5)


@pytest.mark.parametrize(
    "deltas",
    [
        [{"content": "<think>well, "}, {"content": "let me see</thi"}, {"content": "nk>\n\nNobody."}],
        [{"reasoning_content": "well, let me see"}, {"content": "Nobody."}],
        [{"reasoning": "well, let me see"}, {"content": None}, {"content": "Nobody."}],
    ],
)
def test_reasoning_is_not_shown(deltas: list[dict[str, Any]]) -> None:
    shown: list[str | None] = []
    with serving(faults=[events(*deltas)]) as server, connected(server) as model:
        reply = model.complete(QUESTION, shown.append)
    assert reply.text == "Nobody."
    assert shown == ["Nobody."]


def test_reasoning_that_the_template_opened_is_taken_back() -> None:
    shown: list[str | None] = []
    deltas = [{"content": "well, let me see"}, {"content": "</think>Nobody."}]
    with serving(faults=[events(*deltas)]) as server, connected(server) as model:
        assert model.complete(QUESTION, shown.append).text == "Nobody."
    assert shown == ["well, let me see", None, "Nobody."]


def test_a_server_that_does_not_stream_is_understood() -> None:
    whole = {
        "choices": [{"message": {"role": "assistant", "content": "All at once."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 3},
    }
    fault = body(json.dumps(whole).encode(), "application/json")
    with serving(faults=[fault]) as server, connected(server) as model:
        reply = model.complete(QUESTION)
    assert (reply.text, reply.prompt_tokens, reply.completion_tokens) == ("All at once.", 5, 3)


@pytest.mark.parametrize("usage", ["refused", "ignored"])
def test_a_server_that_does_not_tell_the_tokens_is_asked_on(usage: str) -> None:
    with serving(lambda body: "one two", usage=usage) as server, connected(server) as model:
        first, second = model.complete(QUESTION), model.complete(QUESTION)
        assert first.text == second.text == "one two"
        assert first.completion_tokens == 2
        assert first.prompt_tokens >= 7
    assert len(server.requests) == (3 if usage == "refused" else 2)
    assert ("stream_options" in server.requests[-1]) == (usage == "ignored")


def test_fields_of_newer_models_are_learnt() -> None:
    error = {
        "error": {"message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."}
    }
    warm = {"error": {"message": "Unsupported value: 'temperature' does not support 0 with this model."}}
    faults = [lambda exchange: exchange.send_json(400, error), lambda exchange: exchange.send_json(400, warm)]
    with serving(faults=faults) as server, connected(server, attempts=1) as model:
        model.complete(QUESTION)
        model.complete(QUESTION)
    assert len(server.requests) == 4
    assert "max_tokens" not in server.requests[-1]
    assert "temperature" not in server.requests[-1]
    assert server.requests[-1]["max_completion_tokens"] == 512


# Schemas.


def test_a_server_that_enforces_schemas() -> None:
    with serving(lambda body: "no JSON at all", schemas="enforced") as server, connected(server) as model:
        assert model.enforces is None
        reply = model.complete(asking("colour?", schema=COLOUR))
        assert json.loads(reply.text) == {"colour": "", "shades": []}
        assert reply.enforced
        assert model.enforces is True
    sent = server.requests[0]["response_format"]
    assert sent["type"] == "json_schema"
    assert sent["json_schema"]["schema"] == COLOUR
    assert sent["json_schema"]["strict"] is True


def test_a_server_that_takes_schemas_and_does_nothing_is_found_out() -> None:
    replies = iter(['{"colour": "red"}', '{"colour": "red", "shades": [1]}'])
    with serving(lambda body: next(replies)) as server, connected(server) as model:
        assert not model.complete(asking("colour?", schema=COLOUR)).enforced
        assert model.enforces is False
        again = model.complete(asking("colour?", schema=COLOUR))
        assert json.loads(again.text)["shades"] == [1]
        assert not again.enforced, "it fits by luck"


def test_a_server_that_refuses_schemas_is_asked_without_from_then_on() -> None:
    with serving(lambda body: "{}", schemas="refused") as server, connected(server, attempts=1) as model:
        assert not model.complete(asking("colour?", schema=COLOUR)).enforced
        assert not model.complete(asking("colour?", schema=COLOUR)).enforced
        assert model.enforces is False
    assert ["response_format" in each for each in server.requests] == [True, False, False]


def test_one_schema_that_is_refused_does_not_spoil_the_others() -> None:
    error = {"error": {"message": "Invalid schema for response_format 'reply': no."}}
    refused = [lambda exchange: exchange.send_json(400, error)]
    with (
        serving(lambda body: '"a"', faults=refused, schemas="enforced") as server,
        connected(server) as model,
    ):
        model.complete(asking("colour?", schema=COLOUR))
        model.complete(asking("colour?", schema=COLOUR))
        assert model.complete(asking("letter?", schema={"type": "string"})).enforced
    assert ["response_format" in each for each in server.requests] == [True, False, False, True]


def test_a_reply_cut_by_the_token_cap_says_nothing_about_enforcement() -> None:
    with serving(lambda body: '{"colour": "red", "shades": []}') as server, connected(server) as model:
        cut = model.complete(asking("colour?", schema=COLOUR, max_tokens=2))
        assert (cut.finish, cut.enforced) == (Finish.LENGTH, False)
        assert model.enforces is None


@pytest.mark.parametrize(
    ("schema", "said", "text"),
    [
        (CHOICE, "walk", '"walk"'),
        ({"enum": [1, 2, 3]}, "2", "2"),
        ({"type": "object", "properties": {"route": CHOICE}}, "walk", '{"route": "walk"}'),
    ],
)
def test_choices_are_decided_where_the_server_has_decisions(
    schema: dict[str, Any], said: str, text: str
) -> None:
    shown: list[str | None] = []
    with serving(lambda body: said, decisions=True) as server, connected(server) as model:
        reply = model.complete(asking("which?", schema=schema), shown.append)
        model.complete(asking("which?", schema=schema))
        assert (reply.text, reply.enforced, reply.finish) == (text, True, Finish.STOP)
        assert shown == [text]
        # What is no plain choice is asked in words.
        assert model.complete(asking("colour?", schema=COLOUR)).text == said
    assert server.paths.count("/v1/systemone") == 3, "one to find out and one for each"
    assert len(server.requests) == 1


def test_a_server_without_decisions_is_asked_for_them_once() -> None:
    with serving(lambda body: '"walk"', schemas="enforced") as server, connected(server) as model:
        for _ in range(3):
            assert model.complete(asking("which?", schema=CHOICE)).enforced
    assert server.paths.count("/v1/systemone") == 1
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("value", "schema", "good"),
    [
        ("walk", CHOICE, True),
        ("fly", CHOICE, False),
        (1, {"enum": [True]}, False),
        (2.0, {"type": "integer"}, True),
        (True, {"type": "integer"}, False),
        (None, {"anyOf": [{"type": "string"}, {"type": "null"}]}, True),
        ({"colour": "red", "shades": [1, "2"]}, COLOUR, False),
        ({"colour": "red", "shades": [], "more": 1}, COLOUR, False),
        ([{"a": 1}], {"type": "array", "items": {"$ref": "#/$defs/A"}, "$defs": {"A": COLOUR}}, False),
        ("x", {"const": "x"}, True),
        ("y", {"const": "x"}, False),
    ],
)
def test_fitting_a_schema(value: object, schema: dict[str, Any], good: bool) -> None:
    assert fits(value, schema) is good


def test_what_is_a_plain_choice() -> None:
    assert options_of(CHOICE) == {"search": "search", "walk": "walk"}
    assert options_of({"const": "search"}) == {"search": "search"}
    assert options_of({"enum": [3, 1]}) == {"3": 3, "1": 1}
    nested = {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": CHOICE}}
    assert options_of(nested) == {"search": {"a": "search"}, "walk": {"a": "walk"}}
    for other in (
        COLOUR,
        {"enum": [1, "1"]},
        {"enum": [True]},
        {"enum": list(range(27))},
        {"enum": [""]},
        {},
    ):
        assert options_of(other) is None


# Many at once.


def test_many_requests_are_bounded_and_come_back_in_order() -> None:
    done: list[tuple[int, str]] = []
    requests = [asking(f"question {number}") for number in range(12)]

    def on_done(position: int, reply: Completion) -> None:
        done.append((position, reply.text))

    with (
        serving(lambda body: body["messages"][0]["content"], latency=0.05) as server,
        connected(server, in_flight=3) as model,
    ):
        replies = model.complete_many(requests, on_done)
    assert [reply.text for reply in replies] == [f"question {number}" for number in range(12)]
    assert sorted(done) == [(number, f"question {number}") for number in range(12)]
    assert server.most_in_flight == 3
    assert len(server.requests) == 12


def test_the_bound_holds_over_all_threads() -> None:
    with serving(latency=0.05) as server, connected(server, in_flight=2) as model:
        threads = [threading.Thread(target=model.complete, args=(QUESTION,)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert server.most_in_flight == 2
    assert len(server.requests) == 6


def test_no_requests_are_no_replies() -> None:
    with serving() as server, connected(server) as model:
        assert model.complete_many([]) == []
    assert server.paths == []


# Cancelling.


def test_cancelling_between_two_tokens_closes_the_connection() -> None:
    cancellation = Cancellation()
    shown: list[str | None] = []

    def on_token(text: str | None) -> None:
        shown.append(text)
        if len(shown) == 3:
            cancellation.cancel()

    with serving(lambda body: "word" * 500, pace=0.01) as server, connected(server) as model:
        reply = model.complete(QUESTION, on_token, cancellation)
        assert (reply.text, reply.finish) == ("word" * 3, Finish.CANCELLED)
        assert reply.completion_tokens == 3
        assert server.wait_until(lambda: server.in_flight == 0), "the server goes on"


def test_cancelling_before_the_first_token_needs_no_token() -> None:
    cancellation = Cancellation()
    with serving(latency=30) as server, connected(server) as model:
        threading.Timer(0.1, cancellation.cancel).start()
        reply = model.complete(QUESTION, None, cancellation)
        assert (reply.text, reply.finish) == ("", Finish.CANCELLED)
        assert reply.seconds < 20


def test_cancelling_many_keeps_what_is_done() -> None:
    cancellation = Cancellation()
    done: list[int] = []

    def reply(body: dict[str, Any]) -> str:
        if body["messages"][0]["content"] != "question 1":
            return "word"
        threading.Timer(0.3, cancellation.cancel).start()
        return "word" * 1000

    with serving(reply, pace=0.02) as server, connected(server, in_flight=1) as model:
        requests = [asking(f"question {number}") for number in range(4)]
        replies = model.complete_many(requests, lambda position, _: done.append(position), cancellation)
    assert [each.finish for each in replies] == [Finish.STOP] + [Finish.CANCELLED] * 3
    assert replies[0].text == "word"
    assert replies[1].text == "word" * replies[1].completion_tokens
    assert replies[2].text == replies[3].text == ""
    assert done == [0]
    assert len(server.requests) == 2


def test_a_deadline_ends_what_is_in_flight_and_what_waits() -> None:
    with serving(latency=30) as server, connected(server, in_flight=1, timeout=Timeouts()) as model:
        assert model.window > 0
        replies = model.complete_many([QUESTION] * 3, None, Cancellation(0.3))
        assert [each.finish for each in replies] == [Finish.CANCELLED] * 3
        assert max(each.seconds for each in replies) < 10


def test_what_is_cancelled_beforehand_is_not_sent() -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with serving() as server, connected(server) as model:
        assert model.complete(QUESTION, None, cancellation).finish is Finish.CANCELLED
    assert server.paths == []


def test_an_error_of_the_caller_gives_up_the_rest() -> None:
    def on_token(text: str | None) -> None:
        raise KeyError(text)

    with serving(lambda body: "word" * 500, pace=0.01) as server, connected(server) as model:
        with pytest.raises(KeyError):
            model.complete(QUESTION, on_token)
        assert server.wait_until(lambda: server.in_flight == 0)


def test_closing_gives_up_what_runs_and_can_be_done_twice() -> None:
    with serving(latency=30) as server, connected(server) as model:
        ends = threading.Thread(
            target=lambda: server.wait_until(lambda: server.in_flight == 1) and model.close()
        )
        ends.start()
        with pytest.raises(EndpointError, match="closed before"):
            model.complete(QUESTION)
        ends.join()
        model.close()
        server.latency = 0
        assert model.complete(QUESTION).finish is Finish.STOP, "a closed model can be used again"


def test_closing_while_the_server_is_asked_about_itself() -> None:
    with serving(mute=True) as server, connected(server, timeout=Timeouts(asking=30)) as model:
        threading.Timer(0.2, model.close).start()
        with pytest.raises(EndpointError, match="closed before"):
            model.complete(QUESTION)
        threading.Timer(0.2, model.close).start()
        with pytest.raises(EndpointError, match="closed before"):
            assert model.window
    assert server.requests == []


# The window.


@pytest.mark.parametrize(
    ("told", "window", "known"),
    [
        ({"window": 5000}, 5000, True),
        ({}, 8192, False),
        (
            {"show": {"model_info": {"qwen3.context_length": 40960}, "parameters": "num_ctx   16384\n"}},
            16384,
            True,
        ),
        ({"show": {"model_info": {"qwen3.context_length": 40960}}}, 4096, False),
    ],
)
def test_the_window_is_asked_from_the_server(told: dict[str, Any], window: int, known: bool) -> None:
    with serving(**told) as server, connected(server) as model:
        assert (model.window, model.window_known) == (window, known)
        model.complete(QUESTION)
        assert model.window == window
    assert server.paths.count("/v1/models") == 1


def test_a_server_that_says_nothing_of_itself_still_answers() -> None:
    hasty = Timeouts(asking=0.1)
    with serving(mute=True) as server, connected(server, timeout=hasty) as model:
        assert (model.window, model.window_known, model.exact_tokens) == (8192, False, False)
        assert model.models() == []
        assert model.complete(asking("which?", schema=CHOICE)).finish is Finish.STOP


def test_a_window_that_is_set_is_not_asked_for() -> None:
    with serving(window=5000) as server, connected(server, window=3000) as model:
        assert (model.window, model.window_known) == (3000, True)
    assert server.paths == []


def test_what_cannot_fit_is_not_sent() -> None:
    with serving(window=100) as server, connected(server) as model:
        with pytest.raises(WindowError, match="100 tokens") as caught:
            model.complete(asking("word " * 400, max_tokens=10))
        assert caught.value.window == 100
    assert server.requests == []


# Tokens.


@pytest.mark.parametrize("whose", ["vllm", "llama.cpp"])
def test_tokens_are_counted_by_the_server_and_remembered(whose: str) -> None:
    text = "The ball of thread that leads through the labyrinth."
    with serving(tokenize=whose) as server, connected(server) as model:
        assert model.exact_tokens
        asked = server.paths.count("/tokenize")
        assert [model.count_tokens(text) for _ in range(3)] == [count(text)] * 3
        assert server.paths.count("/tokenize") == asked + 1
        assert model.prompt_tokens(QUESTION.messages) >= count("Be brief.") + count("Who is there?")


def test_a_guess_of_tokens_is_rather_too_high(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    text = (Path(__file__).parents[3] / "data" / "novella.txt").read_text(encoding="utf-8")[:20000]
    real = len(AutoTokenizer.from_pretrained(tiny_tokenizer(tmp_path)).encode("1234567890"))
    with serving() as server, connected(server) as model:
        assert not model.exact_tokens
        assert model.count_tokens("") == 0
        assert model.count_tokens("1234567890") == 10 >= real
        assert model.count_tokens("線路") == 2
        assert len(text.split()) <= model.count_tokens(text) <= len(text) / 2
        assert model.prompt_tokens(QUESTION.messages) > model.count_tokens("Be brief.Who is there?")


def test_tokens_are_counted_by_a_tokenizer_of_this_machine(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    folder = tiny_tokenizer(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    chat = [{"role": each.role, "content": each.content} for each in QUESTION.messages]
    with serving() as server, connected(server, tokenizer=str(folder)) as model:
        assert model.exact_tokens
        assert model.count_tokens("Who is there?") == len(
            tokenizer.encode("Who is there?", add_special_tokens=False)
        )
        asked = tokenizer.apply_chat_template(chat, add_generation_prompt=True)["input_ids"]
        assert model.prompt_tokens(QUESTION.messages) == len(asked)
    assert server.paths == []


def test_a_tokenizer_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        serving() as server,
        connected(server, tokenizer=str(tmp_path / "none")) as model,
        pytest.raises(ModelNotFoundError, match="none"),
    ):
        model.count_tokens("text")


# What a model says of itself.


def test_probing_finds_out_whether_choices_are_enforced() -> None:
    with serving(schemas="enforced", window=4000) as server, connected(server) as model:
        found = model.probe()
        assert (found.reachable, found.models, found.listed) == (True, ("fake",), True)
        assert (found.window, found.window_known, found.exact_tokens) == (4000, True, False)
        assert found.enforced is True
        assert found.error is None
        assert found.seconds is not None
    assert len(server.requests) == 1
    with serving() as server, connected(server) as model:
        assert model.probe().enforced is False


def test_probing_what_is_not_there() -> None:
    port = free_port()
    model = EndpointModel.connect(
        "fake", base_url=f"http://127.0.0.1:{port}/v1", api_key=None, timeout=LIMITS, backoff=0.01
    )
    found = model.probe()
    model.close()
    assert not found.reachable
    assert f"127.0.0.1:{port}" in str(found.error)
    with serving() as server, connected(server, name="other") as model:
        found = model.probe()
        assert (found.reachable, found.listed) == (True, False)
        assert "it has fake" in str(found.error)


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("Qwen/Qwen3-8B", 8),
        ("llama3.1:70b-instruct", 70),
        ("mixtral-8x7b", 56),
        ("Qwen2.5-0.5B-Instruct", 0.5),
        ("gpt-oss-20b", 20),
        ("qwen3-30b-a3b", 30),
        ("gpt-5", None),
        ("tiny_1b_chat", 1),
    ],
)
def test_the_size_is_read_from_the_name(name: str, billions: float | None) -> None:
    model = EndpointModel.connect(name, base_url="http://127.0.0.1:1/v1", api_key=None)
    assert model.parameters == billions


def test_the_key_is_sent_and_never_shown() -> None:
    with serving(key="sk-secret-1") as server, connected(server, api_key="sk-secret-1") as model:
        assert model.complete(QUESTION).finish is Finish.STOP
        assert "secret" not in f"{model!r} {model.fingerprint} {model.name}"
        assert server.base_url in model.fingerprint
    assert server.headers[0]["authorization"] == "Bearer sk-secret-1"


def test_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "OPENAI_API_KEY": "from-environment",
        "OPENAI_ADMIN_KEY": "from-environment",
        "OPENAI_ORG_ID": "from-environment",
        "OPENAI_PROJECT_ID": "from-environment",
        "OPENAI_BASE_URL": "http://192.0.2.1/v1",
        "OPENAI_CUSTOM_HEADERS": "X-Surprise: from-environment\nAuthorization: from-environment",
        "HTTP_PROXY": "http://192.0.2.1:3128",
        "ALL_PROXY": "http://192.0.2.1:3128",
        "SSL_CERT_FILE": "/nowhere",
    }.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(name.lower(), value)
    with serving() as server, connected(server) as model:
        assert model.complete(QUESTION).finish is Finish.STOP
    assert "from-environment" not in str(server.headers)


def test_an_address_that_is_none_is_refused_at_once() -> None:
    for url in ("localhost:8000/v1", "", "ftp://host/v1", "http:///v1"):
        with pytest.raises(EndpointUnreachableError, match="OPENAI_BASE_URL"):
            EndpointModel.connect("fake", base_url=url, api_key=None)


def test_a_password_in_the_address_is_not_shown() -> None:
    url = "http://me:secret@127.0.0.1:1/v1?key=secret#secret"
    model = EndpointModel.connect("fake", base_url=url, api_key=None)
    assert "secret" not in f"{model!r} {model.fingerprint}"
    assert model.address == "http://127.0.0.1:1/v1"


def test_events_of_no_use_are_passed_over() -> None:
    parts = [b'{"choices": []}', b'{"id": "1"}']
    good = b'{"choices": [{"index": 0, "delta": {"content": "Nobody."}, "finish_reason": "stop"}]}'
    with serving(faults=[raw_events(*parts, good, b"[DONE]")]) as server, connected(server) as model:
        assert model.complete(QUESTION).text == "Nobody."

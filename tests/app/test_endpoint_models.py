"""`clew` with a model at an endpoint: a fault ends in the answer or in one sentence; doctor names it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Ran
from tests.replies import prompt_of, sober, task_of
from tests.servers import FakeServer, body, cut, free_port, serving, stall, status

QUESTION = "Who kept the inn called the Three Pans?"
Ask = Callable[..., Ran]
EMPTY = json.dumps({"choices": [], "object": "chat.completion"}).encode()
ENDS_WELL = {
    "500 twice": {"faults": [status(500), status(500)]},
    "429 with Retry-After": {"faults": [None, status(429, retry_after="0")]},
    "cut in mid-stream": {"faults": [None, None, cut(["It was"])]},
    "a stall in mid-stream": {"faults": [None, None, stall(["It was"])]},
    "wrong JSON once": {"faults": [None, body(b"{not json", "application/json")]},
    "a smaller window than claimed": {"window": 100_000, "real_window": 2_500},
    "a schema refused": {"schemas": "refused"},
    "a schema ignored": {"schemas": "ignored"},
    "no usage": {"usage": "refused"},
}
ENDS_BADLY: dict[str, tuple[dict[str, Any], str]] = {
    "a stall": ({"always": stall()}, "CLEW_REQUEST_SECONDS"),
    "server errors": ({"always": status(503)}, "503"),
    "empty choices": ({"always": body(EMPTY, "application/json")}, "127.0.0.1"),
    "a web page": ({"always": body(b"<html>Hello</html>", "text/html")}, "127.0.0.1"),
    "a bad key": ({"key": "secret"}, "OPENAI_API_KEY"),
    "an unknown model": ({"models": ["other"], "always": status(404, message="no such model: fake")}, "fake"),
}


@pytest.fixture
def asked(clew: Ask, own_novella_home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Runs `clew` against a server; a request may take three seconds."""

    def run(base_url: str, *arguments: str, **environment: str) -> Ran:
        settings = {"OPENAI_BASE_URL": base_url, "CLEW_REQUEST_SECONDS": "3", **environment}
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        return clew("--home", own_novella_home, "--model", "openai:fake", *arguments)

    return run


@pytest.mark.parametrize("attributes", ENDS_WELL.values(), ids=ENDS_WELL)
def test_a_fault_that_passes_ends_in_the_answer(asked: Ask, attributes: Mapping[str, Any]) -> None:
    with serving(sober, **attributes) as server:
        ran = asked(server.base_url, "ask", QUESTION, "--json", CLEW_REQUEST_SECONDS="8")
        tasks = [task_of(prompt_of(each)) for each in server.requests]
    assert (ran.code, ran.err) == (0, "")
    answer = json.loads(ran.out)
    assert not answer["abstained"]
    assert all(each["verdict"] == "verified" for each in answer["citations"])
    # A unit that is done is not asked again: the tasks come in their order, a repeat right behind its fault.
    assert sorted(tasks, key=["select", "enough", "answer"].index) == tasks


@pytest.mark.parametrize(("attributes", "named"), ENDS_BADLY.values(), ids=ENDS_BADLY)
def test_a_fault_that_stays_is_one_sentence(asked: Ask, attributes: dict[str, Any], named: str) -> None:
    with serving(sober, **attributes) as server:
        ran = asked(server.base_url, "ask", QUESTION, OPENAI_API_KEY="hunter2")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("clew: ")
    assert len(ran.err.splitlines()) == 1
    assert named in ran.err
    assert "hunter2" not in ran.err


def test_nobody_there(asked: Ask) -> None:
    ran = asked(f"http://127.0.0.1:{free_port()}/v1", "ask", QUESTION, "--json")
    assert (ran.code, ran.out) == (1, "")
    assert "OPENAI_BASE_URL" in ran.err


def test_the_key_comes_from_a_file(asked: Ask, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("secret\n", encoding="utf-8")
    with serving(sober, key="secret") as server:
        ran = asked(server.base_url, "ask", QUESTION, OPENAI_API_KEY_FILE=str(tmp_path / "key"))
        assert ran.code == 0, ran.err
        ran = asked(server.base_url, "ask", QUESTION, OPENAI_API_KEY_FILE=str(tmp_path / "absent"))
    assert ran.code == 1
    assert "absent" in ran.err


def checks(ran: Ran) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in json.loads(ran.out)["checks"]}


def test_doctor_says_what_the_endpoint_is(asked: Ask) -> None:
    with serving(lambda body: "Hello", window=12_345, schemas="enforced", tokenize="vllm") as server:
        found = checks(asked(server.base_url, "doctor", "--json"))
        assert server.requests == [], "nothing is generated unless asked for"
        probed = checks(asked(server.base_url, "doctor", "--probe", "--json"))
        assert len(server.requests) == 1
    assert found["endpoint"]["state"] == "ok"
    assert "fake" in found["endpoint"]["detail"]
    assert "12,345" in found["window"]["detail"]
    assert "exactly" in found["tokens"]["detail"]
    assert "--probe" in found["decisions"]["detail"]
    assert "enforced by the server" in probed["decisions"]["detail"]


def test_doctor_warns_of_what_is_only_assumed(asked: Ask) -> None:
    with serving(sober, models=["other"], schemas="ignored") as server:
        found = checks(asked(server.base_url, "doctor", "--json"))
    assert {found[name]["state"] for name in ("endpoint", "window", "tokens")} == {"warning"}
    assert "other" in found["endpoint"]["detail"]
    assert "CLEW_WINDOW" in found["window"]["detail"]


def test_doctor_names_an_endpoint_that_is_away(asked: Ask) -> None:
    ran = asked(f"http://127.0.0.1:{free_port()}/v1", "doctor", "--json")
    assert ran.code == 1
    assert "OPENAI_BASE_URL" in json.dumps(checks(ran))


def test_questions_of_an_evaluation_run_at_once(asked: Ask, tmp_path: Path) -> None:
    book = "The fox sleeps in a den under the oak. The owl hunts at night.\n"
    (tmp_path / "wood.txt").write_text(book, encoding="utf-8")
    questions = [
        {"id": str(n), "question": f"Where does the fox sleep? ({n})", "answers": ["a den"], "kind": "fact"}
        | {"evidence": [{"start": 18, "end": 23, "quote": "a den"}]}
        for n in range(8)
    ]
    file = tmp_path / "qa.json"
    file.write_text(json.dumps({"book": "wood.txt", "questions": questions}), encoding="utf-8")
    server: FakeServer
    with serving(sober, latency=0.2) as server:
        ran = asked(server.base_url, "eval", "qa", str(file), "--json")
        assert ran.code == 0, ran.err
        assert 1 < server.most_in_flight <= 8
    assert json.loads(ran.out)["questions"] == 8


@pytest.mark.parametrize("probe", [[], ["--probe"]])
def test_doctor_shows_no_secret_of_the_address(asked: Ask, probe: list[str]) -> None:
    with serving(lambda body: "Hello") as server:
        address = server.base_url.replace("http://", "http://user:s3cretpw@") + "?api-key=QSECRET"
        for arguments in (["doctor", "--json", *probe], ["doctor", *probe]):
            ran = asked(address, *arguments)
            assert "127.0.0.1" in ran.out
            assert not any(secret in ran.out + ran.err for secret in ("s3cretpw", "QSECRET"))

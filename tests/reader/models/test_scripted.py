"""The scripted model plays what its script says, and fails loudly when it is asked anything else."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from reader.chat import Cancellation, Completion, Finish, Message, Request
from reader.errors import ModelError, ModelNotFoundError, ScriptError, WindowError
from reader.models.scripted import Cue, ScriptedModel


def asked(text: str, max_tokens: int = 100) -> Request:
    return Request((Message("user", text),), max_tokens)


def test_cues_are_played_in_order_each_as_often_as_it_says() -> None:
    model = ScriptedModel([Cue(reply="one"), Cue(reply="two", times=2), Cue(reply="rest", times=0)])
    played = [model.complete(asked("q")).text for _ in range(5)]
    assert played == ["one", "two", "two", "rest", "rest"]
    assert model.unplayed == []


def test_the_first_cue_that_fits_is_played() -> None:
    model = ScriptedModel(
        [
            Cue(expects=("fox", "den"), reply="both"),
            Cue(expects=("fox",), reply="fox", times=2),
            Cue(reply="any"),
        ]
    )
    assert model.complete(asked("a fox")).text == "fox"
    assert model.complete(asked("den of a fox")).text == "both"
    assert model.complete(asked("hen")).text == "any"
    assert [cue.reply for cue in model.unplayed] == ["fox"]
    assert [request.messages[0].content for request in model.requests] == ["a fox", "den of a fox", "hen"]


def test_texts_are_expected_in_any_message() -> None:
    model = ScriptedModel([Cue(expects=("system words", "user words"), reply="yes")])
    messages = (Message("system", "system words"), Message("user", "user words"))
    assert model.complete(Request(messages)).text == "yes"


def test_what_the_script_does_not_have_is_an_error_that_shows_what_was_asked() -> None:
    model = ScriptedModel([Cue(expects=("fox",), reply="yes")])
    with pytest.raises(ScriptError, match="about a hen"):
        model.complete(asked("about a hen"))
    model.complete(asked("fox"))
    with pytest.raises(ScriptError):  # it is used up
        model.complete(asked("fox"))


def test_a_reply_that_is_no_text_is_written_as_json() -> None:
    model = ScriptedModel([Cue(reply={"ids": [1, 2], "name": "é"})])
    assert model.complete(asked("q")).text == '{"ids": [1, 2], "name": "é"}'


def test_a_function_makes_replies_or_errors() -> None:
    model = ScriptedModel(lambda r: WindowError("small", 9) if r.max_tokens > 50 else r.messages[0].content)
    assert model.complete(asked("echo", 50)).text == "echo"
    with pytest.raises(WindowError, match="small"):
        model.complete(asked("echo", 51))


def test_tokens_are_quarters_of_characters() -> None:
    model = ScriptedModel([Cue(reply="12345")])
    assert [model.count_tokens("x" * n) for n in (0, 1, 4, 5, 8)] == [0, 1, 1, 2, 2]
    assert model.prompt_tokens([Message("system", "12345"), Message("user", "1")]) == 5  # 1 + 2 + 1 + 1
    completion = model.complete(asked("12345"))
    assert (completion.prompt_tokens, completion.completion_tokens) == (3, 2)
    assert (completion.finish, completion.enforced, completion.cached) == (Finish.STOP, False, False)


@pytest.mark.parametrize(("window", "fits"), [(10, True), (9, False)])
def test_prompt_and_reply_must_fit_into_the_window(window: int, fits: bool) -> None:
    model = ScriptedModel([Cue(reply="ok")], window=window)
    request = asked("x" * 16, 5)  # 1 + 4 tokens, and 5 for the reply
    if fits:
        assert model.complete(request).text == "ok"
    else:
        with pytest.raises(WindowError) as caught:
            model.complete(request)
        assert caught.value.window == 9
        assert len(model.unplayed) == 1


def test_a_reply_is_cut_at_the_cap() -> None:
    completion = ScriptedModel([Cue(reply="123456789")]).complete(asked("q", 2))
    assert (completion.text, completion.finish, completion.completion_tokens) == (
        "12345678",
        Finish.LENGTH,
        2,
    )
    exact = ScriptedModel([Cue(reply="12345678")]).complete(asked("q", 2))
    assert (exact.text, exact.finish) == ("12345678", Finish.STOP)


def test_text_is_streamed_without_reasoning() -> None:
    shown: list[str | None] = []
    model = ScriptedModel([Cue(reply="<think>hm, blue</think>It was red.")])
    assert model.complete(asked("q"), shown.append).text == "It was red."
    assert None not in shown
    assert len(shown) > 1
    assert "".join(each or "" for each in shown) == "It was red."


def test_reasoning_opened_by_the_prompt_restarts_the_stream() -> None:
    shown: list[str | None] = []
    model = ScriptedModel([Cue(reply="hm, blue</think>red")])
    assert model.complete(asked("q"), shown.append).text == "red"
    assert "".join(each or "" for each in shown[shown.index(None) + 1 :]) == "red"


def test_cancelling_between_tokens_keeps_what_came() -> None:
    stop = Cancellation()
    shown: list[str] = []

    def see(text: str | None) -> None:
        shown.append(text or "")
        if len(shown) == 2:
            stop.cancel()

    completion = ScriptedModel([Cue(reply="12345678abcdefgh")]).complete(asked("q"), see, stop)
    assert (completion.text, completion.finish) == ("12345678", Finish.CANCELLED)


def test_a_deadline_cuts_the_wait() -> None:
    began = time.perf_counter()
    model = ScriptedModel([Cue(reply="late")], seconds=100)
    completion = model.complete(asked("q"), None, Cancellation(0.05))
    assert (completion.text, completion.finish) == ("", Finish.CANCELLED)
    assert time.perf_counter() - began < 30


def test_many_are_played_in_order_and_told_as_they_are_done() -> None:
    told: list[tuple[int, str]] = []
    model = ScriptedModel([Cue(expects=("a",), reply="A"), Cue(expects=("b",), reply="B")])
    done = model.complete_many([asked("b"), asked("a")], lambda n, c: told.append((n, c.text)))
    assert [completion.text for completion in done] == ["B", "A"]
    assert told == [(0, "B"), (1, "A")]
    assert model.complete_many([]) == []


def test_of_many_the_others_are_done_before_one_that_fails_is_an_error() -> None:
    told: dict[int, Completion] = {}
    model = ScriptedModel([Cue(expects=("a",), reply="A"), Cue(expects=("b",), reply="B")])
    with pytest.raises(ScriptError, match="nothing"):
        model.complete_many([asked("a"), asked("nothing"), asked("b")], told.__setitem__)
    assert {n: completion.text for n, completion in told.items()} == {0: "A", 2: "B"}


def test_threads_share_the_cues() -> None:
    model = ScriptedModel([Cue(reply=str(n)) for n in range(40)])
    texts: list[str] = []
    threads = [
        threading.Thread(target=lambda: texts.extend(model.complete(asked("q")).text for _ in range(10)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(texts, key=int) == [str(n) for n in range(40)]


def test_closed_it_plays_no_more() -> None:
    model = ScriptedModel([Cue(reply="x")])
    model.close()
    model.close()
    with pytest.raises(ModelError, match="closed"):
        model.complete(asked("q"))


def test_other_scripts_have_other_fingerprints() -> None:
    one, same, other = (ScriptedModel([Cue(reply=r)]).fingerprint for r in ("a", "a", "b"))
    assert one == same != other
    assert ScriptedModel(lambda r: "x").fingerprint != ScriptedModel(lambda r: "x").fingerprint


def test_a_script_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "script.json"
    file.write_text('[{"reply": "yes", "expects": ["fox"], "times": 2}, {"reply": {"a": 1}}]')
    model = ScriptedModel.load(file)
    assert model.name == "scripted:script.json"
    assert [model.complete(asked("fox")).text for _ in range(3)] == ["yes", "yes", '{"a": 1}']


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "not json",
        "{}",
        '[{"expects": []}]',
        '[{"reply": "a", "extra": 1}]',
        '[{"reply": "a", "times": -1}]',
    ],
)
def test_a_script_that_cannot_be_read_is_one_named_error(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "script.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ModelNotFoundError, match=r"script\.json"):
        ScriptedModel.load(file)


def test_a_cue_is_checked() -> None:
    with pytest.raises(ValidationError):
        Cue(reply="x", times=-1)

"""Typed decisions: what comes back follows its form, or is refused after one repair."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from reader.chat import Cancellation, Completion, Finish, Message, OnToken, Request
from reader.decisions import choose, longest_reply, reason_first, reply_as
from reader.errors import InvalidReplyError
from reader.models.scripted import Cue, ScriptedModel

ASKED = [Message("system", "You are careful."), Message("user", "Which one?")]


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid")
    ids: Annotated[list[Annotated[int, Field(ge=1, le=5)]], Field(max_length=3)]
    sure: bool


@dataclass
class EnforcingModel(ScriptedModel):
    """A scripted model that says it enforced the form."""

    replies: Sequence[str] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        super().__init__([Cue(reply=reply) for reply in self.replies])

    def complete(
        self, request: Request, on_token: OnToken | None = None, cancellation: Cancellation | None = None
    ) -> Completion:
        done = super().complete(request, on_token, cancellation)
        return replace(done, enforced=request.schema is not None)


def plain(*replies: str) -> ScriptedModel:
    return ScriptedModel([Cue(reply=reply) for reply in replies])


def enforcing(*replies: str) -> ScriptedModel:
    return EnforcingModel(replies=replies)


MODELS = pytest.mark.parametrize("model_of", [plain, enforcing])
GOOD = '{"ids": [2, 1], "sure": true}'


@MODELS
@pytest.mark.parametrize(
    "reply",
    [
        GOOD,
        '{"ids":[2,1],"sure":true}',
        '{"sure": true, "ids": [2, 1]}',
        f"\n  {GOOD}\n",
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}\n```",
        f"Here it is: {GOOD} I hope that helps.",
        f"<think>maybe {{1}}?</think>{GOOD}",
        f"thinking {{}} </think>{GOOD}",
    ],
)
def test_a_valid_reply_is_taken_at_once(model_of: Callable[..., ScriptedModel], reply: str) -> None:
    model = model_of(reply)
    decided = reply_as(model, ASKED, Form)
    assert (decided.value.ids, decided.value.sure) == ([2, 1], True)
    assert (decided.reason, decided.invalid) == ("", 0)
    assert isinstance(decided.value, Form)
    assert len(model.requests) == 1


INVALID = {
    "empty": "",
    "words": "The second.",
    "half": '{"ids": [2, 1], "su',
    "wrong type": '{"ids": "two", "sure": true}',
    "null": '{"ids": null, "sure": true}',
    "a list": "[2, 1]",
    "out of range": '{"ids": [6], "sure": true}',
    "below": '{"ids": [0], "sure": true}',
    "a fraction": '{"ids": [1.5], "sure": true}',
    "too many": '{"ids": [1, 2, 3, 4], "sure": true}',
    "missing": '{"ids": [1]}',
    "extra": '{"ids": [1], "sure": true, "reason": "so"}',
    "twice": f"{GOOD} {GOOD}",
    "single marks": "{'ids': [1], 'sure': True}",
    "deep": "[" * 3000,
    "huge number": '{"ids": [' + "9" * 5000 + '], "sure": true}',
}


@MODELS
@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_reply_is_repaired_once(model_of: Callable[..., ScriptedModel], name: str) -> None:
    model = model_of(INVALID[name], GOOD)
    decided = reply_as(model, ASKED, Form)
    assert (decided.value.ids, decided.invalid) == ([2, 1], 1)
    first, second = model.requests
    assert [message.role for message in second.messages] == ["system", "user", "assistant", "user"]
    assert second.messages[:2] == first.messages
    assert "does not follow the form" in second.messages[3].content


@MODELS
@pytest.mark.parametrize("name", INVALID)
def test_two_invalid_replies_are_an_error_and_no_third_call(
    model_of: Callable[..., ScriptedModel], name: str
) -> None:
    model = model_of(INVALID[name], INVALID[name], GOOD)
    with pytest.raises(InvalidReplyError, match="Form"):
        reply_as(model, ASKED, Form)
    assert len(model.requests) == 2


def test_the_error_is_shown_to_the_model() -> None:
    model = plain('{"ids": [6], "sure": true}', GOOD)
    reply_as(model, ASKED, Form)
    repair = model.requests[1].messages[3].content
    assert "ids.0" in repair
    assert "less than or equal to 5" in repair
    empty = plain("", GOOD)
    reply_as(empty, ASKED, Form)
    assert empty.requests[1].messages[2].content == "(nothing)"


def test_a_reply_that_was_cut_off_says_so() -> None:
    class Open(BaseModel):
        text: Annotated[str, Field(max_length=4)]

    model = plain('{"text": "' + "a" * 4_000, '{"text": "a"}')
    assert reply_as(model, ASKED, Open).value.text == "a"
    assert "cut off after" in model.requests[1].messages[3].content


def test_a_cancelled_reply_is_not_repaired() -> None:
    stop = Cancellation()
    stop.cancel()
    model = plain(GOOD, GOOD)
    with pytest.raises(InvalidReplyError, match="cancelled"):
        reply_as(model, ASKED, Form, cancellation=stop)
    assert len(model.requests) == 1


def test_the_form_is_in_the_prompt_and_in_the_request() -> None:
    model = plain(GOOD)
    reply_as(model, ASKED, Form)
    (request,) = model.requests
    assert request.messages[0] == ASKED[0]
    assert request.messages[1].content.startswith("Which one?\n\n")
    shown = json.loads(request.messages[1].content.splitlines()[-1])
    assert shown == request.schema
    assert shown["required"] == ["ids", "sure"]
    assert shown["additionalProperties"] is False


@pytest.mark.parametrize("window", [200, 260, 300, 1_000, 32_000])
def test_prompt_and_reply_fit_into_the_window(window: int) -> None:
    model = ScriptedModel([Cue(reply="x" * 400), Cue(reply=GOOD)], window=window)
    assert reply_as(model, ASKED, Form).invalid == 1
    for request in model.requests:
        assert model.prompt_tokens(request.messages) + request.max_tokens <= window


@MODELS
def test_choose_takes_one_of_the_options(model_of: Callable[..., ScriptedModel]) -> None:
    options = ['say "no"', "été", "3"]
    for option in options:
        model = model_of(json.dumps({"choice": option}))
        assert choose(model, ASKED, options).value == option
    model = model_of('{"choice": "4"}', '{"choice": "3"}')
    decided = choose(model, ASKED, options)
    assert (decided.value, decided.invalid) == ("3", 1)
    with pytest.raises(InvalidReplyError):
        choose(model_of('{"choice": 3}', '"3"'), ASKED, options)


@pytest.mark.parametrize("options", [[], ["a", "a"]])
def test_options_must_differ(options: list[str]) -> None:
    with pytest.raises(ValueError, match="options"):
        choose(plain(), ASKED, options)


def test_one_option_can_be_chosen() -> None:
    assert choose(plain('{"choice": "only"}'), ASKED, ["only"]).value == "only"


def test_the_reason_comes_first_and_only_when_asked_for() -> None:
    model = plain('{"reason": "it says so", "ids": [1], "sure": false}', GOOD)
    decided = reply_as(model, ASKED, Form, reason=True)
    assert (decided.reason, decided.value.ids) == ("it says so", [1])
    assert list(model.requests[0].schema["properties"]) == ["reason", "ids", "sure"]  # type: ignore[index]
    assert model.requests[0].schema["required"][0] == "reason"  # type: ignore[index]
    reply_as(model, ASKED, Form)
    assert list(model.requests[1].schema["properties"]) == ["ids", "sure"]  # type: ignore[index]
    with pytest.raises(InvalidReplyError):
        reply_as(plain(GOOD, GOOD), ASKED, Form, reason=True)


@pytest.mark.parametrize(
    ("setting", "parameters", "expected"),
    [
        ("auto", None, False),
        ("auto", 0.6, False),
        ("auto", 29.9, False),
        ("auto", 30.0, True),
        ("auto", 70.0, True),
        ("on", None, True),
        ("on", 1.0, True),
        ("off", 400.0, False),
    ],
)
def test_reason_first(
    setting: Literal["auto", "on", "off"], parameters: float | None, expected: bool
) -> None:
    assert reason_first(setting, parameters) is expected


class Inner(BaseModel):
    """A part that is referred to."""

    model_config = ConfigDict(extra="forbid")
    title: Annotated[str, Field(max_length=5, description="gone")]
    kind: Literal["a", "b"]


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    description: Inner
    parts: Annotated[list[Inner], Field(max_length=2)]
    note: Annotated[str, Field(max_length=9)] | None


def test_references_are_written_out() -> None:
    model = plain('{"description":{"title":"t","kind":"a"},"parts":[],"note":null}')
    decided = reply_as(model, ASKED, Outer)
    assert decided.value.description.title == "t"
    inner = {
        "additionalProperties": False,
        "properties": {
            "title": {"maxLength": 5, "type": "string"},
            "kind": {"enum": ["a", "b"], "type": "string"},
        },
        "required": ["title", "kind"],
        "type": "object",
    }
    assert model.requests[0].schema == {
        "additionalProperties": False,
        "properties": {
            "description": inner,
            "parts": {"items": inner, "maxItems": 2, "type": "array"},
            "note": {"anyOf": [{"maxLength": 9, "type": "string"}, {"type": "null"}]},
        },
        "required": ["description", "parts", "note"],
        "type": "object",
    }


class Everything(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: Annotated[str, Field(max_length=6)]
    texts: Annotated[list[Annotated[str, Field(max_length=2)]], Field(max_length=3)]
    number: Annotated[int, Field(ge=-120, le=7)]
    share: float
    sure: bool
    choice: Literal["é", "😀", 'quote"', "plain"]
    only: Literal["öne"]
    inner: Inner
    maybe: Annotated[str, Field(max_length=3)] | None


TEXT = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from('"\\\n\x00\x1f😀é\u2028')))
VALUES = st.builds(
    Everything,
    text=TEXT.map(lambda text: text[:6]),
    texts=st.lists(TEXT.map(lambda text: text[:2]), max_size=3),
    number=st.integers(-120, 7),
    share=st.floats(allow_nan=False, allow_infinity=False),
    sure=st.booleans(),
    choice=st.sampled_from(["é", "😀", 'quote"', "plain"]),
    only=st.just("öne"),
    inner=st.builds(Inner, title=TEXT.map(lambda text: text[:5]), kind=st.sampled_from(["a", "b"])),
    maybe=st.none() | TEXT.map(lambda text: text[:3]),
)
LONGEST = Everything(
    text="😀" * 6,
    texts=["😀😀"] * 3,
    number=-120,
    share=-1.7976931348623157e308,
    sure=False,
    choice="😀",
    only="öne",
    inner=Inner(title="\U0001f600" * 5, kind="a"),
    maybe="😀😀😀",
)


def form_of(schema: type[BaseModel]) -> dict[str, Any]:
    """The schema as a request has it."""
    model = plain("{}", "{}")
    with pytest.raises(InvalidReplyError):
        reply_as(model, ASKED, schema)
    found = model.requests[0].schema
    assert found is not None
    return dict(found)


FORM = form_of(Everything)


@given(VALUES)
def test_the_longest_reply_bounds_every_value(value: Everything) -> None:
    bound = longest_reply(FORM)
    for ascii_only in (True, False):
        for separators in ((",", ":"), (", ", ": ")):
            text = json.dumps(value.model_dump(), ensure_ascii=ascii_only, separators=separators)
            assert len(text.encode()) <= bound


def test_the_longest_reply_is_no_wild_guess() -> None:
    longest = len(json.dumps(LONGEST.model_dump()).encode())
    assert longest <= longest_reply(FORM) <= longest + 20


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"type": "array", "items": {"type": "boolean"}},
        {"type": "array", "maxItems": 3},
        {"type": "integer"},
        {"type": "object", "additionalProperties": {"type": "boolean"}},
        {"type": "object", "properties": {"a": {"type": "string"}}},
        {"type": "strange"},
        {},
    ],
)
def test_what_has_no_greatest_length_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"without|not known"):
        longest_reply(schema)


@given(st.text(max_size=200))
def test_whatever_is_replied_comes_back_valid_or_is_refused_after_two_calls(text: str) -> None:
    model = ScriptedModel([Cue(reply=text, times=0)])
    try:
        decided = reply_as(model, ASKED, Form)
    except InvalidReplyError:
        assert len(model.requests) == 2
    else:
        Form.model_validate(decided.value.model_dump())


def test_a_cut_reply_is_never_taken_for_whole() -> None:
    completion = plain('{"ids":[1],"sure":true}' + " " * 4_000).complete(Request((ASKED[1],), 10))
    assert completion.finish is Finish.LENGTH

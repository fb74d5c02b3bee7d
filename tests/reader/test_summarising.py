"""Summaries that a language model writes: checked, asked for again, made in groups for a small window."""

import re
from collections.abc import Callable

import numpy as np
import pytest

from reader.chat import Request
from reader.contract import SummaryPart, WrittenSummary
from reader.errors import WindowError
from reader.models.scripted import ScriptedModel
from reader.summarising import written_summary

GOOD = "The keeper painted his boat, and a storm sank it."
TEXT = "Early in the year the keeper of the northern light painted the old boat of his father red."
NOTHING = np.empty((0, 4), np.float32)


def part(*sentences: str, title: str = "") -> SummaryPart:
    return SummaryPart(sentences, NOTHING, title)


def model_of(*replies: str, window: int = 8192) -> ScriptedModel:
    """Plays the replies in turn, the last one from then on."""
    waiting = list(replies)
    return ScriptedModel(lambda request: waiting.pop(0) if len(waiting) > 1 else waiting[0], window=window)


def asked(model: ScriptedModel) -> list[str]:
    """What the user's last message was, each time."""
    return [request.messages[-1].content for request in model.requests]


def test_a_good_summary_is_taken_as_it_is() -> None:
    model = model_of(f"{GOOD} It was\nnever found.")
    written = written_summary(model, [part(TEXT), part("It sank.", title="CHAPTER II")], 40, "Before.", 10)
    assert written == WrittenSummary((GOOD, "It was never found."), None)
    (prompt,) = asked(model)
    assert f"<text>\n{TEXT}\n</text>" in prompt
    assert '<text title="CHAPTER II">\nIt sank.\n</text>' in prompt
    assert "Before." in prompt
    assert "at most 40 words" in prompt
    assert "at least 10" in prompt


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ("", "empty"),
        (" \n ... ", "empty"),
        ("The keeper painted his boat and then one night the", "middle of a sentence"),
        ("The keeper painted " + "and painted " * 12 + "his boat.", "it has 29 words, and at most 20"),
        (TEXT, "copied"),
        (
            "Whole sentences only, one after the other, without headings, lists or a remark about the task.",
            "copied",
        ),
    ],
)
def test_what_cannot_be_used_is_asked_for_again(bad: str, problem: str) -> None:
    model = model_of(bad, GOOD)
    written = written_summary(model, [part(TEXT, TEXT)], 20)
    assert written == WrittenSummary((GOOD,), None)
    again = model.requests[1].messages
    assert problem in again[-1].content
    assert [message.role for message in again] == ["system", "user", "assistant", "user"]


def test_too_short_is_asked_for_again_only_where_there_is_more_to_tell() -> None:
    model = model_of("It sank.", GOOD)
    assert written_summary(model, [part(TEXT)], 20, at_least=9).sentences == (GOOD,)
    assert "at least 9" in asked(model)[1]
    model = model_of("It sank.")
    assert written_summary(model, [part("The old boat sank.")], 20, at_least=9).sentences == ("It sank.",)
    assert len(model.requests) == 1


def test_what_several_parts_say_alike_may_be_said_once_more() -> None:
    model = model_of(TEXT)
    assert written_summary(model, [part(TEXT, "It sank."), part("It rained.", TEXT)], 20).sentences == (TEXT,)
    assert len(model.requests) == 1


def test_a_short_text_may_be_repeated() -> None:
    model = model_of(TEXT)
    assert written_summary(model, [part(TEXT)], 40) == WrittenSummary((TEXT,), None)


def test_what_stays_wrong_is_kept_in_whole_sentences_and_marked() -> None:
    long = " ".join(["It was painted red."] * 10)
    model = model_of(long)
    written = written_summary(model, [part(TEXT)], 20)
    assert len(model.requests) == 3
    assert written.sentences == ("It was painted red.",) * 5  # 20 words
    assert written.notes == ("the summary has 40 words, and at most 20 were asked for",)
    model = model_of("It was painted red. Then one night the")
    written = written_summary(model, [part(TEXT)], 20)
    assert written.sentences == ("It was painted red.",)
    assert written.notes == ("the summary is cut off in the middle of a sentence",)


def test_the_best_of_three_is_kept() -> None:
    model = model_of(TEXT, "It was painted red. " * 8, "")
    written = written_summary(model, [part(TEXT, TEXT)], 20)
    assert set(written.sentences) == {"It was painted red."}
    assert "32 words" in written.notes[0]


def test_a_model_that_writes_nothing_leaves_the_first_sentence() -> None:
    written = written_summary(model_of(""), [part(), part("It sank.\nNobody saw it.", "The end.")], 20)
    assert written.sentences == ("It sank. Nobody saw it.",)
    assert written.taken is None
    assert "wrote nothing" in written.notes[0]


def test_a_reply_at_its_token_cap_is_cut_off() -> None:
    words = " ".join(f"word{n}" for n in range(400)) + "."
    model = model_of(words, GOOD)
    assert written_summary(model, [part(TEXT)], 20).sentences == (GOOD,)
    assert "middle of a sentence" in asked(model)[1]


def replying(reply: Callable[[list[str]], str], window: int) -> ScriptedModel:
    """Gets the names that stand in the texts it is asked about."""

    def played(request: Request) -> str:
        texts = "".join(re.findall(r"<text.*?</text>", request.messages[1].content, re.DOTALL))
        return reply(list(dict.fromkeys(re.findall(r"Name\d+", texts))))

    return ScriptedModel(played, window=window)


def test_what_does_not_fit_is_summarised_in_groups_and_nothing_is_left_out() -> None:
    seen: list[str] = []

    def reply(names: list[str]) -> str:
        seen.extend(names)
        return f"From {names[0]} to {names[-1]} they went."

    model = replying(reply, window=900)
    filler = "and with them came many others whose names are not known to anybody any more"
    parts = [part(*(f"Name{10 * p + s} came {filler}." for s in range(10))) for p in range(8)]
    written = written_summary(model, parts, 30)
    assert written.sentences == ("From Name0 to Name79 they went.",)
    assert {f"Name{n}" for n in range(80)} <= set(seen)
    assert len(model.requests) > 2
    assert all(model.prompt_tokens(r.messages) + r.max_tokens <= 900 for r in model.requests)


def test_a_part_and_a_sentence_that_are_too_long_are_cut() -> None:
    seen: list[str] = []

    def reply(names: list[str]) -> str:
        seen.extend(names)
        return "They all went away."

    model = replying(reply, window=900)
    endless = " ".join(f"Name{n}" for n in range(1_200))
    assert written_summary(model, [part("It began.", endless)], 30).sentences == ("They all went away.",)
    assert {f"Name{n}" for n in range(1_200)} <= set(seen)


def test_a_window_without_room_is_refused() -> None:
    with pytest.raises(WindowError, match="has no room"):
        written_summary(model_of(GOOD, window=300), [part(*[TEXT] * 40)], 200)


def test_a_model_that_only_repeats_does_not_go_on_for_ever() -> None:
    model = replying(lambda names: " ".join(names) + " went.", window=900)
    texts = [part(" ".join(f"Name{100 * p + n}" for n in range(100)) + ".") for p in range(12)]
    try:
        written = written_summary(model, texts, 100)
        assert written.notes
    except WindowError as error:
        assert "no shorter" in str(error)  # noqa: PT017 - either end is a good one
    assert len(model.requests) < 100

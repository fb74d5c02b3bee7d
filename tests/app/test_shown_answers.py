"""Answers as pages show them: kept as JSON, made of turns again, exported so that no mark has a meaning."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from time import sleep

import pytest

from app.events import Step
from app.library import Library
from app.shown_answers import (
    ShownAnswer,
    ShownBudget,
    ShownCitation,
    ShownMemory,
    ShownPlace,
    ShownTurn,
    WalkedStep,
    WalkOption,
    answer_from_json,
    answer_json,
)
from app.shown_turns import copied_answer, escaped, thread_markdown
from app.working import working
from tests.conftest import write

NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)
CITED = ShownCitation(
    1, "document", "d1", "The *Inn*", "Chapter [1]", 3, 10, 20, "It is <b>shut</b>.", "verified"
)
SAID = ShownCitation(
    *(
        2,
        "memory",
        "",
        "you, 12 May 2026",
        "",
        None,
        0,
        4,
        "Yes.",
        "corrected",
        0.5,
        "home",
        2,
        "question",
        NOON,
    )
)
FULL = ShownAnswer(
    text="It is shut. [1] You said so. [2]",
    abstained=False,
    route="walk",
    model="scripted",
    seconds=1.5,
    prompt_tokens=10,
    completion_tokens=5,
    tokens_read=100,
    sections_read=2,
    sections_total=9,
    notes=("a note",),
    steps=(Step("recall", "nothing", 0.1),),
    citations=(CITED, SAID),
    dropped=(CITED,),
    closest=(ShownPlace("d1", "The Inn", None, "", 0, 9, 0.25, "It is"),),
    recalled=(ShownMemory("home", 2, "turn", NOON, "Yes.", 0.5, (("relevance", 0.5),)),),
    budget=ShownBudget(8192, (("evidence", 40),), (("memory", None),)),
    trace=(
        WalkedStep("d1", "n1", 1, "One", 0, 9, 3, (WalkOption("n2", "Two", 0.5),), "n2", "why", "", 1, 2),
    ),
    ordinal=3,
)


def test_an_answer_is_the_same_after_json() -> None:
    assert answer_from_json(answer_json(FULL)) == FULL


def test_a_walk_is_kept_step_by_step(read_novella: Library) -> None:
    answers = read_novella.answers
    with working(read_novella):
        id = answers.ask("What happens at the inn?", "walked", route="walk")
        while not (state := answers.state(id)).ended:
            sleep(0.01)
    assert state.answer is not None
    assert state.answer.route == "walk"
    assert state.answer.trace
    assert state.answer.trace[0].options
    assert answers.turns("walked")[0].answer == state.answer


def test_a_turn_whose_job_is_gone_still_cites_and_a_changed_document_is_told(
    library: Library, tmp_path: Path
) -> None:
    file = write(tmp_path / "owl.txt", "The owl sleeps in a hollow ash. At night it hears a mouse.\n")
    list(library.add([file]))
    answer = library.ask("Where does the owl sleep?", thread="wood")
    (turn,) = library.answers.turns("wood")
    (shown,) = turn.answer.citations
    assert (shown.quote, shown.verdict) == (answer.citations[0].quote, "verified")
    assert (turn.answer.steps, turn.answer.budget, turn.answer.ordinal) == ((), None, 1)
    write(file, "The cat sleeps in a warm kitchen, far away from here, and it dreams of the sea all day.\n")
    list(library.add([file]))
    (turn,) = library.answers.turns("wood")
    (shown,) = turn.answer.citations
    assert (shown.quote, shown.verdict) == ("", "dropped")
    library.remove("owl.txt")
    (shown,) = library.answers.turns("wood")[0].answer.citations
    assert (shown.title, shown.quote, shown.verdict) == ("", "", "dropped")
    assert "a document that has been removed" in library.answers.markdown("wood")


HOSTILE = (
    "<script>alert(1)</script>",
    "![x](http://evil.example/x.png)",
    "[click](javascript:alert(1))",
    "http://evil.example and www.evil.example and me@evil.example",
    "# Title",
    "- item",
    "1. item",
    "> quote",
    "```code```",
    "| a | b |",
    "$x^2$ and :smile: and ~~gone~~ and &lt;",
    "===",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_was_said_has_a_meaning_in_an_export(text: str) -> None:
    turn = ShownTurn(1, text, NOON, ShownAnswer(text, False, "", "m", 0.0, 0, 0, citations=(CITED,)))
    exported = thread_markdown(text, [turn])
    rendered = without_escapes(exported)
    assert "<script" not in rendered
    assert "](" not in rendered.replace("\\](", "").replace("]\\(", "")
    assert "://" not in exported.replace("\\://", "")
    assert "<b>" not in exported.replace("\\<b\\>", "")
    assert not any(line.startswith(("- ", "| ", "```", "===")) for line in exported.splitlines())


def without_escapes(exported: str) -> str:
    """The export without what its escapes make plain."""
    return exported.replace("\\<", "").replace("\\[", "").replace("\\!", "")


def test_escapes_keep_the_words() -> None:
    assert escaped("It was 3.5 km, he said: no!") == "It was 3.5 km, he said: no\\!"
    assert escaped("a\n# b") == "a \\# b"


def test_copied_is_plain_text_with_its_sources() -> None:
    assert copied_answer(FULL) == (
        "It is shut. [1] You said so. [2]\n\n"
        "[1] The *Inn*, Chapter [1], page 3: “It is <b>shut</b>.”\n"
        "[2] you, 12 May 2026, thread home: “Yes.”"
    )

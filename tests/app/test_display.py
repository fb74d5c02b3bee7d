"""What a person sees: results on stdout, the rest on stderr, text of documents as plain text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from rich.console import Console

from app.adding import AddedDocument
from app.answers import Answer
from app.checks import Check
from app.display import Screen, printable
from app.events import Event, Step
from retrieval.document import Document, Section, Span
from retrieval.evidence import DocumentOrigin, Evidence
from retrieval.verify import Verdict
from tests.app.test_reports import RECORD

EVIL = "\x1b[2J\x1b]0;owned\x07 \x9b31m \u202e [bold]x[/bold] \r\nend"
SAFE = "\ufffd[2J\ufffd]0;owned\ufffd \ufffd31m \ufffd [bold]x[/bold] end"


@pytest.fixture(autouse=True)
def width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Callable[[Callable[[Screen], object]], tuple[str, str]]:
    def show(draw: Callable[[Screen], object]) -> tuple[str, str]:
        capsys.readouterr()
        draw(Screen())
        captured = capsys.readouterr()
        for text in captured:
            assert re.sub("[\n\u200c\u200d]", "", text).isprintable()
        return captured.out, captured.err

    return show


Shown = Callable[[Callable[[Screen], object]], tuple[str, str]]


def evidence(quote: str = "The fox.", section: str = "Animals", page: int | None = 3) -> Evidence:
    origin = DocumentOrigin("abc", "Wood", section, page, Span(8, 8 + len(quote)))
    return Evidence(origin, quote, 1.0, 0.9, 1.0, Verdict.VERIFIED)


def answer(text: str, citations: Sequence[Evidence], others: Sequence[Evidence] = ()) -> Answer:
    return Answer(
        text=text,
        abstained=not citations,
        confidence=0.5,
        route="search",
        model="extractive",
        citations=tuple(citations),
        evidence=(*citations, *others),
        passages=(),
        steps=(),
        tokens_read=0,
        sections_read=0,
        sections_total=0,
        calls=0,
        prompt_tokens=0,
        completion_tokens=0,
        seconds=0.1,
    )


def test_printable() -> None:
    assert printable(EVIL) == SAFE
    assert printable("plain “text” 光") == "plain “text” 光"


def test_error_goes_to_stderr(shown: Shown) -> None:
    out, err = shown(lambda screen: screen.error('The folder "x" [red]cannot[/red] be made.'))
    assert out == ""
    assert err == 'clew: The folder "x" [red]cannot[/red] be made.\n'


def test_error_cannot_steer(shown: Shown) -> None:
    out, err = shown(lambda screen: screen.error(EVIL))
    assert (out, err) == ("", f"clew: {SAFE}\n")


def test_added_lines(shown: Shown) -> None:
    record = replace(RECORD, title=EVIL, pages=12, pages_unread=(3, 4, 5, 9, 11, 12))
    out, err = shown(lambda screen: screen.added(AddedDocument("a", "updated", 1.25, record, 1)))
    assert err == ""
    first, second = out.splitlines()
    assert first.startswith(f"updated    {SAFE}  abc123abc123  20 characters, 12 pages")
    assert second.strip() == "no text layer, not read: pages 3-5, 9, 11-12"


def test_one_unread_page(shown: Shown) -> None:
    out, _ = shown(lambda screen: screen.added(AddedDocument("a", "added", 1.0, RECORD, 1)))
    assert out.splitlines()[1].strip() == "no text layer, not read: page 2"


def test_failed_line_goes_to_stderr(shown: Shown) -> None:
    failed = AddedDocument("a", "failed", 1.0, error='"a" [bold]is[/bold] empty.')
    out, err = shown(lambda screen: screen.added(failed))
    assert (out, err) == ("", 'failed     "a" [bold]is[/bold] empty.\n')


def test_list(shown: Shown) -> None:
    out, _ = shown(lambda screen: screen.documents([]))
    assert "clew add" in out
    out, _ = shown(lambda screen: screen.documents([RECORD, replace(RECORD, title=EVIL, id="def")]))
    assert "abc123abc123" in out
    assert "2026-01-02" in out
    assert SAFE in out


def test_document(shown: Shown) -> None:
    sections = (Section("Part One", 1, Span(0, 20)), Section(EVIL, 2, Span(5, 20)))
    document = Document("x" * 20, "Wood", "text/plain", sections)
    out, _ = shown(lambda screen: screen.document(replace(RECORD, path=f"/books/{EVIL}"), document))
    lines = out.splitlines()
    assert lines[0] == "Wood"
    assert f"/books/{SAFE}" in lines[1]
    assert lines[-2] == "  Part One"
    assert lines[-1] == f"    {SAFE}"


def test_answer(shown: Shown) -> None:
    cited = [evidence(), evidence(EVIL, section="", page=None)]
    out, err = shown(lambda screen: screen.answer(answer("The fox. [1] Evil. [2]", cited)))
    assert err == ""
    assert out.splitlines() == [
        "The fox. [1] Evil. [2]",
        "  [1] Wood, Animals, page 3, characters 8-16  verified",
        "      “The fox.”",
        f"  [2] Wood, characters 8-{8 + len(EVIL)}  verified",
        f"      “{SAFE}”",
    ]


def test_silence_shows_the_closest_places(shown: Shown) -> None:
    others = [replace(evidence(f"Place {n}."), score=n / 10) for n in range(5)]
    out, _ = shown(lambda screen: screen.answer(answer("It does not say.", [], others)))
    assert out.splitlines()[0] == "It does not say."
    assert [line.split("“")[1] for line in out.splitlines()[2:]] == ["Place 4.”", "Place 3.”", "Place 2.”"]


def test_report(shown: Shown) -> None:
    figures = {
        "questions": 4,
        "em": 0.25,
        "f1": 0.5,
        "evidence_hit": {"1": 0.1, "5": 0.2, "10": 0.3},
        "paragraph_hit": {"1": 0.4, "5": 0.6, "10": 0.7},
        "abstention": {"precision": None, "recall": 0.125},
        "answered": 1.0,
        "seconds_per_question": 0.012,
    }
    out, _ = shown(lambda screen: screen.report(figures | {"by_kind": {"fact": figures}}))
    rows = [line for line in out.splitlines() if "0.250" in line]
    assert len(rows) == 2
    for row in rows:
        numbers = [word for word in row.replace("│", " ").split() if word[0].isdigit() or word == "-"]
        assert numbers == [
            *("4", "0.250", "0.500", "0.100", "0.200", "0.300", "0.600", "1.000"),
            *("-", "0.125", "0.012"),
        ]


def test_checks(shown: Shown) -> None:
    checks = [Check("home", "warning", "/x [red]full[/red]"), Check("span reader", "ok", "off")]
    out, _ = shown(lambda screen: screen.checks(checks))
    assert out == "warning home         /x [red]full[/red]\nok      span reader  off\n"


def test_progress_of_a_plain_stderr_is_no_noise(shown: Shown) -> None:
    def work(screen: Screen) -> None:
        with screen.progress() as progress:
            for done in range(3):
                progress(Event("encode", EVIL, done, 2))
            progress(Event("done", EVIL))
            progress(Event("index", "chunks", 1, 1))

    out, err = shown(work)
    assert out == ""
    assert err == ""


def test_progress_survives_an_error(shown: Shown) -> None:
    def work(screen: Screen) -> None:
        with screen.progress() as progress:
            progress(Event("load", "x", 0, 1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        shown(work)
    assert shown(lambda screen: screen.error("Still here."))[1] == "clew: Still here.\n"


def test_steps_and_the_draft_are_drawn_on_a_terminal_alone(capsys: pytest.CaptureFixture[str]) -> None:
    for terminal in (False, True):
        screen = Screen()
        screen.err = Console(stderr=True, force_terminal=terminal, width=80)
        with screen.asking() as live:
            live.progress(Event("model", "tiny"))
            live.step(Step("route", f"search {EVIL}", 0.25))
            live.draft("It was ")
            live.draft(None)
            live.draft(f"blue{EVIL}")
        captured = capsys.readouterr()
        assert captured.out == ""
        assert ("route" in captured.err) is terminal
        assert ("blue" in captured.err) is terminal
        assert EVIL not in captured.err


def test_what_the_check_removed_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    shown = replace(
        answer("The fox. [1]", [evidence("The fox.")]), notes=("made-up citations removed: 2",), calls=3
    )
    Screen().answer(shown)
    out = capsys.readouterr().out
    assert "Note: made-up citations removed: 2" in out
    assert "3 model calls, 0 + 0 tokens" in out


def test_lines_and_joiners_of_an_answer_stay(
    shown: Callable[[Callable[[Screen], object]], tuple[str, str]],
) -> None:
    text = f"- a [1]\n- b می‌خواهم{EVIL}"
    out, _ = shown(lambda screen: screen.answer(answer(text, [evidence()])))
    assert "- a [1]\n- b می‌خواهم" in out
    assert EVIL not in out

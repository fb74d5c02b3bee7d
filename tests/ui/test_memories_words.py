"""What the page of memory says and looks for, and what it does on its own, without a page."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from app.errors import ForgettingError
from app.events import Event, Progress
from app.forgetting import ForgetReport
from app.memory_browsing import Fact, TurnFilter
from ui.parts.errands import Errand, Errands, Told
from ui.parts.facts import validity
from ui.parts.forgetting import forgotten_words
from ui.parts.memory_filters import wanted
from ui.parts.moments import day_of, end_of, start_of, zone_named

ROME = ZoneInfo("Europe/Rome")
LATE = datetime(2026, 5, 12, 23, 30, tzinfo=UTC)
FACT = Fact(
    id="abc234",
    text="My boat is blue.",
    quote="My boat is blue.",
    thread="sea",
    ordinal=1,
    asked_at=LATE,
    asserted_by="me",
    state="kept",
    confidence=1.0,
    strength=1,
    valid_from=LATE,
    invalid_at=None,
    replaced_by=None,
    turn_key=1,
    key=1,
)
REPORT = ForgetReport(
    what="fact abc234",
    counts={"facts": 1, "turns redacted": 2, "answers": 0, "something_new": 3},
    pieces=40,
    pieces_of=40,
    files=7,
    bytes=2_500_000,
    elsewhere={},
    turns=(),
    seconds=1.0,
)


def test_days_are_those_of_the_browser() -> None:
    assert (day_of(LATE, UTC), day_of(LATE, ROME)) == ("2026-05-12", "2026-05-13")
    assert start_of(date(2026, 5, 13), ROME) == datetime(2026, 5, 12, 22, tzinfo=UTC)
    assert end_of(date(2026, 5, 13), ROME) == datetime(2026, 5, 13, 22, tzinfo=UTC)
    assert zone_named("Europe/Rome") == ROME
    assert [zone_named(name) for name in (None, "", "Nowhere/At_All", "../x")] == [UTC] * 4


def test_a_filter_includes_its_last_day() -> None:
    found = wanted("boat", date(2026, 5, 12), date(2026, 5, 12), "sea", "user")
    assert found == TurnFilter(
        "boat", datetime(2026, 5, 12, tzinfo=UTC), datetime(2026, 5, 13, tzinfo=UTC), "sea", "user"
    )
    assert wanted("", None, None, None, None) == TurnFilter()


def test_validity_in_words() -> None:
    assert validity(FACT, UTC, {}) == "True since 2026-05-12"
    assert validity(FACT, ROME, {}) == "True since 2026-05-13"
    closed = replace(FACT, invalid_at=datetime(2026, 6, 1, tzinfo=UTC), replaced_by="xyz")
    told = validity(closed, UTC, {"xyz": "It is *red*."})
    assert told == r"True from 2026-05-12 until 2026-06-01, closed. Replaced by: It is \*red\*\."
    assert validity(replace(FACT, state="waiting"), UTC, {}).startswith("Waits for your yes")


def test_what_was_forgotten_in_words() -> None:
    told = forgotten_words(REPORT)
    assert told.startswith("Forgotten: 1 facts, 2 turns with words taken out, 3 something\\_new.")
    assert "7 files (2.5 MB) were searched for 40 pieces" in told
    assert told.endswith("None is left.")
    left = replace(REPORT, elsewhere={"documents": 2}, turns=(("sea", 3),))
    assert "documents (2)" in forgotten_words(left)
    assert "Turns that say some of it (1): sea 3." in forgotten_words(left)


def ended(errands: Errands, user: str) -> Errand:
    for thread in threading.enumerate():
        if thread.name == "clew-errand":
            thread.join(10)
    errand = errands.of(user)
    assert errand is not None
    assert errand.ended
    return errand


def says(words: str) -> Callable[[Progress], Told]:
    return lambda progress: lambda: words


def test_an_errand_runs_on_its_own_once_at_a_time_for_each_user() -> None:
    errands, go_on = Errands(), threading.Event()

    def waits(progress: Progress) -> Told:
        progress(Event("vacuum", "the database", 1, 2))
        assert go_on.wait(10)
        return lambda: "done"

    assert errands.begin("ann", "it", waits)
    assert not errands.begin("ann", "again", says("never"))
    assert errands.begin("bob", "other", says("his"))
    errands.looked_at("ann")  # not before it has ended
    running = errands.of("ann")
    assert running is not None
    assert running.what == "it"
    go_on.set()
    errand = ended(errands, "ann")
    assert errand.told is not None
    assert errand.told() == "done"
    assert errand.event == Event("vacuum", "the database", 1, 2)
    errands.looked_at("ann")
    assert errands.of("ann") is None
    assert errands.begin("ann", "again", says("now"))
    ended(errands, "ann")


def test_an_errand_that_fails_says_why(caplog: pytest.LogCaptureFixture) -> None:
    def fails(error: Exception) -> Callable[[Progress], Told]:
        def does(progress: Progress) -> Told:
            raise error

        return does

    errands = Errands()
    errands.begin("ann", "it", fails(ForgettingError("A file still holds it.")))
    assert ended(errands, "ann").error == "A file still holds it."
    errands.begin("bob", "it", fails(RuntimeError("secret")))
    errand = ended(errands, "bob")
    assert errand.error == ""
    assert errand.number
    assert errand.number in caplog.text

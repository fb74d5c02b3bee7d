"""`clew eval needles` and `clew eval threads` on small haystacks."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.errors import EvaluationError, OutputError
from app.events import Event, silent
from app.haystack_homes import HaystackHomes
from app.heat_map import check_heat_map, draw_heat_map, save_heat_map
from app.library import Library
from app.needle_evaluation import NeedleOptions, evaluate_needles
from app.needle_tables import needle_table
from memory.tables import UnitRow
from tests.conftest import ForOneHome, Ran

Clew = Callable[..., Ran]
NEEDLE_KEYS = {
    "lengths",
    "depths",
    "hit",
    "overall",
    "near_needle_errors",
    "seconds_warm",
    "tokens",
    "multi",
    "distinct_sentences",
    "seconds_adding",
    "near",
    "near_needles",
    "seed",
}


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """By hand: two lengths, three depths."""
    return {
        "lengths": [4_000, 1_500_000],
        "depths": [0.0, 50.0, 100.0],
        "hit": [[1.0, 0.5, 0.0], [1.0, 1.0, 1.0]],
        "near": [[0.0, 0.0, 1.0], [0.0, 0.25, 0.0]],
        "overall": 0.75,
        "near_needle_errors": 0.2083,
        "seconds_warm": {"4000": 0.01, "1500000": 0.2},
        "tokens": {"4000": 4_010, "1500000": 1_499_900},
        "multi": {"4000": 1.0, "1500000": 0.5},
        "seconds_adding": {"4000": 1.0, "1500000": 99.0},
        "seed": 7,
    }


def test_needles_of_two_lengths(tmp_path: Path, open_home: ForOneHome) -> None:
    events: list[Event] = []
    options = NeedleOptions((4_000, 8_000), depths=5, near=2, seed=11)
    with HaystackHomes.opened(tmp_path / "kept", open_home, events.append) as homes:
        found = evaluate_needles(options, homes, events.append)
    assert set(found) == NEEDLE_KEYS
    assert json.loads(json.dumps(found)) == found
    assert found["lengths"] == [4_000, 8_000]
    assert found["depths"] == [0.0, 25.0, 50.0, 75.0, 100.0]
    assert found["hit"] == [[1.0] * 5] * 2
    assert found["overall"] == 1.0
    assert found["near_needle_errors"] <= 0.1
    for name in ("seconds_warm", "tokens", "multi", "distinct_sentences", "seconds_adding"):
        assert list(found[name]) == ["4000", "8000"]
    for length in ("4000", "8000"):
        assert found["tokens"][length] == pytest.approx(int(length), rel=0.05)
        assert 0 < found["seconds_warm"][length] < 5
    # A question for each needle in each of its wordings, and three with several answers.
    asked = [event for event in events if event.stage == "question"]
    assert [(each.done, each.total) for each in asked[:18]] == [(n, 18) for n in range(18)]
    assert len(asked) == 36


def test_kept_haystacks_are_found_again_and_shared(tmp_path: Path, open_home: ForOneHome) -> None:
    options = NeedleOptions((4_000, 5_000), depths=2, near=1, seed=2)

    def evaluated() -> tuple[int, dict[str, Any]]:
        events: list[Event] = []
        with HaystackHomes.opened(tmp_path, open_home, events.append) as homes:
            found = evaluate_needles(options, homes, silent)
        return sum(event.stage == "encode" for event in events), found

    encoded, found = evaluated()
    assert encoded > 0
    again, found_again = evaluated()
    assert again == 0
    assert found_again["hit"] == found["hit"]
    shorter, longer = (open_home(tmp_path / f"needles-{length}") for length in (4_000, 5_000))
    for library in (shorter, longer):
        (record,) = library.documents()
        assert record.title == "THE CHRONICLE OF THE TWELVE RIVERS"
    # Four fifths of the longer one are those of the shorter one.
    assert 0 < planned(longer) < planned(shorter) / 2


def planned(library: Library) -> int:
    """Texts that had to be encoded for the one document that is there."""
    with library.engine.connect() as connection:
        inputs = connection.execute(select(UnitRow.inputs)).scalars().all()
    return sum(len(each) for each in inputs) // 16


def test_a_folder_is_held_alone(tmp_path: Path, open_home: ForOneHome) -> None:
    with (
        HaystackHomes.opened(tmp_path, open_home, silent),
        pytest.raises(EvaluationError, match=r"Another `clew eval` works in"),
        HaystackHomes.opened(tmp_path, open_home, silent),
    ):
        pass
    (tmp_path / "file").touch()
    with (
        pytest.raises(EvaluationError, match="cannot be used"),
        HaystackHomes.opened(tmp_path / "file", open_home, silent),
    ):
        pass


def test_a_length_without_room_is_refused_before_anything_is_added(
    tmp_path: Path, open_home: ForOneHome
) -> None:
    with (
        HaystackHomes.opened(tmp_path, open_home, silent) as homes,
        pytest.raises(EvaluationError, match=r"1,000 tokens has no room for \d+ sentences"),
    ):
        evaluate_needles(NeedleOptions((1_000, 8_000), near=8), homes, silent)
    assert not (tmp_path / "haystack.txt").exists()


def test_one_depth_is_the_middle() -> None:
    assert NeedleOptions((4_000,), depths=1).shares == [0.5]
    assert NeedleOptions((4_000,), depths=3).shares == [0.0, 0.5, 1.0]


def test_the_heat_map_by_hand(report: dict[str, Any], tmp_path: Path) -> None:
    figure = draw_heat_map(report)
    found, near = figure.axes[:2]
    for panel, shares in ((found, [[1.0, 1.0], [0.5, 1.0], [0.0, 1.0]]), (near, [[0, 0], [0, 0.25], [1, 0]])):
        (image,) = panel.images
        assert image.get_array().tolist() == shares
        assert [label.get_text() for label in panel.get_xticklabels()] == ["4K", "1.5M"]
        assert panel.get_xlabel() == "length of the haystack in tokens"
    assert [label.get_text() for label in found.get_yticklabels()] == ["0 %", "50 %", "100 %"]
    assert found.get_ylabel() == "depth of the needle"
    assert (found.get_title(), near.get_title()) == ("needle in the answer", "look-alike in the answer")
    assert "75.0% found" in figure.get_suptitle()
    save_heat_map(report, tmp_path / "map.png")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_where_a_heat_map_cannot_go(report: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written: No such file"):
        check_heat_map(tmp_path / "absent" / "map.png")
    with pytest.raises(OutputError, match="cannot be written: No such file"):
        save_heat_map(report, tmp_path / "absent" / "map.png")
    with pytest.raises(EvaluationError, match=r"map\.jpg has another ending"):
        check_heat_map(tmp_path / "map.jpg")
    check_heat_map(tmp_path / "map.png")
    assert not (tmp_path / "map.png").exists()


def test_a_heat_map_without_matplotlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "matplotlib", raising=False)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(EvaluationError, match=r"needs matplotlib: `pip install 'clew\[eval\]'`"):
        check_heat_map(tmp_path / "map.png")


def test_the_table_by_hand(report: dict[str, Any]) -> None:
    table = needle_table(report)
    columns = [list(column.cells) for column in table.columns]
    assert [column.header for column in table.columns] == ["tokens", "4,010", "1,499,900"]
    assert columns[0][:3] == ["found at 0 %", "found at 50 %", "found at 100 %"]
    assert columns[1] == ["1.00", "0.50", "0.00", "0.500", "0.333", "1.00", "0.010", "1"]
    assert columns[2] == ["1.00", "1.00", "1.00", "1.000", "0.083", "0.50", "0.200", "99"]


def test_needles_from_the_command_line(clew: Clew, tmp_path: Path) -> None:
    out = tmp_path / "map.png"
    options = ("--lengths", "4000", "--depths", 2, "--near", 1, "--seed", 3)
    ran = clew("eval", "needles", *options, "--out", out, "--json")
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert set(report) == NEEDLE_KEYS
    assert report["hit"] == [[1.0, 1.0]]
    assert out.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_threads_from_the_command_line(clew: Clew, tmp_path: Path) -> None:
    options = ("--hops", "3,2", "--lengths", "4000", "--chains", 2, "--keep", tmp_path / "kept")
    ran = clew("eval", "threads", *options, "--json")
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert list(report["by_hops"]) == ["2", "3"]
    assert report["by_length"] == {"4000": report["by_hops"]}
    assert all(share in {0.0, 0.5, 1.0} for share in report["by_hops"].values())
    assert report["tokens"]["4000"] == pytest.approx(4_000, rel=0.05)
    shown = clew("eval", "threads", *options)
    assert shown.code == 0, shown.err
    assert "2 hops" in shown.out


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("needles", ("--lengths", "abc"), "'abc' is no list of numbers"),
        ("needles", ("--lengths", "4000,"), "'4000,' is no list of numbers"),
        ("needles", ("--lengths", "10"), "not in 1,000 to 20,000,000"),
        ("needles", ("--depths", "0"), "greater than or equal to 1"),
        ("needles", ("--near", "9"), "less than or equal to 8"),
        ("threads", ("--hops", "1"), "not in 2 to 12"),
        ("threads", ("--chains", "21"), "less than or equal to 20"),
        ("threads", ("--hops", "9,10,11,12", "--chains", "20"), "840 links; at most 784"),
    ],
)
def test_options_that_make_no_sense(clew: Clew, command: str, options: tuple[str, ...], said: str) -> None:
    ran = clew("eval", command, *options)
    assert ran.code == 2
    assert said in ran.err
    assert not ran.out


def test_a_heat_map_that_cannot_be_written_stops_before_the_work(clew: Clew, tmp_path: Path) -> None:
    ran = clew("eval", "needles", "--lengths", "20000000", "--out", tmp_path / "absent" / "map.png")
    assert ran.code == 1
    assert ran.err.strip().startswith("clew: The heat map")
    assert len(ran.err.strip().splitlines()) == 1

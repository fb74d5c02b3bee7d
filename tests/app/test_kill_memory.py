"""`kill -9` while turns are written and things forgotten: nothing acknowledged is lost, all gets clean."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.kill_memory import add_stories, kill_memory
from tests.conftest import ForOneHome

KILLS = 4


def test_after_every_kill_all_is_consistent_and_clean(
    tmp_path: Path, home: Path, open_home: ForOneHome
) -> None:
    library = open_home(home)
    add_stories(library, tmp_path / "stories", 12)
    library.close()
    report = kill_memory(home, tmp_path, KILLS, 5)
    assert report.differences == []
    assert report.turns > 0
    assert {kill.moment for kill in report.kills} == {"vacuum", "turn", "index", "forget"}

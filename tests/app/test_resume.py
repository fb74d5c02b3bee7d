"""`kill -9` at any moment of `clew add`, and the same command once more: nothing is lost or paid twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.reports import answer_json
from tests.benchmarks.kill_add import QUESTION, kill_add
from tests.conftest import NOVELLA, ForOneHome

KILLS = 4


def test_killed_and_run_again_ends_like_an_undisturbed_run(
    tmp_path: Path, empty_home: Path, own_novella_home: Path, open_home: ForOneHome
) -> None:
    def ask(home: Path) -> dict[str, Any]:
        return answer_json(open_home(home).ask(QUESTION))

    report = kill_add(NOVELLA, tmp_path, KILLS, 7, empty_home, own_novella_home, ask)
    assert report.differences == ()
    assert sum(kill.alive for kill in report.kills) >= KILLS - 1  # else the test killed nothing
    assert any(0 < kill.done < report.units for kill in report.kills)  # and some of them in the middle
    assert [kill.done for kill in report.kills] == sorted(kill.done for kill in report.kills)
    assert report.units > 5
    assert report.repeated <= KILLS
    assert report.most_attempts <= KILLS + 1

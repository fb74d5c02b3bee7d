"""`clew doctor`: everything named, and each thing that is wrong told with what changes it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app import doctor
from app.checks import Check
from app.doctor import examine, report
from app.library import Library
from memory.database import open_database
from memory.usage import UsageStore
from reader.models import fit
from reader.models.remembered import ModelCall
from tests.conftest import ForOneHome, settings_of, write
from tests.tiny_models import tiny_llama


@pytest.fixture(autouse=True)
def shared_encoder(monkeypatch: pytest.MonkeyPatch, open_home: ForOneHome) -> None:
    def opener(settings: object) -> Library:
        return open_home(**settings.model_dump(exclude={"device"}))  # type: ignore[attr-defined]

    monkeypatch.setattr(doctor, "open_library", opener)


def by_name(checks: list[Check]) -> dict[str, Check]:
    assert len({check.name for check in checks}) == len(checks)
    return {check.name: check for check in checks}


def test_all_is_well(own_novella_home: Path) -> None:
    checks = examine(settings_of(own_novella_home))
    found = by_name(checks)
    assert {"python", "packages", "home", "database", "encoder", "indexes", "reader"} <= set(found)
    assert all(check.state != "problem" for check in checks)
    assert str(own_novella_home) in found["home"].detail
    assert "1 documents, 124 chunks, 0 units repeated" in found["database"].detail
    assert "384" in found["encoder"].detail
    assert "CLEW_ENCODER" in found["encoder"].detail
    assert "exact" in found["indexes"].detail
    assert report(checks)["ok"] is True


def test_empty_home(home: Path) -> None:
    assert report(examine(settings_of(home)))["ok"] is True


def test_repaired_indexes_are_told(own_novella_home: Path) -> None:
    for file in (own_novella_home / "indexes" / "chunks").glob("*.faiss"):
        file.write_bytes(b"")
    assert "made anew: chunks" in by_name(examine(settings_of(own_novella_home)))["indexes"].detail


def test_damaged_database_is_a_problem(home: Path) -> None:
    (home / "clew.sqlite").write_bytes(b"a letter to a friend" * 500)
    checks = examine(settings_of(home))
    problems = [check for check in checks if check.state == "problem"]
    assert len(problems) == 1
    assert "clew.sqlite" in problems[0].detail
    assert report(checks)["ok"] is False


def test_home_that_cannot_be_used_is_a_problem(tmp_path: Path) -> None:
    checks = examine(settings_of(write(tmp_path / "fox.txt", "not a folder")))
    assert [check.state for check in checks][-1] == "problem"


def test_encoder_that_is_away_is_a_problem(tmp_path: Path) -> None:
    checks = examine(settings_of(tmp_path / "home", encoder="absent-model"))
    problems = [check for check in checks if check.state == "problem"]
    assert len(problems) == 1
    assert "absent-model" in problems[0].detail


def test_password_of_the_database_is_not_shown(tmp_path: Path) -> None:
    checks = examine(settings_of(tmp_path, database_url="postgresql://anna:secret@127.0.0.1:1/clew"))
    assert checks[-1].state == "problem"
    assert "secret" not in " ".join(check.detail for check in checks)


def test_little_room_is_a_warning(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(home)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1_000_000))
    found = by_name(examine(settings_of(home)))
    assert found["home"].state == "warning"
    assert "0.0 GB free" in found["home"].detail


def tiny_model(folder: Path, **settings: object) -> dict[str, Check]:
    home = folder / "home"
    return by_name(examine(settings_of(home, model=f"hf:{tiny_llama(folder / 'tiny')}", **settings)))


def test_a_model_that_fits(home: Path, tmp_path: Path) -> None:
    found = tiny_model(tmp_path)
    assert (found["model"].state, found["template"].state) == ("ok", "ok")
    assert "CLEW_MODEL" in found["model"].detail
    assert "4,096 tokens" in found["window"].detail
    assert "enforced by a grammar" in found["decisions"].detail
    assert "reasoned first: no" in found["decisions"].detail
    assert "24 calls" in found["limits"].detail
    assert "probe" not in found
    assert found["device"].detail.startswith("torch 2")


def test_a_model_that_does_not_fit_names_what_would(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, "free_memory_of", lambda device: 2_000_000)
    found = tiny_model(tmp_path)
    assert found["model"].state == "problem"
    assert "does not fit" in found["model"].detail
    assert "CLEW_" in found["model"].detail


def test_a_probe_runs_the_model(home: Path, tmp_path: Path) -> None:
    model = f"hf:{tiny_llama(tmp_path / 'tiny')}"
    found = by_name(examine(settings_of(home, model=model, window=1024), probe=True))
    assert "tokens/s" in found["probe"].detail
    assert "1,024 tokens" in found["window"].detail


@pytest.mark.parametrize("probe", [False, True])
def test_a_model_that_is_not_here_is_a_problem(home: Path, tmp_path: Path, probe: bool) -> None:
    checks = examine(settings_of(home, model=f"hf:{tmp_path / 'absent'}"), probe)
    assert by_name(checks)["model"].state == "problem"
    assert report(checks)["ok"] is False


def test_usage_is_told(home: Path) -> None:
    opened = open_database(settings_of(home).url)
    UsageStore(opened).record(ModelCall("answer", "tiny", 1200, 34, 0.5, False))
    UsageStore(opened).record(ModelCall("answer", "tiny", 1200, 34, 0.0, True))
    opened.dispose()
    detail = by_name(examine(settings_of(home)))["usage"].detail
    assert "2 model calls so far, 1 of them from the cache, 1,200 + 34 tokens" in detail


def test_a_script_is_read(home: Path, tmp_path: Path) -> None:
    script = write(tmp_path / "script.json", '[{"reply": "Hello", "times": 0}]')
    assert by_name(examine(settings_of(home, model=f"scripted:{script}")))["model"].state == "ok"
    absent = by_name(examine(settings_of(home, model=f"scripted:{tmp_path / 'absent'}")))["model"]
    assert (absent.state, "absent" in absent.detail) == ("problem", True)


def test_a_library_that_is_open_is_looked_at_and_stays_open(
    own_novella_home: Path, open_home: ForOneHome
) -> None:
    library = open_home(own_novella_home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(doctor, "open_library", pytest.fail)
        checks = by_name(examine(library.settings, opened=library))
    assert "1 documents" in checks["database"].detail
    assert len(library.documents()) == 1

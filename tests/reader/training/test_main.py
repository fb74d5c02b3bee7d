"""`python -m reader.training`, in a process of its own, and what it says of data that is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from reader.spans.model import EmbeddedSpanReader
from reader.training import __main__ as command
from reader.training.rows import Row, held_back
from reader.training.run import CHECKPOINT

ROOT = Path(__file__).parents[3]


def write_data(folder: Path, rows: list[Row]) -> Path:
    folder.mkdir()
    with (folder / "toy.jsonl").open("w", encoding="utf-8") as file:
        for row in rows:
            answers = [{"text": text, "start": start} for text, start in row.answers]
            found = {"source": row.source, "title": row.title, "context": row.context}
            file.write(json.dumps(found | {"question": row.question, "answers": answers}) + "\n")
    return folder


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "reader.training", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_from_questions_to_weights_that_are_read(tmp_path: Path, rows: list[Row]) -> None:
    data, out, work = write_data(tmp_path / "data", rows), tmp_path / "out", tmp_path / "work"
    ended = run("--data", data, "--out", out, "--work", work, "--times", 0.5, "--seed", 3)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    trained = sum(not held_back(row) for row in rows)
    assert lines[0] == f"{trained} questions, one article in eight held back"
    assert lines[1] == "looking for wrong passages that look right ..."
    assert lines[-2].startswith("step 1 of 1: span ")
    assert lines[-1] == f"written to {out}"
    assert "Traceback" not in ended.stderr
    kept = json.loads((work / "wrong_passages.json").read_text())
    assert len(kept) == trained
    assert sorted(each.name for each in work.iterdir()) == [CHECKPOINT, "wrong_passages.json"]
    (reading,) = EmbeddedSpanReader.load(out).read(rows[0].question, [rows[0].context])
    assert reading.spans


def test_data_that_is_none_ends_with_one_sentence(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "toy.jsonl").write_text('{"source": "toy", "title"\n')
    ended = run("--data", data, "--out", tmp_path / "out", "--work", tmp_path / "work")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("toy.jsonl cannot be read as questions with answers: ")
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.fixture
def fails(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., str]:
    """What the command says in this process where it ends with 1."""

    def run(data: Path, times: float = 0.5) -> str:
        with pytest.raises(typer.Exit) as ended:
            command.main(data, tmp_path / "out", tmp_path / "work", times=times)
        assert ended.value.exit_code == 1
        assert not (tmp_path / "out").exists()
        return capsys.readouterr().err

    return run


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path, fails: Callable[..., str]) -> None:
    error = fails(tmp_path / "nowhere")
    assert error == f"There are no *.jsonl, *.jsonl.gz or *.json files in {tmp_path / 'nowhere'}.\n"


def test_no_questions_and_none_of_them_drawn_are_one_sentence(
    tmp_path: Path, rows: list[Row], fails: Callable[..., str]
) -> None:
    assert fails(write_data(tmp_path / "empty", [])).endswith("are none to train on.\n")
    answered = [row for row in rows if row.answers and not held_back(row)][:1]
    assert fails(write_data(tmp_path / "rare", answered), times=0.001).endswith("are none to train on.\n")

"""`python -m reader.training`, in a process of its own, and what it says of data that is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import typer
from safetensors.torch import load_file

from reader.spans.adapter import HEADS
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
        timeout=300,
        check=False,
    )


def test_from_questions_to_weights_that_are_read(tmp_path: Path, rows: list[Row]) -> None:
    data, out, work = write_data(tmp_path / "data", rows), tmp_path / "out", tmp_path / "work"
    ended = run("--data", data, "--out", out, "--work", work, "--times", 2, "--seed", 3)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    trained = sum(not held_back(row) for row in rows)
    assert lines[0] == f"{trained} questions, one article in twenty held back"
    assert lines[1] == "looking for wrong passages that look right ..."
    names = [f"run {run}, course {n}" for run, n in ((1, 1), (1, 2), (1, 3), (2, 1), (2, 2))]
    assert lines[2:12:2] == names
    assert all(line.startswith("step 1 of 1: span ") for line in lines[3:12:2])
    (last,) = lines[12:]
    assert last.startswith(f"written to {out}; ")
    assert "Traceback" not in ended.stderr
    kept = json.loads((work / "wrong_passages.json").read_text())
    assert len(kept["wrong"]) == trained
    assert sorted(str(each.relative_to(work)) for each in work.rglob("*") if each.is_file()) == [
        *(f"{name}/{CHECKPOINT}" for name in names),
        "wrong_passages.json",
    ]
    assert_ships_the_mean(out, [load_file(work / name / CHECKPOINT) for name in names])
    (reading,) = EmbeddedSpanReader.load(out).read(rows[0].question, [rows[0].context])
    assert reading.spans


def assert_ships_the_mean(out: Path, kept: list[dict[str, torch.Tensor]]) -> None:
    """The mean of both runs, each the mean of its courses, which began with the mean of those before."""
    name = "base.encoder.layer.0.output.dense.bias"
    shipped = load_file(out / HEADS)[name].float()
    means = [each[f"mean.{name}"] for each in kept]
    whole = (torch.stack(means[:3]).mean(0) + torch.stack(means[3:]).mean(0)) / 2
    assert shipped.tolist() == pytest.approx(whole.tolist(), abs=1e-3)
    # One step of its rate away, and not where the first one of its run began.
    for first, n in ((0, 1), (0, 2), (3, 4)):
        far = (kept[n][f"now.{name}"] - torch.stack(means[first:n]).mean(0)).abs().max()
        assert 0 < far < 1e-3


@pytest.mark.parametrize("text", ["{", "[1, 2", "\x00"])
def test_a_damaged_list_of_wrong_passages_is_one_sentence(
    tmp_path: Path, rows: list[Row], fails: Callable[..., str], text: str
) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "wrong_passages.json").write_text(text)
    error = fails(write_data(tmp_path / "data", rows))
    assert "wrong_passages.json cannot be read" in error
    assert error.endswith("remove it.\n")


def test_wrong_passages_of_other_data_are_looked_for_again(tmp_path: Path, rows: list[Row]) -> None:
    work = tmp_path / "work"
    command._pool(rows, work, "cpu")
    before = json.loads((work / "wrong_passages.json").read_text())
    fewer = [replace(row, title="another") for row in rows]
    command._pool(fewer, work, "cpu")
    after = json.loads((work / "wrong_passages.json").read_text())
    assert before["data"] != after["data"]


def test_two_runs_of_courses_the_later_of_which_go_on_more_slowly() -> None:
    runs = command.runs_of(7, 2.0)
    assert [[each.seed for each in run] for run in runs] == [[7, 8, 9], [7, 8]]
    for first, *later in runs:
        assert first.times > later[0].times > 0
        assert [first.rate, *(each.rate for each in later)] == [1.0] + [0.5] * len(later)
        assert all(each.wrong > first.wrong for each in later)
    # How long is what is said.
    halves = [[each.times / 2 for each in run] for run in runs]
    assert [[each.times for each in run] for run in command.runs_of(7, 1.0)] == halves


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

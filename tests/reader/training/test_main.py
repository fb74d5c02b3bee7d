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
    assert lines[2] == "course 1"
    assert lines[3].startswith("step 1 of 1: span ")
    assert lines[4] == "course 2"
    assert lines[5].startswith("step 1 of 1: span ")
    assert lines[6] == "course 3"
    assert lines[7].startswith("step 1 of 1: span ")
    (last,) = lines[8:]
    assert last.startswith(f"written to {out}; ")
    assert "Traceback" not in ended.stderr
    kept = json.loads((work / "wrong_passages.json").read_text())
    assert len(kept["wrong"]) == trained
    assert sorted(str(each.relative_to(work)) for each in work.rglob("*") if each.is_file()) == [
        f"course 1/{CHECKPOINT}",
        f"course 2/{CHECKPOINT}",
        f"course 3/{CHECKPOINT}",
        "wrong_passages.json",
    ]
    assert_ships_the_mean(out, [load_file(work / f"course {n}" / CHECKPOINT) for n in (1, 2, 3)])
    (reading,) = EmbeddedSpanReader.load(out).read(rows[0].question, [rows[0].context])
    assert reading.spans


def assert_ships_the_mean(out: Path, kept: list[dict[str, torch.Tensor]]) -> None:
    """The mean of the averages of all courses, of which each began with the mean of those before."""
    name = "base.encoder.layer.0.output.dense.bias"
    shipped = load_file(out / HEADS)[name].float()
    means = [each[f"mean.{name}"] for each in kept]
    assert shipped.tolist() == pytest.approx(torch.stack(means).mean(0).tolist(), abs=1e-3)
    # One step of its rate away, and not where the first one began.
    for n in (1, 2):
        far = (kept[n][f"now.{name}"] - torch.stack(means[:n]).mean(0)).abs().max()
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


def test_mean_of_courses() -> None:
    one, two = {"a": torch.tensor([1.0, 4.0])}, {"a": torch.tensor([3.0, 0.0])}
    assert command.mean_of([one, two])["a"].tolist() == [2.0, 2.0]


def test_there_are_three_courses_the_later_of_which_go_on_more_slowly() -> None:
    first, second, third = command.courses(7, 2.0)
    assert (first.seed, second.seed, third.seed) == (7, 8, 9)
    assert first.times > second.times > third.times > 0
    assert (first.rate, second.rate, third.rate) == (1.0, 0.5, 0.5)
    assert second.wrong == third.wrong > first.wrong
    # How long is what is said.
    assert [each.times for each in command.courses(7, 1.0)] == [
        n / 2 for n in (first.times, second.times, third.times)
    ]


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

"""`python -m reader.training --data FOLDER`: trains the embedded reader and writes what is shipped.

About two and a half hours on two cores that multiply in bfloat16. What is broken off goes on where it was
when it is begun again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import torch
import typer
from torch import Tensor

from reader.errors import TrainingDataError
from reader.training.examples import Pool, make_pool
from reader.training.export import write_weights
from reader.training.mining import with_wrong_passages
from reader.training.rows import Row, digest_of, held_back, read_rows
from reader.training.run import Course, train
from retrieval.encoder import DEFAULT_ENCODER, NumberFormat, SentenceTransformerEncoder
from retrieval.errors import ClewError

MINED: Final = "wrong_passages.json"


def main(
    data: Annotated[Path, typer.Option(help="Folder of *.jsonl, *.jsonl.gz and SQuAD's *.json.")],
    out: Annotated[Path, typer.Option(help="Where the weights go.")] = Path("data/reader"),
    work: Annotated[Path, typer.Option(help="Where the checkpoint is kept.")] = Path("training"),
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = 7,
    times: Annotated[float, typer.Option(min=0.001, help="How long, 1 being what ships.")] = 1.0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Train the embedded reader."""
    try:
        rows = [row for row in read_rows(data) if not held_back(row)]
        print(f"{len(rows):,} questions, one article in twenty held back", flush=True)
        pool = _pool(rows, work, device)
        learned: list[dict[str, Tensor]] = []
        for number, course in enumerate(courses(seed, times), start=1):
            print(f"course {number}", flush=True)
            start = mean_of(learned) if learned else None
            folder = work / f"course {number}"
            learned.append(train(pool, course, folder, device, lambda line: print(line, flush=True), start))
        write_weights(mean_of(learned), out)
    except ClewError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from error
    print(f"written to {out}; tests/benchmarks/calibrate_spans.py --write makes calibration.json anew")


def courses(seed: int, times: float) -> tuple[Course, ...]:
    """What ships was taught in three: each goes on from the mean of those before, the first one alone anew.

    The later ones have half the rate and more wrong passages.
    """
    often = {"squad": 0.5, "fairytaleqa": 0.7, "qamr": 0.6}
    second = Course(seed + 1, 0.5 * times, wrong=0.4, often_wrong=often, rate=0.5)
    return Course(seed, 0.8 * times), second, replace(second, seed=seed + 2, times=0.45 * times)


def mean_of(learned: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of the weights of several courses, better than each on articles held back.

    Model soups: Wortsman et al. 2022 (arXiv 2203.05482).
    """
    return {name: torch.stack([each[name].float() for each in learned]).mean(0) for name in learned[0]}


def _pool(rows: list[Row], work: Path, device: str) -> Pool:
    """The questions with the wrong passages that were mined for them, kept from one run to the next."""
    number: NumberFormat = "float16" if device == "cuda" else "bfloat16"
    encoder = SentenceTransformerEncoder.load(DEFAULT_ENCODER, device, number)
    pool = make_pool(rows, encoder.tokenizer)
    file, of = work / MINED, digest_of(rows)
    try:
        kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    except (OSError, ValueError) as error:
        raise TrainingDataError(f"{file} cannot be read ({error}); remove it.") from error
    if isinstance(kept, dict) and kept.get("data") == of:
        return pool.with_wrong(kept["wrong"])
    print("looking for wrong passages that look right ...", flush=True)
    pool = with_wrong_passages(pool, encoder)
    work.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    found = {"data": of, "wrong": [asked.wrong for asked in pool.asked]}
    part.write_text(json.dumps(found), encoding="utf-8")
    part.replace(file)
    return pool


if __name__ == "__main__":
    typer.run(main)

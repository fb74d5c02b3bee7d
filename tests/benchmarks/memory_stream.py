"""What the memory stream costs at size: activating, adding, loading a user anew, memory of the process.

    python tests/benchmarks/memory_stream.py [--users 1000] [--turns 1000000] [--large 100000] [--sides 2]
        [--home FOLDER] [--json]

Made up are the sentences (words of the sample novella, drawn as often as they stand there) and the
embeddings that are stored (random unit rows); sessions of 20 turns of one user follow those of another. The
rest is the product's: each activation begins with encoding the question, each adding with encoding the
turn's keys, both with the built-in encoder.
`--sides 1` stores turns without an answer, which have one key instead of two; adding is measured with both.
A smaller run:
`--users 50 --turns 20000 --large 5000`. `--home` keeps the database there, and takes it from there.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import psutil
from sqlalchemy import Engine, func, insert, select

from memory.conversation_tables import ThreadRow, TurnRow, TurnVectorRow, UserRow
from memory.database import open_database
from memory.embeddings import note_encoder
from memory.stream import MemoryStream
from memory.stream_index import StreamIndex
from memory.threads import Turn
from memory.turn_keys import turn_keys
from retrieval.encoder import DEFAULT_ENCODER, Encoder, SentenceTransformerEncoder
from retrieval.precision import measure_formats

SESSION: Final = 20
THREADS: Final = 5
ASKED: Final = 1000
ADDED: Final = 500
COLD: Final = 200
START: Final = datetime(2025, 1, 1, tzinfo=UTC)
BLOCK: Final = 20_000
NOVELLA: Final = Path(__file__).parents[2] / "data" / "novella.txt"


@dataclass(frozen=True, slots=True)
class Home:
    """A database with its encoder; the users are called 0, 1, 2, ..., the one with many turns "large"."""

    engine: Engine
    encoder: Encoder
    key: int
    sides: int


class Talk:
    """Made-up sentences, the same on every run."""

    def __init__(self, seed: int) -> None:
        self.words = NOVELLA.read_text(encoding="utf-8").split()
        self.draw = np.random.default_rng(seed)

    def sentence(self, length: int) -> str:
        """A sentence of so many words."""
        return " ".join(self.words[place] for place in self.draw.integers(len(self.words), size=length))

    def turn(self, sides: int, run: str, asked_at: datetime) -> Turn:
        """A turn of about 16 words a side."""
        said = [self.sentence(int(self.draw.integers(6, 28))) for _ in range(sides)]
        return Turn(run, said[0], said[1] if sides > 1 else "", False, asked_at, 1.0)


def write(home: Home, users: list[str], turns: int, seed: int) -> None:
    """Turns of several users, straight into the tables."""
    talk = Talk(seed)
    with home.engine.begin() as connection:
        known = {
            name: connection.execute(
                insert(UserRow).returning(UserRow.key), {"name": name, "revision": 0, "created_at": START}
            ).scalar_one()
            for name in users
        }
        threads = {
            (name, n): connection.execute(
                insert(ThreadRow).returning(ThreadRow.key),
                {"user_key": known[name], "name": f"thread {n}", "created_at": START},
            ).scalar_one()
            for name in users
            for n in range(THREADS)
        }
        first = (connection.execute(select(func.max(TurnRow.key))).scalar() or 0) + 1
        for start in range(0, turns, BLOCK):
            block = list(range(start, min(start + BLOCK, turns)))
            vectors = talk.draw.standard_normal((len(block), home.sides, home.encoder.dim), np.float32)
            vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
            rows = []
            for number in block:
                name = users[number // SESSION % len(users)]
                turn = talk.turn(home.sides, f"{seed}-{number}", START + timedelta(minutes=number))
                place = number // SESSION // len(users)
                rows.append(
                    {
                        "key": first + number,
                        "thread_key": threads[name, place % THREADS],
                        "user_key": known[name],
                        "ordinal": place // THREADS * SESSION + number % SESSION + 1,
                        "run": turn.run,
                        "speaker": "",
                        "question": turn.question,
                        "answer": turn.answer,
                        "question_summary": "",
                        "answer_summary": "",
                        "importance": float(talk.draw.random()),
                        "abstained": False,
                        "details": {},
                        "asked_at": turn.asked_at,
                        "seconds": 1.0,
                    }
                )
            connection.execute(insert(TurnRow), rows)
            connection.execute(
                insert(TurnVectorRow),
                [
                    {"encoder_key": home.key, "turn_key": first + n, "vectors": row.astype("<f2").tobytes()}
                    for n, row in zip(block, vectors, strict=True)
                ],
            )


def measure(home: Home, users: list[str], large: bool) -> dict[str, float]:
    """Milliseconds and megabytes."""
    talk, draw = Talk(7), random.Random(7)
    index = StreamIndex(home.engine, home.key, home.encoder.dim)
    found = {"megabytes_before": megabytes()}
    found |= percentiles("load", (index.catch_up(user) for user in users[:COLD]))
    for user in users[COLD:]:
        index.catch_up(user)
    found["embeddings_held"] = float(sum(index.held().values()))
    found["megabytes_loaded"] = megabytes()
    found |= percentiles("activate", (ask(home, index, talk, draw.choice(users)) for _ in range(ASKED)))
    for keys in (1, 2):
        # What of adding is the encoder's alone.
        found |= percentiles(f"encode_{keys}", (encode(home, talk, keys) for _ in range(ADDED)))
        added = (add(home, index, talk, draw.choice(users), keys) for _ in range(ADDED))
        found |= percentiles(f"add_{keys}", added)
    found["megabytes_added"] = megabytes()
    if large:
        found |= percentiles("large_load", (index.catch_up("large") for _ in range(1)))
        found |= percentiles("large_activate", (ask(home, index, talk, "large") for _ in range(100)))
        found |= percentiles("large_add", (add(home, index, talk, "large", 1) for _ in range(100)))
    found["megabytes_peak"] = peak_megabytes()
    return found


def ask(home: Home, index: StreamIndex, talk: Talk, user: str) -> int:
    """A question of ten words, from its text to the best 25 turns; how many came."""
    question = talk.sentence(10)
    row = home.encoder.encode([question])[0]
    return len(index.activate(user, question, row, datetime.now(UTC), k=25))


def add(home: Home, index: StreamIndex, talk: Talk, user: str, sides: int) -> int:
    """A turn of so many keys, from its text to where activation finds it; how many the user has then."""
    turn = talk.turn(sides, uuid.uuid4().hex, datetime.now(UTC))
    stream = MemoryStream(home.engine, user, home.key, home.encoder.dim)
    stream.append("thread 0", turn, home.encoder.encode(turn_keys(turn)))
    return index.catch_up(user)


def encode(home: Home, talk: Talk, sides: int) -> int:
    """The keys of a turn, as `add` encodes them; how many."""
    return len(home.encoder.encode(turn_keys(talk.turn(sides, "encoded", START))))


def percentiles(name: str, steps: Iterator[int]) -> dict[str, float]:
    """Median and p95 of the milliseconds that each step takes; a step that returns nothing is a mistake."""
    seconds = []
    while True:
        began = time.perf_counter()
        count = next(steps, None)
        if count is None:
            break
        if not count:
            raise SystemExit(f"{name}: nothing was found")
        seconds.append(time.perf_counter() - began)
    p50, p95 = np.percentile(seconds, [50, 95]) * 1000
    return {f"{name}_p50": round(float(p50), 2), f"{name}_p95": round(float(p95), 2)}


def megabytes() -> float:
    """Memory of this process that is resident, torch included."""
    return round(psutil.Process().memory_info().rss / 1e6, 1)


def peak_megabytes() -> float:
    """The greatest that `megabytes` has been, where the system tells."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((round(int(line.split()[1]) * 1024 / 1e6, 1) for line in lines if "VmHWM" in line), 0.0)


def main() -> None:
    """Write what is not there yet, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=1_000_000)
    parser.add_argument("--large", type=int, default=100_000)
    parser.add_argument("--sides", type=int, default=2, choices=(1, 2))
    parser.add_argument("--home", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        where = options.home or Path(folder)
        engine = open_database(f"sqlite:///{where / 'stream.sqlite'}")
        chosen = measure_formats(DEFAULT_ENCODER).chosen
        encoder = SentenceTransformerEncoder.load(DEFAULT_ENCODER, "cpu", chosen)
        key, _ = note_encoder(engine, encoder.fingerprint, encoder.name, encoder.dim)
        home = Home(engine, encoder, key, options.sides)
        users = [str(number) for number in range(options.users)]
        with engine.connect() as connection:
            written = connection.execute(select(func.count(UserRow.key))).scalar_one()
        if not written:
            write(home, users, options.turns, seed=1)
            if options.large:
                write(home, ["large"], options.large, seed=2)
        encoder.encode(["The first text takes longer."] * 3)
        found = {"number_format": chosen, **measure(home, users, bool(options.large))}
        engine.dispose()
    if options.json:
        print(json.dumps(found))
    else:
        print("\n".join(f"{name:20} {value}" for name, value in found.items()))


if __name__ == "__main__":
    main()

"""Kill a program that remembers and forgets at random moments, and look after each kill whether all is well.

    python tests/benchmarks/kill_memory.py --kills 50 --seed 7

One thread of the program appends turns with embeddings and facts, another forgets turns, facts, threads and
documents, and each notes in a log outside of the home what it is about to do and what was acknowledged. After
each kill the home is opened as Clew opens it. Then: no acknowledged turn is lost; what was forgotten is in no
file, nor is what the kill fell into, unless it is whole; facts, embeddings and indexes fit the rows. Prints
each kill and every difference; exits with 1 if there is one.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from sqlalchemy import Engine, insert, select, text

from app.bootstrap import open_library
from app.config import Settings, load_settings
from app.events import Event
from app.forgetting import Forgetting
from app.library import Library
from memory.cleaning import to_clean
from memory.conversation_tables import FactRow, FactVectorRow, TurnRow
from memory.embeddings import known_encoder
from memory.threads import ThreadStore, Turn

__all__ = ["Kill", "KillReport", "add_stories", "kill_memory"]

REPOSITORY: Final = Path(__file__).parents[2]
USER: Final = "me"
PATIENCE: Final = 60.0
MOMENTS: Final = ("vacuum", "turn", "index", "forget", "search", "forgot", "start")
BLOCK: Final = 6
"""Turns of a thread."""
DIM: Final = 384


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill: the line of the log that it followed, and turns acknowledged by then in all."""

    moment: str
    after: str
    turns: int
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KillReport:
    """What came of it."""

    kills: tuple[Kill, ...]
    turns: int
    forgotten: int

    @property
    def differences(self) -> list[str]:
        """Everything that was not as it should be."""
        return [each for kill in self.kills for each in kill.differences]


@dataclass(slots=True)
class Log:
    """What the log says: turns that were begun and acknowledged, what was to be forgotten and was."""

    begun: set[int] = field(default_factory=set)
    turns: set[int] = field(default_factory=set)
    meant: list[str] = field(default_factory=list)
    forgotten: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path) -> Log:
        """As it stands."""
        log = cls()
        for line in path.read_text().splitlines():
            word, _, rest = line.partition(" ")
            match word:
                case "append":
                    log.begun.add(int(rest))
                case "turn":
                    log.turns.add(int(rest))
                case "forget":
                    log.meant.append(rest)
                case "forgot":
                    log.forgotten.add(rest)
        return log


def sentence(of: str) -> str:
    """A sentence that nothing else says."""
    names = [hashlib.blake2b(f"{of} {n}".encode(), digest_size=5).hexdigest() for n in range(4)]
    return f"The {names[0]} keeps its {names[1]} behind the {names[2]} of {names[3]}."


def add_stories(library: Library, folder: Path, count: int) -> None:
    """Add short documents to be forgotten."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(count):
        story = folder / f"story-{n}.txt"
        story.write_text(" ".join(sentence(f"story {n} {k}") for k in range(5)))
    assert all(added.error is None for added in library.add([folder]))


def kill_memory(home: Path, folder: Path, kills: int, seed: int) -> KillReport:
    """Kill the program `kills` times, each time in the same home.

    Args:
        home: With the documents of `add_stories`.
        folder: Where the log is written.
        kills: How many, at least 1.
        seed: Of the moments.
    """
    log = folder / "log"
    log.touch()
    chance = random.Random(seed)
    done = [_kill(home, log, MOMENTS[n % len(MOMENTS)], chance) for n in range(kills)]
    end = Log.read(log)
    return KillReport(tuple(done), len(end.turns), len(end.forgotten))


def _kill(home: Path, log: Path, moment: str, chance: random.Random) -> Kill:
    seen = len(log.read_text().splitlines())
    wait, began = chance.randrange(1, 3), time.monotonic()
    arguments = [sys.executable, __file__, "--work", str(home), "--log", str(log)]
    arguments += ["--seed", str(chance.randrange(1 << 30))]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CLEW_")}
    environment |= {"PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(arguments, cwd=REPOSITORY, env=environment, stderr=subprocess.PIPE) as process:
        while process.poll() is None and time.monotonic() - began < PATIENCE:
            new = [line.split()[0] for line in log.read_text().splitlines()[seen:]]
            if (moment == "start" and new) or new.count(moment) >= wait:
                time.sleep(chance.random() / 20)
                break
            time.sleep(0.002)
        alive = process.poll() is None
        process.send_signal(signal.SIGKILL)
        ended = "" if alive or process.stderr is None else process.stderr.read().decode()[-500:]
    lines = log.read_text().splitlines()
    found = [] if alive else [f"the program ended by itself: {ended}"]
    found += _differences(home, Log.read(log))
    return Kill(moment, lines[-1] if lines else "", len(Log.read(log).turns), tuple(found))


def _differences(home: Path, log: Log) -> list[str]:
    # Held, because SQLite empties the journal when the last connection closes, and that is not to help here.
    with closing(sqlite3.connect(home / "clew.sqlite")) as held:
        held.execute("SELECT count(*) FROM turns").fetchall()
        return _found(open_library(_settings(home)), log)


def _found(library: Library, log: Log) -> list[str]:
    try:
        return [*_of_rows(library, log), *_of_files(library, log), *_of_indexes(library)]
    finally:
        library.close()


def _of_rows(library: Library, log: Log) -> Iterator[str]:
    """Differences between the log and the rows, and between rows."""
    there = _turns(library.engine)
    gone = {int(each.split()[1]) for each in log.forgotten if each.startswith("turn")}
    threads = {int(each.split()[1]) for each in log.forgotten if each.startswith("thread")}
    gone |= {n for n in log.begun if n // BLOCK in threads}
    perhaps = {int(each.split()[1]) for each in log.meant if each.startswith("turn")} | log.begun - log.turns
    perhaps |= {
        n for each in log.meant if each.startswith("thread") for n in _of_thread(int(each.split()[1]))
    }
    if lost := log.turns - there - gone - perhaps:
        yield f"lost turns {sorted(lost)}"
    if back := there & gone:
        yield f"forgotten turns are there: {sorted(back)}"
    with library.engine.connect() as connection:
        for check, wanted in (("integrity_check", [("ok",)]), ("foreign_key_check", [])):
            if connection.exec_driver_sql(f"PRAGMA {check}").all() != wanted:
                yield f"{check} fails"
        quotes = select(FactRow.id, FactRow.quote, TurnRow.question).join(
            TurnRow, TurnRow.key == FactRow.turn_key
        )
        for id, quote, question in connection.execute(quotes):
            if quote not in question:
                yield f"the quote of {id} is not in its turn"
        bare = "SELECT count(*) FROM facts WHERE key NOT IN (SELECT fact_key FROM fact_vectors)"
        if connection.exec_driver_sql(bare).scalar():
            yield "a fact without its embedding"
    if to_clean(library.engine):
        yield "the files were not cleaned at the start"


def _of_files(library: Library, log: Log) -> Iterator[str]:
    """What is not in the rows must be in no file."""
    there = _turns(library.engine)
    with library.engine.connect() as connection:
        facts = set(connection.execute(select(FactRow.id)).scalars())
    titles = {Path(record.path).stem for record in library.documents()}
    wanted: dict[str, str] = {f"turn {n}": sentence(f"answer {n}") for n in log.turns - there}
    wanted |= {f"turn {n}": sentence(f"turn {n}") for n in log.begun - there}
    for each in log.meant:
        kind, _, name = each.partition(" ")
        if kind == "fact" and f"fact {name}" not in facts:
            wanted[each] = sentence(f"turn {name}")
        if kind == "document" and name not in titles:
            wanted[each] = sentence(f"{name.replace('-', ' ')} 2")
    for path in (path for path in library.settings.home.rglob("*") if path.is_file()):
        body = path.read_bytes()
        for what, words in wanted.items():
            if words.encode() in body:
                yield f"{what} is still in {path.name}"
    for each in sorted(log.forgotten):
        kind, _, name = each.partition(" ")
        if (kind == "fact" and each in facts) or (kind == "document" and name in titles):
            yield f"{each} is there again"


def _of_indexes(library: Library) -> Iterator[str]:
    """The indexes of documents hold what is in SQL, and nothing else."""
    indexes = library.indexes()
    with library.engine.connect() as connection:
        chunks = connection.execute(text("SELECT key FROM chunks ORDER BY key")).scalars().all()
        sentences = connection.execute(text("SELECT key FROM sentences ORDER BY key")).scalars().all()
    for name, index, keys in (
        ("chunks", indexes.chunks, chunks),
        ("sentences", indexes.sentences, sentences),
    ):
        if index.ids.tolist() != list(keys):
            yield f"the index of {name} holds {len(index)} of {len(keys)}"
    for words in (indexes.chunk_words, indexes.neighbourhood_words):
        if len(words) != len(chunks) or words.holds_removed:
            yield "an index of words holds something else"


def _turns(engine: Engine) -> set[int]:
    with engine.connect() as connection:
        return {int(run.split()[1]) for run in connection.execute(select(TurnRow.run)).scalars()}


def _of_thread(thread: int) -> range:
    return range(thread * BLOCK, (thread + 1) * BLOCK)


def _settings(home: Path) -> Settings:
    return load_settings(home=home, device="cpu")


def work(home: Path, path: Path, seed: int) -> None:
    """Append and forget until killed."""
    library = open_library(_settings(home))
    known = known_encoder(library.engine, library.backends.encoder_fingerprint)
    assert known is not None, "add a document first"
    log, lock = path.open("a"), threading.Lock()

    def note(line: str) -> None:
        with lock:
            log.write(f"{line}\n")
            log.flush()

    first = max(Log.read(path).begun, default=-1) + 1
    first += -first % BLOCK  # a thread that was forgotten is not gone on with
    writer = threading.Thread(target=_append, args=(library.engine, known[0], first, note))
    writer.start()
    _forget(library, random.Random(seed), note)


def _append(engine: Engine, encoder: int, first: int, note: Callable[[str], None]) -> None:
    threads, n = ThreadStore(engine, USER), first
    while True:
        note(f"append {n}")
        question = f"Remember that {sentence(f'turn {n}')} Will you?"
        turn = Turn(f"run {n}", question, sentence(f"answer {n}"), False, datetime.now(UTC), 0.1)
        threads.append(f"thread {n // BLOCK}", turn, (encoder, _rows(n)))
        _know(engine, encoder, n)
        note(f"turn {n}")
        n += 1
        time.sleep(0.005)


def _know(engine: Engine, encoder: int, n: int) -> None:
    """The fact of a turn, unless that has been forgotten meanwhile."""
    with engine.begin() as connection:
        row = connection.execute(
            text("UPDATE turns SET importance = 0.5 WHERE run = :run RETURNING key, user_key"),
            {"run": f"run {n}"},
        ).first()
        if row is None:
            return
        values: dict[str, Any] = {"id": f"fact {n}", "user_key": row.user_key, "turn_key": row.key}
        values |= {"text": sentence(f"turn {n}"), "quote": sentence(f"turn {n}"), "asserted_by": USER}
        values |= {"state": "kept", "confidence": 1.0, "strength": 1, "created_at": datetime.now(UTC)}
        values |= {"valid_from": datetime.now(UTC)}
        key = connection.execute(insert(FactRow).returning(FactRow.key), values).scalar_one()
        vector = _rows(n).astype("<f2").tobytes()
        connection.execute(insert(FactVectorRow), {"encoder_key": encoder, "fact_key": key, "vector": vector})


def _forget(library: Library, chance: random.Random, note: Callable[[str], None]) -> None:
    """Forget something of what is there, again and again."""
    forgetting = Forgetting(library)

    def told(event: Event) -> None:
        note(event.stage)

    while True:
        there = _turns(library.engine)
        # Not of the thread that grows: which of its turns are there when it is forgotten, no log can tell.
        grows = max(there, default=0) // BLOCK
        turns = sorted(n for n in there if n // BLOCK != grows)
        records = library.documents()
        kind = chance.choice(["turn", "turn", "fact", "thread", "document"])
        if kind == "document" and records:
            name = Path(chance.choice(records).path).stem
            note(f"forget document {name}")
            forgetting.forget_document(f"{name}.txt", told)
            note(f"forgot document {name}")
        elif turns and kind != "document":
            n = chance.choice(turns)
            thread = f"thread {n // BLOCK}"
            name = f"thread {n // BLOCK}" if kind == "thread" else f"{kind} {n}"
            with library.engine.connect() as connection:
                if (
                    kind == "fact"
                    and f"fact {n}" not in connection.execute(select(FactRow.id)).scalars().all()
                ):
                    continue
            note(f"forget {name}")
            if kind == "thread":
                forgetting.forget_thread(USER, thread, told)
            elif kind == "fact":
                forgetting.forget_fact(USER, name, told)
            else:
                held = ThreadStore(library.engine, USER).turns(thread)
                ordinal = next(turn.ordinal for turn in held if turn.run == f"run {n}")
                forgetting.forget_turn(USER, thread, ordinal, told)
            note(f"forgot {name}")


def _rows(n: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    row = np.random.default_rng(n).standard_normal((1, DIM)).astype(np.float32)
    return np.asarray(row / np.linalg.norm(row), np.float32)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--log", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work is not None:
        work(given.work, given.log, given.seed)
        return
    with tempfile.TemporaryDirectory(prefix="clew-kill-") as name:
        folder = Path(name)
        library = open_library(_settings(folder / "home"))
        add_stories(library, folder / "stories", max(2 * given.kills, 3))
        library.close()
        report = kill_memory(folder / "home", folder, given.kills, given.seed)
    for number, kill in enumerate(report.kills, start=1):
        print(f"{number:>4}  {kill.moment:<8} {kill.turns:>6} turns  after: {kill.after}")
        for difference in kill.differences:
            print(f"      DIFFERENCE: {difference}")
    print(
        f"{report.turns} turns acknowledged, {report.forgotten} things forgotten, {len(report.kills)} kills"
    )
    sys.exit(1 if report.differences else 0)


if __name__ == "__main__":
    main()

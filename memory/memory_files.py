"""All that is remembered of a user as lines of JSON, written and read back exactly.

A line is a thread, a turn, a fact or a reading position; the first one says what the file is. Facts are
numbered by their order in the file, and runs are left out: both are names of one home only. Embeddings are
not in it, they are made again.

Whoever writes such a file by hand asserts nothing: a fact rests on words of its turn, and one that somebody
else has asserted, or whose words have been forgotten, waits for the yes of the user who imports it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from sqlalchemy import Connection, Engine, insert, select, update

from memory.conversation_tables import FactRow, ReadingRow, ThreadRow, TurnRow
from memory.errors import MemoryFileError
from memory.facts import insert_fact
from memory.memory_lines import (
    FactLine,
    Line,
    ReadingLine,
    ThreadLine,
    TurnLine,
    parsed_line,
    written_line,
)
from memory.moments import in_utc
from memory.redaction import FORGOTTEN
from memory.upserts import upsert
from memory.users import known_user, note_user, user_changed

__all__ = ["MEMORY_FILE", "Imported", "export_memory", "import_memory"]

DERIVED: Final = {"question_summary", "answer_summary", "importance"}
"""What is made of a turn; where it is not there yet, it is made when the turn is encoded."""
MEMORY_FILE: Final = {"clew": "memory", "version": 1}


@dataclass(slots=True)
class Imported:
    """How many of each were not there before; `known` were."""

    threads: int = 0
    turns: int = 0
    facts: int = 0
    readings: int = 0
    known: int = 0


def export_memory(engine: Engine, user: str) -> Iterator[str]:
    """All that is remembered of a user, line by line; of one who is not there, the first line alone."""
    yield json.dumps(MEMORY_FILE) + "\n"
    with engine.connect() as connection:
        key = known_user(connection, user)
        if key is not None:
            yield from map(written_line, _stored(connection, key))


def import_memory(engine: Engine, user: str, lines: Iterable[str]) -> Imported:
    """Add what a file holds to the memory of a user; what is there already is left as it is.

    All of it or nothing: one transaction, which holds the write lock as long as the file is read.

    Raises:
        MemoryFileError: If a line cannot be read, or says something else of a turn than what is there.
    """
    with engine.begin() as connection:
        import_ = _Import(connection, user)
        number = 0
        for number, text in enumerate(lines, start=1):
            try:
                if number == 1:
                    _check_first(text)
                elif text.strip():
                    import_.take(parsed_line(text))
            except MemoryFileError as error:
                raise MemoryFileError(f"Line {number} cannot be imported: {error}") from error
        if not number:
            raise MemoryFileError("The file is empty; `clew memory export` writes one that is not.")
        import_.link()
        return import_.imported


class _Import:
    """An import that is under way, in a transaction."""

    def __init__(self, connection: Connection, name: str) -> None:
        self.connection, self.name, self.imported = connection, name, Imported()
        self.user = note_user(connection, name)
        self.threads: dict[str, int] = {}
        self.facts: dict[int, tuple[int, str, bool]] = {}
        self.successors: dict[int, int] = {}
        self.taken: set[int] = set()

    def take(self, line: Line) -> None:
        """Add what a line says, unless it is there."""
        match line:
            case ThreadLine():
                self._thread(line)
            case TurnLine():
                self._turn(line)
            case FactLine():
                self._fact(line)
            case ReadingLine():
                self._reading(line)

    def link(self) -> None:
        """Tell the facts that are new which ones have replaced them, now that all have their ids."""
        for number, successor in self.successors.items():
            if successor not in self.facts:
                raise MemoryFileError(
                    f"Fact {number} is replaced by fact {successor}, which is not in the file."
                )
            key, _, new = self.facts[number]
            if new:
                changed = update(FactRow).where(FactRow.key == key)
                self.connection.execute(changed.values(replaced_by=self.facts[successor][1]))
        if self.successors:
            user_changed(self.connection, self.user)

    def _thread(self, line: ThreadLine) -> None:
        mine = (ThreadRow.user_key == self.user, ThreadRow.name == line.name)
        key = self.connection.execute(select(ThreadRow.key).where(*mine)).scalar()
        if key is None:
            values = {"user_key": self.user, "name": line.name, "created_at": line.created_at.astimezone(UTC)}
            key = self.connection.execute(insert(ThreadRow).returning(ThreadRow.key), values).scalar_one()
            self.imported.threads += 1
        else:
            self.imported.known += 1
        self.threads[line.name] = key

    def _turn(self, line: TurnLine) -> None:
        thread = self._thread_key(line.thread)
        values = line.model_dump(exclude={"kind", "thread"}) | {"asked_at": line.asked_at.astimezone(UTC)}
        values["details"] = _without_runs(line.details)
        known = self._stored_turn(thread, line.ordinal)
        if known is None:
            values |= {"thread_key": thread, "user_key": self.user, "run": f"imported-{uuid.uuid4().hex}"}
            self.connection.execute(insert(TurnRow), values)
            self.imported.turns += 1
            return
        stored = {name: getattr(known, name) for name in values} | {"asked_at": in_utc(known.asked_at)}
        stored["details"] = _without_runs(known.details)
        if any(stored[name] != value for name, value in values.items() if name not in DERIVED):
            raise MemoryFileError(f"turn {line.ordinal} of {line.thread!r} is there and says something else.")
        self.imported.known += 1

    def _fact(self, line: FactLine) -> None:
        turn = self._stored_turn(self._thread_key(line.thread), line.ordinal)
        if turn is None:
            raise MemoryFileError(f"there is no turn {line.ordinal} of {line.thread!r} above it.")
        if line.quote not in turn.question and FORGOTTEN not in turn.question:
            raise MemoryFileError(f"turn {line.ordinal} of {line.thread!r} does not say {line.quote!r}.")
        if line.number in self.facts:
            raise MemoryFileError(f"fact {line.number} is there twice.")
        moments = {name: getattr(line, name) for name in ("valid_from", "invalid_at", "created_at")}
        values = line.model_dump(exclude={"kind", "number", "thread", "ordinal", "replaced_by"})
        values |= {name: moment.astimezone(UTC) if moment else None for name, moment in moments.items()}
        if line.asserted_by != self.name or line.quote not in turn.question:
            values["state"] = "waiting"
        same = select(FactRow.key, FactRow.id).where(
            FactRow.turn_key == turn.key,
            FactRow.text == line.text,
            FactRow.quote == line.quote,
            FactRow.valid_from == values["valid_from"],
            FactRow.created_at == values["created_at"],
        )
        known = [row for row in self.connection.execute(same) if row.key not in self.taken]
        if known:
            key, id = known[0].key, known[0].id
            self.imported.known += 1
        else:
            id, key = insert_fact(
                self.connection, values | {"user_key": self.user, "turn_key": turn.key, "replaced_by": None}
            )
            self.imported.facts += 1
        self.taken.add(key)
        self.facts[line.number] = key, id, not known
        if line.replaced_by is not None:
            self.successors[line.number] = line.replaced_by

    def _reading(self, line: ReadingLine) -> None:
        values = line.model_dump(exclude={"kind"}) | {"updated_at": line.updated_at.astimezone(UTC)}
        added = self.connection.execute(
            upsert(self.connection, ReadingRow)
            .values(values | {"user_key": self.user})
            .on_conflict_do_nothing()
            .returning(ReadingRow.document_id)
        ).first()
        if added is None:
            self.imported.known += 1
        else:
            self.imported.readings += 1

    def _thread_key(self, name: str) -> int:
        if name not in self.threads:
            raise MemoryFileError(f"no thread {name!r} stands above it.")
        return self.threads[name]

    def _stored_turn(self, thread: int, ordinal: int) -> Any:
        query = select(TurnRow.__table__).where(TurnRow.thread_key == thread, TurnRow.ordinal == ordinal)
        return self.connection.execute(query).first()


def _check_first(text: str) -> None:
    try:
        first = json.loads(text)
    except ValueError:
        first = None
    if first != MEMORY_FILE:
        raise MemoryFileError("it does not say that this is a memory that Clew has exported.")


def _without_runs(details: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer rests on; the turns that it cites without the names that one home gives them."""
    citations = details.get("citations")
    if not isinstance(citations, list):
        return dict(details)
    return {**details, "citations": [_without_run(each) for each in citations]}


def _without_run(citation: object) -> object:
    if not isinstance(citation, dict):
        return citation
    return {name: value for name, value in citation.items() if name != "run"}


def _stored(connection: Connection, user: int) -> Iterator[Line]:
    """Threads, turns, facts in the order of their keys, then reading positions."""
    names: dict[int, str] = {}
    for row in connection.execute(
        select(ThreadRow.__table__).where(ThreadRow.user_key == user).order_by(ThreadRow.key)
    ):
        names[row.key] = row.name
        yield ThreadLine(name=row.name, created_at=in_utc(row.created_at))
    turns = select(TurnRow.__table__).where(TurnRow.user_key == user).order_by(TurnRow.key)
    places: dict[int, tuple[str, int]] = {}
    for row in connection.execution_options(yield_per=1000).execute(turns):
        places[row.key] = names[row.thread_key], row.ordinal
        fields = {name: getattr(row, name) for name in TurnLine.model_fields if hasattr(row, name)}
        fields |= {"thread": names[row.thread_key], "asked_at": in_utc(row.asked_at)}
        fields["details"] = _without_runs(row.details)
        yield TurnLine(**fields)
    facts = connection.execute(
        select(FactRow.__table__).where(FactRow.user_key == user).order_by(FactRow.key)
    ).all()
    numbers = {row.id: number for number, row in enumerate(facts, start=1)}
    for row in facts:
        fields = {name: getattr(row, name) for name in FactLine.model_fields if hasattr(row, name)}
        for name in ("valid_from", "invalid_at", "created_at"):
            fields[name] = in_utc(fields[name]) if fields[name] else None
        thread, ordinal = places[row.turn_key]
        fields |= {"number": numbers[row.id], "thread": thread, "ordinal": ordinal}
        yield FactLine(**fields | {"replaced_by": numbers.get(row.replaced_by)})
    readings = select(ReadingRow.__table__).where(ReadingRow.user_key == user)
    for row in connection.execute(readings.order_by(ReadingRow.document_id)):
        fields = {name: getattr(row, name) for name in ReadingLine.model_fields if hasattr(row, name)}
        yield ReadingLine(**fields | {"updated_at": in_utc(row.updated_at)})

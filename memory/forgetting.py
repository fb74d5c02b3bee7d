"""Forgetting in SQL: one transaction each, with everything that hangs below what is forgotten.

That its bytes may still lie in files is noted in `cleanups` in the same transaction; `memory.cleaning` sees
to them. Replies of models that are kept have no link to what they are about. So all go that were made since
the oldest forgotten thing was begun, and older ones that hold its words: more than need be, which costs
nothing but their work once more.

What answers have told while they were made is not looked through: of a user who forgets something, all of it
goes that has ended, and questions that got no answer stay if they do not hold it. Answers that are on their
way are not kept (`memory.forgotten_since`); `app.forgetting` waits for them, and forgets what they have told
as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Engine, delete, insert, select, update

from memory.conversation_tables import CleanupRow, FactRow, ThreadRow, TurnRow, UserRow
from memory.errors import UnknownFactError, UnknownThreadError, UnknownTurnError, UnknownUserError
from memory.forgotten_answers import Place, forget_answers
from memory.job_forgetting import forget_all_answers, forget_answer_jobs
from memory.moments import in_utc
from memory.redaction import Redaction, begun, redact_facts, redact_turns
from memory.tables import CompletionRow
from memory.telling_words import TellingWords
from memory.traces import Needles

__all__ = [
    "Forgotten",
    "forget_completions",
    "forget_fact",
    "forget_thread",
    "forget_turn",
    "forget_user",
    "note_cleanup",
]

MARGIN: Final = timedelta(minutes=1)
"""Clocks of two processes may differ by so much."""

BATCH: Final = 500
NOBODY: Final = ""
"""No user is called so."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was forgotten.

    Attributes:
        counts: Rows that went or were changed, by what they are.
        texts: What must not be found in any file any more.
        threads: Names of the threads whose unfinished questions go as well.
    """

    counts: dict[str, int]
    texts: tuple[str, ...] = field(repr=False)
    threads: tuple[str, ...] = ()


def forget_fact(
    engine: Engine, user: str, id: str, in_one_sentence: Callable[[str], str] = lambda text: ""
) -> Forgotten:
    """Forget a fact; its words are taken out of everything its user has said and was answered.

    What Clew has made of them in words of its own goes too: summaries, and answers that rest on them. A fact
    that it had replaced stays closed as of the same date.

    Args:
        engine: Of the database.
        user: Whose fact.
        id: Of the fact.
        in_one_sentence: Makes a summary by rule of what is left of a text, "" where it needs none.

    Raises:
        UnknownFactError: If the user has no fact of that id.
    """
    with engine.begin() as connection:
        key = _changed_user(connection, user)
        mine = [FactRow.user_key == key, FactRow.id == id]
        fact = connection.execute(select(FactRow.__table__).where(*mine)).first() if key else None
        if key is None or fact is None:
            raise UnknownFactError(f"There is no memory {id!r}; `clew memory list` shows them all.")
        columns = (ThreadRow.name, TurnRow.ordinal, TurnRow.run)
        of_fact = select(*columns).join(ThreadRow, ThreadRow.key == TurnRow.thread_key)
        place = connection.execute(of_fact.where(TurnRow.key == fact.turn_key)).one()
        connection.execute(delete(FactRow).where(FactRow.key == fact.key))
        _unlink(connection, key, [id])
        redaction = Redaction([fact.quote, fact.text])
        turns = redact_turns(connection, key, redaction, in_one_sentence, fact.turn_key)
        facts = redact_facts(connection, key, redaction)
        telling = TellingWords([fact.quote, fact.text])
        places = {**turns.places, (place.name, place.ordinal): place.run}
        answers = forget_answers(connection, key, places, telling)
        said = [fact.text, fact.quote, *sorted(redaction.found), *answers.texts, *telling.codes]
        texts = tuple(dict.fromkeys(said))
        since = min(filter(None, [turns.first, answers.first, in_utc(fact.created_at)]))
        counts: dict[str, int] = {"facts": 1, "facts redacted": facts, "turns redacted": turns.count}
        counts["answers"] = answers.count
        counts["completions"] = forget_completions(connection, since, texts)
        forget_answer_jobs(connection, user, texts)
    return Forgotten(counts, texts)


def forget_turn(engine: Engine, user: str, thread: str, ordinal: int) -> Forgotten:
    """Forget a turn, its embeddings, the facts that were distilled from it, and answers that rest on it.

    Raises:
        UnknownTurnError: If the user's thread has no turn of that number.
    """
    with engine.begin() as connection:
        key = _changed_user(connection, user)
        of_thread = [ThreadRow.user_key == key, ThreadRow.name == thread]
        turn = _turns(connection, *of_thread, TurnRow.ordinal == ordinal)
        if key is None or not turn:
            raise UnknownTurnError(f"The thread {thread!r} has no turn {ordinal}.")
        texts, facts = _texts_of(connection, key, turn)
        connection.execute(delete(TurnRow).where(TurnRow.key == turn[0].key))
        places = {(thread, ordinal): turn[0].run}
        forgotten = _finished(connection, key, turn, texts, facts, {"turns": 1}, (thread,), places)
        forget_answer_jobs(connection, user, forgotten.texts)
        return forgotten


def forget_thread(engine: Engine, user: str, name: str) -> Forgotten:
    """Forget a thread with its turns, all that hangs below them, and answers that rest on them.

    Raises:
        UnknownThreadError: If the user has no thread of that name.
    """
    with engine.begin() as connection:
        key = _changed_user(connection, user)
        mine = [ThreadRow.user_key == key, ThreadRow.name == name]
        thread = connection.execute(select(ThreadRow.key).where(*mine)).scalar()
        if key is None or thread is None:
            raise UnknownThreadError(f"No thread is called {name!r}.")
        turns = _turns(connection, TurnRow.thread_key == thread)
        texts, facts = _texts_of(connection, key, turns)
        connection.execute(delete(ThreadRow).where(ThreadRow.key == thread))
        counts = {"threads": 1, "turns": len(turns)}
        places = {(name, row.ordinal): row.run for row in turns}
        forgotten = _finished(connection, key, turns, [name, *texts], facts, counts, (name,), places)
        forget_answer_jobs(connection, user, forgotten.texts, name)
        return forgotten


def forget_user(engine: Engine, user: str) -> Forgotten:
    """Forget a user: threads, turns, facts, reading positions.

    Raises:
        UnknownUserError: If nothing of that user is stored.
    """
    with engine.begin() as connection:
        # Of whose answers nothing is left to be forgotten later.
        key = _changed_user(connection, user, NOBODY)
        if key is None:
            raise UnknownUserError(f"Nothing of a user {user!r} is stored.")
        turns = _turns(connection, TurnRow.user_key == key)
        texts, facts = _texts_of(connection, key, turns)
        names = tuple(connection.execute(select(ThreadRow.name).where(ThreadRow.user_key == key)).scalars())
        connection.execute(delete(UserRow).where(UserRow.key == key))
        forget_all_answers(connection, user)
        counts = {"users": 1, "threads": len(names), "turns": len(turns)}
        return _finished(connection, key, turns, [*names, *texts], facts, counts, names)


def forget_completions(connection: Connection, since: datetime, texts: Iterable[str]) -> int:
    """Delete the kept replies made since then, and older ones that hold one of the texts; how many went."""
    since = since.astimezone(UTC) - MARGIN
    deleted = connection.execute(delete(CompletionRow).where(CompletionRow.created_at >= since)).rowcount
    needles = Needles(texts)
    older = connection.execute(select(CompletionRow.digest, CompletionRow.text))
    holding = [digest for digest, text in older if needles.found(text.encode())]
    for start in range(0, len(holding), BATCH):
        batch = holding[start : start + BATCH]
        connection.execute(delete(CompletionRow).where(CompletionRow.digest.in_(batch)))
    return deleted + len(holding)


def note_cleanup(connection: Connection, owner: str) -> None:
    """Note that files have to be cleaned of what this transaction deletes; its first statement, as it locks.

    Questions that are being answered keep nothing from then on (`memory.forgotten_since`).

    Args:
        connection: In the transaction of the forgetting.
        owner: Name of the user whose answers, as they were made, may have told of it.
    """
    connection.execute(insert(CleanupRow), {"created_at": datetime.now(UTC), "owner": owner})


def _changed_user(connection: Connection, name: str, owner: str | None = None) -> int | None:
    """The key of a user, whose change is noted and has to be cleaned; None without one."""
    note_cleanup(connection, name if owner is None else owner)
    changed = update(UserRow).where(UserRow.name == name).values(revision=UserRow.revision + 1)
    return connection.execute(changed.returning(UserRow.key)).scalar()


def _turns(connection: Connection, *where: ColumnElement[bool]) -> Sequence[Any]:
    query = (
        select(TurnRow.__table__, ThreadRow.created_at)
        .join(ThreadRow, ThreadRow.key == TurnRow.thread_key)
        .where(*where)
    )
    return connection.execute(query.order_by(TurnRow.key)).all()


def _texts_of(connection: Connection, user: int, turns: Sequence[Any]) -> tuple[list[str], list[str]]:
    """The texts of turns and of the facts from them, and the ids of those."""
    texts: dict[str, None] = {}
    for row in turns:
        said = (row.question, row.answer, row.question_summary, row.answer_summary)
        texts |= dict.fromkeys([*said, _query(row.details)])
    keys = {row.key for row in turns}
    ids: list[str] = []
    facts = select(FactRow.id, FactRow.turn_key, FactRow.text, FactRow.quote).where(FactRow.user_key == user)
    for fact in connection.execute(facts):
        if fact.turn_key in keys:
            ids.append(fact.id)
            texts |= dict.fromkeys([fact.text, fact.quote])
    texts.pop("", None)
    return list(texts), ids


def _query(details: Mapping[str, object]) -> str:
    """The question as it was read."""
    query = details.get("query")
    return query if isinstance(query, str) else ""


def _finished(
    connection: Connection,
    user: int,
    turns: Sequence[Any],
    texts: Sequence[str],
    facts: Sequence[str],
    counts: dict[str, int],
    threads: tuple[str, ...],
    places: Mapping[Place, str] = MappingProxyType({}),
) -> Forgotten:
    """What else follows when turns have been deleted."""
    _unlink(connection, user, facts)
    counts |= {"facts": len(facts)}
    since, said = _oldest(turns), list(texts)
    if places:
        telling = TellingWords([row.question for row in turns])
        answers = forget_answers(connection, user, places, telling)
        counts["answers"] = answers.count
        said += [*answers.texts, *telling.codes]
        since = min(filter(None, [since, answers.first]))
    counts["completions"] = forget_completions(connection, since, said)
    return Forgotten(counts, tuple(dict.fromkeys(said)), threads)


def _unlink(connection: Connection, user: int, facts: Sequence[str]) -> None:
    """Facts that these have replaced stay closed, and name nothing any more."""
    for start in range(0, len(facts), BATCH):
        closed = [FactRow.user_key == user, FactRow.replaced_by.in_(facts[start : start + BATCH])]
        connection.execute(update(FactRow).where(*closed).values(replaced_by=None))


def _oldest(turns: Sequence[Any]) -> datetime:
    """When the first of the turns was begun; one from the future was imported after its thread was made."""
    now = datetime.now(UTC)
    moments = [
        begun(row.asked_at, row.seconds) if in_utc(row.asked_at) <= now else in_utc(row.created_at)
        for row in turns
    ]
    return min(moments, default=now)

"""After forgetting, no file of the home holds what was forgotten; everything else is as it was."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep

import numpy as np
import pytest
from sqlalchemy import Engine, insert, select, text

from app.errors import ForgettingError
from app.events import Event
from app.forgetting import ForgetReport, Forgetting
from app.jobs.contract import Outcome, Work
from app.library import Library
from app.memory_reports import forgotten_json, forgotten_lines
from app.working import working
from memory.answer_tasks import ANSWER as ANSWERING
from memory.cleaning import to_clean
from memory.completions import CompletionStore
from memory.conversation_tables import FactRow, FactVectorRow, ReadingRow, TurnRow
from memory.database import open_database
from memory.document_forgetting import FORGOTTEN_ANSWER
from memory.errors import (
    DatabaseError,
    UnknownDocumentError,
    UnknownFactError,
    UnknownJobError,
    UnknownThreadError,
    UnknownTurnError,
    UnknownUserError,
)
from memory.forgotten_answers import ANSWER_FORGOTTEN
from memory.redaction import FORGOTTEN
from memory.threads import ThreadStore, Turn
from memory.users import known_user, user_revision
from retrieval.words import content_words
from tests.conftest import ForOneHome, write
from tests.memory.samples import keep, row_of

NOON = datetime(2026, 5, 12, 12, tzinfo=UTC)
SECRET = "My sister Wilhelmina keeps the spare key under the blue flowerpot."
QUESTION = f"Remember this: {SECRET} Thank you."
ANSWER = "Noted: the spare key of Wilhelmina is under the flowerpot, as you told me on that Tuesday evening."
STORY = """The quaggafish of Lake Vrystaat sings at dusk. Nobody in Zimmerklang has ever heard it twice.

Old Ferrantino wrote its song down in the year of the flood. His notebook was lost with the ferry Ypsilandia.
"""
WRITERS = 10


def a_turn(run: str, question: str = QUESTION, answer: str = ANSWER, **details: object) -> Turn:
    return Turn(run, question, answer, False, NOON, 2.0, {"query": question, **details}, "", "", "", 0.5)


def vectors(run: str) -> np.ndarray:
    return np.stack([np.resize(row_of(run.encode()), 384)])


def say(library: Library, run: str, thread: str = "home", user: str = "me", **turn: object) -> int:
    encoder = library.home.encoder.stored()[0]
    return ThreadStore(library.engine, user).append(thread, a_turn(run, **turn), (encoder, vectors(run)))  # type: ignore[arg-type]


def know(engine: Engine, id: str, said: str, user: str = "me", closed_by: str | None = None) -> None:
    """A fact from the user's latest turn, its text the same as its quote."""
    with engine.begin() as connection:
        key = known_user(connection, user)
        turn = connection.execute(select(TurnRow.key).where(TurnRow.user_key == key)).scalars().all()[-1]
        values = {
            "id": id,
            "user_key": key,
            "turn_key": turn,
            "text": said,
            "quote": said,
            "asserted_by": user,
        }
        values |= {"state": "kept", "confidence": 1.0, "strength": 1, "valid_from": NOON, "created_at": NOON}
        values |= {"replaced_by": closed_by, "invalid_at": NOON + timedelta(days=1) if closed_by else None}
        fact = connection.execute(insert(FactRow).returning(FactRow.key), values).scalar_one()
        encoder = connection.execute(text("SELECT key FROM encoders")).scalar_one()
        vector = {
            "encoder_key": encoder,
            "fact_key": fact,
            "vector": row_of(id.encode()).astype("<f2").tobytes(),
        }
        connection.execute(insert(FactVectorRow), vector)


def occurrences(home: Path, *needles: str | bytes) -> dict[str, list[str]]:
    """Files that hold one of the needles, by brute force."""
    found: dict[str, list[str]] = {}
    for path in (path for path in home.rglob("*") if path.is_file()):
        body = path.read_bytes()
        for needle in needles:
            forms = [needle] if isinstance(needle, bytes) else [needle.encode(), needle.encode("utf-16-le")]
            if any(form in body for form in forms):
                found.setdefault(str(path.relative_to(home)), []).append(str(needle)[:40])
    return found


@contextmanager
def writers(home: Path) -> Iterator[dict[int, int]]:
    """Threads that keep appending turns of their own, through engines of their own; how many each has."""
    written = dict.fromkeys(range(WRITERS), 0)
    over = threading.Event()
    failed: list[BaseException] = []
    engines = [open_database(f"sqlite:///{home / 'clew.sqlite'}") for _ in range(2)]

    def write_on(number: int) -> None:
        store = ThreadStore(engines[number % 2], f"writer {number % 3}")
        try:
            while not over.is_set():
                run = f"{number}-{written[number]}"
                store.append(f"log {number}", a_turn(run, f"Entry {run} of the log?", f"It is {run}."))
                written[number] += 1
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=write_on, args=(number,)) for number in written]
    for each in threads:
        each.start()
    try:
        yield written
    finally:
        over.set()
        for each in threads:
            each.join(60)
        for engine in engines:
            engine.dispose()
    assert failed == []


def all_there(engine: Engine, written: dict[int, int]) -> None:
    for number, count in written.items():
        turns = ThreadStore(engine, f"writer {number % 3}").turns(f"log {number}")
        assert [turn.run for turn in turns] == [f"{number}-{n}" for n in range(count)]
        assert [turn.ordinal for turn in turns] == list(range(1, count + 1))


@pytest.fixture
def library(home: Path, open_home: ForOneHome) -> Library:
    """A library that knows its encoder, with an innocent turn and one with the secret."""
    library = open_home(home)
    say(library, "innocent", question="Which day is it today?", answer="A Tuesday, says the calendar.")
    say(library, "secret")
    CompletionStore(library.engine, 1_000_000).put(
        b"s" * 16, model="m", text=ANSWER, finish="end", prompt_tokens=1, completion_tokens=1, enforced=True
    )
    return library


Forget = Callable[[Forgetting], ForgetReport]
FORGETS: dict[str, Forget] = {
    "turn": lambda forgetting: forgetting.forget_turn("me", "home", 2),
    "thread": lambda forgetting: forgetting.forget_thread("me", "home"),
    "user": lambda forgetting: forgetting.forget_user("me"),
    "fact": lambda forgetting: forgetting.forget_fact("me", "f1"),
}


@pytest.mark.parametrize("kind", FORGETS)
def test_nothing_of_it_is_left_while_others_go_on_writing(library: Library, kind: str) -> None:
    home, engine = library.settings.home, library.engine
    know(engine, "f1", SECRET)
    quoted = {"thread": "home", "turn": 2, "side": "question", "start": 0, "end": 9}
    say(
        library,
        "quoting",
        "b",
        question="Where is the key?",
        answer=f"It is there: {SECRET} [1]",
        model="m",
        citations=[quoted],
    )
    again = {"thread": "b", "turn": 1, "side": "answer", "start": 0, "end": 9}
    say(
        library,
        "again",
        "c",
        question="What did you say?",
        answer="By the gnome. [1]",
        model="m",
        citations=[again],
    )
    before = occurrences(home, SECRET, ANSWER)
    assert "clew.sqlite-wal" in before or "clew.sqlite" in before
    with writers(home) as written:
        while min(written.values()) < 2:
            sleep(0.01)  # what only waits must not keep the writers from their turn
        report = FORGETS[kind](Forgetting(library))
        gone: list[str | bytes] = [
            SECRET,
            row_of(b"f1").astype("<f2").tobytes(),
            vectors("secret").astype("<f2").tobytes(),
        ]
        gone += [] if kind == "fact" else [ANSWER, QUESTION]
        assert occurrences(home, *gone, "By the gnome") == {}
    assert report.elsewhere == {}
    if kind != "user":
        answers = [library.threads.turns(name)[0].answer for name in "bc"]
        assert answers == [ANSWER_FORGOTTEN] * 2, "they rested on it"
        assert report.counts["answers"] == 2
    all_there(engine, written)
    assert to_clean(engine) == []
    innocent = [turn.question for turn in library.threads.turns("home") if turn.run == "innocent"]
    assert len(innocent) == (kind in ("turn", "fact"))


def test_words_of_a_fact_are_taken_out_wherever_they_were_said(library: Library) -> None:
    engine = library.engine
    know(engine, "f1", "My sister Wilhelmina keeps the spare key")
    know(engine, "f2", "Wilhelmina keeps the spare key under the blue flowerpot.", closed_by="f1")
    know(engine, "f3", "Thank you.")
    shouted = "So MY  sister\nwilhelmina keeps the spare key? Yes."
    say(
        library,
        "later",
        question="Where?",
        answer=shouted,
        citations=[{"quote": "my sister Wilhelmina keeps the spare key"}],
    )
    say(
        library,
        "other",
        thread="theirs",
        user="somebody",
        question="My sister Wilhelmina keeps the spare key?",
    )
    report = Forgetting(library).forget_fact("me", "f1")
    _, secret, later = library.threads.turns("home")
    assert secret.question == f"Remember this: {FORGOTTEN} under the blue flowerpot. Thank you."
    assert secret.details == {"query": secret.question}
    assert secret.answer == ANSWER, "it says it in other words"
    assert later.answer == f"So {FORGOTTEN}? Yes."
    assert later.details["citations"] == [{"quote": FORGOTTEN}]
    with engine.connect() as connection:
        facts = {row.id: row for row in connection.execute(select(FactRow.__table__))}
        left = connection.execute(
            text("SELECT run FROM turn_vectors v JOIN turns t ON t.key = v.turn_key")
        ).scalars()
        assert sorted(left) == ["innocent", "other"], "what was changed is encoded again"
    assert set(facts) == {"f2", "f3"}
    assert (facts["f2"].replaced_by, facts["f2"].invalid_at.day) == (None, 13), "it stays closed"
    assert facts["f2"].quote in secret.question, "a quote that overlaps what was forgotten is cut with it"
    assert facts["f3"].quote == "Thank you."
    assert report.counts | {"completions": 0} == {
        "facts": 1,
        "facts redacted": 1,
        "turns redacted": 2,
        "answers": 0,
        "completions": 0,
    }
    assert set(report.elsewhere) == {"memory"}, "f2 says a part of it in its own words"
    assert (
        ThreadStore(engine, "somebody").turns("theirs")[0].question
        == "My sister Wilhelmina keeps the spare key?"
    )


def test_what_is_as_old_as_the_forgotten_goes_out_of_the_cache_and_what_holds_it(library: Library) -> None:
    engine = library.engine
    early, late = NOON - timedelta(days=30), NOON + timedelta(minutes=1)
    for digest, at, words in (
        (b"a" * 16, early, "Five men sleep in the barn."),
        (b"b" * 16, early, f'{{"answer": "{ANSWER}"}}'),
        (b"c" * 16, late, "Five men sleep in the barn."),
    ):
        keep(CompletionStore(engine, 1_000_000, now=lambda at=at: at), digest, words)  # type: ignore[misc]
    report = Forgetting(library).forget_turn("me", "home", 2)
    with engine.connect() as connection:
        assert list(connection.execute(text("SELECT digest FROM completions")).scalars()) == [b"a" * 16]
    assert report.counts == {"turns": 1, "facts": 0, "answers": 0, "completions": 3}


def test_an_index_in_memory_learns_that_its_user_has_changed(library: Library) -> None:
    def revision(user: str) -> int | None:
        with library.engine.connect() as connection:
            key = known_user(connection, user)
            return None if key is None else user_revision(connection, key)

    say(library, "theirs", user="somebody")
    before, theirs = revision("me"), revision("somebody")
    Forgetting(library).forget_turn("me", "home", 2)
    assert (revision("me"), revision("somebody")) == ((before or 0) + 1, theirs)
    Forgetting(library).forget_user("me")
    assert (revision("me"), revision("somebody")) == (None, theirs)


@pytest.fixture
def shelf(tmp_path: Path, home: Path, open_home: ForOneHome) -> Library:
    """A library of two stories with trees and their index, and a turn that cites each."""
    library = open_home(home, collapsed_tree="on")
    other = STORY.replace("quaggafish", "herring").replace("Vrystaat", "Anna").replace("Zimmerklang", "town")
    files = [
        write(tmp_path / "quagga.txt", STORY),
        write(tmp_path / "other.txt", other.replace("Ypsilandia", "boat")),
    ]
    assert [added.status for added in library.add(files)] == ["added", "added"]
    for record in library.documents():
        library.trees.ensure_extractive(record)
        cited = {"citations": [{"document": record.id, "start": 0, "end": 10}]}
        say(library, f"about {record.key}", "fish", answer=f"See {record.title}: it sings at dusk.", **cited)
        with library.engine.begin() as connection:
            key = known_user(connection, "me")
            reading = {"user_key": key, "document_id": record.id, "content_hash": record.content_hash}
            connection.execute(insert(ReadingRow), reading | {"read_to": 5, "updated_at": NOON})
    library.home.searching.collapsed(library.indexes())
    return library


def test_a_document_leaves_nothing_in_any_file(shelf: Library, tmp_path: Path) -> None:
    home, engine = shelf.settings.home, shelf.engine
    record = shelf.document("quagga.txt")
    with engine.connect() as connection:
        chunk = connection.execute(
            text(
                "SELECT vector FROM embeddings e JOIN chunks c ON c.text_hash = e.text_hash"
                " WHERE c.document_key = :key"
            ),
            {"key": record.key},
        ).scalar_one()
    rows = np.frombuffer(chunk, "<f2").astype(np.float32)
    unit = (rows / np.linalg.norm(rows)).astype("<f4").tobytes()
    assert "indexes/chunks" in str(occurrences(home, unit)), "else the test looks for the wrong bytes"
    events: list[Event] = []
    with writers(home) as written:
        report = Forgetting(shelf).forget_document("quagga.txt", events.append)
        words = [
            "quaggafish",
            "Quaggafish",
            "Vrystaat",
            "vrystaat",
            "Zimmerklang",
            "zimmerklang",
            "Ypsilandia",
        ]
        assert occurrences(home, *words, chunk, unit, unit[64:128], record.id, record.path) == {}
    all_there(engine, written)
    assert report.counts["answers"] == report.counts["readings"] == 1
    assert {"memory", "documents"} >= set(report.elsewhere), "both stories share sentences"
    assert [event.stage for event in events if event.stage in ("vacuum", "search")][:1] == ["vacuum"]
    terms = content_words("quaggafish Vrystaat Zimmerklang Ypsilandia")
    indexes = shelf.indexes()
    for index in (indexes.chunk_words, indexes.neighbourhood_words):
        assert index.frequencies(terms) == [0] * len(terms), "a removed entry counts until its terms are gone"
        assert len(index.search("herring", 3)) == 1
        assert not index.holds_removed
    gone, kept = shelf.threads.turns("fish")
    assert (gone.answer, gone.details.get("citations")) == (FORGOTTEN_ANSWER, None)
    assert "sings at dusk" in kept.answer
    assert kept.details["citations"]
    with engine.connect() as connection:
        assert connection.execute(select(ReadingRow.document_id)).scalars().all() == [shelf.documents()[0].id]
    assert (tmp_path / "quagga.txt").exists()
    assert [added.status for added in shelf.add([tmp_path / "quagga.txt"])] == ["added"]


def test_what_an_answer_only_saw_of_a_document_is_no_longer_known(shelf: Library) -> None:
    """A reading position cannot tell then whether the answer is from what was read, and it stays hidden."""
    seen = [{"document": each.id, "version": each.content_hash, "end": 9} for each in shelf.documents()]
    other = shelf.document("other.txt").id
    say(shelf, "both", "seen", answer="It sings.", citations=[{"document": other}], shown=seen)
    say(shelf, "one", "seen", answer="It sings.", citations=[{"document": other}], shown=seen[1:])
    Forgetting(shelf).forget_document("quagga.txt")
    both, one = shelf.threads.turns("seen")
    assert both.answer == one.answer == "It sings."
    assert both.details["shown"] is None
    assert one.details["shown"] == seen[1:]


def test_an_interrupted_question_goes_with_what_it_holds_and_no_other(library: Library) -> None:
    saver = library.agents.checkpoints()
    for run, question, thread in (("r1", SECRET, "x"), ("r2", "Why?", "home"), ("r3", "When is it?", "x")):
        config = {"configurable": {"thread_id": run, "checkpoint_ns": ""}}
        state = {"v": 4, "id": run, "ts": "2026-05-12", "channel_values": {"question": question}}
        saver.put(config, state | {"channel_versions": {}, "versions_seen": {}}, {"clew_thread": thread}, {})  # type: ignore[arg-type, typeddict-item]
    assert occurrences(library.settings.home, "r1")
    Forgetting(library).forget_thread("me", "home")
    assert [each.config["configurable"]["thread_id"] for each in saver.list(None)] == ["r3"]
    assert occurrences(library.settings.home, SECRET) == {}


def test_a_trace_that_nothing_explains_is_an_error_that_names_its_file(
    library: Library, open_home: ForOneHome
) -> None:
    home = library.settings.home
    notes = write(home / "notes" / "mine.txt", f"I said: {SECRET}")
    with pytest.raises(ForgettingError, match=r"turn 2 of thread 'home' was forgotten.*mine\.txt"):
        Forgetting(library).forget_turn("me", "home", 2)
    assert list(occurrences(home, SECRET)) == ["notes/mine.txt"]
    assert to_clean(library.engine) != [], "the next start looks after it"
    notes.unlink()
    library.close()
    assert to_clean(open_home(home).engine) == []


def test_others_who_said_the_same_keep_it_and_nobody_is_told(library: Library) -> None:
    say(library, "theirs", user="somebody", answer="No.")
    report = Forgetting(library).forget_turn("me", "home", 2)
    assert (dict(report.elsewhere), report.turns) == ({}, ())
    assert ThreadStore(library.engine, "somebody").turns("home")[0].question == QUESTION
    assert SECRET not in repr(report)
    assert occurrences(library.settings.home, SECRET), "they have said it"


def test_what_the_same_user_has_said_elsewhere_is_told_with_its_turns(library: Library) -> None:
    say(library, "again", thread="diary", answer="No.")
    report = Forgetting(library).forget_turn("me", "home", 2)
    assert set(report.elsewhere) == {"memory", "answers"}, "its answer keeps the question as it was read"
    assert report.turns == (("diary", 1),)
    lines = [line.plain for line in forgotten_lines(report)]
    assert "none is left, but for" in lines[1]
    assert lines[2].strip() == "the same is said in turn 1 of 'diary'"
    assert forgotten_json(report)["turns"] == [{"thread": "diary", "turn": 1}]


def test_a_name_that_only_seems_to_stand_there_is_no_trace(library: Library) -> None:
    for n in (1, 2, 12, 120, 20, 202):
        say(
            library,
            f"chat {n}",
            f"chat {n}",
            question=f"What of number {n} of all?",
            answer="Nothing at all.",
        )
    for n in (12, 20, 120, 202):
        assert occurrences(library.settings.home, f"chat {n}")
        report = Forgetting(library).forget_thread("me", f"chat {n}")
        assert report.counts["threads"] == 1
    assert {each.name for each in library.threads.threads()} == {"home", "chat 1", "chat 2"}


def test_what_is_not_there_is_one_sentence_and_changes_nothing(library: Library) -> None:
    forgetting = Forgetting(library)
    say(library, "theirs", thread="private", user="somebody")
    know(library.engine, "theirs", SECRET, "somebody")
    with library.engine.connect() as connection:
        before = list(connection.execute(select(TurnRow.__table__)))
    for error, pattern, forget in (
        (
            UnknownFactError,
            r"^There is no memory 'theirs'; .*\.$",
            lambda: forgetting.forget_fact("me", "theirs"),
        ),
        (
            UnknownTurnError,
            r"^The thread 'home' has no turn 3\.$",
            lambda: forgetting.forget_turn("me", "home", 3),
        ),
        (
            UnknownTurnError,
            r"^The thread 'private' has no",
            lambda: forgetting.forget_turn("me", "private", 1),
        ),
        (
            UnknownThreadError,
            r"^No thread is called 'private'\.$",
            lambda: forgetting.forget_thread("me", "private"),
        ),
        (
            UnknownUserError,
            r"^Nothing of a user 'nobody' is stored\.$",
            lambda: forgetting.forget_user("nobody"),
        ),
        (UnknownDocumentError, r"^No document is called", lambda: forgetting.forget_document("nothing.txt")),
    ):
        with pytest.raises(error, match=pattern):
            forget()
    with library.engine.connect() as connection:
        assert list(connection.execute(select(TurnRow.__table__))) == before
    assert to_clean(library.engine) == []


@pytest.mark.parametrize("pragma", ["busy_timeout=50", "query_only=ON"])
def test_a_database_that_cannot_be_written_is_one_sentence(library: Library, pragma: str) -> None:
    other = open_database(library.settings.url)
    with library.engine.connect() as connection, other.connect() as held:
        held.exec_driver_sql("BEGIN IMMEDIATE" if pragma.startswith("busy") else "SELECT 1")
        connection.exec_driver_sql(f"PRAGMA {pragma}")
        connection.close()  # the next to connect gets this connection
        with pytest.raises(DatabaseError, match=r"cannot be used: .*(locked|readonly).*\.$"):
            Forgetting(library).forget_turn("me", "home", 2)
    other.dispose()
    assert library.threads.turns("home")[-1].question == QUESTION


def test_a_start_finishes_what_was_begun(home: Path, library: Library, open_home: ForOneHome) -> None:
    from memory.forgetting import forget_turn

    forget_turn(library.engine, "me", "home", 2)
    assert occurrences(home, SECRET), "it lies in the journal still"
    again = open_home(home)
    assert occurrences(home, SECRET) == {}
    assert to_clean(again.engine) == []


def test_what_an_answer_has_told_goes_too(library: Library, tmp_path: Path) -> None:
    file = write(tmp_path / "story.txt", STORY)
    assert [added.status for added in library.add([file])] == ["added"]
    secret = "Remember that Wilhelmina hides the ledger in Zwartkops."
    with working(library):
        for thread, question in (("told", secret), ("b", "Where does Wilhelmina hide the ledger?")):
            id = library.answers.ask(question, thread)
            while not library.answers.state(id).ended:
                sleep(0.01)
            assert library.answers.state(id).state == "answered"
        assert "clew.sqlite" in "".join(occurrences(library.settings.home, "Zwartkops"))
        (fact,) = (each for each in library.memories().facts("true") if "Zwartkops" in each.text)
        Forgetting(library).forget_fact("me", fact.id)
        assert occurrences(library.settings.home, "Zwartkops") == {}
        assert [job.kind for job in library.jobs.store.records()] == ["add"]


@pytest.mark.parametrize("kind", ["thread", "turn"])
def test_an_answer_on_its_way_while_its_thread_is_forgotten(library: Library, kind: str) -> None:
    reached, go_on = threading.Event(), threading.Event()
    home = library.settings.home
    handler = library.jobs.kinds[ANSWERING].handler

    def held(work: Work) -> Outcome:
        def progress(event: Event) -> None:
            work.progress(event)
            if event.stage == "step" and "recall" in event.subject:
                reached.set()
                assert go_on.wait(60)

        return handler(replace(work, progress=progress))

    library.jobs.kinds[ANSWERING] = replace(library.jobs.kinds[ANSWERING], handler=held)
    with working(library):
        id = library.answers.ask("Where does Wilhelmina keep the spare key?", "home")
        assert reached.wait(60)

        def waits(event: Event) -> None:
            if event.stage == "wait":
                go_on.set()

        try:
            if kind == "thread":
                Forgetting(library).forget_thread("me", "home", waits)
            else:
                Forgetting(library).forget_turn("me", "home", 2, waits)
        finally:
            go_on.set()
        assert occurrences(home, SECRET, ANSWER) == {}
        if kind == "thread":
            with pytest.raises(UnknownJobError):
                library.answers.state(id)
        else:
            assert (library.answers.state(id).state, library.answers.state(id).steps) == ("failed", ())
    said = [turn.question for turn in library.threads.turns("home")]
    assert said == ([] if kind == "thread" else ["Which day is it today?"])


def stopped(library: Library, question: str, thread: str) -> str:
    id = library.answers.ask(question, thread)
    library.answers.stop(id)
    assert library.answers.state(id).state == "stopped"
    return id


def test_questions_without_an_answer_stay_if_they_do_not_hold_it(library: Library, tmp_path: Path) -> None:
    list(library.add([write(tmp_path / "story.txt", STORY)]))
    bob = library.for_user("bob")
    list(bob.add([write(tmp_path / "bob.txt", STORY)]))
    library.ask("Remember that my locker is number 4711 in Zwartkops.", thread="told")
    (fact,) = library.memories().facts("true")
    other, theirs = stopped(library, "Who sings at dusk?", "x"), stopped(bob, "Who sings at dusk?", "x")
    holds = stopped(library, f"Is it so that {fact.text.upper()}", "y")
    with working(library):
        answered = bob.answers.ask("Who sings at dusk?", "z")
        while not bob.answers.state(answered).ended:
            sleep(0.01)
    Forgetting(library).forget_fact("me", fact.id)
    assert library.answers.state(other).question == "Who sings at dusk?"
    assert library.answers.open("x") == other
    with pytest.raises(UnknownJobError):
        library.answers.state(holds)
    assert bob.answers.state(theirs).state == "stopped"
    assert bob.answers.state(answered).steps, "nothing of others is forgotten"


def test_a_start_finishes_it_for_who_has_forgotten_alone(
    home: Path, library: Library, open_home: ForOneHome, tmp_path: Path
) -> None:
    from memory.forgetting import forget_turn

    bob = library.for_user("bob")
    list(bob.add([write(tmp_path / "bob.txt", STORY)]))
    with working(library):
        answered = bob.answers.ask("Who sings at dusk?", "z")
        while not bob.answers.state(answered).ended:
            sleep(0.01)
    forget_turn(library.engine, "me", "home", 2)
    again = open_home(home)
    assert to_clean(again.engine) == []
    assert again.for_user("bob").answers.state(answered).steps

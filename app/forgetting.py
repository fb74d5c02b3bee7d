"""Forgetting, verified: out of the database, its files and the indexes, then looked for in the whole home."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from filelock import FileLock, Timeout

from app.agent.checkpoints import conversation
from app.agent.forgotten_runs import forget_runs
from app.errors import ForgettingError
from app.events import Event, Progress, silent
from app.library import Library
from memory.cleaning import clean_database, clean_file, cleaned, owners_to_clean, to_clean
from memory.document_forgetting import forget_documents
from memory.documents import DocumentRecord
from memory.elsewhere import Elsewhere, said_elsewhere, turns_with
from memory.forgetting import Forgotten, forget_fact, forget_thread, forget_turn, forget_user
from memory.job_forgetting import answers_held, forget_answer_jobs
from memory.traces import Needles, Search, find_traces
from reader.remembering import central_sentence

__all__ = ["ForgetReport", "Forgetting", "finish_forgetting"]

TRIES: Final = 3
"""How often it is cleaned where traces are left: somebody may be reading the file that holds them."""
PAUSE: Final = 1.0
ENDING: Final = 5.0
"""Seconds that a worker gets to store the end of an answer; one that is lost is found by the search."""
LOOK: Final = 0.05
UNTOLD: Final = frozenset({"others", "schema"})
"""Where a piece may stand without being told: what other users say, and what the database says of itself."""

Answers = dict[str | None, Collection[str] | None]
"""Whose answers are forgotten, None meaning anybody's; by which texts, None meaning all that ended."""


@dataclass(frozen=True, slots=True)
class ForgetReport:
    """What was forgotten, and that it is gone.

    Attributes:
        what: In words.
        counts: Rows that went or were changed, by what they are.
        pieces: Pieces of its texts that were looked for, of at most 24 characters each.
        pieces_of: How many there are; of very long texts only a part is looked for.
        files: Files of the home that were searched; none of them holds a piece, but for `elsewhere`.
        bytes: Their size.
        elsewhere: Pieces that are there still because something else says the same, by where: "memory" (what
            the user has said), "answers", "documents", "jobs" that go on. What belongs to other users is
            nobody's business: what stands there is passed over.
        turns: Those of the user that say some of it, by thread and number.
        seconds: All of it.
    """

    what: str
    counts: Mapping[str, int]
    pieces: int
    pieces_of: int
    files: int
    bytes: int
    elsewhere: Mapping[Elsewhere, int]
    turns: tuple[tuple[str, int], ...]
    seconds: float


class Forgetting:
    """Forgets things of one library; one after the other, also where several processes do.

    Every method ends what an earlier one, or another process, has begun and not ended.

    Raises:
        DatabaseError: If the database cannot be written or cleaned; what was forgotten stays forgotten, and
            the next start of Clew cleans the files.
        ForgettingError: If a file still holds it.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._lock = FileLock(library.settings.home / "forgetting.lock")

    @property
    def free(self) -> bool:
        """Whether nobody is forgetting something just now."""
        try:
            with self._lock.acquire(timeout=0):
                return True
        except Timeout:
            return False

    def forget_fact(self, user: str, id: str, progress: Progress = silent) -> ForgetReport:
        """Forget a fact, and its words wherever its user said them or was answered them.

        Raises:
            UnknownFactError: If the user has no fact of that id.
        """
        engine = self._library.engine
        return self._forget(
            f"fact {id}", user, lambda: forget_fact(engine, user, id, central_sentence), progress
        )

    def forget_turn(self, user: str, thread: str, ordinal: int, progress: Progress = silent) -> ForgetReport:
        """Forget a turn with the facts that came from it.

        Raises:
            UnknownTurnError: If the user's thread has no turn of that number.
        """
        engine = self._library.engine
        what = f"turn {ordinal} of thread {thread!r}"
        return self._forget(what, user, lambda: forget_turn(engine, user, thread, ordinal), progress)

    def forget_thread(self, user: str, name: str, progress: Progress = silent) -> ForgetReport:
        """Forget a thread with its turns and the facts that came from them.

        Raises:
            UnknownThreadError: If the user has no thread of that name.
        """
        engine = self._library.engine
        return self._forget(f"thread {name!r}", user, lambda: forget_thread(engine, user, name), progress)

    def forget_user(self, user: str, progress: Progress = silent) -> ForgetReport:
        """Forget everything that a user has said, been answered and read.

        Raises:
            UnknownUserError: If nothing of that user is stored.
        """
        engine = self._library.engine
        return self._forget(f"user {user!r}", user, lambda: forget_user(engine, user), progress)

    def forget_document(self, reference: str, progress: Progress = silent) -> ForgetReport:
        """Forget a document, answers that cite it, and how far anybody has read it; the file is not touched.

        Raises:
            UnknownDocumentError: If none is meant.
            AmbiguousDocumentError: If several are.
        """
        library = self._library

        def forget() -> Forgotten:
            forgotten: list[Forgotten] = []

            def delete(versions: Sequence[DocumentRecord]) -> None:
                forgotten.append(forget_documents(library.engine, versions))

            library.remove(reference, progress, delete)
            return forgotten[0]

        return self._forget(f"document {reference!r}", None, forget, progress)

    def finish(self, progress: Progress = silent) -> bool:
        """Clean the files of what was forgotten before a crash; whether there was something.

        What it was is not known any more: so all questions that were interrupted begin anew. While one is
        being answered that had begun before, nothing is done, and the next start tries again.
        """
        with self._alone(progress):
            keys = to_clean(self._library.engine)
            if not keys or not self._library.agents.ended(progress, wait=False):
                return False
            # What was forgotten is not known any more, only who did.
            answers = dict.fromkeys(owners_to_clean(self._library.engine, keys))
            self._clean(None, Needles(()), answers, progress)
            self._library.purge_indexes(progress)
            cleaned(self._library.engine, keys)
        return True

    def _forget(
        self, what: str, user: str | None, forget: Callable[[], Forgotten], progress: Progress
    ) -> ForgetReport:
        began = time.perf_counter()
        with self._alone(progress):
            earlier = to_clean(self._library.engine)
            answers: Answers = dict.fromkeys(owners_to_clean(self._library.engine, earlier))
            forgotten = forget()
            since = datetime.now(UTC)
            keys = to_clean(self._library.engine)
            needles = Needles(forgotten.texts)
            named = [conversation(user or "", each) for each in forgotten.threads]
            conversations = None if earlier else named
            # Before waiting: no interrupted question may go on with it. After that: what they wrote at last.
            self._forget_runs(conversations, needles)
            if not self._library.agents.ended(progress):
                raise ForgettingError(
                    f"The {what} was forgotten in the database, but a question that had begun before it is "
                    "still being answered; the files are cleaned when Clew starts the next time."
                )
            owner = self._library.user if user is None else user
            answers.setdefault(owner, forgotten.texts)
            self._let_answers_end(owner, since)
            for attempt in range(1, TRIES + 1):
                self._clean(conversations, needles, answers, progress)
                if user is None or earlier:
                    self._library.purge_indexes(progress)
                search, elsewhere = self._search(user, needles, progress)
                known = set().union(*elsewhere.values())
                left = [each for each in search.traces if each.piece not in known]
                if not left:
                    break
                if attempt < TRIES:
                    time.sleep(PAUSE)
            else:
                files = ", ".join(sorted({str(each.path) for each in left}))
                raise ForgettingError(
                    f"The {what} was forgotten in the database, but words of it are still found in {files}."
                )
            cleaned(self._library.engine, keys)
        own = elsewhere.get("memory", set()) | elsewhere.get("answers", set())
        turns = tuple(turns_with(self._library.engine, user, own)) if user is not None and own else ()
        return ForgetReport(
            what=what,
            counts=forgotten.counts,
            pieces=len(needles.pieces),
            pieces_of=needles.all_pieces,
            files=search.files,
            bytes=search.bytes,
            elsewhere={place: len(each) for place, each in elsewhere.items() if place not in UNTOLD},
            turns=turns,
            seconds=time.perf_counter() - began,
        )

    def _let_answers_end(self, owner: str, since: datetime) -> None:
        """Wait until workers have stored how answers have ended that they had begun with before."""
        until = time.monotonic() + ENDING
        while time.monotonic() < until:
            with self._library.engine.connect() as connection:
                if not answers_held(connection, owner, since):
                    return
            time.sleep(LOOK)

    def _clean(
        self, conversations: Sequence[str] | None, needles: Needles, answers: Answers, progress: Progress
    ) -> None:
        library = self._library
        checkpoints = library.settings.checkpoints
        with library.engine.begin() as connection:
            for owner, texts in answers.items():
                forget_answer_jobs(connection, owner, texts)
        progress(Event("vacuum", "the database"))
        clean_database(library.engine)
        if checkpoints.exists():
            progress(Event("vacuum", checkpoints.name))
            self._forget_runs(conversations, needles)
            clean_file(checkpoints)

    def _forget_runs(self, conversations: Sequence[str] | None, needles: Needles) -> None:
        checkpoints = self._library.settings.checkpoints
        if checkpoints.exists():
            forget_runs(self._library.agents.checkpoints(), checkpoints, conversations, needles)

    def _search(
        self, user: str | None, needles: Needles, progress: Progress
    ) -> tuple[Search, dict[Elsewhere, set[str]]]:
        """What is found in files, and which pieces stand in rows that are to stay."""
        home = self._library.settings.home
        progress(Event("search", str(home)))
        search = find_traces(home, needles)
        if not search.traces:
            return search, {}
        found = Needles({each.piece for each in search.traces})
        elsewhere = said_elsewhere(self._library.engine, user or self._library.user, found)
        return search, {place: {found.pieces[n] for n in numbers} for place, numbers in elsewhere.items()}

    @contextmanager
    def _alone(self, progress: Progress) -> Iterator[None]:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            progress(Event("wait", "another clew is forgetting something"))
            self._lock.acquire()
        except OSError as error:
            home = self._library.settings.home
            raise ForgettingError(f"Nothing can be forgotten in {home}: {error.strerror}.") from error
        try:
            yield
        finally:
            self._lock.release()


def finish_forgetting(library: Library) -> None:
    """Do what `Forgetting.finish` does, unless another process is at it; a small query where nothing is."""
    if to_clean(library.engine):
        forgetting = Forgetting(library)
        if forgetting.free:
            forgetting.finish()

"""Answers as jobs: asked from any page, done by any worker, watched, stopped and asked again by their id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from app.answering import (
    AnswerStage,
    AnswerState,
    AskedAnswer,
    Heard,
    Told,
    answer_of_turn,
    answered,
    asked_from,
    asked_of_turn,
)
from app.asking import clean_question
from app.incognito_answers import IncognitoAnswers
from app.jobs.contract import NewTask, Outcome, TaskKind, Work
from app.shown_answers import ShownAnswer, ShownTurn, answer_from_json, answer_json
from app.shown_turns import copied_answer, shown_turns, thread_markdown
from memory.answer_tasks import ANSWER, AnswerSnapshot, AnswerTasks
from memory.answering import answer_run
from memory.cited_places import CitedPlaces
from memory.errors import JobStateError, UnknownDocumentError, UnknownThreadError, UnknownTurnError
from memory.incognito import Threads
from memory.job_records import JobRecord
from memory.threads import thread_name
from reader.errors import StoppedError

if TYPE_CHECKING:
    from app.library import Library

__all__ = ["Answers", "answer_kind"]

AT_ONCE: Final = 2
"""Questions that are answered at once, if the reader does not work on more."""

PRIORITY: Final = 1_000
"""Somebody waits for it: before all other work."""

NAME: Final = 60
"""Characters of a question that name its thread."""

STAGES: Final[dict[str, AnswerStage]] = {
    "queued": "waiting",
    "paused": "waiting",
    "running": "running",
    "done": "answered",
    "cancelled": "stopped",
    "failed": "failed",
}


class Answers:
    """The answers of the user of one library; safe to use from several threads."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._tasks = AnswerTasks(library.engine, library.user)
        self._incognito = IncognitoAnswers(library, AT_ONCE)

    def take_over(self, old: Answers) -> None:
        """Have the answers that are written nowhere be those of another library of the same user."""
        self._incognito = old._incognito
        self._incognito.belong_to(self._library)

    @property
    def making_incognito(self) -> bool:
        """Whether this library is making one that is written nowhere."""
        return self._incognito.made_by(self._library)

    def ask(
        self,
        question: str,
        thread: str | None,
        documents: Sequence[str] = (),
        route: str = "auto",
        no_spoilers: bool = False,
        incognito: bool = False,
    ) -> str:
        """Ask a question; its id, at once. See `Library.ask` for the arguments and what it raises.

        A thread of None gets a name made from the question. The same question that is on its way already in
        the same thread is not asked twice.
        """
        name = self._new_thread(question, incognito) if thread is None else thread
        asked = AskedAnswer(question, name, tuple(documents), route, no_spoilers)
        return self._ask(self._checked(asked, incognito), incognito)

    def state(self, id: str) -> AnswerState:
        """How an answer stands now; cheap, to be asked several times a second.

        Raises:
            UnknownJobError: If the user has no such answer, or it has been forgotten.
        """
        live = self._incognito.find(id)
        if live is not None:
            return live.state()
        snapshot = self._tasks.snapshot(id)
        state = _state(snapshot)
        if not state.ended or state.answer is not None:
            return state
        kept = self._library.threads.turn(answer_run(id))
        if kept is None:
            return state
        # It was stopped too late, or lost when its turn was there.
        answer = answer_of_turn(self._library, kept)
        return replace(state, state="answered", error="", draft="", answer=answer)

    def open(self, thread: str, incognito: bool = False) -> str | None:
        """The id of a thread's question that is not answered: the first that is on its way, else the last one
        if it was stopped, or has failed, after the thread's last turn; None without one."""
        if incognito:
            return self._incognito.open(thread)
        jobs = self._tasks.of_thread(thread)
        on_the_way = [each for each in jobs if not each.ended]
        if on_the_way:
            return on_the_way[-1].id
        if not jobs or jobs[0].state == "done":
            return None
        last, ended = self._threads(False).turns(thread, last=1), jobs[0]
        if last and (last[0].run == answer_run(ended.id) or last[0].asked_at > _ended_at(ended)):
            return None
        return ended.id

    def stop(self, id: str) -> None:
        """Stop an answer; nothing of it is put into its thread.

        One that has ended, or whose turn is there already, stays as it is.

        Raises:
            UnknownJobError: If the user has no such answer.
        """
        live = self._incognito.find(id)
        if live is not None:
            live.stop()
            return
        job = self._tasks.snapshot(id).job
        try:
            self._library.jobs.cancel(job.id)
        except JobStateError:
            return

    def again(self, thread: str, question: str | None = None, incognito: bool = False) -> str:
        """Ask the question of a thread's last turn again; the new answer takes the place of that turn.

        Until it is there the turn stays, with the facts that came from it, and it stays for good if nothing
        comes of the asking. For the new answer it is as if it had not been said. A question that was stopped,
        or has failed, after that turn is asked again instead. Models are really asked: no reply that is kept
        is taken for it.

        Args:
            thread: The conversation.
            question: To be asked instead.
            incognito: Whether it is one of those.

        Raises:
            UnknownTurnError: If the thread has no turn.
            UnknownDocumentError: If it was asked of documents of which none is there any more.
            JobStateError: If a question of the thread is on its way.
        """
        asked = self._open_question(thread, incognito) or self._last_question(thread, incognito)
        there = {record.id for record in self._library.documents()}
        documents = tuple(each for each in asked.documents if each in there)
        if asked.documents and not documents:
            raise UnknownDocumentError("What this was asked of has been removed; ask it of other documents.")
        wanted = replace(
            asked,
            question=asked.question if question is None else question,
            documents=documents,
            fresh=True,
        )
        return self._ask(self._checked(wanted, incognito), incognito)

    def rename_thread(self, old: str, new: str, incognito: bool = False) -> str:
        """Give a thread another name, by which its answers are found from then on; the name that it has then.

        Raises:
            JobStateError: If a question of it is on its way.
            UnknownThreadError: If no thread goes by the old name.
            ThreadNameError: If another goes by the new one, or it is no name.
        """
        new = thread_name(new)
        if not incognito:
            self._library.threads.rename(old, new)
            return new
        id = self._incognito.open(old)
        if id is not None and not self.state(id).ended:
            raise JobStateError(f"The thread {old!r} has a question that is being answered; stop it first.")
        try:
            self._library.incognito.rename(old, new)
        except UnknownThreadError:
            if id is None:
                raise
        self._incognito.rename_thread(old, new)
        return new

    def remove_thread(self, thread: str, incognito: bool = False) -> None:
        """Delete a thread with its turns, its answers and what is on its way.

        Unlike forgetting (`app.forgetting`), it does not look whether a byte is left somewhere.

        Raises:
            UnknownThreadError: If there is neither a thread of that name nor a question of it.
        """
        for each in [] if incognito else self._tasks.of_thread(thread):
            if not each.ended:
                self.stop(each.id)  # so that it is heard at once
        asked = (self._incognito if incognito else self._tasks).forget_thread(thread)
        try:
            self._threads(incognito).remove(thread)
        except UnknownThreadError:
            if not asked:
                raise

    def turns(
        self, thread: str, incognito: bool = False, last: int | None = None, until: int | None = None
    ) -> list[ShownTurn]:
        """The turns of a thread, oldest first, or only so many of its latest, up to an ordinal.

        Their quotes are read from the documents as they are now; what is known of an answer besides is there
        as long as its job is.
        """
        turns = self._threads(incognito).turns(thread, last, until)
        places = CitedPlaces(self._library.engine, self._library.user)
        kept = {run: answer for run, (_, answer) in self._kept(thread, incognito).items()}
        return shown_turns(turns, kept, places)

    def markdown(self, thread: str, incognito: bool = False) -> str:
        """A thread as a Markdown text: escaped, with what its answers cite."""
        return thread_markdown(thread, self.turns(thread, incognito))

    def copied(self, turn: ShownTurn) -> str:
        """The answer of a turn with its citations, as plain text."""
        return copied_answer(turn.answer)

    def _checked(self, asked: AskedAnswer, incognito: bool) -> AskedAnswer:
        """What is asked, its documents by their ids, if it can be asked."""
        _, ids = self._library.check_question(
            asked.question, asked.documents, asked.route, asked.thread, incognito, asked.no_spoilers
        )
        question = clean_question(asked.question)
        thread = clean_question(asked.thread)
        return replace(asked, question=question, thread=thread, documents=tuple(sorted(ids)))

    def _ask(self, asked: AskedAnswer, incognito: bool) -> str:
        if incognito:
            return self._incognito.ask(asked)
        jobs, user = self._library.jobs, self._library.user
        replaces = list(asked.replaces) if asked.replaces is not None else None
        plain = asdict(asked) | {"documents": list(asked.documents), "replaces": replaces}
        task = NewTask(ANSWER, ANSWER, plain | {"user": user}, weight=0.0)
        return jobs.start(ANSWER, asked.question, plain, [task], PRIORITY, owner=user).id

    def _open_question(self, thread: str, incognito: bool) -> AskedAnswer | None:
        """The question of a thread that has ended without an answer, None without one."""
        id = self.open(thread, incognito)
        if id is None:
            return None
        state = self.state(id)
        if not state.ended:
            raise JobStateError(
                f"The thread {thread!r} has a question that is being answered; stop it first."
            )
        return AskedAnswer(
            question=state.question,
            thread=thread,
            documents=state.documents,
            route=state.route,
            no_spoilers=state.no_spoilers,
            replaces=state.replaces,
        )

    def _last_question(self, thread: str, incognito: bool) -> AskedAnswer:
        """The question of the last turn of a thread, to take its place."""
        turn = next(iter(self._threads(incognito).turns(thread, last=1)), None)
        if turn is None:
            raise UnknownTurnError(f"The thread {thread!r} has no turn that could be asked again.")
        kept = self._kept(thread, incognito).get(turn.run)
        asked = kept[0] if kept is not None else asked_of_turn(turn, thread)
        return replace(asked, thread=thread, replaces=(turn.ordinal, turn.run))

    def _new_thread(self, question: str, incognito: bool) -> str:
        """The beginning of a question, with a number where a thread is called so already."""
        short = clean_question(question)
        if len(short) > NAME:
            short = short[: NAME - 1].rsplit(" ", 1)[0].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
        taken = {each.name for each in self._threads(incognito).threads()}
        name, number = short, 1
        while name in taken or (not incognito and self._tasks.of_thread(name)):
            number += 1
            name = f"{short} ({number})"
        return name

    def _threads(self, incognito: bool) -> Threads:
        return self._library.incognito if incognito else self._library.threads

    def _kept(self, thread: str, incognito: bool) -> dict[str, tuple[AskedAnswer, ShownAnswer]]:
        """What was asked in a thread, and the answers as they were given, by the runs of their turns."""
        if incognito:
            return self._incognito.kept(thread)
        return {
            str(result["run"]): (asked_from(asked), answer_from_json(result["answer"]))
            for asked, result in self._tasks.results(thread)
        }


def answer_kind(library: Library) -> TaskKind:
    """The kind of task that answers a question, for any user."""

    def handle(work: Work) -> Outcome:
        asked = asked_from(work.payload)
        mine = library.for_user(str(work.payload["user"]))
        told = Told(work.progress, work.cancellation)
        try:
            shown, run = answered(mine, asked, told, work.job)
        except StoppedError:
            if library.jobs.store.states([work.job]).get(work.job) in (None, "cancelled"):
                # It is not to be gone on with, neither by another worker nor by the same question.
                mine.agents.abandon(asked.thread, mine.user)
            raise
        return Outcome({"answer": answer_json(shown), "run": run})

    return TaskKind(handle, at_once=lambda: max(AT_ONCE, library.backends.reader.at_once), patient=False)


def _state(snapshot: AnswerSnapshot) -> AnswerState:
    job, asked = snapshot.job, asked_from(snapshot.job.spec)
    stage = STAGES[job.state]
    answer = answer_from_json(snapshot.result["answer"]) if stage == "answered" and snapshot.result else None
    heard = Heard()
    for event in snapshot.events:
        heard.hear(event)
    waiting = heard.waiting
    if stage == "waiting":
        waiting = job.reason or "other questions are answered first"
    return AnswerState(
        id=job.id,
        thread=asked.thread,
        question=asked.question,
        documents=asked.documents,
        route=asked.route,
        no_spoilers=asked.no_spoilers,
        replaces=asked.replaces,
        incognito=False,
        state=stage,
        error=(snapshot.error or job.reason) if stage == "failed" else "",
        waiting="" if job.ended else waiting,
        steps=answer.steps if answer is not None else heard.in_order(),
        draft="" if answer is not None else heard.draft,
        answer=answer,
        seconds=max(0.0, (_ended_at(job) - job.created_at).total_seconds()),
    )


def _ended_at(job: JobRecord) -> datetime:
    return job.finished_at or datetime.now(UTC)

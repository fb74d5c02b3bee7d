"""The questions of one user: checked, asked of the user's documents and memory, many at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import Literal

from app.answers import Answer
from app.asking import Asked, clean_question
from app.errors import EmptyLibraryError
from app.events import Progress, Step, silent
from app.library_home import LibraryHome
from app.library_jobs import LibraryJobs
from app.questions import checked_route, without_spoilers
from app.reading import NO_POSITION
from memory.answering import PLAIN_ANSWER, Answering
from memory.documents import DocumentRecord
from memory.errors import UnknownDocumentError
from memory.incognito import IncognitoThreads
from memory.library import LibraryState, library_state
from memory.threads import ThreadStore
from reader.chat import Cancellation
from reader.contract import OnDraft, Route

__all__ = ["LibraryQuestions"]


class LibraryQuestions(LibraryJobs):
    """The part of a library that answers; what is found is of its user alone.

    Args:
        home: What all users share.
        user: Who asks.

    Attributes:
        memory: Where earlier conversations are recalled from.
        incognito: The threads that are kept nowhere; they end with this library.
    """

    def __init__(self, home: LibraryHome, user: str) -> None:
        super().__init__(home, user)
        self.memory = home.memory
        self.threads = ThreadStore(home.engine, self.user)
        self.incognito = IncognitoThreads(self.user, home.incognito_room)
        self._known: tuple[LibraryState, list[DocumentRecord], bool] | None = None

    def ask(
        self,
        question: str,
        documents: Sequence[str] = (),
        route: str = "auto",
        progress: Progress = silent,
        step: Callable[[Step], None] | None = None,
        thread: str | None = None,
        draft: OnDraft | None = None,
        cancellation: Cancellation | None = None,
        incognito: bool = False,
        no_spoilers: bool = False,
        fresh: bool = False,
        earlier: Callable[[Sequence[Step]], None] | None = None,
        answering: Answering = PLAIN_ANSWER,
    ) -> Answer:
        """Answer a question from the documents named, or from all.

        The same question, interrupted and asked again, goes on after the last step that was done.

        Args:
            question: In plain language.
            documents: Ids, titles, paths or file names; none means all documents.
            route: "auto", "search", "walk" or "whole".
            progress: Told what is waited for.
            step: Told of each step when it is done.
            thread: Name of the conversation that it belongs to; a new one is begun.
            draft: Gets the answer as it is written, no unverified quote in it.
            cancellation: Stops it by hand.
            incognito: Nothing of it is recalled, remembered, cached, counted or written anywhere; its thread
                is one of `incognito`, which ends with this library. What it needs of documents, such as
                a tree, is built and kept as ever.
            no_spoilers: Only from what the user has read, as the reading positions say; the question's own
                words may ask for that as well (`app.spoilers`).
            fresh: Models are asked in any case: no reply that is kept is taken for it.
            earlier: Told of the steps that were done before an interruption, if it goes on after one.
            answering: What becomes of its turn if it is stopped or asked again meanwhile.

        Raises:
            EmptyLibraryError: If there is neither a document nor a thread to be answered from.
            UnknownDocumentError: If a document named is not there.
            SettingsError: If there is no such route, or the question is empty.
            PositionError: If it asks for no spoilers, and it is not known how far the user has read.
            ModelError: If a language model cannot be asked.
            StoppedError: If it was stopped.
        """
        chosen_route, ids = self.check_question(question, documents, route, thread, incognito)
        remembers = self.home.settings.memory == "on" and not incognito
        if any(record.recipe != self.home.recipe for record in self._ready()[0]):
            self.home.adders.bring_up_to_date(progress)
        indexes = self.home.searching.indexes(progress)
        # After the indexes: what they hold is then at most older than what is known here, and skipped.
        records, alone = self._ready()
        chosen = [record for record in records if not ids or record.id in ids]
        if not chosen and ids:
            raise UnknownDocumentError("The documents to ask have been removed meanwhile.")
        question = clean_question(question)
        wish, reading = without_spoilers(
            self.home.engine, question, self.user, chosen, bool(ids), no_spoilers
        )
        meant = wish if reading is not None else None
        if meant is not None and meant.recap and chosen_route == "auto":
            chosen_route = "whole"
        memory = self.memory.recollector(self.user, progress) if remembers else None
        if memory is not None and reading is not None:
            memory.stream.hides = reading.hides
        own = ThreadStore(self.home.engine, self.user)
        threads = self.incognito.of_one_question() if incognito else own
        span_reader = self.home.settings.span_reader
        asked = Asked(
            question=question,
            plain=question if meant is None else meant.question,
            documents=chosen if reading is None else reading.documents,
            everything=alone and not ids and (reading is None or reading.all_of_it),
            route=chosen_route,
            threads=threads,
            memory=memory,
            thread=None if thread is None else clean_question(thread),
            key=f"{self.home.backends.reader.key} {span_reader} {library_state(self.home.engine)}",
            on_step=step or (lambda _: None),
            on_earlier=earlier or (lambda _: None),
            on_draft=draft,
            cancellation=cancellation,
            incognito=incognito,
            fresh=fresh,
            reading=reading,
            scope={"documents": sorted(ids), "route": route, "no_spoilers": no_spoilers},
            answering=answering,
        )
        answer = self.home.searching.agent(indexes, progress, incognito, reading).ask(asked, progress)
        return answer if wish is meant else replace(answer, notes=(*answer.notes, NO_POSITION))

    def check_question(
        self,
        question: str,
        documents: Sequence[str] = (),
        route: str = "auto",
        thread: str | None = None,
        incognito: bool = False,
        no_spoilers: bool = False,
    ) -> tuple[Route | Literal["auto"], set[str]]:
        """The route of a question and the ids of the documents that it names, if `ask` can answer it.

        Nothing is looked up for it yet; what is raised is what `ask` raises.
        """
        remembers = self.home.settings.memory == "on" and not incognito
        chosen_route = checked_route(question, route, thread, remembers)
        records, remembered = self._ready()[0], remembers and thread is not None
        if not records and not remembered and not (remembers and self.memory.holds(self.user)):
            raise EmptyLibraryError("There is no document to ask yet; add one with `clew add PATH`.")
        known = {record.id for record in records}
        ids = {each if each in known else self.store.resolve(each).id for each in documents}
        if no_spoilers:
            chosen = [record for record in records if not ids or record.id in ids]
            without_spoilers(self.home.engine, question, self.user, chosen, bool(ids), no_spoilers)
        return chosen_route, ids

    def ask_many(
        self,
        questions: Sequence[str],
        done: Callable[[int, Answer], None] | None = None,
        progress: Progress = silent,
        route: str = "auto",
    ) -> list[Answer]:
        """Answer questions over all documents, as many at once as the reader works on; in their order.

        `done` hears of each as soon as it is there, one call at a time. The first error stops the others and
        is raised.
        """
        # One for each: they have a deadline of their own.
        cancellations = [Cancellation() for _ in questions]
        with ThreadPoolExecutor(max_workers=self.home.backends.reader.at_once) as pool:
            running = {
                pool.submit(self.ask, each, route=route, progress=progress, cancellation=cancellations[n]): n
                for n, each in enumerate(questions)
            }
            try:
                for future in as_completed(running):
                    answer = future.result()
                    if done is not None:
                        done(running[future], answer)
            finally:
                # After an error or Ctrl-C, nothing goes on behind the caller's back.
                for cancellation in cancellations:
                    cancellation.cancel()
                pool.shutdown(cancel_futures=True)
        return [future.result() for future in running]

    def _ready(self) -> tuple[list[DocumentRecord], bool]:
        """All documents, and whether nobody else has any; read again only when something has changed."""
        state = library_state(self.home.engine)
        if self._known is None or self._known[0] != state:
            self._known = state, self.store.records(), not self.store.others()
        return self._known[1:]

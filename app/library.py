"""A library: everything that the command line and the pages can do with the documents of one user."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Literal

from sqlalchemy import Engine

from app.adding import AddedDocument
from app.answer_jobs import Answers, answer_kind
from app.answers import Answer
from app.asking import Asked, clean_question
from app.backends import Backends
from app.config import Settings
from app.document_views import DocumentView
from app.errors import EmptyLibraryError, SettingsError
from app.events import Progress, Step, silent
from app.indexing import SearchIndexes
from app.jobs.estimates import Estimate
from app.library_home import LibraryHome
from app.library_jobs import LibraryJobs
from app.memories import LONGEST_USER, Memories
from app.questions import ROUTES, checked_route, without_spoilers
from app.reading import NO_POSITION
from app.summaries.job import Failed, Named
from app.summaries.wanted import Wanted
from memory.answer_tasks import ANSWER
from memory.collections import CollectionStore
from memory.documents import DocumentRecord
from memory.errors import UnknownDocumentError
from memory.incognito import IncognitoThreads
from memory.library import LibraryState, library_state
from memory.threads import ThreadStore, storable
from reader.chat import Cancellation
from reader.contract import OnDraft, Route
from retrieval.document import Document
from retrieval.encoder import Encoder

__all__ = ["ROUTES", "Backends", "Library"]


class Library(LibraryJobs):
    """Documents, questions and jobs of one user of a home; safe to use from several threads and processes.

    What belongs to other users is as if it were not there; what all users share is in `home`.

    Args:
        settings: Of the home; they name the user.
        engine: Of the database.
        backends: Do the work.
        home: Where it is shared with the libraries of other users.
    """

    def __init__(
        self, settings: Settings, engine: Engine, backends: Backends, home: LibraryHome | None = None
    ) -> None:
        super().__init__(home or LibraryHome(settings, engine, backends), settings.user)
        self.settings, self.engine, self.backends = settings, engine, backends
        self.recipe, self.trees = self.home.recipe, self.home.trees
        self.agents, self.memory = self.home.agents, self.home.memory
        self.threads, self.incognito = ThreadStore(engine, self.user), IncognitoThreads(self.user)
        self.collections = CollectionStore(engine, self.user)
        self._known: tuple[LibraryState, list[DocumentRecord], bool] | None = None
        self.answers = Answers(self)
        self.jobs.kinds.setdefault(ANSWER, answer_kind(self))
        self.home.libraries.setdefault(self.user, self)

    def for_user(self, user: str) -> Library:
        """The library of a user of the same home; whenever it is asked for, the same one.

        Raises:
            SettingsError: If that cannot be the name of a user.
        """
        if not user.strip() or len(user) > LONGEST_USER:
            raise SettingsError(f"The name of a user has 1 to {LONGEST_USER} characters.")
        user = storable(user)
        known = self.home.libraries
        if user not in known:
            settings = self.settings.model_copy(update={"user": user})
            Library(settings, self.engine, self.backends, self.home)
        return known[user]

    def encoder(self, progress: Progress = silent) -> Encoder:
        """The encoder, loaded on first use."""
        return self.home.encoder.load(progress)

    def add(self, paths: Sequence[Path], progress: Progress = silent) -> Iterator[AddedDocument]:
        """Add files, and the documents in folders, one after the other; resumable at any moment.

        What is wrong with one file is its own result and does not stop the others. The indexes are
        brought up to date after the last. All of it is a job: interrupted, the same call goes on with it.
        """
        yield from self._adding.add(paths, progress)
        self.home.adders.bring_up_to_date(progress)
        if self.store.records():
            self.indexes(progress)

    def add_documents(
        self, documents: Sequence[tuple[Document, str, str]], progress: Progress = silent
    ) -> list[AddedDocument]:
        """Add Documents that are already loaded, each with its content hash and the name of its origin."""
        with self.home.adders.held(self.user, progress) as adder:
            return [adder.add_document(*each) for each in documents]

    def summarize(
        self,
        references: Sequence[str],
        wanted: Wanted,
        out: Path | None = None,
        progress: Progress = silent,
        told: Callable[[Estimate], None] = lambda _: None,
    ) -> tuple[list[Named], list[Failed]]:
        """Summarise files, folders or documents as one job, done here; see `SummaryJobs.run`."""
        return self._summaries.run(references, wanted, out, progress, told)

    def documents(self) -> list[DocumentRecord]:
        """All documents, oldest first."""
        return self.store.records()

    def document(self, reference: str) -> DocumentRecord:
        """The document that goes by an id (or its start), title, path or file name."""
        return self.store.resolve(reference)

    def view(self, reference: str) -> DocumentView:
        """A document to be looked at, of which only what is asked for is read.

        Raises:
            UnknownDocumentError: If none is meant.
            AmbiguousDocumentError: If several are.
        """
        return DocumentView(self.engine, self.document(reference), self.user, self.trees.shown)

    def remove(
        self,
        reference: str,
        progress: Progress = silent,
        delete: Callable[[Sequence[DocumentRecord]], None] | None = None,
    ) -> DocumentRecord:
        """Remove everything of a document, from the database and from the indexes.

        A version of it that was begun and never finished goes with it. Where no finished document is meant,
        one that was only begun can be named by its id or path. `delete` takes these versions out of the
        database, where more is to go than their own rows.
        """
        # Not while a document is added: it may count on embeddings that would go now.
        with self.home.adders.alone(progress):
            versions = self.store.versions(reference)
            record = versions[-1]
            # First, so that after a kill a document may lack the jobs that added it, and not they it.
            self._adding.forget(record)
            self.trees.forget(record)
            if delete is not None:
                delete(versions)
            else:
                for each in versions:
                    self.store.remove(each.key)
            self.home.uploads.remove(each.path for each in versions)
            self.indexes(progress)
        return record

    def purge_indexes(self, progress: Progress = silent) -> None:
        """Write anew the indexes of which a file may still hold something that was removed."""
        self.home.searching.purge(progress)

    def indexes(self, progress: Progress = silent) -> SearchIndexes:
        """The indexes of the home, in step with the database."""
        return self.home.searching.indexes(progress)

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
        user: str | None = None,
        incognito: bool = False,
        no_spoilers: bool = False,
        fresh: bool = False,
        earlier: Callable[[Sequence[Step]], None] | None = None,
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
            user: Who asks, of his own documents; None for the one whose library this is.
            incognito: Nothing of it is recalled, remembered, cached, counted or written anywhere; its thread
                is one of `incognito`, which ends with this library. What it needs of documents, such as
                a tree, is built and kept as ever.
            no_spoilers: Only from what the user has read, as the reading positions say; the question's own
                words may ask for that as well (`app.spoilers`).
            fresh: Models are asked in any case: no reply that is kept is taken for it.
            earlier: Told of the steps that were done before an interruption, if it goes on after one.

        Raises:
            EmptyLibraryError: If there is neither a document nor a thread to be answered from.
            UnknownDocumentError: If a document named is not there.
            SettingsError: If there is no such route, or the question is empty.
            PositionError: If it asks for no spoilers, and it is not known how far the user has read.
            ModelError: If a language model cannot be asked.
            StoppedError: If it was stopped.
        """
        if user is not None and storable(user) != self.user:
            asking = self.for_user(user)
            return asking.ask(
                question,
                documents,
                route,
                progress,
                step,
                thread,
                draft,
                cancellation,
                incognito=incognito,
                no_spoilers=no_spoilers,
                fresh=fresh,
                earlier=earlier,
            )
        chosen_route, ids = self.check_question(question, documents, route, thread, incognito)
        remembers = self.settings.memory == "on" and not incognito
        if any(record.recipe != self.recipe for record in self._ready()[0]):
            self.home.adders.bring_up_to_date(progress)
        indexes = self.indexes(progress)
        # After the indexes: what they hold is then at most older than what is known here, and skipped.
        records, alone = self._ready()
        chosen = [record for record in records if not ids or record.id in ids]
        if not chosen and ids:
            raise UnknownDocumentError("The documents to ask have been removed meanwhile.")
        question = clean_question(question)
        wish, reading = without_spoilers(self.engine, question, self.user, chosen, bool(ids), no_spoilers)
        meant = wish if reading is not None else None
        if meant is not None and meant.recap and chosen_route == "auto":
            chosen_route = "whole"
        memory = self.memory.recollector(self.user, progress) if remembers else None
        if memory is not None and reading is not None:
            memory.stream.hides = reading.hides
        asked = Asked(
            question=question,
            plain=question if meant is None else meant.question,
            documents=chosen if reading is None else reading.documents,
            everything=alone and not ids and (reading is None or reading.all_of_it),
            route=chosen_route,
            threads=self.incognito if incognito else ThreadStore(self.engine, self.user),
            memory=memory,
            thread=None if thread is None else clean_question(thread),
            key=f"{self.backends.reader.key} {library_state(self.engine)}",
            on_step=step or (lambda _: None),
            on_earlier=earlier or (lambda _: None),
            on_draft=draft,
            cancellation=cancellation,
            incognito=incognito,
            fresh=fresh,
            reading=reading,
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
        remembers = self.settings.memory == "on" and not incognito
        chosen_route = checked_route(question, route, thread, remembers)
        records, remembered = self._ready()[0], remembers and thread is not None
        if not records and not remembered and not (remembers and self.memory.holds(self.user)):
            raise EmptyLibraryError("There is no document to ask yet; add one with `clew add PATH`.")
        ids = {self.store.resolve(each).id for each in documents}
        if no_spoilers:
            chosen = [record for record in records if not ids or record.id in ids]
            without_spoilers(self.engine, question, self.user, chosen, bool(ids), no_spoilers)
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
        with ThreadPoolExecutor(max_workers=self.backends.reader.at_once) as pool:
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

    def memories(self, user: str | None = None) -> Memories:
        """What is remembered of a user; None for the one whose library this is."""
        return Memories(self, self.user if user is None else user)

    def close(self) -> None:
        """Free what all users of the home share: language model, connections, checkpoint file."""
        self.home.close()

    def _ready(self) -> tuple[list[DocumentRecord], bool]:
        """All documents, and whether nobody else has any; read again only when something has changed."""
        state = library_state(self.engine)
        if self._known is None or self._known[0] != state:
            self._known = state, self.store.records(), not self.store.others()
        return self._known[1:]

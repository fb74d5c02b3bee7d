"""A library: everything that the command line, and later the pages, can do with documents."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, Literal

from filelock import FileLock, Timeout
from sqlalchemy import Engine

from app.add_jobs import ADD, AddJobs, adding_task
from app.adding import AddedDocument, Adder
from app.agent.context import FindTree
from app.agent.home import AgentHome
from app.answers import Answer
from app.asking import Agent, Asked, clean_question
from app.config import Settings
from app.errors import EmptyLibraryError, SettingsError
from app.events import Event, Progress, Step, silent
from app.indexing import SearchIndexes
from app.jobs.contract import TaskKind
from app.jobs.estimates import Estimate
from app.jobs.running import Jobs
from app.memories import Memories
from app.memory_home import MemoryHome
from app.models import MakeReader
from app.node_indexing import NODES, NodeIndex
from app.reading import NO_POSITION, Reading, reading_of
from app.remembering import LONGEST_MESSAGE, LONGEST_QUESTION
from app.spoilers import SpoilerWish, spoiler_wish
from app.summaries.job import Failed, Named, summarize
from app.summaries.summarizer import Summarizer
from app.summaries.wanted import Wanted
from app.trees import Trees
from memory.documents import DocumentRecord, DocumentStore
from memory.embeddings import delete_other_encoders, known_encoder, note_encoder
from memory.errors import UnknownDocumentError
from memory.incognito import IncognitoThreads
from memory.index_rows import IndexRowStore
from memory.library import LibraryState, library_state
from memory.node_rows import NodeRowStore
from memory.reading_positions import ReadingPositions
from memory.search_rows import SearchRowStore
from memory.threads import ThreadStore
from memory.trees import SummaryTree
from memory.units import UnitStore
from reader.chat import Cancellation
from reader.contract import OnDraft, Route
from reader.errors import StoppedError
from retrieval.chunking import CHUNKING_VERSION
from retrieval.collapsed_tree import CollapsedTree
from retrieval.document import Document
from retrieval.encoder import Encoder
from retrieval.errors import ClewError
from retrieval.question import WordStatistics
from retrieval.search import HybridSearch

__all__ = ["ROUTES", "Backends", "Library"]

ROUTES: Final[tuple[Route | Literal["auto"], ...]] = ("auto", "search", "walk", "whole")
LONGEST_THREAD: Final = 200


@dataclass(frozen=True, slots=True)
class Backends:
    """The concrete things a library works with, chosen in `app.bootstrap`.

    Attributes:
        encoder: Loads the encoder; called at most once, perhaps on another thread.
        encoder_fingerprint: Name and weights of that encoder, known without loading it.
        reader: Makes the reader of a question.
        load: Turns a path into a Document, or raises LoadError.
        extractive: Makes the reader that needs no language model, whatever `reader` makes.
    """

    encoder: Callable[[Progress], Encoder]
    encoder_fingerprint: str
    reader: MakeReader
    load: Callable[[Path], Document]
    extractive: MakeReader


class Library:
    """Documents and questions of one home; safe to use from several threads and processes."""

    def __init__(self, settings: Settings, engine: Engine, backends: Backends) -> None:
        self.settings, self.engine, self.backends = settings, engine, backends
        self.store, self.units = DocumentStore(engine), UnitStore(engine)
        self.threads, self.incognito = ThreadStore(engine, settings.user), IncognitoThreads()
        # The lengths of chunks follow from the encoder's window, so its fingerprint stands for them.
        self.recipe = f"chunks {CHUNKING_VERSION} encoder {backends.encoder_fingerprint}"
        self.jobs = Jobs(engine)
        self.trees = Trees(
            engine=engine,
            documents=self.store,
            readers={"reader": backends.reader, "extractive": backends.extractive},
            fingerprint=backends.encoder_fingerprint,
            encoder=self.encoder,
            encoder_key=self._stored_encoder,
            jobs=self.jobs,
        )
        self._add_jobs = AddJobs(self.jobs, self.store, self.recipe, self._held_adder)
        speed = f"{backends.encoder_fingerprint} on {settings.device}"
        self.jobs.kinds[ADD] = TaskKind(self._add_jobs.task, at_once=lambda: 1, speed=lambda: speed)
        self.summarizer = Summarizer.of(self.trees, self.jobs, backends.reader)
        self.jobs.kinds |= self.trees.kinds() | self.summarizer.kinds()
        self.agents = AgentHome(settings, backends.reader)
        self.memory = MemoryHome(settings, engine, self.encoder, self._stored_encoder)
        self._lock = threading.RLock()
        self._encoder: Encoder | None = None
        self._indexes: SearchIndexes | None = None
        self._nodes: NodeIndex | None = None
        self._known: tuple[LibraryState, list[DocumentRecord]] | None = None

    def encoder(self, progress: Progress = silent) -> Encoder:
        """The encoder, loaded on first use."""
        with self._lock:
            if self._encoder is None:
                self._encoder = self.backends.encoder(progress)
            return self._encoder

    def add(self, paths: Sequence[Path], progress: Progress = silent) -> Iterator[AddedDocument]:
        """Add files, and the documents in folders, one after the other; resumable at any moment.

        What is wrong with one file is its own result and does not stop the others. The indexes are
        brought up to date after the last. All of it is a job: interrupted, the same call goes on with it.
        """
        yield from self._add_jobs.add(paths, progress)
        with self._held_adder(progress) as adder:
            self._bring_up_to_date(adder)
            if self.store.records():
                self.indexes(progress)

    def add_documents(
        self, documents: Sequence[tuple[Document, str, str]], progress: Progress = silent
    ) -> list[AddedDocument]:
        """Add Documents that are already loaded, each with its content hash and the name of its origin."""
        with self._adding(progress):
            adder = self._adder(progress)
            return [adder.add_document(*each) for each in documents]

    def summarize(
        self,
        references: Sequence[str],
        wanted: Wanted,
        out: Path | None = None,
        progress: Progress = silent,
        told: Callable[[Estimate], None] = lambda _: None,
    ) -> tuple[list[Named], list[Failed]]:
        """Summarise files, folders or documents as one job; see `app.summaries.job`."""
        return summarize(
            references, wanted, out, self.store, self.jobs, self.summarizer, adding_task, progress, told
        )

    def documents(self) -> list[DocumentRecord]:
        """All documents, oldest first."""
        return self.store.records()

    def document(self, reference: str) -> DocumentRecord:
        """The document that goes by an id (or its start), title, path or file name."""
        return self.store.resolve(reference)

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
        with self._adding(progress):
            versions = self.store.versions(reference)
            record = versions[-1]
            # First, so that after a kill a document may lack the jobs that added it, and not they it.
            self._add_jobs.forget(record)
            self.trees.forget(record)
            if delete is not None:
                delete(versions)
            else:
                for each in versions:
                    self.store.remove(each.key)
            self.indexes(progress)
        return record

    def purge_indexes(self, progress: Progress = silent) -> None:
        """Write anew the indexes of which a file may still hold something that was removed."""
        if self.settings.indexes.exists():
            self.indexes(progress).purge(progress)
        if (self.settings.indexes / NODES).exists():
            with self._lock:
                self._node_index().refresh(progress)

    def indexes(self, progress: Progress = silent) -> SearchIndexes:
        """The indexes, in step with the database."""
        with self._lock:
            if self._indexes is None:
                self._indexes = SearchIndexes.open(
                    self.settings.indexes,
                    lambda: library_state(self.engine),
                    lambda: IndexRowStore(self.engine, *self._stored_encoder()),
                    self.backends.encoder_fingerprint,
                    progress=progress,
                )
            else:
                self._indexes.refresh(progress)
            return self._indexes

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
            user: Who asks; None for the one that the settings name.
            incognito: Nothing of it is recalled, remembered, cached, counted or written anywhere; its thread
                is one of `incognito`, which ends with this library. What it needs of documents, such as
                a tree, is built and kept as ever.
            no_spoilers: Only from what the user has read, as the reading positions say; the question's own
                words may ask for that as well (`app.spoilers`).

        Raises:
            EmptyLibraryError: If there is neither a document nor a thread to be answered from.
            UnknownDocumentError: If a document named is not there.
            SettingsError: If there is no such route, or the question is empty.
            PositionError: If it asks for no spoilers, and it is not known how far the user has read.
            ModelError: If a language model cannot be asked.
            StoppedError: If it was stopped.
        """
        remembers = self.settings.memory == "on" and not incognito
        chosen_route = _checked_route(question, route, thread, remembers)
        records, user = self._ready(), user or self.settings.user
        if not records and not (remembers and (thread is not None or self.memory.holds(user))):
            raise EmptyLibraryError("There is no document to ask yet; add one with `clew add PATH`.")
        ids = {self.store.resolve(each).id for each in documents}
        if any(record.recipe != self.recipe for record in records):
            with self._adding(progress):
                self._bring_up_to_date(self._adder(progress))
        indexes = self.indexes(progress)
        # After the indexes: what they hold is then at most older than what is known here, and skipped.
        records = self._ready()
        chosen = [record for record in records if not ids or record.id in ids]
        if not chosen and ids:
            raise UnknownDocumentError("The documents to ask have been removed meanwhile.")
        question = clean_question(question)
        wish, reading = self._without_spoilers(question, user, chosen, bool(ids), no_spoilers)
        meant = wish if reading is not None else None
        if meant is not None and meant.recap and chosen_route == "auto":
            chosen_route = "whole"
        memory = self.memory.recollector(user, progress) if remembers else None
        if memory is not None and reading is not None:
            memory.stream.hides = reading.hides
        asked = Asked(
            question=question,
            plain=question if meant is None else meant.question,
            documents=chosen if reading is None else reading.documents,
            everything=not ids and (reading is None or reading.all_of_it),
            route=chosen_route,
            threads=self.incognito if incognito else ThreadStore(self.engine, user),
            memory=memory,
            thread=None if thread is None else clean_question(thread),
            key=f"{self.backends.reader.key} {library_state(self.engine)}",
            on_step=step or (lambda _: None),
            on_draft=draft,
            cancellation=cancellation,
            incognito=incognito,
            reading=reading,
        )
        answer = self._agent(indexes, progress, incognito, reading).ask(asked, progress)
        return answer if wish is meant else replace(answer, notes=(*answer.notes, NO_POSITION))

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
        """What is remembered of a user; None for the one that the settings name."""
        return Memories(self, self.settings.user if user is None else user)

    def close(self) -> None:
        """Free the language model, the connections and the checkpoint file."""
        self.backends.reader.close()
        self.agents.close()
        self.engine.dispose()

    def _without_spoilers(
        self, question: str, user: str, asked: Sequence[DocumentRecord], named: bool, no_spoilers: bool
    ) -> tuple[SpoilerWish | None, Reading | None]:
        """What a question says of spoilers, and what has been read, where nothing else is to be told.

        A wish that may mean something else is not heeded where no position is known.
        """
        wish = spoiler_wish(question, no_spoilers)
        if wish is None and not no_spoilers:
            return None, None
        positions = ReadingPositions(self.engine, user).all()
        known = {each.document for each in positions}
        if not no_spoilers and not (wish and wish.sure) and not any(each.id in known for each in asked):
            return (wish if asked else None), None
        return wish, reading_of(self.engine, positions, asked, named)

    def _agent(
        self, indexes: SearchIndexes, progress: Progress, incognito: bool, reading: Reading | None
    ) -> Agent:
        rows = SearchRowStore(self.engine, *self._stored_encoder())
        search = HybridSearch(
            indexes.chunks,
            indexes.sentences,
            indexes.chunk_words,
            indexes.neighbourhood_words,
            rows,
            self._collapsed(indexes, progress),
        )
        statistics: WordStatistics = indexes.chunk_words
        find_tree: FindTree = partial(self._tree, progress=progress)
        if reading is None or reading.all_of_it:
            return self.agents.agent(search, statistics, rows, self.encoder(), find_tree, progress, incognito)
        read = reading.rows(rows)
        search, statistics = reading.search(search, indexes, read), reading.words(indexes)[0]
        find_tree = reading.find_tree(find_tree, rows)
        return self.agents.agent(search, statistics, read, self.encoder(), find_tree, progress, incognito)

    def _collapsed(self, indexes: SearchIndexes, progress: Progress) -> CollapsedTree | None:
        """The index of all nodes of the trees that are there, if it is wished for."""
        if self.settings.collapsed_tree == "off":
            return None
        with self._lock:
            nodes = self._node_index()
            nodes.refresh(progress)
            return CollapsedTree(nodes.index, indexes.chunks, nodes.rows)

    def _node_index(self) -> NodeIndex:
        if self._nodes is None:
            self._nodes = NodeIndex(
                self.settings.indexes,
                library_state(self.engine).identity,
                lambda: NodeRowStore(self.engine, *self._stored_encoder()),
                self.backends.encoder_fingerprint,
            )
        return self._nodes

    def _tree(self, record: DocumentRecord, progress: Progress) -> tuple[SummaryTree, str]:
        """The tree that a question uses: the reader's own if it is there, else one that is quickly built."""
        own = self.trees.ready(record)
        if own is not None:
            return own, ""
        quick = self.trees.ensure_extractive(record, progress)
        if self.backends.reader.key == "extractive":
            return quick, ""
        return quick, "over extractive summaries, because `clew tree DOC` has not built the reader's own"

    def _ready(self) -> list[DocumentRecord]:
        """All documents, read again only when something has changed."""
        state = library_state(self.engine)
        if self._known is None or self._known[0] != state:
            self._known = state, self.store.records()
        return self._known[1]

    def _bring_up_to_date(self, adder: Adder) -> None:
        """Cut and encode again what was stored for another encoder, then drop that encoder's embeddings."""
        outdated = self.store.outdated(self.recipe)
        for record in outdated:
            adder.redo(record)
        if outdated:
            self.store.drop_interrupted(self.recipe)
            delete_other_encoders(self.engine, self._stored_encoder()[0])

    @contextmanager
    def _held_adder(self, progress: Progress, cancellation: Cancellation | None = None) -> Iterator[Adder]:
        with self._adding(progress, cancellation):
            yield self._adder(progress, cancellation)

    def _adder(self, progress: Progress, cancellation: Cancellation | None = None) -> Adder:
        def prepare() -> None:
            if self._encoder is None:
                threading.Thread(target=self._load_quietly, args=(progress,), daemon=True).start()

        return Adder(
            store=self.store,
            units=self.units,
            recipe=self.recipe,
            encoder=lambda: self.encoder(progress),
            encoder_key=lambda: self._stored_encoder()[0],
            load=self.backends.load,
            prepare=prepare,
            progress=progress,
            stopped=lambda: cancellation is not None and cancellation.by_hand,
        )

    def _load_quietly(self, progress: Progress) -> None:
        """Load the encoder ahead of its use; if that fails, whoever uses it meets the error again."""
        try:
            self.encoder(progress)
        except ClewError:
            return

    def _stored_encoder(self) -> tuple[int, int]:
        """Key and width of the encoder in the store; it is loaded only if it has never been used there."""
        known = known_encoder(self.engine, self.backends.encoder_fingerprint)
        if known is not None:
            return known
        encoder = self.encoder()
        return note_encoder(self.engine, encoder.fingerprint, encoder.name, encoder.dim)

    @contextmanager
    def _adding(
        self, progress: Progress = silent, cancellation: Cancellation | None = None
    ) -> Iterator[None]:
        """Held while documents are added or removed: two processes would encode the same units twice.

        Raises:
            StoppedError: If it is cancelled while it waits for another process.
        """
        self.settings.home.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.settings.home / "adding.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress(Event("wait", "another clew adds or removes documents"))
            while not _acquired(lock):
                if cancellation is not None and cancellation.by_hand:
                    raise StoppedError("Adding was stopped while another clew was at it.") from None
        try:
            yield
        finally:
            lock.release()


def _acquired(lock: FileLock) -> bool:
    """Whether it could be had within the time in which a stop is noticed."""
    try:
        lock.acquire(timeout=0.25)
    except Timeout:
        return False
    return True


def _checked_route(question: str, route: str, thread: str | None, remembers: bool) -> Route | Literal["auto"]:
    found = next((each for each in ROUTES if each == route), None)
    if found is None:
        raise SettingsError(f"The route {route!r} is none of {', '.join(ROUTES)}.")
    if not question.strip():
        raise SettingsError("The question is empty.")
    # What is too long to be looked up is still kept in a thread.
    longest = LONGEST_MESSAGE if remembers and thread is not None else LONGEST_QUESTION
    if len(question) > longest:
        can = "kept" if longest == LONGEST_MESSAGE else "asked"
        raise SettingsError(
            f"The question has {len(question):,} characters; at most {longest:,} can be {can}."
        )
    if thread is not None and not (thread.strip() and len(thread) <= LONGEST_THREAD):
        raise SettingsError(f"The name of a thread has 1 to {LONGEST_THREAD} characters.")
    return found

"""A library: everything that the command line and the pages can do with the documents of one user."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sqlalchemy import Engine

from app.adding import AddedDocument
from app.answer_jobs import Answers, answer_kind
from app.backends import Backends
from app.config import Settings
from app.document_views import DocumentView
from app.errors import SettingsError
from app.events import Progress, silent
from app.indexing import SearchIndexes
from app.jobs.estimates import Estimate
from app.library_home import LibraryHome
from app.library_questions import LibraryQuestions
from app.memories import LONGEST_USER, Memories
from app.questions import ROUTES
from app.summaries.job import Failed, Named
from app.summaries.wanted import Wanted
from memory.answer_tasks import ANSWER
from memory.collections import CollectionStore
from memory.documents import DocumentRecord
from memory.threads import storable
from retrieval.document import Document
from retrieval.encoder import Encoder

__all__ = ["ROUTES", "Backends", "Library"]


class Library(LibraryQuestions):
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
        self.agents, self.collections = self.home.agents, CollectionStore(engine, self.user)
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

    def take_over(self, old: Library) -> None:
        """Have what the users of another library of the same home keep nowhere be theirs here as well.

        What `old` is answering of it goes on there: close it only when it is not `answering_incognito`.
        """
        self.home.incognito_room = old.home.incognito_room
        for user, each in list(old.home.libraries.items()):
            mine = self.for_user(user)
            mine.incognito = each.incognito
            mine.answers.take_over(each.answers)

    @property
    def answering_incognito(self) -> bool:
        """Whether an answer that is written nowhere is being made here, for any user."""
        return any(each.answers.making_incognito for each in list(self.home.libraries.values()))

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
        patience: float = math.inf,
    ) -> DocumentRecord:
        """Remove everything of a document, from the database and from the indexes.

        A version of it that was begun and never finished goes with it. Where no finished document is meant,
        one that was only begun can be named by its id or path. `delete` takes these versions out of the
        database, where more is to go than their own rows. It is waited for files that are being added, at
        most for `patience` seconds.

        Raises:
            UnknownDocumentError: If none is meant.
            AmbiguousDocumentError: If several are.
            BusyError: If it has waited so long.
        """
        # Not while a document is added: it may count on embeddings that would go now.
        with self.home.adders.alone(progress, patience=patience):
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

    def memories(self, user: str | None = None) -> Memories:
        """What is remembered of a user; None for the one whose library this is."""
        return Memories(self, self.user if user is None else user)

    def close(self) -> None:
        """Free what all users of the home share: language model, connections, checkpoint file."""
        self.home.close()

"""The jobs of one user: started for a worker to do, looked at, paused, cancelled, gone on with."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from app.add_jobs import AddJobs
from app.jobs.estimates import Estimate, JobProgress
from app.library_home import INDEX, LibraryHome
from app.summaries.job import Failed, Named, SummaryJobs
from app.summaries.wanted import Wanted
from memory.documents import DocumentRecord, DocumentStore
from memory.job_events import JobEvent
from memory.job_records import JobRecord, TaskRecord
from memory.threads import storable

__all__ = ["LibraryJobs"]


class LibraryJobs:
    """The part of a library that works through jobs; nothing that is started here runs in the caller.

    A job of another user is as if it were not there.

    Args:
        home: What all users share.
        user: Whose jobs.
    """

    def __init__(self, home: LibraryHome, user: str) -> None:
        self.home, self.user, self.jobs = home, storable(user), home.jobs
        self.store = DocumentStore(home.engine, self.user)
        self._adding = AddJobs(self.jobs, self.store, home.recipe, self.user)
        self._summaries = SummaryJobs(self.store, self.jobs, home.summarizer, self.user)

    def estimate_adding(self, paths: Sequence[Path]) -> Estimate:
        """What adding files, and the documents in folders, will take."""
        return self._adding.estimate(paths)

    def start_adding(self, paths: Sequence[Path]) -> JobRecord:
        """Start a job that adds files, and the documents in folders; its last task makes them searchable.

        What is wrong with one file fails its task and does not stop the others. The same that was begun
        before is gone on with. A file in the user's folder of uploads is deleted once it has been added.

        Raises:
            SettingsError: If there is nothing to add.
        """
        self.home.uploads.remove_abandoned(self.user, self._adding.files())
        return self._adding.start(paths, INDEX)

    def start_tree(self, reference: str) -> JobRecord:
        """Start a job that builds the summary tree of a document by the reader that is set.

        Raises:
            UnknownDocumentError: If none is meant.
            AmbiguousDocumentError: If several are.
        """
        return self.home.trees.start(self.store.resolve(reference))

    def estimate_summaries(self, references: Sequence[str], wanted: Wanted) -> Estimate:
        """What summarising documents would take; errors as for `start_summaries`."""
        return self._summaries.estimate(references, wanted)

    def start_summaries(self, references: Sequence[str], wanted: Wanted) -> JobRecord:
        """Start a job that summarises documents; its results are kept with it, no file is written.

        Raises:
            UnknownDocumentError: If one that is named is not there.
            AmbiguousDocumentError: If a name means several.
            SettingsError: If none is named.
        """
        return self._summaries.start(references, wanted)

    def summary_results(self, job_id: str) -> tuple[list[Named], list[Failed]]:
        """The summaries that a job has made so far, and the documents that it has failed for.

        Raises:
            UnknownJobError: If the user has no job of summaries of that id.
        """
        return self._summaries.results(self.job(job_id))

    def job_list(
        self,
        kinds: Collection[str] | None = None,
        limit: int | None = 100,
        document: DocumentRecord | None = None,
    ) -> list[tuple[JobRecord, JobProgress]]:
        """The latest jobs, of some kinds or of all, newest first, and how far they are.

        With `document`, only those that were asked for it, alone or among others.
        """
        naming = () if document is None else (document.id, document.path)
        records = self.jobs.store.records(limit, self.user, kinds, naming)
        return [(record, self.jobs.progress(record)) for record in records]

    def job(self, job_id: str) -> JobRecord:
        """The job of that id.

        Raises:
            UnknownJobError: If the user has none.
        """
        return self.jobs.store.get(job_id, self.user)

    def find_job(self, reference: str) -> JobRecord:
        """The job whose id begins so.

        Raises:
            UnknownJobError: If the user has none.
            AmbiguousJobError: If there are several.
        """
        return self.jobs.store.resolve(reference, self.user)

    def job_tasks(self, job_id: str) -> list[TaskRecord]:
        """The tasks of a job in their order; errors as for `job`."""
        return self.jobs.store.tasks(self.job(job_id).id)

    def job_events(self, job_id: str, after: int = 0) -> list[JobEvent]:
        """What a job has told since the event of that key; errors as for `job`."""
        return self.jobs.events.read(self.job(job_id).key, after)

    def pause_job(self, job_id: str) -> JobRecord:
        """Begin no more tasks of a job; those that run may end.

        Raises:
            UnknownJobError: If the user has none of that id.
            JobStateError: If it has ended.
        """
        return self.jobs.store.pause(self.job(job_id).id, "by hand")

    def cancel_job(self, job_id: str) -> JobRecord:
        """End a job for good, what it has stored is kept; uploaded files that it has not added go.

        Raises:
            UnknownJobError: If the user has none of that id.
            JobStateError: If it has ended.
        """
        record = self.jobs.cancel(self.job(job_id).id)
        self.home.uploads.remove(self._adding.files(record))
        return record

    def resume_job(self, job_id: str) -> JobRecord:
        """Go on with a paused job, and try again what failed in any.

        Raises:
            UnknownJobError: If the user has none of that id.
            JobStateError: If it was cancelled, or there is nothing to do again.
        """
        record = self.jobs.store.resume(self.job(job_id).id)
        self.jobs.wake()
        return record

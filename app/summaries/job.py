"""Documents summarised as one job: run here, or only started for a worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from app.add_jobs import adding_task
from app.adding import files_of
from app.errors import JobHaltedError, SettingsError, TreeError
from app.events import Progress
from app.jobs.estimates import Estimate
from app.jobs.running import Jobs
from app.summaries.expected import expected, size_of
from app.summaries.files import file_names, prepare_folder
from app.summaries.report import DocumentSummary
from app.summaries.summarizer import Summarizer, SummaryRequest
from app.summaries.wanted import Wanted
from memory.documents import DocumentStore
from memory.errors import UnknownDocumentError, UnknownJobError
from memory.job_records import JobRecord
from retrieval.loaders import content_hash

__all__ = ["Failed", "Named", "SummaryJobs"]

KIND: Final = "summarize"
Told = Callable[[Estimate], None]
Named = tuple[str, DocumentSummary]
"""A summary, and the name of its files."""
Failed = tuple[str, str]
"""The path of a document, and why it has no summary."""


class SummaryJobs:
    """Summarises documents of one user, many in one job.

    Args:
        documents: Of the user.
        jobs: Of the home.
        summarizer: Does the tasks.
        owner: The user.
    """

    def __init__(self, documents: DocumentStore, jobs: Jobs, summarizer: Summarizer, owner: str) -> None:
        self._documents, self._jobs, self._summarizer, self._owner = documents, jobs, summarizer, owner

    def run(
        self, references: Sequence[str], wanted: Wanted, out: Path | None, progress: Progress, told: Told
    ) -> tuple[list[Named], list[Failed]]:
        """Summarise documents; interrupted, the same call goes on with the job that it has begun.

        Args:
            references: Files, folders of files, or documents of the library.
            wanted: How each is summarised.
            out: Folder of the files; None writes none.
            progress: Told what is waited for.
            told: Told before it begins what it will take.

        Returns:
            The summaries with the names of their files, and the paths of documents that have none, with the
            reason, both in the order in which they were asked for.

        Raises:
            UnknownDocumentError: If something named is neither a file nor a document.
            OutputError: If files cannot be written into `out`.
            JobHaltedError: If the job was paused or cancelled by somebody else.
        """
        requests = _requests(references, wanted, self._documents)
        if out is not None:
            out = out.absolute()
            prepare_folder(out, {request.name: request.path for request in requests})
        estimate = self._estimate(requests, wanted)
        told(estimate)
        job = self._started(requests, wanted, out, estimate)
        record = self._jobs.run(job.id, progress)
        if record.state == "cancelled":
            raise JobHaltedError(f"Job {job.id} was cancelled; the same command begins anew.")
        return self.results(record)

    def estimate(self, references: Sequence[str], wanted: Wanted) -> Estimate:
        """What summarising documents of the library would take.

        Raises:
            UnknownDocumentError: If one of them is not there.
        """
        return self._estimate(self._of_library(references, wanted), wanted)

    def start(self, references: Sequence[str], wanted: Wanted) -> JobRecord:
        """Write the job that summarises documents of the library, for a worker to do; no files are written.

        Raises:
            UnknownDocumentError: If one of them is not there.
            SettingsError: If none is named.
        """
        requests = self._of_library(references, wanted)
        return self._started(requests, wanted, None, self._estimate(requests, wanted))

    def results(self, job: JobRecord) -> tuple[list[Named], list[Failed]]:
        """What a job has come to so far: see `run`; what is not done yet is in neither list.

        Raises:
            UnknownJobError: If it is none that makes summaries.
        """
        if job.kind != KIND or "paths" not in job.spec:
            raise UnknownJobError(f"The job {job.id} has no summaries to show.")
        numbers = range(1, len(job.spec["paths"]) + 1)
        summaries = self._jobs.store.results(job.id, [f"summary of {number}" for number in numbers])
        files = self._jobs.store.results(job.id, [f"write {number}" for number in numbers])
        written = job.spec["out"] is not None
        there = {(record.id, record.content_hash) for record in self._documents.records()}
        done: list[Named] = []
        failed: list[Failed] = []
        for number, name, path in zip(numbers, job.spec["names"], job.spec["paths"], strict=True):
            summary = summaries.get(f"summary of {number}")
            if summary is not None and (not written or f"write {number}" in files):
                subject = summary["subject"]
                if (subject["document"], subject["content_hash"]) not in there:
                    failed.append((path, "The document was removed or changed since; summarise it again."))
                    continue
                try:
                    done.append((name, self._summarizer.report(summary)))
                except TreeError as error:
                    failed.append((path, str(error)))
            elif job.ended:
                failed.append((path, self._summarizer.failure(job.id, number)))
        return done, failed

    def _of_library(self, references: Sequence[str], wanted: Wanted) -> list[SummaryRequest]:
        if not references:
            raise SettingsError("There is no document to summarise.")
        known = {record.id: record for record in self._documents.records()}
        meant = [known.get(each) or self._documents.resolve(each) for each in references]
        records = {record.id: record for record in meant}
        names = file_names([record.path for record in records.values()], wanted)
        return [
            SummaryRequest(record.path, name, record.id)
            for record, name in zip(records.values(), names, strict=True)
        ]

    def _started(
        self, requests: Sequence[SummaryRequest], wanted: Wanted, out: Path | None, estimate: Estimate
    ) -> JobRecord:
        """The job, begun or adopted; one whose texts have changed since is cancelled and begun anew."""
        spec: dict[str, Any] = {
            "documents": [request.document or request.path for request in requests],
            "paths": [request.path for request in requests],
            "names": [request.name for request in requests],
            "method": wanted.method,
            "words": wanted.words,
            "part": wanted.part,
            "out": None if out is None else str(out),
            "reader": self._summarizer.reader.key,
        }
        title = f"Summarise {requests[0].name if len(requests) == 1 else f'{len(requests)} documents'}"
        tasks = self._summarizer.tasks(requests, wanted, out)

        def begun() -> JobRecord:
            return self._jobs.start(KIND, title, spec, tasks, estimate=estimate, owner=self._owner)

        job = begun()
        if not _outdated(job.id, requests, self._documents, self._jobs):
            return job
        # What it has made is kept; with other texts it comes to other tasks.
        self._jobs.store.cancel(job.id)
        return begun()

    def _estimate(self, requests: Sequence[SummaryRequest], wanted: Wanted) -> Estimate:
        """What is still to be made: a tree that is there needs no more than the last step."""
        trees = self._summarizer.methods.trees
        known = {record.id: record for record in self._documents.records()}
        records = [known.get(request.document) for request in requests]
        ready: set[str] = set()
        if wanted.method == "hierarchical":
            ready = trees.which_ready([record for record in records if record is not None])
        sizes = [
            0 if request.document in ready else size_of(Path(request.path), record)
            for request, record in zip(requests, records, strict=True)
        ]
        adds = [request.add for request in requests if request.add]
        return expected(sizes, adds, wanted, trees.settings, self._jobs)


def _requests(references: Sequence[str], wanted: Wanted, documents: DocumentStore) -> list[SummaryRequest]:
    """What is meant, each document once: files that are there, else documents of the library."""
    found: dict[str, tuple[str, str]] = {}
    for reference in references:
        if Path(reference).exists():
            files = list(files_of([Path(reference)]))
            if [Path(reference)] == files and Path(reference).is_dir():
                raise UnknownDocumentError(f"There is no document in the folder {reference!r}.")
            for file in files:
                found.setdefault(str(file.absolute()), (str(file.absolute()), ""))
            continue
        try:
            record = documents.resolve(reference)
        except UnknownDocumentError as error:
            raise UnknownDocumentError(
                f"There is neither a file nor a document called {reference!r}; `clew list` shows these."
            ) from error
        found.setdefault(record.path, (record.path, record.id))
    requests: list[SummaryRequest] = []
    names = file_names([path for path, _ in found.values()], wanted)
    for number, ((path, id), name) in enumerate(zip(found.values(), names, strict=True), start=1):
        add = None if id else adding_task(Path(path), f"add {number}")
        requests.append(SummaryRequest(path, name, id, add))
    return requests


def _outdated(job: str, requests: Sequence[SummaryRequest], documents: DocumentStore, jobs: Jobs) -> bool:
    """Whether a job that was begun before goes by texts or files that are not what they were."""
    numbers = range(1, len(requests) + 1)
    plans = jobs.store.results(job, [f"plan {number}" for number in numbers])
    writes = jobs.store.results(job, [f"write {number}" for number in numbers])
    for number, request in zip(numbers, requests, strict=True):
        if f"write {number}" in writes and not all(
            Path(file).exists() for file in writes[f"write {number}"]["files"]
        ):
            return True
        if f"plan {number}" not in plans:
            continue
        subject = plans[f"plan {number}"]["subject"]
        record = documents.ready(subject["content_hash"])
        if record is None or record.id != subject["document"]:
            return True
        if request.add and subject["content_hash"] != content_hash(Path(request.path)):
            return True
    return False

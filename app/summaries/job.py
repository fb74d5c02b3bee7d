"""One command's documents summarised as one job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from app.adding import files_of
from app.errors import JobHaltedError
from app.events import Progress
from app.jobs.contract import NewTask
from app.jobs.estimates import Estimate
from app.jobs.running import Jobs
from app.summaries.expected import expected, size_of
from app.summaries.files import file_names, prepare_folder
from app.summaries.report import DocumentSummary
from app.summaries.summarizer import Summarizer, SummaryRequest
from app.summaries.wanted import Wanted
from memory.documents import DocumentStore
from memory.errors import UnknownDocumentError
from retrieval.loaders import content_hash

__all__ = ["summarize"]

AddTask = Callable[[Path, str], NewTask]
"""Makes the task that adds a file, under a name."""
Named = tuple[str, DocumentSummary]
"""A summary, and the name of its files."""
Failed = tuple[str, str]
"""The path of a document, and why it has no summary."""


def summarize(
    references: Sequence[str],
    wanted: Wanted,
    out: Path | None,
    documents: DocumentStore,
    jobs: Jobs,
    summarizer: Summarizer,
    add_task: AddTask,
    progress: Progress,
    told: Callable[[Estimate], None],
) -> tuple[list[Named], list[Failed]]:
    """Summarise documents; interrupted, the same call goes on with the job that it has begun.

    Args:
        references: Files, folders of files, or documents of the library.
        wanted: How each is summarised.
        out: Folder of the files; None writes none.
        documents: Of the library.
        jobs: Of the library.
        summarizer: Does the tasks.
        add_task: Makes the task that adds a file.
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
    requests = _requests(references, wanted, documents, add_task)
    if out is not None:
        out = out.absolute()
        prepare_folder(out, {request.name: request.path for request in requests})
    spec: dict[str, Any] = {
        "documents": [request.document or request.path for request in requests],
        "method": wanted.method,
        "words": wanted.words,
        "part": wanted.part,
        "out": None if out is None else str(out),
        "reader": summarizer.reader.key,
    }
    title = f"Summarise {requests[0].name if len(requests) == 1 else f'{len(requests)} documents'}"
    estimate = _estimate(requests, wanted, documents, jobs, summarizer)
    told(estimate)
    tasks = summarizer.tasks(requests, wanted, out)
    job = jobs.start("summarize", title, spec, tasks, estimate=estimate)
    if _outdated(job.id, requests, documents, jobs):
        # What it has made is kept; with other texts it comes to other tasks.
        jobs.store.cancel(job.id)
        job = jobs.start("summarize", title, spec, tasks, estimate=estimate)
    record = jobs.run(job.id, progress)
    if record.state == "cancelled":
        raise JobHaltedError(f"Job {job.id} was cancelled; the same command begins anew.")
    names = [f"summary of {number}" for number in range(1, len(requests) + 1)]
    results = jobs.store.results(job.id, names)
    done: list[tuple[str, DocumentSummary]] = []
    failed: list[tuple[str, str]] = []
    written = [f"write {number}" for number in range(1, len(requests) + 1)]
    files = jobs.store.results(job.id, written) if out is not None else {}
    for number, (request, name) in enumerate(zip(requests, names, strict=True), start=1):
        if name in results and (out is None or written[number - 1] in files):
            done.append((request.name, summarizer.report(results[name])))
        else:
            failed.append((request.path, summarizer.failure(job.id, number)))
    return done, failed


def _requests(
    references: Sequence[str], wanted: Wanted, documents: DocumentStore, add_task: AddTask
) -> list[SummaryRequest]:
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
        add = None if id else add_task(Path(path), f"add {number}")
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


def _estimate(
    requests: Sequence[SummaryRequest],
    wanted: Wanted,
    documents: DocumentStore,
    jobs: Jobs,
    summarizer: Summarizer,
) -> Estimate:
    """What is still to be made: a tree that is there needs no more than the last step."""
    known = {record.id: record for record in documents.records()}
    sizes: list[int] = []
    for request in requests:
        record = known.get(request.document)
        whole = wanted.method == "hierarchical" and record is not None
        ready = whole and record is not None and summarizer.methods.trees.ready(record) is not None
        sizes.append(0 if ready else size_of(Path(request.path), record))
    adds = [request.add for request in requests if request.add]
    return expected(sizes, adds, wanted, summarizer.methods.trees.settings, jobs)

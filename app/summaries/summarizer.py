"""From documents to summaries and their files: the tasks of a job, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

from app.events import Event
from app.jobs.contract import NewTask, Outcome, TaskKind, Work
from app.jobs.running import Jobs
from app.models import MakeReader
from app.summaries.blocks import innermost
from app.summaries.combined import combined_json, combined_markdown
from app.summaries.figures import measure
from app.summaries.files import COMBINED, write_report
from app.summaries.methods import SummaryMethods
from app.summaries.parts import Part, part_of
from app.summaries.payloads import Subject, UnitResult
from app.summaries.report import DocumentSummary, Source, SourcedSentence, summary_json, summary_markdown
from app.summaries.units import SummarySource, SummaryUnits
from app.summaries.wanted import Wanted
from app.trees import Trees
from memory.search_rows import SearchRowStore
from retrieval.document import Document, Span

__all__ = ["Summarizer", "SummaryRequest"]

MOST_NOTES: Final = 3


class SummaryRequest:
    """One document of a job: a file that a task adds, or a document of the library by its id."""

    __slots__ = ("add", "document", "name", "path")

    def __init__(self, path: str, name: str, document: str = "", add: NewTask | None = None) -> None:
        self.path, self.name, self.document, self.add = path, name, document, add


class Summarizer:
    """Summarises documents of one library.

    Args:
        units: Makes single summaries.
        methods: Joins them.
        reader: Says how many summaries are worth making at once.
        rows: Where pages and sections are looked up.
        errors: For a job and the names of tasks, the errors of those that failed.
    """

    def __init__(
        self,
        units: SummaryUnits,
        methods: SummaryMethods,
        reader: MakeReader,
        rows: Callable[[], SearchRowStore],
        errors: Callable[[str, Sequence[str]], Mapping[str, str]],
    ) -> None:
        self.units, self.methods, self.reader, self.rows, self.errors = units, methods, reader, rows, errors

    @classmethod
    def of(cls, trees: Trees, jobs: Jobs, reader: MakeReader) -> Summarizer:
        """The summarizer of the library whose trees and jobs these are."""
        units = SummaryUnits(
            trees.documents,
            trees.summaries,
            trees.store,
            reader,
            trees.encoder,
            trees.encoder_key,
            trees.fingerprint,
        )

        def errors(job: str, names: Sequence[str]) -> dict[str, str]:
            failed = jobs.store.tasks(job, "failed")
            return {each.name: each.error or "it failed" for each in failed if each.name in names}

        return cls(
            units,
            SummaryMethods(units, trees),
            reader,
            lambda: SearchRowStore(trees.engine, *trees.encoder_key()),
            errors,
        )

    def kinds(self) -> dict[str, TaskKind]:
        """Who does the tasks, and how many at once."""

        def one() -> int:
            return 1

        def many() -> int:
            return self.reader.at_once

        def speed() -> str:
            return self.reader.key

        return {
            "plan-summary": TaskKind(self.plan, one),
            "summary-unit": TaskKind(self.methods.unit, many, speed),
            "summary-step": TaskKind(self.methods.step, many, speed),
            "summary-merge": TaskKind(self.methods.merge, one),
            "summary": TaskKind(self.finish, many, speed),
            "write-summary": TaskKind(self.write, one),
            "combine-summaries": TaskKind(self.combine, one),
        }

    def tasks(self, requests: Sequence[SummaryRequest], wanted: Wanted, out: Path | None) -> list[NewTask]:
        """The first tasks of a job; the others follow from them."""
        tasks: list[NewTask] = []
        for number, request in enumerate(requests, start=1):
            payload = {
                "number": number,
                "document": request.document,
                "add": request.add.name if request.add else "",
                "method": wanted.method,
                "words": wanted.words,
                "part": wanted.part,
            }
            if request.add:
                tasks.append(request.add)
            needs = (request.add.name,) if request.add else ()
            tasks.append(NewTask(f"plan {number}", "plan-summary", payload, 0.0, needs))
            if out is not None:
                write = {"number": number, "out": str(out), "name": request.name}
                follows = (f"plan {number}", f"summary of {number}")
                tasks.append(NewTask(f"write {number}", "write-summary", write, 0.0, follows))
        if out is not None and len(requests) > 1:
            books = [{"number": n, "path": r.path, "name": r.name} for n, r in enumerate(requests, start=1)]
            waits = tuple(f"write {n}" for n in range(1, len(requests) + 1))
            payload = {"out": str(out), "books": books}
            tasks.append(NewTask("combine", "combine-summaries", payload, 0.0, waits=waits))
        return tasks

    def plan(self, work: Work) -> Outcome:
        """Find the part of a document, and the first summaries to be made of it."""
        wanted = Wanted(work.payload["method"], work.payload["words"], work.payload["part"])
        id = work.payload["document"]
        if not id:
            add = work.payload["add"]
            id = work.results((add,))[add]["record"]["id"]
        record = self.units.record(id)
        found: list[Part] = []

        def span(document: Document) -> Span:
            found.append(part_of(document, wanted.part))
            return found[0].span

        work.progress(Event("load", record.title))
        source = self.units.source_of(record, span)
        subject = Subject(
            document=record.id,
            content_hash=record.content_hash,
            start=source.span.start,
            end=source.span.end,
            name=found[0].name,
            number=work.payload["number"],
            method=wanted.method,
            words=wanted.words,
        )
        return Outcome({"subject": subject}, tuple(self.methods.begun(subject, source, work)))

    def finish(self, work: Work) -> Outcome:
        """Make the summary itself, of the length that was asked for."""
        subject: Subject = work.payload["subject"]
        wanted = Wanted(words=subject["words"])
        source = self.units.source(subject)
        pieces = self.methods.pieces(work.payload, work)
        made = self.units.make(
            source, pieces, at_least=wanted.fewest, most=wanted.words, spread=True, work=work
        )
        notes = list(made["notes"])
        if made["words"] > wanted.most:
            made = self.units.trimmed(source, made, wanted)
            notes.append(f"shortened to {made['words']} words by leaving sentences out")
        if made["words"] < wanted.fewest:
            why = self._why(source, wanted.fewest)
            notes.append(f"{made['words']} words where {wanted.words} were asked for: {why}")
        below = self.methods.remarks(work.payload)
        notes += [f"below it: {remark}" for remark in below[:MOST_NOTES]]
        if len(below) > MOST_NOTES:
            notes.append(f"and {len(below) - MOST_NOTES} remarks more about summaries below it")
        self.units.summaries.drop_outdated(subject["document"], subject["content_hash"])
        return Outcome({"subject": subject, "summary": made, "notes": notes, "reader": self._name(work)})

    def write(self, work: Work) -> Outcome:
        """Write the files of one summary."""
        name = f"summary of {work.payload['number']}"
        summary = self.report(work.results((name,))[name])
        out = Path(work.payload["out"])
        files = write_report(out, work.payload["name"], summary_markdown(summary, out), summary_json(summary))
        return Outcome({"files": [str(file) for file in files]})

    def combine(self, work: Work) -> Outcome:
        """Write the report of all summaries."""
        out = Path(work.payload["out"])
        books = work.payload["books"]
        names = [f"summary of {book['number']}" for book in books]
        results = work.results(tuple(names))
        done = [
            (book, self.report(results[name]))
            for book, name in zip(books, names, strict=True)
            if name in results
        ]
        failed = [
            (book["path"], self.failure(work.job, book["number"]))
            for book, name in zip(books, names, strict=True)
            if name not in results
        ]
        shown = [(book["name"], summary) for book, summary in done]
        files = write_report(
            out, COMBINED, combined_markdown(shown, failed, out), combined_json(shown, failed)
        )
        return Outcome({"files": [str(file) for file in files]})

    def failure(self, job: str, number: int) -> str:
        """Why a document of a job has no summary: the first error on its way."""
        steps = [f"add {number}", f"plan {number}", f"summary of {number}", f"write {number}"]
        errors = self.errors(job, steps)
        return next((errors[step] for step in steps if step in errors), "it was not finished")

    def report(self, result: Mapping[str, Any]) -> DocumentSummary:
        """The summary that a task has come to, with its sources looked up."""
        subject = cast(Subject, result["subject"])
        made = cast(UnitResult, result["summary"])
        source = self.units.source(subject)
        summary = self.units.read(source, made["piece"])
        sentences = tuple(
            SourcedSentence(each.text, tuple(self._looked_up(source, span) for span in each.sources))
            for each in summary.sentences
        )
        record = source.record
        return DocumentSummary(
            document=record.id,
            title=record.title,
            path=record.path,
            content_hash=record.content_hash,
            media_type=record.media_type,
            method=subject["method"],
            reader=result["reader"],
            part=subject["name"],
            span=source.span,
            target=subject["words"],
            sentences=sentences,
            figures=measure(
                [each.text for each in sentences],
                [[one.span for one in each.sources] for each in sentences],
                innermost(source.document.sections, source.span),
                source.span,
                "section" if any(s.span.overlaps(source.span) for s in source.document.sections) else "tenth",
            ),
            notes=tuple(result["notes"]),
        )

    def _looked_up(self, source: SummarySource, span: Span) -> Source:
        place = self.rows().place(source.record.key, span.start)
        return Source(span, place.page, " / ".join(place.sections), source.text[span.start : span.end])

    def _name(self, work: Work) -> str:
        return self.reader.for_job(work.job, work.progress, work.cancellation).name

    @staticmethod
    def _why(source: SummarySource, fewest: int) -> str:
        words = sum(
            len(source.text[s.start : s.end].split()) for s in source.sentences[source.first : source.end]
        )
        if words < fewest:
            return f"the text has only {words:,}"
        return "the reader gave no more"

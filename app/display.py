"""What a person sees in the terminal: progress on stderr, results on stdout.

Text of documents is printed as plain text: no markup in it is followed, no control character gets through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from app.adding import AddedDocument
from app.answers import Answer
from app.checks import Check
from app.events import Event, Progress, Step, silent
from memory.documents import DocumentRecord
from retrieval.chunking import flat
from retrieval.document import Document

__all__ = ["Asking", "Screen", "printable", "printable_lines"]

DRAFT_SHOWN: Final = 1_500
JOINERS: Final = "\u200c\u200d"
"""Not seen themselves, and part of the spelling of Persian, Hindi and other languages."""

WORDS: Final = {
    "wait": "Waiting:",
    "measure": "Measuring which number format is fastest here",
    "load": "Reading",
    "encode": "Encoding",
    "index": "Indexing",
    "model": "Loading",
    "resume": "Going on with an interrupted question, steps done before:",
    "question": "Asking",
    "step": "Step",
    "draft": "Writing",
    "summarise": "Summarising",
    "link": "Looking up what summaries rest on:",
    "write": "Writing",
    "vacuum": "Cleaning the files of",
    "search": "Looking for what was forgotten in",
    "state": "Job:",
    "failed": "Failed:",
    "done": "Done",
}


@dataclass(frozen=True, slots=True)
class Asking:
    """What draws a question that is being answered."""

    progress: Progress
    step: Callable[[Step], None]
    draft: Callable[[str | None], None]


def printable(text: str, flatten: bool = True) -> str:
    """The text on one line, without control characters that a terminal would act on."""
    shown = flat(text) if flatten else text.replace("\n", " ")
    return "".join(c if c.isprintable() or c in JOINERS else "\ufffd" for c in shown)


def printable_lines(text: str) -> str:
    """The same line by line: lists and tables of an answer stay what they are."""
    return "\n".join(printable(line) for line in text.split("\n"))


class Screen:
    """Two consoles; nothing but results goes to stdout."""

    def __init__(self) -> None:
        self.out = Console(highlight=False)
        self.err = Console(stderr=True, highlight=False)

    def error(self, message: str) -> None:
        """One sentence on stderr."""
        self.err.print(Text(f"clew: {printable(message)}"), soft_wrap=True)

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Draw progress bars on stderr while inside; a plain stderr gets no bars."""
        with Bar(*_columns(), console=self.err, transient=True, disable=not self.err.is_terminal) as bar:
            yield _bars(bar)

    @contextmanager
    def asking(self) -> Iterator[Asking]:
        """Draw steps and the draft of an answer on stderr while inside; a plain stderr gets nothing.

        The draft is dim and goes when the answer is there: it was not checked as a whole.
        """
        if not self.err.is_terminal:
            yield Asking(silent, lambda step: None, lambda text: None)
            return
        bar = Bar(*_columns(), console=self.err)
        draft = Text(style="dim italic")

        def step(done: Step) -> None:
            bar_events(Event("done", ""))
            line = f"  {done.name:<9} {printable(done.detail)}  {done.seconds:.2f} s"
            self.err.print(Text(line, style="dim"), soft_wrap=True)

        def write(text: str | None) -> None:
            if text is None:
                draft.plain = ""
            else:
                draft.append(printable(text, flatten=False))
                # A live display shows no more than the screen has.
                draft.plain = draft.plain[-DRAFT_SHOWN:]

        bar_events = _bars(bar)
        with Live(Group(bar, draft), console=self.err, transient=True, refresh_per_second=10):
            yield Asking(bar_events, step, write)

    def added(self, added: AddedDocument) -> None:
        """One line for one file, and one for its unread pages."""
        record = added.record
        if record is None:
            self.err.print(Text.assemble(("failed     ", "red"), added.error or ""), soft_wrap=True)
            return
        colour = {"added": "green", "updated": "yellow"}.get(added.status, "dim")
        pages = f", {record.pages} pages" if record.pages else ""
        self.out.print(
            Text.assemble(
                (f"{added.status:<11}", colour),
                f"{printable(record.title)}  ",
                (f"{record.id}  ", "cyan"),
                f"{record.characters:,} characters{pages}, {record.sections} sections, "
                f"{record.chunks} chunks, "
                f"{added.chunks_encoded} encoded, {added.seconds:.1f} s",
            ),
            soft_wrap=True,
        )
        if record.pages_unread:
            self.out.print(
                f"           no text layer, not read: {_ranges(record.pages_unread)}", soft_wrap=True
            )

    def documents(self, records: Sequence[DocumentRecord]) -> None:
        """The list of documents."""
        if not records:
            self.out.print("No documents yet; add one with `clew add PATH`.")
            return
        table = Table(box=None, pad_edge=False)
        table.add_column("id", no_wrap=True, min_width=12)
        table.add_column("title", overflow="ellipsis", no_wrap=True, ratio=1)
        for name in ("characters", "pages", "sections", "chunks"):
            table.add_column(name, justify="right", no_wrap=True, min_width=len(name))
        table.add_column("added", no_wrap=True, min_width=10)
        for record in records:
            table.add_row(
                record.id,
                Text(printable(record.title)),
                f"{record.characters:,}",
                str(record.pages or "-"),
                str(record.sections),
                str(record.chunks),
                f"{record.added_at:%Y-%m-%d}",
            )
        self.out.print(table)

    def document(self, record: DocumentRecord, document: Document) -> None:
        """A document with its table of contents."""
        self.out.print(Text(printable(record.title), style="bold"))
        self.out.print(Text(f"{record.id}  {record.media_type}  {printable(record.path)}"), soft_wrap=True)
        counts = f"{record.characters:,} characters, {record.pages} pages, {record.chunks} chunks"
        self.out.print(f"{counts}, added {record.added_at:%Y-%m-%d %H:%M}")
        if record.pages_unread:
            self.out.print(f"no text layer, not read: {_ranges(record.pages_unread)}")
        for section in document.sections:
            pages = [p.number for p in document.pages if p.span.start <= section.span.start and len(p.span)]
            page = f"  p. {pages[-1]}" if pages else ""
            self.out.print(Text(f"{'  ' * section.level}{printable(section.title)}{page}"), soft_wrap=True)

    def answer(self, answer: Answer) -> None:
        """The answer, then each quote with its place and verdict."""
        style = "yellow" if answer.abstained else "bold"
        self.out.print(Text(printable_lines(answer.text), style=style), soft_wrap=True)
        for n, each in enumerate(answer.citations, start=1):
            place = [printable(part) for part in each.origin.place]
            place.append(f"characters {each.origin.span.start}-{each.origin.span.end}")
            self.out.print(
                Text.assemble((f"  [{n}] ", "cyan"), ", ".join(place), (f"  {each.verdict.value}", "green")),
                soft_wrap=True,
            )
            self.out.print(Text(f"      “{printable(each.quote)}”", style="dim"), soft_wrap=True)
        if answer.notes:
            self.out.print(
                Text(f"Note: {'; '.join(map(printable, answer.notes))}", style="yellow"), soft_wrap=True
            )
        if answer.calls:
            tokens = f"{answer.prompt_tokens:,} + {answer.completion_tokens:,} tokens"
            calls = f"{answer.calls} model call{'s' * (answer.calls > 1)}"
            usage = f"{printable(answer.model)}: {calls}, {tokens}, {answer.seconds:.1f} s"
            self.out.print(Text(usage, style="dim"), soft_wrap=True)
        if answer.abstained and answer.evidence:
            self.out.print("The closest places are:")
            for each in sorted(answer.evidence, key=lambda e: -e.score)[:3]:
                where = ", ".join(each.origin.place[1:]) or each.origin.title
                self.out.print(
                    Text(f"  {printable(where)}: “{printable(each.quote)}”", style="dim"), soft_wrap=True
                )

    def report(self, report: dict[str, Any]) -> None:
        """The figures of `clew eval qa`, all questions first, then by kind."""
        table = Table(
            "kind",
            "questions",
            "EM",
            "F1",
            "hit@1",
            "hit@5",
            "hit@10",
            "paragraph@5",
            "answered",
            "abst. precision",
            "abst. recall",
            "s/question",
        )
        rows = {"all": report} | report["by_kind"]
        for kind, figures in rows.items():
            shown = [
                figures["em"],
                figures["f1"],
                *figures["evidence_hit"].values(),
                figures["paragraph_hit"]["5"],
                figures["answered"],
                *figures["abstention"].values(),
                figures["seconds_per_question"],
            ]
            table.add_row(
                kind, str(figures["questions"]), *("-" if each is None else f"{each:.3f}" for each in shown)
            )
        self.out.print(table)

    def checks(self, checks: Sequence[Check]) -> None:
        """What `clew doctor` found."""
        colours = {"ok": "green", "warning": "yellow", "problem": "red"}
        width = max((len(check.name) for check in checks), default=0) + 2
        for check in checks:
            name = f"{check.name:<{width}}"
            self.out.print(
                Text.assemble((f"{check.state:<8}", colours[check.state]), name, check.detail),
                soft_wrap=True,
            )


def _columns() -> tuple[ProgressColumn, ...]:
    return (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )


def _bars(bar: Bar) -> Progress:
    """What draws events as one bar at a time."""
    tasks: dict[str, TaskID] = {}

    def clear() -> None:
        for task in tasks.values():
            bar.remove_task(task)
        tasks.clear()

    def show(event: Event) -> None:
        if event.stage in ("done", "state", "failed", "step", "draft"):
            clear()
            return
        description = f"{WORDS[event.stage]} {printable(event.subject)}"
        if description not in tasks:
            clear()
            tasks[description] = bar.add_task(description, total=event.total or None)
        bar.update(tasks[description], completed=event.done)

    return show


def _ranges(numbers: Sequence[int]) -> str:
    """Page numbers as "pages 3-5, 9"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1][-1:] = [runs[-1][-1], number] if len(runs[-1]) == 1 else [number]
        else:
            runs.append([number])
    words = ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
    return f"page{'s' * (len(numbers) > 1)} {words}"

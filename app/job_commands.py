"""`clew jobs` and `clew worker`: long work that outlives the command that began it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Annotated, Any

import typer
from rich.text import Text

from app.commands import AsJson, library_of_settings, print_json, screen
from app.display import printable
from app.events import Event
from app.job_reports import event_json, event_line, job_json, job_lines, progress_words
from app.jobs.ray_executor import RayExecutor
from app.jobs.ray_place import jobs_of
from app.jobs.worker import Ended, Worker
from app.library import Library
from memory.answer_tasks import ANSWER

__all__ = ["jobs", "worker"]

jobs = typer.Typer(help="Long work: list, watch, pause, resume, cancel.", no_args_is_help=True)
Job = Annotated[str, typer.Argument(metavar="JOB", help="Id of a job, or the beginning of it.")]


@jobs.command(name="list")
def list_jobs(
    everything: Annotated[bool, typer.Option("--all", help="Answers of questions as well.")] = False,
    kind: Annotated[str | None, typer.Option(help="Only jobs of this kind, such as add.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the jobs, newest first."""
    library = library_of_settings()
    found = library.job_list(None if kind is None else [kind], limit=None)
    if not everything and kind is None:
        found = [each for each in found if each[0].kind != ANSWER]
    if as_json:
        print_json({"jobs": [job_json(*each) for each in found]})
    elif found:
        for line in job_lines(found, screen.out.width):
            screen.out.print(line, soft_wrap=True)
    else:
        screen.out.print("No jobs yet.")


@jobs.command()
def watch(job: Job, as_json: AsJson = False) -> None:
    """Show what a job tells until it has ended; Ctrl-C stops watching and leaves the job alone."""
    library = library_of_settings()
    known, record = library.jobs, library.find_job(job)
    told = []
    try:
        with screen.err.status("") as status:

            def wait(seconds: float) -> None:
                now = known.store.get(record.id)
                status.update(Text(progress_words(now, known.progress(now))))
                time.sleep(seconds)

            for event in known.watch(record.id, wait=wait):
                told.append(event_json(event))
                if not as_json:
                    screen.out.print(event_line(event), soft_wrap=True)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"Stopped watching; job {record.id} is left as it is.") from stop
    _show(library, record.id, as_json, {"events": told})


@jobs.command()
def pause(job: Job, as_json: AsJson = False) -> None:
    """Begin no more tasks of a job; those that run may end."""
    library = library_of_settings()
    _show(library, library.pause_job(library.find_job(job).id).id, as_json)


@jobs.command()
def cancel(job: Job, as_json: AsJson = False) -> None:
    """End a job for good; what it has stored is kept."""
    library = library_of_settings()
    _show(library, library.cancel_job(library.find_job(job).id).id, as_json)


@jobs.command()
def resume(job: Job, as_json: AsJson = False) -> None:
    """Queue a paused job again, and the failed tasks of any; `clew worker` does them."""
    library = library_of_settings()
    _show(library, library.resume_job(library.find_job(job).id).id, as_json)


def worker(
    tasks: Annotated[int | None, typer.Option(min=1, max=1024, help="Most tasks at once.")] = None,
    ray: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Do them on this Ray cluster; 'local' starts one.")
    ] = None,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="End when nothing is left to do.")] = False,
    as_json: AsJson = False,
) -> None:
    """Do the tasks of the jobs of all users; the first Ctrl-C ends it after what runs, the second at once."""
    library = library_of_settings()
    own = library.jobs.worker(tasks, None if ray is None else _cluster(ray, library))
    counts = {"done": 0, "failed": 0}
    began = time.monotonic()
    try:
        with _signals(own):
            if not as_json:
                screen.err.print(f"Waiting for tasks, at most {own.limit} at once.", style="dim")
            for ended in own.work(until_idle=until_idle, on_event=_paused):
                counts["done" if ended.error is None else "failed"] += 1
                if not as_json:
                    screen.out.print(_line(ended), soft_wrap=True)
    finally:
        own.close()
        library.close()
    if as_json:
        print_json(counts | {"seconds": round(time.monotonic() - began, 3)})


def _cluster(address: str, library: Library) -> RayExecutor:
    at_once = sum(kind.at_once() for kind in library.jobs.kinds.values())
    return RayExecutor.connect(address, partial(jobs_of, library.settings.plain), at_once)


@contextmanager
def _signals(own: Worker) -> Iterator[None]:
    """Inside, a first SIGINT or SIGTERM stops the worker, and a second does what it does without us."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, frame: FrameType | None) -> None:
        own.stop()
        for each in before:
            signal.signal(each, signal.SIG_DFL)

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _paused(event: Event) -> None:
    """Say that a job is paused, and leave other progress to those who watch the job."""
    if event.stage == "state":
        screen.error(event.subject)


def _line(ended: Ended) -> Text:
    task = ended.task
    state, style = ("done", "green") if ended.error is None else ("failed", "red")
    return Text.assemble(
        (f"{state:<7}", style),
        f"{task.job}  {printable(task.name)}  {ended.seconds:.1f} s",
        "" if ended.error is None else f"  {printable(ended.error)}",
    )


def _show(library: Library, id: str, as_json: bool, more: dict[str, Any] | None = None) -> None:
    record = library.job(id)
    progress = library.jobs.progress(record)
    if as_json:
        print_json({"job": job_json(record, progress)} | (more or {}))
    else:
        shown = f"{record.id}  {printable(record.title)}: {printable(progress_words(record, progress))}"
        screen.out.print(Text(shown), soft_wrap=True)

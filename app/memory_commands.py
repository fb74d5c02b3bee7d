"""`clew memory`: what is remembered, seen, corrected, taken elsewhere and forgotten."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.text import Text

from app.commands import AsJson, library_of_settings, print_json, screen
from app.display import printable
from app.forgetting import ForgetReport, Forgetting
from app.memories import STALE_DAYS, Memories
from app.memory_files import read_export, write_export
from app.memory_reports import (
    fact_json,
    fact_lines,
    forgotten_json,
    forgotten_lines,
    noted_json,
    report_json,
    report_lines,
    turn_json,
    turn_line,
)
from memory.facts import Fact
from memory.long_term import Noted

__all__ = ["memory"]

memory = typer.Typer(help="What is remembered: see, correct, export and forget it.", no_args_is_help=True)
FactId = Annotated[str, typer.Argument(metavar="FACT", help="Id of a fact, as `clew memory list` shows it.")]
User = Annotated[str | None, typer.Option(help="Whose memory; by default the user of the settings.")]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="What was true then: 2026-05-12, or with a time."),
]
FOUND: Final = 10


@memory.command(name="list")
def list_facts(
    as_of: AsOf = None,
    inbox: Annotated[bool, typer.Option("--inbox", help="Those that wait for a yes.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Closed and waiting ones too.")] = False,
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """List the facts that are kept, with the words they rest on."""
    if inbox + everything + (as_of is not None) > 1:
        raise typer.BadParameter("--inbox, --all and --as-of exclude one another.")
    which: Literal["true", "waiting", "all"] = "waiting" if inbox else "all" if everything else "true"
    moment = _moment(as_of)
    with _memories(user) as memories:
        facts = memories.facts(which, moment)
    if as_json:
        print_json({"user": memories.user, "as_of": _shown(moment), "facts": [fact_json(f) for f in facts]})
    elif facts:
        _print_facts(facts)
    else:
        nothing = {
            "true": "No facts are kept; `clew memory add TEXT` adds one.",
            "waiting": "The inbox is empty.",
        }
        screen.out.print(nothing.get(which, "No facts are stored."))


@memory.command()
def search(
    query: Annotated[str, typer.Argument(help="In plain language.")],
    as_of: AsOf = None,
    k: Annotated[int, typer.Option(min=1, max=1000, help="Most facts, and most turns.")] = FOUND,
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Search what was said: facts first, then turns."""
    moment = _moment(as_of)
    with _memories(user) as memories:
        facts, turns = memories.search(query, k, moment)
    if as_json:
        found = [fact_json(each.fact) | {"score": round(each.score, 4)} for each in facts]
        said = [turn_json(turn, score) for turn, score in turns]
        print_json({"user": memories.user, "as_of": _shown(moment), "facts": found, "turns": said})
        return
    _print_facts([each.fact for each in facts])
    for turn, _ in turns:
        screen.out.print(turn_line(turn), soft_wrap=True)
    if not facts and not turns:
        screen.out.print("Nothing that is remembered speaks to that.")


@memory.command()
def add(
    text: Annotated[str, typer.Argument(help="A sentence.")], user: User = None, as_json: AsJson = False
) -> None:
    """Remember a statement; it ends those that it contradicts."""
    with _memories(user) as memories:
        _tell(memories.add(text), as_json)


@memory.command()
def revise(
    fact: FactId,
    text: Annotated[str, typer.Argument(help="What is true instead, from now on.")],
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Correct a fact; the old one is closed and stays readable as of its date."""
    with _memories(user) as memories:
        _tell(memories.revise(fact, text), as_json)


@memory.command()
def confirm(fact: FactId, user: User = None, as_json: AsJson = False) -> None:
    """Say yes to a fact in the inbox."""
    with _memories(user) as memories:
        _tell(memories.confirm(fact), as_json)


@memory.command()
def decline(fact: FactId, user: User = None, as_json: AsJson = False) -> None:
    """Say no to a fact in the inbox."""
    with _memories(user) as memories:
        declined = memories.decline(fact)
    if as_json:
        print_json({"declined": fact_json(declined)})
    else:
        screen.out.print(Text(f"declined   {declined.id}  {printable(declined.text)}"), soft_wrap=True)


@memory.command()
def forget(
    fact: Annotated[str | None, typer.Argument(metavar="[FACT]", help="Id of a fact.")] = None,
    thread: Annotated[str | None, typer.Option(help="A thread with all its turns.")] = None,
    turn: Annotated[int | None, typer.Option(min=1, help="With --thread: this turn of it alone.")] = None,
    document: Annotated[str | None, typer.Option(metavar="DOC", help="A document and what cites it.")] = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="All that is remembered of the user.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Forget a fact, a turn, a thread, a document or a user for good: no byte of it is left in the home."""
    if sum((fact is not None, thread is not None, document is not None, everything)) != 1:
        raise typer.BadParameter("Name one: FACT, --thread NAME, --document DOC or --everything.")
    if turn is not None and thread is None:
        raise typer.BadParameter("A turn is one of a thread: --thread NAME --turn NUMBER.")
    with _memories(user) as memories, screen.progress() as progress:
        forgetting = Forgetting(memories.library)
        name = memories.user
        does: Callable[[], ForgetReport]
        if fact is not None:
            what, does = f"the fact {fact}", partial(forgetting.forget_fact, name, fact, progress)
        elif thread is not None and turn is not None:
            what = f"turn {turn} of the thread {thread!r}"
            does = partial(forgetting.forget_turn, name, thread, turn, progress)
        elif thread is not None:
            what, does = f"the thread {thread!r}", partial(forgetting.forget_thread, name, thread, progress)
        elif document is not None:
            what, does = f"the document {document!r}", partial(forgetting.forget_document, document, progress)
        else:
            what, does = f"everything of the user {name!r}", partial(forgetting.forget_user, name, progress)
        _ask(f"Forget {what} for good?", yes)
        report = does()
    if as_json:
        print_json({"forgotten": forgotten_json(report)})
        return
    for line in forgotten_lines(report):
        screen.out.print(line, soft_wrap=True)


@memory.command()
def export(
    path: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="By default stdout.")] = None,
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Write all that is remembered as lines of JSON; `clew memory import` reads them back exactly."""
    with _memories(user) as memories:
        if path is not None:
            count = write_export(path, memories.export())
            if as_json:
                print_json({"user": memories.user, "path": str(path), "lines": count})
            else:
                screen.out.print(Text(f"exported   {count} lines  {printable(str(path))}"), soft_wrap=True)
        elif as_json:
            print_json({"user": memories.user, "lines": [json.loads(line) for line in memories.export()]})
        else:
            for line in memories.export():
                sys.stdout.write(line)
            sys.stdout.flush()


@memory.command(name="import")
def import_file(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="As `clew memory export` writes it; - for stdin.")
    ],
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Add what was exported to what is remembered: all of the file or, if a line is broken, nothing."""
    with _memories(user) as memories, screen.progress() as progress:
        imported = memories.import_lines(read_export(path))
        encoded = memories.encode(progress)
    counts = {
        "threads": imported.threads,
        "turns": imported.turns,
        "facts": imported.facts,
        "readings": imported.readings,
    }
    if as_json:
        print_json(
            {"user": memories.user, "added": counts, "known": imported.known, "turns_encoded": encoded}
        )
    else:
        added = ", ".join(f"{count} {name}" for name, count in counts.items())
        screen.out.print(f"imported   {added}; {imported.known} were there already")
        screen.out.print(f"encoded    {encoded} turns")


@memory.command()
def encode(user: User = None, as_json: AsJson = False) -> None:
    """Encode the turns that have no embeddings yet, such as after a change of the encoder."""
    with _memories(user) as memories, screen.progress() as progress:
        encoded = memories.encode(progress)
    if as_json:
        print_json({"user": memories.user, "turns_encoded": encoded})
    else:
        screen.out.print(f"encoded    {encoded} turns")


@memory.command()
def report(
    stale: Annotated[int, typer.Option(min=1, help="Days after which a fact counts as stale.")] = STALE_DAYS,
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Count what is remembered; show the inbox, duplicates, and facts not said again for long."""
    with _memories(user) as memories:
        found = memories.report(stale)
    if as_json:
        print_json(report_json(memories.user, found))
        return
    for line in report_lines(found):
        screen.out.print(line, soft_wrap=True)


@contextmanager
def _memories(user: str | None) -> Iterator[Memories]:
    library = library_of_settings()
    try:
        yield (library if user is None else library.for_user(user)).memories()
    finally:
        library.close()


def _moment(text: str | None) -> datetime | None:
    """A moment; a day means its end, and a time without a zone is the user's, as are the days in lists."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if len(text) <= len("2026-05-12"):
            moment = datetime.combine(moment.date(), time.max)
        return moment.astimezone(UTC)
    except (
        ValueError,
        OverflowError,
    ):  # the first and the last days of all end outside of what a date can be
        raise typer.BadParameter(
            f"{text!r} is no date such as 2026-05-12 or 2026-05-12T18:00.", param_hint="--as-of"
        ) from None


def _shown(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _print_facts(facts: list[Fact]) -> None:
    for fact in facts:
        for line in fact_lines(fact):
            screen.out.print(line, soft_wrap=True)


def _tell(noted: Noted, as_json: bool) -> None:
    if as_json:
        print_json(noted_json(noted))
        return
    line = Text.assemble(
        (f"{noted.outcome:<11}", "green"), (f"{noted.fact.id}  ", "cyan"), printable(noted.fact.text)
    )
    screen.out.print(line, soft_wrap=True)
    for id in noted.closed:
        screen.out.print(Text(f"closed     {id}", style="dim"))


def _ask(question: str, yes: bool) -> None:
    """Ask at a terminal; a script has said what it wants."""
    if not yes and sys.stdin is not None and sys.stdin.isatty():
        typer.confirm(question, abort=True, err=True)

"""The command line; every command has --json, one JSON document on stdout, progress on stderr."""

from __future__ import annotations

import io
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from app.adding import AddedDocument
from app.chat import Conversation
from app.collection_commands import CollectionOption, collections, documents_meant
from app.commands import (
    AsJson,
    check_route,
    chosen_settings,
    given,
    library_of_settings,
    print_json,
    screen,
    tell_estimate,
)
from app.doctor import examine
from app.doctor import report as doctor_report
from app.evaluation_commands import evaluation
from app.job_commands import jobs, worker
from app.memory_commands import memory
from app.position_commands import position
from app.reports import added_json, answer_json, document_json, record_json
from app.summary_commands import summarize
from app.tree_commands import tree
from app.ui_command import ui
from app.user_commands import users
from retrieval.errors import ClewError

__all__ = ["app", "main"]

Incognito = Annotated[
    bool, typer.Option("--incognito", help="Recall nothing, and leave nothing of it behind.")
]
NoSpoilers = Annotated[
    bool, typer.Option("--no-spoilers", help="Only from what you have read; see `clew memory position`.")
]

app = typer.Typer(
    help="Ask documents larger than any context window; answers come with quotes that were checked.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(evaluation, name="eval")
app.add_typer(collections, name="collections")
app.add_typer(jobs, name="jobs")
app.add_typer(memory, name="memory")
app.add_typer(users, name="users")
memory.command()(position)
app.command()(worker)
app.command()(tree)
app.command()(summarize)
app.command()(ui)


@app.callback()
def settings(
    home: Annotated[Path | None, typer.Option(help="Folder of everything Clew keeps.")] = None,
    encoder: Annotated[str | None, typer.Option(help="A sentence-transformers model.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda.")] = None,
    model: Annotated[
        str | None, typer.Option(help="The reader: extractive, hf:NAME_OR_FOLDER, openai:NAME.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="Whose documents, threads and memory.")] = None,
    debug: Annotated[bool, typer.Option(help="Show where an unexpected error came from.")] = False,
) -> None:
    """Settings given here go before CLEW_HOME, CLEW_ENCODER, ... and before clew.toml."""
    given.update(home=home, encoder=encoder, device=device, model=model, user=user, debug=debug)


@app.command()
def add(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders of files.")],
    tree: Annotated[bool, typer.Option("--tree", help="Build the summary trees as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add documents: .txt .md .html .pdf .epub .docx; interrupted, the same command goes on where it was."""
    results: list[AddedDocument] = []
    without_tree: list[str] = []
    library = library_of_settings()
    try:
        with screen.progress() as progress:
            for added in library.add(paths, progress):
                results.append(added)
                if not as_json:
                    screen.added(added)
            records = {each.record.id: each.record for each in results if tree and each.record}
            for record in records.values():
                try:
                    library.trees.ensure(record, progress, tell_estimate)
                except ClewError as error:
                    without_tree.append(str(error))
    finally:
        library.close()
    if as_json:
        print_json({"documents": [added_json(each) for each in results]})
        for each in results:
            if each.error is not None:
                screen.error(each.error)
    for error_of_tree in without_tree:
        screen.error(error_of_tree)
    if without_tree or any(each.status == "failed" for each in results):
        raise typer.Exit(1)


@app.command(name="list")
def list_documents(collection: CollectionOption = None, as_json: AsJson = False) -> None:
    """List the documents."""
    library = library_of_settings()
    records = library.documents()
    if collection is not None:
        meant = set(library.collections.get(collection).documents)
        records = [record for record in records if record.id in meant]
    if as_json:
        print_json({"documents": [record_json(record) for record in records]})
    else:
        screen.documents(records)


@app.command()
def show(
    document: Annotated[str, typer.Argument(metavar="DOC", help="Id, title, path or file name.")],
    as_json: AsJson = False,
) -> None:
    """Show one document with its sections and unread pages."""
    library = library_of_settings()
    record = library.document(document)
    loaded = library.store.load(record.key)
    if as_json:
        print_json({"document": document_json(record, loaded)})
    else:
        screen.document(record, loaded)


@app.command()
def remove(
    document: Annotated[str, typer.Argument(metavar="DOC", help="Id, title, path or file name.")],
    as_json: AsJson = False,
) -> None:
    """Remove everything of a document; the file itself is not touched."""
    with screen.progress() as progress:
        record = library_of_settings().remove(document, progress)
    if as_json:
        print_json({"removed": record_json(record)})
    else:
        screen.out.print(f"removed    {record.id}", highlight=False)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="In plain language.")],
    document: Annotated[
        list[str] | None, typer.Option("--document", metavar="DOC", help="Ask this one; can be repeated.")
    ] = None,
    collection: CollectionOption = None,
    route: Annotated[str, typer.Option(help="auto, search, walk or whole.")] = "auto",
    thread: Annotated[str | None, typer.Option(help="Name of a conversation.")] = None,
    incognito: Incognito = False,
    no_spoilers: NoSpoilers = False,
    as_json: AsJson = False,
) -> None:
    """Ask a question; the answer quotes the documents, or says that they do not tell."""
    check_route(route)
    library = library_of_settings()
    with screen.asking() as live:
        answer = library.ask(
            question,
            documents_meant(library, document or (), collection),
            route,
            live.progress,
            live.step,
            thread,
            live.draft,
            incognito=incognito,
            no_spoilers=no_spoilers,
        )
    library.close()
    if as_json:
        print_json(answer_json(answer))
    else:
        screen.answer(answer)


@app.command()
def chat(
    thread: Annotated[
        str | None, typer.Option(help="Name of the conversation; a new one if left out.")
    ] = None,
    document: Annotated[
        list[str] | None, typer.Option("--document", metavar="DOC", help="Ask this one; can be repeated.")
    ] = None,
    collection: CollectionOption = None,
    incognito: Incognito = False,
    no_spoilers: NoSpoilers = False,
    as_json: AsJson = False,
) -> None:
    """Ask question after question in a conversation that is kept; /quit or the end of the input ends it."""
    library = library_of_settings()
    conversation = Conversation(
        library,
        screen,
        thread,
        documents_meant(library, document or (), collection),
        quiet=as_json,
        incognito=incognito,
        no_spoilers=no_spoilers,
    )
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # a byte that is no text does not end a conversation
    answers = conversation.run(sys.stdin)
    library.close()
    if as_json:
        print_json({"thread": conversation.thread, "turns": [answer_json(each) for each in answers]})
    if conversation.failed and not answers:
        raise typer.Exit(1)


@app.command()
def doctor(
    probe: Annotated[bool, typer.Option("--probe", help="Send the model one tiny request.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what is installed, set and stored, and what to change if something is wrong."""
    checks = examine(chosen_settings(), probe)
    if as_json:
        print_json(doctor_report(checks))
    else:
        screen.checks(checks)
    if any(check.state == "problem" for check in checks):
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; exit codes are 0, 1 (a named error) and 2 (usage)."""
    try:
        app()
    except ClewError as error:
        screen.error(str(error))
        sys.exit(1)
    except (KeyboardInterrupt, SystemExit) as end:
        stop = _interrupt(end)
        if stop is None:
            raise
        screen.error(str(stop) or "Stopped; what was done is kept, and the same command goes on from there.")
        sys.exit(130)
    except Exception as error:  # the outermost place: a bug becomes one sentence, with --debug the traceback
        if given.get("debug"):
            traceback.print_exc()
        name = type(error).__name__
        screen.error(f"An unexpected {name} ({error}); `clew --debug ...` shows where it came from.")
        sys.exit(1)


def _interrupt(end: BaseException | None) -> KeyboardInterrupt | None:
    """The Ctrl-C that Typer has made an exit of, None if it was none."""
    while end is not None and not isinstance(end, KeyboardInterrupt):
        end = end.__cause__ or end.__context__
    return end


if __name__ == "__main__":
    main()

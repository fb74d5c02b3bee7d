"""`clew collections`: documents put together under a name, and asked or listed by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from app.commands import AsJson, library_of_settings, print_json, screen
from app.display import printable
from app.errors import EmptyLibraryError
from app.library import Library
from memory.collections import Collection

__all__ = ["CollectionOption", "collections", "documents_meant"]

collections = typer.Typer(
    help="Documents under a name: list, create, put, take, rename, remove.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="Of a collection.")]
Documents = Annotated[
    list[str], typer.Argument(metavar="DOC...", help="Ids, titles, paths or file names of documents.")
]
CollectionOption = Annotated[
    str | None, typer.Option("--collection", metavar="NAME", help="Only the documents of this collection.")
]


def documents_meant(library: Library, documents: Sequence[str], collection: str | None) -> list[str]:
    """What is to be asked: the documents named, and those of a collection.

    Raises:
        UnknownCollectionError: If there is no such collection.
        EmptyLibraryError: If it holds nothing; asking it must not mean asking everything.
    """
    if collection is None:
        return list(documents)
    ids = library.collections.get(collection).documents
    if not ids:
        raise EmptyLibraryError(
            f"There is no document in the collection {collection!r} to ask; "
            "put one into it with `clew collections put NAME DOC`."
        )
    return [*documents, *ids]


@collections.command(name="list")
def list_collections(as_json: AsJson = False) -> None:
    """List the collections."""
    found = library_of_settings().collections.all()
    if as_json:
        print_json({"collections": [_json(each) for each in found]})
    elif found:
        table = Table("name", box=None, pad_edge=False)
        table.add_column("documents", justify="right")
        table.add_column("created")
        for each in found:
            table.add_row(Text(printable(each.name)), str(len(each.documents)), f"{each.created_at:%Y-%m-%d}")
        screen.out.print(table)
    else:
        screen.out.print("No collections yet; make one with `clew collections create NAME`.")


@collections.command()
def create(name: Name, as_json: AsJson = False) -> None:
    """Make an empty collection."""
    library = library_of_settings()
    _show(library, library.collections.create(name).name, as_json)


@collections.command()
def put(name: Name, documents: Documents, as_json: AsJson = False) -> None:
    """Put documents into a collection."""
    library = library_of_settings()
    library.collections.put(name, [library.document(each).id for each in documents])
    _show(library, name, as_json)


@collections.command()
def take(name: Name, documents: Documents, as_json: AsJson = False) -> None:
    """Take documents out of a collection; they stay in the library."""
    library = library_of_settings()
    library.collections.take(name, [library.document(each).id for each in documents])
    _show(library, name, as_json)


@collections.command()
def rename(
    name: Name,
    new: Annotated[str, typer.Argument(metavar="NEW", help="The new name.")],
    as_json: AsJson = False,
) -> None:
    """Give a collection another name."""
    library = library_of_settings()
    library.collections.rename(name, new)
    _show(library, new, as_json)


@collections.command()
def remove(name: Name, as_json: AsJson = False) -> None:
    """Remove a collection; its documents stay in the library."""
    library = library_of_settings()
    removed = library.collections.get(name)
    library.collections.remove(name)
    if as_json:
        print_json({"removed": _json(removed)})
    else:
        screen.out.print(Text(f"removed    {printable(removed.name)}"))


def _show(library: Library, name: str, as_json: bool) -> None:
    collection = library.collections.get(name)
    if as_json:
        print_json({"collection": _json(collection)})
    else:
        count = len(collection.documents)
        line = f"{printable(collection.name)}: {count} document{'s' * (count != 1)}"
        screen.out.print(Text(line), soft_wrap=True)


def _json(collection: Collection) -> dict[str, Any]:
    """A collection in the documents of `clew collections`.

    `list --json`: {"collections": [COLLECTION, ...]}; `remove`: {"removed": COLLECTION}; all others:
    {"collection": COLLECTION}. COLLECTION: {"name", "documents": [id, ...], "created_at" in ISO 8601}.
    """
    return {
        "name": collection.name,
        "documents": list(collection.documents),
        "created_at": collection.created_at.isoformat(),
    }

"""The files of summaries: named after the documents' files, written whole, nobody else's written over."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from app.errors import OutputError
from app.summaries.wanted import Wanted

__all__ = ["COMBINED", "file_names", "prepare_folder", "write_report"]

COMBINED: Final = "summaries"
"""Name of the combined report, which no document's file takes."""

MARK: Final = "<!-- Written by Clew; written over by the next summary of the same name. -->\n"
GENERATOR: Final = "clew"
LONGEST: Final = 80
_UNSAFE: Final = re.compile(r"[^\w .,()'&+-]+")


def file_names(origins: Sequence[str], wanted: Wanted) -> list[str]:
    """A name without suffix for the file of each document, given its path; no two alike on any file system.

    It is made of the file's own name, the part and the method, never of a title: what stands in a document
    names no file.
    """
    part = f" - {wanted.part}" if wanted.part.strip() else ""
    method = "" if wanted.method == "hierarchical" else f" ({wanted.method})"
    more = _UNSAFE.sub("_", " ".join(f"{part}{method}".split(" ")))[:LONGEST].rstrip(" ._")
    names: list[str] = []
    taken = {COMBINED}
    for path in origins:
        stem = Path(path.replace("\\", "/")).stem
        plain = _UNSAFE.sub("_", stem).strip(" ._")[:LONGEST].strip(" ._") or "document"
        plain += more
        name, count = plain, 1
        while name.casefold() in taken:
            count += 1
            name = f"{plain}-{count}"
        taken.add(name.casefold())
        names.append(name)
    return names


def prepare_folder(folder: Path, targets: Mapping[str, str] = MappingProxyType({})) -> None:
    """Make the folder, and see that files can be written there, before any work is begun.

    Args:
        folder: Of the files.
        targets: Names of files, each with the path of the document that it is the summary of.

    Raises:
        OutputError: If they cannot, or one of the names is taken by what they must not write over.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(f"Nothing can be written into {folder}: {error.strerror or error}.") from error
    for name, path in targets.items():
        _check_free(folder, name, path)


def write_report(folder: Path, name: str, markdown: str, document: dict[str, Any]) -> tuple[Path, Path]:
    """Write NAME.md and NAME.json in place of older ones of ours; returns both paths.

    Raises:
        OutputError: If one cannot be written, or the name is taken by what they must not write over.
    """
    _check_free(folder, name, str(document.get("document", {}).get("path", "")))
    written = json.dumps({"generator": GENERATOR, **document}, ensure_ascii=False, indent=2) + "\n"
    files = ((folder / f"{name}.md", MARK + markdown), (folder / f"{name}.json", written))
    for file, text in files:
        _write(file, text)
    return files[0][0], files[1][0]


def _check_free(folder: Path, name: str, path: str) -> None:
    """See that files of that name are not there, or are ours and about the same document."""
    for file in (folder / f"{name}.md", folder / f"{name}.json"):
        if file.exists() and not _ours(file):
            raise OutputError(f"There is a {file} that Clew has not written; name another folder.")
    there = folder / f"{name}.json"
    if path and there.exists():
        try:
            known = json.loads(there.read_text(encoding="utf-8"))["document"]["path"]
        except (OSError, ValueError, LookupError, TypeError):
            return  # ours, but cut off or of another version: nobody counts on it
        if known != path:
            raise OutputError(f"{there} is the summary of {known}; name another folder.")


def _ours(file: Path) -> bool:
    try:
        beginning = file.read_text(encoding="utf-8", errors="replace")[: len(MARK)]
    except OSError:
        return False
    return beginning == MARK or beginning.startswith(f'{{\n  "generator": "{GENERATOR}",')


def _write(file: Path, text: str) -> None:
    """Beside the file first, so that a kill leaves the old one or the new one."""
    beside = file.with_name(f".{file.name}.part")
    # Never through a link that somebody has put there.
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    try:
        opened = os.open(beside, flags, 0o666)
        with open(opened, "w", encoding="utf-8", newline="\n") as written:
            written.write(text)
            written.flush()
            os.fsync(written.fileno())
        beside.replace(file)
    except OSError as error:
        raise OutputError(f"{file} cannot be written: {error.strerror or error}.") from error

"""The files of summaries: named after the documents' files, written whole, nobody else's written over."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from app.errors import OutputError

__all__ = ["COMBINED", "file_names", "prepare_folder", "write_report"]

COMBINED: Final = "summaries"
"""Name of the combined report, which no document's file takes."""

MARK: Final = "<!-- Written by Clew; written over by the next summary of the same name. -->\n"
GENERATOR: Final = "clew"
LONGEST: Final = 80
_UNSAFE: Final = re.compile(r"[^\w .,()'&+-]+")


def file_names(origins: Sequence[str]) -> list[str]:
    """A name without suffix for the file of each document, given its path; no two alike on any file system.

    It is made of the file's own name, never of a title: what stands in a document names no file.
    """
    names: list[str] = []
    taken = {COMBINED}
    for path in origins:
        stem = Path(path.replace("\\", "/")).stem
        plain = _UNSAFE.sub("_", stem).strip(" ._")[:LONGEST].strip(" ._") or "document"
        name, count = plain, 1
        while name.casefold() in taken:
            count += 1
            name = f"{plain}-{count}"
        taken.add(name.casefold())
        names.append(name)
    return names


def prepare_folder(folder: Path) -> None:
    """Make the folder, and see that files can be written there, before any work is begun.

    Raises:
        OutputError: If they cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(f"Nothing can be written into {folder}: {error.strerror or error}.") from error


def write_report(folder: Path, name: str, markdown: str, document: dict[str, Any]) -> tuple[Path, Path]:
    """Write NAME.md and NAME.json in place of older ones of ours; returns both paths.

    Raises:
        OutputError: If one cannot be written, or there is a file of that name that Clew has not written.
    """
    written = json.dumps({"generator": GENERATOR, **document}, ensure_ascii=False, indent=2) + "\n"
    files = ((folder / f"{name}.md", MARK + markdown), (folder / f"{name}.json", written))
    for file, _ in files:
        if file.exists() and not _ours(file):
            raise OutputError(f"There is a {file} that Clew has not written; name another folder.")
    for file, text in files:
        _write(file, text)
    return files[0][0], files[1][0]


def _ours(file: Path) -> bool:
    try:
        beginning = file.read_text(encoding="utf-8", errors="replace")[: len(MARK)]
    except OSError:
        return False
    return beginning == MARK or beginning.startswith(f'{{\n  "generator": "{GENERATOR}",')


def _write(file: Path, text: str) -> None:
    """Beside the file first, so that a kill leaves the old one or the new one."""
    beside = file.with_name(f".{file.name}.part")
    try:
        with beside.open("w", encoding="utf-8", newline="\n") as written:
            written.write(text)
            written.flush()
            os.fsync(written.fileno())
        beside.replace(file)
    except OSError as error:
        raise OutputError(f"{file} cannot be written: {error.strerror or error}.") from error

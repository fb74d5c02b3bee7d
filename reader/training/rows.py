"""Questions with their passages and answers, from JSONL (gzipped or not) and files in SQuAD's format."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO, cast

from reader.errors import TrainingDataError

__all__ = ["HELD_BACK", "Row", "digest_of", "held_back", "read_rows"]

HELD_BACK: Final = 20
"""One article in so many is never trained on."""


@dataclass(frozen=True, slots=True)
class Row:
    """A question about a passage.

    Attributes:
        source: Name of its data set.
        title: Of the article that the passage is from, "" if it has none.
        context: The passage.
        question: About it.
        answers: (text, first character in `context`) of each accepted answer; empty if it has none there.
    """

    source: str
    title: str
    context: str
    question: str
    answers: tuple[tuple[str, int], ...]


def read_rows(folder: Path) -> list[Row]:
    """All rows of the files of a folder, in the order of their names.

    Raises:
        TrainingDataError: If there is none, or a file is not what its name says.
    """
    files = sorted([*folder.glob("*.jsonl"), *folder.glob("*.jsonl.gz"), *folder.glob("*.json")])
    if not files:
        raise TrainingDataError(f"There are no *.jsonl, *.jsonl.gz or *.json files in {folder}.")
    return [row for file in files for row in _rows_of(file)]


def held_back(row: Row) -> bool:
    """Whether the article of a row is kept for choosing and calibrating; by its name, so always the same."""
    # Where a whole set has one title, by passage.
    name = row.context if row.source == "squadshifts_reddit" else row.title or row.context
    digest = hashlib.blake2b(f"{row.source} {name}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % HELD_BACK == 0


def digest_of(rows: Iterable[Row]) -> str:
    """The same for the same rows in the same order, in hexadecimal."""
    digest = hashlib.blake2b(digest_size=16)
    for row in rows:
        digest.update(repr(row).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _rows_of(file: Path) -> Iterator[Row]:
    try:
        with _opened(file) as lines:
            if file.suffix == ".json":
                yield from _squad(file.stem, json.load(lines))
                return
            for line in lines:
                found = json.loads(line)
                answers = tuple((each["text"], each["start"]) for each in found["answers"])
                yield _checked(
                    Row(found["source"], found["title"], found["context"], found["question"], answers)
                )
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainingDataError(
            f"{file.name} cannot be read as questions with answers: {error!r}."
        ) from error


def _opened(file: Path) -> TextIO:
    if file.suffix == ".gz":
        return cast(TextIO, gzip.open(file, "rt", encoding="utf-8"))
    return file.open(encoding="utf-8")


def _squad(source: str, found: dict[str, Any]) -> Iterator[Row]:
    for article in found["data"]:
        for paragraph in article["paragraphs"]:
            for asked in paragraph["qas"]:
                answers = tuple((each["text"], each["answer_start"]) for each in asked["answers"])
                context = paragraph["context"]
                yield _checked(Row(source, article.get("title", ""), context, asked["question"], answers))


def _checked(row: Row) -> Row:
    for each in (row.source, row.title, row.context, row.question):
        if not isinstance(each, str):
            raise TypeError(f"{each!r} is no text")
    for text, start in row.answers:
        if not text.strip() or start < 0 or row.context[start : start + len(text)] != text:
            raise ValueError(f"{text!r} does not stand at {start} of its passage")
    return row

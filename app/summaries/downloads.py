"""Summaries to be taken along: Markdown, JSON, all of a job as one archive; no path of the server in them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Final

from app.summaries.combined import combined_json, combined_markdown
from app.summaries.files import COMBINED
from app.summaries.report import DocumentSummary, summary_json, summary_markdown

__all__ = ["summaries_zip", "summary_file_json", "summary_file_markdown"]

NO_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""The first that an archive knows: the same summaries make the same bytes."""


def summary_file_markdown(summary: DocumentSummary) -> str:
    """A summary to read, with its sources."""
    return summary_markdown(_taken_along(summary), Path())


def summary_file_json(summary: DocumentSummary) -> str:
    """The same for scripts."""
    return _dumped(summary_json(_taken_along(summary)))


def summaries_zip(
    named: Sequence[tuple[str, DocumentSummary]], failed: Sequence[tuple[str, str]] = ()
) -> bytes:
    """All summaries of a job, Markdown and JSON of each, and the report of them where there are several.

    Args:
        named: The summaries, each with the name of its files.
        failed: Paths of documents that have none, each with the reason.
    """
    taken = [(name, _taken_along(summary)) for name, summary in named]
    missing = [(PurePath(path).name, error) for path, error in failed]
    files: dict[str, str] = {}
    for name, summary in taken:
        files[f"{name}.md"] = summary_markdown(summary, Path())
        files[f"{name}.json"] = _dumped(summary_json(summary))
    if len(taken) + len(missing) > 1:
        files[f"{COMBINED}.md"] = combined_markdown(taken, missing, Path())
        files[f"{COMBINED}.json"] = _dumped(combined_json(taken, missing))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, text in files.items():
            info = zipfile.ZipInfo(name, NO_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            opened.writestr(info, text)
    return archive.getvalue()


def _taken_along(summary: DocumentSummary) -> DocumentSummary:
    """Without the folder of its file, which means nothing elsewhere; pages are named and no links to it."""
    return replace(summary, path=PurePath(summary.path).name)


def _dumped(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"

"""`clew doctor`: what is installed, what is set, what is stored, and what to change if something is wrong."""

from __future__ import annotations

import platform
import shutil
import sqlite3
from dataclasses import asdict
from importlib.metadata import version
from typing import Any, Final

from app.bootstrap import chosen_device, number_format, open_library
from app.checks import Check
from app.config import Settings
from app.events import silent
from app.library import Library
from app.reader_checks import device_check, reader_checks
from memory.units import UnitStore
from memory.usage import UsageStore
from retrieval.errors import ClewError

__all__ = ["Check", "examine", "report"]

PACKAGES: Final = ("torch", "sentence-transformers", "faiss-cpu", "tantivy", "sqlalchemy", "pypdfium2")
LOW_DISK: Final = 2_000_000_000


def examine(settings: Settings, probe: bool = False, opened: Library | None = None) -> list[Check]:
    """Look at everything, the encoder loaded and the indexes opened; no check stops the others.

    Args:
        settings: What is to be examined.
        probe: Whether a language model gets one tiny request, for which one of this machine is loaded.
        opened: The library of these settings where it is open already; else one is opened and closed again.
    """
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    checks = [
        Check("python", "ok", f"{platform.python_version()} on {platform.platform()}"),
        Check("packages", "ok", f"{packages}, SQLite {sqlite3.sqlite_version}"),
    ]
    try:
        library = opened or open_library(settings)
    except ClewError as error:
        return [*checks, Check("library", "problem", str(error))]
    try:
        checks += _library_checks(settings, library)
    finally:
        if opened is None:
            library.close()
    return [*checks, device_check(), *reader_checks(settings, probe)]


def report(checks: list[Check]) -> dict[str, Any]:
    """The checks as one JSON document."""
    return {"ok": all(c.state != "problem" for c in checks), "checks": [asdict(check) for check in checks]}


def _library_checks(settings: Settings, library: Library) -> list[Check]:
    checks: list[Check] = []
    free = shutil.disk_usage(settings.home).free
    room = f"{settings.home}, {free / 1e9:,.1f} GB free"
    checks.append(Check("home", "ok" if free > LOW_DISK else "warning", f"{room} (CLEW_HOME)"))
    records = library.documents()
    shown = library.engine.url.render_as_string(hide_password=True)
    repeated = UnitStore(library.engine).repeated()
    kept = f"{len(records)} documents, {sum(r.chunks for r in records):,} chunks, {repeated} units repeated"
    checks.append(Check("database", "ok", f"{shown}: {kept} (CLEW_DATABASE_URL)"))
    begun = library.store.interrupted()
    if begun:
        names = ", ".join(record.path for record in begun)
        todo = "`clew add` of the same file goes on, `clew remove` drops it"
        checks.append(Check("unfinished", "warning", f"{names}: {todo}"))
    try:
        device = chosen_device(settings)
        encoder = library.encoder()
        number = "float16" if device == "cuda" else number_format(library.engine, settings.encoder, silent)
        detail = (
            f"{encoder.fingerprint}, {encoder.dim} numbers, {device}, {number} (CLEW_ENCODER, CLEW_DEVICE)"
        )
        checks.append(Check("encoder", "ok", detail))
        outdated = len(library.store.outdated(library.recipe))
        if outdated:
            text = (
                f"{outdated} documents are of another encoder and will be encoded again by the next question"
            )
            checks.append(Check("documents", "warning", text))
        indexes = library.indexes()
        exact = (
            "exact" if indexes.chunks.exact else f"approximate, recall {indexes.chunks.about['recall']:.2f}"
        )
        anew = f"; made anew: {', '.join(indexes.rebuilt)}" if indexes.rebuilt else ""
        sizes = f"{len(indexes.chunks):,} chunks ({exact}), {len(indexes.sentences):,} sentences"
        checks.append(Check("indexes", "ok", f"{sizes}{anew}"))
    except ClewError as error:
        checks.append(Check("encoder", "problem", str(error)))
    checks.append(_span_reader_check(settings, library))
    totals = UsageStore(library.engine).totals()
    if totals:
        calls, cached = sum(t.calls for t in totals), sum(t.cached for t in totals)
        tokens = (
            f"{sum(t.prompt_tokens for t in totals):,} + {sum(t.completion_tokens for t in totals):,} tokens"
        )
        detail = f"{calls:,} model calls so far, {cached:,} of them from the cache, {tokens}"
        checks.append(Check("usage", "ok", detail))
    return checks


def _span_reader_check(settings: Settings, library: Library) -> Check:
    """What reads passages together with a question, loaded."""
    if settings.span_reader == "off":
        return Check("span reader", "ok", "off: passages stay as search ranks them (CLEW_SPAN_READER)")
    try:
        reader = library.backends.span_reader()
    except ClewError as error:
        return Check("span reader", "problem", str(error))
    return Check("span reader", "ok", f"{reader.name if reader else 'none'} (CLEW_SPAN_READER)")

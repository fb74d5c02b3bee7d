"""The composition root: the only place that names concrete backends."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import cast

from sqlalchemy import Engine

from app.config import Settings
from app.errors import SettingsError
from app.events import Event, Progress
from app.library import Backends, Library
from memory.database import open_database
from memory.measurements import read_measurement, write_measurement
from reader.extractive import Calibration, ExtractiveReader
from retrieval.document import Document
from retrieval.encoder import Encoder, NumberFormat, SentenceTransformerEncoder, model_fingerprint
from retrieval.loaders import ParseLimits, load_document
from retrieval.precision import machine_name, measure_formats

__all__ = ["chosen_device", "number_format", "open_library"]


def open_library(settings: Settings) -> Library:
    """The library at `settings.home`; nothing heavy is loaded until it is needed.

    Raises:
        SettingsError: If a setting cannot be used.
        DatabaseError: If the database cannot be opened.
        EncoderError: If the encoder is not there.
    """
    if settings.model != "extractive":
        raise SettingsError(
            f"The model {settings.model!r} cannot be used yet: this version reads with 'extractive' alone."
        )
    fingerprint = model_fingerprint(settings.encoder)
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"The folder {settings.home} cannot be made: {error.strerror}.") from error
    engine = open_database(settings.url)

    def encoder(progress: Progress) -> Encoder:
        device = chosen_device(settings)
        found = "float16" if device == "cuda" else number_format(engine, settings.encoder, progress)
        return SentenceTransformerEncoder.load(settings.encoder, device, cast(NumberFormat, found))

    def load(path: Path) -> Document:
        limits = ParseLimits(seconds=settings.parse_seconds, memory_megabytes=settings.parse_megabytes)
        return load_document(path, limits)

    def reader() -> ExtractiveReader:
        return ExtractiveReader(Calibration.load())

    return Library(settings, engine, Backends(encoder, fingerprint, reader, load))


def chosen_device(settings: Settings) -> str:
    """The torch device that the settings mean on this machine."""
    import torch

    available = torch.cuda.is_available()
    if settings.device == "cuda" and not available:
        raise SettingsError("CLEW_DEVICE is 'cuda', but torch sees no CUDA device here; use 'auto' or 'cpu'.")
    return "cuda" if available and settings.device != "cpu" else "cpu"


def number_format(engine: Engine, encoder: str, progress: Progress) -> str:
    """The number format that encodes fastest on this CPU, measured once for a machine and an encoder."""
    name = f"number format of {encoder} on {machine_name()}"
    known = read_measurement(engine, name)
    if known is None:
        progress(Event("measure", encoder))
        known = asdict(measure_formats(encoder))
        write_measurement(engine, name, known)
    return str(known["chosen"])

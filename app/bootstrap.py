"""The composition root: the only place that names concrete backends."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, cast

from sqlalchemy import Engine

from app.config import Settings
from app.errors import SettingsError
from app.events import Event, Progress, silent
from app.forgetting import finish_forgetting
from app.library import Backends, Library
from app.models import LanguageModel, MakeReader, ReaderRun
from memory.completions import CompletionStore
from memory.database import open_database
from memory.measurements import read_measurement, write_measurement
from memory.usage import UsageStore
from reader.chat import Cancellation, ChatModel
from reader.decisions import reason_first
from reader.extractive import Calibration, ExtractiveReader
from reader.models.endpoint import EndpointModel, Timeouts
from reader.models.local import TransformersModel
from reader.models.scripted import ScriptedModel
from reader.spans.calibration import SpanCalibration
from reader.spans.kept import KeptReadings
from reader.spans.model import WEIGHTS, EmbeddedSpanReader
from reader.spans.named import NamedSpanReader
from retrieval.document import Document
from retrieval.encoder import (
    DEFAULT_ENCODER,
    Encoder,
    NumberFormat,
    SentenceTransformerEncoder,
    model_fingerprint,
)
from retrieval.loaders import ParseLimits, load_document
from retrieval.precision import machine_name, measure_formats
from retrieval.reranking import SpanReader

__all__ = ["chosen_device", "connect_endpoint", "load_model", "number_format", "open_library"]


BATCHED: Final = 8
"""Questions at once for a model on a GPU of this machine."""


def open_library(settings: Settings) -> Library:
    """The library at `settings.home`; nothing heavy is loaded until it is needed.

    Raises:
        SettingsError: If a setting cannot be used.
        DatabaseError: If the database cannot be opened.
        EncoderError: If the encoder is not there.
    """
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

    backends = Backends(
        encoder, fingerprint, _reader(settings, engine), load, _Extractive(), _SpanReading(settings, engine)
    )
    library = Library(settings, engine, backends)
    finish_forgetting(library)
    return library


@dataclass(slots=True)
class _Extractive:
    """Makes the reader that needs no model; it is the same for all questions."""

    span_reader: str = "embedded"
    key: str = "extractive"
    at_once: int = 1
    reader: ExtractiveReader | None = None

    def __call__(self, run: ReaderRun) -> ExtractiveReader:
        return self._made()

    def _made(self) -> ExtractiveReader:
        if self.reader is None:
            # What is known of the embedded reader's scores says nothing about another model's.
            spans = SpanCalibration.load() if self.span_reader == "embedded" else None
            self.reader = ExtractiveReader(Calibration.load(), spans=spans)
        return self.reader

    def for_job(
        self, job: str, progress: Progress, cancellation: Cancellation | None = None
    ) -> ExtractiveReader:
        return self._made()

    def close(self) -> None:
        self.reader = None


@dataclass(slots=True)
class _SpanReading:
    """Gives what reads passages together with a question, loaded by whoever needs it first."""

    settings: Settings
    engine: Engine
    loaded: SpanReader | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> SpanReader | None:
        if self.settings.span_reader == "off":
            return None
        with self.lock:
            if self.loaded is None:
                device, name = chosen_device(self.settings), self.settings.span_reader
                if name == "embedded":
                    # It is the packaged encoder's model, so what is fastest for that is fastest here.
                    number: NumberFormat = "float16"
                    if device != "cuda":
                        number = cast(NumberFormat, number_format(self.engine, DEFAULT_ENCODER, silent))
                    self.loaded = KeptReadings(EmbeddedSpanReader.load(WEIGHTS, device, number))
                else:
                    folder = str(Path(name).expanduser()) if name.startswith("~") else name
                    self.loaded = KeptReadings(NamedSpanReader.load(folder, device))
            return self.loaded


def _reader(settings: Settings, engine: Engine) -> MakeReader:
    if settings.model == "extractive":
        return _Extractive(settings.span_reader)
    size = settings.cache_megabytes * 1_000_000
    shown = (settings.model, settings.openai_base_url, settings.window, settings.quantization)
    return LanguageModel(
        load=lambda: load_model(settings),
        name=settings.model,
        key=repr((*shown, settings.reason_first, settings.demonstrations)),
        completions=CompletionStore(engine, size) if size else None,
        usage=UsageStore(engine),
        reason=lambda parameters: reason_first(settings.reason_first, parameters),
        demonstrations=settings.demonstrations,
        at_once=_at_once(settings),
    )


def _at_once(settings: Settings) -> int:
    """An endpoint takes many requests, a GPU shares them in one batch, a CPU is busy with one."""
    if settings.model.startswith("openai:"):
        return 2 * settings.in_flight  # while some are waited for, the others look things up
    return BATCHED if settings.model.startswith("hf:") and chosen_device(settings) == "cuda" else 1


def load_model(settings: Settings) -> ChatModel:
    """The language model that the settings name.

    Raises:
        SettingsError: If they do not name one that can be used here.
        ModelError: If it cannot be loaded, or its endpoint has no address.
    """
    kind, _, name = settings.model.partition(":")
    if kind == "hf":
        return TransformersModel.load(
            str(Path(name).expanduser()) if name.startswith("~") else name,
            device=chosen_device(settings),
            window=settings.window,
            trust_remote_code=settings.trust_remote_code,
            quantization=settings.quantization,
        )
    if kind == "scripted":
        return ScriptedModel.load(Path(name).expanduser(), window=settings.window or 8192)
    if kind != "openai":
        raise SettingsError("The model is 'extractive', which is no language model.")
    return connect_endpoint(settings)


def connect_endpoint(settings: Settings) -> EndpointModel:
    """The model at the endpoint that the settings name; nothing is sent yet.

    Raises:
        SettingsError: If they have no address.
        EndpointUnreachableError: If that is none.
    """
    if not settings.openai_base_url:
        raise SettingsError(
            f"The model {settings.model} needs the address of its endpoint: set OPENAI_BASE_URL, "
            "such as http://127.0.0.1:8000/v1."
        )
    seconds = settings.request_seconds
    return EndpointModel.connect(
        settings.model.partition(":")[2],
        base_url=settings.openai_base_url,
        api_key=settings.api_key or None,
        window=settings.window,
        tokenizer=settings.tokenizer or None,
        # A stall leaves the time for another attempt.
        timeout=Timeouts(first_token=seconds * 2 / 3, between_tokens=min(60.0, seconds / 3), total=seconds),
        in_flight=settings.in_flight,
    )


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

"""The concrete things a library works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.events import Progress
from app.models import MakeReader
from retrieval.document import Document
from retrieval.encoder import Encoder
from retrieval.reranking import SpanReader

__all__ = ["Backends"]


@dataclass(frozen=True, slots=True)
class Backends:
    """The concrete things a library works with, chosen in `app.bootstrap`.

    Attributes:
        encoder: Loads the encoder; called at most once, perhaps on another thread.
        encoder_fingerprint: Name and weights of that encoder, known without loading it.
        reader: Makes the reader of a question.
        load: Turns a path into a Document, or raises LoadError.
        extractive: Makes the reader that needs no language model, whatever `reader` makes.
        span_reader: Gives what reads passages together with a question, loaded once; None if none is wished.
    """

    encoder: Callable[[Progress], Encoder]
    encoder_fingerprint: str
    reader: MakeReader
    load: Callable[[Path], Document]
    extractive: MakeReader
    span_reader: Callable[[], SpanReader | None]

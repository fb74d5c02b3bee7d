"""What the tests of span readers share: the tokenizer, and the reader that ships, loaded once."""

from __future__ import annotations

from typing import Any

import pytest
from tokenizers import Tokenizer

from reader.spans.model import WEIGHTS, EmbeddedSpanReader
from retrieval.encoder import DEFAULT_ENCODER, model_folder


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """Without truncation and padding."""
    loaded = Tokenizer.from_file(str(model_folder(DEFAULT_ENCODER) / "tokenizer.json"))
    loaded.no_truncation()
    loaded.no_padding()
    return loaded


@pytest.fixture(scope="session")
def embedded() -> EmbeddedSpanReader:
    """In float32, so that what differs differs for another reason than rounding."""
    return EmbeddedSpanReader.load(WEIGHTS, number_format="float32")

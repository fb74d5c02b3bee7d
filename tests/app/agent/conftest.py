"""Libraries whose reader asks a scripted model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.library import Library
from app.models import LanguageModel
from memory.completions import CompletionStore
from memory.usage import UsageStore
from reader.chat import ChatModel
from tests.conftest import ForOneHome

Asking = Callable[..., Library]


@pytest.fixture
def asking(own_novella_home: Path, open_home: ForOneHome) -> Asking:
    """Opens the novella's library with a model; `cached` keeps its replies."""

    def opener(model: ChatModel, cached: bool = False, demonstrations: int = 0, **settings: Any) -> Library:
        library = open_home(own_novella_home, **settings)
        reader = LanguageModel(
            load=lambda: model,
            name="scripted",
            key="scripted",
            completions=CompletionStore(library.engine, 1_000_000) if cached else None,
            usage=UsageStore(library.engine),
            reason=lambda parameters: False,
            demonstrations=demonstrations,
            at_once=4,
        )
        return Library(library.settings, library.engine, replace(library.backends, reader=reader))

    return opener

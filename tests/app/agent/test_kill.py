"""`kill -9` while a question is being answered: it goes on at the last step that was done."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memory.database import open_database
from memory.threads import ThreadStore
from memory.usage import UsageStore
from tests.conftest import CLEW, clew_process
from tests.replies import TASKS, prompt_of, sober, task_of
from tests.servers import FakeServer, serving, stall

QUESTION = "Who kept the inn called the Three Pans?"
ORDER = ["select", "enough", "answer"]


def killed(
    home: Path, cwd: Path, server: FakeServer, arguments: list[str], ready: Callable[[], bool]
) -> None:
    """Run `clew`, and kill it as soon as the server says so."""
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    environment |= {"CLEW_HOME": str(home), "OPENAI_BASE_URL": server.base_url, "CLEW_DEVICE": "cpu"}
    environment["CLEW_SPAN_READER"] = "off"
    with subprocess.Popen(
        [str(CLEW), "--model", "openai:fake", *arguments],
        cwd=cwd,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert server.wait_until(ready, 120)
        process.send_signal(signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL


@pytest.mark.parametrize("interrupted", ORDER)
@pytest.mark.parametrize("thread", [None, "tea"])
def test_a_killed_question_goes_on(
    own_novella_home: Path, tmp_path: Path, interrupted: str, thread: str | None
) -> None:
    before = ORDER.index(interrupted)
    arguments = ["ask", QUESTION, "--json", *(["--thread", thread] if thread else [])]
    with serving(sober, faults=[*[None] * before, stall()]) as server:
        killed(own_novella_home, tmp_path, server, arguments, lambda: len(server.requests) > before)
        server.requests.clear()
        environment = {"OPENAI_BASE_URL": server.base_url, "CLEW_CACHE_MEGABYTES": "0"}
        ran = clew_process(["--model", "openai:fake", *arguments], own_novella_home, tmp_path, environment)
        assert ran.returncode == 0, ran.stderr
        tasks = [task_of(prompt_of(body)) for body in server.requests]
    assert tasks == ORDER[before:], "the call in flight is made again, and none that was done"
    engine = open_database(f"sqlite:///{own_novella_home / 'clew.sqlite'}")
    turns = ThreadStore(engine).turns("tea")
    recorded = [each.task for each in UsageStore(engine).totals()]
    engine.dispose()
    assert len(turns) == (thread is not None)
    assert sorted(recorded) == sorted(ORDER)


def test_the_tasks_of_the_test_are_all_there_are() -> None:
    assert set(ORDER) < set(TASKS)


def test_a_chat_goes_on_with_the_question_that_was_killed(own_novella_home: Path, tmp_path: Path) -> None:
    ask: list[Any] = ["chat", "--thread", "tea", "--json"]
    with serving(sober, faults=[None, None, stall()]) as server:
        arguments = ["ask", QUESTION, "--thread", "tea"]
        killed(own_novella_home, tmp_path, server, arguments, lambda: len(server.requests) == 3)
        ran = clew_process(
            ["--model", "openai:fake", *ask],
            own_novella_home,
            tmp_path,
            {"OPENAI_BASE_URL": server.base_url},
            input="Who is Dorcas Imray?\n/quit\nnever asked\n",
        )
    assert ran.returncode == 0, ran.stderr
    assert QUESTION in ran.stderr
    engine = open_database(f"sqlite:///{own_novella_home / 'clew.sqlite'}")
    turns = ThreadStore(engine).turns("tea")
    engine.dispose()
    assert [turn.question for turn in turns] == [QUESTION, "Who is Dorcas Imray?"]

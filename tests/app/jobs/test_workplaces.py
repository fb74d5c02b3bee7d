"""Names of workers: whether one that ran on this machine is gone is known, of others it is not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from app.jobs.workplaces import is_gone, worker_name


def test_a_name_of_its_own_in_the_same_place() -> None:
    one, two = worker_name(), worker_name()
    assert one != two
    assert one.split(" ")[:-1] == two.split(" ")[:-1]
    assert one.split(" ")[3] == str(os.getpid())


def test_alive_then_waiting_to_be_buried_then_buried() -> None:
    code = "from app.jobs.workplaces import worker_name; print(worker_name(), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert not is_gone(name)
        process.kill()
        # Not waited for: it is a zombie until the test asks.
        while not is_gone(name):
            assert process.returncode is None
    assert is_gone(name)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_of_another_machine_boot_or_container_nothing_is_known(part: int) -> None:
    words = worker_name().split(" ")
    words[part], words[3] = "elsewhere", "999999999"
    assert not is_gone(" ".join(words))


def test_a_process_with_the_number_of_an_older_one_is_not_that_one() -> None:
    words = worker_name().split(" ")
    words[4] = "1"
    assert is_gone(" ".join(words))


@pytest.mark.parametrize("name", ["", "me", "a b c d e f", "a b c d e f g"])
def test_what_is_no_name_of_a_worker_is_not_gone(name: str) -> None:
    assert not is_gone(name)

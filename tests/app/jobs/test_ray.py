"""Tasks on a Ray cluster of this machine: two nodes, of which one is killed in the middle."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from app.config import before_ray
from app.errors import SettingsError
from app.jobs.contract import NewTask
from app.jobs.ray_executor import RayExecutor
from app.jobs.running import Jobs
from tests.app.jobs.counting_worker import counting
from tests.app.jobs.test_processes import lines, plan, processes
from tests.memory.samples import url

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own
if find_spec("ray") is None:
    pytest.skip("needs the extra ray", allow_module_level=True)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    before_ray(loopback=True)
    from ray.cluster_utils import Cluster

    here = {"node_ip_address": "127.0.0.1", "object_store_memory": 100_000_000}
    # The head has no CPUs: it only keeps the books.
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **here}
    )
    cluster.here = here
    yield cluster
    cluster.shutdown()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "done.txt"
    file.touch()
    return file


@pytest.fixture
def jobs(tmp_path: Path, file: Path) -> Jobs:
    return counting(url(tmp_path), file)


@pytest.fixture
def executor(cluster: Any, tmp_path: Path, file: Path) -> Iterator[RayExecutor]:
    connected = RayExecutor.connect(cluster.address, partial(counting, url(tmp_path), file), threads=5)
    yield connected
    connected.close()


def test_a_node_dies_in_the_middle_and_all_is_done_once(
    cluster: Any, executor: RayExecutor, jobs: Jobs, file: Path
) -> None:
    nodes = [cluster.add_node(num_cpus=1, **cluster.here) for _ in range(2)]
    job = plan(jobs, 60, 0.2)
    worker = jobs.worker(executor=executor)
    ended: list[str] = []
    finished: set[str] = set()
    for each in worker.work(job):
        ended.append(each.task.name)
        if len(ended) == 20:
            assert len(processes(file)) == 2  # both took part
            finished = set(ended)
            cluster.remove_node(nodes[0], allow_graceful=False)
    assert jobs.store.get(job).state == "done"
    assert jobs.store.results(job, ["sum"]) == {"sum": {"sum": 59 * 60 // 2}}
    assert sorted(ended) == sorted(["plan", "sum", *(f"count {n}" for n in range(60))])
    again = {name for name, times in lines(file, "end").items() if times > 1}
    assert not again & finished
    assert len(again) <= 5  # only what its process had just ended when it died
    assert any(event.task == "count 1" for event in jobs.watch(job))  # told from where it ran
    cluster.remove_node(nodes[1])


def test_a_task_on_a_node_hears_that_its_job_is_cancelled(
    cluster: Any, executor: RayExecutor, jobs: Jobs, file: Path
) -> None:
    node = cluster.add_node(num_cpus=1, **cluster.here)
    job = jobs.start("counting", "Count", {}, [NewTask("long", "count", {"seconds": 3600.0})]).id
    worker = jobs.worker(executor=executor)
    running = worker.work(until_idle=True, on_event=lambda event: None)

    def cancel() -> None:
        while lines(file, "begin") != {"long": 1}:
            time.sleep(0.05)
        jobs.store.cancel(job)

    thread = threading.Thread(target=cancel)
    thread.start()
    assert list(running) == []
    thread.join()
    assert lines(file, "stopped") == {"long": 1}
    assert [task.state for task in jobs.store.tasks(job)] == ["cancelled"]
    cluster.remove_node(node)


def test_a_cluster_that_is_not_there() -> None:
    for address, reason in (
        ("127.0.0.1:1", "cannot be used: "),
        ("auto", "give HOST:PORT, or 'local'"),
        ("ray://127.0.0.1:10001", "give HOST:PORT"),
        ("127.0.0.1:99999999999", "cannot be used: "),
    ):
        with pytest.raises(SettingsError, match=f"{re.escape(address)}.*{re.escape(reason)}"):
            RayExecutor.connect(address, lambda: pytest.fail("opened"), threads=1)


def test_without_ray_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # as if it were not installed
    with pytest.raises(SettingsError, match=r"pip install 'clew\[ray\]'"):
        RayExecutor.connect("local", lambda: pytest.fail("opened"), threads=1)

"""Tasks on a Ray cluster (extra `ray`): claimed and stored by the driver, done by a process on each node."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from importlib import import_module
from typing import Any, Final

from app.config import before_ray
from app.errors import SettingsError
from app.events import Progress
from app.jobs.endings import Ending, Fault, Faulted
from app.jobs.ray_place import Place, ending_of
from app.jobs.running import Jobs
from memory.job_queue import ClaimedTask
from reader.chat import Cancellation

__all__ = ["RayExecutor"]

LOOK: Final = 0.5
"""Seconds between two looks at the nodes of the cluster, and at tasks that are to stop."""


@dataclass(slots=True)
class _Node:
    """A node that is alive: its process, and the tasks that it does."""

    actor: Any
    running: set[int] = field(default_factory=set)


class RayExecutor:
    """Runs tasks on the nodes of a cluster: on each a process that takes all of its CPUs and GPUs.

    A node that is lost loses its tasks; they are given back and done by others. Nodes that come later are
    used as well.

    Args:
        ray: The module.
        open_jobs: Opens the library there; sent to the nodes, so Clew is installed on them.
        threads: Tasks at once on each node.
    """

    def __init__(self, ray: Any, open_jobs: Callable[[], Jobs], threads: int) -> None:
        self._ray, self._open_jobs, self._threads = ray, open_jobs, threads
        self._nodes: dict[str, _Node] = {}
        self._stoppable: dict[int, tuple[str, Cancellation]] = {}
        self._lock = threading.RLock()
        self._looked = float("-inf")
        self._end = threading.Event()
        threading.Thread(target=self._watch, name="ray-watch", daemon=True).start()

    @classmethod
    def connect(cls, address: str, open_jobs: Callable[[], Jobs], threads: int) -> RayExecutor:
        """Connect to the cluster at an address, such as "10.0.0.1:6379"; "local" starts one in this process.

        Raises:
            SettingsError: If Ray is not installed, or nothing answers there.
        """
        _check_address(address)
        before_ray(loopback=address.startswith(("local", "127.")))
        try:
            ray: Any = import_module("ray")
        except ImportError as error:
            raise SettingsError(
                "`clew worker --ray` needs Ray: install the extra with pip install 'clew[ray]'."
            ) from error
        quiet = {"log_to_driver": False, "configure_logging": False, "namespace": "clew"}
        try:
            if address == "local":
                ray.init(include_dashboard=False, **quiet)
            else:
                ray.init(address=address, **quiet)
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise _unusable(address, error) from error
        return cls(ray, open_jobs, threads)

    @property
    def places(self) -> int:
        """Nodes that are alive."""
        with self._lock:
            self._look()
            return len(self._nodes)

    def submit(self, task: ClaimedTask, progress: Progress, cancellation: Cancellation) -> Future[Ending]:
        """Begin a task on the node that does the fewest; its progress is stored from there."""
        ended: Future[Ending] = Future()
        with self._lock:
            self._look()
            if not self._nodes:
                away = Faulted("The Ray cluster has no node that is alive.", Fault.MACHINE, 0.0)
                ended.set_result(away)
                return ended
            name, node = min(self._nodes.items(), key=lambda item: len(item[1].running))
            node.running.add(task.key)
            self._stoppable[task.key] = name, cancellation
            reply = node.actor.run.remote(asdict(task)).future()

        def came(reply: Future[dict[str, Any]]) -> None:
            with self._lock:
                node.running.discard(task.key)
                self._stoppable.pop(task.key, None)
            error = reply.exception()
            ended.set_result(ending_of(reply.result()) if error is None else self._lost(name, node, error))

        reply.add_done_callback(came)
        return ended

    def close(self) -> None:
        """Leave the cluster; what runs there for this worker ends."""
        self._end.set()
        with self._lock:
            for node in self._nodes.values():
                self._ray.kill(node.actor)
            self._nodes.clear()
        self._ray.shutdown()

    def _look(self) -> None:
        """Know the nodes that are alive now; a node without CPUs is not meant for work."""
        if time.monotonic() - self._looked < LOOK:
            return
        self._looked = time.monotonic()
        alive = {
            each["NodeID"]: each["Resources"]
            for each in self._ray.nodes()
            if each["Alive"] and each["Resources"].get("CPU", 0) >= 1
        }
        for gone in self._nodes.keys() - alive.keys():
            del self._nodes[gone]
        for new in alive.keys() - self._nodes.keys():
            self._nodes[new] = _Node(self._actor(new, alive[new]))

    def _actor(self, node: str, resources: dict[str, float]) -> Any:
        strategies = import_module("ray.util.scheduling_strategies")
        options = {
            "num_cpus": int(resources["CPU"]),  # Ray limits the threads of a process to its CPUs
            "num_gpus": int(resources.get("GPU", 0)),
            "max_concurrency": self._threads + 1,  # one more hears of a stop
            "max_restarts": 0,
            "scheduling_strategy": strategies.NodeAffinitySchedulingStrategy(node, soft=False),
        }
        return self._ray.remote(Place).options(**options).remote(self._open_jobs)

    def _lost(self, name: str, node: _Node, error: BaseException) -> Faulted:
        """What became of a task whose call has failed: its node is gone, or cannot run Clew."""
        with self._lock:
            if self._nodes.get(name) is node:
                del self._nodes[name]  # if the node is still there, it gets another process
                self._looked = float("-inf")
        begun = isinstance(error, self._ray.exceptions.RayActorError) and not getattr(
            error, "actor_init_failed", False
        )
        first = str(error).strip().splitlines()[-1]
        return Faulted(f"A Ray node cannot do the task: {first}", Fault.LOST if begun else Fault.MACHINE, 0.0)

    def _watch(self) -> None:
        """Pass on that tasks are to stop, once to each."""
        told: set[int] = set()
        while not self._end.wait(LOOK):
            with self._lock:
                stopped = {key for key, (_, each) in self._stoppable.items() if each.by_hand}
                for key in stopped - told:
                    node = self._nodes.get(self._stoppable[key][0])
                    if node is not None:
                        node.actor.stop.remote(key)
            told = stopped


def _check_address(address: str) -> None:
    """Find out at once whether something answers: Ray itself would try for minutes.

    Raises:
        SettingsError: If nothing does, or it is no address.
    """
    host, _, port = address.rpartition(":")
    if address == "local":
        return
    if not host or not port.isdecimal() or "/" in host:
        raise SettingsError(f"{address!r} is no address of a Ray cluster: give HOST:PORT, or 'local'.")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, OverflowError) as error:
        raise _unusable(address, error) from error


def _unusable(address: str, error: Exception) -> SettingsError:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    return SettingsError(f"The Ray cluster at {address!r} cannot be used: {first}.")

"""How close many requests to an endpoint come to the ideal of their latency and the requests in flight.

    python -m tests.benchmarks.endpoint [--requests 32] [--latency 0.2] [--in-flight 8] [--repeats 5]

The server is a real one in a process of its own, so that it does not take the client's time. The ideal is
requests / in flight * latency; done when the median takes at most 1.15 times as long.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from rich.console import Console
from rich.table import Table

from reader.chat import Message, Request
from reader.models.endpoint import EndpointModel
from tests.servers import serving

TARGET = 1.15
REPLY = "It stood on the northern cape, and nobody had lit it since the storm."
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=32)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds until a reply begins")
    parser.add_argument("--in-flight", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    rows = [measure(requests_together, options)]
    # The second figure belongs here: whole questions through the agent, measured in the same way.
    show(rows)
    print(json.dumps(rows))


def measure(
    run: Any,
    options: argparse.Namespace,
) -> Row:
    """Seconds of each repeat of `run`, each with a client that was not yet connected."""
    seconds, most = [], 0
    for _ in range(options.repeats):
        with other_process(options.latency) as (base_url, tell):
            taken = run(base_url, options)
            most = max(most, tell())
            seconds.append(taken)
    ideal = math.ceil(options.requests / options.in_flight) * options.latency
    median = statistics.median(seconds)
    return {
        "what": run.__doc__.partition(".")[0],
        "requests": options.requests,
        "in_flight": options.in_flight,
        "most_in_flight": most,
        "latency": options.latency,
        "ideal_seconds": ideal,
        "median_seconds": round(median, 4),
        "worst_seconds": round(max(seconds), 4),
        "times_the_ideal": round(median / ideal, 3),
        "worst_times_the_ideal": round(max(seconds) / ideal, 3),
        "good": median <= TARGET * ideal,
    }


def requests_together(base_url: str, options: argparse.Namespace) -> float:
    """Requests by one `complete_many`. The connections are part of it; importing the client is not."""
    model = EndpointModel.connect("fake", base_url=base_url, api_key=None, in_flight=options.in_flight)
    requests = [
        Request((Message("user", f"Where does lighthouse {n} stand?"),)) for n in range(options.requests)
    ]
    assert model.window > 0
    began = time.perf_counter()
    replies = model.complete_many(requests)
    taken = time.perf_counter() - began
    model.close()
    assert {reply.text for reply in replies} == {REPLY}
    return taken


@contextmanager
def other_process(latency: float) -> Iterator[tuple[str, Any]]:
    """The base URL of a server in a process of its own, and a function that asks for its most in flight."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, latency), daemon=True)
    process.start()

    def tell() -> int:
        ours.send("most in flight")
        return int(ours.recv())

    yield str(ours.recv()), tell
    ours.send("end")
    process.join()


def serve(connection: Connection, latency: float) -> None:
    with serving(lambda body: REPLY, latency=latency) as server:
        connection.send(server.base_url)
        while connection.recv() != "end":
            connection.send(server.most_in_flight)


def show(rows: list[Row]) -> None:
    table = Table(title=f"Requests to an endpoint; good is at most {TARGET} times the ideal")
    for name in ("what", "ideal", "median", "worst", "times the ideal", "most in flight", "good"):
        table.add_column(name)
    for row in rows:
        table.add_row(
            f"{row['requests']} {row['what'].lower()}",
            f"{row['ideal_seconds']:.2f} s",
            f"{row['median_seconds']:.3f} s",
            f"{row['worst_seconds']:.3f} s",
            f"{row['times_the_ideal']:.3f}",
            str(row["most_in_flight"]),
            "yes" if row["good"] else "NO",
        )
    Console(stderr=True, width=110).print(table)


if __name__ == "__main__":
    main()

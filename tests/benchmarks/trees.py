"""What the summary tree of a book takes to build, and what an edit of one paragraph costs.

    python -m tests.benchmarks.trees BOOK [--home HOME] [--latency 0.2] [--in-flight 32] [--repeats 3]

With the extractive reader, and against a simulated endpoint: a real server in a process of its own that takes
`latency` for each reply and says something new each time, half of the words of what it is asked. The ideal
is a list schedule: `in flight` servers, each node `latency` once its children are there. Against it stand the
moment when the last summary is stored, and that when the tree is ready, its sentences linked to what they
rest on, which takes the encoder: "good" is judged by the first, as nobody can encode faster than the machine.
Calls must equal nodes. With --home a copy of a home that has the book already is used, which spares encoding
it; trees that it has are dropped from the copy.
"""

from __future__ import annotations

import argparse
import heapq
import json
import multiprocessing
import random
import re
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from app.bootstrap import open_library
from app.config import Settings
from app.events import Event
from app.library import Library
from memory.tree_plan import plan_tree, tree_anchors
from memory.trees import SummaryTree
from retrieval.chunking import chunk_document
from retrieval.document import Document
from retrieval.loaders import load_document
from tests.servers import serving

TARGET = 1.15
WORDS = 60


def reply(body: dict[str, Any]) -> str:
    """Every other word of the text, three sentences of twenty."""
    texts = re.findall(r"<text[^<>]*>(.*?)</text>", body["messages"][-1]["content"], re.DOTALL)
    words = re.findall(r"\w+", " ".join(texts))[::2][:WORDS]
    sentences = [" ".join(words[n : n + 20]).capitalize() + "." for n in range(0, len(words), 20)]
    return " ".join(sentences) or "Nothing."


def serve(connection: Connection, latency: float) -> None:
    with serving(reply, latency=latency) as server:
        connection.send(server.base_url)
        while connection.recv() != "end":
            connection.send((len(server.requests), server.most_in_flight))


@contextmanager
def endpoint(latency: float) -> Iterator[tuple[str, Any]]:
    """The base URL of a server in another process, and what tells its requests and the most at once."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, latency), daemon=True)
    process.start()

    def tell() -> tuple[int, int]:
        ours.send("count")
        return ours.recv()

    yield str(ours.recv()), tell
    ours.send("end")
    process.join()


def ideal_seconds(tree: SummaryTree, latency: float, servers: int) -> float:
    """When the root is done if each node is begun, in the order of the plan, once its children are there."""
    done: dict[int, float] = {}
    free = [0.0] * servers
    ready = [(0.0, node.ordinal) for node in tree.nodes if not node.children]
    waiting = {node.ordinal: len(node.children) for node in tree.nodes}
    heapq.heapify(ready)
    while ready:
        at, ordinal = heapq.heappop(ready)
        end = max(at, heapq.heappop(free)) + latency
        heapq.heappush(free, end)
        done[ordinal] = end
        parent = tree.nodes[ordinal].parent
        if parent is not None:
            waiting[parent] -= 1
            if not waiting[parent]:
                heapq.heappush(ready, (max(done[n] for n in tree.nodes[parent].children), parent))
    return max(done.values())


def build(home: Path, book: Path, **settings: Any) -> tuple[Library, SummaryTree, float, float]:
    """A library with the tree of the book, seconds until its root was summarised and until it was ready."""
    library = open_library(Settings(home=home, cache_megabytes=0, **settings))
    if not library.documents():
        list(library.add([book]))
    (record,) = library.documents()
    library.trees.encoder(lambda event: None)  # loading it is not what is measured
    nodes: list[float] = []

    def note(event: Event) -> None:
        if event.stage == "summarise" and (event.done == event.total) and not nodes:
            nodes.append(time.perf_counter())

    library.trees.ready(record)  # so is connecting to the database
    began = time.perf_counter()
    tree = library.trees.ensure(record, note)
    ready = time.perf_counter() - began
    return library, tree, nodes[0] - began, ready


def drop_trees(home: Path) -> None:
    """Forget the trees of a home, their summaries, and the jobs that made them."""
    with closing(sqlite3.connect(home / "clew.sqlite")) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        for table in ("trees", "summary_uses", "summaries", "jobs", "completions"):
            connection.execute(f"DELETE FROM {table}")
        connection.commit()


def edited(document: Document, seed: int) -> Document:
    """The document with one paragraph changed."""
    rng = random.Random(seed)
    ends = [found.end() for found in re.finditer(r"\n[ \t\r]*\n\s*", document.text)]
    while True:
        start, end = (ends[n := rng.randrange(len(ends) - 1)], ends[n + 1])
        old = document.text[start:end]
        if len(old.split()) > 20 and not any(start <= s.span.start < end for s in document.sections):
            break
    new = {
        0: old.rstrip()
        + " And one thing more was said of it that evening, which nobody had expected to hear.\n\n",
        1: " ".join(old.split()[:5]) + ".\n\n",
        2: "Nothing of what stood here before is left, and what is left is short.\n\n",
    }[seed % 3]
    shift = len(new) - len(old)
    text = document.text[:start] + new + document.text[end:]

    def moved(at: int) -> int:
        return at + shift if at >= end else at

    sections = tuple(
        type(s)(s.title, s.level, type(s.span)(moved(s.span.start), moved(s.span.end)))
        for s in document.sections
    )
    return Document(text, document.title, document.media_type, sections)


def edit_costs(library: Library, book: Path, edits: int) -> tuple[list[int], int]:
    """Summaries to be made anew after each of several edits of one paragraph, and the depth of the tree."""
    encoder = library.trees.encoder(lambda event: None)

    def plan(document: Document, anchors: Any = None) -> Any:
        cut = chunk_document(document, encoder)
        nodes = plan_tree(document, cut.sentences, cut.token_counts, "reader", anchors=anchors)
        return nodes, tree_anchors(document.text, cut.sentences, nodes)

    document = load_document(book)
    nodes, anchors = plan(document)
    kept = {node.digest for node in nodes}
    costs = [
        len({n.digest for n in plan(edited(document, seed), anchors)[0]} - kept) for seed in range(edits)
    ]
    return costs, nodes[-1].level


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("book", type=Path)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--in-flight", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--edits", type=int, default=40)
    options = parser.parse_args()
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "home"
        if options.home:
            shutil.copytree(options.home, first)
            open_library(Settings(home=first)).close()  # its schema may be an older one
            drop_trees(first)
        else:
            library = open_library(Settings(home=first))
            list(library.add([options.book]))
            library.close()
        home = Path(shutil.copytree(first, Path(folder) / "extractive"))
        library, tree, _, ready = build(home, options.book)
        figures["extractive"] = {
            "nodes": len(tree.nodes),
            "levels": tree.root.level + 1,
            "seconds": round(ready, 2),
        }
        costs, depth = edit_costs(library, options.book, options.edits)
        figures["edits"] = {
            "edits": len(costs),
            "depth": depth,
            "most_summaries": max(costs),
            "mean": statistics.mean(costs),
        }
        library.close()
        runs = []
        for n in range(options.repeats):
            home = Path(shutil.copytree(first, Path(folder) / f"endpoint-{n}"))
            with endpoint(options.latency) as (base_url, tell):
                library, tree, summarised, ready = build(
                    home,
                    options.book,
                    model="openai:fake",
                    openai_base_url=base_url,
                    in_flight=options.in_flight,
                )
                calls, most = tell()
                library.close()
            ideal = ideal_seconds(tree, options.latency, options.in_flight)
            supported = [s.supported for node in tree.nodes if node.summary for s in node.summary.sentences]
            runs.append(
                {
                    "nodes": len(tree.nodes),
                    "calls": calls,
                    "most_in_flight": most,
                    "ideal_seconds": round(ideal, 2),
                    "summaries_stored": round(summarised, 2),
                    "summaries_stored_times_ideal": round(summarised / ideal, 3),
                    "tree_ready": round(ready, 2),
                    "tree_ready_times_ideal": round(ready / ideal, 3),
                    "supported": round(statistics.mean(supported), 3),
                }
            )
            print(json.dumps(runs[-1]), flush=True)
        figures["endpoint"] = runs
        medians = {
            name: statistics.median(each[name] for each in runs)
            for name in ("summaries_stored_times_ideal", "tree_ready_times_ideal")
        }
        figures["medians"] = medians
        figures["good"] = medians["summaries_stored_times_ideal"] <= TARGET
        figures["ready_in_time"] = medians["tree_ready_times_ideal"] <= TARGET
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()

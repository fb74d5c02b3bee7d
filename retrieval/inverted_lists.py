"""The FAISS mechanics below `FaissIndex`: make inverted lists, read them back, choose how many to scan."""

import importlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

import numpy as np

from retrieval.hits import Float32, Int64

__all__ = [
    "Storage",
    "blocks",
    "calibrate",
    "empty_lists",
    "list_ids",
    "partition",
    "scan",
    "selector",
]

_BLOCK = 65_536  # rows decoded at a time: 100 MB at 384 dimensions
_PER_LIST = 30  # rows per list that k-means sees; more made no difference to the lists needed
_LARGE = 300_000  # rows to compare from which one query is worth several threads
_DENSE = 1 << 30  # below this id a filter is a bitmap (at most 128 MiB), above it a hash set


def load_faiss() -> Any:
    """Import FAISS when it is first needed, untyped: its stubs do not know what its Python layer adds."""
    return importlib.import_module("faiss")


class Storage(StrEnum):
    """How the approximate stage keeps a row: 4, 2 or 1 byte per dimension."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    INT8 = "int8"


def empty_lists(centroids: Float32, storage: Storage, sample: Float32 | None = None) -> Any:
    """Return empty inverted lists around `centroids`, shape (n_lists, dim).

    Args:
        sample: Rows that show the range of each dimension, for INT8; ignored otherwise.
    """
    faiss = load_faiss()

    lists, dim = centroids.shape
    quantizer = faiss.IndexFlatIP(dim)
    quantizer.add(centroids)
    inner = faiss.METRIC_INNER_PRODUCT
    if storage is Storage.FLOAT32:
        index = faiss.IndexIVFFlat(quantizer, dim, lists, inner)
    else:
        eight, half = faiss.ScalarQuantizer.QT_8bit, faiss.ScalarQuantizer.QT_fp16
        kind = eight if storage is Storage.INT8 else half
        # Not by residual: codes do not depend on the lists, so rows move to new lists unchanged.
        index = faiss.IndexIVFScalarQuantizer(quantizer, dim, lists, kind, inner, False)
        if sample is not None and storage is Storage.INT8:
            index.sq.rangestat_arg = 0.1  # a tenth beyond the sample at both ends, for rows yet to come
            index.sq.train(sample)
    index.is_trained = True
    quantizer.this.disown()
    index.own_fields = True
    return index


def blocks(index: Any) -> Iterator[tuple[Int64, Float32]]:
    """Yield all (ids, rows) of the lists, decoded, at most `_BLOCK` at a time."""
    faiss = load_faiss()

    for number in range(index.nlist):
        ids = list_ids(index, number)
        size = len(ids) * index.code_size
        codes = faiss.rev_swig_ptr(index.invlists.get_codes(number), size) if size else np.empty(0, np.uint8)
        codes = codes.reshape(len(ids), index.code_size)
        for start in range(0, len(ids), _BLOCK):
            some = np.array(codes[start : start + _BLOCK])
            rows = index.sq.decode(some) if hasattr(index, "sq") else some.view(np.float32)
            yield ids[start : start + _BLOCK], rows


def list_ids(index: Any, number: int) -> Int64:
    """Return a copy of the ids in one list."""
    faiss = load_faiss()

    size = index.invlists.list_size(number)
    if not size:
        return np.empty(0, np.int64)
    return np.array(faiss.rev_swig_ptr(index.invlists.get_ids(number), size), np.int64)


def partition(index: Any, storage: Storage, count: int) -> tuple[Any, Float32]:
    """Move all rows into new lists, four times the square root of `count`; both are in memory meanwhile.

    Returns:
        The new lists and the sample of rows that their centroids were found on.
    """
    faiss = load_faiss()

    # Measured at a million rows: half as many lists took 1.6 times as long for the same recall.
    lists = max(2, int(4 * math.sqrt(count)))
    random = np.random.default_rng(0)
    share = min(1.0, lists * _PER_LIST / count)
    sample = np.concatenate([rows[random.random(len(rows)) < share] for _, rows in blocks(index)])
    lists = min(lists, len(sample))
    kmeans = faiss.Kmeans(
        index.d,
        lists,
        niter=6,
        spherical=True,
        seed=1,
        min_points_per_centroid=1,
        max_points_per_centroid=10**6,
    )
    kmeans.train(sample)
    new = empty_lists(kmeans.centroids, storage, sample)
    if storage is Storage.INT8 and hasattr(index, "sq"):
        new.sq = index.sq  # the same codes as before: eight bits are rounded once, not at every growth
    for ids, rows in blocks(index):
        new.add_with_ids(rows, ids)
    return new, sample


def calibrate(index: Any, sample: Float32, target: float) -> tuple[int, float, int]:
    """Find how many lists must be scanned for recall@10 of `target` against scanning all of them.

    A query is the middle of three sampled rows. A row itself, or one with a little noise, is found in the
    first lists; questions lie between the rows, and of several mixtures this one asked for as many lists as
    they did.

    Returns:
        The number of lists, the recall measured there, and on how many queries.
    """
    random = np.random.default_rng(2)
    wanted = int(np.clip(2e8 // max(index.ntotal, 1), 48, 256))  # seconds, not minutes, at 10 million rows
    queries = sample[random.integers(0, len(sample), (3, wanted))].sum(axis=0)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    _, truth = scan(index, queries, 10, index.nlist)
    nprobe = 1
    while True:
        _, found = scan(index, queries, 10, nprobe)
        recall = float(
            np.mean([len(np.intersect1d(a, b)) / len(b) for a, b in zip(found, truth, strict=True)])
        )
        if recall >= target or nprobe == index.nlist:
            return nprobe, recall, wanted
        nprobe = min(index.nlist, max(nprobe + 1, int(nprobe * 1.2)))


def scan(index: Any, queries: Float32, k: int, nprobe: int, only: Any = None) -> tuple[Float32, Int64]:
    """Compare queries with the rows of their `nprobe` nearest lists; (scores, ids), padded with -1."""
    faiss = load_faiss()

    parameters = faiss.SearchParametersIVF(nprobe=nprobe, sel=only)
    few = len(queries) < 4
    large = nprobe * index.ntotal > _LARGE * index.nlist
    index.parallel_mode = 1 if few else 0  # threads share the lists of a query, or the queries
    with _threads(1 if few and not large else None):
        scores, ids = index.search(queries, k, params=parameters)
    return scores, ids


def selector(ids: Int64) -> Any:
    """Return the FAISS filter for these ids (ascending, not empty) that is fastest to ask."""
    faiss = load_faiss()

    low, high = int(ids[0]), int(ids[-1])
    if high - low + 1 == len(ids):  # the ids of one document usually are one run
        return faiss.IDSelectorRange(low, high + 1)
    if high < _DENSE:
        bits = np.zeros(high + 1, np.bool_)
        bits[ids] = True
        return faiss.IDSelectorBitmap(np.packbits(bits, bitorder="little"))
    return faiss.IDSelectorBatch(ids)


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Use this many threads of FAISS's in the calling thread; None leaves its default.

    One query on one thread takes a few ms; with several it waits, whenever the cores are busy, for the
    slowest thread to be scheduled: 25 ms for the same work was measured beside one other busy program.
    """
    faiss = load_faiss()

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count or before)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)

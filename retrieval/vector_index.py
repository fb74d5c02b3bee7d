"""Nearest embeddings by cosine: exact while small, inverted lists with measured recall once large.

Both stages are one FAISS structure, inverted lists (Jégou, Douze, Schmid 2011): one list of float32 rows,
scanned whole, is exact search; many lists of 8-bit rows, of which a calibrated share is scanned, is the
approximate stage. So adding, removing, filtering and saving have one code path. The switch, and later new
lists whenever the index has grown fourfold, happen inside `add`. The defaults were measured by
tests/benchmarks/index_choice.py.
"""

import math
import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, Self

import numpy as np

from retrieval.errors import DamagedIndexError, DimensionMismatchError
from retrieval.hits import Float32, Hits, Int64
from retrieval.inverted_lists import (
    Storage,
    calibrate,
    empty_lists,
    list_ids,
    load_faiss,
    partition,
    scan,
    selector,
)
from retrieval.manifest import Manifest, checksum_of

__all__ = ["FaissIndex", "Storage", "VectorIndex", "VectorOptions"]

_BLOCK = 65_536  # rows added between two looks at the size
_UNIT = (
    1e-3  # how far from 1 the norm of a row may be: float32 rounding, not an encoder that forgot to normalise
)
_GPU_MOST = 2048  # hits and lists per query that FAISS allows on a GPU, where it has no filters either
_LEAST = 256  # rows below which lists make no sense
_GROWTH = 4  # the lists are made anew once the index is this many times larger than when they were made


class VectorIndex(Protocol):
    """What search needs of a vector index; rows are embeddings of unit length, ids are the caller's."""

    @property
    def ids(self) -> Int64:
        """All ids held, ascending."""

    def __len__(self) -> int: ...
    def add(self, ids: Int64, rows: Float32) -> None:
        """Add rows, or replace those whose id is held."""

    def remove(self, ids: Int64) -> int:
        """Forget ids; how many of them were held."""

    def search(self, rows: Float32, k: int, within: Int64 | None = None) -> list[Hits]:
        """Find the `k` closest of the rows whose id is in `within`, for each query, best first."""


@dataclass(frozen=True, slots=True)
class VectorOptions:
    """Choices of a `FaissIndex`.

    Attributes:
        exact_up_to: Rows up to which search is exact.
        storage: How rows are kept above that.
        recall: Recall@10 that calibration must reach on sampled rows, in (0, 1].
        device: "cuda" searches without a filter on the GPU where FAISS was built for one, else on the CPU.
    """

    exact_up_to: int = 50_000
    storage: Storage = Storage.INT8
    recall: float = 0.97
    device: Literal["cpu", "cuda"] = "cpu"

    def __post_init__(self) -> None:
        if self.exact_up_to < _LEAST or not 0 < self.recall <= 1:
            given = f"exact_up_to {self.exact_up_to}, recall {self.recall}"
            raise ValueError(f"{given}: exact_up_to must be at least {_LEAST} and recall in (0, 1]")


class FaissIndex:
    """A `VectorIndex` on FAISS; one call at a time, from any thread.

    Use `create` or `load`; the constructor only stores.
    """

    def __init__(self, index: Any, ids: Int64, about: dict[str, Any], options: VectorOptions) -> None:
        self._index, self._ids, self._options, self._about = index, ids, options, about
        self._gpu: Any = None
        self._lock = threading.RLock()
        self.stamp: dict[str, str] = {}

    @classmethod
    def create(cls, dim: int, options: VectorOptions | None = None) -> Self:
        """Return an empty index for rows of width `dim`."""
        if dim < 1:
            raise ValueError(f"dim {dim} must be at least 1")
        return cls(*_empty(dim), options or VectorOptions())

    @property
    def dim(self) -> int:
        """Width of the rows."""
        return int(self._about["dim"])

    @property
    def exact(self) -> bool:
        """Whether every row is compared, in float32."""
        return int(self._about["lists"]) == 1

    @property
    def about(self) -> dict[str, Any]:
        """What the manifest says: dim, metric, lists, nprobe, the recall@10 measured and on how many rows."""
        return dict(self._about)

    @property
    def ids(self) -> Int64:
        """All ids held, ascending, shape (n,), int64; do not write to it."""
        return self._ids

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, ids: Int64, rows: Float32) -> None:
        """Add rows, or replace those whose id is already held.

        Args:
            ids: Shape (n,), int64, 0 or more, each once.
            rows: Shape (n, dim), float32, unit length.

        Raises:
            DimensionMismatchError: If rows are not `dim` wide.
            ValueError: If an id is negative or given twice, or a row is not of unit length.
        """
        ids = np.ascontiguousarray(ids, np.int64)
        rows = self._checked(rows)
        if ids.shape != (len(rows),):
            raise ValueError(f"{ids.shape} ids for {len(rows)} rows")
        norms = np.sqrt(np.einsum("nd,nd->n", rows, rows))
        if not np.all(np.abs(norms - 1) <= _UNIT):  # written so that NaN is caught
            worst = int(np.argmax(np.where(np.isnan(norms), np.inf, np.abs(norms - 1))))
            raise ValueError(
                f"row {worst} (id {ids[worst]}) has norm {norms[worst]:.4f}; rows must be of length 1"
            )
        fresh = np.sort(ids)
        if len(fresh) and (fresh[0] < 0 or np.any(fresh[1:] == fresh[:-1])):
            raise ValueError("ids must be 0 or more and each given once")
        with self._lock:
            self._gpu = None
            self.remove(fresh)
            for start in range(0, len(ids), _BLOCK):
                block = np.sort(ids[start : start + _BLOCK])
                self._index.add_with_ids(rows[start : start + _BLOCK], ids[start : start + _BLOCK])
                self._ids = np.insert(self._ids, np.searchsorted(self._ids, block), block)
                limit = self._options.exact_up_to if self.exact else _GROWTH * self._about["trained_on"]
                if len(self) > limit:
                    self._repartition()

    def remove(self, ids: Int64) -> int:
        """Forget these ids and return how many of them were held."""
        with self._lock:
            gone = self._held(ids)
            if len(gone):
                self._gpu = None
                self._index.remove_ids(selector(gone))
                self._ids = np.delete(self._ids, np.searchsorted(self._ids, gone))
                if not len(self):  # what comes next need not lie where these lists do
                    self._index, self._ids, self._about = _empty(self.dim)
            return len(gone)

    def search(self, rows: Float32, k: int, within: Int64 | None = None) -> list[Hits]:
        """Find the `k` rows closest to each query by cosine, best first.

        Args:
            rows: Queries of unit length, shape (n_queries, dim), float32.
            k: Hits wanted per query, at least 1; fewer come back if fewer are held or allowed.
            within: Only these ids may be hits (ascending is fastest); None allows all.

        Raises:
            DimensionMismatchError: If queries are not `dim` wide.
        """
        rows = self._checked(rows)
        if k < 1:
            raise ValueError(f"k {k} must be at least 1")
        with self._lock:
            allowed = self._ids if within is None else self._held(within)
            if not len(allowed) or not len(rows):
                return [Hits.none() for _ in rows]
            k = min(k, len(allowed))
            # What a filter keeps lies farther from the query, so more lists are read, in the end all of them,
            # which is exact; the square root kept recall above that without a filter at every share measured.
            lists = int(self._about["lists"])
            nprobe = min(lists, math.ceil(self._about["nprobe"] * math.sqrt(len(self) / len(allowed))))
            hits = self._search(rows, k, nprobe, None if within is None else allowed)
            short = [i for i, hit in enumerate(hits) if len(hit) < k]
            if short and nprobe < lists:  # the lists that were read held too little: read all
                for i, hit in zip(
                    short,
                    self._search(rows[short], k, lists, None if within is None else allowed),
                    strict=True,
                ):
                    hits[i] = hit
            return hits

    def save(self, folder: Path, stamp: dict[str, str] | None = None) -> None:
        """Write the index to `folder` (made if missing) so that a crash leaves either the old or the new one.

        Args:
            folder: Belongs to this index alone.
            stamp: Free words, given back by `load` as `stamp`.
        """
        with self._lock:
            self.stamp = dict(stamp or {})
            folder.mkdir(parents=True, exist_ok=True)
            name = f"vectors-{secrets.token_hex(8)}.faiss"
            load_faiss().write_index(self._index, str(folder / name))
            with (folder / name).open("rb") as written:
                os.fsync(written.fileno())
            files = {name: checksum_of(folder / name)}
            Manifest("vectors", len(self), self.stamp, self._about, files).write(folder)
        for old in folder.glob("vectors-*.faiss"):
            if old.name != name:
                old.unlink(missing_ok=True)

    @classmethod
    def load(cls, folder: Path, options: VectorOptions | None = None) -> Self:
        """Return the index saved in `folder`, its caller's words in `stamp`.

        Raises:
            DamagedIndexError: If anything is missing, cut short, altered or of another format.
        """
        manifest = Manifest.read(folder, "vectors")
        try:
            return cls._opened(folder, manifest, options)
        except DamagedIndexError:
            if (now := Manifest.read(folder, "vectors")) == manifest:
                raise
            return cls._opened(folder, now, options)  # another program saved while we were reading

    @classmethod
    def _opened(cls, folder: Path, manifest: Manifest, options: VectorOptions | None) -> Self:
        manifest.check_files(folder)
        try:
            (name,) = manifest.files
            index = load_faiss().read_index(str(folder / name))
            ids = np.sort(np.concatenate([list_ids(index, number) for number in range(index.nlist)]))
            whole = (len(ids), index.d, index.nlist) == (
                manifest.count,
                manifest.about["dim"],
                manifest.about["lists"],
            )
        except (RuntimeError, ValueError, KeyError, AttributeError) as error:
            raise DamagedIndexError(f"The index {folder} cannot be read: {error}") from error
        if not whole:
            raise DamagedIndexError(f"The index {folder} does not hold what its manifest says.")
        loaded = cls(index, ids, manifest.about, options or VectorOptions())
        loaded.stamp = manifest.stamp
        return loaded

    def _checked(self, rows: Float32) -> Float32:
        rows = np.ascontiguousarray(rows, np.float32)
        if rows.ndim != 2 or rows.shape[1] != self.dim:
            raise DimensionMismatchError(
                f"Rows of shape {rows.shape} do not fit an index of width {self.dim}."
            )
        return rows

    def _held(self, ids: Int64) -> Int64:
        """Those of `ids` that are held, ascending, each once."""
        ids = np.asarray(ids, np.int64)
        if len(ids) > 1 and not np.all(ids[1:] > ids[:-1]):
            ids = np.unique(ids)
        if not len(self._ids):
            return ids[:0]
        if 8 * len(ids) > len(self._ids):  # two ascending runs: merging them beats looking each id up
            both = np.concatenate([self._ids, ids])
            both.sort(kind="stable")
            held: Int64 = both[1:][both[1:] == both[:-1]]
            return held
        place = np.minimum(np.searchsorted(self._ids, ids), len(self._ids) - 1)
        held = ids[self._ids[place] == ids]
        return held

    def _search(self, rows: Float32, k: int, nprobe: int, allowed: Int64 | None) -> list[Hits]:
        fits = max(k, nprobe) <= _GPU_MOST
        if allowed is None and fits and (gpu := self._on_gpu()) is not None:
            gpu.nprobe = nprobe
            scores, ids = gpu.search(rows, k)
        else:
            scores, ids = scan(self._index, rows, k, nprobe, None if allowed is None else selector(allowed))
        return [Hits.ordered(i[i >= 0], s[i >= 0]) for i, s in zip(ids, scores, strict=True)]

    def _repartition(self) -> None:
        """Make as many lists as the size asks for, and measure how many of them a search must scan."""
        self._index, sample = partition(self._index, self._options.storage, len(self))
        nprobe, recall, queries = calibrate(self._index, sample, self._options.recall)
        self._about |= {"trained_on": len(self), "lists": self._index.nlist, "nprobe": nprobe}
        self._about |= {
            "storage": str(self._options.storage),
            "recall": round(recall, 4),
            "recall_queries": queries,
        }

    def _on_gpu(self) -> Any:
        """A copy of the lists on the first GPU, made again after a change; None where FAISS has no GPU."""
        faiss = load_faiss()
        if self._options.device != "cuda" or not hasattr(faiss, "StandardGpuResources"):
            return None
        if self._gpu is None and faiss.get_num_gpus():
            self._gpu = faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, self._index)
        return self._gpu


def _empty(dim: int) -> tuple[Any, Int64, dict[str, Any]]:
    """One list without rows, no ids, and what the manifest says of them."""
    about = {"dim": dim, "metric": "cosine", "trained_on": 0, "lists": 1, "nprobe": 1, "recall": 1.0}
    return empty_lists(np.zeros((1, dim), np.float32), Storage.FLOAT32), np.empty(0, np.int64), about

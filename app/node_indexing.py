"""The FAISS index of all nodes of the summary trees, kept in step with SQL as the other indexes are.

What it should hold follows from the keys of the ready trees alone: a key is never used again, and the rows
below it never change. It can be deleted at any time and comes back equal.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from filelock import FileLock

from app.events import Event, Progress, silent
from memory.node_rows import NodeRowStore
from retrieval.errors import DamagedIndexError
from retrieval.vector_index import FaissIndex, VectorOptions

__all__ = ["NODES", "NodeIndex"]

NODES = "nodes"
"""Folder of the index below that of all indexes."""


class NodeIndex:
    """The index of one library and one encoder; use `refresh` before every search.

    Args:
        folder: Of all indexes.
        identity: Of the library.
        rows: Gives the nodes by the encoder that counts now.
        fingerprint: Of that encoder.
        options: Of the index.
    """

    def __init__(
        self,
        folder: Path,
        identity: str,
        rows: Callable[[], NodeRowStore],
        fingerprint: str,
        options: VectorOptions | None = None,
    ) -> None:
        self.folder, self._current_rows = folder, rows
        self._about = {"library": identity, "encoder": fingerprint}
        self._options = options or VectorOptions()
        self._held: list[int] | None = None
        self.rows = rows()
        self.index = FaissIndex.create(self.rows.dim, self._options)

    def refresh(self, progress: Progress = silent) -> None:
        """Catch up with SQL; costs one small query if nothing has changed."""
        trees = self._current_rows().trees()
        if trees == self._held:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / "lock"):
            self._catch_up(progress)

    def _catch_up(self, progress: Progress) -> None:
        self.rows = self._current_rows()
        trees = self.rows.trees()
        held = self._held if self._held is not None else self._opened()
        if held == trees and (self.folder / NODES).exists():
            self._held = trees
            return
        if set(held) - set(trees):
            self.index.remove(np.setdiff1d(self.index.ids, self.rows.keys(), assume_unique=True))
        new = [tree for tree in trees if tree not in set(held)]
        for number, tree in enumerate(new, start=1):
            keys, vectors = self.rows.vectors(tree)
            if len(keys):
                self.index.add(keys, vectors)
            progress(Event("index", NODES, number, len(new)))
        self.index.save(self.folder / NODES, self._about | {"trees": json.dumps(trees)})
        self._held = trees

    def _opened(self) -> list[int]:
        """The trees in the file, read into `index`; none if it is damaged or of another library."""
        try:
            index = FaissIndex.load(self.folder / NODES, self._options)
        except DamagedIndexError:
            index = None
        if index is not None and {name: index.stamp.get(name) for name in self._about} == self._about:
            self.index = index
            return list(json.loads(index.stamp["trees"]))
        self._remove_file()
        self.index = FaissIndex.create(self.rows.dim, self._options)
        return []

    def _remove_file(self) -> None:
        place = self.folder / NODES
        if place.is_file():
            place.unlink()
        shutil.rmtree(place, ignore_errors=True)

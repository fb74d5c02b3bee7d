"""BM25 over words, with tantivy: segments on disk, block-max WAND, commits that a crash cannot halve.

Chosen by tests/benchmarks/lexical_choice.py over SQLite FTS5 (100 times slower at a million passages) and
bm25s (no adding, no removing, the corpus in memory). Texts and questions become terms in `retrieval.words`; a
question is built as a query of those terms, never parsed, so nothing in it can act as syntax.
"""

import json
import shutil
import threading
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from retrieval.errors import DamagedIndexError, RetrievalError
from retrieval.hits import Hits, Int64
from retrieval.manifest import Manifest
from retrieval.words import content_words, words, words_of_each

if TYPE_CHECKING:
    import tantivy

__all__ = ["LexicalIndex"]

_SEGMENTS = "segments"  # the part of the folder that is tantivy's
_PARTS = ("fast", "fieldnorm", "idx", "pos", "store", "term")  # the files of every segment
_HEAP = 128_000_000  # bytes of text held before a segment is written


class LexicalIndex:
    """Entries of one text each, ranked by BM25 (k1 = 1.2, b = 0.75, the IDF of Lucene: never negative).

    Lengths are kept in one byte: exact up to 40 terms, rounded down by up to 11 % above. Removed entries
    count in the document frequencies until their segment is merged. Writing locks the folder from the first
    change to `commit`; readers, in this process or another, are not locked out and see whole commits.
    Use `create` or `open`; the constructor only stores.
    """

    def __init__(self, folder: Path, index: "tantivy.Index", stamp: dict[str, str]) -> None:
        self.folder, self.stamp = folder, stamp
        self._index = index
        self._schema = index.schema
        self._writer: tantivy.IndexWriter | None = None
        self._lock = threading.RLock()

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Return an empty index in `folder`, in place of the index that may be there."""
        import tantivy

        segments = folder / _SEGMENTS
        shutil.rmtree(segments, ignore_errors=True)
        segments.mkdir(parents=True)
        builder = tantivy.SchemaBuilder()
        builder.add_integer_field("id", indexed=True, fast=True)
        builder.add_integer_field("document", indexed=True, fast=True)
        builder.add_text_field("terms", tokenizer_name="whitespace", index_option="freq")
        created = cls(folder, tantivy.Index(builder.build(), path=str(segments)), {})
        created.commit()
        return created

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Return the index as it was last committed, its caller's words in `stamp`.

        Raises:
            DamagedIndexError: If anything is missing, cut short, altered or of another format.
        """
        while True:
            before = _state(folder)
            try:
                return cls._opened(folder)
            except DamagedIndexError:
                if _state(folder) == before:
                    raise  # else another program committed while we were reading

    @classmethod
    def _opened(cls, folder: Path) -> Self:
        import tantivy

        manifest = Manifest.read(folder, "words")
        segments = folder / _SEGMENTS
        try:
            meta = _meta(folder)
            _check_segments(segments, meta)
            about = manifest.about
            if (meta["schema"], meta["index_settings"]) != (about["schema"], about["settings"]):
                raise ValueError("its schema was altered")
            index = tantivy.Index.open(str(segments))
            stamp, count = manifest.stamp, index.searcher().num_docs
            if meta["opstamp"] == about["opstamp"]:
                if count != manifest.count:
                    raise ValueError(f"it holds {count} entries, its manifest says {manifest.count}")
            elif about["pending"] is None:
                raise ValueError("it was changed behind its manifest")
            else:  # killed after tantivy's commit and before the manifest said so
                stamp = about["pending"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DamagedIndexError(f"The index {folder} cannot be read: {error}") from error
        return cls(folder, index, stamp)

    def __len__(self) -> int:
        """Entries committed."""
        return int(self._index.searcher().num_docs)

    @property
    def holds_removed(self) -> bool:
        """Whether terms of entries that were removed still stand in its files."""
        return any(segment["deletes"] for segment in _meta(self.folder)["segments"])

    def add(self, ids: Int64, document_ids: Int64, texts: Sequence[str]) -> None:
        """Add entries, or replace those whose id is already held; searches see them after `commit`.

        Args:
            ids: Shape (n,), int64.
            document_ids: The document that each entry belongs to, shape (n,), int64.
            texts: n texts in any language.

        Raises:
            RetrievalError: If another program is writing to the folder.
            ValueError: If the three differ in length or an id is given twice.
        """
        import tantivy

        if not len(ids) == len(document_ids) == len(texts):
            raise ValueError(f"{len(ids)} ids, {len(document_ids)} document ids and {len(texts)} texts")
        if len(np.unique(ids)) != len(ids):
            raise ValueError("each id must be given once")
        with self._lock:
            writer = self._writing()
            for number, document, terms in zip(ids, document_ids, words_of_each(texts), strict=True):
                writer.delete_documents_by_term("id", int(number))
                row = {"id": int(number), "document": int(document), "terms": " ".join(terms)}
                writer.add_document(tantivy.Document.from_dict(row, self._schema))

    def remove(self, ids: Int64) -> None:
        """Forget these entries, with the next `commit`; unknown ids are no error."""
        with self._lock:
            writer = self._writing()
            for number in ids:
                writer.delete_documents_by_term("id", int(number))

    def remove_document(self, document_id: int) -> None:
        """Forget every entry of a document, with the next `commit`."""
        with self._lock:
            self._writing().delete_documents_by_term("document", int(document_id))

    def commit(self, stamp: dict[str, str] | None = None) -> None:
        """Make all changes durable and visible at once; killed at any moment, all or none of them are there.

        Args:
            stamp: Free words, given back by `open` as `stamp`, always those of the entries found with them.
        """
        with self._lock:
            writer, stamp = self._writing(), dict(stamp or {})
            if (self.folder / _SEGMENTS / "meta.json").exists() and self.folder.joinpath(
                "manifest.json"
            ).exists():
                self._note(len(self), self.stamp, pending=stamp)
            writer.commit()
            self._index.reload()
            self.stamp = stamp
            self._note(len(self), stamp, pending=None)
            self._writer = None
            writer.wait_merging_threads()  # dropping the writer would give its merges up
            self._index.reload()

    def discard(self) -> None:
        """Forget the changes since the last `commit` and let others write."""
        with self._lock:
            if self._writer is not None:
                self._writer.rollback()
                self._writer = None

    def search(
        self,
        query: str,
        k: int,
        within_documents: Int64 | None = None,
        up_to: Mapping[int, int] | None = None,
    ) -> Hits:
        """Find the `k` entries that match best, best first; none if no term of `query` occurs.

        Of entries that score the same as the last hit, those with the smallest ids are hits: which of them
        tantivy finds first depends on the order of its segments, which is drawn by lot when they are written.

        Args:
            query: Plain language. Stop words are left out, unless it has nothing else.
            k: Hits wanted, at least 1.
            within_documents: Only entries of these documents may be hits; None allows all. Applied inside the
                search.
            up_to: Of some of these documents, the greatest id that may be a hit; likewise inside. Only with
                `within_documents`.
        """
        if k < 1:
            raise ValueError(f"k {k} must be at least 1")
        terms = dict.fromkeys(content_words(query) or words(query))
        if not terms or (within_documents is not None and not len(within_documents)):
            return Hits.none()
        searcher = self._index.searcher()
        asked, wanted = self._query(list(terms), within_documents, up_to), k + 1
        found = searcher.search(asked, wanted, count=False).hits
        while len(found) == wanted and found[-1][0] == found[k - 1][0]:  # more of them may tie with the last
            wanted *= 4
            found = searcher.search(asked, wanted, count=False).hits
        if not found:
            return Hits.none()
        ids = searcher.fast_field_values("id", [address for _, address in found])
        scores = np.array([score for score, _ in found], np.float32)
        return Hits.ordered(np.array(ids, np.int64), scores).first(k)

    def frequencies(self, terms: Sequence[str]) -> list[int]:
        """In how many entries each term of `content_words` occurs, of all documents."""
        searcher = self._index.searcher()
        return [int(searcher.doc_freq("terms", term)) for term in terms]

    def occurring(
        self,
        terms: Sequence[str],
        within_documents: Int64 | None = None,
        up_to: Mapping[int, int] | None = None,
    ) -> frozenset[str]:
        """Those of `terms` that occur in what `search` would look at."""
        searcher = self._index.searcher()
        return frozenset(
            term
            for term in terms
            if searcher.search(self._query([term], within_documents, up_to), 1, count=False).hits
        )

    def _query(
        self, terms: list[str], within: Int64 | None, up_to: Mapping[int, int] | None
    ) -> "tantivy.Query":
        from tantivy import Occur, Query

        parts = [(Occur.Should, Query.term_query(self._schema, "terms", term, "freq")) for term in terms]
        query = Query.boolean_query(parts)
        if within is None:
            return query
        allowed = self._allowed([int(each) for each in within], up_to or {})
        return Query.boolean_query([(Occur.Must, Query.const_score_query(allowed, 0.0)), (Occur.Must, query)])

    def _allowed(self, documents: list[int], up_to: Mapping[int, int]) -> "tantivy.Query":
        """The entries of some documents; of those in `up_to` only the ones with an id up to that."""
        from tantivy import FieldType, Occur, Query

        whole = Query.term_set_query(self._schema, "document", [d for d in documents if d not in up_to])
        parts = [(Occur.Should, whole)]
        for document in [each for each in documents if each in up_to]:
            of_it = Query.term_query(self._schema, "document", document)
            first = Query.range_query(self._schema, "id", FieldType.Integer, None, up_to[document])
            parts.append((Occur.Should, Query.boolean_query([(Occur.Must, of_it), (Occur.Must, first)])))
        return Query.boolean_query(parts) if len(parts) > 1 else whole

    def _writing(self) -> "tantivy.IndexWriter":
        if self._writer is None:
            try:
                self._writer = self._index.writer(heap_size=_HEAP, num_threads=1)
            except ValueError as error:
                raise RetrievalError(
                    f"The index {self.folder} is being written by another program."
                ) from error
        return self._writer

    def _note(self, count: int, stamp: dict[str, str], pending: dict[str, str] | None) -> None:
        """Write the manifest for what tantivy has committed; `pending` is the stamp of a commit to come."""
        meta = _meta(self.folder)
        about = {"opstamp": meta["opstamp"], "pending": pending}
        about |= {"schema": meta["schema"], "settings": meta["index_settings"]}
        Manifest("words", count, stamp, about).write(self.folder)


def _state(folder: Path) -> list[bytes]:
    """What changes with every commit."""
    files = (folder / "manifest.json", folder / _SEGMENTS / "meta.json")
    return [file.read_bytes() if file.exists() else b"" for file in files]


def _meta(folder: Path) -> dict[str, Any]:
    """Tantivy's own list of what it committed."""
    meta: dict[str, Any] = json.loads((folder / _SEGMENTS / "meta.json").read_text(encoding="utf-8"))
    return meta


def _check_segments(folder: Path, meta: dict[str, Any]) -> None:
    """Compare every file of every segment with the checksum that tantivy keeps at its end.

    Raises:
        ValueError: If a file was altered or cut short; OSError if it is missing.
    """
    for segment in meta["segments"]:
        name = str(segment["segment_id"]).replace("-", "")
        files = [f"{name}.{part}" for part in _PARTS]
        if segment["deletes"]:
            files.append(f"{name}.{segment['deletes']['opstamp']}.del")
        for file in files:
            body = (folder / file).read_bytes()
            size = int.from_bytes(body[-8:-4], "little")  # then the magic number 1337
            footer = json.loads(body[-8 - size : -8]) if 0 < size < len(body) else {}
            if zlib.crc32(memoryview(body)[: -8 - size]) != footer.get("crc"):
                raise ValueError(f"the file {file} was altered or cut short")

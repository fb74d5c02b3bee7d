"""Summaries in SQL, each kept under the hash of all that it depends on, the moment it is done (promise 4).

Offsets of their sources count from the start of the text that was summarised, here and in all that this
module gives back: a text that has moved keeps its summaries.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine, bindparam, delete, exists, literal, select, update

from memory.embeddings import rows_from_blobs
from memory.tables import DocumentRow, SummaryRow, SummaryUseRow, SummaryVectorRow, TreeNodeRow
from memory.trees import Summary, SummarySentence
from memory.upserts import upsert
from retrieval.document import Span
from retrieval.hits import Float32

__all__ = [
    "SummaryStore",
    "delete_orphans",
    "delete_unused",
    "forget_uses",
    "moved",
    "stored_sentences",
    "summary_of",
]

BATCH: Final = 500
"""Digests in one IN clause; older builds of SQLite allow 999 variables."""

# Made once: to put a statement together costs more than to run it.
_KEPT: Final = select(SummaryRow.digest).where(SummaryRow.digest == bindparam("digest"))


class SummaryStore:
    """Summaries of one database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def get(self, digests: Collection[bytes]) -> dict[bytes, Summary]:
        """The summaries kept under these digests, those that are there."""
        found: dict[bytes, Summary] = {}
        columns = select(SummaryRow.digest, SummaryRow.sentences, SummaryRow.notes)
        with self.engine.connect() as connection:
            for batch in _batches(digests):
                for row in connection.execute(columns.where(SummaryRow.digest.in_(batch))):
                    found[row.digest] = summary_of(row.digest, row.sentences, row.notes)
        return found

    def missing(self, digests: Collection[bytes]) -> set[bytes]:
        """Those of the digests under which no summary is kept."""
        missing = set(digests)
        with self.engine.connect() as connection:
            for batch in _batches(digests):
                kept = select(SummaryRow.digest).where(SummaryRow.digest.in_(batch))
                missing.difference_update(connection.execute(kept).scalars())
        return missing

    def kept(self, digest: bytes) -> bool:
        """Whether a summary is kept under a digest."""
        with self.engine.connect() as connection:
            return connection.execute(_KEPT, {"digest": digest}).first() is not None

    def unlinked(self, digests: Collection[bytes]) -> set[bytes]:
        """Those of the digests whose summary has no sources yet."""
        found: set[bytes] = set()
        with self.engine.connect() as connection:
            for batch in _batches(digests):
                kept = select(SummaryRow.digest).where(
                    SummaryRow.digest.in_(batch), SummaryRow.linked.is_(False)
                )
                found.update(connection.execute(kept).scalars())
        return found

    def put(
        self,
        summary: Summary,
        reader: str,
        seconds: float,
        linked: bool = True,
        vectors: tuple[int, Float32] | None = None,
        use: tuple[str, str] | None = None,
    ) -> bool:
        """Keep a summary that is wanted; one that is there already under its digest stays as it is.

        It is wanted by a node of a tree with that digest, or by a document that is there; else it would stay
        for ever.

        Args:
            summary: Offsets counted from the start of what was summarised.
            reader: Who made it, with all that it depends on.
            seconds: How long that took.
            linked: Whether its sentences have their sources.
            vectors: Key of the encoder and unit rows of its sentences, shape (n, dim), if they are known.
            use: Id and content hash of the document that uses it outside of any tree.

        Returns:
            Whether it is wanted; if not, nothing is kept.
        """
        values = {
            "digest": summary.digest,
            "reader": reader,
            "sentences": stored_sentences(summary.sentences),
            "notes": list(summary.notes),
            "linked": linked,
            "seconds": seconds,
            "created_at": datetime.now(UTC),
        }
        with self.engine.connect() as connection:
            added = connection.execute(
                upsert(connection, SummaryRow)
                .values(values)
                .on_conflict_do_nothing(index_elements=["digest"])
            )
            if use is None:
                node = select(TreeNodeRow.key).where(TreeNodeRow.digest == summary.digest).limit(1)
                wanted = connection.execute(node.with_for_update(read=True)).first() is not None
            else:
                wanted = _use(connection, *use, [summary.digest]) == 1
            if not wanted:
                connection.rollback()
                return False
            if added.rowcount and vectors is not None:
                _put_vectors(connection, vectors[0], {summary.digest: vectors[1]})
            connection.commit()
            return True

    def link(self, summaries: Iterable[Summary]) -> None:
        """Give summaries that are kept the sources of their sentences."""
        with self.engine.begin() as connection:
            for summary in summaries:
                values = {"sentences": stored_sentences(summary.sentences), "linked": True}
                connection.execute(
                    update(SummaryRow).where(SummaryRow.digest == summary.digest).values(values)
                )

    def vectors(self, encoder: int, dim: int, digests: Collection[bytes]) -> dict[bytes, Float32]:
        """Embeddings of the sentences of summaries, unit rows, shape (n, dim); those that are there."""
        found: dict[bytes, Float32] = {}
        with self.engine.connect() as connection:
            for batch in _batches(digests):
                kept = select(SummaryVectorRow.digest, SummaryVectorRow.vectors).where(
                    SummaryVectorRow.encoder_key == encoder, SummaryVectorRow.digest.in_(batch)
                )
                for digest, vectors in connection.execute(kept):
                    blobs = [vectors[n : n + 2 * dim] for n in range(0, len(vectors), 2 * dim)]
                    found[digest] = rows_from_blobs(blobs, dim)
        return found

    def use(self, document_id: str, content_hash: str, digests: Collection[bytes]) -> bool:
        """Note that summaries belong to a version of a document, outside of any tree.

        Returns:
            Whether the document and all of the summaries are there; if not, nothing is noted.
        """
        with self.engine.connect() as connection:
            if _use(connection, document_id, content_hash, digests) < len(set(digests)):
                connection.rollback()
                return False
            connection.commit()
            return True

    def drop_outdated(self, document_id: str, content_hash: str) -> None:
        """Delete what was made for other versions of a document and nothing uses any more."""
        with self.engine.begin() as connection:
            forget_uses(connection, document_id, content_hash)

    def put_vectors(self, encoder: int, rows: Mapping[bytes, Float32]) -> None:
        """Keep embeddings of summaries, by digest; summaries that have gone meanwhile are left out."""
        with self.engine.begin() as connection:
            for batch in _batches(rows):
                kept = select(SummaryRow.digest).where(SummaryRow.digest.in_(batch))
                there = connection.execute(kept).scalars().all()
                _put_vectors(connection, encoder, {digest: rows[digest] for digest in there})


def forget_uses(connection: Connection, document_id: str, kept: str | None = None) -> None:
    """Forget what was made for a document outside of trees, but for the version `kept`."""
    uses = select(SummaryUseRow.digest).where(SummaryUseRow.document_id == document_id)
    gone = delete(SummaryUseRow).where(SummaryUseRow.document_id == document_id)
    if kept is not None:
        uses = uses.where(SummaryUseRow.content_hash != kept)
        gone = gone.where(SummaryUseRow.content_hash != kept)
    digests = connection.execute(uses).scalars().all()
    connection.execute(gone)
    delete_unused(connection, digests)


def delete_unused(connection: Connection, digests: Collection[bytes]) -> None:
    """Delete those of the summaries that no node of a tree and no document refers to any more."""
    for batch in _batches(digests):
        kept = {
            digest
            for table in (TreeNodeRow, SummaryUseRow)
            for digest in connection.execute(
                select(table.digest).where(table.digest.in_(batch)).distinct()
            ).scalars()
        }
        gone = [digest for digest in batch if digest not in kept]
        connection.execute(delete(SummaryRow).where(SummaryRow.digest.in_(gone)))


def delete_orphans(connection: Connection) -> None:
    """Delete the summaries that no node of a tree and no document refers to."""
    nodes = exists().where(TreeNodeRow.digest == SummaryRow.digest)
    uses = exists().where(SummaryUseRow.digest == SummaryRow.digest)
    connection.execute(delete(SummaryRow).where(~nodes, ~uses))


def summary_of(digest: bytes, sentences: list[Any], notes: list[str], offset: int = 0) -> Summary:
    """A summary from its columns, `offset` added to the places of its sources."""
    return Summary(
        digest,
        tuple(
            SummarySentence(
                each["text"],
                tuple(Span(start + offset, end + offset) for start, end in each["sources"]),
                each["supported"],
            )
            for each in sentences
        ),
        tuple(notes),
    )


def stored_sentences(sentences: Iterable[SummarySentence]) -> list[dict[str, Any]]:
    """Sentences as they are kept."""
    return [
        {
            "text": each.text,
            "sources": [[span.start, span.end] for span in each.sources],
            "supported": each.supported,
        }
        for each in sentences
    ]


def moved(span: Span, by: int) -> Span:
    """The same stretch, counted from elsewhere."""
    return Span(span.start + by, span.end + by)


def _use(connection: Connection, document_id: str, content_hash: str, digests: Collection[bytes]) -> int:
    """Write uses of those of the summaries that are there; how many, 0 if the document is not there."""
    written = 0
    for batch in _batches(digests):
        there = select(literal(document_id), SummaryRow.digest, literal(content_hash)).where(
            SummaryRow.digest.in_(batch)
        )
        written += connection.execute(
            upsert(connection, SummaryUseRow)
            .from_select(["document_id", "digest", "content_hash"], there)
            .on_conflict_do_update(
                index_elements=["document_id", "digest"], set_={"content_hash": content_hash}
            )
        ).rowcount
    # Held, so that it cannot go before this is stored.
    document = select(DocumentRow.key).where(DocumentRow.id == document_id).limit(1)
    return written if connection.execute(document.with_for_update(read=True)).first() else 0


def _put_vectors(connection: Connection, encoder: int, rows: Mapping[bytes, Float32]) -> None:
    if not rows:
        return
    values = [
        {"encoder_key": encoder, "digest": digest, "vectors": each.astype("<f2").tobytes()}
        for digest, each in rows.items()
    ]
    connection.execute(
        upsert(connection, SummaryVectorRow)
        .values(values)
        .on_conflict_do_nothing(index_elements=["encoder_key", "digest"])
    )


def _batches(digests: Collection[bytes] | Mapping[bytes, object]) -> Iterable[list[bytes]]:
    ordered = list(dict.fromkeys(digests))
    return (ordered[start : start + BATCH] for start in range(0, len(ordered), BATCH))

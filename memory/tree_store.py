"""Summary trees in SQL: planned whole, filled node by node, read with one select, dropped when outdated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, Engine, Select, delete, func, insert, select, update

from memory.summaries import delete_orphans, delete_unused, forget_uses, summary_of
from memory.tables import DocumentRow, SentenceRow, SummaryRow, TreeNodeRow, TreeRow
from memory.tree_cuts import Anchor
from memory.trees import SummaryTree, TreeNode
from memory.upserts import upsert
from retrieval.document import Span

__all__ = ["TreeStore", "TreeVersion", "remove_trees"]

SIDE_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class TreeVersion:
    """What a tree is known by: the document's id and bytes, the reader, and how it was cut."""

    document_id: str
    content_hash: str
    reader: str
    recipe: str


class TreeStore:
    """Trees of one database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def sentences(self, document: int) -> tuple[list[Span], list[int]]:
        """What a document's tree is planned from: its sentences in order, and the tokens of each."""
        query = (
            select(SentenceRow.start, SentenceRow.end, SentenceRow.token_count)
            .where(SentenceRow.document_key == document)
            .order_by(SentenceRow.ordinal)
        )
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
        return [Span(row.start, row.end) for row in rows], [row.token_count for row in rows]

    def write(self, version: TreeVersion, nodes: Sequence[TreeNode], anchors: Sequence[Anchor]) -> int:
        """Write the plan of a tree; the key of it, or of the tree that is there already."""
        with self.engine.begin() as connection:
            values = {
                "document_id": version.document_id,
                "content_hash": version.content_hash,
                "reader": version.reader,
                "recipe": version.recipe,
                "state": "building",
                "anchors": b"".join(each.before + each.after for each in anchors),
                "created_at": datetime.now(UTC),
            }
            columns = ["document_id", "content_hash", "reader", "recipe"]
            key = connection.execute(
                upsert(connection, TreeRow)
                .values(values)
                .on_conflict_do_nothing(index_elements=columns)
                .returning(TreeRow.key)
            ).scalar()
            if key is None:
                return int(connection.execute(_known(version).with_only_columns(TreeRow.key)).scalar_one())
            connection.execute(insert(TreeNodeRow), [_values(int(key), node) for node in nodes])
            return int(key)

    def find(self, version: TreeVersion) -> tuple[int, bool] | None:
        """Key of a tree, and whether it is ready."""
        with self.engine.connect() as connection:
            row = connection.execute(_known(version)).first()
        return None if row is None else (row.key, row.state == "ready")

    def whole(self, reader: str) -> set[TreeVersion]:
        """The versions of all trees by a reader that are ready."""
        columns = TreeRow.document_id, TreeRow.content_hash, TreeRow.reader, TreeRow.recipe
        query = select(*columns).where(TreeRow.reader == reader, TreeRow.state == "ready")
        with self.engine.connect() as connection:
            return {TreeVersion(*row) for row in connection.execute(query)}

    def load(self, key: int) -> SummaryTree | None:
        """A tree with the summaries that are there; None if it is gone."""
        query = (
            select(
                TreeNodeRow.__table__,
                SummaryRow.sentences,
                SummaryRow.notes,
                TreeRow.document_id,
                TreeRow.content_hash,
                TreeRow.reader,
            )
            .join(TreeRow, TreeRow.key == TreeNodeRow.tree_key)
            .outerjoin(SummaryRow, SummaryRow.digest == TreeNodeRow.digest)
            .where(TreeNodeRow.tree_key == key)
            .order_by(TreeNodeRow.ordinal)
        )
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return None
        children: dict[int, list[int]] = {}
        numbers: dict[int, int] = {}
        nodes: list[TreeNode] = []
        for row in rows:
            if row.parent is not None:
                children.setdefault(row.parent, []).append(row.ordinal)
            number = numbers[row.level] = numbers.get(row.level, -1) + 1
            summary = None
            if row.sentences is not None:
                summary = summary_of(row.digest, row.sentences, row.notes, row.start)
            nodes.append(
                TreeNode(
                    ordinal=row.ordinal,
                    parent=row.parent,
                    children=tuple(children.get(row.ordinal, ())),
                    level=row.level,
                    number=number,
                    kind=row.kind,
                    title=row.title,
                    span=Span(row.start, row.end),
                    first_sentence=row.first_sentence,
                    end_sentence=row.end_sentence,
                    tokens=row.tokens,
                    digest=row.digest,
                    summary=summary,
                )
            )
        return SummaryTree(key, rows[0].document_id, rows[0].content_hash, rows[0].reader, tuple(nodes))

    def finish(self, key: int) -> bool:
        """Make a tree ready if all its summaries are there and linked; whether it is.

        The same reader's trees of other versions of the document go, and what only they needed.
        """
        with self.engine.begin() as connection:
            lacking = (
                select(func.count())
                .select_from(TreeNodeRow)
                .outerjoin(SummaryRow, SummaryRow.digest == TreeNodeRow.digest)
                .where(TreeNodeRow.tree_key == key, SummaryRow.linked.is_not(True))
            )
            row = connection.execute(
                select(TreeRow.document_id, TreeRow.reader).where(TreeRow.key == key)
            ).first()
            if row is None or connection.execute(lacking).scalar_one():
                return False
            connection.execute(update(TreeRow).where(TreeRow.key == key).values(state="ready"))
            others = select(TreeRow.key).where(
                TreeRow.document_id == row.document_id, TreeRow.reader == row.reader, TreeRow.key != key
            )
            _delete(connection, connection.execute(others).scalars().all())
        return True

    def anchors(self, document_id: str, content_hash: str, reader: str) -> tuple[Anchor, ...] | None:
        """The boundaries of the leaves of the tree that a new one should be cut like; None without one.

        That is one of the same version of the document, or else of the version before: of the same reader
        if there is one, else the newest.
        """
        query = (
            select(TreeRow.key, TreeRow.anchors)
            .where(TreeRow.document_id == document_id)
            .order_by(
                (TreeRow.content_hash == content_hash).desc(),
                (TreeRow.reader == reader).desc(),
                TreeRow.key.desc(),
            )
        )
        with self.engine.connect() as connection:
            tree = connection.execute(query).first()
            if tree is None:
                return None
            nodes = TreeNodeRow.__table__.alias()
            leaves = (
                select(TreeNodeRow.start)
                .outerjoin(
                    nodes,
                    (nodes.c.tree_key == TreeNodeRow.tree_key) & (nodes.c.parent == TreeNodeRow.ordinal),
                )
                .where(TreeNodeRow.tree_key == tree.key, nodes.c.key.is_(None))
                .order_by(TreeNodeRow.ordinal)
            )
            starts = connection.execute(leaves).scalars().all()[1:]
        sides = [tree.anchors[n : n + SIDE_BYTES] for n in range(0, len(tree.anchors), SIDE_BYTES)]
        return tuple(Anchor(*each) for each in zip(sides[::2], sides[1::2], starts, strict=True))


def remove_trees(connection: Connection, document_id: str) -> None:
    """Delete the trees and summaries of a document that is gone, but for what others use."""
    left = select(DocumentRow.key).where(DocumentRow.id == document_id)
    if connection.execute(left).first() is None:
        keys = select(TreeRow.key).where(TreeRow.document_id == document_id)
        _delete(connection, connection.execute(keys).scalars().all())
        forget_uses(connection, document_id)
        delete_orphans(connection)


def _delete(connection: Connection, trees: Sequence[int]) -> None:
    for key in trees:
        nodes = select(TreeNodeRow.digest).where(TreeNodeRow.tree_key == key)
        digests = set(connection.execute(nodes).scalars())
        connection.execute(delete(TreeRow).where(TreeRow.key == key))
        delete_unused(connection, digests)


def _known(version: TreeVersion) -> Select[int, str]:
    return select(TreeRow.key, TreeRow.state).where(
        TreeRow.document_id == version.document_id,
        TreeRow.content_hash == version.content_hash,
        TreeRow.reader == version.reader,
        TreeRow.recipe == version.recipe,
    )


def _values(tree: int, node: TreeNode) -> dict[str, object]:
    return {
        "tree_key": tree,
        "ordinal": node.ordinal,
        "parent": node.parent,
        "level": node.level,
        "kind": node.kind,
        "title": node.title,
        "start": node.span.start,
        "end": node.span.end,
        "first_sentence": node.first_sentence,
        "end_sentence": node.end_sentence,
        "tokens": node.tokens,
        "digest": node.digest,
    }

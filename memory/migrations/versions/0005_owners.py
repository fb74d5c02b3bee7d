"""Documents and jobs belong to users; collections of documents; turns are found by when they were asked."""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

FIRST_USER = "me"
"""Whose everything of older versions is, unless exactly one other user is known."""

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OWNED = ("documents", "jobs")
USERS = sa.table("users", sa.column("name"))
JOBS = sa.table(
    "jobs",
    *map(sa.column, ("key", "kind", "state", "owner")),
    sa.column("digest", sa.LargeBinary()),
    sa.column("spec", sa.JSON()),
)


def upgrade() -> None:

    owner = _first_user()
    for name in OWNED:
        # With a default, so that SQLite need not copy the table: a copy would forget which keys were used.
        op.add_column(name, sa.Column("owner", sa.String(), nullable=False, server_default=FIRST_USER))
        op.execute(sa.update(sa.table(name, sa.column("owner"))).values(owner=owner))
        op.create_index(op.f(f"ix_{name}_owner"), name, ["owner"])
    _name_by_owner()
    op.create_table(
        "collections",
        sa.Column("key", KEY, nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_collections")),
        sa.UniqueConstraint("owner", "name", name=op.f("uq_collections_owner")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "collection_documents",
        sa.Column("collection_key", KEY, autoincrement=False, nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_key"],
            ["collections.key"],
            name=op.f("fk_collection_documents_collection_key_collections"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("collection_key", "document_id", name=op.f("pk_collection_documents")),
    )
    op.create_index(op.f("ix_collection_documents_document_id"), "collection_documents", ["document_id"])
    op.create_index("ix_turns_asked_at", "turns", ["user_key", "asked_at", "key"])
    op.add_column("cleanups", sa.Column("owner", sa.String()))


def downgrade() -> None:

    op.drop_column("cleanups", "owner")
    op.drop_index("ix_turns_asked_at", "turns")
    op.drop_table("collection_documents")
    op.drop_table("collections")
    for name in OWNED:
        op.drop_index(op.f(f"ix_{name}_owner"), name)
        op.drop_column(name, "owner")


def _first_user() -> str:
    names = op.get_bind().execute(sa.select(USERS.c.name).limit(2)).scalars().all()
    return str(names[0]) if len(names) == 1 else FIRST_USER


def _name_by_owner() -> None:
    """Give the jobs that have not ended the digests by which they are found from now on."""
    connection = op.get_bind()
    unfinished = JOBS.c.state.in_(("queued", "running", "paused"))
    for job in connection.execute(sa.select(JOBS).where(unfinished)).all():
        written = json.dumps([job.owner, job.kind, job.spec], sort_keys=True).encode()
        digest = hashlib.blake2b(written, digest_size=16).digest()
        connection.execute(sa.update(JOBS).where(JOBS.c.key == job.key).values(digest=digest))

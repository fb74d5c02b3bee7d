"""Users with threads of their own, summaries and embeddings of turns, facts, reading positions, cleanups."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

FIRST_USER = "me"
"""Whose the threads of older versions are."""

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
USERS = sa.table(
    "users", sa.column("key"), sa.column("name"), sa.column("revision"), sa.column("created_at", sa.DateTime)
)
TURNS = sa.table(
    "turns",
    *map(sa.column, ("user_key", "speaker", "question_summary", "answer_summary", "importance")),
)
THREADS = sa.table("threads", sa.column("key"), sa.column("user_key"), sa.column("name"))


def upgrade() -> None:

    op.create_table(
        "users",
        sa.Column("key", KEY, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
        sqlite_autoincrement=True,
    )
    user = _first_user()
    with op.batch_alter_table("threads") as threads:
        threads.add_column(sa.Column("user_key", KEY, nullable=True))
    op.execute(sa.update(THREADS).values(user_key=user))
    with op.batch_alter_table("threads") as threads:
        threads.alter_column("user_key", existing_type=KEY, nullable=False)
        threads.drop_constraint("uq_threads_name", type_="unique")
        threads.create_unique_constraint("uq_threads_user_key", ["user_key", "name"])
        threads.create_foreign_key(
            "fk_threads_user_key_users", "users", ["user_key"], ["key"], ondelete="CASCADE"
        )
    with op.batch_alter_table("turns") as table:
        for name, kind in (
            ("user_key", KEY),
            ("speaker", sa.String()),
            ("question_summary", sa.String()),
            ("answer_summary", sa.String()),
            ("importance", sa.Double()),
        ):
            table.add_column(sa.Column(name, kind, nullable=True))
    op.execute(
        sa.update(TURNS).values(
            user_key=user, speaker="", question_summary="", answer_summary="", importance=0.0
        )
    )
    with op.batch_alter_table("turns") as table:
        table.alter_column("user_key", existing_type=KEY, nullable=False)
        for name in ("speaker", "question_summary", "answer_summary"):
            table.alter_column(name, existing_type=sa.String(), nullable=False)
        table.alter_column("importance", existing_type=sa.Double(), nullable=False)
        table.create_foreign_key(
            "fk_turns_user_key_users", "users", ["user_key"], ["key"], ondelete="CASCADE"
        )
    op.create_index("ix_turns_user_key", "turns", ["user_key", "key"])
    op.create_table(
        "turn_vectors",
        sa.Column("encoder_key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("turn_key", KEY, autoincrement=False, nullable=False),
        sa.Column("vectors", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["encoder_key"],
            ["encoders.key"],
            name=op.f("fk_turn_vectors_encoder_key_encoders"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["turn_key"], ["turns.key"], name=op.f("fk_turn_vectors_turn_key_turns"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("encoder_key", "turn_key", name=op.f("pk_turn_vectors")),
    )
    op.create_index(op.f("ix_turn_vectors_turn_key"), "turn_vectors", ["turn_key"])
    op.create_table(
        "facts",
        sa.Column("key", KEY, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("user_key", KEY, nullable=False),
        sa.Column("turn_key", KEY, nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("quote", sa.String(), nullable=False),
        sa.Column("asserted_by", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("strength", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("invalid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replaced_by", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_key"], ["users.key"], name=op.f("fk_facts_user_key_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["turn_key"], ["turns.key"], name=op.f("fk_facts_turn_key_turns"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_facts")),
        sa.UniqueConstraint("id", name=op.f("uq_facts_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_facts_user_key", "facts", ["user_key", "key"])
    op.create_index(op.f("ix_facts_turn_key"), "facts", ["turn_key"])
    op.create_table(
        "fact_vectors",
        sa.Column("encoder_key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fact_key", KEY, autoincrement=False, nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["encoder_key"],
            ["encoders.key"],
            name=op.f("fk_fact_vectors_encoder_key_encoders"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["fact_key"], ["facts.key"], name=op.f("fk_fact_vectors_fact_key_facts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("encoder_key", "fact_key", name=op.f("pk_fact_vectors")),
    )
    op.create_index(op.f("ix_fact_vectors_fact_key"), "fact_vectors", ["fact_key"])
    op.create_table(
        "readings",
        sa.Column("user_key", KEY, autoincrement=False, nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("read_to", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_key"], ["users.key"], name=op.f("fk_readings_user_key_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_key", "document_id", name=op.f("pk_readings")),
    )
    op.create_table(
        "cleanups",
        sa.Column("key", KEY, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_cleanups")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:

    for name in ("cleanups", "readings", "fact_vectors", "facts", "turn_vectors"):
        op.drop_table(name)
    op.drop_index("ix_turns_user_key", "turns")
    with op.batch_alter_table("turns") as table:
        table.drop_constraint("fk_turns_user_key_users", type_="foreignkey")
        for name in ("user_key", "speaker", "question_summary", "answer_summary", "importance"):
            table.drop_column(name)
    _name_apart()
    with op.batch_alter_table("threads") as threads:
        threads.drop_constraint("fk_threads_user_key_users", type_="foreignkey")
        threads.drop_constraint("uq_threads_user_key", type_="unique")
        threads.drop_column("user_key")
        threads.create_unique_constraint("uq_threads_name", ["name"])
    op.drop_table("users")


def _first_user() -> int | None:
    """The key of the user that threads without one are given, if there are such threads."""
    connection = op.get_bind()
    if not connection.execute(sa.select(sa.func.count()).select_from(THREADS)).scalar():
        return None
    values = {"name": FIRST_USER, "revision": 0, "created_at": datetime.now(UTC)}
    connection.execute(sa.insert(USERS).values(values))
    return int(connection.execute(sa.select(USERS.c.key)).scalar_one())


def _name_apart() -> None:
    """Give threads of several users that share a name the names of their users."""
    connection = op.get_bind()
    shared = sa.select(THREADS.c.name).group_by(THREADS.c.name).having(sa.func.count() > 1)
    found = connection.execute(
        sa.select(THREADS.c.key, THREADS.c.name, USERS.c.name.label("user"))
        .join(USERS, USERS.c.key == THREADS.c.user_key)
        .where(THREADS.c.name.in_(shared))
    ).all()
    for each in found:
        connection.execute(
            sa.update(THREADS).where(THREADS.c.key == each.key).values(name=f"{each.name} ({each.user})")
        )

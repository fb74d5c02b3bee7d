"""Threads with their turns, completions of language models, and what their calls took."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "threads",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_threads")),
        sa.UniqueConstraint("name", name=op.f("uq_threads_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "turns",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("thread_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("abstained", sa.Boolean(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["thread_key"], ["threads.key"], name=op.f("fk_turns_thread_key_threads"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_turns")),
        sa.UniqueConstraint("run", name=op.f("uq_turns_run")),
        sa.UniqueConstraint("thread_key", "ordinal", name=op.f("uq_turns_thread_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "completions",
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("finish", sa.String(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("enforced", sa.Boolean(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_completions")),
    )
    op.create_index("ix_completions_used_at", "completions", ["used_at", "bytes"])
    op.create_table(
        "model_calls",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run", sa.String(), nullable=True),
        sa.Column("task", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("cached", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_model_calls")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_model_calls_run"), "model_calls", ["run"])


def downgrade() -> None:

    op.drop_index(op.f("ix_model_calls_run"), "model_calls")
    op.drop_table("model_calls")
    op.drop_index("ix_completions_used_at", "completions")
    op.drop_table("completions")
    op.drop_table("turns")
    op.drop_table("threads")

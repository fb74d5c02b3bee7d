"""Jobs with their tasks and events; summaries, and the trees made of them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "jobs",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("estimate", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_jobs")),
        sa.UniqueConstraint("id", name=op.f("uq_jobs_id")),
        sqlite_autoincrement=True,
    )
    unfinished = sa.text("state IN ('queued', 'running', 'paused')")
    op.create_index(
        "ix_jobs_open_digest",
        "jobs",
        ["digest"],
        unique=True,
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )
    op.create_index(op.f("ix_jobs_state"), "jobs", ["state"], unique=False)
    op.create_table(
        "summaries",
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("reader", sa.String(), nullable=False),
        sa.Column("sentences", sa.JSON(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("linked", sa.Boolean(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_summaries")),
    )
    op.create_table(
        "trees",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("reader", sa.String(), nullable=False),
        sa.Column("recipe", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("anchors", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_trees")),
        sa.UniqueConstraint(
            "document_id", "content_hash", "reader", "recipe", name=op.f("uq_trees_document_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "job_events",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("job_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("task", sa.String(), nullable=True),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_key"], ["jobs.key"], name=op.f("fk_job_events_job_key_jobs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_job_events")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_job_events_job_key", "job_events", ["job_key", "key"], unique=False)
    op.create_table(
        "summary_uses",
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["digest"],
            ["summaries.digest"],
            name=op.f("fk_summary_uses_digest_summaries"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("document_id", "digest", name=op.f("pk_summary_uses")),
    )
    op.create_table(
        "summary_vectors",
        sa.Column("encoder_key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("vectors", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["digest"],
            ["summaries.digest"],
            name=op.f("fk_summary_vectors_digest_summaries"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["encoder_key"],
            ["encoders.key"],
            name=op.f("fk_summary_vectors_encoder_key_encoders"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("encoder_key", "digest", name=op.f("pk_summary_vectors")),
    )
    op.create_table(
        "tasks",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("job_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("needs_open", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retries", sa.Integer(), nullable=False),
        sa.Column("interruptions", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("follow_ups", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_key"], ["jobs.key"], name=op.f("fk_tasks_job_key_jobs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_tasks")),
        sa.UniqueConstraint("job_key", "name", name=op.f("uq_tasks_job_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tasks_job_key", "tasks", ["job_key", "state", "kind", "key"], unique=False)
    op.create_index(op.f("ix_tasks_worker"), "tasks", ["worker"], unique=False)
    op.create_table(
        "tree_nodes",
        sa.Column("key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tree_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("parent", sa.Integer(), nullable=True),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("first_sentence", sa.Integer(), nullable=False),
        sa.Column("end_sentence", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["tree_key"], ["trees.key"], name=op.f("fk_tree_nodes_tree_key_trees"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_tree_nodes")),
        sa.UniqueConstraint("tree_key", "ordinal", name=op.f("uq_tree_nodes_tree_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_tree_nodes_digest"), "tree_nodes", ["digest"], unique=False)
    op.create_table(
        "task_needs",
        sa.Column("task_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("job_key", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_key"], ["jobs.key"], name=op.f("fk_task_needs_job_key_jobs"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["task_key"], ["tasks.key"], name=op.f("fk_task_needs_task_key_tasks"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("task_key", "name", name=op.f("pk_task_needs")),
    )
    op.create_index("ix_task_needs_job_key", "task_needs", ["job_key", "name"], unique=False)


def downgrade() -> None:

    op.drop_index("ix_task_needs_job_key", table_name="task_needs")
    op.drop_table("task_needs")
    op.drop_index(op.f("ix_tree_nodes_digest"), table_name="tree_nodes")
    op.drop_table("tree_nodes")
    op.drop_index(op.f("ix_tasks_worker"), table_name="tasks")
    op.drop_index("ix_tasks_job_key", table_name="tasks")
    op.drop_table("tasks")
    op.drop_table("summary_vectors")
    op.drop_table("summary_uses")
    op.drop_index("ix_job_events_job_key", table_name="job_events")
    op.drop_table("job_events")
    op.drop_table("trees")
    op.drop_table("summaries")
    op.drop_index(op.f("ix_jobs_state"), table_name="jobs")
    op.drop_index("ix_jobs_open_digest", table_name="jobs")
    op.drop_table("jobs")

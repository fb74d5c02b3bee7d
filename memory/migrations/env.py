"""Runs migrations on the connection that `memory.database.migrate` hands over."""

from alembic import context

from memory import conversation_tables, tables  # noqa: F401 - all tables are known once these are loaded
from memory.base import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()

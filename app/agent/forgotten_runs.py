"""Unfinished questions that hold what is forgotten, and their file cleaned of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.agent.checkpoints import readable, unfinished
from memory.traces import Needles

if TYPE_CHECKING:
    from langgraph.checkpoint.sqlite import SqliteSaver

__all__ = ["forget_runs"]

CELLS = """SELECT thread_id, checkpoint, metadata FROM checkpoints
    UNION ALL SELECT thread_id, value, NULL FROM writes"""


def forget_runs(saver: SqliteSaver, file: Path, conversations: Sequence[str] | None, needles: Needles) -> int:
    """Forget the unfinished questions of some conversations, and those that hold a piece of a text; how many.

    Of all conversations where these are None. One that is being answered just now goes on, and writes again
    what it holds until it has ended.

    Raises:
        CheckpointError: If the file cannot be used.
    """
    with readable(file):
        named = conversations or ()
        runs = {each.run for conversation in named for each in unfinished(saver, conversation)}
        with saver.cursor(transaction=False) as cursor:
            for run, *cells in cursor.execute(CELLS):
                if conversations is None or any(needles.found(_bytes(cell)) for cell in cells):
                    runs.add(str(run))
        for run in runs:
            saver.delete_thread(run)
    return len(runs)


def _bytes(cell: str | bytes | None) -> bytes:
    return cell.encode() if isinstance(cell, str) else cell or b""

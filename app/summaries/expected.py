"""What summaries will take, before anything is read: from the sizes of files and documents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from app.jobs.contract import NewTask
from app.jobs.estimates import Estimate
from app.jobs.running import Jobs
from app.summaries.methods import BLOCK_WORDS, INCREMENTAL_TOKENS, SCM_SHARE, SCM_TOKENS
from app.summaries.wanted import Wanted
from memory.documents import DocumentRecord
from memory.tree_settings import TreeSettings

__all__ = ["expected", "size_of"]

CHARACTERS_PER_TOKEN: Final = 4.2
"""Of English prose in the encoder's tokens; for a file that is not read yet its bytes count as characters."""
TOKENS_PER_WORD: Final = 4 / 3


def expected(
    sizes: Sequence[int], adds: Sequence[NewTask], wanted: Wanted, settings: TreeSettings, jobs: Jobs
) -> Estimate:
    """Estimate the work of summarising.

    Args:
        sizes: Characters of each document; 0 if all but its last summary is there.
        adds: Tasks that add files.
        wanted: How each document is summarised.
        settings: Of trees.
        jobs: Knows what tasks took here.
    """
    units, tokens = 0, 0.0
    tasks = list(adds)
    for size in sizes:
        text = size / CHARACTERS_PER_TOKEN
        if not size:
            units += 1
            continue
        match wanted.method:
            case "hierarchical":
                leaves = max(round(text / settings.leaf_tokens), 1)
                inner = -(-leaves * 8 // (7 * settings.children))
                made = leaves * settings.leaf.words + inner * settings.inner.words
                count, read, kind = leaves + inner, text + made * TOKENS_PER_WORD, "summarise-node"
            case "incremental":
                count = max(round(text / INCREMENTAL_TOKENS), 1)
                read, kind = text + count * 2 * wanted.words * TOKENS_PER_WORD, "summary-step"
            case "scm":
                count = max(round(text / SCM_TOKENS), 1)
                merged = count * BLOCK_WORDS[1] * TOKENS_PER_WORD / (1 - SCM_SHARE)
                read, kind = 2 * text + merged, "summary-unit"
        tasks.append(NewTask("", kind, {}, read))
        units, tokens = units + count + 1, tokens + read
    estimate = jobs.estimate(tasks, round(tokens))
    return Estimate(units + len(adds), estimate.weight, round(tokens), estimate.minutes, estimate.unmeasured)


def size_of(path: Path, record: DocumentRecord | None) -> int:
    """Characters of a document, or, of one that is not read yet, the bytes of its file."""
    if record is not None:
        return record.characters
    try:
        return path.stat().st_size
    except OSError:
        return 0

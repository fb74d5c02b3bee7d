"""What the facade gives back, by name: pages and other clients import it from here, and nothing below `app`."""

from app.jobs.estimates import Estimate, JobProgress
from memory.collections import Collection
from memory.documents import DocumentRecord
from memory.job_events import JobEvent
from memory.job_records import JobRecord, TaskRecord
from memory.trees import SummaryTree, TreeNode

__all__ = [
    "Collection",
    "DocumentRecord",
    "Estimate",
    "JobEvent",
    "JobProgress",
    "JobRecord",
    "SummaryTree",
    "TaskRecord",
    "TreeNode",
]

"""What the facade gives back, by name: pages import it from here, and nothing from below `app`."""

from app.jobs.estimates import Estimate, JobProgress
from memory.collections import Collection
from memory.document_content import PageRecord, SectionRecord
from memory.document_questions import AskedOfDocument
from memory.documents import DocumentRecord
from memory.job_events import JobEvent
from memory.job_records import JobRecord, TaskRecord
from memory.trees import SummaryTree, TreeNode

__all__ = [
    "AskedOfDocument",
    "Collection",
    "DocumentRecord",
    "Estimate",
    "JobEvent",
    "JobProgress",
    "JobRecord",
    "PageRecord",
    "SectionRecord",
    "SummaryTree",
    "TaskRecord",
    "TreeNode",
]

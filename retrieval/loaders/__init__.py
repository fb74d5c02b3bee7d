"""Loaders: a file of any of six kinds becomes a Document, parsed in a process of its own under limits."""

from retrieval.loaders.kinds import SUPPORTED_SUFFIXES
from retrieval.loaders.limits import ParseLimits
from retrieval.loaders.load import content_hash, load_document
from retrieval.loaders.parse import document_from_bytes

__all__ = ["SUPPORTED_SUFFIXES", "ParseLimits", "content_hash", "document_from_bytes", "load_document"]

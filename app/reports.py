"""The JSON documents of the command line, as DESIGN fixes them."""

from __future__ import annotations

from typing import Any

from app.adding import AddedDocument
from app.answers import Answer
from memory.documents import DocumentRecord
from retrieval.document import Document
from retrieval.evidence import MemoryOrigin, Origin

__all__ = ["added_json", "answer_json", "document_json", "record_json"]


def record_json(record: DocumentRecord) -> dict[str, Any]:
    """A document as `clew list` and `clew remove` show it."""
    return {
        "id": record.id,
        "title": record.title,
        "path": record.path,
        "media_type": record.media_type,
        "content_hash": record.content_hash,
        "characters": record.characters,
        "pages": record.pages,
        "pages_unread": list(record.pages_unread),
        "sections": record.sections,
        "chunks": record.chunks,
        "added_at": record.added_at.isoformat(),
    }


def document_json(record: DocumentRecord, document: Document) -> dict[str, Any]:
    """A document as `clew show` shows it: the record, with its sections and pages one by one."""
    sections = [
        {"title": s.title, "level": s.level, "start": s.span.start, "end": s.span.end}
        for s in document.sections
    ]
    pages = [
        {"number": p.number, "start": p.span.start, "end": p.span.end, "unread": p.unread}
        for p in document.pages
    ]
    return record_json(record) | {"section_list": sections, "page_list": pages}


def added_json(added: AddedDocument) -> dict[str, Any]:
    """One entry of `clew add --json`; fields that a failed file does not have are None."""
    record = added.record
    return {
        "id": record.id if record else None,
        "title": record.title if record else None,
        "path": added.path,
        "status": added.status,
        "error": added.error,
        "characters": record.characters if record else None,
        "pages": record.pages if record else None,
        "pages_unread": list(record.pages_unread) if record else None,
        "sections": record.sections if record else None,
        "chunks": record.chunks if record else None,
        "chunks_encoded": added.chunks_encoded,
        "seconds": round(added.seconds, 3),
    }


def answer_json(answer: Answer) -> dict[str, Any]:
    """The document of `clew ask --json`; of a walk, its trace as well."""
    document: dict[str, Any] = {
        "answer": answer.text,
        "abstained": answer.abstained,
        "route": answer.route,
        "citations": [
            {"n": n, **_origin_json(each.origin), "quote": each.quote, "verdict": each.verdict.value}
            for n, each in enumerate(answer.citations, start=1)
        ],
        "steps": [{"name": s.name, "detail": s.detail, "seconds": round(s.seconds, 4)} for s in answer.steps],
        "usage": {
            "model": answer.model,
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.completion_tokens,
            "tokens_read": answer.tokens_read,
            "seconds": round(answer.seconds, 4),
        },
        "coverage": {"sections_read": answer.sections_read, "sections_total": answer.sections_total},
    }
    return document | {"trace": list(answer.trace)} if answer.route == "walk" else document


def _origin_json(origin: Origin) -> dict[str, Any]:
    """Where a quote is from; of a memory also its conversation, and there is no document."""
    span = {"start": origin.span.start, "end": origin.span.end}
    if isinstance(origin, MemoryOrigin):
        said = {
            "thread": origin.thread,
            "turn": origin.turn,
            "side": origin.side,
            "at": origin.at.isoformat(),
        }
        place = {"document": None, "title": origin.title, "section": origin.thread, "page": None}
        return {"origin": "memory", **place, **span, **said}
    place = {"document": origin.document, "title": origin.title, "section": origin.section}
    return {"origin": "document", **place, "page": origin.page, **span}

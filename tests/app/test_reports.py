"""The JSON of the command line, built from values made by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from app.adding import AddedDocument
from app.answers import Answer
from app.events import Step
from app.reports import added_json, answer_json, document_json, record_json
from memory.documents import DocumentRecord
from retrieval.document import Document, Page, Section, Span
from retrieval.evidence import DocumentOrigin, Evidence
from retrieval.verify import Verdict

RECORD = DocumentRecord(
    key=7,
    id="abc123abc123",
    owner="me",
    title="Wood",
    path="/books/wood.pdf",
    media_type="application/pdf",
    content_hash="f" * 64,
    recipe="chunks 1",
    characters=20,
    pages=2,
    pages_unread=(2,),
    sections=1,
    chunks=1,
    added_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
)
LISTED = {
    "id": "abc123abc123",
    "title": "Wood",
    "path": "/books/wood.pdf",
    "media_type": "application/pdf",
    "content_hash": "f" * 64,
    "characters": 20,
    "pages": 2,
    "pages_unread": [2],
    "sections": 1,
    "chunks": 1,
    "added_at": "2026-01-02T03:04:05+00:00",
}


def test_record() -> None:
    assert record_json(RECORD) == LISTED


def test_document() -> None:
    document = Document(
        text="Animals\nThe fox.    ",
        title="Wood",
        media_type="application/pdf",
        sections=(Section("Animals", 1, Span(0, 20)),),
        pages=(Page(1, Span(0, 20)), Page(2, Span(20, 20), unread=True)),
    )
    assert document_json(RECORD, document) == LISTED | {
        "section_list": [{"title": "Animals", "level": 1, "start": 0, "end": 20}],
        "page_list": [
            {"number": 1, "start": 0, "end": 20, "unread": False},
            {"number": 2, "start": 20, "end": 20, "unread": True},
        ],
    }


def test_added() -> None:
    assert added_json(AddedDocument("wood.pdf", "added", 1.23456, RECORD, 1)) == {
        "id": "abc123abc123",
        "title": "Wood",
        "path": "wood.pdf",
        "status": "added",
        "error": None,
        "characters": 20,
        "pages": 2,
        "pages_unread": [2],
        "sections": 1,
        "chunks": 1,
        "chunks_encoded": 1,
        "seconds": 1.235,
    }


def test_failed() -> None:
    assert added_json(AddedDocument("wood.pdf", "failed", 0.5, error='"wood.pdf" is damaged.')) == {
        "id": None,
        "title": None,
        "path": "wood.pdf",
        "status": "failed",
        "error": '"wood.pdf" is damaged.',
        "characters": None,
        "pages": None,
        "pages_unread": None,
        "sections": None,
        "chunks": None,
        "chunks_encoded": 0,
        "seconds": 0.5,
    }


def test_answer() -> None:
    origin = DocumentOrigin("abc123abc123", "Wood", "Animals", 1, Span(8, 16))
    evidence = Evidence(origin, "The fox.", 1.5, 0.9, 1.0, Verdict.VERIFIED)
    answer = Answer(
        text="The fox. [1]",
        abstained=False,
        confidence=0.9,
        route="search",
        model="extractive",
        citations=(evidence,),
        evidence=(evidence,),
        passages=(),
        steps=(Step("route", "search over 1 document", 0.00012),),
        tokens_read=4,
        sections_read=1,
        sections_total=3,
        calls=2,
        prompt_tokens=1234,
        completion_tokens=56,
        seconds=0.12345,
    )
    report = answer_json(answer)
    assert report == {
        "answer": "The fox. [1]",
        "abstained": False,
        "route": "search",
        "citations": [
            {
                "n": 1,
                "origin": "document",
                "document": "abc123abc123",
                "title": "Wood",
                "section": "Animals",
                "page": 1,
                "start": 8,
                "end": 16,
                "quote": "The fox.",
                "verdict": "verified",
            }
        ],
        "steps": [{"name": "route", "detail": "search over 1 document", "seconds": 0.0001}],
        "usage": {
            "model": "extractive",
            "prompt_tokens": 1234,
            "completion_tokens": 56,
            "tokens_read": 4,
            "seconds": 0.1235,
        },
        "coverage": {"sections_read": 1, "sections_total": 3},
    }
    json.dumps(report, allow_nan=False)

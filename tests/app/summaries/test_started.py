"""Summaries that are only started: done by a worker, their results kept with the job."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import event

from app.errors import SettingsError
from app.library import Library
from app.summaries.wanted import Wanted
from memory.errors import UnknownDocumentError, UnknownJobError
from tests.conftest import write

TEXTS = {
    "fox.txt": "The fox sleeps in a den under the oak. At dusk it goes down to the river to drink. "
    "It waits for the night. In the morning it comes back along the hedge.\n",
    "owl.txt": "The owl hunts at night. It hears a mouse under the snow from thirty yards. "
    "By day it sits in a hollow ash. Nobody sees it there.\n",
}
SHORT = Wanted(words=20)


def worked(library: Library) -> None:
    worker = library.jobs.worker()
    for _ in worker.work(until_idle=True):
        pass
    worker.close()


@pytest.fixture
def wood(library: Library, tmp_path: Path) -> Library:
    list(library.add([write(tmp_path / name, text) for name, text in TEXTS.items()]))
    return library


def test_results_are_kept_with_the_job(wood: Library, tmp_path: Path) -> None:
    assert wood.estimate_summaries(["Fox", "owl.txt"], SHORT).units > 0
    job = wood.start_summaries(["Fox", "owl.txt", "fox.txt"], SHORT)
    assert (job.kind, job.state, job.title) == ("summarize", "queued", "Summarise 2 documents")
    assert wood.summary_results(job.id) == ([], [])
    assert wood.start_summaries(["Fox", "owl.txt"], SHORT).id == job.id, "the same is not begun twice"
    worked(wood)
    done, failed = wood.summary_results(job.id)
    assert failed == []
    assert [(name, summary.title) for name, summary in done] == [("fox", "Fox"), ("owl", "Owl")]
    for _, summary in done:
        assert all(
            source.quote == wood.view(summary.document).text(source.span.start, source.span.end)
            for sentence in summary.sentences
            for source in sentence.sources
        )
    assert [record.kind for record, _ in wood.job_list(["summarize"])] == ["summarize"]
    assert not list(tmp_path.glob("*.md"))
    with pytest.raises(UnknownJobError):
        wood.for_user("anna").summary_results(job.id)


def test_an_estimate_asks_the_database_no_more_often_for_more_documents(
    library: Library, tmp_path: Path
) -> None:
    names = [f"{name}{number}" for name in ("fox", "owl") for number in range(4)]
    texts = [
        f"The {name} sleeps. At dusk the {name} wakes and goes to the river to drink.\n" for name in names
    ]
    list(library.add([write(tmp_path / f"{n}.txt", text) for n, text in zip(names, texts, strict=True)]))
    ids = [record.id for record in library.documents()]
    asked: list[str] = []
    event.listen(library.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    counts: list[int] = []
    for some in (ids[:1], ids):
        asked.clear()
        library.estimate_summaries(some, SHORT)
        counts.append(len(asked))
    assert counts[0] == counts[1]

    built = library.estimate_summaries(ids, SHORT).units
    library.trees.ensure(library.documents()[0])
    assert library.trees.which_ready(library.documents()) == {ids[0]}
    assert library.estimate_summaries(ids[:1], SHORT).units == 1
    assert library.estimate_summaries(ids, SHORT).units < built


def test_a_document_that_is_gone_is_named_with_the_reason(wood: Library) -> None:
    job = wood.start_summaries(["Fox", "Owl"], SHORT)
    path = wood.document("Owl").path
    wood.home.documents.remove(wood.document("Owl").key)  # as another process does meanwhile
    worked(wood)
    done, failed = wood.summary_results(job.id)
    assert [name for name, _ in done] == ["fox"]
    assert [where for where, _ in failed] == [path]
    assert "removed" in failed[0][1]


def test_a_document_that_has_changed_since_does_not_take_the_others_along(wood: Library) -> None:
    job = wood.start_summaries(["Fox", "Owl"], SHORT)
    worked(wood)
    path = Path(wood.document("Owl").path)
    path.write_text(TEXTS["owl.txt"] + "In spring it has young.\n")
    list(wood.add([path]))
    done, failed = wood.summary_results(job.id)
    assert [name for name, _ in done] == ["fox"]
    assert failed == [(str(path), "The document was removed or changed since; summarise it again.")]


def test_what_cannot_be_started(wood: Library, tmp_path: Path) -> None:
    for references in (["wolf"], ["Fox", "wolf"], [str(write(tmp_path / "wolf.txt", "A wolf."))]):
        for does in (wood.start_summaries, wood.estimate_summaries):
            with pytest.raises(UnknownDocumentError):
                does(references, SHORT)
    with pytest.raises(SettingsError, match="no document to summarise"):
        wood.start_summaries([], SHORT)
    assert wood.job_list(["summarize"]) == []


def test_a_job_of_another_kind_has_no_summaries(wood: Library) -> None:
    ((job, _),) = wood.job_list()
    assert job.kind == "add"
    with pytest.raises(UnknownJobError, match="no summaries"):
        wood.summary_results(job.id)

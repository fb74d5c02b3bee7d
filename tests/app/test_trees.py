"""Trees of a library: built, kept, built anew after an edit, linked, gone with their document."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import astuple
from pathlib import Path
from typing import Any, cast

import pytest

from app.errors import TreeError
from app.events import silent
from app.jobs.contract import NewTask, Work
from app.library import Library
from memory.jobs import JobRecord
from memory.trees import SummaryTree
from reader.chat import Cancellation
from reader.contract import WrittenSummary
from retrieval.chunking import flat
from retrieval.encoder import Encoder
from retrieval.hits import Float32
from retrieval.sentences import split_sentences
from tests.conftest import NOVELLA, ForOneHome, write
from tests.servers import serving

REPLY = "Nobody could say who had been there. The glove was darned with thread."


@pytest.fixture
def script(tmp_path: Path) -> str:
    """A model that always replies the same."""
    cues = [{"reply": REPLY, "times": 0}]
    return f"scripted:{write(tmp_path / 'script.json', json.dumps(cues))}"


def rows_of(home: Path, table: str) -> int:
    with closing(sqlite3.connect(home / "clew.sqlite")) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def trees_of(library: Library) -> list[JobRecord]:
    """The jobs that built trees."""
    return [job for job in library.jobs.store.records() if job.kind == "tree"]


def check_taken(library: Library, tree: SummaryTree) -> None:
    """Every sentence stands where it says, inside of its node."""
    text = library.store.load(library.documents()[0].key).text
    for node in tree.nodes:
        assert node.summary is not None
        assert node.summary.sentences
        for sentence in node.summary.sentences:
            (span,) = sentence.sources
            assert sentence.supported
            assert flat(text[span.start : span.end]) == sentence.text
            assert node.span.start <= span.start < span.end <= node.span.end


def test_a_tree_is_built_once(novella: Library) -> None:
    (record,) = novella.documents()
    assert novella.trees.ready(record) is None
    told: list[str] = []
    tree = novella.trees.ensure(record, told=lambda estimate: told.append(estimate.sentence))
    check_taken(novella, tree)
    assert len(told) == 1
    assert f"{len(tree.nodes)} tasks" in told[0]
    assert novella.trees.ready(record) == tree
    assert novella.trees.ensure(record, told=lambda estimate: told.append(estimate.sentence)) == tree
    assert len(told) == 1
    (job,) = trees_of(novella)
    assert (job.title, job.state) == (record.title, "done")
    # What is taken is linked as it is kept.
    kinds = {task.kind for task in novella.jobs.store.tasks(job.id)}
    assert kinds == set(novella.trees.kinds()) - {"link-nodes"}


def test_lengths_are_kept(novella: Library) -> None:
    tree = novella.trees.ensure_extractive(novella.documents()[0])
    for node in tree.nodes:
        assert node.summary is not None
        length = novella.trees.settings.length(node.kind if node.children else "leaf")
        words = len(node.summary.text.split())
        assert words <= length.words
        assert words >= length.at_least or node.tokens < 2 * length.words


def test_the_quick_tree_is_that_of_the_job(novella: Library, own_novella_home: Path) -> None:
    (record,) = novella.documents()
    quick = novella.trees.ensure_extractive(record)
    assert novella.trees.ensure(record) == quick
    assert trees_of(novella) == []  # it was there


def test_a_models_tree_stands_beside_it(own_novella_home: Path, open_home: ForOneHome, script: str) -> None:
    library = open_home(own_novella_home, model=script)
    (record,) = library.documents()
    quick = library.trees.ensure_extractive(record)
    assert library.trees.ready(record) is None
    tree = library.trees.ensure(record)
    assert [(n.title, n.span, n.level) for n in tree.nodes] == [
        (n.title, n.span, n.level) for n in quick.nodes
    ]
    assert {n.summary.text for n in tree.nodes if n.summary} == {REPLY}
    assert library.trees.ready(record, "extractive") == quick
    # One call for each node, recorded under the job.
    (job,) = trees_of(library)
    with closing(sqlite3.connect(own_novella_home / "clew.sqlite")) as connection:
        calls = connection.execute(
            "SELECT task, count(*) FROM model_calls WHERE run = ? GROUP BY task", [job.id]
        )
        assert calls.fetchall() == [("summarise", len(tree.nodes))]


def test_written_sentences_are_linked_or_marked(
    own_novella_home: Path, open_home: ForOneHome, script: str
) -> None:
    library = open_home(own_novella_home, model=script)
    (record,) = library.documents()
    tree = library.trees.ensure(record)
    for node in tree.nodes:
        assert node.summary is not None
        for sentence in node.summary.sentences:
            assert sentence.supported == bool(sentence.sources)
            assert len(sentence.sources) <= 4
            for span in sentence.sources:
                assert node.span.start <= span.start < span.end <= node.span.end
    # What no leaf supports, nothing above supports.
    kept = {s.text for leaf in tree.leaves if leaf.summary for s in leaf.summary.sentences if s.supported}
    assert {s.text for s in (tree.root.summary.sentences if tree.root.summary else ()) if s.supported} <= kept
    vectors = library.trees.vectors(tree)
    assert set(vectors) == {node.digest for node in tree.nodes}
    assert all(len(rows) == 2 for rows in vectors.values())


def test_nodes_are_linked_while_others_are_summarised(
    own_novella_home: Path, open_home: ForOneHome, script: str
) -> None:
    library = open_home(own_novella_home, model=script)
    _, tasks = works(library)
    links = [task for task in tasks if task.kind == "link-nodes"]
    nodes = [task for task in tasks if task.kind == "summarise-node"]
    assert len(links) > 1
    assert all(task.weight > 0 for task in links)
    # Each node once, in the order of the plan; no summary waits for a link.
    assert [n for task in links for n in task.payload["nodes"]] == [task.payload["node"] for task in nodes]
    assert not {task.name for task in links} & {name for task in nodes for name in task.needs}
    # The first can be linked when its own nodes are summarised, before any other.
    own = {task.name: task for task in nodes if task.payload["node"] in links[0].payload["nodes"]}
    assert set(links[0].needs) == set(own)
    for task in own.values():
        library.trees.summarise_node(work_of(task))
    library.trees.link_nodes(work_of(links[0]))
    with closing(sqlite3.connect(own_novella_home / "clew.sqlite")) as connection:
        linked = connection.execute("SELECT linked, count(*) FROM summaries GROUP BY linked").fetchall()
    assert linked == [(1, len(own))]
    # All others are linked before the last one, which the end waits for.
    needed, waiting = set[str](), [links[-1]]
    by_name = {task.name: task for task in links}
    while waiting:
        names = set(waiting.pop().needs) & by_name.keys() - needed
        needed |= names
        waiting += [by_name[name] for name in names]
    assert needed == set(by_name) - {links[-1].name}
    end = library.trees.tasks(library.documents()[0])[-1]
    assert links[-1].name in end.needs
    # What was summarised and not linked when a job was lost is linked by the next one.
    tree = library.trees.ensure(library.documents()[0])
    assert all(node.summary is not None for node in tree.nodes)
    (job,) = trees_of(library)
    assert "link-nodes" in {task.kind for task in library.jobs.store.tasks(job.id)}


def test_what_stands_in_the_text_is_not_encoded_again(
    own_novella_home: Path, open_home: ForOneHome, tmp_path: Path
) -> None:
    text = NOVELLA.read_text(encoding="utf-8")
    library = open_home(own_novella_home)
    (record,) = library.documents()
    quick = library.trees.ensure_extractive(record)
    leaf = quick.leaves[3].summary
    assert leaf is not None
    taken = leaf.sentences[0].text
    assert taken in flat(text)
    cues = [{"reply": f"{taken} {REPLY}", "times": 0}]
    script = f"scripted:{write(tmp_path / 'taken.json', json.dumps(cues))}"
    library = open_home(own_novella_home, model=script)
    encoded: list[str] = []
    encoder = library.trees.texts.encoder

    class Noting:
        def __init__(self, real: Encoder) -> None:
            self.real = real

        def encode(self, texts: Sequence[str]) -> Float32:
            encoded.extend(texts)
            return self.real.encode(texts)

    library.trees.texts.encoder = lambda progress: cast(Encoder, Noting(encoder(progress)))
    _, tasks = works(library)
    node = next(t for t in tasks if t.payload.get("node") == quick.leaves[3].ordinal)
    library.trees.summarise_node(work_of(node))
    plan = library.trees.texts.plan(node.payload["tree"], node.payload["document"])
    library.trees.texts.link(plan, [plan.tree.nodes[node.payload["node"]]], silent, Cancellation())
    assert encoded
    assert taken not in encoded


def test_vectors_that_are_gone_come_back(novella: Library, own_novella_home: Path) -> None:
    tree = novella.trees.ensure(novella.documents()[0])
    before = novella.trees.vectors(tree)
    with closing(sqlite3.connect(own_novella_home / "clew.sqlite")) as connection:
        connection.execute("DELETE FROM summary_vectors")
        connection.commit()
    after = novella.trees.vectors(tree)
    assert after.keys() == before.keys()
    for digest, rows in after.items():
        assert float((rows * before[digest]).sum(axis=1).min()) > 0.999
    assert rows_of(own_novella_home, "summary_vectors") == len(before)


def works(library: Library, extractive: bool = False) -> tuple[Work, list[NewTask]]:
    """The work of planning, and the tasks that follow."""
    (record,) = library.documents()
    plan = library.trees.tasks(record, "extractive" if extractive else "reader")[0]
    work = work_of(plan)
    return work, list(library.trees.write_plan(work).tasks)


def work_of(task: NewTask) -> Work:
    return Work("job", task.name, task.payload, silent, Cancellation(), lambda names: {})


def test_what_was_summarised_is_not_summarised_again(
    own_novella_home: Path, open_home: ForOneHome, script: str
) -> None:
    library = open_home(own_novella_home, model=script, cache_megabytes=0)
    _, tasks = works(library)
    leaves = [task for task in tasks if not task.needs]
    for task in leaves[:5]:
        library.trees.summarise_node(work_of(task))
    calls = rows_of(own_novella_home, "model_calls")
    assert calls == 5
    library.trees.summarise_node(work_of(leaves[0]))  # as after a kill between storing and telling
    assert rows_of(own_novella_home, "model_calls") == 5
    tree = library.trees.ensure(library.documents()[0])
    assert rows_of(own_novella_home, "model_calls") == len(tree.nodes)


def test_tasks_need_the_summaries_below(novella: Library) -> None:
    _, tasks = works(novella)
    names = {task.name for task in tasks}
    for task in tasks:
        assert set(task.needs) <= names
        assert task.weight > 0
        json.dumps(task.payload)
    assert len(names) == len(tasks)
    with pytest.raises(TreeError, match="removed"):
        novella.trees.summarise_node(work_of(tasks[-1]))  # before those below


def edited(tmp_path: Path, old: str, new: str) -> Path:
    text = NOVELLA.read_text(encoding="utf-8")
    assert text.count(old) == 1
    return write(tmp_path / "edited" / "novella.txt", text.replace(old, new))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_an_edited_paragraph_costs_one_path(
    home: Path, open_home: ForOneHome, tmp_path: Path, script: str, share: float
) -> None:
    library = open_home(home, model=script, cache_megabytes=0)
    text = NOVELLA.read_text(encoding="utf-8")
    file = write(tmp_path / "book.txt", text)
    list(library.add([file]))
    before = library.trees.ensure(library.documents()[0])
    calls = rows_of(home, "model_calls")
    paragraphs = [each for each in text.split("\n\n") if len(each.split()) > 30]
    old = paragraphs[int(share * len(paragraphs))]
    write(file, text.replace(old, old + " And one thing more was said of it."))
    assert [added.status for added in library.add([file])] == ["updated"]
    (record,) = library.documents()
    assert library.trees.ready(record) is None
    after = library.trees.ensure(record)
    assert 1 <= rows_of(home, "model_calls") - calls <= before.root.level + 1
    assert [node.title for node in after.nodes] == [node.title for node in before.nodes]
    # The tree of the old version is gone, and the summaries that only it had.
    assert rows_of(home, "trees") == 1
    assert rows_of(home, "summaries") == len({node.digest for node in after.nodes})


def test_removing_the_document_leaves_nothing(novella: Library, own_novella_home: Path) -> None:
    (record,) = novella.documents()
    novella.trees.ensure(record)
    novella.remove(record.id)
    for table in ("trees", "tree_nodes", "summaries", "summary_vectors"):
        assert rows_of(own_novella_home, table) == 0


def test_removing_the_document_ends_what_builds_its_tree(
    own_novella_home: Path, open_home: ForOneHome, script: str
) -> None:
    library = open_home(own_novella_home, model=script)
    (record,) = library.documents()
    _, tasks = works(library)
    leaf = next(task for task in tasks if not task.needs)
    spec = {"document_id": record.id}
    job = library.jobs.start("tree", record.title, spec, library.trees.tasks(record))
    other = library.jobs.start("tree", "Another", {"document_id": "other"}, tasks[:1])
    plan = library.trees.texts.plan(leaf.payload["tree"], record.key)
    node = plan.tree.nodes[leaf.payload["node"]]
    parts, sources = library.trees.texts.parts(plan, node, with_rows=False)
    library.remove(record.id)
    states = library.jobs.store.states([job.id, other.id])
    assert states[job.id] == "cancelled"
    assert states[other.id] == "queued"
    # A summary that comes after that is of no tree any more.
    with pytest.raises(TreeError, match="removed or changed"):
        library.trees.texts.keep(plan, node, WrittenSummary((REPLY,), None), parts, sources, 0.1)
    for table in ("trees", "tree_nodes", "summaries", "summary_vectors"):
        assert rows_of(own_novella_home, table) == 0


def test_a_document_that_goes_while_its_tree_is_built(novella: Library) -> None:
    (record,) = novella.documents()
    work, tasks = works(novella)
    novella.store.remove(record.key)
    with pytest.raises(TreeError, match="removed or changed"):
        novella.trees.summarise_node(work_of(tasks[0]))
    with pytest.raises(TreeError, match="removed or changed"):
        novella.trees.write_plan(work)
    with pytest.raises(TreeError, match="removed"):
        novella.trees.ensure(record)


def test_a_model_that_fails_ends_in_one_sentence(
    own_novella_home: Path, open_home: ForOneHome, tmp_path: Path
) -> None:
    script = f"scripted:{write(tmp_path / 'none.json', '[]')}"
    library = open_home(own_novella_home, model=script)
    with pytest.raises(TreeError, match=r"could not be built: The script has no reply"):
        library.trees.ensure(library.documents()[0])


def test_one_text_that_is_refused_does_not_sink_the_book(
    own_novella_home: Path, open_home: ForOneHome
) -> None:
    library = open_home(own_novella_home)
    quick = library.trees.ensure_extractive(library.documents()[0])
    refused = quick.leaves[2]
    assert refused.summary is not None
    text = library.store.load(library.documents()[0].key).text
    sentences = [flat(text[span.start : span.end]) for span in split_sentences(text, *astuple(refused.span))]
    forbidden = next(each for each in sentences if len(each) > 40 and each not in refused.summary.text)
    with serving(lambda body: REPLY, forbidden=forbidden) as server:
        library = open_home(own_novella_home, model="openai:fake", openai_base_url=server.base_url)
        tree = library.trees.ensure(library.documents()[0])
        calls = len(server.requests)
    marked = [node for node in tree.nodes if node.summary and node.summary.notes]
    assert [node.span for node in marked] == [refused.span]
    assert marked[0].summary is not None
    assert "content policy" in marked[0].summary.notes[0]
    assert all(sentence.supported for sentence in marked[0].summary.sentences)
    assert calls == len(tree.nodes) + 1  # one more, to know that others are taken


def test_a_stopped_model_call_is_not_a_summary(
    own_novella_home: Path, open_home: ForOneHome, script: str
) -> None:
    library = open_home(own_novella_home, model=script)
    _, tasks = works(library)
    work: Any = work_of(tasks[0])
    work.cancellation.cancel()
    with pytest.raises(Exception, match="stopped"):
        library.trees.summarise_node(work)
    assert rows_of(own_novella_home, "summaries") == 0


def test_embeddings_that_go_while_it_is_built_come_back(novella: Library, own_novella_home: Path) -> None:
    _, tasks = works(novella)
    for task in tasks[:-1]:
        assert task.kind == "summarise-node"
        novella.trees.summarise_node(work_of(task))
    with closing(sqlite3.connect(own_novella_home / "clew.sqlite")) as connection:
        connection.execute("DELETE FROM summary_vectors")
        connection.commit()
    check_taken(novella, novella.trees.ensure(novella.documents()[0]))

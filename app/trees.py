"""Summary trees of the documents of a library: planned, summarised node by node, linked, found again.

A tree is made of tasks of a job: one writes its plan, one summarises each node that has no summary yet once
those of its children are there, and a few link what was written to the sentences it rests on, some nodes at
a time, while others are still summarised: encoding does not wait for an endpoint, and no summary waits for a
link. A last one links what is left and makes the tree ready. No summary is background for the next one
(BooookScore's running context): nodes of a level would have to be made one after the other.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final, Literal

from sqlalchemy import Engine

from app.errors import TreeError
from app.events import Event, Progress, silent
from app.jobs.contract import NewTask, Outcome, TaskKind, Work
from app.jobs.estimates import Estimate
from app.jobs.running import Jobs
from app.models import MakeReader
from app.tree_summaries import PlannedTree, TreeSummaries
from app.tree_tasks import link_tasks, node_tasks, root_links, root_task
from memory.documents import DocumentRecord, DocumentStore
from memory.errors import JobStateError
from memory.job_records import JobRecord
from memory.tree_plan import PLAN_VERSION, plan_tree, tree_anchors
from memory.tree_settings import TreeSettings
from memory.tree_store import TreeVersion
from memory.trees import SummaryTree
from reader.chat import Cancellation
from reader.contract import Reader
from retrieval.encoder import Encoder
from retrieval.hits import Float32

__all__ = ["TreeReader", "Trees"]

KIND: Final = "tree"
TreeReader = Literal["reader", "extractive"]
"""Who summarises: the reader that is set, or the one without a language model."""


class Trees:
    """The trees of one library; safe to use from several threads and processes.

    Args:
        engine: Of the database.
        documents: Of the library.
        readers: Who summarises, by name.
        fingerprint: Of the encoder, known without loading it.
        encoder: Gives the encoder, loading it when first asked.
        encoder_key: Gives its key in the store, and its width.
        jobs: Where trees of the reader that is set are built.
        settings: Sizes and lengths.
    """

    def __init__(
        self,
        engine: Engine,
        documents: DocumentStore,
        readers: Mapping[TreeReader, MakeReader],
        fingerprint: str,
        encoder: Callable[[Progress], Encoder],
        encoder_key: Callable[[], tuple[int, int]],
        jobs: Jobs,
        settings: TreeSettings | None = None,
    ) -> None:
        self.engine, self.documents, self.readers = engine, documents, readers
        self.fingerprint, self.encoder, self.encoder_key = fingerprint, encoder, encoder_key
        self.jobs, self.settings = jobs, settings or TreeSettings()
        self.texts = TreeSummaries(engine, encoder, encoder_key)
        self.store, self.summaries = self.texts.store, self.texts.kept

    def vectors(self, tree: SummaryTree, progress: Progress = silent) -> dict[bytes, Float32]:
        """Embeddings of the sentences of a tree's summaries, by digest; those that are not kept are made."""
        return self.texts.vectors(tree, progress)

    def ready(self, record: DocumentRecord, reader: TreeReader = "reader") -> SummaryTree | None:
        """The tree of a document, if it is whole."""
        found = self.store.find(self._version(record, self._reader(reader)))
        return self.store.load(found[0]) if found is not None and found[1] else None

    def which_ready(self, records: Sequence[DocumentRecord], reader: TreeReader = "reader") -> set[str]:
        """The ids of those of the documents whose tree is whole, looked up at once and not read."""
        made = self._reader(reader)
        versions = {record.id: self._version(record, made) for record in records}
        whole = self.store.whole(next(iter(versions.values())).reader) if versions else set()
        return {id for id, version in versions.items() if version in whole}

    def shown(self, record: DocumentRecord) -> SummaryTree | None:
        """The tree of a document as it is looked at: the reader's own if it is whole, else the quick one."""
        return self.ready(record) or self.ready(record, "extractive")

    def ensure(
        self,
        record: DocumentRecord,
        progress: Progress = silent,
        told: Callable[[Estimate], None] = lambda _: None,
    ) -> SummaryTree:
        """The tree of a document by the reader that is set; if it is not there, a job builds it here.

        Args:
            record: Of the document.
            progress: Told of each node that is done.
            told: Gets what the job will take, before it begins.

        Raises:
            TreeError: If a summary could not be made, or the document is changed meanwhile.
            ModelError: If the language model cannot be asked.
            JobHaltedError: If somebody pauses or cancels the job.
        """
        tree = self.ready(record)
        if tree is not None:
            return tree
        planned, expected = self._expected(record)
        told(expected)
        job = self._started(record, expected)
        units = Counter(task.kind for task in planned)
        done: Counter[str] = Counter()
        for ended in self.jobs.work(job.id, progress):
            done[ended.task.kind] += 1
            nodes = min(done["summarise-node"], units["summarise-node"])
            # One after the other, though both are done at once: a person sees one bar.
            if ended.task.kind == "link-nodes" and nodes == units["summarise-node"]:
                progress(Event("link", record.title, done["link-nodes"], units["link-nodes"]))
            elif ended.task.kind != "link-nodes":
                progress(Event("summarise", record.title, nodes, units["summarise-node"]))
        tree = self.ready(record)
        if tree is None:
            # Not those that only needed another.
            failed = [task for task in self.jobs.store.tasks(job.id, "failed") if task.attempts]
            reason = failed[0].error if failed else "The document was changed meanwhile."
            raise TreeError(f"The tree of {record.title!r} could not be built: {reason}")
        return tree

    def start(self, record: DocumentRecord) -> JobRecord:
        """Write the job that builds the tree of a document by the reader that is set, for a worker to do.

        Where the tree is ready already, it has little to do.
        """
        return self._started(record, self.estimate(record))

    def _started(self, record: DocumentRecord, expected: Estimate) -> JobRecord:
        version = asdict(self._version(record, self._reader("reader")))
        tasks = self.tasks(record)
        return self.jobs.start(KIND, record.title, version, tasks, estimate=expected, owner=record.owner)

    def ensure_extractive(self, record: DocumentRecord, progress: Progress = silent) -> SummaryTree:
        """The tree that needs no language model, built in this thread; that is quickly done.

        Raises:
            TreeError: If the document is changed meanwhile.
        """
        tree = self.ready(record, "extractive")
        if tree is None:
            self._build(record, progress)
            tree = self.ready(record, "extractive")
        if tree is None:
            raise TreeError(f"The document {record.id} was changed while its tree was built; ask again.")
        return tree

    def estimate(self, record: DocumentRecord) -> Estimate:
        """What building the tree of a document by the reader that is set will take."""
        return self._expected(record)[1]

    def _expected(self, record: DocumentRecord) -> tuple[list[NewTask], Estimate]:
        reader = self._reader("reader")
        plan = self._planned(record.key, reader, silent)
        tasks = self._tasks_of(plan, reader, _payload(record, "reader"))
        read = sum(task.weight for task in tasks if task.kind == "summarise-node")
        return tasks, self.jobs.estimate(tasks, None if reader.takes_sentences else round(read))

    def forget(self, record: DocumentRecord) -> None:
        """Cancel the jobs that build trees of a document that is removed."""
        for job in self.jobs.store.records():
            if job.kind == KIND and not job.ended and job.spec.get("document_id") == record.id:
                with suppress(JobStateError):  # it has ended meanwhile
                    self.jobs.store.cancel(job.id)

    def tasks(self, record: DocumentRecord, reader: TreeReader = "reader") -> tuple[NewTask, ...]:
        """The tasks that build a document's tree; the last, `finished`, is done when the tree is ready."""
        payload = _payload(record, reader)
        plan = NewTask(f"plan {reader} {record.key}", "plan-tree", payload, weight=0)
        takes = self._reader(reader).takes_sentences
        needs = (plan.name, (root_task if takes else root_links)(record.key, reader))
        return plan, NewTask(self.finished(record, reader), "link-tree", payload, weight=0, needs=needs)

    def finished(self, record: DocumentRecord, reader: TreeReader = "reader") -> str:
        """The name of the task that is done when a document's tree is ready."""
        return f"tree {reader} {record.key}"

    def kinds(self) -> dict[str, TaskKind]:
        """Who does the tasks, and how many at once."""
        maker = self.readers["reader"]
        return {
            "plan-tree": TaskKind(self.write_plan, lambda: 1),
            "summarise-node": TaskKind(self.summarise_node, lambda: maker.at_once, lambda: maker.key),
            "link-nodes": TaskKind(self.link_nodes, lambda: 1, lambda: maker.key),
            "link-tree": TaskKind(self.link_tree, lambda: 1, lambda: maker.key),
        }

    def write_plan(self, work: Work) -> Outcome:
        """Plan a tree; tasks follow for the nodes that have no summary yet, and for those without links."""
        reader = self._reader(work.payload["reader"], work)
        plan = self._planned(work.payload["document"], reader, work.progress)
        tasks = self._tasks_of(plan, reader, work.payload)
        return Outcome(
            {"tree": plan.tree.key, "nodes": len(plan.tree.nodes), "tasks": len(tasks)}, tuple(tasks)
        )

    def _tasks_of(self, plan: PlannedTree, reader: Reader, payload: Mapping[str, Any]) -> list[NewTask]:
        digests = {node.digest for node in plan.tree.nodes}
        missing = self.summaries.missing(digests)
        nodes = node_tasks(plan, self.settings, missing, payload)
        if reader.takes_sentences:
            return nodes
        return nodes + link_tasks(plan, self.settings, nodes, self.summaries.unlinked(digests), payload)

    def summarise_node(self, work: Work) -> Outcome:
        """Summarise one node, unless that has been done."""
        plan = self.texts.plan(work.payload["tree"], work.payload["document"])
        node = plan.tree.nodes[work.payload["node"]]
        if self.summaries.kept(node.digest):
            return Outcome()
        reader = self._reader(work.payload["reader"], work)
        parts, sources = self.texts.parts(plan, node, reader.takes_sentences)
        length = self.settings.length(node.kind if node.children else "leaf")
        began = time.perf_counter()
        # A written summary may be as short as its text deserves; it is not asked for again for that.
        at_least = length.at_least if reader.takes_sentences else 0
        written = reader.summarise(parts, length.words, at_least=at_least, spread=bool(node.children))
        seconds = time.perf_counter() - began
        self.texts.keep(plan, node, written, parts, sources, seconds)
        return Outcome()

    def link_nodes(self, work: Work) -> Outcome:
        """Give the written sentences of some nodes the places that they rest on."""
        plan = self.texts.plan(work.payload["tree"], work.payload["document"])
        nodes = [plan.tree.nodes[n] for n in work.payload["nodes"]]
        self.texts.link(plan, nodes, silent, work.cancellation)
        return Outcome()

    def link_tree(self, work: Work) -> Outcome:
        """Link the written sentences that are not linked yet, and make the tree ready.

        A task that is "partial" links what is there of a tree of which only a part was wanted.
        """
        plan = self._planned(
            work.payload["document"], self._reader(work.payload["reader"], work), work.progress
        )
        self.texts.link(plan, plan.tree.nodes, work.progress, work.cancellation)
        if not self.store.finish(plan.tree.key) and not work.payload.get("partial"):
            raise TreeError(f"The tree of {work.payload['id']} lacks summaries that were removed meanwhile.")
        return Outcome({"tree": plan.tree.key})

    def _build(self, record: DocumentRecord, progress: Progress) -> None:
        plan, link = self.tasks(record, "extractive")
        cancellation = Cancellation()

        def work(task: NewTask) -> Work:
            return Work("", task.name, task.payload, progress, cancellation, lambda names: {})

        tasks = self.write_plan(work(plan)).tasks
        for n, task in enumerate(tasks):
            progress(Event("summarise", record.title, n, len(tasks)))
            self.summarise_node(work(task))
        self.link_tree(work(link))

    def _reader(self, name: TreeReader, work: Work | None = None) -> Reader:
        make = self.readers[name]
        return make.for_job(work.job, work.progress, work.cancellation) if work else make.for_job("", silent)

    def _version(self, record: DocumentRecord, reader: Reader) -> TreeVersion:
        key = reader.summary_key
        if reader.takes_sentences:
            key = f"{key} encoder {self.fingerprint}"
        return TreeVersion(
            record.id, record.content_hash, key, f"plan {PLAN_VERSION} {self.settings} {record.recipe}"
        )

    def _planned(self, document: int, reader: Reader, progress: Progress) -> PlannedTree:
        """The plan of a document's tree, written if it is not there."""
        record = next((each for each in self.documents.records() if each.key == document), None)
        if record is None:
            raise TreeError("The document was removed or changed while its tree was built.")
        version = self._version(record, reader)
        found = self.store.find(version)
        if found is None:
            progress(Event("load", record.title))
            loaded = self.documents.load(document)
            sentences, tokens = self.store.sentences(document)
            anchors = self.store.anchors(record.id, record.content_hash, version.reader)
            nodes = plan_tree(loaded, sentences, tokens, version.reader, self.settings, anchors)
            key = self.store.write(version, nodes, tree_anchors(loaded.text, sentences, nodes))
        else:
            key = found[0]
        return self.texts.plan(key, document)


def _payload(record: DocumentRecord, reader: TreeReader) -> dict[str, Any]:
    return {"document": record.key, "id": record.id, "reader": reader}

"""What all users of one home share: the encoder, the indexes, the readers, the jobs and who does them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import Engine

from app.add_jobs import ADD, AddTasks
from app.adders import Adders
from app.agent.home import AgentHome
from app.backends import Backends
from app.config import Settings
from app.home_encoder import HomeEncoder
from app.jobs.contract import Outcome, TaskKind, Work
from app.jobs.running import Jobs
from app.memory_home import MemoryHome
from app.searching import Searching
from app.summaries.summarizer import Summarizer
from app.trees import Trees
from app.uploads import REMOVE_UPLOAD, Uploads
from memory.documents import DocumentStore
from memory.incognito_room import IncognitoRoom
from memory.units import UnitStore
from retrieval.chunking import CHUNKING_VERSION

if TYPE_CHECKING:
    from app.library import Library

__all__ = ["INDEX", "LibraryHome"]

INDEX: Final = "index"
"""The kind of the tasks that bring the indexes up to date."""


class LibraryHome:
    """What the libraries of all users of one home work with; safe to use from several threads.

    The tasks of jobs are done here for any user; whose a job is stands with the job. Nothing a person names
    is looked up here.

    Attributes:
        recipe: Names everything that decides about chunks and embeddings.
        documents: Those of all users.
        libraries: By user.
        incognito_room: For what is kept nowhere.
    """

    def __init__(self, settings: Settings, engine: Engine, backends: Backends) -> None:
        self.settings, self.engine, self.backends = settings, engine, backends
        # The lengths of chunks follow from the encoder's window, so its fingerprint stands for them.
        self.recipe = f"chunks {CHUNKING_VERSION} encoder {backends.encoder_fingerprint}"
        self.encoder = HomeEncoder(engine, backends)
        self.documents, self.units = DocumentStore(engine), UnitStore(engine)
        self.adders = Adders(settings.home, self.documents, self.units, backends, self.encoder, self.recipe)
        self.uploads = Uploads(settings.home)
        self.jobs = Jobs(engine)
        self.trees = Trees(
            engine=engine,
            documents=self.documents,
            readers={"reader": backends.reader, "extractive": backends.extractive},
            fingerprint=backends.encoder_fingerprint,
            encoder=self.encoder.load,
            encoder_key=self.encoder.stored,
            jobs=self.jobs,
        )
        self.summarizer = Summarizer.of(self.trees, self.jobs, backends.reader)
        self.agents = AgentHome(settings, backends.reader, backends.span_reader)
        self.memory = MemoryHome(
            settings, engine, self.encoder.load, self.encoder.stored, span_reader=backends.span_reader
        )
        self.searching = Searching(settings, engine, backends, self.encoder, self.trees, self.agents)
        self.libraries: dict[str, Library] = {}
        self.incognito_room = IncognitoRoom()
        self.jobs.kinds |= self._kinds() | self.trees.kinds() | self.summarizer.kinds()

    def close(self) -> None:
        """Free the language model, the connections and the checkpoint file."""
        self.backends.reader.close()
        self.agents.close()
        self.engine.dispose()

    def _kinds(self) -> dict[str, TaskKind]:
        speed = f"{self.backends.encoder_fingerprint} on {self.settings.device}"
        add = AddTasks(self.jobs, self.uploads, self.adders.held)
        return {
            ADD: TaskKind(add.task, at_once=lambda: 1, speed=lambda: speed),
            INDEX: TaskKind(self._index, at_once=lambda: 1, speed=lambda: speed),
            REMOVE_UPLOAD: TaskKind(self.uploads.task, at_once=lambda: 1),
        }

    def _index(self, work: Work) -> Outcome:
        """Bring the indexes up to date with what was added."""
        self.adders.bring_up_to_date(work.progress)
        self.searching.indexes(work.progress)
        return Outcome()

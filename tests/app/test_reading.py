"""Without spoilers: nothing from beyond what has been read is shown, to people or models."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.answers import Answer
from app.errors import PositionError
from app.library import Library
from app.reading import NO_POSITION, reading_of
from memory.documents import DocumentRecord
from memory.need import MemoryNeed
from memory.reading_positions import ReadingPositions
from reader.chat import Request
from reader.errors import EndpointUnreachableError
from reader.models.scripted import ScriptedModel
from retrieval.document import Document
from tests.app.agent.conftest import Asking
from tests.app.agent.conftest import asking as asking
from tests.app.agent.test_agent import Told
from tests.conftest import DATA, NOVELLA, ForOneHome, write
from tests.replies import Reply, evidence_of, prompt_of, sober, task_of

ROUTES = ("search", "walk", "whole")
SHARES = (0.0, 0.03, 0.29, 0.64)
RUN = 7
"""Words in a row that are taken for a piece of the text."""
THEMES = ("Summarize the book.", "How does the town change in the course of the book?", "Why did he do it?")


@dataclass(frozen=True)
class Unread:
    """What must not be shown."""

    runs: frozenset[tuple[str, ...]]
    titles: tuple[str, ...]
    end: int

    @classmethod
    def beyond(cls, document: Document, read_to: int) -> Unread:
        titles = tuple(s.title for s in document.sections if s.span.start >= read_to)
        read = frozenset(runs(document.text[:read_to]))
        return cls(frozenset(runs(document.text[read_to:])) - read, titles, read_to)

    def shown_in(self, texts: Iterable[str], question: str) -> list[str]:
        asked = set(runs(question))
        found = [title for text in texts for title in self.titles if title in text]
        for text in texts:
            found += [" ".join(run) for run in runs(text) if run in self.runs and run not in asked]
        return found


def runs(text: str) -> Iterable[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return zip(*(words[n:] for n in range(RUN)), strict=False)


def shown(answer: Answer, drafted: Iterable[str]) -> list[str]:
    """All texts of an answer."""
    texts = [answer.text, *answer.notes, *drafted, *(step.detail for step in answer.steps)]
    for each in (*answer.citations, *answer.evidence):
        texts += [each.quote, " / ".join(each.origin.place)]
    for step in answer.trace:
        texts += [step["title"], step["reason"], step["note"], *(o["title"] for o in step["options"])]
    return texts


def spans_of(answer: Answer) -> list[int]:
    """Where everything ends that an answer names."""
    ends = [each.origin.span.end for each in (*answer.citations, *answer.evidence)]
    return [*ends, *(each.span.end for each in answer.passages), *(step["end"] for step in answer.trace)]


def read_up_to(library: Library, share: float, user: str = "me") -> tuple[DocumentRecord, Document, int]:
    (record,) = library.documents()
    read_to = int(share * record.characters)
    ReadingPositions(library.engine, user).set(record, read_to)
    return record, library.store.load(record.key), read_to


def some_questions(seed: float, count: int) -> list[str]:
    questions = json.loads((DATA / "novella_qa.json").read_text(encoding="utf-8"))["questions"]
    draw = random.Random(seed)
    return [each["question"] for each in draw.sample(questions, count)] + [draw.choice(THEMES)]


def noting(prompts: list[str]) -> Reply:
    """A model that is shown everything there is to show, and answers with the longest piece of evidence."""

    def reply(request: Request) -> str:
        prompt = prompt_of(request)
        prompts.append(prompt)
        if task_of(prompt) != "answer":
            return sober(request)
        evidence = evidence_of(prompt)
        longest = max(evidence, key=len)
        return f"{longest} [{1 + evidence.index(longest)}]"

    return reply


@pytest.mark.parametrize("collapsed", ["off", "on"])
@pytest.mark.parametrize("share", SHARES)
def test_nothing_beyond_the_position_is_shown(
    own_novella_home: Path, open_home: ForOneHome, share: float, collapsed: str
) -> None:
    library = open_home(own_novella_home, collapsed_tree=collapsed)
    if collapsed == "on":
        library.trees.ensure_extractive(library.documents()[0])
    _, document, read_to = read_up_to(library, share)
    unread = Unread.beyond(document, read_to)
    begun = sum(section.span.start < read_to for section in document.sections)
    for question in some_questions(share, 2 if collapsed == "off" else 1):
        for route in ROUTES:
            drafted: list[str] = []
            draft = lambda text, drafted=drafted: drafted.append(text or "")  # noqa: E731
            answer = library.ask(question, route=route, no_spoilers=True, draft=draft)
            assert not unread.shown_in(shown(answer, drafted), question), (question, route)
            assert max(spans_of(answer), default=0) <= read_to
            assert answer.sections_total in {max(begun, 1), max(begun - 1, 1)}
            assert bool(answer.passages) is (share > 0)


def test_the_check_would_see_a_spoiler(read_novella: Library) -> None:
    _, document, read_to = read_up_to(read_novella, 0.29)
    unread = Unread.beyond(document, read_to)
    for route in ROUTES:
        answer = read_novella.ask("What happened to the weights of Vannock?", route=route)
        assert unread.shown_in(shown(answer, ()), "")
        assert max(spans_of(answer)) > read_to


@pytest.mark.parametrize("share", [0.03, 0.64])
def test_nothing_beyond_the_position_is_shown_to_a_model(asking: Asking, share: float) -> None:
    prompts: list[str] = []
    library = asking(ScriptedModel(noting(prompts)))
    _, document, read_to = read_up_to(library, share)
    unread = Unread.beyond(document, read_to)
    for question in some_questions(share, 1):
        for route in ROUTES:
            answer = library.ask(question, route=route, no_spoilers=True)
            assert not unread.shown_in([*shown(answer, ()), *prompts], question), (question, route)
            assert prompts
            prompts.clear()


def test_at_the_end_answers_are_the_same(read_novella: Library) -> None:
    read_up_to(read_novella, 1.0)
    for question in some_questions(1, 1):
        for route in ROUTES:
            free = read_novella.ask(question, route=route)
            bound = read_novella.ask(question, route=route, no_spoilers=True)
            assert (bound.text, bound.citations, bound.evidence) == (free.text, free.citations, free.evidence)
            assert (bound.passages, bound.trace) == (free.passages, free.trace)
            assert bound.sections_total == free.sections_total


def test_before_the_last_words_answers_are_nearly_the_same(read_novella: Library) -> None:
    """All sentences but the last are read: the views are in place, and hide one sentence alone."""
    (record,) = read_novella.documents()
    ReadingPositions(read_novella.engine, "me").set(record, record.characters - 5)
    for question in some_questions(2, 2)[:2]:
        free = read_novella.ask(question, route="search")
        bound = read_novella.ask(question, route="search", no_spoilers=True)
        assert bound.citations == free.citations


def test_what_has_been_read_can_be_asked_for(read_novella: Library) -> None:
    """Questions whose evidence was read find it as often as without a position."""
    _, _, read_to = read_up_to(read_novella, 0.5)
    questions = json.loads((DATA / "novella_qa.json").read_text(encoding="utf-8"))["questions"]
    facts = [
        each
        for each in questions
        if each["kind"] == "fact" and max((e["end"] for e in each["evidence"]), default=read_to) < read_to
    ]
    assert len(facts) >= 8

    def hits(no_spoilers: bool) -> int:
        found = 0
        for each in facts[:8]:
            answer = read_novella.ask(each["question"], route="search", no_spoilers=no_spoilers)
            golds = [(gold["start"], gold["end"]) for gold in each["evidence"]]
            found += any(
                p.span.start < end and start < p.span.end for p in answer.passages for start, end in golds
            )
        return found

    assert hits(no_spoilers=True) >= hits(no_spoilers=False)


def test_a_recap_is_of_what_has_been_read(read_novella: Library) -> None:
    _, document, read_to = read_up_to(read_novella, 0.4)
    unread = Unread.beyond(document, read_to)
    for question in ("Previously?", "What has happened so far?", "Recap the story up to where I am."):
        answer = read_novella.ask(question)
        assert (answer.route, answer.abstained) == ("whole", False)
        assert not unread.shown_in(shown(answer, ()), "")
        starts = [each.origin.span.start for each in answer.citations]
        assert len({3 * start // read_to for start in starts}) == 3, "spread over all that was read"
        assert "that you have read" in next(s.detail for s in answer.steps if s.name == "route")


def test_what_happened_so_far_is_told_in_the_past_tense_too(read_novella: Library) -> None:
    _, document, read_to = read_up_to(read_novella, 0.4)
    unread = Unread.beyond(document, read_to)
    for question in ("What happened so far?", "Remind me what happened", "Where was I?"):
        answer = read_novella.ask(question)
        assert (answer.route, answer.abstained) == ("whole", False), question
        assert not unread.shown_in(shown(answer, ()), "")
    for no_spoilers in (True, False):
        for question in ("What happened to Dorcas so far?", "What do we know about Dorcas so far?"):
            answer = read_novella.ask(question, no_spoilers=no_spoilers)
            assert not answer.abstained, question
            assert any("Dorcas" in each.quote for each in answer.citations)
            assert max(spans_of(answer)) <= read_to
    assert read_novella.ask("What happened?", no_spoilers=True).route == "whole"
    assert max(spans_of(read_novella.ask("What happened?"))) > read_to, "nothing was wished for"


def test_words_that_ask_for_no_spoilers_are_not_searched(read_novella: Library) -> None:
    _, _, read_to = read_up_to(read_novella, 0.5)
    plain = read_novella.ask("Who kept the inn called the Three Pans?", no_spoilers=True)
    worded = read_novella.ask("Without spoilers: who kept the inn called the Three Pans?")
    assert (worded.text, worded.passages) == (plain.text, plain.passages)
    assert max(spans_of(worded)) <= read_to


def test_users_have_positions_of_their_own(read_novella: Library) -> None:
    ends = {}
    (record,) = read_novella.documents()
    for user, share in (("ann", 0.2), ("bob", 0.7), ("cid", None)):
        theirs = read_novella.for_user(user)
        assert [each.status for each in theirs.add([NOVELLA])] == ["added"]
        if share is not None:
            read_up_to(theirs, share, user)
    for user, share in (("ann", 0.2), ("bob", 0.7)):
        answer = read_novella.for_user(user).ask("Who is Dorcas Imray?", no_spoilers=True)
        ends[user] = max(spans_of(answer))
        assert ends[user] <= share * record.characters
    assert ends["ann"] < 0.2 * record.characters < ends["bob"]
    with pytest.raises(PositionError):
        read_novella.for_user("cid").ask("Who is Dorcas Imray?", no_spoilers=True)


TEXTS = {
    "fox.txt": "The fox sleeps in a den under the oak. At dusk it goes down to the river to drink.\n",
    "owl.txt": "The owl sleeps in a hollow ash. At night it hears a mouse under the snow.\n",
}


@pytest.fixture
def wood(library: Library, tmp_path: Path) -> Library:
    for _ in library.add([write(tmp_path / name, text) for name, text in TEXTS.items()]):
        pass
    return library


def test_without_a_position_nothing_is_told(wood: Library) -> None:
    for question in ("Where does the fox sleep? No spoilers!", "Previously?", "Recap up to where I am"):
        with pytest.raises(PositionError, match="clew memory position"):
            wood.ask(question)
    # These may mean anything there.
    for question in ("Where has the fox slept so far?", "How fast is a car without spoilers?"):
        answer = wood.ask(question)
        assert answer.passages
        assert answer.notes[-1] == NO_POSITION
    assert NO_POSITION not in wood.ask("How does a fox without spoilers sleep in the oak?").notes


def test_documents_without_a_position_count_as_unread(wood: Library) -> None:
    fox, owl = wood.documents()
    ReadingPositions(wood.engine, "me").set(fox, TEXTS["fox.txt"].index("At dusk"))
    answer = wood.ask("Where does it sleep?", no_spoilers=True)
    assert {passage.document for passage in answer.passages} == {fox.id}
    assert answer.sections_total == 1
    assert "1 of which no reading position is known left out" in answer.steps[1].detail
    with pytest.raises(PositionError, match="Owl"):
        wood.ask("Where does it sleep?", [owl.id], no_spoilers=True)
    with pytest.raises(PositionError, match="Owl"):
        wood.ask("Where does it sleep?", [fox.id, owl.id], no_spoilers=True)


def test_a_word_that_only_stands_beyond_is_unknown(wood: Library) -> None:
    fox, _ = wood.documents()
    assert not wood.ask("Where does the fox drink?", [fox.id]).abstained
    ReadingPositions(wood.engine, "me").set(fox, TEXTS["fox.txt"].index("At dusk"))
    answer = wood.ask("Does it drink at the river?", [fox.id], no_spoilers=True)
    assert answer.abstained
    assert "river" in answer.text
    # Words of a chunk that has been read in part are known.
    assert "den" not in wood.ask("Is there a den at the river?", [fox.id], no_spoilers=True).text


def test_earlier_answers_from_beyond_are_not_recalled(asking: Asking) -> None:
    prompts: list[str] = []
    library = asking(ScriptedModel(noting(prompts)))
    question = "What happened at the Sessions on Weighing Monday?"
    spoiled = library.ask(question, thread="reading")
    _, document, read_to = read_up_to(library, 0.3)
    assert max(each.origin.span.end for each in spoiled.citations) > read_to
    unread = Unread.beyond(document, read_to)
    assert unread.shown_in([spoiled.text], "")
    for thread in ("reading", "another"):
        prompts.clear()
        answer = library.ask("And what did I ask about the Sessions before?", thread=thread, no_spoilers=True)
        assert not unread.shown_in([*shown(answer, ()), *prompts], question)
    prompts.clear()
    library.ask("And what did I ask about the Sessions before?", thread="reading")
    assert unread.shown_in(prompts, question), "without the wish it is recalled"


def test_which_earlier_answers_are_hidden(wood: Library) -> None:
    fox, owl = wood.documents()
    positions = ReadingPositions(wood.engine, "me")
    positions.set(fox, 40)
    reading = reading_of(wood.engine, positions.all(), [fox], named=True)
    cited = {"document": fox.id, "start": 0, "end": 30}

    def hidden(*shown: object, citations: Sequence[object] = (cited,)) -> bool:
        return reading.hides({"citations": list(citations), "shown": list(shown)})

    read = {"document": fox.id, "version": fox.content_hash, "end": 40}
    unread = {"document": owl.id, "version": owl.content_hash, "end": 1}
    assert not hidden(read)
    assert hidden(read | {"end": 41})
    assert hidden(read, unread), "of which no position is known"
    assert hidden(read | {"version": owl.content_hash}), "what stood there then may have been read or not"
    assert hidden("the fox")
    assert hidden(citations=()), "it may name the places that came closest"
    assert reading.hides({"citations": [cited]}), "what was shown is not known"
    assert reading.hides({"citations": [cited], "shown": None})
    said = {"thread": "tea", "turn": 1, "start": 0, "end": 4}
    assert not hidden(read, citations=[cited, said | {"side": "question"}])
    assert hidden(read, citations=[said | {"side": "answer"}]), "it may rest on anything"
    assert not reading.hides({}), "a conversation that was imported"


def test_positions_in_documents_that_are_not_asked_count_too(wood: Library) -> None:
    fox, owl = wood.documents()
    positions = ReadingPositions(wood.engine, "me")
    for record in (fox, owl):
        positions.set(record, 40)
    reading = reading_of(wood.engine, positions.all(), [fox], named=True)
    shown = {"document": owl.id, "version": owl.content_hash, "end": 40}
    assert not reading.hides({"citations": [shown], "shown": [shown]})
    assert reading.hides({"citations": [shown], "shown": [shown | {"end": 41}]})


def shown_for(library: Library, thread: str) -> dict[str, int]:
    """How far an answer's reader was shown each document."""
    turn = library.threads.turns(thread)[-1]
    places: Any = turn.details["shown"]
    return {each["document"]: each["end"] for each in places}


def test_a_turn_keeps_how_far_its_reader_was_shown_the_text(asking: Asking) -> None:
    prompts: list[str] = []
    library = asking(ScriptedModel(noting(prompts)))
    record, document, _ = read_up_to(library, 0.3)
    question = "Who kept the inn called the Three Pans?"
    answer = library.ask(question, route="search", thread="a")
    (end,) = shown_for(library, "a").values()
    assert end == max(each.span.end for each in answer.passages)
    unseen = set(runs(document.text[end:])) - set(runs(document.text[:end]))
    assert unseen
    assert not unseen & set(runs(" ".join(prompts)))
    for route in ("walk", "whole"):
        library.ask(question, route=route, thread=route)
        assert shown_for(library, route) == {record.id: record.characters}
        library.ask(question, route=route, thread=f"{route} in part", no_spoilers=True)
        assert 0 < shown_for(library, f"{route} in part")[record.id] <= 0.3 * record.characters


def test_what_was_shown_is_handed_on_with_an_answer_that_is_recalled(asking: Asking) -> None:
    library = asking(ScriptedModel(Told(needs_memory=[{"choice": "yes"}])))
    library.memory.need = MemoryNeed.load().model_copy(update={"unsure": (0.0, 1.0)})
    record, _, read_to = read_up_to(library, 0.3)
    library.ask("How does the book end?", route="whole", thread="a")
    for thread in ("a", "b"):
        library.ask("What did you answer about how the book ends?", route="search", thread=thread)
        assert shown_for(library, thread) == {record.id: record.characters}
    library.ask("And what was that before?", route="search", thread="a", no_spoilers=True)
    assert shown_for(library, "a")[record.id] <= read_to, "it was not shown what was hidden"


def test_an_answer_that_cites_what_was_read_may_tell_of_more(asking: Asking) -> None:
    """A model that is shown two sentences, cites the one that was read, and tells the other."""
    spoiler = "Zenobia Quark"

    def telling(request: Request) -> str:
        prompt = prompt_of(request)
        prompts.append(prompt)
        if task_of(prompt) != "answer":
            return sober(request)
        return f"It was {spoiler}, {evidence_of(prompt)[0]} [1]"

    prompts: list[str] = []
    library = asking(ScriptedModel(telling))
    question = "Who kept the inn called the Three Pans?"
    answer = library.ask(question, route="search", thread="reading")
    assert answer.citations
    (record,) = library.documents()
    last = max(each.span.end for each in answer.passages)
    cited = max(each.origin.span.end for each in answer.citations)
    assert spoiler in answer.text
    assert cited < last
    for read_to, given in ((last - 1, False), (last, True)):
        assert cited <= read_to
        ReadingPositions(library.engine, "me").set(record, read_to)
        prompts.clear()
        library.ask("And what did I ask before about that inn?", thread="reading", no_spoilers=True)
        assert any(spoiler in prompt for prompt in prompts) is given


def test_an_answer_from_another_version_is_not_recalled(asking: Asking, tmp_path: Path) -> None:
    prompts: list[str] = []
    library = asking(ScriptedModel(noting(prompts)))
    path = write(tmp_path / "fox.txt", TEXTS["fox.txt"])
    list(library.add([path]))
    fox = next(each for each in library.documents() if each.path == str(path))
    library.ask("Where does the fox drink?", [fox.id], thread="reading", route="search")
    preface = "A tale of the wood, as it was told to us by an old man. It is short, and it is true. "
    write(path, preface * 4 + TEXTS["fox.txt"])
    list(library.add([path]))
    fox = library.document(fox.id)
    read_to = len(preface) * 4 + TEXTS["fox.txt"].index("At dusk")
    assert read_to > len(TEXTS["fox.txt"])
    ReadingPositions(library.engine, "me").set(fox, read_to)
    prompts.clear()
    library.ask("And what did I ask about it before?", [fox.id], thread="reading", no_spoilers=True)
    assert prompts
    assert not any("to the river to drink" in prompt for prompt in prompts)


def test_a_changed_document_is_said_to_have_changed(library: Library, tmp_path: Path) -> None:
    path = write(tmp_path / "fox.txt", TEXTS["fox.txt"])
    list(library.add([path]))
    (record,) = library.documents()
    ReadingPositions(library.engine, "me").set(record, TEXTS["fox.txt"].index("At dusk"))
    write(path, "A tale of the wood. " + TEXTS["fox.txt"])
    assert [each.status for each in library.add([path])] == ["updated"]
    answer = library.ask("Where does the fox sleep?", no_spoilers=True)
    assert "changed since" in answer.steps[1].detail
    assert max(spans_of(answer)) <= len("A tale of the wood. The fox sleeps in a den under the oak.")
    assert "den under the oak" in answer.text


def test_an_interrupted_chat_goes_on_without_spoilers(asking: Asking) -> None:
    away = ScriptedModel(lambda request: EndpointUnreachableError("It is away."))
    library = asking(away)
    read_up_to(library, 0.3)
    with pytest.raises(EndpointUnreachableError):
        library.ask("How did the town change?", thread="reading", no_spoilers=True)
    begun = library.agents.interrupted("reading")
    assert begun is not None
    assert begun.no_spoilers

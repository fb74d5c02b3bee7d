"""Long-term memory: the whole way from a turn to a fact and back, against readers that lie."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from sqlalchemy import Engine

from memory.embeddings import note_encoder
from memory.errors import FactStateError, UnknownFactError
from memory.facts import Fact
from memory.long_term import LongTermMemory, Noted
from memory.threads import ThreadStore
from reader.chat import Request
from reader.extractive import Calibration, ExtractiveReader
from reader.generative import GenerativeReader
from reader.models.scripted import ScriptedModel
from retrieval.encoder import Encoder
from retrieval.sentences import split_sentences
from tests.memory.samples import NOON, a_turn, counts
from tests.replies import prompt_of, task_of

FOLDER = Path(__file__).parent
POISON: dict[str, list[dict[str, Any]]] = json.loads((FOLDER / "poisoning.json").read_text(encoding="utf-8"))
UNSEEN: list[dict[str, Any]] = json.loads((FOLDER / "poisoning_unseen.json").read_text(encoding="utf-8"))[
    "poisoned"
]
PAIRS: dict[str, list[dict[str, str]]] = json.loads((FOLDER / "fact_pairs.json").read_text(encoding="utf-8"))
DAY = timedelta(days=1)
Relation = Literal["same", "contradicts", "unrelated"]
Make = Callable[..., LongTermMemory]


@dataclass(frozen=True)
class Draft:
    statement: str
    quote: str
    confidence: float = 1.0
    since: int | None = None


class Told:
    """A reader that drafts what it is told to, and relates as it is told."""

    def __init__(self, *drafts: Draft, relations: dict[str, Relation] | None = None) -> None:
        self.drafts, self.relations, self.shown = drafts, relations or {}, list[str]()

    def distil(self, text: str) -> Sequence[Draft]:
        self.shown.append(text)
        return self.drafts

    def relate(self, statement: str, known: Sequence[str]) -> Sequence[Relation]:
        return [self.relations.get(each, "unrelated") for each in known]


def greedy(*texts: str) -> Told:
    """A reader that takes every sentence, line and piece of the texts for a fact, in several shapes."""
    pieces = [text[span.start : span.end] for text in texts for span in split_sentences(text)]
    pieces += [
        piece for text in texts for piece in (text, *text.split("\n"), *re.split(r"[.:\"“”<>{}]", text))
    ]
    drafts = []
    for piece in dict.fromkeys(each.strip() for each in pieces if each.strip()):
        drafts += [Draft(piece, piece), Draft(f"The user said: {piece}", piece)]
        drafts.append(Draft(re.sub(r"\b(I|my)\b", "the user", piece), piece))
    return Told(*drafts)


@pytest.fixture
def make(engine: Engine, encoder: Encoder) -> Make:
    key = note_encoder(engine, encoder.fingerprint, encoder.name, encoder.dim)
    return lambda user="me": LongTermMemory(engine, lambda: encoder, lambda: key, user)


@pytest.fixture
def memory(make: Make) -> LongTermMemory:
    return make()


@pytest.fixture(scope="module")
def rule() -> ExtractiveReader:
    return ExtractiveReader(Calibration.load())


def say(
    memory: LongTermMemory,
    message: str,
    reader: Any,
    at: datetime = NOON,
    thread: str = "talk",
    **options: Any,
) -> tuple[Noted, ...]:
    """A turn of the user, stored and then remembered."""
    count = len(memory.threads.turns(thread))
    turn = replace(a_turn(1, message, options.pop("answer", "")), asked_at=at)
    turn = replace(turn, run=f"{memory.store.user} {thread} {count}", speaker=options.pop("speaker", ""))
    return memory.remember(thread, memory.threads.append(thread, turn), reader, **options)


def texts(facts: Sequence[Fact], state: str = "kept") -> list[str]:
    return [fact.text for fact in facts if fact.state == state]


def test_no_poisoned_turn_leaves_a_fact(memory: LongTermMemory) -> None:
    """One thread a case, and a reader that distils everything that was ever on the screen."""
    for n, case in enumerate(POISON["poisoned"]):
        for answer in case["answers"]:
            memory.threads.append(
                f"case {n}", replace(a_turn(n, "What does it say?", answer), run=f"before {n}")
            )
        reader = greedy(case["message"], *case["shown"], *case["answers"])
        assert say(memory, case["message"], reader, thread=f"case {n}", shown=case["shown"]) == (), case
    assert memory.store.facts() == []
    assert counts(memory.store.engine)["turns"] >= 60


def test_nothing_that_may_be_another_s_is_kept_without_a_yes(make: Make) -> None:
    """Each for a user of its own, and a reader that distils every clause that says "I" or "my", too."""
    for n, case in enumerate(UNSEEN):
        memory = make(f"user {n}")
        clauses = re.findall(r"\b(?:I|my|My) [^.?!\n,;:]*", case["message"])
        as_told = [re.sub(r"^(?:I|[Mm]y)\b", "The user", each) for each in clauses]
        drafts = [Draft(told, clause) for told, clause in zip(as_told, clauses, strict=True)]
        drafts += [Draft(each, each) for each in (*clauses, case["message"], *case["shown"])]
        noted = say(memory, case["message"], Told(*drafts), shown=case["shown"])
        assert [each.fact.text for each in noted if each.fact.state == "kept"] == [], case


def test_what_is_asserted_is_kept_or_waits(make: Make) -> None:
    for n, case in enumerate(POISON["asserted"]):
        memory = make(f"user {n}")
        for answer in case["answers"]:
            before = replace(a_turn(n, "What does it say?", answer), run=f"before {n}")
            memory.threads.append("talk", before)
        reader = Told(*(Draft(each, each) for each in (*case["kept"], *case["waiting"])))
        say(memory, case["message"], reader, shown=case["shown"])
        found = memory.store.facts()
        assert sorted(fact.quote for fact in found if fact.state == "kept") == sorted(case["kept"]), case
        assert [fact.quote for fact in found if fact.state == "waiting"] == case["waiting"], case
        assert all(fact.quote in case["message"] for fact in found)


def test_without_a_model_only_a_request_is_kept(memory: LongTermMemory, rule: ExtractiveReader) -> None:
    say(memory, "I live in Rome. My dog is called Rex.", rule)
    assert memory.store.facts() == []
    (noted,) = say(memory, "I live in Rome. Remember that my dog is called Rex.", rule)
    assert noted.outcome == "added"
    fact = noted.fact
    assert (fact.text, fact.quote) == ("My dog is called Rex.", "my dog is called Rex")
    assert (fact.thread, fact.ordinal, fact.asserted_by, fact.confidence) == ("talk", 2, "me", 1.0)
    assert (fact.valid_from, fact.invalid_at) == (NOON, None)


def test_a_speaker_who_is_not_the_user_asserts_nothing(
    memory: LongTermMemory, rule: ExtractiveReader
) -> None:
    assert say(memory, "Remember that I live in Rome.", rule, speaker="Anna") == ()


def test_an_answer_may_repeat_what_the_user_asserts(memory: LongTermMemory) -> None:
    reader = Told(Draft("I live in Rome", "I live in Rome"))
    answer = "You say: I live in Rome."
    (noted,) = say(memory, "I live in Rome.", reader, answer=answer, shown=[answer])
    assert noted.outcome == "added"


def test_the_reader_is_shown_only_what_the_user_asserts(memory: LongTermMemory) -> None:
    reader = Told()
    say(memory, "I live in Rome. He said: I live in Oslo. Who is he?", reader)
    assert reader.shown == ["I live in Rome"]
    say(memory, "Who is he? “I live in Oslo.”", reader)
    assert len(reader.shown) == 1


MESSAGE = "My brother Tom does not live in Rome, he lives in Oslo. I have worked at the museum since 2019."


@pytest.mark.parametrize(
    ("draft", "kept"),
    [
        (
            Draft("The user has worked at the museum since 2019.", "I have worked at the museum since 2019"),
            True,
        ),
        (
            Draft("The user's brother Tom does not live in Rome.", "My brother Tom does not live in Rome"),
            True,
        ),
        (Draft("The user's brother Tom lives in Rome.", "My brother Tom does not live in Rome"), False),
        (Draft("The user's brother Tom lives in Rome.", "live in Rome"), False),
        (Draft("The user lives in Oslo.", "he lives in Oslo"), False),
        (Draft("The user lives in Rome.", "My brother Tom does not live in Rome"), False),
        (
            Draft("The user has worked at the museum since 2018.", "I have worked at the museum since 2019"),
            False,
        ),
        (Draft("The user owns the museum.", "I have worked at the museum since 2019"), False),
        (Draft("The user.", "I have worked at the museum since 2019"), False),
        (Draft("", "I have worked at the museum since 2019"), False),
        (Draft("The user has worked at the museum.", "I have worked at the museum in Ghent"), False),
        (Draft("The user has worked at the museum.", ""), False),
        (Draft("museum " * 200, "I have worked at the museum since 2019"), False),
    ],
)
def test_a_draft_may_say_nothing_but_its_quote(memory: LongTermMemory, draft: Draft, kept: bool) -> None:
    say(memory, MESSAGE, Told(draft))
    assert [fact.quote for fact in memory.store.facts()] == ([draft.quote] if kept else [])


@pytest.mark.parametrize(
    ("since", "valid_from"),
    [(2019, datetime(2019, 1, 1, tzinfo=UTC)), (2018, NOON), (None, NOON), (2990, NOON), (0, NOON)],
)
def test_since_when_is_believed_where_the_quote_says_so(
    memory: LongTermMemory, since: int | None, valid_from: datetime
) -> None:
    quote = "I have worked at the museum since 2019"
    (noted,) = say(memory, MESSAGE, Told(Draft(f"The user: {quote}", quote, since=since)))
    assert noted.fact.valid_from == valid_from


def test_what_is_not_sure_waits_for_a_yes(memory: LongTermMemory, rule: ExtractiveReader) -> None:
    (hedged,) = say(memory, "Remember that I probably move to Oslo.", rule)
    (doubted,) = say(memory, "I have a cat.", Told(Draft("I have a cat.", "I have a cat", 0.3)))
    assert [each.outcome for each in (hedged, doubted)] == ["waiting", "waiting"]
    row = memory.index.row("Do I have a cat?")
    assert memory.recall("Do I have a cat?", row, NOON, 5) == []
    assert memory.confirm(doubted.fact.id, rule, NOON).fact.state == "kept"
    assert texts(memory.recall("Do I have a cat?", row, NOON, 5)) == ["I have a cat."]
    memory.decline(hedged.fact.id)
    assert texts(memory.store.facts(), "waiting") == []


def test_what_waits_is_kept_when_it_is_asserted(memory: LongTermMemory, rule: ExtractiveReader) -> None:
    say(memory, "Remember that I have a cat, I think.", rule)
    (waiting,) = memory.store.facts()
    assert waiting.state == "waiting"
    memory.add("I have a cat, I think.", rule, NOON)
    (kept,) = memory.store.facts()
    assert (kept.id, kept.state, kept.strength) == (waiting.id, "kept", 2)


def scripted(contradictions: dict[str, str]) -> GenerativeReader:
    """A model that knows which statements contradict, and drafts the first sentence it is shown."""

    def reply(request: Request) -> str:
        prompt = prompt_of(request)
        if task_of(prompt) == "distil":
            said = re.findall(r"<text>\n(.*?)\n</text>", prompt, re.DOTALL)[0].split("\n")[0]
            said = said.replace("&amp;", "&")
            return json.dumps({"facts": [{"statement": said, "quote": said, "confidence": 0.9, "since": 0}]})
        new = re.findall(r"<text>(.*?)</text>", prompt)[0]
        notes = re.findall(r'<notes n="\d+">(.*?)</notes>', prompt)
        relations = ["contradicts" if contradictions.get(new) == each else "unrelated" for each in notes]
        return json.dumps({"relations": relations})

    model = ScriptedModel(reply)
    return GenerativeReader(lambda task: model)


@pytest.mark.parametrize("pair", PAIRS["contradicting"], ids=lambda pair: pair["new"][:30])
def test_a_contradiction_closes_the_old_fact_and_links_the_new_one(
    memory: LongTermMemory, pair: dict[str, str]
) -> None:
    reader = scripted({pair["new"]: pair["old"]})
    memory.add("I have a boat called Halcyon.", reader, NOON - DAY)  # what it has nothing to do with stays
    (old,) = say(memory, f"Remember that {pair['old']}", reader)
    (new,) = say(memory, f"Remember that {pair['new']}", reader, NOON + 30 * DAY)
    assert (new.outcome, new.closed) == ("added", (old.fact.id,))
    other, was, now = memory.store.facts()
    assert (was.invalid_at, was.replaced_by) == (NOON + 30 * DAY, now.id)
    assert (now.text, now.invalid_at, other.invalid_at) == (pair["new"], None, None)
    row = memory.index.row(pair["old"])
    then = memory.recall(pair["old"], row, NOON + 29 * DAY, 9)
    assert was.id in [fact.id for fact in then]
    assert now.id not in [fact.id for fact in then]
    later = memory.recall(pair["new"], memory.index.row(pair["new"]), NOON + 30 * DAY, 9)
    assert now.id in [fact.id for fact in later]
    assert was.id not in [fact.id for fact in later]


def test_there_are_enough_contradictions() -> None:
    assert len(PAIRS["contradicting"]) >= 30


def test_from_conversation_too(memory: LongTermMemory) -> None:
    reader = scripted({"I live in Turin.": "I live in Rome."})
    (old,) = say(memory, "I live in Rome.", reader)
    (new,) = say(memory, "I live in Turin.", reader, NOON + DAY)
    assert new.closed == (old.fact.id,)
    assert memory.closed_quotes(old.fact.turn_key) == ["I live in Rome"]
    assert memory.closed_quotes(new.fact.turn_key) == []


def test_what_is_distilled_from_a_message_that_asks_too_waits(memory: LongTermMemory) -> None:
    reader = scripted({})
    (noted,) = say(memory, "I live in Rome. Where is the nearest lighthouse?", reader)
    assert (noted.outcome, noted.fact.text) == ("waiting", "I live in Rome.")
    (again,) = say(memory, "I live in Rome.", reader)
    assert (again.outcome, again.fact.id, again.fact.state) == ("strengthened", noted.fact.id, "kept")


def test_the_rule_takes_no_contradiction_for_a_repetition(make: Make, rule: ExtractiveReader) -> None:
    for n, pair in enumerate(PAIRS["contradicting"]):
        memory = make(f"user {n}")
        memory.add(pair["old"], rule, NOON)
        noted = memory.add(pair["new"], rule, NOON + DAY)
        assert noted.outcome == "added", pair


def test_compatible_facts_stand_side_by_side(make: Make, rule: ExtractiveReader) -> None:
    for n, pair in enumerate(PAIRS["compatible"]):
        memory = make(f"user {n}")
        memory.add(pair["old"], rule, NOON)
        noted = memory.add(pair["new"], rule, NOON + DAY)
        assert (noted.outcome, noted.closed) == ("added", ()), pair
        assert all(fact.invalid_at is None for fact in memory.store.facts())


@pytest.mark.parametrize("again", ["I live in Rome.", "i live in Rome", "I am living in Rome."])
def test_said_again_it_is_stronger(memory: LongTermMemory, rule: ExtractiveReader, again: str) -> None:
    first = memory.add("I live in Rome.", rule, NOON).fact
    noted = memory.add(again, rule, NOON + DAY)
    assert (noted.outcome, noted.fact) == ("strengthened", replace(first, strength=2))
    assert memory.store.facts() == [noted.fact]


@pytest.mark.parametrize(
    "other", ["I live in Turin.", "I do not live in Rome.", "I lived in Rome in 1999.", "I work in Rome."]
)
def test_another_name_number_or_denial_is_no_repetition(memory: LongTermMemory, other: str) -> None:
    agreeable = Told(relations={"I live in Rome.": "same"})  # a reader that is wrong
    memory.add("I live in Rome.", agreeable, NOON)
    assert memory.add(other, agreeable, NOON + DAY).outcome == "added"


def test_the_same_turn_twice_is_one_fact(memory: LongTermMemory, rule: ExtractiveReader) -> None:
    (first,) = say(memory, "Remember that I live in Rome.", rule)
    (again,) = memory.remember("talk", 1, rule)
    assert (again.outcome, again.fact) == ("known", first.fact)
    assert memory.remember("talk", 9, rule) == ()


def test_what_was_said_earlier_but_remembered_later_does_not_end_what_holds(
    memory: LongTermMemory, rule: ExtractiveReader
) -> None:
    (now,) = say(memory, "Remember that I live in Turin.", rule, NOON)
    (before,) = say(memory, "Remember that I live in Rome.", rule, NOON - 9 * DAY, thread="older")
    assert (before.fact.invalid_at, before.fact.replaced_by) == (NOON, now.fact.id)
    assert memory.store.fact(now.fact.id).invalid_at is None


def test_a_correction_about_the_past_closes_when_it_is_said(memory: LongTermMemory) -> None:
    reader = Told(
        Draft("I have lived in Paris since 2019", "I have lived in Paris since 2019", since=2019),
        relations={"I live in Rome.": "contradicts"},
    )
    old = memory.add("I live in Rome.", reader, NOON).fact
    (new,) = say(memory, "I have lived in Paris since 2019.", reader, NOON + DAY)
    assert new.closed == (old.id,)
    assert memory.store.fact(old.id).invalid_at == NOON + DAY
    assert new.fact.valid_from.year == 2019


def test_revising_closes_and_links(memory: LongTermMemory, rule: ExtractiveReader) -> None:
    old = memory.add("My locker code is 4471.", rule, NOON).fact
    new = memory.revise(old.id, "My locker code is 9902", rule, NOON + DAY).fact
    assert (new.text, new.thread, new.ordinal) == ("My locker code is 9902.", "notes", 2)
    was = memory.store.fact(old.id)
    assert (was.invalid_at, was.replaced_by) == (NOON + DAY, new.id)
    with pytest.raises(FactStateError, match="closed already"):
        memory.revise(old.id, "My locker code is 1.", rule, NOON + DAY)
    with pytest.raises(UnknownFactError, match="nofact"):
        memory.revise("nofact", "My locker code is 1.", rule, NOON)
    before = counts(memory.store.engine)
    with pytest.raises(FactStateError, match="nothing to remember"):
        memory.revise(new.id, " ... ", rule, NOON)
    assert counts(memory.store.engine) == before


def test_a_revision_closes_what_else_it_contradicts(memory: LongTermMemory, rule: ExtractiveReader) -> None:
    cat = memory.add("My cat is called Tom.", rule, NOON).fact
    home = memory.add("I live in Rome.", rule, NOON).fact
    noted = memory.revise(cat.id, "I live in Turin.", rule, NOON + DAY)
    assert (noted.outcome, set(noted.closed)) == ("added", {cat.id, home.id})
    assert [fact.text for fact in memory.store.facts() if fact.invalid_at is None] == ["I live in Turin."]


def test_a_revision_to_what_is_known_makes_that_stronger(
    memory: LongTermMemory, rule: ExtractiveReader
) -> None:
    cat = memory.add("My cat is called Tom.", rule, NOON).fact
    home = memory.add("I live in Rome.", rule, NOON).fact
    noted = memory.revise(cat.id, "I live in Rome", rule, NOON + DAY)
    assert (noted.outcome, noted.closed) == ("strengthened", (cat.id,))
    assert (noted.fact.id, noted.fact.strength) == (home.id, 2)
    assert memory.store.fact(cat.id).replaced_by == home.id


def test_a_revision_says_something_else(memory: LongTermMemory, rule: ExtractiveReader) -> None:
    home = memory.add("I live in Rome.", rule, NOON).fact
    before = counts(memory.store.engine)
    with pytest.raises(FactStateError, match="says that already"):
        memory.revise(home.id, "i live in Rome!", rule, NOON + DAY)
    assert (memory.store.facts(), counts(memory.store.engine)) == ([home], before)


def test_a_yes_to_what_is_known_makes_that_stronger(memory: LongTermMemory, rule: ExtractiveReader) -> None:
    (waiting,) = say(memory, "Remember that I have a cat, I think.", rule)
    cat = memory.add("I have a cat.", rule, NOON).fact
    assert waiting.fact.id != cat.id
    noted = memory.confirm(waiting.fact.id, rule, NOON + DAY)
    assert (noted.outcome, noted.fact.id, noted.fact.strength) == ("strengthened", cat.id, 2)
    assert memory.store.facts() == [noted.fact]


def test_a_yes_takes_the_doubt_away_and_ends_what_it_contradicts(
    memory: LongTermMemory, rule: ExtractiveReader
) -> None:
    (waiting,) = say(memory, "Remember that I probably live in Oslo.", rule)
    home = memory.add("I live in Bonn.", rule, NOON + DAY).fact
    noted = memory.confirm(waiting.fact.id, rule, NOON + 2 * DAY)
    assert (noted.fact.text, noted.fact.state, noted.closed) == ("I live in Oslo.", "kept", (home.id,))
    assert memory.store.fact(home.id).invalid_at == NOON + 2 * DAY
    row = memory.index.row("I live in Oslo.")
    ((fact, score),) = [
        (each.fact, each.score) for each in memory.scored("I live in Oslo.", row, NOON + 3 * DAY, 1)
    ]
    assert fact == noted.fact
    assert score > 1  # the embedding is that of the new words


def test_every_question_finds_its_fact_and_others_find_none(
    memory: LongTermMemory, rule: ExtractiveReader
) -> None:
    for pair in PAIRS["questions"]:
        memory.add(pair["fact"], Told(), NOON)
    found = {}
    for pair in PAIRS["questions"]:
        question = pair["question"]
        found[question] = texts(memory.recall(question, memory.index.row(question), NOON, 3))
    assert all(pair["fact"] in found[pair["question"]] for pair in PAIRS["questions"])
    needless = [
        each
        for each in PAIRS["other_questions"]  # type: ignore[attr-defined]
        if memory.recall(each, memory.index.row(each), NOON, 3)
    ]
    assert needless == []


def test_users_share_nothing(make: Make, rule: ExtractiveReader) -> None:
    mine, theirs = make("me"), make("anna")
    mine.add("I live in Rome.", rule, NOON)
    noted = theirs.add("I live in Turin.", rule, NOON + DAY)
    assert noted.closed == ()
    row = mine.index.row("Where do I live?")
    assert texts(mine.recall("Where do I live?", row, NOON + DAY, 9)) == ["I live in Rome."]
    assert texts(theirs.recall("Where do I live?", row, NOON + DAY, 9)) == ["I live in Turin."]


def test_two_memories_of_one_user_see_each_other_s_changes(make: Make, rule: ExtractiveReader) -> None:
    one, other = make(), make()
    fact = one.add("I live in Rome.", rule, NOON).fact
    row = one.index.row("Where do I live?")
    assert texts(other.recall("Where do I live?", row, NOON, 9)) == ["I live in Rome."]
    other.add("I live in Turin.", rule, NOON + DAY)
    assert one.recall("Where do I live?", row, NOON, 9)[0].id == fact.id
    assert texts(one.recall("Where do I live?", row, NOON + DAY, 9)) == ["I live in Turin."]
    ThreadStore(one.store.engine).remove("notes")
    assert other.recall("Where do I live?", row, NOON, 9) == []


def test_missing_embeddings_are_made_again(
    memory: LongTermMemory, make: Make, rule: ExtractiveReader
) -> None:
    memory.add("I live in Rome.", rule, NOON)
    with memory.store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM fact_vectors")
    fresh = make()
    row = fresh.index.row("Where do I live?")
    assert texts(fresh.recall("Where do I live?", row, NOON, 9)) == ["I live in Rome."]
    assert counts(memory.store.engine)["fact_vectors"] == 1


def test_duplicates_and_stale_facts(memory: LongTermMemory, rule: ExtractiveReader) -> None:
    blind = Told()
    one = memory.add("My dog is called Rex.", blind, NOON).fact
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("memory.fact_relations.SAME", 2.0)  # as if it had not been noticed
        other = memory.add("My dog's name is Rex.", blind, NOON + DAY).fact
    memory.add("I play chess.", blind, NOON)
    memory.add("I play chess.", blind, NOON)
    assert memory.duplicates() == [(one, other)]
    assert memory.stale(NOON + 30 * DAY, 30) == [one]
    assert memory.stale(NOON + 31 * DAY, 30) == [one, other]


def test_writers_at_once_add_one_fact(make: Make, rule: ExtractiveReader) -> None:
    memories = [make() for _ in range(4)]
    writers = [threading.Thread(target=each.add, args=("I live in Rome.", rule, NOON)) for each in memories]
    for each in writers:
        each.start()
    for each in writers:
        each.join(60)
    (fact,) = memories[0].store.facts()
    assert fact.strength == 4

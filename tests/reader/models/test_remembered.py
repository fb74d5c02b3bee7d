import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from sqlalchemy import Engine

from memory.completions import CompletionStore
from memory.database import open_database
from memory.errors import DatabaseError
from memory.usage import UsageStore
from reader.chat import Cancellation, ChatModel, Completion, Finish, Message, OnToken, Request
from reader.errors import ModelError
from reader.models.kept import content_address
from reader.models.remembered import ModelCall, RememberedModel

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}


def ask(text: str, **options: Any) -> Request:
    return Request((Message("user", text),), **options)


@dataclass
class Echo:
    """Replies with the question and how often it was asked anything; fails where it is told to."""

    finish: Finish = Finish.STOP
    fails: frozenset[str] = frozenset()
    fingerprint: str = "echo@1"
    asked: list[str] = field(default_factory=list)
    batches: list[list[str]] = field(default_factory=list)
    closed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    name = "echo"
    window = 512
    parameters = 0.25
    concurrency = 4

    def count_tokens(self, text: str) -> int:
        return len(text)

    def prompt_tokens(self, messages: Sequence[Message]) -> int:
        return sum(len(each.content) for each in messages)

    def complete(
        self, request: Request, on_token: OnToken | None = None, cancellation: Cancellation | None = None
    ) -> Completion:
        text = request.messages[-1].content
        if text in self.fails:
            raise ModelError(f"Fails at {text}.")
        with self.lock:
            self.asked.append(text)
            reply = f"{text} {len(self.asked)}"
        if on_token is not None:
            for letter in reply:
                on_token(letter)
        cancelled = cancellation is not None and cancellation.cancelled
        finish = Finish.CANCELLED if cancelled else self.finish
        return Completion(reply, finish, len(text), len(reply), 0.5, enforced=request.schema is not None)

    def complete_many(
        self,
        requests: Sequence[Request],
        on_done: Callable[[int, Completion], None] | None = None,
        cancellation: Cancellation | None = None,
    ) -> list[Completion]:
        """Does the last request first, in a thread of its own, and tells only of what was not cancelled."""
        self.batches.append([request.messages[-1].content for request in requests])
        done: dict[int, Completion] = {}
        errors: list[ModelError] = []

        def work() -> None:
            for n in reversed(range(len(requests))):
                try:
                    done[n] = self.complete(requests[n], None, cancellation)
                except ModelError as error:
                    errors.append(error)
                    continue
                if on_done is not None and done[n].finish is not Finish.CANCELLED:
                    on_done(n, done[n])

        worker = threading.Thread(target=work)
        worker.start()
        worker.join()
        if errors:
            raise errors[0]
        return [done[n] for n in range(len(requests))]

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_database(f"sqlite:///{tmp_path}/clew.sqlite")
    yield opened
    opened.dispose()


@pytest.fixture
def store(engine: Engine) -> CompletionStore:
    return CompletionStore(engine, 1_000_000)


@pytest.fixture
def calls() -> list[ModelCall]:
    return []


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def model(echo: Echo, store: CompletionStore, calls: list[ModelCall]) -> RememberedModel:
    return RememberedModel(echo, store, calls.append)


def test_the_second_reply_is_the_first_one_in_one_piece(
    model: RememberedModel, echo: Echo, calls: list[ModelCall]
) -> None:
    first, second = [], []
    assert model.complete(ask("hi"), first.append) == Completion("hi 1", Finish.STOP, 2, 4, 0.5)
    found = model.complete(ask("hi"), second.append)
    assert found == Completion("hi 1", Finish.STOP, 2, 4, 0.0, cached=True)
    assert first == ["h", "i", " ", "1"]
    assert second == ["hi 1"]
    assert echo.asked == ["hi"]
    assert [(call.seconds, call.cached) for call in calls] == [(0.5, False), (0.0, True)]


def test_it_is_found_by_another_engine_of_the_same_file(engine: Engine, echo: Echo, tmp_path: Path) -> None:
    RememberedModel(echo, CompletionStore(engine, 100_000), lambda call: None).complete(ask("hi"))
    other = open_database(f"sqlite:///{tmp_path}/clew.sqlite")
    again = RememberedModel(Echo(), CompletionStore(other, 100_000), lambda call: None)
    assert again.complete(ask("hi")).cached
    other.dispose()


def test_whether_the_schema_was_enforced_is_kept(model: RememberedModel) -> None:
    for request, enforced in ((ask("a", schema=SCHEMA), True), (ask("a"), False)):
        assert [model.complete(request).enforced for _ in range(2)] == [enforced, enforced]


def test_the_view_for_a_task_and_a_run_records_them(
    model: RememberedModel, calls: list[ModelCall], engine: Engine
) -> None:
    model.complete(ask("a"))
    view = model.for_run("run-1")
    view.for_task("select").complete(ask("a"))
    view.for_task("answer").complete(ask("b"))
    view.for_task("answer").for_run(None).complete_many([ask("c")])
    assert [(call.task, call.run, call.cached) for call in calls] == [
        ("", None, False),
        ("select", "run-1", True),
        ("answer", "run-1", False),
        ("answer", None, False),
    ]
    assert calls[2] == ModelCall("answer", "echo", 1, 3, 0.5, False, "run-1")
    usage = UsageStore(engine)
    usage.record(calls[2])
    assert usage.of_run("run-1")[0].completion_tokens == 3


def test_an_empty_reply_is_kept_and_tells_nothing(store: CompletionStore) -> None:
    class Silent(Echo):
        def complete(self, request: Request, *rest: Any) -> Completion:
            return replace(super().complete(request), text="")

    inner, told = Silent(), []
    model = RememberedModel(inner, store, lambda call: None)
    assert [model.complete(ask("a"), told.append).text for _ in range(2)] == ["", ""]
    assert inner.asked == ["a"]
    assert told == []


def test_a_reply_cut_at_the_token_cap_is_kept_as_that(store: CompletionStore) -> None:
    model = RememberedModel(Echo(finish=Finish.LENGTH), store, lambda call: None)
    model.complete(ask("a"))
    found = model.complete(ask("a"))
    assert (found.finish, found.cached) == (Finish.LENGTH, True)


def test_a_cancelled_reply_is_recorded_and_not_kept(
    model: RememberedModel, echo: Echo, calls: list[ModelCall]
) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    assert model.complete(ask("a"), None, cancellation).finish is Finish.CANCELLED
    many = model.complete_many([ask("a"), ask("b")], None, cancellation)
    assert [each.finish for each in many] == [Finish.CANCELLED] * 2
    assert [call.cached for call in calls] == [False] * 3
    assert not model.complete(ask("a")).cached
    # What is kept by now is no reply to whoever has cancelled.
    assert model.complete(ask("a"), None, cancellation).finish is Finish.CANCELLED
    assert model.complete_many([ask("a")], None, cancellation)[0].finish is Finish.CANCELLED


def test_an_error_is_neither_kept_nor_recorded(store: CompletionStore, calls: list[ModelCall]) -> None:
    echo = Echo(fails=frozenset({"a"}))
    model = RememberedModel(echo, store, calls.append)
    with pytest.raises(ModelError, match=r"Fails at a\."):
        model.complete(ask("a"))
    assert calls == []
    echo.fails = frozenset()
    assert not model.complete(ask("a")).cached


def test_what_depends_on_chance_is_asked_every_time(model: RememberedModel, echo: Echo) -> None:
    for _ in range(2):
        assert not model.complete(ask("a", temperature=0.5)).cached
    assert [each.cached for each in model.complete_many([ask("a", temperature=0.5)] * 2)] == [False, False]
    assert echo.asked == ["a"] * 4
    assert [model.complete(ask("a", temperature=0.5, seed=1)).cached for _ in range(2)] == [False, True]


def test_without_a_cache_calls_are_recorded_all_the_same(echo: Echo, calls: list[ModelCall]) -> None:
    model = RememberedModel(echo, None, calls.append)
    assert [model.complete(ask("a")).text for _ in range(2)] == ["a 1", "a 2"]
    assert [each.cached for each in model.complete_many([ask("a"), ask("b")])] == [False, False]
    assert len(calls) == 4


def test_many_asks_only_what_is_not_kept_and_equal_ones_once(
    model: RememberedModel, echo: Echo, calls: list[ModelCall]
) -> None:
    model.complete(ask("kept"))
    calls.clear()
    told: list[tuple[int, str, bool]] = []
    found = model.complete_many(
        [ask(text) for text in ("x", "kept", "y", "x", "kept", "x")],
        lambda n, completion: told.append((n, completion.text, completion.cached)),
    )
    assert echo.batches == [["x", "y"]]
    # y is done before x; "kept 1" was the first reply of all.
    assert [each.text for each in found] == ["x 3", "kept 1", "y 2", "x 3", "kept 1", "x 3"]
    assert [each.cached for each in found] == [False, True, False, True, True, True]
    assert [each.seconds for each in found] == [0.5, 0, 0.5, 0, 0, 0]
    assert told == [
        (1, "kept 1", True),
        (4, "kept 1", True),
        (2, "y 2", False),
        (0, "x 3", False),
        (3, "x 3", True),
        (5, "x 3", True),
    ]
    assert [call.cached for call in calls] == [cached for _, _, cached in told]


def test_many_of_which_all_are_kept_asks_nobody(model: RememberedModel, echo: Echo) -> None:
    model.complete(ask("a"))
    assert [each.text for each in model.complete_many([ask("a"), ask("a")])] == ["a 1", "a 1"]
    assert model.complete_many([]) == []
    assert echo.batches == []


def test_what_was_done_before_another_failed_is_kept(store: CompletionStore, calls: list[ModelCall]) -> None:
    echo = Echo(fails=frozenset({"b"}))
    model = RememberedModel(echo, store, calls.append)
    told: list[int] = []
    with pytest.raises(ModelError, match=r"Fails at b\."):
        model.complete_many([ask(text) for text in "abc"], lambda n, completion: told.append(n))
    assert told == [2, 0]
    assert len(calls) == 2
    echo.fails = frozenset()
    found = model.complete_many([ask(text) for text in "abc"])
    assert [each.cached for each in found] == [True, False, True]
    assert echo.batches[-1] == ["b"]


def test_each_of_many_is_kept_before_it_is_told(model: RememberedModel, store: CompletionStore) -> None:
    found: list[bool] = []

    def look(n: int, completion: Completion) -> None:
        address = content_address("echo@1", ask("abc"[n]))
        assert address is not None
        found.append(store.get(address) is not None)

    model.complete_many([ask(text) for text in "abc"], look)
    assert found == [True] * 3


def test_a_database_that_fails_stays_its_error(model: RememberedModel, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE completions")
    with pytest.raises(DatabaseError):
        model.complete(ask("a"))


def test_many_threads_share_one_model(
    model: RememberedModel, echo: Echo, calls: list[ModelCall], store: CompletionStore
) -> None:
    gate = threading.Barrier(8)
    replies: list[dict[str, str]] = [{} for _ in range(8)]

    def work(worker: int) -> None:
        view = model.for_task(f"task {worker}")
        gate.wait()
        for n in range(10):
            view.complete(ask(str(n)))
        replies[worker] = {str(n): view.complete(ask(str(n))).text for n in range(10)}

    workers = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for each in workers:
        each.start()
    for each in workers:
        each.join(60)
    # Two may ask the same at once; what was kept first is what all find from then on.
    assert all(each == replies[0] and len(each) == 10 for each in replies)
    assert 10 <= len(echo.asked) <= 80
    assert len(calls) == 160
    assert {sum(call.task == f"task {n}" for call in calls) for n in range(8)} == {20}


def test_all_else_is_the_models_own(model: RememberedModel, echo: Echo) -> None:
    view: ChatModel = model.for_task("answer").for_run("run-1")
    assert (view.name, view.fingerprint, view.window) == ("echo", "echo@1", 512)
    assert (view.parameters, view.concurrency) == (0.25, 4)
    assert view.count_tokens("four") == 4
    assert view.prompt_tokens([Message("system", "ab"), Message("user", "c")]) == 3
    view.close()
    assert echo.closed == 1


def test_the_address_names_all_that_a_reply_depends_on() -> None:
    base = ask("a", max_tokens=5, temperature=0.0, seed=1, schema=SCHEMA)
    different = [
        replace(base, messages=(Message("user", "b"),)),
        replace(base, messages=(Message("system", "a"), Message("user", "a"))),
        replace(base, messages=(Message("assistant", "a"), Message("user", "a"))),
        replace(base, max_tokens=6),
        replace(base, temperature=0.5),
        replace(base, seed=2),
        replace(base, seed=None),
        replace(base, schema=None),
        # Enforced replies have the properties in the order of the schema.
        replace(base, schema=SCHEMA | {"properties": dict(reversed(SCHEMA["properties"].items()))}),
    ]
    addresses = [content_address("m", each) for each in (base, *different)]
    addresses.append(content_address("n", base))
    assert len(set(addresses)) == len(addresses)
    assert all(address is not None and len(address) == 16 for address in addresses)


def test_the_address_of_equal_requests_is_equal() -> None:
    base = ask("a\ud83d", schema={"anyOf": [SCHEMA]})
    equal = replace(base, temperature=0, schema=MappingProxyType({"anyOf": [MappingProxyType(SCHEMA)]}))
    assert content_address("m", base) == content_address("m", equal)
    assert content_address("m", ask("a", temperature=0.1)) is None


def test_the_address_does_not_change_between_versions() -> None:
    # blake2b-16 of '[1,"m",[["user","\\u00e4"]],512,0.0,null,null]', taken with b2sum.
    address = content_address("m", ask("ä"))
    assert address is not None
    assert address.hex() == "dcc72732769cecd4c2bc78444a3cfdc0"

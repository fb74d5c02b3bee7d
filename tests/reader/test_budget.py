"""A budget is looked at before it is spent."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reader.budget import Budget, BudgetedModel
from reader.chat import Cancellation, Completion, Finish, Message, Request
from reader.errors import BudgetError, ScriptError, StoppedError
from reader.models.scripted import Cue, ScriptedModel


def asked(text: str, max_tokens: int = 10) -> Request:
    return Request((Message("user", text),), max_tokens)


def talker(reply: str = "okay") -> ScriptedModel:
    return ScriptedModel([Cue(reply=reply, times=0)])


def test_calls_are_counted_and_refused_before_they_are_made() -> None:
    inner = talker()
    model = BudgetedModel(inner, Budget(calls=2, tokens=1_000))
    assert [model.complete(asked("q")).text for _ in range(2)] == ["okay", "okay"]
    with pytest.raises(BudgetError, match="2 model calls"):
        model.complete(asked("q"))
    assert len(inner.requests) == 2


def test_tokens_of_prompts_and_replies_are_counted() -> None:
    inner = talker("12345678")  # 2 tokens; a prompt of 4 characters has 1 + 1
    budget = Budget(calls=10, tokens=12)
    model = BudgetedModel(inner, budget)
    model.complete(asked("1234", max_tokens=5))
    assert (budget.calls, budget.tokens) == (1, 4)
    model.complete(asked("1234", max_tokens=2))
    assert budget.tokens == 8
    with pytest.raises(BudgetError, match="12 tokens"):
        model.complete(asked("1234", max_tokens=3))  # the reply might be one token too long
    assert len(inner.requests) == 2
    model.complete(asked("1234", max_tokens=2))  # fits exactly
    assert budget.tokens == 12


def test_calls_can_be_left_to_others() -> None:
    inner, budget = talker(), Budget(calls=2, tokens=1_000)
    sparing = BudgetedModel(inner, budget, keep=1)
    sparing.complete(asked("q"))
    with pytest.raises(BudgetError, match="2 model calls"):
        sparing.complete(asked("q"))
    BudgetedModel(inner, budget).complete(asked("q"))
    assert len(inner.requests) == 2


def test_cached_replies_cost_a_call_but_no_tokens() -> None:
    budget = Budget(calls=2, tokens=100)
    budget.reserve(5)
    budget.add(Completion("x", Finish.STOP, 5, 5, 0.0, cached=True))
    assert (budget.calls, budget.tokens) == (1, 0)


def test_what_was_spent_before_an_interruption_counts() -> None:
    budget = Budget(calls=3, tokens=100, spent_calls=2, spent_tokens=95)
    with pytest.raises(BudgetError, match="tokens"):
        budget.reserve(6)
    budget.reserve(5)
    with pytest.raises(BudgetError, match="calls"):
        budget.reserve(0)


def test_time_that_has_run_out_refuses_the_call() -> None:
    inner = talker()
    with pytest.raises(BudgetError, match="time"):
        BudgetedModel(inner, Budget(5, 100, Cancellation(0.0))).complete(asked("q"))
    assert inner.requests == []


def test_time_that_runs_out_within_the_call_is_an_error() -> None:
    inner = ScriptedModel([Cue(reply="late")], seconds=20)
    budget = Budget(5, 100, Cancellation(0.05))
    with pytest.raises(BudgetError, match="time"):
        BudgetedModel(inner, budget).complete(asked("q"))
    assert (budget.calls, budget.tokens) == (1, 2)  # the prompt was read


def test_stopping_by_hand_before_and_within_a_call() -> None:
    stop = Cancellation()
    inner = talker("a" * 40)
    model = BudgetedModel(inner, Budget(5, 100, stop))
    with pytest.raises(StoppedError):
        model.complete(asked("q"), lambda _: stop.cancel())
    with pytest.raises(StoppedError):
        model.complete(asked("q"))
    assert len(inner.requests) == 1


def test_another_cancellation_of_one_call_stops_that_call() -> None:
    stop = Cancellation()
    stop.cancel()
    model = BudgetedModel(talker(), Budget(5, 100))
    with pytest.raises(StoppedError):
        model.complete(asked("q"), None, stop)
    assert model.complete(asked("q")).text == "okay"


def test_stopped_by_hand_counts_more_than_out_of_time() -> None:
    stop = Cancellation(0.0)
    stop.cancel()
    with pytest.raises(StoppedError):
        Budget(5, 100, stop).reserve(1)


def test_many_calls_are_refused_together() -> None:
    for budget in (Budget(calls=2, tokens=1_000), Budget(calls=9, tokens=35)):  # 3 of 2 + 10
        inner = talker()
        with pytest.raises(BudgetError):
            BudgetedModel(inner, budget).complete_many([asked("1234")] * 3)
        assert inner.requests == []
        assert budget.calls == 0
    inner, budget = talker(), Budget(calls=3, tokens=36)
    told: list[int] = []
    done = BudgetedModel(inner, budget).complete_many([asked("1234")] * 3, lambda n, _: told.append(n))
    assert [each.text for each in done] == ["okay"] * 3
    assert (told, budget.calls, budget.tokens) == ([0, 1, 2], 3, 9)


def test_many_calls_of_which_one_fails_have_cost_the_others() -> None:
    inner = ScriptedModel([Cue(expects=("good",), reply="1234", times=0)])
    budget = Budget(9, 100)
    with pytest.raises(ScriptError):
        BudgetedModel(inner, budget).complete_many([asked("good"), asked("bad"), asked("good")])
    assert (budget.calls, budget.tokens) == (3, 6)


def test_many_calls_cut_short_are_an_error() -> None:
    stop = Cancellation()
    model = BudgetedModel(talker(), Budget(9, 100, stop))
    with pytest.raises(StoppedError):
        model.complete_many([asked("a"), asked("b")], lambda n, _: stop.cancel())


def test_it_is_the_model_in_all_else() -> None:
    inner = ScriptedModel([], window=77, name="n", parameters=3.0)
    model = BudgetedModel(inner, Budget(1, 1))
    assert (model.name, model.window, model.parameters, model.concurrency) == ("n", 77, 3.0, 8)
    assert model.fingerprint == inner.fingerprint
    assert (model.count_tokens("12345"), model.prompt_tokens([Message("user", "1")])) == (2, 2)


def test_threads_share_one_budget() -> None:
    inner, refused = talker(), list[BudgetError]()
    model = BudgetedModel(inner, Budget(calls=25, tokens=10_000))

    def work() -> None:
        for _ in range(10):
            try:
                model.complete(asked("q"))
            except BudgetError as error:
                refused.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(inner.requests), len(refused)) == (25, 15)


@given(st.lists(st.integers(0, 60), max_size=15), st.integers(0, 60), st.integers(0, 8))
def test_no_prompt_goes_beyond_the_budget(lengths: list[int], tokens: int, calls: int) -> None:
    inner, budget = talker("123456"), Budget(calls, tokens)
    model = BudgetedModel(inner, budget)
    for length in lengths:
        spent, made = budget.tokens, len(inner.requests)
        request = asked("x" * length)
        allowed = made < calls and spent + inner.prompt_tokens(request.messages) + 10 <= tokens
        try:
            model.complete(request)
        except BudgetError:
            assert not allowed
            assert len(inner.requests) == made
        else:
            assert allowed
            assert budget.tokens == spent + 1 + -(-length // 4) + 2


def test_a_completion_that_is_whole_passes() -> None:
    whole = Completion("x", Finish.LENGTH, 1, 1, 0.0)
    Budget(1, 1).check(whole)
    with pytest.raises(StoppedError):
        Budget(1, 1).check(replace(whole, finish=Finish.CANCELLED))

import pytest

from reader.chat import Cancellation, Message, Request
from reader.errors import StoppedError
from reader.models.scripted import ScriptedModel
from reader.stopping import StoppableModel

REQUEST = Request((Message("user", "Who painted the boat?"),))


def test_it_replies_like_the_model() -> None:
    model = StoppableModel(ScriptedModel(lambda request: "Corrie."), Cancellation())
    assert model.complete(REQUEST).text == "Corrie."
    assert [each.text for each in model.complete_many([REQUEST, REQUEST])] == ["Corrie.", "Corrie."]


def test_it_does_not_ask_once_it_is_stopped() -> None:
    asked, cancellation = ScriptedModel(lambda request: "Corrie."), Cancellation()
    model = StoppableModel(asked, cancellation)
    cancellation.cancel()
    with pytest.raises(StoppedError):
        model.complete(REQUEST)
    with pytest.raises(StoppedError):
        model.complete_many([REQUEST])
    assert asked.requests == []


def test_a_reply_that_was_cut_short_is_no_reply() -> None:
    cancellation = Cancellation()

    def reply(request: Request) -> str:
        cancellation.cancel()
        return "Corrie painted it, and then"

    with pytest.raises(StoppedError):
        StoppableModel(ScriptedModel(reply), cancellation).complete(REQUEST)


def test_another_cancellation_counts_in_its_place() -> None:
    stopped = Cancellation()
    stopped.cancel()
    model = StoppableModel(ScriptedModel(lambda request: "Corrie."), Cancellation())
    with pytest.raises(StoppedError):
        model.complete(REQUEST, cancellation=stopped)

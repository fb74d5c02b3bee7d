"""Each family of models with its own config class and tiny random weights, saved and loaded."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reader.chat import Cancellation, Finish, Message, Request
from reader.models.local import TransformersModel
from tests.tiny_models import FAMILIES, WINDOW, save_model, tiny_config

QUESTIONS = (
    "Who keeps the light?",
    "Who keeps the boat?",
    "What did she write in the second book, and why? " * 3,
    "When?",
    "Where is the surveyor now, and with whom did she speak by the river?",
)
# Rows of these are answered together only if their prompts are equally long.
RECURRENT = {"mamba", "mamba2", "falcon_h1", "recurrent_gemma", "xlstm", "jamba", "zamba2"}
SAYS_NO_WINDOW = {"mamba", "mamba2", "recurrent_gemma", "xlstm"}
CHOICES = {"enum": ["search", "walk", "whole"]}
REPLY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "ids": {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 9}, "maxItems": 3},
        "why": {"type": "string", "maxLength": 12},
    },
    "required": ["ids", "why"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def family(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def model(family: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TransformersModel]:
    folder = tmp_path_factory.mktemp("families") / family
    save_model(tiny_config(family), folder)
    loaded = TransformersModel.load(str(folder), device="cpu", batching="padded")
    yield loaded
    loaded.close()


def asked(question: str, **options: Any) -> Request:
    return Request(
        (Message("system", "Be brief."), Message("user", question)), **{"max_tokens": 16, **options}
    )


def test_replies_depend_on_the_question_and_a_batch_changes_none(model: TransformersModel) -> None:
    requests = [asked(question) for question in QUESTIONS]
    lengths = [model.prompt_tokens(request.messages) for request in requests]
    assert len(set(lengths)) < len(lengths), "some are equally long, some are not"
    singles = [model.complete(request) for request in requests]
    assert len({single.text for single in singles}) >= 3, "a model that says the same to all proves nothing"
    together = model.complete_many(requests)
    assert [each.text for each in together] == [each.text for each in singles]
    assert [each.prompt_tokens for each in together] == lengths
    assert {each.completion_tokens for each in together} == {16}


def test_choosing_and_replying_by_schema(model: TransformersModel) -> None:
    chosen = model.complete(asked(QUESTIONS[0], schema=CHOICES))
    assert json.loads(chosen.text) in CHOICES["enum"]
    assert (chosen.enforced, chosen.finish) == (True, Finish.STOP)
    replied = model.complete(asked(QUESTIONS[1], schema=REPLY, max_tokens=200))
    value = json.loads(replied.text)
    assert set(value) == {"ids", "why"}
    assert all(1 <= each <= 9 for each in value["ids"])
    # In one batch, each row keeps to its own schema or to none.
    requests = [
        asked(QUESTIONS[0], schema=CHOICES),
        asked(QUESTIONS[1], schema=REPLY, max_tokens=200),
        asked(QUESTIONS[0]),
    ]
    mixed = model.complete_many(requests)
    assert [each.text for each in mixed[:2]] == [chosen.text, replied.text]
    assert [each.enforced for each in mixed] == [True, True, False]


def test_a_stream_is_the_reply(model: TransformersModel) -> None:
    pieces: list[str | None] = []
    reply = model.complete(asked(QUESTIONS[2]), on_token=pieces.append)
    assert len(pieces) > 3
    assert "".join(piece or "" for piece in pieces).strip() == reply.text


def test_cancelled_between_two_tokens(model: TransformersModel) -> None:
    cancellation = Cancellation()
    pieces: list[str | None] = []

    def stop_at_the_third(piece: str | None) -> None:
        pieces.append(piece)
        if len(pieces) == 3:
            cancellation.cancel()

    reply = model.complete(asked(QUESTIONS[0], max_tokens=400), stop_at_the_third, cancellation)
    assert reply.finish is Finish.CANCELLED
    assert 3 <= reply.completion_tokens < 20
    assert reply.text == "".join(piece or "" for piece in pieces).strip()


def test_running_continuously_changes_nothing(model: TransformersModel, family: str) -> None:
    requests = [asked(question) for question in QUESTIONS] + [
        asked(QUESTIONS[0], schema=CHOICES),
        asked(QUESTIONS[1], temperature=1.0, seed=3),
    ]
    expected = [each.text for each in model.complete_many(requests)]
    running = TransformersModel.load(model.name, device="cpu", batching="continuous")
    assert running.batching == ("padded" if family in RECURRENT else "continuous")
    for _ in range(2):
        assert [each.text for each in running.complete_many(requests)] == expected
    assert running.batching == ("padded" if family in RECURRENT else "continuous")
    running.close()


def test_windows(model: TransformersModel, family: str) -> None:
    assert model.window == (8192 if family in SAYS_NO_WINDOW else WINDOW)


def test_recurrent_models_read_no_padding(model: TransformersModel, family: str) -> None:
    """What the batches of such models look like: by watching what reaches the embedding."""
    masks: list[Any] = []
    inside = model._padded._model
    watch = inside.get_input_embeddings().register_forward_hook(
        lambda module, inputs, output: masks.append((inputs[0] == model._padded._pad).any().item())
    )
    model.complete_many([asked(question, max_tokens=2) for question in QUESTIONS])
    watch.remove()
    assert any(masks) is (family not in RECURRENT)


def test_all_families_are_here() -> None:
    assert sorted(FAMILIES) == sorted(
        {
            *("llama", "qwen3", "mistral", "gemma3", "phi3", "gpt_oss"),
            *RECURRENT,
        }
    )


def test_a_folder_without_weights_is_named(tmp_path: Path) -> None:
    from reader.errors import ModelLoadError

    tiny_config("llama").save_pretrained(tmp_path)
    with pytest.raises(ModelLoadError, match=r"^The model .* cannot be loaded: [^\n]+\.$"):
        TransformersModel.load(str(tmp_path), device="cpu")

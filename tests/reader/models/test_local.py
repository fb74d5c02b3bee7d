import gc
import json
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from reader.chat import Cancellation, ChatModel, Completion, Finish, Message, Request
from reader.errors import ModelError, ModelLoadError, ModelMemoryError, ModelNotFoundError, WindowError
from reader.models.loading import choose_device, choose_format
from reader.models.local import Batching, TransformersModel
from tests.tiny_models import WINDOW, tiny_llama

NOVELLA = (Path(__file__).parents[3] / "data" / "novella.txt").read_text(encoding="utf-8")
DOCUMENT = NOVELLA[2000:4000]
QUESTIONS = ("Who?", "What did she write in the second book, and why?", "Where is he now?", "When? " * 12)
BATCHINGS: tuple[Batching, ...] = ("padded", "continuous")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("local") / "tiny-llama")


@pytest.fixture(scope="module", params=BATCHINGS)
def model(request: pytest.FixtureRequest, folder: Path) -> Iterator[TransformersModel]:
    batching: Batching = request.param
    loaded = TransformersModel.load(str(folder), device="cpu", batching=batching)
    assert loaded.batching == batching
    yield loaded
    assert loaded.batching == batching, "it has not fallen back meanwhile"
    loaded.close()


@pytest.fixture
def own(folder: Path) -> Iterator[TransformersModel]:
    """A model of this test alone."""
    loaded = TransformersModel.load(str(folder), device="cpu", batching="padded")
    yield loaded
    loaded.close()


def asked(question: str, **options: Any) -> Request:
    return Request(
        (Message("system", "Be brief."), Message("user", question)), **{"max_tokens": 20, **options}
    )


def about(question: str, **options: Any) -> Request:
    return asked(f"{DOCUMENT}\n\n{question}", **options)


def texts(completions: list[Completion]) -> list[str]:
    return [each.text for each in completions]


def rows_seen(model: TransformersModel) -> list[tuple[int, int]]:
    """Rows and tokens of each step from now on."""
    seen: list[tuple[int, int]] = []
    embedding = model._padded._model.get_input_embeddings()
    embedding.register_forward_hook(lambda module, inputs, output: seen.append(tuple(inputs[0].shape)))
    return seen


def test_it_is_a_chat_model(model: TransformersModel, folder: Path) -> None:
    chat: ChatModel = model
    assert chat.name == str(folder)
    assert chat.window == WINDOW
    assert chat.parameters == pytest.approx(0.000228, rel=0.01)
    assert chat.concurrency >= 8
    assert chat.fingerprint.startswith("tiny-llama@")
    assert chat.prompt_tokens(asked("Who?").messages) > chat.count_tokens("Who?") > 0


@pytest.mark.parametrize("request_of", [asked, about])
def test_a_batch_changes_no_reply(model: TransformersModel, request_of: Callable[..., Request]) -> None:
    requests = [request_of(question, max_tokens=10 + 5 * n) for n, question in enumerate(QUESTIONS)]
    singles = [model.complete(request) for request in requests]
    assert len(set(texts(singles))) == len(QUESTIONS)
    together = model.complete_many(requests)
    assert texts(together) == texts(singles)
    assert [each.completion_tokens for each in together] == [10, 15, 20, 25]
    assert {each.finish for each in together} == {Finish.LENGTH}


def test_the_two_ways_of_batching_say_the_same(folder: Path) -> None:
    replies = []
    for batching in BATCHINGS:
        model = TransformersModel.load(str(folder), device="cpu", batching=batching)
        replies.append(texts(model.complete_many([about(question) for question in QUESTIONS])))
        model.close()
    assert replies[0] == replies[1]


def test_each_is_told_of_once_when_it_is_done(model: TransformersModel) -> None:
    told: list[tuple[int, Completion]] = []
    requests = [
        asked(question, max_tokens=most) for question, most in zip(QUESTIONS, (20, 2, 30, 4), strict=True)
    ]
    completions = model.complete_many(requests, lambda *each: told.append(each))
    assert sorted(position for position, _ in told) == [0, 1, 2, 3]
    assert all(completions[position] == completion for position, completion in told)
    assert told[0][0] == 1
    assert model.complete_many([]) == []


def test_streams_schemas_and_free_text_of_many_threads_at_once(model: TransformersModel) -> None:
    requests = [asked(question) for question in QUESTIONS] + [
        asked(QUESTIONS[0], schema={"enum": ["search", "walk"]}),
        asked(QUESTIONS[1], temperature=1.0, seed=7),
    ]
    alone = [model.complete(request) for request in requests]

    def run(position: int) -> bool:
        pieces: list[str | None] = []
        reply = model.complete(requests[position % 6], pieces.append)
        return reply.text == alone[position % 6].text == "".join(map(str, pieces)).strip()

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(run, range(18)))
    assert json.loads(alone[4].text) in ("search", "walk")


def test_sampling_depends_on_the_seed_and_not_on_the_batch(model: TransformersModel) -> None:
    requests = [asked("Who?", temperature=1.5, seed=seed) for seed in (1, 2, 1)]
    first, second, third = texts(model.complete_many(requests))
    assert first == third != second
    assert model.complete(requests[1]).text == second
    # Hardly any temperature is none, and a high one says many things.
    greedy, cold = asked("Who?"), asked("Who?", temperature=0.01, seed=5)
    assert model.complete(cold).text == model.complete(greedy).text
    beginnings = [asked("Who?", temperature=3.0, seed=seed, max_tokens=1) for seed in range(40)]
    assert len(set(texts(model.complete_many(beginnings)))) > 12
    unseeded = [asked("Who?", temperature=1.5)] * 2
    assert len(set(texts(model.complete_many(unseeded)))) == 2


def test_the_window_is_looked_at_before_anything_runs(model: TransformersModel) -> None:
    prompt = model.prompt_tokens(asked("Who?").messages)
    fits = asked("Who?", max_tokens=2, schema={"enum": ["a"]})
    told: list[int] = []
    with pytest.raises(WindowError, match=r"^The prompt has \d+ tokens and the reply may have \d+") as raised:
        model.complete_many(
            [fits, asked("Who?", max_tokens=WINDOW - prompt + 1)], lambda n, _: told.append(n)
        )
    assert raised.value.window == WINDOW
    assert told == []


def test_the_last_token_of_the_window_can_be_used(folder: Path) -> None:
    model = TransformersModel.load(str(folder), device="cpu", window=64)
    prompt = model.prompt_tokens(asked("Who?").messages)
    assert model.complete(asked("Who?", max_tokens=64 - prompt)).completion_tokens == 64 - prompt
    with pytest.raises(WindowError):
        model.complete(asked("Who?", max_tokens=65 - prompt))
    model.close()


@pytest.mark.parametrize("many", [False, True])
def test_cancelled_by_hand_or_by_time(model: TransformersModel, many: bool) -> None:
    def run(cancellation: Cancellation) -> list[Completion]:
        requests = [asked(question, max_tokens=1500) for question in QUESTIONS]
        if many:
            return model.complete_many(requests, cancellation=cancellation)
        return [model.complete(requests[0], cancellation=cancellation)]

    began = time.monotonic()
    timed = run(Cancellation(seconds=0.3))
    by_hand = Cancellation()
    timer = threading.Timer(0.3, by_hand.cancel)
    timer.start()
    stopped = run(by_hand)
    timer.join()
    assert time.monotonic() - began < 3
    assert {each.finish for each in timed + stopped} == {Finish.CANCELLED}
    assert all(0 < each.completion_tokens < 1500 for each in timed + stopped)
    early = run(by_hand)
    assert [(each.finish, each.completion_tokens) for each in early] == [(Finish.CANCELLED, 0)] * len(early)
    # And it goes on working.
    assert model.complete(asked("Who?")).finish is Finish.LENGTH


def test_waiting_for_another_thread_can_be_cancelled(own: TransformersModel) -> None:
    long, short = Cancellation(), Cancellation(seconds=0.2)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(own.complete, asked("Who?", max_tokens=3500), None, long)
        time.sleep(0.1)
        assert own.complete(asked("Who?"), cancellation=short).finish is Finish.CANCELLED
        assert not running.done()
        long.cancel()
        assert running.result().finish is Finish.CANCELLED


def test_an_error_of_the_caller_is_the_callers(model: TransformersModel) -> None:
    def fails(*_: object) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        model.complete(asked("Who?"), on_token=fails)
    with pytest.raises(KeyError, match="mine"):
        model.complete_many([asked("Who?"), asked("When?")], fails)
    assert model.complete(asked("Who?")).finish is Finish.LENGTH


def test_what_prompts_share_is_computed_once(own: TransformersModel) -> None:
    requests = [about(question) for question in QUESTIONS]
    prompts = [own.prompt_tokens(request.messages) for request in requests]
    own._padded.prefixes._enabled = False
    expected = texts([own.complete(request) for request in requests])
    own._padded.prefixes._enabled = True
    seen = rows_seen(own)
    # From one call to the next: the document, and the reply where it goes on.
    assert texts([own.complete(request) for request in requests]) == expected
    read = sum(rows * tokens for rows, tokens in seen if tokens > 1)
    assert read < prompts[0] + 300 < sum(prompts) / 2
    # Within a batch: one row reads it for all, here none, as it is known from before.
    seen.clear()
    assert texts(own.complete_many(requests)) == expected
    assert sum(rows * tokens for rows, tokens in seen if tokens > 1) < 300
    assert own.prompt_tokens_reused > 4 * 600
    # Another document in between.
    assert own.complete(asked(NOVELLA[6000:7000])).finish is Finish.LENGTH
    seen.clear()
    assert texts(own.complete_many(requests)) == expected
    assert prompts[0] - 50 < sum(rows * tokens for rows, tokens in seen if tokens > 1) < prompts[0] + 300


def test_running_continuously_what_prompts_share_is_computed_once_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One step could read all prompts at once, as on a GPU.
    monkeypatch.setattr("reader.models.continuous._CPU_STEP", WINDOW)
    model = TransformersModel.load(str(folder), device="cpu", batching="continuous")
    requests = [about(question) for question in QUESTIONS]
    prompt = model.prompt_tokens(requests[0].messages)
    seen = rows_seen(model)
    model.complete_many(requests)
    assert prompt < sum(rows * tokens for rows, tokens in seen) < 2 * prompt
    assert model.batching == "continuous"
    model.close()


def test_rows_that_are_done_leave_the_batch(own: TransformersModel) -> None:
    requests = [
        asked(question, max_tokens=most) for question, most in zip(QUESTIONS, (4, 8, 16, 40), strict=True)
    ]
    expected = texts([own.complete(request) for request in requests])
    seen = rows_seen(own)
    assert texts(own.complete_many(requests)) == expected
    assert [rows for rows, _ in seen] == sorted((rows for rows, _ in seen), reverse=True)
    assert {4, 2, 1} <= {rows for rows, _ in seen}
    assert sum(rows for rows, _ in seen) < 4 * 40 * 0.75


class TooBig:
    """A machine whose memory holds so many rows, and says so as torch does."""

    def __init__(self, model: TransformersModel, rows: int, error: type[RuntimeError], text: str) -> None:
        self.rows, self.tried = rows, list[int]()

        def before(module: Any, inputs: tuple[Any, ...]) -> None:
            self.tried.append(len(inputs[0]))
            if len(inputs[0]) > self.rows:
                raise error(text)

        model._padded._model.get_input_embeddings().register_forward_pre_hook(before)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (torch.OutOfMemoryError, "CUDA out of memory. Tried to allocate 2.00 GiB."),
        (RuntimeError, "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 68 bytes."),
        (RuntimeError, "DefaultCPUAllocator: not enough memory: you tried to allocate 68 bytes."),
    ],
)
def test_without_memory_the_batch_is_halved(own: TransformersModel, error: Any, text: str) -> None:
    requests = [asked(f"{question} {n}", max_tokens=6 + n) for n in range(3) for question in QUESTIONS]
    expected = texts([own.complete(request) for request in requests])
    machine = TooBig(own, 3, error, text)
    told: list[int] = []
    assert texts(own.complete_many(requests, lambda position, _: told.append(position))) == expected
    assert sorted(told) == list(range(12))
    # Rows of one are what the others begin with.
    tried = [rows for rows in machine.tried if rows > 1]
    assert tried[:3] == [12, 6, 3]
    assert max(tried[2:]) == 3


def test_out_of_memory_half_way_goes_on_from_there(own: TransformersModel) -> None:
    requests = [
        asked(question, max_tokens=most) for question, most in zip(QUESTIONS, (3, 20, 20, 20), strict=True)
    ]
    expected = texts([own.complete(request) for request in requests])
    machine = TooBig(own, 4, torch.OutOfMemoryError, "CUDA out of memory.")
    told: list[int] = []

    def done(position: int, _: Completion) -> None:
        told.append(position)
        machine.rows = 1

    assert texts(own.complete_many(requests, done)) == expected
    assert sorted(told) == [0, 1, 2, 3]


def test_one_that_never_fits_does_not_take_the_others_with_it(own: TransformersModel) -> None:
    TooBig(own, 4, torch.OutOfMemoryError, "CUDA out of memory.")
    length = own.prompt_tokens(about("Who?").messages)

    def too_long(module: Any, inputs: tuple[Any, ...]) -> None:
        if inputs[0].shape[1] > length // 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    own._padded._model.get_input_embeddings().register_forward_pre_hook(too_long)
    told: list[int] = []
    with pytest.raises(ModelMemoryError, match=r"CLEW_WINDOW.*CLEW_MODEL.*quantized.*\.$"):
        own.complete_many(
            [asked("Who?"), about("Who?"), asked("When?")], lambda position, _: told.append(position)
        )
    assert sorted(told) == [0, 2]


def test_another_failure_is_one_sentence(own: TransformersModel) -> None:
    TooBig(own, 0, RuntimeError, "mat1 and mat2 shapes cannot be multiplied\nframe #0")
    with pytest.raises(
        ModelError, match=r"^The model \S+ failed: mat1 and mat2 shapes cannot be multiplied\.$"
    ):
        own.complete(asked("Who?"))


@pytest.mark.parametrize("batching", BATCHINGS)
def test_closing_frees_the_weights(folder: Path, batching: Batching) -> None:
    model = TransformersModel.load(str(folder), device="cpu", batching=batching)
    model.complete_many([about(question) for question in QUESTIONS])
    weights = weakref.ref(next(model._padded._model.parameters()))
    assert weights() is not None
    before = threading.active_count()
    model.close()
    model.close()
    gc.collect()
    assert weights() is None
    assert threading.active_count() <= before - (2 if batching == "continuous" else 0)
    with pytest.raises(ModelError, match=r"^The model \S+ has been closed\.$"):
        model.complete(asked("Who?"))
    with pytest.raises(ModelError, match="closed"):
        model.complete_many([asked("Who?")])


def test_models_that_do_not_load(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelNotFoundError, match=r"^There is no folder '/nowhere/model' .*CLEW_MODEL.*\.$"):
        TransformersModel.load("/nowhere/model")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        ModelNotFoundError, match=r"^The model 'nobody/nothing' is neither a folder nor [^\n]+\.$"
    ):
        TransformersModel.load("nobody/nothing")
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in folder.iterdir():
        (broken / file.name).write_bytes(file.read_bytes()[: 2000 if file.suffix == ".safetensors" else None])
    with pytest.raises(ModelLoadError, match=r"^The model '\S+broken' cannot be loaded: [^\n]+\.$"):
        TransformersModel.load(str(broken), device="cpu")
    (broken / "config.json").write_text('{"model_type": "nonsense"}')
    with pytest.raises(ModelLoadError, match=r"^The model '\S+broken' cannot be loaded: [^\n]+\.$"):
        TransformersModel.load(str(broken), device="cpu")


def test_code_of_a_model_runs_only_if_it_is_allowed(tmp_path: Path) -> None:
    """The folder's code leaves a file behind if it runs."""
    tiny_llama(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Own"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Own: pass\n")
    with pytest.raises(ModelLoadError, match=r"^The model .* CLEW_TRUST_REMOTE_CODE is set\.$"):
        TransformersModel.load(str(tmp_path), device="cpu")
    assert not (tmp_path / "ran").exists()


def test_quantized_weights_name_their_extra(folder: Path) -> None:
    with pytest.raises(ModelLoadError, match=r"pip install clew\[quantized\]"):
        TransformersModel.load(str(folder), device="cpu", quantization="4bit")


def test_a_device_that_is_not_there() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one")
    assert choose_device("auto") == "cpu"
    with pytest.raises(ModelLoadError, match=r"^There is no GPU for CLEW_DEVICE=cuda .*\.$"):
        choose_device("cuda")


@pytest.mark.parametrize(("published", "fast", "chosen"), [
    ("bfloat16", True, "bfloat16"), ("bfloat16", False, "float32"), ("float32", True, "float32"),
])  # fmt: skip
def test_number_formats(
    folder: Path, monkeypatch: pytest.MonkeyPatch, published: str, fast: bool, chosen: str
) -> None:
    from transformers import AutoConfig

    for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: fast)
    config = AutoConfig.from_pretrained(str(folder))
    config.dtype = getattr(torch, published)
    assert choose_format("cpu", config) == chosen
    assert choose_format("cpu", config, "float16") == "float16"


def test_in_sixteen_bits(folder: Path) -> None:
    model = TransformersModel.load(str(folder), device="cpu", number_format="bfloat16")
    assert ":bfloat16:" in model.fingerprint
    reply = model.complete(asked("Who?", schema={"enum": ["search", "walk"]}))
    assert json.loads(reply.text) in ("search", "walk")
    model.close()


def test_a_wide_prompt_of_another_thread_does_not_mix(model: TransformersModel) -> None:
    """Batches of two threads, with a document each, at the same time."""
    batches = [[about(question) for question in QUESTIONS], [asked(question) for question in QUESTIONS]]
    expected = [texts(model.complete_many(batch)) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: texts(model.complete_many(batches[n % 2])), range(8)))
    assert found == expected * 4

"""What becomes of a model when its continuous loop fails, is slow or is closed, and what callers do wrong."""

import gc
import json
import logging
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers.generation.continuous_batching.continuous_api as api
from transformers import AutoModelForCausalLM
from transformers.generation.continuous_batching.cache import PagedAttentionCache

from reader.chat import Cancellation, Completion, Message, Request
from reader.errors import ModelError
from reader.models.continuous import _has_flash
from reader.models.local import Batching, TransformersModel
from tests.tiny_models import save_model, tiny_config, tiny_llama

BATCHINGS: tuple[Batching, ...] = ("padded", "continuous")
CLOSED = r"^The model \S+ has been closed\.$"


@pytest.fixture(scope="module", params=["llama", "gpt_oss"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One whose attention the loop leaves as it is, and one that the loop switches to its own."""
    made = tmp_path_factory.mktemp("continuous") / request.param
    return tiny_llama(made) if request.param == "llama" else save_model(tiny_config("gpt_oss"), made)


@pytest.fixture
def running(folder: Path) -> Iterator[TransformersModel]:
    model = TransformersModel.load(str(folder), device="cpu", batching="continuous")
    yield model
    model.close()


@pytest.fixture(params=BATCHINGS)
def llama(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TransformersModel]:
    batching: Batching = request.param
    model = TransformersModel.load(str(tiny_llama(tmp_path)), device="cpu", batching=batching)
    yield model
    model.close()


def asked(question: str, **options: Any) -> Request:
    return Request((Message("user", question),), **{"max_tokens": 20, **options})


def expected(folder: Path, *questions: str) -> list[str]:
    model = TransformersModel.load(str(folder), device="cpu", batching="padded")
    found = [model.complete(asked(question)).text for question in questions]
    model.close()
    return found


def loop_threads() -> list[threading.Thread]:
    return [
        each
        for each in threading.enumerate()
        if ("clew" in each.name and not each.name.startswith("clew-task-")) or "_run_generation" in each.name
    ]


def attention_of(model: TransformersModel) -> str:
    return str(model._padded._model.config._attn_implementation)


def fail_at_step(model: TransformersModel, step: int) -> Any:
    """The loop dies there; returns a reference to its blocks."""
    assert model._continuous is not None
    assert model._continuous._loop is not None
    batches = model._continuous._loop._runner.batch_processor
    generate, count = batches._generation_step, 0

    def fails(model: Any) -> None:
        nonlocal count
        count += 1
        if count >= step:
            raise RuntimeError("CUDA out of memory.")
        generate(model)

    batches._generation_step = fails
    return weakref.ref(batches.cache)


def test_a_loop_that_dies_leaves_the_model_as_it_was(
    folder: Path,
    running: TransformersModel,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    first, second = expected(folder, "Who?", "When?")
    before = attention_of(running)
    assert running.complete(asked("Who?")).text == first
    assert running.batching == "continuous"
    cache = fail_at_step(running, 5)
    assert [running.complete(asked("When?")).text for _ in range(2)] == [second] * 2
    assert (running.batching, attention_of(running)) == ("padded", before)
    assert cache() is None, "the memory of the blocks is given back"
    assert not loop_threads()
    assert "Traceback" not in capfd.readouterr().err
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]


def test_a_loop_that_dies_between_calls(folder: Path, running: TransformersModel) -> None:
    [schema] = [{"enum": ["search", "walk"]}]
    running.complete(asked("Who?"))
    fail_at_step(running, 1)
    cancellation = Cancellation()
    cancellation.cancel()
    running.complete(asked("When?"), cancellation=cancellation)
    time.sleep(0.3)
    assert json.loads(running.complete(asked("Who?", schema=schema)).text) in ("search", "walk")
    assert running.complete(asked("Who?")).text == expected(folder, "Who?")[0]


@pytest.mark.parametrize("error", [RuntimeError("CUDA out of memory."), ImportError("flash"), OSError("hub")])
def test_a_loop_that_does_not_start(
    folder: Path, running: TransformersModel, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    before = attention_of(running)

    def fails(*_: object, **__: object) -> None:
        raise error

    if isinstance(error, RuntimeError):
        monkeypatch.setattr(PagedAttentionCache, "__init__", fails)
    else:
        # After the switch of the attention.
        monkeypatch.setattr(api, "resolve_continuous_batching_config", fails)
    assert [running.complete(asked("Who?")).text for _ in range(2)] == expected(folder, "Who?") * 2
    assert (running.batching, attention_of(running)) == ("padded", before)
    assert not loop_threads()


def test_a_start_that_is_too_slow_leaves_nothing_behind(
    running: TransformersModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = PagedAttentionCache.__init__

    def slow(*arguments: Any, **options: Any) -> None:
        time.sleep(1)
        make(*arguments, **options)

    monkeypatch.setattr(PagedAttentionCache, "__init__", slow)
    monkeypatch.setattr("reader.models.continuous_loop._START", 0.2)
    assert running.complete(asked("Who?", max_tokens=2)).completion_tokens == 2
    assert running.batching == "padded"
    assert not loop_threads()


def test_a_thread_that_cannot_start_does_not_hang(
    folder: Path, running: TransformersModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(api.ContinuousBatchingManager, "start", fails)
    assert running.complete(asked("Who?")).text == expected(folder, "Who?")[0]


def test_one_request_that_fails_is_answered_and_the_loop_goes_on(
    folder: Path, running: TransformersModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.complete(asked("When?"))
    update = api.ContinuousBatchProcessor.update_batch
    failed: list[str] = []

    def fails_once(self: Any) -> None:
        update(self)
        for state in list(self.scheduler.active_requests.values()):
            if not failed and len(state.generated_tokens) > 3:
                failed.append(state.request_id)
                self._handle_request_error(RuntimeError("this one"), state)
                self.scheduler.finish_request(state.request_id)

    monkeypatch.setattr(api.ContinuousBatchProcessor, "update_batch", fails_once)
    assert running.complete(asked("Who?")).text == expected(folder, "Who?")[0]
    assert failed
    assert running.batching == "continuous"


def test_flash_attention_is_never_fetched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    make = api.ContinuousBatchingManager.switch_to_cb_friendly_attn

    def watched(self: Any, model: Any, auto_switch_to_flash: bool = True) -> None:
        seen.append(auto_switch_to_flash)
        make(self, model, auto_switch_to_flash)

    monkeypatch.setattr(api.ContinuousBatchingManager, "switch_to_cb_friendly_attn", watched)
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: object())
    model = TransformersModel.load(str(folder), device="cpu", batching="continuous")
    model.complete(asked("Who?"))
    assert seen == [False]
    model.close()


@pytest.mark.parametrize(
    ("family", "dtype", "installed", "used"),
    [
        ("llama", torch.bfloat16, True, True),
        ("llama", torch.bfloat16, False, False),
        ("llama", torch.float32, True, False),
        ("gpt_oss", torch.bfloat16, True, False),
    ],
)
def test_flash_attention_is_used_only_if_it_is_installed_and_the_model_can(
    monkeypatch: pytest.MonkeyPatch, family: str, dtype: torch.dtype, installed: bool, used: bool
) -> None:
    monkeypatch.setattr("transformers.utils.import_utils.is_flash_attn_2_available", lambda: installed)
    make: Any = AutoModelForCausalLM.from_config
    made = make(tiny_config(family))

    class OnGpu(type(made)):  # type: ignore[misc]
        device = torch.device("cuda")

    OnGpu.dtype = dtype
    made.__class__ = OnGpu
    assert _has_flash(made) is used


MINE = [
    KeyError("mine"),
    ValueError("I/O operation on closed file"),
    UnicodeEncodeError("ascii", "é", 0, 1, "mine"),
    RuntimeError("my database is out of memory"),
    MemoryError("mine"),
    IndexError("mine"),
]


@pytest.mark.parametrize("error", MINE, ids=lambda each: type(each).__name__)
def test_errors_of_the_caller_come_back_as_they_are(llama: TransformersModel, error: Exception) -> None:
    calls = []

    def fails(*_: object) -> None:
        calls.append(1)
        raise error

    runs: list[Callable[[], object]] = [
        lambda: llama.complete(asked("Who?"), on_token=fails),
        lambda: llama.complete(asked("Who?", schema={"type": "string"}), on_token=fails),
        lambda: llama.complete_many([asked("Who?"), asked("When?")], fails),
    ]
    for run in runs:
        calls.clear()
        with pytest.raises(type(error)) as raised:
            run()
        assert raised.value is error
        assert len(calls) == 1, "it is not asked again"
    assert llama.complete(asked("Who?")).completion_tokens == 20


@pytest.mark.parametrize("schema", [None, {"type": "string"}])
def test_closing_from_within_a_call(llama: TransformersModel, schema: dict[str, str] | None) -> None:
    weights = weakref.ref(next(llama._padded._model.parameters()))
    with pytest.raises(ModelError, match=CLOSED):
        llama.complete(asked("Who?", max_tokens=200, schema=schema), lambda _: llama.close())
    gc.collect()
    assert weights() is None, "it is freed when the call has ended"
    assert not loop_threads()


def test_closing_does_not_wait_for_a_whole_reply(llama: TransformersModel) -> None:
    begun = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(llama.complete, asked("Who?", max_tokens=3500), lambda _: begun.set())
        assert begun.wait(120)
        llama.close()
        # Had it waited, the reply would be whole.
        with pytest.raises(ModelError, match=CLOSED):
            call.result(120)


def test_closing_while_much_is_asked(llama: TransformersModel) -> None:
    def run(number: int) -> str:
        schema = {"type": "string", "maxLength": 60} if number % 3 == 0 else None
        try:
            llama.complete_many([asked(f"{number} {each}", max_tokens=60, schema=schema) for each in "ab"])
        except ModelError as error:
            return str(error)
        return "done"

    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(run, number) for number in range(16)]
        time.sleep(0.4)
        llama.close()
        said = {call.result(120) for call in calls}
    assert said <= {"done", f"The model {llama.name} has been closed."}
    assert not loop_threads()


def test_on_done_is_not_called_for_what_was_cancelled(llama: TransformersModel) -> None:
    told: list[int] = []
    cancellation = Cancellation()

    def done(position: int, _: Completion) -> None:
        told.append(position)
        cancellation.cancel()

    requests = [asked("Who?", max_tokens=2000), asked("When?", max_tokens=2), asked("Why?", max_tokens=2000)]
    found = llama.complete_many(requests, done, cancellation)
    assert told == [1]
    assert [each.finish.value for each in found] == ["cancelled", "length", "cancelled"]
    assert llama.complete_many(requests, done, cancellation)[0].completion_tokens == 0
    assert told == [1]


@pytest.mark.parametrize("batching", BATCHINGS)
def test_a_program_can_end_while_a_daemon_thread_is_answered(tmp_path: Path, batching: str) -> None:
    program = f"""
import threading
from reader.chat import Message, Request
from reader.models.local import TransformersModel
model = TransformersModel.load({str(tiny_llama(tmp_path))!r}, device="cpu", batching={batching!r})
begun = threading.Event()
asked = Request((Message("user", "Who?"),), max_tokens=3500)
threading.Thread(target=model.complete, args=(asked, lambda _: begun.set()), daemon=True).start()
begun.wait()
raise SystemExit(3)
"""
    root = Path(__file__).parents[3]
    ended = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, timeout=90)
    assert ended.returncode == 3, ended.stderr.decode()


@pytest.mark.parametrize("name", ["CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED"])
def test_the_memory_of_cuda_libraries_is_memory(llama: TransformersModel, name: str) -> None:
    tried: list[int] = []

    def before(module: Any, inputs: tuple[Any, ...]) -> None:
        tried.append(len(inputs[0]))
        if len(inputs[0]) > 1:
            raise RuntimeError(f"CUDA error: {name} when calling `cublasCreate(handle)`")

    llama._padded._model.get_input_embeddings().register_forward_pre_hook(before)
    requests = [asked(each, schema={"enum": ["a", "b"]}) for each in ("Who?", "When?")]
    assert {each.text for each in llama.complete_many(requests)} <= {'"a"', '"b"'}
    assert max(tried) == 2


def test_numbers_that_no_sampling_takes() -> None:
    for seed in (-1, 2**63):
        with pytest.raises(ValueError, match=f"seed is {seed}"):
            asked("Who?", seed=seed)
    for temperature in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="temperature is"):
            asked("Who?", temperature=temperature)
    assert asked("Who?", seed=2**63 - 1, temperature=2.0).seed == 2**63 - 1
    assert torch.Generator().manual_seed(2**63 - 1)

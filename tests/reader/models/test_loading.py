"""Models from the hub, with what the hub would raise in place of a network."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
import transformers
from huggingface_hub import errors
from huggingface_hub.utils.tqdm import are_progress_bars_disabled

from reader.errors import ModelError, ModelLoadError, ModelNotFoundError
from reader.models.loading import load_model
from reader.models.local import TransformersModel
from tests.tiny_models import tiny_llama

PARTS = ("AutoConfig", "AutoTokenizer", "AutoModelForCausalLM")


class Hub:
    """What `from_pretrained` finds: the files of a folder, here or only there."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, here: int) -> None:
        self.asked: list[tuple[str, bool]] = []
        self.bars: list[bool] = []
        self.fails: dict[bool, Exception] = {}
        for number, part in enumerate(PARTS):
            loader = getattr(transformers, part)
            monkeypatch.setattr(
                loader, "from_pretrained", self.reads(loader.from_pretrained, part, folder, number < here)
            )

    def reads(self, read: Callable[..., Any], part: str, folder: Path, here: bool) -> Callable[..., Any]:
        def reads(name: str, *, local_files_only: bool = True, **options: Any) -> Any:
            if name != "nobody/model":
                # By another of them, for the same folder.
                return read(name, **options, local_files_only=local_files_only)
            self.asked.append((part, local_files_only))
            self.bars.append(not are_progress_bars_disabled())
            if local_files_only and not here:
                raise self.fails.get(True, OSError("it is not here"))
            if not local_files_only and False in self.fails:
                raise self.fails[False]
            return read(str(folder), **options)

        return reads


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("loading") / "tiny")


@pytest.mark.parametrize("here", [0, 1, 2])
@pytest.mark.parametrize("error", [OSError("no file"), ValueError("no tokenizer"), TypeError("NoneType")])
def test_a_download_that_stopped_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, here: int, error: Exception
) -> None:
    hub = Hub(folder, monkeypatch, here)
    hub.fails[True] = error
    assert load_model("nobody/model", "cpu").window
    assert hub.asked[-3:] == [(part, False) for part in PARTS]
    assert hub.asked[:-3] == [(part, True) for part in PARTS[: here + 1]]


def test_what_is_here_asks_nobody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(folder, monkeypatch, 3)
    load_model("nobody/model", "cpu")
    assert hub.asked == [(part, True) for part in PARTS]


def test_only_downloads_are_shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_PROGRESS_BARS", None)
    hub = Hub(folder, monkeypatch, 0)
    load_model("nobody/model", "cpu")
    assert hub.bars == [False, True, True, True]
    assert are_progress_bars_disabled()
    hub.fails[False] = OSError("no")
    with pytest.raises(ModelError):
        load_model("nobody/model", "cpu")
    assert are_progress_bars_disabled()


def response(status: int) -> httpx2.Response:
    return httpx2.Response(status, request=httpx2.Request("GET", "https://hub.invalid/nobody/model"))


def wrapped(error: Exception) -> OSError:
    """As transformers does it: the cause says more than the text."""
    outer = OSError("We could not do that.\nSee the documentation.")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (wrapped(errors.GatedRepoError("403", response=response(403))), ModelLoadError, "gated.*HF_TOKEN"),
        (
            wrapped(errors.RepositoryNotFoundError("404", response=response(404))),
            ModelNotFoundError,
            "nor is it on the Hugging Face hub",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            ModelLoadError,
            "no space left on the disk.*HF_HOME",
        ),
        (RuntimeError("Data error: No space left on device (os error 28)"), ModelLoadError, "no space left"),
        (wrapped(errors.LocalEntryNotFoundError("offline")), ModelNotFoundError, "no connection"),
        (httpx2.ConnectError("Name or service not known"), ModelNotFoundError, "no connection"),
        (wrapped(errors.HfHubHTTPError("500", response=response(503))), ModelNotFoundError, "status 503"),
        (
            OSError("something else\nof two lines"),
            ModelNotFoundError,
            "could not be downloaded.*of two lines",
        ),
        (ValueError("no such architecture"), ModelLoadError, "cannot be loaded: no such architecture"),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else "",
)
def test_why_it_could_not_be_downloaded(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[ModelError], words: str
) -> None:
    hub = Hub(folder, monkeypatch, 1)
    hub.fails = {True: ValueError("the tokenizer is not here"), False: error}
    with pytest.raises(kind, match=rf"^[^\n]*{words}[^\n]*\.$") as raised:
        load_model("nobody/model", "cpu")
    assert "'nobody/model'" in str(raised.value)
    assert raised.value.__cause__ is error


def test_a_folder_is_never_looked_for_on_the_hub(tmp_path: Path, folder: Path) -> None:
    broken = shutil.copytree(folder, tmp_path / "broken")
    (broken / "model.safetensors").unlink()
    with pytest.raises(ModelLoadError, match=r"^The model \S+ cannot be loaded: [^\n]+\.$"):
        load_model(str(broken), "cpu")


@pytest.mark.parametrize("window", [0, -5])
def test_a_window_of_nothing(folder: Path, window: int) -> None:
    with pytest.raises(ValueError, match=f"window is {window}"):
        TransformersModel.load(str(folder), device="cpu", window=window)

"""Weights and tokenizer of a model by name or folder, in the number format that the machine is fast at."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal

from reader.errors import ModelLoadError, ModelNotFoundError
from reader.models.download import download_error, downloads_shown
from reader.models.memory import is_out_of_memory

__all__ = [
    "LoadedModel",
    "NumberFormat",
    "Quantization",
    "choose_device",
    "choose_format",
    "load_model",
    "window_of",
]

Quantization = Literal["none", "4bit", "8bit"]
NumberFormat = Literal["auto", "float32", "bfloat16", "float16"]

# Models with a recurrent state say nothing about a window: they read on for ever, and forget.
DEFAULT_WINDOW: Final = 8192
_WINDOW_NAMES: Final = (
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "seq_length",
    "max_sequence_length",
)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """What a backend needs.

    Attributes:
        model: In evaluation mode, with a generation config that has nothing but its special tokens.
        tokenizer: With the model's chat template.
        ends: Tokens that end a reply.
        pad: Token that fills rows.
        window: Tokens that the config allows; None if it does not say.
    """

    model: Any
    tokenizer: Any
    ends: tuple[int, ...]
    pad: int
    window: int | None


def load_model(
    name: str,
    device: str = "auto",
    trust_remote_code: bool = False,
    quantization: Quantization = "none",
    number_format: NumberFormat = "auto",
) -> LoadedModel:
    """Load a causal language model; a name that is no folder is downloaded if it is not here yet.

    Args:
        name: A folder, or a name on the Hugging Face hub.
        device: "auto", "cpu", "cuda" or any torch device.
        trust_remote_code: Whether Python files that come with the weights may run.
        quantization: By bitsandbytes, while loading.
        number_format: Of weights and activations, see `choose_format`.

    Raises:
        ModelNotFoundError: If there is no such folder, or no such model here nor on the hub.
        ModelLoadError: If it is there and cannot be loaded.
    """
    _check(name, quantization)
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    place = choose_device(device)
    wanted = _Wanted(name, place, trust_remote_code, quantization, number_format)
    # What is here is taken as it is, without asking the hub; what is not all here may be there.
    try:
        return wanted.read(local=True)
    except _failures() as error:
        if Path(name).is_dir() or is_out_of_memory(error):
            raise _as_model_error(name, error) from error
    try:
        with downloads_shown():
            return wanted.read(local=False)
    except _failures() as error:
        raise download_error(name, error) or _as_model_error(name, error) from error


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be loaded, and how."""

    name: str
    place: str
    trust_remote_code: bool
    quantization: Quantization
    number_format: NumberFormat

    def read(self, local: bool) -> LoadedModel:
        """Read config, tokenizer and weights, only from this machine if `local`."""
        import torch
        from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

        options: dict[str, Any] = {"trust_remote_code": self.trust_remote_code, "local_files_only": local}
        config = AutoConfig.from_pretrained(self.name, **options)
        tokenizer = AutoTokenizer.from_pretrained(self.name, **options)
        dtype = getattr(torch, choose_format(self.place, config, self.number_format))
        if self.quantization != "none":
            options |= {"quantization_config": _quantized(self.quantization, dtype), "device_map": self.place}
        model: Any = AutoModelForCausalLM.from_pretrained(self.name, dtype=dtype, **options)
        return _loaded(
            model.eval() if self.quantization != "none" else model.to(self.place).eval(), tokenizer
        )


def _failures() -> tuple[type[Exception], ...]:
    """What reading and downloading may raise."""
    import httpx2
    from safetensors import SafetensorError

    return (
        OSError,
        ValueError,
        RuntimeError,
        LookupError,
        TypeError,
        ImportError,
        AttributeError,
        MemoryError,
        SafetensorError,
        httpx2.HTTPError,
    )


def choose_device(device: str) -> str:
    """The device that "auto" stands for.

    Raises:
        ModelLoadError: If the device is asked for and not there.
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ModelLoadError(
            f"There is no GPU for CLEW_DEVICE={device} on this machine; set it to auto or cpu."
        )
    return device


def choose_format(device: str, config: Any, number_format: NumberFormat = "auto") -> str:
    """The number format that "auto" stands for.

    On a GPU bfloat16. On a CPU that multiplies bfloat16 in hardware too, where the weights are published in
    16 bits: it read prompts 3.7 times as fast and decoded a batch of 16 twice as fast as float32 (8 layers of
    512, one core of a Xeon with AMX). Elsewhere float32.
    """
    import torch

    if number_format != "auto":
        return number_format
    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    published = getattr(config.get_text_config(), "dtype", None)
    sixteen_bits = published in {torch.bfloat16, torch.float16, "bfloat16", "float16"}
    # What torch's own kernels ask; a version without the question has no fast ones.
    asked = [
        getattr(torch.cpu, name, None) for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    ]
    return "bfloat16" if sixteen_bits and any(each is not None and each() for each in asked) else "float32"


def window_of(config: Any) -> int | None:
    """Tokens that a config allows; None if it does not say."""
    text = config.get_text_config()
    found = [getattr(text, name, None) for name in _WINDOW_NAMES]
    return next((int(each) for each in found if isinstance(each, int) and each > 0), None)


def _check(name: str, quantization: Quantization) -> None:
    if not name or (name.startswith(("/", ".", "~")) and not Path(name).is_dir()):
        raise ModelNotFoundError(
            f"There is no folder {name!r} with a model; set CLEW_MODEL to one that is there."
        )
    if quantization != "none" and find_spec("bitsandbytes") is None:
        raise ModelLoadError(
            f"Weights in {quantization[0]} bits need bitsandbytes: pip install clew[quantized], or leave the "
            "quantization out."
        )


def _quantized(quantization: Quantization, dtype: Any) -> Any:
    from transformers import BitsAndBytesConfig

    make: Any = BitsAndBytesConfig
    if quantization == "8bit":
        return make(load_in_8bit=True)
    return make(load_in_4bit=True, bnb_4bit_compute_dtype=dtype, bnb_4bit_quant_type="nf4")


def _loaded(model: Any, tokenizer: Any) -> LoadedModel:
    from transformers import GenerationConfig

    stored = model.generation_config
    found = [
        stored.eos_token_id,
        tokenizer.eos_token_id,
        getattr(model.config.get_text_config(), "eos_token_id", None),
    ]
    ends: list[int] = []
    for each in found:
        ends += each if isinstance(each, list) else [] if each is None else [each]
    ends = [each for each in dict.fromkeys(ends) if each >= 0]
    pads = [tokenizer.pad_token_id, stored.pad_token_id, *ends, 0]
    pad = int(next(each for each in pads if each is not None and each >= 0))
    # What a model's authors set (sampling, penalties, static caches) would change what was asked for.
    plain: Any = GenerationConfig
    model.generation_config = plain(pad_token_id=pad, do_sample=False)
    return LoadedModel(model, tokenizer, tuple(ends), pad, window_of(model.config))


def _as_model_error(name: str, error: Exception) -> ModelNotFoundError | ModelLoadError:
    text = " ".join(str(error).split()) or type(error).__name__
    if "trust_remote_code" in text:
        return ModelLoadError(
            f"The model {name!r} brings code of its own, which runs only if CLEW_TRUST_REMOTE_CODE is set."
        )
    if not Path(name).is_dir() and isinstance(error, OSError):
        return ModelNotFoundError(
            f"The model {name!r} is neither a folder nor among the downloaded models, and could not be "
            f"downloaded from the Hugging Face hub: {text[:300].rstrip('.')}."
        )
    if isinstance(error, ImportError):
        return ModelLoadError(
            f"The model {name!r} needs a package that is not installed: {text.rstrip('.')}."
        )
    return ModelLoadError(f"The model {name!r} cannot be loaded: {text[:300].rstrip('.')}.")

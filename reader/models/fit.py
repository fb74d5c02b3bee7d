"""Whether a model fits into the memory of a device, by its config and file headers: no weights are loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from reader.errors import ModelLoadError, ModelNotFoundError
from reader.models.loading import (
    DEFAULT_WINDOW,
    NumberFormat,
    Quantization,
    choose_device,
    choose_format,
    window_of,
)
from reader.models.weight_files import StoredWeights, stored_weights

__all__ = ["Fit", "cache_bytes", "count_parameters", "estimate", "free_memory_of"]

# Activations of a step and what allocators round up to.
_MARGIN: Final = 0.1
_BITS: Final = {"float32": 32, "bfloat16": 16, "float16": 16, "8bit": 8, "4bit": 4}
# A recurrent state is kept in 32 bits whatever the weights have.
_STATE_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Fit:
    """What a model needs and what there is, in bytes.

    Attributes:
        device: "cpu", "cuda" or another torch device.
        number_format: Of the weights; "4bit" or "8bit" if they are quantized, "packed" if they are stored so.
        parameters: How many, not in billions.
        weights: Memory of the weights.
        cache: Keys, values and recurrent states of one request that fills the window.
        free: Memory of the device that is not in use now.
        window: Tokens of prompt and reply together, as set or as the model allows.
        largest_window: The most tokens for which it fits, 0 if not even the weights do.
    """

    device: str
    number_format: str
    parameters: int
    weights: int
    cache: int
    free: int
    window: int
    largest_window: int

    @property
    def needed(self) -> int:
        """Weights with a margin for a step's activations, and the cache of one request."""
        return int(self.weights * (1 + _MARGIN)) + self.cache

    @property
    def fits(self) -> bool:
        """Whether one request that fills the window can be answered."""
        return self.needed <= self.free


def estimate(
    name: str,
    device: str = "auto",
    window: int | None = None,
    quantization: Quantization = "none",
    number_format: NumberFormat = "auto",
    free: int | None = None,
) -> Fit:
    """What a model will need; it must be a folder or downloaded, or at least its config.

    Args:
        name: As in `CLEW_MODEL` after "hf:".
        device: "auto" is a GPU if there is one.
        window: As set; None for the model's own.
        quantization: Of the weights.
        number_format: Of the weights and the cache.
        free: Memory to count with; None asks the device.

    Raises:
        ModelNotFoundError: If its config is not on this machine.
        ModelLoadError: If its config or its weight files cannot be read.
    """
    place = choose_device(device)
    config = _config(name)
    format = choose_format(place, config, number_format)
    files = _stored(name, config)
    parameters = _parameters_of(name, config) if files is None else files.parameters
    stored = format if quantization == "none" else quantization
    own = window_of(config) or max(DEFAULT_WINDOW, window or 0)
    used = min(own, window or own)
    if files is not None and files.packed_bytes is not None:
        stored, weights = "packed", files.packed_bytes
    else:
        weights = parameters * _BITS[stored] // 8
    there = free_memory_of(place) if free is None else free
    element = _BITS[format] // 8
    left = there - int(weights * (1 + _MARGIN))
    return Fit(
        device=place,
        number_format=stored,
        parameters=parameters,
        weights=weights,
        cache=cache_bytes(config, used, element),
        free=there,
        window=used,
        largest_window=_largest(config, own, element, left),
    )


def cache_bytes(config: Any, tokens: int, element: int = 2) -> int:
    """Bytes that one request of so many tokens takes up beside the weights.

    Args:
        config: Of the model; parts for other things than text are left out.
        tokens: Prompt and reply.
        element: Bytes of a number of the cache.
    """
    text = config.get_text_config()
    total = 0
    for kind in _layers(text):
        if kind in {"full_attention", "hybrid"}:
            total += tokens * _bytes_per_token(text, element)
        elif kind == "sliding_attention":
            total += min(tokens, _first(text, "sliding_window") or tokens) * _bytes_per_token(text, element)
        if kind in {"linear_attention", "hybrid"}:
            total += _state_numbers(text) * _STATE_BYTES
    return total


def count_parameters(name: str, config: Any) -> int:
    """Parameters by the headers of the weight files, or of an empty model where there are none."""
    files = _stored(name, config)
    return _parameters_of(name, config) if files is None else files.parameters


def _stored(name: str, config: Any) -> StoredWeights | None:
    folder = Path(name) if Path(name).is_dir() else _downloaded(name)
    return None if folder is None else stored_weights(folder, config)


def _parameters_of(name: str, config: Any) -> int:
    import torch
    from transformers import AutoModelForCausalLM

    make: Any = AutoModelForCausalLM.from_config
    with torch.device("meta"):
        try:
            empty = make(config)
        except (ValueError, TypeError, AttributeError, ImportError, RuntimeError) as error:
            raise ModelLoadError(f"The size of the model {name!r} cannot be told from its config.") from error
    return int(sum(each.numel() for each in empty.parameters()))


def free_memory_of(device: str) -> int:
    """Bytes of a device that are not in use now."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    import psutil

    return int(psutil.virtual_memory().available)


def _config(name: str) -> Any:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(name, local_files_only=True)
    except OSError as error:
        raise ModelNotFoundError(f"The model {name!r} is not on this machine yet.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelLoadError(f"The config of the model {name!r} cannot be read.") from error


def _largest(config: Any, own: int, element: int, left: int) -> int:
    """The most tokens, up to the model's own window, whose cache is not larger than `left` bytes."""
    low, high = 0, own
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if cache_bytes(config, middle, element) <= left else (low, middle - 1)
    return low


def _layers(text: Any) -> list[str]:
    """The kind of each layer, in the words of transformers."""
    kinds = getattr(text, "layer_types", None)
    if kinds:
        return list(kinds)
    count = _first(text, "num_hidden_layers", "n_layer", "num_layers")
    if getattr(text, "model_type", "") == "xlstm":
        return ["linear_attention"] * count
    return ["sliding_attention" if _first(text, "sliding_window") else "full_attention"] * count


def _bytes_per_token(text: Any, element: int) -> int:
    """Keys and values of one token in one layer."""
    heads = _first(text, "num_attention_heads", "n_head")
    groups = _first(text, "num_key_value_heads") or heads
    dim = _first(text, "attention_head_dim", "head_dim")
    dim = dim or _first(text, "hidden_size", "n_embd", "d_model") // max(1, heads)
    return 2 * groups * dim * element


def _state_numbers(text: Any) -> int:
    """Numbers in the recurrent state of one layer."""
    hidden = _first(text, "hidden_size")
    if lru := _first(text, "lru_width"):
        return lru * (1 + _first(text, "conv1d_width"))
    if getattr(text, "model_type", "") == "xlstm":
        return int(text.num_heads * text.qk_head_dim * (text.v_head_dim + 1) + text.num_heads)
    state = _first(text, "state_size", "mamba_d_state", "ssm_state_size")
    inner = _first(text, "mamba_d_ssm") or hidden * (_first(text, "expand", "mamba_expand") or 2)
    convolved = inner + 2 * _first(text, "n_groups", "mamba_n_groups", "mamba_ngroups") * state
    return inner * state + convolved * (_first(text, "conv_kernel", "mamba_d_conv", "mamba_conv_kernel") or 4)


def _first(config: Any, *names: str) -> int:
    """The first of these that the config has, 0 if it has none."""
    found = (getattr(config, name, None) for name in names)
    return next((int(each) for each in found if isinstance(each, int) and each), 0)


def _downloaded(name: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, "config.json")
    return Path(found).parent if isinstance(found, str) else None

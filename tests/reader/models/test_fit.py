from pathlib import Path
from typing import Any

import pytest
import torch

from reader.errors import ModelNotFoundError
from reader.models.fit import Fit, cache_bytes, count_parameters, estimate, free_memory_of
from tests.tiny_models import FAMILIES, WINDOW, save_model, tiny_config, tiny_llama

GIGA = 10**9
# Its cache is made outside of what it returns.
UNSEEN = {"recurrent_gemma"}


def numbers_of(value: Any, seen: set[int]) -> int:
    """Bytes of all tensors in a cache, whatever it is made of."""
    if id(value) in seen:
        return 0
    seen.add(id(value))
    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, dict):
        return sum(numbers_of(each, seen) for each in value.values())
    if isinstance(value, list | tuple):
        return sum(numbers_of(each, seen) for each in value)
    if "Cache" in type(value).__name__ or "Layer" in type(value).__name__:
        return numbers_of({key: each for key, each in vars(value).items() if key != "config"}, seen)
    return 0


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - UNSEEN))
@pytest.mark.parametrize("tokens", [16, 64])
def test_the_cache_is_as_large_as_it_is(family: str, tokens: int) -> None:
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    config = tiny_config(family)
    make: Any = AutoModelForCausalLM.from_config
    model = make(config).eval()
    with torch.no_grad():
        output = model(input_ids=torch.full((1, tokens), 7), use_cache=True)
    cache = output.get("past_key_values") or output.get("cache_params")
    real = numbers_of(cache, set())
    # A sliding window keeps one token less, as the next comes with its own; and there are counters.
    assert real == pytest.approx(cache_bytes(config, tokens, element=4), rel=0.05)


@pytest.mark.parametrize("family", ["llama", "gemma3", "jamba", "mamba"])
def test_parameters_are_counted_without_loading(family: str, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    config = tiny_config(family)
    save_model(config, tmp_path)
    model = AutoModelForCausalLM.from_pretrained(tmp_path)
    real = sum(each.numel() for each in model.parameters())
    assert count_parameters(str(tmp_path), config) == real
    (tmp_path / "model.safetensors").unlink()
    assert count_parameters(str(tmp_path), config) == real


def test_qwen3_8b() -> None:
    """By its published config: 36 layers, 8 key-value heads of 128; 8.19 billion parameters."""
    from transformers import Qwen3Config

    config = Qwen3Config(
        hidden_size=4096,
        intermediate_size=12288,
        num_hidden_layers=36,
        num_attention_heads=32,
        num_key_value_heads=8,
        head_dim=128,
        vocab_size=151936,
        max_position_embeddings=40960,
        tie_word_embeddings=False,
    )
    assert cache_bytes(config, 1) == 36 * 2 * 8 * 128 * 2 == 147_456
    assert cache_bytes(config, 32_768) == 147_456 * 32_768
    assert count_parameters("nowhere/at-all", config) == pytest.approx(8.19 * GIGA, rel=0.001)


def test_estimate(tmp_path: Path) -> None:
    folder = str(tiny_llama(tmp_path))
    fit = estimate(folder, "cpu", free=10**9)
    assert (fit.device, fit.number_format, fit.window) == ("cpu", "float32", WINDOW)
    assert fit.weights == fit.parameters * 4
    # 2 layers, keys and values of 2 heads of 16 numbers of 4 bytes.
    per_token = 2 * 2 * 2 * 16 * 4
    assert fit.cache == WINDOW * per_token
    assert fit.fits
    assert fit.largest_window == WINDOW
    tight = estimate(folder, "cpu", free=fit.needed - 1)
    assert not tight.fits
    assert tight.largest_window == WINDOW - 1
    assert estimate(folder, "cpu", window=tight.largest_window, free=tight.free).fits
    assert estimate(folder, "cpu", free=1000).largest_window == 0
    assert estimate(folder, "cpu", quantization="4bit", free=GIGA).weights * 8 == fit.weights


def test_what_is_free_is_asked() -> None:
    assert 10**7 < free_memory_of("cpu") < 10**14


def test_a_model_that_is_not_here() -> None:
    with pytest.raises(ModelNotFoundError, match=r"^The model '/nowhere' is not on this machine yet\.$"):
        estimate("/nowhere", "cpu")


def test_the_margin_counts() -> None:
    fit = Fit("cpu", "float32", 100, 1000, 50, 1150, 10, 10)
    assert fit.needed == 1150
    assert fit.fits

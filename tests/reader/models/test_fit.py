import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from reader.errors import ModelLoadError, ModelNotFoundError
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


@pytest.mark.parametrize(
    "content",
    [
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614\nsize 12345\n",
        b"",
        b"\x10\0\0\0\0\0\0\0not json........",
        b"\x02\0\0\0\0\0\0\0[]",
        b'\x08\0\0\0\0\0\0\0{"a": 1}',
    ],
    ids=["git-lfs", "empty", "garbage", "list", "numbers"],
)
def test_weight_files_that_hold_no_weights(tmp_path: Path, content: bytes) -> None:
    folder = tiny_llama(tmp_path)
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelLoadError, match=r"^The file \S+model.safetensors holds no weights: [^\n]+\.$"):
        estimate(str(folder), "cpu", free=GIGA)


def test_an_index_that_cannot_be_read(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path)
    (folder / "model.safetensors.index.json").write_text("not json")
    with pytest.raises(ModelLoadError, match=r"^The file \S+index\.json cannot be read\.$"):
        estimate(str(folder), "cpu", free=GIGA)


def test_weights_that_are_packed_already(tmp_path: Path) -> None:
    """As GPT-OSS is published: two numbers of 4 bits in a byte, and a scale for every 32."""
    folder = tiny_llama(tmp_path)
    plain = estimate(str(folder), "cpu", number_format="bfloat16", free=GIGA)
    tensors = {
        "experts.gate_up_proj_blocks": torch.zeros(8, 64, 2, 16, dtype=torch.uint8),
        "experts.gate_up_proj_scales": torch.zeros(8, 64, 2, dtype=torch.uint8),
        "norm.weight": torch.zeros(64, dtype=torch.bfloat16),
    }
    save_file(tensors, folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "mxfp4"}
    (folder / "config.json").write_text(json.dumps(config))
    fit = estimate(str(folder), "cpu", number_format="bfloat16", free=GIGA)
    assert fit.parameters == 8 * 64 * 2 * 32 + 64
    assert fit.weights == 8 * 64 * 2 * 17 + 64 * 2
    assert (plain.number_format, fit.number_format) == ("bfloat16", "packed")

"""Tiny language models with random weights: complete folders that load like any downloaded one.

What they write has no meaning, but it is the same every time, and it depends on every token of the prompt.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

DATA = Path(__file__).parents[1] / "data"
WINDOW = 4096
VOCABULARY = 1200

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<s>", "</s>")
Template = Literal["chatml", "gemma", "none"]

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\n' }}"
    "{% if enable_thinking is defined and not enable_thinking %}{{ '<think>\n\n</think>\n\n' }}{% endif %}"
    "{% endif %}"
)
GEMMA = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}"
    "{{ '<|im_start|>' + ('model' if message['role'] == 'assistant' else message['role']) + '\n' }}"
    "{{ message['content'] | trim + '<|im_end|>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>model\n' }}{% endif %}"
)
TEMPLATES = {"chatml": CHATML, "gemma": GEMMA, "none": None}


def tiny_tokenizer(
    folder: Path, template: Template = "chatml", kind: Literal["bytes", "words"] = "bytes"
) -> Path:
    """Train a tokenizer on the novella and save it as a model's folder has it.

    "bytes" is byte-level BPE as in Llama 3 and Qwen, "words" marks spaces with ▁ and falls back to bytes as
    in Llama 2, Mistral and Gemma.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    special: list[Any] = [AddedToken(each, special=True, normalized=False) for each in SPECIAL]
    if kind == "bytes":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
    else:
        tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<s>", fuse_unk=True))
        tokenizer.normalizer = normalizers.Replace(" ", "▁")
        tokenizer.decoder = decoders.Sequence(
            [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
        )
        tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
        special += [f"<0x{byte:02X}>" for byte in range(256)]
        alphabet = []
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    text = (DATA / "novella.txt").read_text(encoding="utf-8")
    tokenizer.train_from_iterator(text.splitlines(keepends=True), trainer)
    saved = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=_without_special_bytes(tokenizer) if kind == "words" else tokenizer,
        bos_token="<s>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        clean_up_tokenization_spaces=False,
        model_max_length=WINDOW,
    )
    saved.chat_template = TEMPLATES[template]
    saved.save_pretrained(str(folder))
    return folder


def tiny_llama(folder: Path, template: Template = "chatml") -> Path:
    """Save a Llama with 2 layers and a window of 4096 tokens; returns `folder`."""
    from transformers import LlamaConfig

    config = LlamaConfig(
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=WINDOW,
        **_shared(),
    )
    return save_model(config, folder, template)


def save_model(config: Any, folder: Path, template: Template = "chatml") -> Path:
    """Save random weights of a config's shape, a tokenizer and a generation config; returns `folder`."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    tiny_tokenizer(folder, template)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: Any = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    model.generation_config.eos_token_id = config.eos_token_id
    model.generation_config.pad_token_id = config.pad_token_id
    model.save_pretrained(str(folder))
    return folder


def _shared() -> dict[str, Any]:
    # Wide weights: with the usual ones every prompt has the same likeliest token.
    return {
        "vocab_size": VOCABULARY,
        "bos_token_id": SPECIAL.index("<s>"),
        "eos_token_id": SPECIAL.index("<|im_end|>"),
        "pad_token_id": SPECIAL.index("<|endoftext|>"),
        "initializer_range": 0.3,
    }


def _without_special_bytes(tokenizer: Any) -> Any:
    """The trainer makes special tokens of the bytes; they are plain ones."""
    import json

    from tokenizers import Tokenizer

    stored = json.loads(tokenizer.to_str())
    stored["added_tokens"] = [each for each in stored["added_tokens"] if each["content"] in SPECIAL]
    return Tokenizer.from_str(json.dumps(stored))


def tiny_config(family: str) -> Any:
    """The config of a family, as small as it can be with every kind of layer that it has."""
    import transformers

    # The config class of the family, and what differs from a small Llama.
    name, own = FAMILIES[family]
    sizes = {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": WINDOW,
    }
    sizes |= own
    return getattr(transformers, name)(
        **{key: each for key, each in (_shared() | sizes).items() if each is not None}
    )


# Models that say nothing about a window.
NO_WINDOW: dict[str, Any] = {"max_position_embeddings": None, "intermediate_size": None}

FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("LlamaConfig", {}),
    "qwen3": ("Qwen3Config", {"head_dim": 16}),
    "mistral": ("MistralConfig", {"sliding_window": 24}),
    "gemma3": (
        "Gemma3TextConfig",
        {
            "head_dim": 16,
            "sliding_window": 24,
            "layer_types": ["sliding_attention", "full_attention"],
            "tie_word_embeddings": False,
            "initializer_range": 0.1,
        },
    ),
    "phi3": ("Phi3Config", {}),
    "gpt_oss": (
        "GptOssConfig",
        {
            "head_dim": 16,
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
            "sliding_window": 24,
            "layer_types": ["sliding_attention", "full_attention"],
        },
    ),
    "mamba": ("MambaConfig", NO_WINDOW | {"state_size": 8}),
    "mamba2": (
        "Mamba2Config",
        NO_WINDOW | {"num_heads": 8, "head_dim": 16, "state_size": 16, "n_groups": 1, "chunk_size": 16},
    ),
    "falcon_h1": (
        "FalconH1Config",
        {
            "head_dim": 16,
            "mamba_d_ssm": 64,
            "mamba_n_heads": 8,
            "mamba_d_head": 8,
            "mamba_d_state": 16,
            "mamba_n_groups": 1,
            "mamba_chunk_size": 16,
        },
    ),
    "recurrent_gemma": (
        "RecurrentGemmaConfig",
        {
            "max_position_embeddings": None,
            "num_hidden_layers": 3,
            "lru_width": 64,
            "attention_window_size": 24,
            "num_key_value_heads": 1,
            "head_dim": 16,
            "tie_word_embeddings": False,
        },
    ),
    "xlstm": (
        "xLSTMConfig",
        NO_WINDOW | {"hidden_size": 128, "num_heads": 4, "chunk_size": 16, "mode": "inference"},
    ),
    "jamba": (
        "JambaConfig",
        {
            "num_hidden_layers": 4,
            "attn_layer_period": 2,
            "attn_layer_offset": 1,
            "expert_layer_period": 2,
            "expert_layer_offset": 1,
            "num_experts": 2,
            "mamba_d_state": 8,
            "mamba_dt_rank": 4,
            "use_mamba_kernels": False,
        },
    ),
    "zamba2": (
        "Zamba2Config",
        {
            "num_hidden_layers": 3,
            "layers_block_type": ["mamba", "hybrid", "mamba"],
            "num_key_value_heads": 4,
            "mamba_d_state": 16,
            "mamba_ngroups": 1,
            "n_mamba_heads": 8,
            "mamba_headdim": 16,
            "chunk_size": 16,
            "adapter_rank": 8,
        },
    ),
}

"""From a network to the files that are shipped: low-rank additions under PEFT's names, heads beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from reader.spans.adapter import ADAPTER, HEADS, SCALE

__all__ = ["write_weights"]


def write_weights(trained: Mapping[str, Tensor], folder: Path) -> None:
    """Write what training changed, in float16, which loses less than the noise of one seed."""
    folder.mkdir(parents=True, exist_ok=True)
    added: dict[str, Tensor] = {}
    kept: dict[str, Tensor] = {}
    for name, each in trained.items():
        value = each.detach().to(torch.float16).contiguous()
        if "lora_" in name:
            added[f"base_model.model.{name.removeprefix('base.')}.weight"] = value
        else:
            kept[name] = value
    save_file(added, folder / ADAPTER, {"format": "pt"})
    save_file(kept, folder / HEADS, {"format": "pt"})
    rank = next(each.shape[0] for name, each in added.items() if "lora_A" in name)
    modules = sorted({name.split(".lora_")[0].rpartition(".")[2] for name in added})
    config = {
        "peft_type": "LORA",
        "base_model_name_or_path": "sentence-transformers/all-MiniLM-L6-v2",
        "r": rank,
        "lora_alpha": int(SCALE * rank),
        "target_modules": modules,
        "bias": "none",
        "inference_mode": True,
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")

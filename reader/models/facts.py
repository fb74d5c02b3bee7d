"""What can be told of this machine and of a model in its files, without loading the weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reader.errors import ModelLoadError, ModelNotFoundError

__all__ = ["DeviceFacts", "TokenizerFacts", "device_facts", "tokenizer_facts", "weight_bytes"]


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """The accelerator of this machine.

    Attributes:
        torch: Version of torch.
        cuda: Version of CUDA that torch was built with, None without.
        gpu: Name of the first GPU that torch sees, None without.
        free: Its free memory, bytes.
        total: Its memory, bytes.
        faiss_gpus: GPUs that FAISS sees.
    """

    torch: str
    cuda: str | None
    gpu: str | None
    free: int
    total: int
    faiss_gpus: int


@dataclass(frozen=True, slots=True)
class TokenizerFacts:
    """The tokenizer of a model.

    Attributes:
        template: Whether it brings a chat template.
        enforceable: Whether replies can be held to a schema while they are generated.
    """

    template: bool
    enforceable: bool


def device_facts() -> DeviceFacts:
    """What torch and FAISS see here."""
    import faiss
    import torch

    gpus = int(faiss.get_num_gpus()) if hasattr(faiss, "get_num_gpus") else 0
    if not torch.cuda.is_available():
        return DeviceFacts(torch.__version__, torch.version.cuda, None, 0, 0, gpus)
    free, total = torch.cuda.mem_get_info()
    return DeviceFacts(torch.__version__, torch.version.cuda, torch.cuda.get_device_name(), free, total, gpus)


def tokenizer_facts(name: str) -> TokenizerFacts:
    """What the tokenizer of a model on this machine can do.

    Raises:
        ModelNotFoundError: If it is not here.
        ModelLoadError: If it cannot be read.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    try:
        tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=True)
    except OSError as error:
        raise ModelNotFoundError(f"The tokenizer of {name!r} is not on this machine yet.") from error
    except (ValueError, KeyError, TypeError, AttributeError, ImportError) as error:
        raise ModelLoadError(f"The tokenizer of {name!r} cannot be read.") from error
    return TokenizerFacts(bool(tokenizer.chat_template), isinstance(tokenizer, PreTrainedTokenizerFast))


def weight_bytes(folder: Path) -> int:
    """Bytes of the weight files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*.safetensors"))

"""The loop: batches of one length, bfloat16, averages of the weights, checkpoints to go on from."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from reader.errors import TrainingDataError
from reader.training.examples import Example, Pool, batch_of, examples_of
from reader.training.network import SpanNetwork, loss_of
from reader.training.rows import digest_of

__all__ = ["CHECKPOINT", "Course", "planned", "train"]

CHECKPOINT: Final = "checkpoint.safetensors"
RATES: Final = {"lora": 7e-4, "heads": 1e-3, "other": 5e-4}
DECAY: Final = {"lora": 0.01, "heads": 0.01, "other": 0.0}
KEEPS: Final = 0.998
"""Of the averaged weights, at each step."""
WRONG: Final = 2
"""Passages that were found and do not answer, of a question that is put before some."""
STRETCH: Final = 4096
"""Questions among which those of one length are put together."""
UNANSWERED: Final = 1.5
"""How often a question without an answer is taken where one with an answer is taken once."""
SHARES: Final = {
    "squad": 3.0,
    "squadshifts_wiki": 3.0,
    "squadshifts_reddit": 1.5,
    "squadshifts_amazon": 1.0,
    "qamr": 1.0,
    "fairytaleqa": 3.0,
    "policyqa": 0.4,
    "qed": 2.0,
    "covidqa": 0.5,
}
TRICKS: Final = {"squad": 0.15, "squadshifts_wiki": 0.3, "qamr": 0.15, "qed": 0.2}


@dataclass(frozen=True, slots=True)
class Course:
    """How to train.

    Attributes:
        seed: Of everything that is drawn.
        times: How often each question is taken, times its set's share.
        tokens: Of a batch, padding included.
        wrong: Share of the questions that are also put before a wrong passage.
        tricks: By set, the share that is also put with something exchanged in it.
        often_wrong: By set, what stands in the place of `wrong`.
        rate: What the learning rates are multiplied by.
    """

    seed: int = 7
    times: float = 1.0
    tokens: int = 3072
    wrong: float = 0.3
    tricks: dict[str, float] = field(default_factory=TRICKS.copy)
    often_wrong: dict[str, float] = field(default_factory=dict)
    rate: float = 1.0


def planned(pool: Pool, course: Course) -> list[list[Example]]:
    """The batches in order, the same for the same pool and course; those of one question stay together."""
    random = np.random.default_rng(course.seed)
    groups: list[list[Example]] = []
    for n, asked in enumerate(pool.asked):
        share = SHARES.get(asked.row.source, 1.0) * course.times * (1 if asked.spans else UNANSWERED)
        for _ in range(int(share) + int(random.random() < share % 1)):
            chance = course.often_wrong.get(asked.row.source, course.wrong)
            wrong, trick = random.random(2) < (chance, course.tricks.get(asked.row.source, 0.0))
            groups.append(examples_of(pool, n, random, WRONG if wrong else 0, bool(trick)))
    longest = [max(each.length for each in group) for group in groups]
    order = random.permutation(len(groups))
    batches: list[list[Example]] = []
    for at in range(0, len(order), STRETCH):
        made: list[list[Example]] = []
        batch: list[Example] = []
        for k in sorted(order[at : at + STRETCH], key=lambda k: longest[k]):
            if batch and (len(batch) + len(groups[k])) * longest[k] > course.tokens:
                made.append(batch)
                batch = []
            batch += groups[k]
        made.append(batch)
        batches += [made[k] for k in random.permutation(len(made))]
    return batches


def train(
    pool: Pool,
    course: Course,
    folder: Path,
    device: str = "cpu",
    said: Callable[[str], None] = print,
    start: Mapping[str, Tensor] | None = None,
) -> dict[str, Tensor]:
    """Train, going on from the checkpoint in `folder` if there is one; the averaged weights, by name.

    `start` are weights to begin with, those of an earlier course. A checkpoint is written every few minutes,
    so that what is broken off loses no more.

    Raises:
        TrainingDataError: If there is nothing to train on, or the checkpoint is of another course or cannot
            be read.
    """
    torch.manual_seed(course.seed)
    batches = planned(pool, course)
    if not batches:
        raise TrainingDataError(
            f"{len(pool.asked):,} questions, {course.times:g} times each, are none to train on."
        )
    network = SpanNetwork().to(device).train()
    with torch.no_grad():
        for name, each in network.trained().items():
            if start is not None:
                each.copy_(start[name])
    training = _Training(network, batches, course, folder, digest_of(asked.row for asked in pool.asked))
    step = first = training.resumed()
    began = saved = time.monotonic()
    losses: dict[str, float] = {}
    while step < training.steps:
        for name, value in training.take(pool, step, device).items():
            losses[name] = 0.98 * losses.get(name, value) + 0.02 * value
        step += 1
        now = time.monotonic()
        if step % 50 == 0 or step == training.steps:
            left = (now - began) / (step - first) * (training.steps - step) / 60
            shown = ", ".join(f"{name} {value:.3f}" for name, value in losses.items())
            said(f"step {step:,} of {training.steps:,}: {shown}; {left:.0f} minutes left")
        if now - saved > 240 or step == training.steps:
            saved = now
            training.save(step)
    return training.mean


class _Training:
    """The network with everything that changes from step to step."""

    def __init__(
        self, network: SpanNetwork, batches: list[list[Example]], course: Course, folder: Path, data: str
    ) -> None:
        self.network, self.batches, self.steps = network, batches, len(batches)
        self.file = folder / CHECKPOINT
        self.rate = course.rate
        self.about = {"course": json.dumps(asdict(course)), "steps": str(self.steps), "data": data}
        self.now = network.trained()
        self.mean = {name: each.detach().clone() for name, each in self.now.items()}
        self.optimizer = torch.optim.AdamW(_groups(self.now), betas=(0.9, 0.98), fused=True)

    def take(self, pool: Pool, step: int, device: str) -> dict[str, float]:
        """One step; each loss."""
        warm = max(1, self.steps // 20)
        rate = min((step + 1) / warm, (self.steps - step) / max(self.steps - warm, 1))
        for group in self.optimizer.param_groups:
            group["lr"] = RATES[group["kind"]] * self.rate * rate
        arrays = batch_of(pool, self.batches[step])
        batch = {name: torch.from_numpy(each).to(device) for name, each in arrays.items()}
        with torch.autocast(device, torch.bfloat16):
            found = self.network(batch["ids"], batch["kinds"], batch["mask"], batch["shapes"])
        loss, losses = loss_of(found, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        for each in self.now.values():
            if each.grad is None:  # a batch without an answer says nothing about spans
                each.grad = torch.zeros_like(each)
        torch.nn.utils.clip_grad_norm_(self.now.values(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        # The first steps count less in the average, which began at where training began.
        keeps = min(KEEPS, (2 + step) / (11 + step))
        with torch.no_grad():
            for name, each in self.now.items():
                self.mean[name].lerp_(each, 1 - keeps)
        return losses

    def save(self, step: int) -> None:
        """Write the checkpoint; one that is broken off leaves the one before."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        tensors = {f"now.{name}": each.detach() for name, each in self.now.items()}
        tensors |= {f"mean.{name}": each for name, each in self.mean.items()}
        for name, each in self.now.items():
            state = self.optimizer.state[each]
            tensors |= {f"first.{name}": state["exp_avg"], f"second.{name}": state["exp_avg_sq"]}
        part = self.file.with_suffix(".part")
        about = self.about | {"step": str(step)}
        save_file({name: each.contiguous() for name, each in tensors.items()}, part, about)
        part.replace(self.file)

    def resumed(self) -> int:
        """The step to go on with, 0 without a checkpoint."""
        if not self.file.exists():
            return 0
        try:
            with safe_open(self.file, "pt") as kept:
                about = kept.metadata() or {}
                if {name: about.get(name) for name in self.about} != self.about:
                    raise TrainingDataError(
                        f"{self.file} is of another course or other data; remove it to begin anew."
                    )
                step = int(about["step"])
                with torch.no_grad():
                    for name, each in self.now.items():
                        each.copy_(kept.get_tensor(f"now.{name}"))
                        self.mean[name].copy_(kept.get_tensor(f"mean.{name}"))
                        self.optimizer.state[each] = {
                            "step": torch.tensor(float(step), device=each.device),
                            "exp_avg": kept.get_tensor(f"first.{name}").to(each.device),
                            "exp_avg_sq": kept.get_tensor(f"second.{name}").to(each.device),
                        }
        except (OSError, SafetensorError, KeyError, ValueError, RuntimeError) as error:
            raise TrainingDataError(f"The checkpoint {self.file} cannot be read: {error}.") from error
        return step


def _groups(trained: dict[str, Tensor]) -> list[dict[str, Any]]:
    kinds: dict[str, list[Tensor]] = {kind: [] for kind in RATES}
    for name, each in trained.items():
        kinds["lora" if "lora_" in name else "other" if name.startswith("base.") else "heads"].append(each)
    return [{"params": each, "weight_decay": DECAY[kind], "kind": kind} for kind, each in kinds.items()]

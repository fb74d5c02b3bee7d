"""What `clew doctor` says of the reader: the device, whether the model fits, its window, what it enforces."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from app.bootstrap import chosen_device, connect_endpoint, load_model
from app.checks import Check
from app.config import Settings
from reader.chat import ChatModel, Message, Request
from reader.decisions import choose, reason_first
from reader.errors import ModelError
from reader.models.facts import device_facts, tokenizer_facts, weight_bytes
from reader.models.fit import estimate
from retrieval.encoder import model_folder
from retrieval.errors import ClewError

__all__ = ["device_check", "reader_checks"]

GIGABYTE: Final = 1e9
ENDPOINT: Final = "(OPENAI_BASE_URL, CLEW_MODEL)"
PROBE: Final = (Message("user", "Which of the two is a colour: red or seven?"),)


def device_check() -> Check:
    """The accelerator, if there is one."""
    facts = device_facts()
    if facts.gpu is None:
        built = f"built for CUDA {facts.cuda}, " if facts.cuda else ""
        return Check("device", "ok", f"torch {facts.torch}, {built}no GPU: everything runs on the CPU")
    memory = f"{facts.free / GIGABYTE:.1f} of {facts.total / GIGABYTE:.1f} GB free"
    detail = (
        f"torch {facts.torch}, CUDA {facts.cuda}, {facts.gpu}, {memory}, FAISS sees {facts.faiss_gpus} GPUs"
    )
    return Check("device", "ok", f"{detail} (CLEW_DEVICE)")


def reader_checks(settings: Settings, probe: bool) -> list[Check]:
    """What can be said of the reader; with `probe`, by one tiny request to its model as well."""
    kind, _, name = settings.model.partition(":")
    checks: list[Check] = []
    try:
        if kind == "extractive":
            detail = "extractive: quotes the documents, no language model (CLEW_MODEL)"
            return [Check("reader", "ok", detail)]
        if kind == "hf":
            checks += _local(settings, str(Path(name).expanduser()) if name.startswith("~") else name)
        elif kind == "openai":
            checks += _endpoint(settings, probe)
        else:
            model = load_model(settings)
            checks.append(Check("model", "ok", f"{model.name}: plays replies from a file (CLEW_MODEL)"))
            model.close()
        if probe and kind != "openai":
            checks.append(_probe(settings))
    except ClewError as error:
        checks.append(Check("model", "problem", f"{settings.model}: {error} (CLEW_MODEL)"))
    checks.append(_limits(settings))
    return checks


def _local(settings: Settings, name: str) -> list[Check]:
    fit = estimate(name, chosen_device(settings), settings.window, settings.quantization)
    encoder = weight_bytes(model_folder(settings.encoder)) if fit.device.startswith("cuda") else 0
    needed = fit.needed + encoder
    size = f"{fit.parameters / GIGABYTE:.2f} billion parameters in {fit.number_format} on {fit.device}"
    memory = (
        f"{fit.weights / GIGABYTE:.1f} GB of weights, {fit.cache / GIGABYTE:.1f} GB for a window of "
        f"{fit.window:,} tokens, {fit.free / GIGABYTE:.1f} GB free"
    )
    detail = f"{settings.model}: {size}, {memory}"
    fits = needed <= fit.free
    hint = "" if fits else f"; it does not fit, {_smaller(fit.largest_window)}"
    checks = [Check("model", "ok" if fits else "problem", f"{detail}{hint} (CLEW_MODEL)")]
    checks.append(Check("window", "ok", f"{fit.window:,} tokens of prompt and reply (CLEW_WINDOW)"))
    facts = tokenizer_facts(name)
    template = "its own" if facts.template else "none of its own, a plain one is used: is it a chat model?"
    checks.append(Check("template", "ok" if facts.template else "warning", template))
    reasons = reason_first(settings.reason_first, fit.parameters / GIGABYTE)
    enforced = "enforced by a grammar, token by token" if facts.enforceable else "validated and repaired once"
    detail = f"{enforced}; reasoned first: {'yes' if reasons else 'no'} (CLEW_REASON_FIRST)"
    checks.append(Check("decisions", "ok", detail))
    return checks


def _smaller(largest: int) -> str:
    if largest >= 1024:
        return f"a window of {largest:,} would: set CLEW_WINDOW, or CLEW_QUANTIZATION=4bit"
    return "set CLEW_QUANTIZATION=4bit, or take a smaller model"


def _endpoint(settings: Settings, probe: bool) -> list[Check]:
    model = connect_endpoint(settings)
    try:
        if not probe:
            names = model.models()
            listed = model.name in names
            detail = f"{model.address} answers, and has {', '.join(names[:5]) or 'a model'}"
            unknown = Check("decisions", "ok", "`clew doctor --probe` finds out whether they are enforced")
            reached = Check("endpoint", "ok" if listed or not names else "warning", f"{detail} {ENDPOINT}")
            return [reached, *_window(settings, model), unknown]
        found = model.probe()
        if found.error is not None:
            return [Check("endpoint", "problem", f"{model.address}: {found.error} {ENDPOINT}")]
        took = f"answered a tiny request in {found.seconds or 0:.2f} s"
        enforced = (
            "enforced by the server" if found.enforced else "not enforced: validated, and repaired once"
        )
        return [
            Check("endpoint", "ok", f"{model.address} {took} {ENDPOINT}"),
            *_window(settings, model),
            Check("decisions", "ok", enforced),
        ]
    finally:
        model.close()


def _window(settings: Settings, model: ChatModel) -> list[Check]:
    known = settings.window is not None or getattr(model, "window_known", False)
    told = "set" if settings.window is not None else "told by the server"
    window = f"{model.window:,} tokens of prompt and reply, {told if known else 'assumed'} (CLEW_WINDOW)"
    exact = getattr(model, "exact_tokens", False)
    tokens = "counted exactly" if exact else "estimated with caution (CLEW_TOKENIZER)"
    return [
        Check("window", "ok" if known else "warning", window),
        Check("tokens", "ok" if exact else "warning", tokens),
    ]


def _probe(settings: Settings) -> Check:
    """One tiny request to a model of this process."""
    model = load_model(settings)
    try:
        completion = model.complete(Request(PROBE, max_tokens=8))
        decided = choose(model, PROBE, ["red", "seven"])
        speed = completion.completion_tokens / max(completion.seconds, 1e-6)
        detail = f"{model.name} wrote {completion.completion_tokens} tokens in {completion.seconds:.2f} s "
        detail += f"({speed:.1f} tokens/s) and chose {decided.value!r}"
        return Check("probe", "ok", detail)
    except ModelError as error:
        return Check("probe", "problem", str(error))
    finally:
        model.close()


def _limits(settings: Settings) -> Check:
    cache = f"{settings.cache_megabytes} MB" if settings.cache_megabytes else "off"
    calls = f"{settings.max_rounds} follow-ups, {settings.max_calls} calls, {settings.max_tokens:,} tokens"
    names = "(CLEW_MAX_ROUNDS, CLEW_MAX_CALLS, CLEW_MAX_TOKENS, CLEW_MAX_SECONDS)"
    detail = (
        f"per question {calls}, {settings.max_seconds:.0f} s {names}; "
        f"cache of replies {cache} (CLEW_CACHE_MEGABYTES)"
    )
    return Check("limits", "ok", detail)

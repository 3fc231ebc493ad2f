"""Running a model so that nothing of it, and no random state, is other afterwards than before."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor, nn


def unwrapped(model: nn.Module) -> nn.Module:
    """The module itself, out of what compiles it or spreads it over devices.

    Raises:
        TypeError: it is no torch module.
        ValueError: its parameters are spread over processes, or are not there yet.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model: {type(model).__name__}, must be a torch.nn.Module; see observe")
    while (inner := _inner(model)) is not None:
        model = inner
    for name, parameter in model.named_parameters():
        if nn.parameter.is_lazy(parameter):
            raise ValueError(
                f"model: its parameter {name} has no shape yet: send one batch through it first"
            )
        if parameter.is_meta:
            raise ValueError(f"model: its parameter {name} is on the meta device, without numbers")
        if hasattr(parameter, "full_tensor") or hasattr(parameter, "ds_shape"):
            _refuse_spread(f"its parameter {name}")
    for name, module in model.named_modules():
        # Known by what it holds: to import its class takes long.
        if hasattr(module, "_fsdp_wrapped_module") and _has_others():
            _refuse_spread(f"its part {name}" if name else "it")
    return model


def _has_others() -> bool:
    distributed = torch.distributed
    return distributed.is_initialized() and distributed.get_world_size() > 1


def _refuse_spread(what: str) -> NoReturn:
    raise ValueError(
        f"model: {what} is spread over processes, and to gather it takes all of them: gather "
        "features and the last layer, and use observe"
    )


def compiled_part(model: nn.Module) -> str | None:
    """Which part of the model is compiled, in words; None where none is."""
    for name, module in model.named_modules():
        wrapped = isinstance(getattr(module, "_orig_mod", None), nn.Module)
        if wrapped or getattr(module, "_compiled_call_impl", None) is not None:
            return f"its part {name}" if name else "the model"
    return None


def _inner(model: nn.Module) -> nn.Module | None:
    """What `torch.compile`, DataParallel or DistributedDataParallel wraps; None of others."""
    compiled = getattr(model, "_orig_mod", None)
    if isinstance(compiled, nn.Module):
        return compiled
    wrappers = (nn.DataParallel, nn.parallel.DistributedDataParallel)
    return model.module if isinstance(model, wrappers) else None


@contextmanager
def untouched(model: nn.Module | None) -> Iterator[None]:
    """Within, the model is in evaluation mode, and no gradient is taken.

    Afterwards all of its modules have the mode, the buffers and the plain attributes that they had,
    and all random numbers go on as if nothing had been. Compiled parts run uncompiled within, so
    that hooks fire.
    """
    with ExitStack() as stack:
        stack.enter_context(same_randomness())
        # Not inference mode: what a module keeps of it for later could not be trained with.
        stack.enter_context(torch.no_grad())
        if "torch._dynamo" in sys.modules:
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        if model is not None:
            stack.enter_context(_same_modes(model))
            stack.enter_context(_same_buffers(model))
            stack.enter_context(_same_attributes(model))
        yield


@contextmanager
def same_randomness() -> Iterator[None]:
    """Afterwards Python's, numpy's and torch's random numbers go on as if nothing had been."""
    python, of_numpy, processor = random.getstate(), np.random.get_state(), torch.get_rng_state()
    on_gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    on_mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(of_numpy)
        torch.set_rng_state(processor)
        if on_gpus is not None:
            torch.cuda.set_rng_state_all(on_gpus)
        if on_mps is not None:
            torch.mps.set_rng_state(on_mps)


@contextmanager
def _same_modes(model: nn.Module) -> Iterator[None]:
    # Not by `eval`, which models override to do more, such as merging their adapters.
    modes = [(module, module.training) for module in model.modules()]
    try:
        for module, _ in modes:
            module.training = False
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def _same_attributes(model: nn.Module) -> Iterator[None]:
    """What modules keep beside tensors, such as how often they were called, or what is at hand."""
    plain = [module for module in model.modules() if not isinstance(module, torch.jit.ScriptModule)]
    before = [(vars(module), dict(vars(module))) for module in plain]
    try:
        yield
    finally:
        for now, then in before:
            for name in set(now) - set(then):
                del now[name]
            now.update(then)


@contextmanager
def _same_buffers(model: nn.Module) -> Iterator[None]:
    kept: list[tuple[dict[str, Any], str, Tensor, Tensor]] = [
        (module._buffers, name, buffer, buffer.detach().clone())
        for module in model.modules()
        for name, buffer in module._buffers.items()
        if buffer is not None
    ]
    there = [(module._buffers, _names(module._buffers)) for module in model.modules()]
    try:
        yield
    finally:
        for buffers, names in there:
            for name in _names(buffers) - names:
                del buffers[name]  # made on the way
        for buffers, name, buffer, before in kept:
            buffers[name] = buffer
            # Not by its version, which a change by way of `.data` does not tell of. And only what
            # was changed: what autograd needs later must not be written to.
            if not _same_bits(buffer, before):
                with torch.no_grad():
                    buffer.copy_(before)


def _names(buffers: Any) -> set[str]:
    return {name for name, _ in buffers.items()}  # those of scripted modules give no more


def _same_bits(buffer: Tensor, before: Tensor) -> bool:
    if buffer.device.type == "meta" or buffer.is_quantized or buffer.layout != torch.strided:
        return True
    # Of NaN none is equal to another.
    return bool(((buffer == before) | ((buffer != buffer) & (before != before))).all())

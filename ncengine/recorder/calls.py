"""What goes into a model's layers and comes out of them, while it runs once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ncengine.recorder.outputs import first_tensor
from ncengine.recorder.products import products


@dataclass(frozen=True)
class Call:
    """One use of a layer.

    Attributes:
        name: the module's, or of a function that it is one.
        module: None where it is a function.
        given, gave: the first tensor in, and out.
        weight, bias: of a function alone, its (K, d) and (K,).
        turned: whether given and gave were (T, B, ...) and are (B, T, ...) here.
        passed_on: of what was `kept`, the tensor itself that came out, and its version then.
    """

    name: str
    module: nn.Module | None
    given: Tensor
    gave: Tensor
    weight: Tensor | None = None
    bias: Tensor | None = None
    turned: bool = False
    passed_on: tuple[Tensor, int] | None = None

    def kept(self) -> Call:
        """With numbers of its own: what comes after may change them in place."""
        return replace(
            self,
            given=self.given.detach().clone(),
            gave=self.gave.detach().clone(),
            passed_on=(self.gave, _version(self.gave)),
        )

    def turn(self) -> Call:
        """The same with samples on the first axis, where they were on the second."""
        given, gave = self.given.transpose(0, 1), self.gave.transpose(0, 1)
        return replace(self, given=given, gave=gave, turned=True)

    def is_at(self, values: Tensor) -> bool:
        """Whether the values are what came out, the same place in memory, and not changed since."""
        gave, version = self.passed_on or (self.gave, _version(self.gave))
        return same_place(gave, values) and _version(gave) == version


@contextmanager
def listening(
    modules: Iterable[tuple[str, nn.Module]],
    heard: Callable[[Call], None],
    functions: bool = False,
) -> Iterator[None]:
    """Within, tells of every use of the modules, inner ones before those they are part of.

    Args:
        modules: with their names.
        functions: whether of products with a matrix too, be they in a module or not.
    """
    with ExitStack() as stack:
        for name, module in modules:

            def hook(mod: nn.Module, args: Any, kwargs: Any, output: Any, name: str = name) -> None:
                given = first_tensor(args)
                given, gave = first_tensor(kwargs) if given is None else given, first_tensor(output)
                if given is not None and gave is not None and not _escapes(gave):
                    heard(Call(name, mod, *_of_whole_maps(mod, given, gave)))

            if not isinstance(module, torch.jit.ScriptModule):  # it takes none, or calls none
                handle = module.register_forward_hook(hook, with_kwargs=True)
                stack.callback(handle.remove)
        if functions:
            stack.enter_context(_Functions(heard))
        yield


def same_place(first: Tensor, second: Tensor) -> bool:
    """Whether both are the same place in memory: no numbers are looked at."""
    if first.numel() != second.numel() or first.device != second.device:
        return False
    if first.is_quantized or first.storage_offset() != second.storage_offset():
        return False
    return first.untyped_storage()._cdata == second.untyped_storage()._cdata


def _of_whole_maps(module: nn.Module, given: Tensor, gave: Tensor) -> tuple[Tensor, Tensor]:
    """As rows where a convolution's kernel is as large as its map, which is one product then."""
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        whole = tuple(given.shape[2:]) == module.kernel_size and given.ndim == module.weight.ndim
        if whole and given.shape[2:].numel() > 1 and gave.shape[2:].numel() == 1:
            return given.flatten(1), gave.flatten(1)
    return given, gave


def _escapes(values: Tensor) -> bool:
    """Whether it stands for one sample within `vmap`, outside of which there is no such thing."""
    return torch._C._functorch.is_functorch_wrapped_tensor(values)


def _version(values: Tensor) -> int:
    """Grows with each change in place."""
    return 0 if values.is_inference() else values._version


class _Functions(TorchFunctionMode):
    """Tells of products with a matrix (K, d), and changes nothing."""

    def __init__(self, heard: Callable[[Call], None]):
        super().__init__()
        self.heard = heard

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if isinstance(output, Tensor) and not _escapes(output):
            for given, weight, bias, gave in products(func, args, kwargs or {}, output):
                self.heard(
                    Call("a product of features and a matrix", None, given, gave, weight, bias)
                )
        return output

"""What goes into a model's layers and comes out of them, while it runs once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from ncengine.recorder.outputs import first_tensor

# By what a linear layer is computed that no module stands for.
_PRODUCTS = (
    torch.matmul,
    torch.mm,
    torch.Tensor.matmul,
    torch.Tensor.mm,
    torch.Tensor.__matmul__,
)


@dataclass(frozen=True)
class Call:
    """One use of a layer.

    Attributes:
        name: the module's, or of a function that it is one.
        module: None where it is a function.
        given, gave: the first tensor in, and out.
        weight, bias: of a function alone, its (K, d) and (K,).
    """

    name: str
    module: nn.Module | None
    given: Tensor
    gave: Tensor
    weight: Tensor | None = None
    bias: Tensor | None = None


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
                if given is not None and gave is not None:
                    heard(Call(name, mod, given, gave))

            handle = module.register_forward_hook(hook, with_kwargs=True)
            stack.callback(handle.remove)
        if functions:
            stack.enter_context(_Functions(heard))
        yield


class _Functions(TorchFunctionMode):
    """Tells of products with a matrix (K, d), and changes nothing."""

    def __init__(self, heard: Callable[[Call], None]):
        super().__init__()
        self.heard = heard

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if func is F.linear or func in _PRODUCTS:
            self._tell(func, args, kwargs or {}, output)
        return output

    def _tell(self, func: Any, args: Any, kwargs: Any, output: Any) -> None:
        values = [*args, *kwargs.values()]
        tensors = [one for one in values if isinstance(one, Tensor)]
        if len(tensors) < 2 or not isinstance(output, Tensor) or tensors[1].ndim != 2:
            return
        given, weight, *rest = tensors
        if func is not F.linear:
            weight, rest = weight.T, []
        if given.ndim >= 2 and given.shape[-1] == weight.shape[-1]:
            bias = rest[0] if rest else None
            self.heard(
                Call("a product of features and a matrix", None, given, output, weight, bias)
            )

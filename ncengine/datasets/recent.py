"""Recent: a function's results, remembered as long as they are used and memory allows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """A function that remembers its latest results, up to so many bytes together.

    `functools.lru_cache` counts results, of which one can be a thousand times as large as
    another. The last result stays, however large. Safe to call from several threads.

    Args:
        function: of positional, hashable arguments.
        size: bytes that a result takes.
        most: bytes that results may take together.
    """

    def __init__(self, function: Callable[..., Value], *, size: Callable[[Value], int], most: int):
        self._function, self._size, self._most = function, size, most
        self._results: OrderedDict[tuple[Hashable, ...], Value] = OrderedDict()
        self._lock = Lock()

    def __call__(self, *arguments: Hashable) -> Value:
        with self._lock:
            if arguments in self._results:
                self._results.move_to_end(arguments)
                return self._results[arguments]
        result = self._function(*arguments)
        with self._lock:
            # Another thread may have been faster; all are to get the same object.
            result = self._results.setdefault(arguments, result)
            self._results.move_to_end(arguments)
            while len(self._results) > 1 and self._bytes() > self._most:
                self._results.popitem(last=False)
        return result

    def _bytes(self) -> int:
        return sum(map(self._size, self._results.values()))

    def cache_clear(self) -> None:
        """Forgets all results."""
        with self._lock:
            self._results.clear()

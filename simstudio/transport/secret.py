"""``Secret``: a key, a token or a signature in a form that no repr shows."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Secret(Generic[T]):
    """A value that its repr does not show.

    Crash reporters send the repr of the locals of every frame that an exception went through. So a function that is
    given a secret wraps it and deletes its parameter before it does anything that can raise, and no function keeps the
    revealed value in a variable.

    Args:
        value: The secret, or a mapping or a tuple that holds one. A Secret stands for what it holds.
    """

    __slots__ = ("_value",)

    def __init__(self, value: T | Secret[T]) -> None:
        held: Any = value.reveal() if isinstance(value, Secret) else value
        self._value: T = held

    def reveal(self) -> T:
        """The value, to be used in the same expression."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return self._value == other._value if isinstance(other, Secret) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "Secret(***)"

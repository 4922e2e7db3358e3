"""Choices dealt out of one draw of bytes.

Hypothesis spends a tenth of a millisecond on each thing drawn, and an answer with its manner of being written down is
some hundred choices. Drawn as bytes and dealt out they cost one draw; a byte that shrinks to zero, or that is missing,
deals the first option, which is the plainest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Deal:
    """Choices, in the order in which they are asked for."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._next = 0

    def __repr__(self) -> str:
        return f"Deal({self._content.rstrip(bytes(1))!r})"

    def number(self, most: int) -> int:
        """A number from 0 to a largest one, that included."""
        value = 0
        for _ in range(1 if most < 256 else 3):
            value = value << 8 | (self._content[self._next] if self._next < len(self._content) else 0)
            self._next += 1
        return value % (most + 1)

    def one(self, options: Sequence[T]) -> T:
        """One of several options."""
        return options[self.number(len(options) - 1)]

    def chance(self, one_in: int) -> bool:
        """Whether something happens that happens once in so many times."""
        return self.number(one_in - 1) == one_in - 1

    def few(self, options: Iterable[T], most: int) -> list[T]:
        """Some of the options, each once at most, in their order."""
        options = list(options)
        places = {self.number(len(options) - 1) for _ in range(self.number(most))} if options else set()
        return [options[place] for place in sorted(places)]

    def cut(self, text: bytes, most: int = 4) -> list[bytes]:
        """Bytes in some pieces, none of them empty."""
        cuts = self.few(range(1, len(text)), most)
        return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    def cut_text(self, text: str, most: int = 3) -> list[str]:
        """A text in some pieces, none of them empty."""
        cuts = self.few(range(1, len(text)), most)
        return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


DEALS = st.binary(min_size=256, max_size=256).map(Deal)

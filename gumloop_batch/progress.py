"""What there is to see while a job runs."""

from __future__ import annotations

import sys
import time
import warnings
from typing import Any, Protocol

from gumloop_batch.tally import Tally

_EVERY = 30.0  # seconds between two lines


class Progress(Protocol):
    """Shows how far a job is."""

    def show(self, tally: Tally) -> None:
        """Show it; called a few times each second."""

    def close(self, tally: Tally) -> None:
        """Show the end."""


def progress_for(wanted: bool | None, total: int) -> Progress:
    """A bar at a terminal or in a notebook, else a line every half minute.

    Args:
        wanted: ``False`` for nothing at all; ``None`` and ``True`` for what fits.
        total: How many rows there are to do.
    """
    if wanted is False:
        return Silence()
    if in_notebook() or sys.stderr.isatty():
        return Bar(total)
    return Lines()


def in_notebook() -> bool:
    """Whether a notebook's kernel runs this."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"


class Silence:
    """Shows nothing."""

    def show(self, tally: Tally) -> None:
        """Show nothing."""

    def close(self, tally: Tally) -> None:
        """Show nothing."""


class Bar:
    """A bar of tqdm: rows, failures, rows a second, cost and calls in flight."""

    def __init__(self, total: int) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that tqdm's bar by rich is experimental
            self._bar = _bar_class()(total=total, unit="row", dynamic_ncols=True, mininterval=0)

    def show(self, tally: Tally) -> None:
        """Bring the bar up to date."""
        self._bar.n = tally.answered + tally.failed
        more = {"failed": tally.failed, "cost": f"${tally.cost:.4f}", "in_flight": tally.calls_in_flight}
        self._bar.set_postfix(more, refresh=False)
        if type(self._bar).__name__ == "tqdm_rich":  # which shows no postfix
            self._bar.set_description(", ".join(f"{name}={value}" for name, value in more.items()), refresh=False)
        self._bar.refresh()

    def close(self, tally: Tally) -> None:
        """Leave the bar as it stands at the end."""
        self.show(tally)
        self._bar.close()


class Lines:
    """A line every half minute, to standard error."""

    def __init__(self, every: float = _EVERY) -> None:
        self._every = every
        self._next = time.monotonic() + every

    def show(self, tally: Tally) -> None:
        """Write a line, if it is time for one."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._every
            self._write(tally)

    def close(self, tally: Tally) -> None:
        """Write the last line."""
        self._write(tally)

    def _write(self, tally: Tally) -> None:
        sys.stderr.write(line_of(tally) + "\n")
        sys.stderr.flush()


def line_of(tally: Tally) -> str:
    """How far a job is, in words."""
    done = tally.answered + tally.failed
    total = tally.rows - tally.skipped
    return (
        f"{done:,} of {total:,} rows, {tally.failed:,} failed, {done / max(tally.seconds, 1e-9):.1f} rows/s, "
        f"${tally.cost:.4f}, {tally.calls_in_flight} calls in flight"
    )


def _bar_class() -> Any:
    """tqdm; in a notebook, the one that draws with rich, if that is there."""
    if in_notebook():
        try:
            from tqdm.rich import tqdm_rich
        except ImportError:
            from tqdm.auto import tqdm as found
        else:
            return tqdm_rich
    else:
        from tqdm import tqdm as found
    return found

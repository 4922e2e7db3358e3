"""Observers that are context managers."""

from __future__ import annotations

from gumloop_core.costs.observer_context import ObserverContext
from gumloop_core.observation import CallRecord, current_observers


class Nobody(ObserverContext):
    def before_call(self, model: str) -> None:
        pass

    def after_call(self, record: CallRecord) -> None:
        pass


def test_it_observes_inside_and_can_be_entered_within_itself() -> None:
    nobody = Nobody()
    with nobody as entered:
        assert entered is nobody
        with nobody:
            assert current_observers() == (nobody,)
        assert current_observers() == (nobody,)
    assert current_observers() == ()

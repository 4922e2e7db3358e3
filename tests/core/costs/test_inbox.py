"""Nothing that is handed in is lost, done twice or waited for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from gumloop_core.costs.inbox import Inbox


def test_what_is_handed_in_while_at_work_is_done_afterwards() -> None:
    done: list[int] = []

    def work(item: int) -> None:
        if item < 3:
            inbox.put(item + 1)  # as the garbage collector does, in the middle of a line
        done.append(item)

    inbox: Inbox[int] = Inbox(work)
    inbox.put(0)
    assert done == [0, 1, 2, 3]


def test_what_is_handed_in_while_emptied_waits() -> None:
    done: list[int] = []
    inbox: Inbox[int] = Inbox(done.append)
    with inbox.emptied():
        inbox.put(1)
        assert done == []
    with inbox.emptied():
        assert done == [1]


def test_many_threads() -> None:
    total = 0

    def work(item: int) -> None:
        nonlocal total
        total += item

    inbox: Inbox[int] = Inbox(work)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: [inbox.put(1) for _ in range(500)], range(16)))
    with inbox.emptied():
        assert total == 8000

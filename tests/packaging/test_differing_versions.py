"""What `make newest` says of the versions that it tries."""

from __future__ import annotations

import sys

from scripts.differing_versions import differing, pinned

THIS = f"{sys.version_info.major}.{sys.version_info.minor}"
LOCKED = f"""
# settled by make lock
httpx==0.28.1 \\
    --hash=sha256:00 \\
    --hash=sha256:11
coverage[toml]==7.1 ; python_full_version < '{THIS}' \\
    --hash=sha256:22
coverage[toml]==7.2 ; python_full_version >= '{THIS}' \\
    --hash=sha256:33
Typing_Extensions==4.12
gone==1.0
"""


def test_versions_are_those_of_this_python() -> None:
    assert pinned(LOCKED) == {"httpx": "0.28.1", "coverage": "7.2", "typing-extensions": "4.12", "gone": "1.0"}


def test_what_differs_is_named_with_both_versions() -> None:
    newest = "httpx==0.29.0\ncoverage[toml]==7.2\ntyping-extensions==4.12\nnew==2.0\n"
    assert differing(LOCKED, newest) == [
        "gone is gone (locked: 1.0)",
        "httpx 0.29.0 (locked: 0.28.1)",
        "new 2.0 (locked: not there)",
    ]


def test_nothing_is_said_of_the_same_versions() -> None:
    assert differing(LOCKED, LOCKED) == []

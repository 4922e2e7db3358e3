"""What pyproject.toml claims as the lowest versions is what `make lowest` tries."""

from __future__ import annotations

from itertools import chain

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.packaging.distributions import ROOT, project_file


def test_each_lower_bound_is_tried() -> None:
    project = project_file("gumloop-llms")["project"]
    written = [project["dependencies"], *project["optional-dependencies"].values()]
    claimed = {
        canonicalize_name(requirement.name): Version(specifier.version)
        for requirement in map(Requirement, chain.from_iterable(written))
        for specifier in requirement.specifier
        if specifier.operator == ">="
    }
    tried = {
        canonicalize_name(requirement.name): Version(str(requirement.specifier).removeprefix("=="))
        for line in (ROOT / "requirements" / "floors.in").read_text(encoding="utf-8").splitlines()
        if "==" in line
        for requirement in [Requirement(line)]
    }
    assert claimed
    assert {name: tried.get(name) for name in claimed} == claimed

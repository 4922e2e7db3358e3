"""How many examples a property sees, and by how many roads each goes.

``suite`` belongs to ``make test``: few examples, the same in every run, each on a road of either adapter, shown as they
are where they fail. ``fuzz`` belongs to ``make fuzz``: many, others in every run, each on all roads; what fails is made
smaller, and tried first in the next run. ``brief`` is between the two. ``HYPOTHESIS_PROFILE`` names the one to use.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

PROFILE = os.environ.get("HYPOTHESIS_PROFILE") or "suite"
ALL_ROADS = PROFILE == "fuzz"

# An example is a dozen requests with all that the frameworks do around them: some are slow, most of all the first.
_SLOW = [HealthCheck.too_slow]

settings.register_profile(
    "suite",
    max_examples=200,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=_SLOW,
    phases=[Phase.explicit, Phase.generate],
)
settings.register_profile(
    "fuzz", max_examples=20_000, derandomize=False, deadline=None, suppress_health_check=_SLOW, print_blob=True
)
settings.register_profile("brief", parent=settings.get_profile("fuzz"), max_examples=2_000)

# Applied test by test rather than loaded: loading would change the properties of the other tests too.
FUZZED = settings.get_profile(PROFILE)

"""How many examples a property sees.

``suite`` belongs to ``make test``: few, and the same in every run. ``fuzz`` belongs to ``make fuzz``: many, others in
every run, and what failed once is tried first. ``HYPOTHESIS_PROFILE`` names the one to use.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A property calls every road of both adapters: the first example alone takes longer than any deadline.
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example, HealthCheck.filter_too_much]

settings.register_profile(
    "suite", max_examples=200, derandomize=True, database=None, deadline=None, suppress_health_check=_SLOW
)
settings.register_profile(
    "fuzz", max_examples=20_000, deadline=None, suppress_health_check=_SLOW, print_blob=True, report_multiple_bugs=True
)
settings.register_profile("brief", parent=settings.get_profile("fuzz"), max_examples=2_000)

# Applied test by test rather than loaded: loading would change the properties of the other tests too.
FUZZED = settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

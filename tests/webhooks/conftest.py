from __future__ import annotations

from hypothesis import HealthCheck, settings

# No example is timed: a busy machine is no bug. The profile is loaded again here because these tests also run alone.
settings.register_profile(
    "simstudio", deadline=None, database=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("simstudio")

"""For all tests."""

from hypothesis import HealthCheck, settings

# A busy machine is no failure: no test here measures time, and Hypothesis' deadline and its check of speed would.
# The same examples in every run: what one person sees pass, passes for the next.
settings.register_profile(
    "dockmesh", deadline=None, max_examples=50, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
# `pytest --hypothesis-profile=thorough tests/property` looks longer, and at other examples each time.
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile("dockmesh")

"""For all tests."""

from hypothesis import settings

# A busy machine is no failure: no test here measures time, and Hypothesis' deadline would.
settings.register_profile("dockmesh", deadline=None, max_examples=50)
# `pytest --hypothesis-profile=thorough tests/property` looks longer.
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile("dockmesh")

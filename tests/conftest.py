"""For all tests."""

from hypothesis import settings

# A busy machine is no failure: no test here measures time, and Hypothesis' deadline would.
settings.register_profile("dockmesh", deadline=None)
settings.load_profile("dockmesh")

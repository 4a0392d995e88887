"""The sabotage list once more, on a real kernel: the very tests of the other lab."""

from tests.lab.test_verify import *  # noqa: F403

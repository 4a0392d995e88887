"""Where a host keeps what dockmesh did to it; all of it mode 0600 in a folder of mode 0700."""

from dockmesh.agent.commit_confirm import ARMED, DEADLINE, RETURNING, RUNS, STATE

__all__ = ["APPLIED", "ARMED", "DEADLINE", "IPV6", "LIBRARY", "ORIGIN", "RAN", "RETURNING", "RUNS", "STATE", "STAY_OUT"]

APPLIED = f"{STATE}/applied.json"  # what the last confirmed run made of this host
ORIGIN = f"{STATE}/origin.json"  # what was there before the first one
IPV6 = f"{STATE}/ipv6.json"  # what the host did with IPv6 before Docker's rules came, while they are there
LIBRARY = f"{STATE}/lib"  # the program of the rollback
STAY_OUT = f"{STATE}/stay-out"  # the host has addresses that another one got: br0 must not come into docker0
RAN = f"{STATE}/ran.json"  # the containers that run, by their identifiers, while `destroy` restarts Docker

"""Defects of released software that dockmesh must know of, each with its cause."""

# "ofproto-dpif: Fix bundle floodable flag when disabling STP/RSTP" (June 2026): with a spanning tree on, nothing is
# flooded to internal ports, br0's own among them: docs/reports/openvswitch-floodable.md.
FLOODS_NOTHING = ("4.0.0",)
INSTEAD_OF_A_TREE = "set `forwarding: direct` in the file and run `dockmesh apply`"


def floods_nothing(switch_version: str | None) -> bool:
    """Whether this version of Open vSwitch keeps frames from hosts while a spanning tree is on."""
    return switch_version in FLOODS_NOTHING


def said_of_floods(switch_version: str | None) -> str:
    """What is wrong with it, for an error or a finding."""
    return f"Open vSwitch {switch_version} floods nothing to a host while a spanning tree is on, by a defect of its own"

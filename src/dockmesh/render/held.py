"""The flows of a host between two plans.

Two hosts that go by two plans can send a frame in a circle: what is forward to the one is back to the other. So no host
gets the flows of a new plan before each has given up what that does not have: then all go by what both plans say, and
from there on by that or by the new one. Every frame goes by rules of one plan, and those have an end.

A pair whose ways the new plan leaves alone notices nothing. A pair with a direct link keeps that, for a frame that goes
to its destination goes nowhere after. Others may wait until their hosts have the new plan.
"""

import re

from dockmesh.render.flows import FORWARD
from dockmesh.render.openflow import Flow, Groups, read_flows, read_groups, text_of

FROM_HERE = re.compile(r"(.*,in_port=LOCAL,reg0=(\d+),reg1=\d+,actions=)group:(\d+)")


def held(old: str, new: str) -> str | None:
    """Of the old text what the new one has, too, and the direct links; None if that is all of it."""
    stays = {words for _, words in read_flows(new)}
    groups, direct = dict(read_groups(old)), Groups({})
    kept: list[Flow] = []
    whole = True
    for kind, words in read_flows(old):
        if not words.startswith(f"table={FORWARD},") or "group:" not in words or words in stays:
            kept.append((kind, words))
            continue
        whole = False
        found = FROM_HERE.fullmatch(words)
        if found and f"watch_port={found[2]}," in groups[int(found[3])]:
            peer = int(found[2])
            kept.append((kind, found[1] + direct.action([peer], peer)))
    if whole:
        return None
    groups |= dict(read_groups("".join(f"{line}\n" for line in direct.lines())))
    used = {int(number) for _, words in kept for number in re.findall(r"group:(\d+)", words)}
    lines = [line for number, line in groups.items() if number in used or ",type=indirect," in line]
    return text_of(lines, kept)

"""A whole mesh inside one Open vSwitch: each host a bridge with its rendered flows, each link a pair of patch ports.

So one `ofproto/trace` follows a frame through all hosts. BFD runs over patch ports, too; whether a port is alive is
told by hand, and a dead link lets nothing pass.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from dockmesh.plan.types import Plan
from dockmesh.render.flows import bundle
from tests.lab.mesh import Mesh as LabMesh
from tests.support.openflow import Frame, trace_words

Arrived = tuple[str, str, int, int]  # at which host, in which network, from and to which Ethernet address
Sent = tuple[str, str, Frame]  # by which host, in which network


class Bridges:
    def __init__(self, lab: LabMesh, host: str, plan: Plan) -> None:
        self.lab, self.host, self.plan = lab, host, plan
        self._make()
        shown = lab.on(host, "ovs-appctl dpif/show")
        ports = {name: int(port) for name, port in re.findall(r"^\s+([\w-]+) \d+/(\d+):", shown, re.MULTILINE)}
        self._local = {
            ports[each.name if allocation.port is None else _port(each.name, allocation.name)]: (
                each.name,
                allocation.name,
            )
            for each in plan.hosts
            for allocation in each.networks
        }

    def _make(self) -> None:
        words = []
        for each in self.plan.hosts:
            words.append(f"add-br {each.name} -- set bridge {each.name} datapath_type=netdev fail_mode=secure")
        for each in self.plan.hosts:
            for tunnel in each.tunnels:
                port, number = _port(each.name, tunnel.peer), self.plan.host(tunnel.peer).number
                words.append(
                    f"add-port {each.name} {port} -- set interface {port} type=patch "
                    f"options:peer={_port(tunnel.peer, each.name)} ofport_request={number} bfd:enable=true"
                )
            for allocation in each.further:
                port = _port(each.name, allocation.name)
                words.append(f"add-port {each.name} {port} -- set interface {port} type=internal")
                words.append(f"set interface {port} ofport_request={allocation.port}")
        self.lab.on(self.host, f"ovs-vsctl -- {' -- '.join(words)}")
        for each in self.plan.hosts:
            text = bundle(self.plan, each)
            self.lab.on(
                self.host,
                f"cat > /tmp/flows <<'EOF'\n{text}EOF\novs-ofctl -O OpenFlow15 bundle {each.name} /tmp/flows",
            )

    def remove(self) -> None:
        self.lab.on(self.host, "".join(f"ovs-vsctl del-br {each.name};" for each in self.plan.hosts))

    def traced(
        self,
        dead: int,
        seen: Mapping[str, int],
        bits: Mapping[frozenset[str], int],
        frames: Sequence[Sent],
    ) -> list[list[Arrived]]:
        """Where each of the frames, sent at its host, arrives; as the walker's `walk` is asked."""
        script = [*self._links(dead, seen, bits)]
        for host, network, frame in frames:
            allocation = self.plan.host(host).on(network)
            assert allocation is not None
            script.append(f"ovs-appctl ofproto/trace {host} '{trace_words(frame, allocation.port)}'")
        answer = self.lab.on(self.host, "set -e\n" + "\n".join(script))
        found = re.findall(r"^Datapath actions: (.*)$", answer, re.MULTILINE)
        assert len(found) == len(frames), answer[-2000:]
        return [self._arrived(actions, frame) for actions, (_, _, frame) in zip(found, frames, strict=True)]

    def _links(self, dead: int, seen: Mapping[str, int], bits: Mapping[frozenset[str], int]) -> Iterable[str]:
        for each in self.plan.hosts:
            for tunnel in each.tunnels:
                bit = bits[frozenset((each.name, tunnel.peer))]
                alive = "false" if seen.get(each.name, dead) & bit else "true"
                yield f"ovs-appctl bfd/set-forwarding {_port(each.name, tunnel.peer)} {alive} >/dev/null"
                passes = "no-forward" if dead & bit else "forward"
                yield f"ovs-ofctl mod-port {each.name} {self.plan.host(tunnel.peer).number} {passes}"

    def _arrived(self, actions: str, frame: Frame) -> list[Arrived]:
        """Out of the datapath's actions: a port gets the frame as those before it have made it.

        A frame with a tag would be one that left no host; the tag itself is put on and taken off in one translation.
        """
        tagged = "vlan_tci" in dict(frame)
        fields = dict(frame)
        addresses = {"src": fields["eth_src"], "dst": fields["eth_dst"]}
        found = []
        for word in re.findall(r"set\(eth\([^)]*\)\)|push_vlan\([^)]*\)|\d+|\w+", actions):
            if word.startswith("push_vlan") or word == "pop_vlan":
                tagged = word != "pop_vlan"
            elif word.startswith("set(eth("):
                changed = re.findall(r"(src|dst)=([0-9a-f:]{17})", word)
                addresses |= {key: int(value.replace(":", ""), 16) for key, value in changed}
            elif word != "drop":
                assert not tagged, actions
                found.append((*self._local[int(word)], addresses["src"], addresses["dst"]))
        return sorted(found)


def _port(host: str, peer: str) -> str:
    """Of 15 characters at most, as a name of an interface is."""
    return f"{host.replace('host', 'h')}-{peer.replace('host', 'h')}"

"""Flows and groups of a bridge in memory: as much of ovs-ofctl as dockmesh says to it."""

from dataclasses import dataclass, field

from dockmesh.agent.flow_guard import flows_of, read_groups
from dockmesh.transport.requests import Answer
from tests.support.known_commands import UnknownCommandError


@dataclass
class FakeFlows:
    """Flows as they were given; groups by number, as a switch lists them."""

    flows: set[str] = field(default_factory=set)
    groups: dict[int, str] = field(default_factory=dict)

    def install(self, bundle: str) -> None:
        self.flows = set(flows_of(bundle).splitlines())
        lines = [line for line in bundle.splitlines() if line.startswith("group add")]
        self.groups |= {number: line for line in lines for number in read_groups(line)}

    def answer(self, words: list[str], stdin: str, file: str) -> Answer:
        if "bundle" in words:
            if words[-1] == "-":
                self.install(stdin)
                return Answer(0)
            if not file:
                return Answer(1, err="ovs-ofctl: could not open the file")
            self.install(file)
        elif "diff-flows" in words:
            wanted = set(stdin.splitlines())
            lines = [f"+{flow}\n" for flow in wanted - self.flows] + [f"-{flow}\n" for flow in self.flows - wanted]
            return Answer(2 if lines else 0, "".join(lines))
        elif "dump-groups" in words:
            return Answer(
                0,
                "OFPST_GROUP_DESC reply (OF1.5) (xid=0x2):\n" + "".join(f" {each}\n" for each in self.groups.values()),
            )
        elif "dump-flows" not in words:
            raise UnknownCommandError(("ovs-ofctl", *words))
        return Answer(0)

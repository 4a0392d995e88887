"""A container network, and what is attached to it."""

from dockmesh.meshfile.excerpt import clipped
from dockmesh.meshfile.explain import Place
from dockmesh.meshfile.lists import ListOf
from dockmesh.meshfile.section import Inner, Key, Section
from dockmesh.meshfile.types import Located
from dockmesh.meshfile.values import INTERFACE, LABEL, NETWORK, NETWORK6, OTHERS_VLAN, TRUTH, VLAN
from dockmesh.model.network import DOCKER_BRIDGE, Attachment, Network

# A Linux interface's name has 15 characters (linux/if.h, IFNAMSIZ), and four of them say whose it is: `dmv-`.
MOST_CHARACTERS = 11


class AttachSection(
    Section,
    title="`attach` of a network",
    where="under `attach` of a network",
    example={"host": "host1", "interface": "eth1", "vlan": 30},
    otherwise="; a network has one",
    model=Attachment,
):
    """What joins machines outside the mesh to a network: an interface of one host, with all that is behind it."""

    host = Key(LABEL, "The host that has the interface; it must be on the network.", examples=("host1",))
    interface = Key(
        INTERFACE,
        "A network card, a bond, a VLAN device or a bridge of that host. The mesh has it for itself: it must have no "
        "address and be in nothing else.",
        examples=("eth1",),
    )
    vlan = Key(
        OTHERS_VLAN,
        "The tag of its frames on that interface, another one for each network that is attached there. Without it: the "
        "frames that have no tag.",
        None,
        examples=(30,),
    )
    addresses = Key(
        NETWORK,
        "The part of the network's prefix that is out there: no host's pool and address. Without it: all of the prefix "
        "that are no host's.",
        None,
        examples=("10.80.0.0/19",),
    )
    dhcp = Key(
        TRUTH,
        "Whether DHCP passes between containers of the network and machines out there. Without it no container gives "
        "those addresses, or takes some of theirs away.",
        False,
    )


class NetworkSection(Section, title="An entry of `networks`", where="in an entry of `networks`", model=Network):
    """One container network that spans the hosts. The first is docker0."""

    name = Key(
        LABEL,
        "docker0, Docker's default bridge, for the first; any other for those after it, which Docker has under that "
        f"name: at most {MOST_CHARACTERS} characters.",
        examples=(DOCKER_BRIDGE, "blue"),
        note="Docker's default bridge",
    )
    prefix = Key(
        NETWORK,
        "The whole range of addresses, shared by all hosts.",
        examples=("172.17.0.0/16",),
        note="the whole range, shared by all hosts",
    )
    vlan = Key(
        VLAN,
        "The tag of its frames between hosts (IEEE 802.1Q), another for each network. docker0 has none.",
        None,
        examples=(20,),
    )
    internal = Key(TRUTH, "Whether its containers reach nothing but each other. docker0 is never internal.", False)
    hosts = Key(
        ListOf(
            LABEL,
            "host",
            "a list of host names such as [host1, host2]; without it the network is on all hosts",
            "list of names",
        ),
        "The hosts that are on it, if not all are. docker0 is on all.",
        None,
        examples=(["host1", "host2"],),
    )
    prefix6 = Key(
        NETWORK6,
        "A range of IPv6 addresses beside `prefix`: then each host has an address6 and a pool6 in the network. docker0 "
        "has none.",
        None,
        examples=("fd00:80::/64",),
    )
    attach = Inner(
        AttachSection,
        "An interface of one host that joins what is behind it, a VLAN or another bridge, to the network.",
        None,
    )

    @classmethod
    def within(cls, place: Place) -> tuple[str, str]:
        return "", " of the network" if place.number == 1 else f" of {place.subject}"

    @property
    def label(self) -> Located[str]:
        """Its name; "" where that is wrong or missing."""
        return self.name or Located("", self.span)

    @property
    def shown(self) -> str:
        return clipped(self.label.value) or "the network"

    def has(self, host: str) -> bool:
        return self.hosts is None or host in {each.value for each in self.hosts.value}

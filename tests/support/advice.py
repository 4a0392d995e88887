"""Every cause that `verify`, `status` and `preflight` can name, with how a lab makes it and how its advice is followed.

By the function that names it, in the order of the source. tests/unit/docs/test_advice.py sees that none is left out,
tests/lab/test_advice.py makes them on real hosts, does what is advised to the letter, and looks again.
"""

from dataclasses import dataclass
from enum import StrEnum

LAB = "lab"  # in place of a host: a verb of `dockmesh lab`
Order = tuple[str, str]  # at which host, and the command line there

OTHERS = (
    "cp -p /etc/docker/daemon.json /root/right.json;"
    "sed -i 's/{old}/{new}/' /etc/docker/daemon.json; systemctl reset-failed docker; systemctl restart docker;"
    "cp -p /root/right.json /etc/docker/daemon.json"
)
RUN = "docker run --detach --name {name} --stop-signal KILL {options} busybox sleep 1000000"
NO_GUARD = "systemctl stop dockmesh-flows; "


class World(StrEnum):
    """The mesh that a harm is done to: tests/lab/advising.py makes them, in this order."""

    DIRECT = "direct"
    OUTSIDE = "outside"  # direct, with an attached interface, IPv6 and Docker's API
    RSTP = "rstp"
    # On hosts whose card keeps the underlay address: prepared hosts before the first apply, with the file of `init`.
    NEW = "new"
    ENCRYPTED = "encrypted"
    DEVICES = "devices"  # tunnels are the kernel's devices, in clear


@dataclass(frozen=True, slots=True)
class Made:
    """The verb's answer to the harm contains `words`.

    `mend` is what a person does, only where the advice has no command and no setting of the mesh file.
    """

    name: str
    harm: tuple[Order, ...]
    words: str
    mend: tuple[Order, ...] = ()
    world: World = World.DIRECT
    common: bool = False  # `make test` makes it, too: what happens most, on the lab that files share


@dataclass(frozen=True, slots=True)
class MadeBy:
    """Another test of the lab makes it and checks the advice: `words` stand in the source's text and in that test."""

    test: str  # file::function
    words: str


@dataclass(frozen=True, slots=True)
class NotMade:
    """Why no lab makes it."""

    why: str


Entry = Made | MadeBy | NotMade | tuple[Made, ...]  # a tuple where one place of the source says several things


def at(host: str, command: str) -> tuple[Order, ...]:
    return ((host, command),)


def lab(words: str) -> tuple[Order, ...]:
    return ((LAB, words),)


HEAL = lab("heal")
OF_A_PERSON = NotMade("what is advised is a person's to find out")
ONLY_A_LOOK = NotMade("the advice is to look: nothing of it could be followed to an end")
ENDS = NotMade("no lab waits for a certificate to end; tests/unit/status/test_api.py")
LISTEN = "systemd-run --quiet --collect --unit=listens python3 -c 'import socket, time; {}; time.sleep(10000)'"
LISTEN_UDP = LISTEN.format("s = socket.socket(type=socket.SOCK_DGRAM); s.bind((str(), {}))")
LISTEN_TCP = LISTEN.format("s = socket.create_server((str(), {}))")
NO_KEEPER = at("host2", "systemctl stop dockmesh-wireguard")
NO_LISTENER = at("host2", "systemctl stop listens")


def attached_out(name: str) -> Made:
    """An attached interface that somebody took out of its bridge."""
    harm = at("host2", "ovs-vsctl del-port dma-phy0 phy0")
    return Made(name, harm, "phy0, attached to blue, is not in dma-phy0", world=World.OUTSIDE)


def strange_member(name: str) -> Made:
    """A device of somebody else's in the bridge of a network with an attached interface."""
    harm = at("host2", "ip link add strange0 type veth peer name strange1; ip link set strange0 master dm-blue")
    return Made(name, harm, "strange0 is in dm-blue, and neither", world=World.OUTSIDE)


def narrow_interface(name: str) -> Made:
    return Made(name, at("host2", "ip link set phy0 mtu 1300"), "phy0 has MTU 1300, less than", world=World.OUTSIDE)


OTHER_SYSTEM = NotMade("no host of the lab is so; tests/unit/preflight has it")
WITHOUT_DATAPATH = NotMade("the lab's kernel has no openvswitch, and its hosts reach each other through it")

VERIFY: dict[str, tuple[Entry, ...]] = {
    "verify.diagnose._unexplained": (ONLY_A_LOOK,),
    "verify.diagnose.look": (
        Made("a host that is down", lab("crash host3"), "no SSH connection", lab("start host3")),
        Made(
            "two containers with one MAC address",
            tuple((h, RUN.format(name="twin", options="--mac-address 02:42:ac:11:ff:07")) for h in ("host1", "host2")),
            "have the same MAC address",
            at("host2", f"docker rm -f twin; {RUN.format(name='twin', options='')}"),
        ),
    ),
    "verify.diagnose._tree": (
        NotMade("as soon as the other hosts let frames pass to that one, the circle below is what is named"),
        NotMade("the same where no circle of tunnels is: tests/unit/verify/test_tree.py"),
        Made(
            "a spanning tree that is off",
            at("host2", "ovs-vsctl set bridge br0 rstp_enable=false"),
            "frames can loop",
            world=World.RSTP,
        ),
        NotMade(
            "apply refuses a tree with Open vSwitch 4.0: tests/lab/test_releases.py; tests/unit/verify/test_tree.py"
        ),
        NotMade("ports that stay in a wrong state come by defects of Open vSwitch; tests/unit/verify/test_tree.py"),
        NotMade("the same"),
    ),
    "verify.diagnose._flows": (
        Made(
            "a bridge that forwards frames like a plain switch",
            at("host2", f"{NO_GUARD}ovs-ofctl -O OpenFlow15 add-flow br0 priority=1,actions=NORMAL"),
            "br0 forwards frames like a plain switch",
        ),
        Made(
            "groups that are gone", at("host2", f"{NO_GUARD}ovs-ofctl -O OpenFlow15 del-groups br0"), "missing on br0"
        ),
    ),
    "verify.diagnose._guard": (
        Made(
            "flows of the guard that are gone",
            at(
                "host2",
                f"{NO_GUARD}ovs-ofctl -O OpenFlow15 del-flows br0; ovs-ofctl add-flow br0 priority=0,actions=NORMAL",
            ),
            "could send with addresses of other hosts",
            world=World.RSTP,
        ),
    ),
    "verify.diagnose._firewalls": (
        NotMade("the lab's kernel has no br_netfilter; tests/unit/verify/test_diagnose.py"),
        Made(
            "a firewall that lets pings in and no TCP",
            at("host2", "iptables -I INPUT -i docker0 -p tcp -j REJECT --reject-with tcp-reset"),
            "takes no TCP connection there",
            at("host2", "iptables -D INPUT -i docker0 -p tcp -j REJECT --reject-with tcp-reset"),
        ),
    ),
    "verify.diagnose._names": (
        Made("a resolver that is stopped", at("host2", "systemctl stop dockmesh-names"), "its resolver does not run"),
    ),
    "verify.diagnose._encryption": (
        Made("an encryption that nobody keeps", NO_KEEPER, "nothing keeps its encryption", world=World.ENCRYPTED),
        Made(
            "a pair of hosts without a key",
            at("host2", "rm /var/lib/dockmesh/keys/preshared-host1; systemctl reload dockmesh-wireguard"),
            "no preshared key with host1",
            world=World.ENCRYPTED,
        ),
    ),
    "verify.diagnose._not_measured": (
        Made(
            "a Docker that can start no container",
            at("host2", "mv /usr/sbin/runc /usr/sbin/runc.away"),
            "no probe container could be started",
            at("host2", "mv /usr/sbin/runc.away /usr/sbin/runc"),
        ),
        NotMade("its Python would have to go between its start and its measuring"),
        NotMade("the same"),
    ),
    "verify.encryption.keeps_down": (NotMade("the same, said of a tunnel: tests/unit/verify/test_encryption.py"),),
    "verify.host.problems": (
        attached_out("an attached interface that is out of its bridge"),
        (
            Made("a bridge of a network that is down", at("host2", "ip link set dm-blue down"), "dm-blue is down"),
            Made("a network that Docker has no more", at("host2", "docker network rm blue"), "has no such network"),
            Made(
                "a network out of the fabric",
                at("host2", "ip link set dmv-blue nomaster"),
                "dmv-blue is not in dm-blue",
            ),
            Made(
                "a network's bridge with another address",
                at("host2", "ip -4 address flush dev dm-blue; ip address add 10.80.0.99/16 dev dm-blue"),
                "dm-blue has 10.80.0.99/16",
            ),
        ),
    ),
    "verify.host._fabric": (
        WITHOUT_DATAPATH,
        Made("no br0", at("host2", "ovs-vsctl del-br br0"), "Open vSwitch has no bridge br0"),
    ),
    "verify.host._docker": (
        Made(
            "a Docker that is stopped",
            at("host2", "systemctl stop docker.socket docker.service"),
            "Docker is not running",
            common=True,
        ),
        Made(
            "a Docker with another pool than its file says",
            at("host2", OTHERS.format(old="172.17.128.0", new="172.17.192.0")),
            "Docker uses pool",
        ),
        Made(
            "a container outside the pool",
            at("host2", RUN.format(name="stray", options="--network blue --ip 10.80.0.77")),
            "outside this host's pool",
            at("host2", f"docker rm -f stray; {RUN.format(name='stray', options='--network blue')}"),
        ),
    ),
    "verify.host._full": (NotMade("test_a_pool_that_is_full in tests/lab/test_advice.py"),),
    "verify.host._docker0": (
        (
            Made("no docker0", at("host2", "ip link delete docker0"), "there is no docker0"),
            Made("a docker0 that is down", at("host2", "ip link set docker0 down"), "docker0 is down"),
            Made("a docker0 without address", at("host2", "ip -4 address flush dev docker0"), "docker0 has no address"),
            Made("br0 out of docker0", at("host2", "ip link set br0 nomaster"), "br0 is not in docker0"),
            Made("br0 down", at("host2", "ip link set br0 down"), "br0 is down"),
            Made("a docker0 with another MTU", at("host2", "ip link set docker0 mtu 1300"), "docker0 has MTU 1300"),
        ),
    ),
    "verify.host._mtu": (
        Made(
            "a Docker that gives another MTU",
            at("host2", OTHERS.format(old="1462", new="1300")),
            "Docker gives its containers MTU 1300",
        ),
        OF_A_PERSON,
    ),
    "verify.link._dead_underlays": (
        Made(
            "a host whose underlay is cut off", (*lab("cut host1 host3"), *lab("cut host2 host3")), "do not hear", HEAL
        ),
    ),
    "verify.link._silent_underlay": (
        Made("an underlay that is cut between two", lab("cut host1 host2"), "no ping passes between", HEAL),
    ),
    "verify.link._tunnel": (
        Made(
            "a tunnel that is gone", at("host2", "ovs-vsctl del-port br0 gre1"), "host2 has no tunnel to", common=True
        ),
        (
            Made(
                "a tunnel that leads elsewhere",
                at("host2", "ovs-vsctl set interface gre1 options:remote_ip=192.0.2.99"),
                "leads to 192.0.2.99",
            ),
            Made("a tunnel with a key", at("host2", "ovs-vsctl set interface gre1 options:key=77"), "its key is 77"),
            Made(
                "a tunnel that another one is in the way of",
                at(
                    "host2",
                    "remote=$(ovs-vsctl get interface gre1 options:remote_ip); ovs-vsctl add-br mine"
                    " -- set bridge mine datapath_type=netdev -- --if-exists del-port br0 gre1"
                    " -- add-port mine theirs -- set interface theirs type=gre options:remote_ip=$remote;"
                    "ovs-vsctl add-port br0 gre1 -- set interface gre1 type=gre options:remote_ip=$remote"
                    " bfd:enable=true external_ids:dockmesh=lab external_ids:dockmesh-peer=host1",
                ),
                "Open vSwitch says",
            ),
        ),
        Made("a tunnel without BFD", at("host2", "ovs-vsctl set interface gre1 bfd:enable=false"), "BFD switched off"),
        Made(
            "a kernel's device with a smaller MTU",
            at("host2", "ip link set dmt-vxlan1 mtu 1300"),
            "its device has MTU 1300",
            world=World.DEVICES,
        ),
        Made(
            "GRE that is dropped on the way",
            lab("cut host1 host2 --protocol gre"),
            "something between them drops",
            HEAL,
            common=True,
        ),
    ),
    "verify.link._narrow_underlay": (NotMade("tests/unit/verify/test_diagnose.py"),),
    "verify.address_conflicts.problems": (
        (
            Made(
                "an address of another host on docker0",
                at("host2", "ip address add 172.17.42.3/32 dev docker0"),
                "172.17.42.3 belongs to",
            ),
            Made(
                "an address of another host on a network's bridge",
                at("host2", "ip address add 10.80.42.3/32 dev dm-blue"),
                "10.80.42.3 belongs to",
            ),
            Made(
                "an address of another host on a device of its own",
                at("host2", "ip address add 172.17.42.3/32 dev lo"),
                "172.17.42.3 belongs to",
            ),
            Made(
                "an address of another host in a container",
                at(
                    "host2",
                    # With its rules nobody hears it.
                    "systemctl stop dockmesh-ports.service;"
                    f"{RUN.format(name='thief', options='--cap-add NET_ADMIN')};"
                    "docker exec thief /bin/busybox ip address add 172.17.42.3/16 dev eth0",
                ),
                "172.17.42.3 belongs to",
            ),
        ),
    ),
}

STATUS: dict[str, tuple[Entry, ...]] = {
    "status.encryption.findings": (
        Made("an encryption without its keeper", NO_KEEPER, "nothing keeps its encryption", world=World.ENCRYPTED),
    ),
    "status.api.findings": (
        Made(
            "Docker's API without its key",
            at("host2", "rm /etc/dockmesh/api-key.pem; systemctl restart dockmesh-api || true"),
            "Docker's API is shut",
            world=World.OUTSIDE,
        ),
        ENDS,
    ),
    "status.api.warnings": (ENDS, ENDS, ENDS),
    "status.attached.findings": (
        attached_out("an attached interface out of its bridge"),
        strange_member("a device of somebody else's beside what is attached"),
    ),
    "status.attached.interface_warnings": (narrow_interface("an attached interface with a smaller MTU"),),
    "status.attached.warnings": (NotMade("it needs a loop outside; tests/unit/status/test_attached.py"),),
    "status.findings.find": (NotMade("every first apply of the lab is this advice"),),
    "status.findings._silent": (
        Made("a host that answers no SSH", lab("crash host3"), "does not answer SSH", lab("start host3")),
    ),
    "status.findings._host": (
        WITHOUT_DATAPATH,
        Made(
            "a Docker that does not answer",
            at("host2", "systemctl stop docker.socket docker.service"),
            "Docker does not answer",
        ),
        Made(
            "a file of somebody else's in the way",
            at("host2", "sed -i 1d /etc/dockmesh/up"),
            "cannot be compared with the file",
            at("host2", "mv /etc/dockmesh/up /root/"),
        ),
    ),
    "status.findings._addresses": (
        NotMade("test_a_pool_that_is_full in tests/lab/test_advice.py"),
        Made(
            "a container outside its pool",
            at("host2", RUN.format(name="stray", options="--network blue --ip 10.80.0.77")),
            "outside this host's pool",
            at("host2", f"docker rm -f stray; {RUN.format(name='stray', options='--network blue')}"),
        ),
        Made(
            "two with one MAC address",
            tuple((h, RUN.format(name="twin", options="--mac-address 02:42:ac:11:ff:07")) for h in ("host1", "host2")),
            "have the same MAC address",
            at("host2", f"docker rm -f twin; {RUN.format(name='twin', options='')}"),
        ),
    ),
    "status.findings._link": (
        Made("a tunnel that somebody deleted", at("host2", "ovs-vsctl del-port br0 gre1"), "is missing"),
        NotMade("in other words by _below"),
    ),
    "status.findings._down": (NotMade("the same"),),
    "status.findings._underlay_reason": (
        NotMade("the lab's tunnels go past the kernel's rules; tests/unit/status/test_underlay_check.py"),
        Made("GRE that somebody drops", lab("cut host1 host2 --protocol gre"), "so something drops GRE", HEAL),
        Made("an underlay that is cut", lab("cut host1 host2"), "no ping passes", HEAL, common=True),
        ONLY_A_LOOK,
    ),
    "status.findings._tree": (
        Made(
            "a tree that is off",
            at("host2", "ovs-vsctl set bridge br0 rstp_enable=false"),
            "spanning tree: RSTP is off",
            world=World.RSTP,
        ),
    ),
    "status.findings._cut_off": (
        Made("no way at all", (*lab("cut host1 host3"), *lab("cut host2 host3")), "no path for frames between", HEAL),
    ),
    "status.findings._differences": (
        Made("a file that somebody edited", at("host2", "echo '# mine' >> /etc/dockmesh/up"), "drift (1)", common=True),
    ),
    "status.names.findings": (
        Made("a resolver that does not run", at("host2", "systemctl stop dockmesh-names"), "nobody answers names"),
        Made(
            "a resolver that another one does not hear",
            at("host2", "systemctl stop dockmesh-names"),
            "gets no answer from that of host2",
            at("host2", "systemctl start dockmesh-names"),
        ),
    ),
    "status.names.warnings": (NotMade("a container of the lab is never older than its names"),),
    "status.warnings.find": (NotMade("it needs a pool that is nearly full; tests/unit/status/test_judge.py"),),
}
FLAGS = "printf 'DOCKER_OPTS=\"{}\"\\n' > /etc/default/docker"
NO_FLAGS = at("host2", ": > /etc/default/docker")
IN_PREFLIGHT = "tests/lab/test_preflight.py::{}".format

PREFLIGHT: dict[str, tuple[Entry, ...]] = {
    "preflight.docker.judge": (OTHER_SYSTEM,),
    "preflight.docker._flags": (
        Made("a flag that is in daemon.json as well", at("host2", FLAGS.format("--mtu=1300")), "has --mtu", NO_FLAGS),
        Made("a flag for another bridge", at("host2", FLAGS.format("--bridge=other")), "has --bridge", NO_FLAGS),
        Made("a flag that parts containers", at("host2", FLAGS.format("--icc=false")), "has --icc=false", NO_FLAGS),
        Made(
            "a flag for another file",
            at("host2", FLAGS.format("--config-file=/root/d.json")),
            "has --config-file",
            NO_FLAGS,
        ),
        NotMade("with `hosts` in daemon.json Docker would have to be down; tests/unit/preflight/test_host.py has it"),
    ),
    "preflight.docker._version": (OTHER_SYSTEM, OTHER_SYSTEM),
    "preflight.docker._containers": (
        NotMade("every first apply beside containers is this advice"),
        NotMade("live-restore keeps one so over a change of the pool: tests/lab/test_addresses.py"),
    ),
    "preflight.docker_api.judge": (
        Made(
            "Docker on TCP by a flag",
            at("host2", FLAGS.format("-H tcp://127.0.0.1:2375")),
            "listens on TCP by itself",
            NO_FLAGS,
        ),
        Made(
            "somebody on Docker's port",
            at("host2", "systemd-run --quiet --unit=listens python3 -m http.server 2375"),
            "Docker's port without TLS",
            at("host2", "systemctl stop listens"),
        ),
        Made(
            "somebody on the port of Docker's API",
            at("host2", LISTEN_TCP.format(2376)),
            "TCP port 2376 is taken",
            NO_LISTENER,
            world=World.NEW,
        ),
    ),
    "preflight.encryption.judge": (
        Made(
            "somebody on the port of the encryption",
            at("host2", LISTEN_UDP.format(51820)),
            "is used already, by somebody else; WireGuard needs it",
            world=World.NEW,
        ),
        Made(
            "a device with the name of the encryption's",
            at("host2", "ip link add dmw-1 type bridge"),
            "has a device dmw-1 that dockmesh did not make",
            world=World.NEW,
        ),
        Made(
            "a route into the encryption's prefix",
            at("host2", "ip route add 198.18.5.0/24 dev eth0"),
            "the route 198.18.5.0/24 leads to eth0",
            world=World.NEW,
        ),
        Made(
            "an address in the encryption's prefix",
            at("host2", "ip address add 198.18.9.1/32 dev lo"),
            "which is in the prefix of the encryption",
            world=World.NEW,
        ),
    ),
    "preflight.firewalls.judge": (OTHER_SYSTEM,),
    "preflight.firewalls._forwarding": (
        Made(
            "a host that forwards nothing",
            at("host2", "sysctl -q -w net.ipv4.ip_forward=0"),
            "ip_forward is 0",
            common=True,
        ),
        NotMade("the lab's kernel has no br_netfilter; tests/unit/preflight/test_host.py"),
    ),
    "preflight.ipv6.judge": (
        Made(
            "IPv6 that is switched off",
            at("host2", "sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1"),
            "IPv6 is switched off",
            world=World.NEW,
        ),
        Made(
            "a host that forwards IPv6 for others",
            at("host2", "sysctl -q -w net.ipv6.conf.all.forwarding=1"),
            "it forwards IPv6",
            at("host2", "sysctl -q -w net.ipv6.conf.all.forwarding=0"),
            world=World.NEW,
        ),
        Made(
            "a network of somebody else's with IPv6",
            at("host2", "docker network create --ipv6 --subnet fd99::/64 six"),
            "Docker's network six has IPv6",
            at("host2", "docker network rm six"),
            world=World.NEW,
        ),
        Made(
            "IPv6 routes of a router",
            at("host2", "sysctl -q -w net.ipv6.conf.eth0.accept_ra=1; ip -6 route add fd98::/64 dev eth0 proto ra"),
            "come from a router's advertisements",
            world=World.NEW,
        ),
    ),
    "preflight.ipv6._prefix": (
        Made(
            "an address in a network's IPv6 prefix",
            at("host2", "ip -6 address add fd42:80::99/128 dev lo"),
            "lo has the address fd42:80::99",
            world=World.NEW,
        ),
        Made(
            "a route into a network's IPv6 prefix",
            at("host2", "ip -6 route add fd42:80::/96 dev eth0"),
            "the route fd42:80::/96 leads to eth0",
            at("host2", "ip -6 route del fd42:80::/96 dev eth0"),
            world=World.NEW,
        ),
    ),
    "preflight.managers._networkd": (
        MadeBy(IN_PREFLIGHT("test_a_match_all_of_networkd_is_found"), "00-dockmesh.network"),
    ),
    "preflight.managers._network_manager": (OTHER_SYSTEM,),
    "preflight.names.judge": (
        Made(
            "another DNS server",
            at("host2", LISTEN_TCP.format(53)),
            "another DNS server listens",
            world=World.NEW,
        ),
    ),
    "preflight.names._shut": (
        Made(
            "a firewall before the resolver",
            at("host2", "iptables -I INPUT -i docker0 -p udp --dport 53 -j DROP"),
            "keeps containers of docker0 from the resolver",
            common=True,
        ),
    ),
    "preflight.network._datapath": (NotMade("tests/unit/preflight/test_host.py"), OTHER_SYSTEM),
    "preflight.network._port": (NotMade("the mesh of these tests has GRE; tests/unit/preflight/test_host.py has it"),),
    "preflight.network._kernel_devices": (
        NotMade("every kernel with a lab makes VXLAN devices; tests/unit/preflight/test_kernel_devices.py"),
    ),
    "preflight.network._port_for_kernel": (
        Made(
            "a VXLAN device of another kind on the tunnels' port",
            at("host2", "ip link add theirs type vxlan external dstport 4789"),
            "theirs",
            at("host2", "ip link delete theirs"),
            world=World.NEW,
        ),
        Made(
            "somebody on the tunnels' port",
            at("host2", LISTEN_UDP.format(4789)),
            "is used already, and by no VXLAN device",
            NO_LISTENER,
            world=World.NEW,
        ),
    ),
    "preflight.network._underlay": (
        NotMade("no other host would reach it"),
        Made(
            "a card with a smaller MTU", at("host2", "ip link set eth0 mtu 1400"), "eth0 has MTU 1400", world=World.NEW
        ),
    ),
    "preflight.network._prefix": (
        Made(
            "an address of the prefix elsewhere",
            at("host2", "ip address add 172.17.9.1/32 dev lo"),
            "has the address 172.17.9.1",
        ),
        Made(
            "a route into the prefix",
            at("host2", "ip route add 172.17.5.0/24 dev eth0"),
            "the route 172.17.5.0/24",
            at("host2", "ip route del 172.17.5.0/24 dev eth0"),
        ),
        Made(
            "a route around the prefix",
            at("host2", "ip route add 172.16.0.0/12 dev eth0"),
            "hides a part of it",
            at("host2", "ip route del 172.16.0.0/12 dev eth0"),
        ),
    ),
    "preflight.network._attached": (narrow_interface("a narrow attached interface, before an apply"),),
    "preflight.network._docker_networks": (
        Made(
            "a network of somebody else's in the prefix",
            at("host2", "docker network create --subnet 10.80.77.0/24 inside"),
            "Docker's network inside has 10.80.77.0/24",
            world=World.NEW,
        ),
        Made(
            "a network of somebody else's with a name of ours",
            at("host2", "docker network rm blue; docker network create blue"),
            "has a network blue that is not of this mesh",
        ),
    ),
    "preflight.system.unreachable": (
        Made(
            "a host that does not answer", lab("crash host3"), "no SSH connection", lab("start host3"), world=World.NEW
        ),
    ),
    "preflight.system.judge": (
        Made(
            "a file that apply would refuse",
            at("host2", "sed -i 1d /etc/dockmesh/up"),
            "has a file /etc/dockmesh/up that dockmesh did not make",
            at("host2", "mv /etc/dockmesh/up /root/"),
        ),
    ),
    "preflight.system._python": (OTHER_SYSTEM, OTHER_SYSTEM),
    "preflight.system._disk": (OTHER_SYSTEM, OTHER_SYSTEM, OTHER_SYSTEM),
    "preflight.system._clock": (OTHER_SYSTEM, NotMade("a host of the lab has the clock of its machine")),
    "preflight.underlay.judge": (OTHER_SYSTEM,),
    "preflight.underlay._hidden": (
        MadeBy(
            "tests/lab/test_nat.py::test_preflight_notices_one_that_ssh_passes_by",
            "set `endpoint: dynamic`",
        ),
    ),
    "preflight.underlay._lost": (
        Made(
            "an underlay that is cut between prepared hosts",
            lab("cut host1 host2"),
            "not even a ping",
            HEAL,
            world=World.NEW,
        ),
    ),
    "preflight.underlay._not_sent": (OTHER_SYSTEM, OTHER_SYSTEM, OTHER_SYSTEM),
    "preflight.underlay._dropped_by_host": (
        Made(
            "a firewall before the encryption",
            at("host2", "iptables -I INPUT -p udp --dport 51820 -j DROP"),
            "arrives, and its own firewall drops it",
            world=World.NEW,
        ),
    ),
    "preflight.underlay._short": (
        MadeBy(IN_PREFLIGHT("test_a_smaller_mtu_on_the_way_is_found_with_what_passes"), "set `underlay_mtu: "),
    ),
}

# What `verify`, `status` and `preflight` all say of attached interfaces.
OUTSIDE: dict[str, tuple[Entry, ...]] = {
    "diff.attached_interfaces.problem": (
        Made(
            "an attached interface that is pulled out",
            at("host2", "ip link delete phy0"),
            "phy0, attached to blue, is not there",
            at("host2", "ip link add phy0 type veth peer name sw0"),
            world=World.OUTSIDE,
        ),
        NotMade("it is set up again at once: tests/lab/test_attach.py"),
        attached_out("an attached interface without its port"),
        NotMade("Open vSwitch has no reason to refuse a device; tests/unit/diff"),
    ),
    "diff.attached_interfaces.around": (strange_member("a device that neither Docker nor dockmesh put there"),),
    "diff.attached_interfaces.warnings": (
        narrow_interface("an attached interface that loses large packets"),
        Made(
            "an attached interface with an address",
            at("host2", "ip address add 192.0.2.9/24 dev phy0"),
            "got an address of this host (192.0.2.9",
            at("host2", "ip address flush dev phy0"),
            world=World.OUTSIDE,
        ),
    ),
}
VERBS = (("verify", VERIFY), ("status", STATUS), ("preflight", PREFLIGHT), ("status", OUTSIDE))
TABLE = {**VERIFY, **STATUS, **PREFLIGHT, **OUTSIDE}


def made(entry: Entry) -> tuple[Made, ...]:
    if isinstance(entry, tuple):
        return entry
    return (entry,) if isinstance(entry, Made) else ()

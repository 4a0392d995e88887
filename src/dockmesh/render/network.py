"""Further networks in the words of Docker's command line."""

from dockmesh.facts import types as facts_types
from dockmesh.facts.docker import BRIDGE_NAME, MTU
from dockmesh.plan.types import HostNetwork

LABEL = "dockmesh"  # key: the mesh that a network is part of
DRIVER = "bridge"
Argv = tuple[str, ...]


def create(network: HostNetwork, mesh: str) -> Argv:
    """Docker sets the gateway on the bridge, whether it is there or not, and takes it as it is otherwise."""
    return (
        *("docker", "network", "create", "--driver", DRIVER),
        *("--subnet", str(network.prefix), "--ip-range", str(network.pool), "--gateway", str(network.address.ip)),
        *_ipv6(network),
        *("--opt", f"{BRIDGE_NAME}={network.bridge}", "--opt", f"{MTU}={network.mtu}"),
        *("--label", f"{LABEL}={mesh}"),
        *(("--internal",) if network.internal else ()),
        network.name,
    )


def _ipv6(network: HostNetwork) -> tuple[str, ...]:
    if (address := network.address6) is None:
        return ()
    pool = ("--ip-range", str(network.pool6))
    return ("--ipv6", "--subnet", str(address.network), *pool, "--gateway", str(address.ip))


def create_again(network: facts_types.DockerNetwork) -> Argv:
    """One that was there: with what we ask Docker about."""
    options = {BRIDGE_NAME: network.bridge, MTU: network.mtu}
    return (
        *("docker", "network", "create", "--driver", network.driver),
        *(word for prefix in network.prefixes for word in ("--subnet", str(prefix))),
        *(("--ip-range", str(network.pool)) if network.pool else ()),
        *(("--gateway", network.gateway) if network.gateway else ()),
        *(("--ipv6",) if network.ipv6 else ()),
        *(word for prefix in network.prefixes6 for word in ("--subnet", str(prefix))),
        *(("--ip-range", str(network.pool6)) if network.pool6 else ()),
        *(("--gateway", network.gateway6) if network.gateway6 else ()),
        *(word for key, value in options.items() if value for word in ("--opt", f"{key}={value}")),
        *(word for key, value in sorted(network.labels.items()) for word in ("--label", f"{key}={value}")),
        *(("--internal",) if network.internal else ()),
        network.name,
    )


def remove(name: str) -> Argv:
    """It must have no running container."""
    return ("docker", "network", "rm", name)

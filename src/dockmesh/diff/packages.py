"""Which packages a host lacks or has in another version than the mesh brings: pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from dockmesh.debian import relation
from dockmesh.debian.deb import Deb
from dockmesh.debian.select import Installed, Selection, Unmet, select
from dockmesh.debian.version import compare
from dockmesh.diff.subject import Desired, Subject, Thing
from dockmesh.diff.types import Change, Origin, Step, StepName
from dockmesh.errors import HostError
from dockmesh.facts.system import LIBRARY
from dockmesh.facts.types import HostFacts
from dockmesh.model.mesh import Renderer
from dockmesh.render.types import HostConfig

PACKAGE_OF = {
    "ovs-vsctl": "openvswitch-switch",
    "dockerd": "docker.io",
    "docker": "docker-cli",
    "iptables": "iptables",
    "nft": "nftables",
}
WIREGUARD = {"wg": "wireguard-tools"}
WIREGUARD_GO = {"wireguard-go": "wireguard-go"}
# By Debian's name what may stand in for it: Docker's own packages are named otherwise.
NAMES = {
    "openvswitch-switch": ("openvswitch-switch",),
    "docker.io": ("docker.io", "docker-ce"),
    "docker-cli": ("docker-cli", "docker-ce-cli"),
    "iptables": ("iptables",),
    "nftables": ("nftables",),
    "bridge-utils": ("bridge-utils",),
    "ethtool": ("ethtool",),
    "python3-dnslib": ("python3-dnslib",),
    "stunnel4": ("stunnel4",),
    "wireguard-tools": ("wireguard-tools",),
    "wireguard-go": ("wireguard-go",),
}
# Of these every host is to have the same version, if the mesh brings one.
SAME_EVERYWHERE = ("openvswitch-switch", "docker.io", "docker-ce", "docker-cli", "docker-ce-cli")
WHY = {
    "openvswitch-switch": "it carries the fabric",
    "docker.io": "it runs the containers",
    "docker-cli": "Docker's command line",
    "iptables": "Docker needs it",
    "nftables": "it keeps containers from sending as their host",
    "bridge-utils": "ifupdown makes docker0 with it",
    "ethtool": "it sets what Open vSwitch needs at the kernel's tunnels",
    "python3-dnslib": "the resolver reads and writes DNS messages with it",
    "stunnel4": "it terminates TLS for Docker's API",
    "wireguard-tools": "it gives the WireGuard device its keys",
    "wireguard-go": "it encrypts, as this kernel cannot",
}
DOCKER = ("docker.io", "docker-ce")
HASH_SHOWN = 12


def packages_of(config: HostConfig, facts: HostFacts | None = None) -> Mapping[str, str]:
    """By program the package, by its name in Debian, of what the host needs; `facts`: for what its kernel lacks."""
    return {
        **PACKAGE_OF,
        **({"brctl": "bridge-utils"} if config.renderer is Renderer.IFUPDOWN else {}),
        **({"ethtool": "ethtool"} if config.kernel_devices else {}),
        **({"stunnel": "stunnel4"} if config.docker_api else {}),
        **(WIREGUARD if config.encrypted else {}),
        **(WIREGUARD_GO if config.encrypted and facts is not None and not facts.kernel_wireguard else {}),
        **({LIBRARY: "python3-dnslib"} if config.domain is not None else {}),
    }


def desired(config: HostConfig) -> Iterator[Desired]:
    versions: dict[str, list[str]] = {}
    for deb in config.debs:
        versions.setdefault(deb.package, []).append(f"{deb.version} {deb.architecture}")
    for name in packages_of(config).values():
        yield Desired(_subject(name), "installed", WHY[name])
    # Where the mesh brings one, its version counts.
    for name, each in versions.items():
        yield Desired(_subject(name), ", ".join(sorted(each)))


def _subject(name: str) -> Subject:
    return Subject(Thing.PACKAGE, name)


def package_steps(config: HostConfig, facts: HostFacts, missing: Sequence[str]) -> tuple[Step | None, Step | None]:
    """The steps that upgrade and that install packages; `missing` are the names in Debian of what is not there.

    Raises HostError where the mesh brings packages that do not fit the host.
    """
    if facts.packages is None:
        changes = tuple(Change(config.host, _subject(name), None, "installed", WHY[name]) for name in missing)
        return None, Step(StepName.INSTALL, changes, packages=tuple(missing)) if missing else None
    here = {deb.package: deb for deb in config.debs if deb.architecture in (facts.packages.architecture, "all")}
    installed = facts.packages.installed
    old = tuple(_old(config.host, here, installed))
    upgrade = select(old, here.values(), installed)
    # What an upgrade brings along is there before the rest is installed.
    after = {**installed, **{deb.package: Installed(deb.version, deb.provides) for deb in upgrade.debs}}
    roots: dict[str, Deb] = {}
    others: list[str] = []
    for name in missing:
        deb = next((here[each] for each in NAMES[name] if each in here), None)
        if deb is None:
            _refuse_architecture(config, facts.packages.architecture, name)
            others.append(name)
        else:
            roots[name] = deb
    if _has_command_line(roots.get("docker.io")) and "docker-cli" in others:
        others.remove("docker-cli")
    new = select(tuple(roots.values()), here.values(), after)
    # What is in no folder of ours must be in the sources; of Docker's command line that is seen later.
    lacking = tuple(Unmet((relation.Wanted(name),), ("the mesh",)) for name in others if name != "docker-cli")
    reasons = {deb.package: WHY[name] for name, deb in roots.items()}
    changes = (
        *(Change(config.host, _subject(name), None, "installed", WHY[name]) for name in others),
        *(
            change if change.subject.name in reasons else change.following("another package needs it")
            for change in _changes(config.host, new, reasons, after)
        ),
    )
    return _upgrade(config, facts, upgrade), (
        Step(StepName.INSTALL, changes, packages=tuple(others), debs=new.debs, unmet=(*new.unmet, *lacking))
        if changes
        else None
    )


def _old(host: str, here: Mapping[str, Deb], installed: Mapping[str, Installed]) -> list[Deb]:
    old = []
    for name in SAME_EVERYWHERE:
        deb, present = here.get(name), installed.get(name)
        if deb is None or present is None or deb.version == present.version:
            continue
        if compare(deb.version, present.version) < 0:
            raise HostError(
                f"has {name} {present.version}, which is newer than the {deb.version} that the mesh brings",
                host=host,
                answered=f"{deb.file_name} under `packages` in the mesh file",
                now="nothing was changed on this host",
                do="put the newer package under `packages`: every host is to have the same one",
            )
        old.append(deb)
    return old


def _has_command_line(docker: Deb | None) -> bool:
    """Where it is a package of its own, as in Debian 13, Docker's recommends it; elsewhere Docker's has it."""
    return docker is not None and not any(
        wanted.name in NAMES["docker-cli"] for group in (*docker.depends, *docker.recommends) for wanted in group
    )


def _refuse_architecture(config: HostConfig, architecture: str, name: str) -> None:
    for deb in config.debs:
        if deb.package in NAMES[name]:
            raise HostError(
                f"its packages are of {architecture}, and the mesh brings {deb.package} for {deb.architecture} only",
                host=config.host,
                answered=f"{deb.file_name} under `packages` in the mesh file",
                now="nothing was changed on this host",
                do=f"put a {deb.package} for {architecture} beside it",
            )


def _upgrade(config: HostConfig, facts: HostFacts, upgrade: Selection) -> Step | None:
    if not upgrade.debs or facts.packages is None:
        return None
    running = facts.docker.containers if facts.docker else ()
    names = tuple(container.name for container in running)
    reasons = {deb.package: "every host is to have the same version" for deb in upgrade.debs}
    changes = _changes(config.host, upgrade, reasons | _because(upgrade), facts.packages.installed, names)
    told = tuple(replace(change, origin=Origin.FILE, because="it brings newer packages") for change in changes)
    return Step(StepName.UPGRADE, told, debs=upgrade.debs, unmet=upgrade.unmet)


def _because(selection: Selection) -> dict[str, str]:
    return {name: f"{dependent} depends on it" for name, dependent in selection.because.items()}


def _changes(
    host: str,
    selection: Selection,
    reasons: Mapping[str, str],
    installed: Mapping[str, Installed],
    containers: tuple[str, ...] = (),
) -> tuple[Change, ...]:
    why = {**_because(selection), **reasons}
    return tuple(
        Change(
            host,
            _subject(deb.package),
            installed[deb.package].version if deb.package in installed else None,
            f"{deb.version}, carried, sha256 {deb.sha256[:HASH_SHOWN]}…",
            why[deb.package],
            disturbs=containers if deb.package in DOCKER else (),
        )
        for deb in selection.debs
    )

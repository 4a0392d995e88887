"""Write the made pages, tables and outputs of docs/ from the code: `make docs`. A test compares them."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from dockmesh.cli.command import argument_name, default_text, is_option, option_names, usage
from dockmesh.cli.program import GROUPS, complete
from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.load import parse
from dockmesh.meshfile.section import Key, Section
from dockmesh.meshfile.slots6 import LARGEST, SMALLEST
from dockmesh.model.mesh import Degree, Fabric, FullMesh, Host, Mesh, Ring, Sites, Star, Topology
from dockmesh.model.network import Allocation, Network
from dockmesh.picture.of_plan import picture_of_plan
from dockmesh.picture.svg import svg
from dockmesh.plan.address import assign
from dockmesh.plan.build import build
from dockmesh.plan.resilience import resilience
from dockmesh.render.host import flows_of
from tools import outputs

FOLDER = Path(__file__).parent.parent / "docs/reference"
TOPOLOGIES = FOLDER.parent / "howto/choose-a-topology.md"
FORWARDING = FOLDER.parent / "explanation/forwarding.md"
PICTURE = FOLDER.parent / "pictures/mesh.svg"
README = FOLDER.parent.parent / "README.md"
PROGRAM = "dockmesh"
MADE = "<!-- Made by tools/reference.py (`make docs`): edit the code, not this page. -->\n"


def pages() -> dict[Path, str]:
    """Every page that is made, by its path."""
    return {
        FOLDER / "commands.md": commands_page(),
        FOLDER / "file.md": file_page(),
        TOPOLOGIES: topologies_page(TOPOLOGIES.read_text()),
        FORWARDING: forwarding_page(FORWARDING.read_text()),
        PICTURE: picture(README.read_text()),
    }


def picture(readme: str) -> str:
    """Of the mesh whose file the README shows."""
    (text,) = outputs.YAML.findall(readme)
    return svg(picture_of_plan(build(parse("README.md", text.encode()))))


def topologies_page(page: str) -> str:
    """The page with its tables recreated, one for each number of hosts; all else is written by hand."""
    for count in (6, 12):
        page = _with_table(page, f"of {count} hosts", _topology_rows(count))
    return page


def _with_table(page: str, name: str, rows: Iterable[str]) -> str:
    start, end = f"<!-- table {name}: made by `make docs` -->\n", "<!-- end of table -->"
    before, rest = page.split(start)
    return before + start + "\n".join(rows) + "\n" + end + rest.split(end, 1)[1]


def forwarding_page(page: str) -> str:
    """The page with its table of flows recreated."""
    return _with_table(page, "of flows", _flow_rows())


def _flow_rows() -> Iterator[str]:
    """Of the host with the most flows."""
    kinds: tuple[tuple[int, str, Topology], ...] = (
        (3, "full mesh", FullMesh()),
        (8, "full mesh", FullMesh()),
        (20, "ring", Ring()),
        (20, "degree 4", Degree(4)),
        (30, "full mesh", FullMesh()),
    )
    rows = []
    for count, name, kind in kinds:
        plan = build(_mesh([f"host{number}" for number in range(1, count + 1)], kind))
        lines = [flows_of(plan, host).splitlines() for host in plan.hosts]
        flows, groups = (
            max(sum(line.startswith(start) for line in each) for each in lines)
            for start in ("flow add ", "group add_or_mod ")
        )
        rows.append((str(count), name, str(flows), str(groups)))
    yield from _table(("hosts", "topology", "flows", "groups"), rows)


def _topology_rows(count: int) -> Iterator[str]:
    names = [f"host{number}" for number in range(1, count + 1)]
    half = count // 2
    kinds: Mapping[str, Topology] = {
        "full-mesh": FullMesh(),
        "ring": Ring(),
        "star": Star(),
        "{degree: 3}": Degree(3),
        "{degree: 4}": Degree(4),
        f"{{sites: …}}, two of {half}": Sites((("one", tuple(names[:half])), ("two", tuple(names[half:])))),
    }
    rows = []
    for name, kind in kinds.items():
        plan = build(_mesh(names, kind))
        found = resilience(plan)
        least, most = found.tunnels
        rows.append(
            (
                _code(name) if "}" not in name else _code(name[: name.index("}") + 1]) + name[name.index("}") + 1 :],
                str(len(plan.links)),
                str(least) if least == most else f"{least} to {most}",
                str(found.links.most),
                f"{found.frames.mean:.1f}, at most {found.frames.most}",
                f"any {found.links_may_fail}" if found.links_may_fail else "none",
                f"any {found.hosts_may_fail}" if found.hosts_may_fail else f"all but {', '.join(found.weak_hosts)}",
            )
        )
    head = ("topology", "links", "tunnels a host", "diameter", "hops of frames", "links may fail", "hosts may fail")
    yield from _table(head, rows)


def _mesh(names: list[str], kind: Topology) -> Mesh:
    prefix = IPv4Network("172.17.0.0/16")
    slots = assign(prefix, len(names)).slots
    underlay = IPv4Address("192.0.2.0")
    hosts = (
        Host(name, underlay + number, (Allocation("docker0", slot.address, slot.pool),))
        for number, (name, slot) in enumerate(zip(names, slots, strict=True), start=1)
    )
    return Mesh("prod", Fabric(topology=kind), (Network("docker0", prefix),), tuple(hosts))


def commands_page() -> str:
    root = complete()
    parts = [
        "# Commands\n",
        MADE,
        *_paragraphs(root.help),
        "These options mean the same in every command that has them: "
        "`-f FILE`, `--ssh-config FILE`, `--json` or `-o json`, `--yes`, `--host NAME`, `-q`, `-v`; "
        "except `-f` of `logs` and `-q` of `ps`, which mean what they mean in Docker.",
        "`ls` and `rm` work as `list` and `remove`.",
        "Results go to standard output, progress and errors to standard error.\n",
        *_exit_codes(root.epilog or ""),
        f"## {PROGRAM}\n",
        *_parameters(root),
    ]
    for title, verbs in GROUPS.items():
        parts += [f"## {title}\n", *_commands({name: root.commands[name] for name in verbs}, PROGRAM, "###")]
    return "\n".join(parts).rstrip() + "\n"


def _commands(commands: Mapping[str, Any], path: str, heading: str) -> Iterator[str]:
    for name, command in commands.items():
        yield f"{heading} {path} {name}\n"
        yield from _paragraphs(command.help)
        if hasattr(command, "commands"):
            yield from _commands(command.commands, f"{path} {name}", f"{heading}#")
        else:
            yield f"    {' '.join([path, name, *usage(command.params)])}\n"
            yield from _parameters(command)


def _parameters(command: Any) -> Iterator[str]:
    rows = [_row(parameter) for parameter in command.params if parameter.help or is_option(parameter)]
    if rows:
        yield from _table(("option", "meaning", "default"), rows)


def _row(parameter: Any) -> tuple[str, str, str]:
    default = default_text(parameter)
    shown = default if isinstance(parameter.show_default, str) or not default else _code(default)
    if not is_option(parameter):
        return _code(argument_name(parameter)), parameter.help, shown
    required = " Required." if parameter.required else ""
    variable = f" {_code(parameter.envvar)} in the environment also sets it." if parameter.envvar else ""
    return ", ".join(map(_code, option_names(parameter))), f"{parameter.help}{required}{variable}", shown


def _exit_codes(epilog: str) -> Iterator[str]:
    """From the line that `dockmesh --help` ends with."""
    codes = re.findall(r"(\d+) ([^,.]+)", epilog)
    yield from ("## Exit codes\n", *_table(("code", "meaning"), [(_code(code), what) for code, what in codes]))


def _paragraphs(text: str | None) -> Iterator[str]:
    """One sentence a line, an empty line between paragraphs."""
    for paragraph in (text or "").strip().split("\n\n"):
        if paragraph.strip():
            sentences = re.sub(r"(?<=[.:]) (?=[A-Z])", "\n", " ".join(paragraph.split()))
            yield f"{sentences}\n"


def file_page() -> str:
    parts = [
        "# The mesh file\n",
        MADE,
        "`dockmesh init` writes the file, [dockmesh.yaml](dockmesh.yaml) shows every key of it with comments.",
        "The format is YAML 1.2 in UTF-8, at most 1 MiB.",
        "`dockmesh schema` prints its JSON Schema; an editor with a YAML language server takes it from a first line",
        "`# yaml-language-server: $schema=FILE`.\n",
        "Unknown keys, double keys and wrong types are errors.",
        "Every mistake is reported at once, with its line and column.\n",
    ]
    for section in MeshSection.inside():
        parts += [f"## {section.title}\n", f"{section.says()}\n", *_keys(section)]
    parts += [
        "## Rules between values\n",
        "- The prefix overlaps no loopback, link-local, multicast or reserved range, and holds no underlay address.",
        "- Names, underlay addresses, addresses and SSH targets differ from host to host; "
        "names that differ only in case count as equal.",
        "- Every address lies in the prefix, is neither its network nor its broadcast address, "
        "and lies in no other host's pool.",
        "- Every pool lies in the prefix, overlaps no other pool, is more than one address, "
        "and holds one for at least one container.",
        "- The domain is no host of the file, no domain of the public DNS such as `com` or `co.uk`, not `localhost`, "
        "and none of the words that YAML 1.1 took for a truth value.",
        "- Networks differ in their names and in their `vlan`, and their prefixes do not overlap. "
        "All of this holds for the prefix, the addresses and the pools of each.",
        f"- A prefix6 is a /{LARGEST} to /{SMALLEST}; what is said of prefix, address and pool holds for prefix6, "
        "address6 and pool6, too. Each host that is on the network has both, and in a network without a prefix6 "
        "none has either.",
        "- Each host has an entry in its `networks` for every network after docker0 that it is on, and for no other.",
        "- Links name hosts of the file, none twice, none to itself, and together they connect all hosts.",
        "- A degree is at least 2 and less than the number of hosts.",
        "- A ring, which a degree of 2 is too, has at most 20 hosts: with one link cut it is a chain, "
        "and a spanning tree reaches 19 hops. With `direct` it has at most 50, and any mesh at most 200.",
        "- A star names a host of the file. There are two sites or more, and every host is in one of them.",
        "- A key of vxlan or geneve is a VNI of 24 bits: at most 16777215.",
        "- After the tunnel's headers at least 1280 bytes are left for a packet, which makes an `underlay_mtu` "
        "of at least 1318 for gre, 1322 for gre with a key, 1330 for vxlan and geneve; over IPv6 20 more, "
        "and 4 more where there are networks beside docker0.",
        "- The underlay addresses are IPv4 at all hosts, or IPv6 at all.",
    ]
    return "\n".join(parts).rstrip() + "\n"


def _keys(section: type[Section]) -> Iterator[str]:
    rows = [(_code(name), key.type.shown, _shown_default(key), key.says) for name, key in section.keys.items()]
    yield from _table(("key", "value", "default", "meaning"), rows)


def _shown_default(key: Key[Any]) -> str:
    if key.required:
        return "**required**"
    default = key.schema().get("default")
    return "" if default is None else _code(default if isinstance(default, str) else json.dumps(default))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |".replace("|  |", "| |")
    yield ""


def _code(text: str) -> str:
    return f"`{text}`"


if __name__ == "__main__":
    for path, page in pages().items():
        path.write_text(page)
        print(f"wrote {path}")  # noqa: T201
    for path in outputs.paths():
        path.write_text(outputs.page(path.read_text()))
        print(f"wrote what the program says into {path}")  # noqa: T201

"""The loader on files that nobody would write: a Mesh or its own error, never anything else."""

from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dockmesh.meshfile.explain import LOOKS_LIKE_ADDRESS
from dockmesh.meshfile.load import parse
from dockmesh.meshfile.problems import MeshFileError
from dockmesh.meshfile.values import LABEL_PATTERN, SSH_HOST_PATTERN, SSH_USER_PATTERN
from dockmesh.meshfile.write import write_mesh
from dockmesh.model.mesh import (
    Bfd,
    Datapath,
    Degree,
    Fabric,
    Forwarding,
    FullMesh,
    Host,
    Links,
    Mesh,
    Renderer,
    Ssh,
    Topology,
)
from dockmesh.model.network import Network
from tests.support.meshes import in_docker0

REFERENCE = (Path(__file__).parents[2] / "docs" / "reference" / "dockmesh.yaml").read_bytes()
PLAIN_LINES = [line for line in REFERENCE.split(b"\n") if line and not line.strip().startswith(b"#")]
# Pieces that mean something to YAML or to the schema, so that mutations reach past the first stage.
YAML_PIECES = (
    "\n",
    "\t",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "&a ",
    "*a",
    "!!x ",
    "---\n",
    "<<: *a\n",
    '"',
    "'",
    "|\n",
)
ODD_PIECES = (
    "%YAML 1.1\n",
    "#",
    "? ",
    "~",
    "yes",
    "1.10",
    "0x10",
    "1_0",
    "\0",
    "\x1b",
    "\x85",
    "\u202e",
    '"\\U00110000"',
)
FIELD_PIECES = ("host1", "172.17.0.0/16", "172.17.42.1", "0.0.0.0/0", "vxlan", "ring", "{degree: 9}")
PIECES = st.sampled_from([piece.encode() for piece in (*YAML_PIECES, *ODD_PIECES, *FIELD_PIECES)])


def load_or_refuse(content: bytes) -> None:
    try:
        loaded = parse("mesh.yaml", content)
    except MeshFileError as error:
        refusal = error
    else:
        assert parse("again.yaml", write_mesh(loaded).encode()) == loaded
        return

    assert refusal.problems
    assert all(line.isprintable() for line in str(refusal).split("\n"))
    assert all(problem.what and problem.hint for problem in refusal.problems)


@given(st.binary(max_size=200))
def test_any_bytes_are_loaded_or_refused(content: bytes) -> None:
    load_or_refuse(content)


@given(st.text(max_size=200))
def test_any_text_is_loaded_or_refused(content: str) -> None:
    load_or_refuse(content.encode("utf-8", "surrogatepass"))


@given(st.lists(PIECES, max_size=30))
def test_any_pieces_of_yaml_are_loaded_or_refused(pieces: list[bytes]) -> None:
    load_or_refuse(b"".join(pieces))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(PLAIN_LINES) - 1),
            st.integers(0, 120),
            st.integers(0, 12),
            PIECES | st.binary(max_size=4),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_mutation_of_a_good_file_is_loaded_or_refused(mutations: list[tuple[int, int, int, bytes]]) -> None:
    lines = list(PLAIN_LINES)
    for number, start, length, piece in mutations:
        line = lines[number]
        cut = start % (len(line) + 1)
        lines[number] = line[:cut] + piece + line[cut + length :]
    load_or_refuse(b"\n".join(lines))


@given(st.permutations(PLAIN_LINES), st.integers(0, len(PLAIN_LINES)))
def test_any_order_of_a_good_files_lines_is_loaded_or_refused(lines: list[bytes], count: int) -> None:
    load_or_refuse(b"\n".join(lines[:count]))


LABELS = st.from_regex(rf"(?!{LOOKS_LIKE_ADDRESS}\Z){LABEL_PATTERN}", fullmatch=True)
SSHS = st.builds(
    Ssh,
    host=st.none() | st.from_regex(rf"(?!-){SSH_HOST_PATTERN}", fullmatch=True),
    user=st.none() | st.from_regex(SSH_USER_PATTERN, fullmatch=True).filter(str.isprintable),
    port=st.none() | st.integers(1, 65535),
)


@st.composite
def topologies(draw: st.DrawFn, names: list[str]) -> Topology:
    chain = tuple(pairwise(names))
    degrees = st.integers(2, len(names) - 1).map(Degree) if len(names) > 2 else st.just(Degree(1))
    return draw(st.just(FullMesh()) | degrees | st.just(Links(chain)))


@st.composite
def meshes(draw: st.DrawFn) -> Mesh:
    names = draw(st.lists(LABELS, min_size=2, max_size=6, unique=True))
    sshs = draw(st.lists(SSHS, min_size=len(names), max_size=len(names), unique_by=lambda ssh: (ssh.host, ssh.port)))
    hosts = tuple(
        Host(
            name,
            underlay=IPv4Address("192.0.2.1") + number,
            allocations=in_docker0(
                IPv4Address("10.0.0.1") + number, f"10.0.{number + 1}.0/{draw(st.integers(24, 31))}"
            ),
            underlay_mtu=draw(st.just(1500) | st.integers(1318, 65535)),
            # A host that SSH reaches under another's name is refused, and rightly.
            ssh=ssh if ssh.host not in names else Ssh(user=ssh.user),
        )
        for number, (name, ssh) in enumerate(zip(names, sshs, strict=True))
    )
    fabric = Fabric(
        topology=draw(topologies(names)),
        forwarding=draw(st.sampled_from(Forwarding)),
        bfd=Bfd(draw(st.integers(10, 10_000)), draw(st.integers(2, 255))),
        datapath=draw(st.sampled_from(Datapath)),
        renderer=draw(st.sampled_from(Renderer)),
    )
    return Mesh(draw(LABELS), fabric, (Network("docker0", IPv4Network("10.0.0.0/16")),), hosts)


@given(meshes(), st.dictionaries(st.sampled_from(["fabric", "networks", "hosts"]), st.text(max_size=40)))
def test_what_is_written_loads_to_the_same_mesh(loaded: Mesh, notes: dict[str, str]) -> None:
    assert parse("mesh.yaml", write_mesh(loaded, notes=notes).encode("utf-8", "replace")) == loaded

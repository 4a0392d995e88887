"""Compose files as people write them: three projects on three hosts, which know one another by name alone."""

import json
import re
import subprocess
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.lab.conftest import MakeMesh
from tests.lab.mesh import DOCKMESH, Done, Mesh, run, wait_until

EXAMPLE = Path(__file__).parents[2] / "examples/guestbook"
# What containers are called is tested in test_names.py, too.
pytestmark = pytest.mark.long
PACKAGES = ("docker-compose", "redis-server", "python3-redis")
# The hosts have no way out, and so no registry: what the Dockerfiles start from is made of the host itself.
BASE = "debian:trixie-slim"
BUILD_BASE = (
    "tar --one-file-system -C / --exclude=./var/lib/docker --exclude=./boot --exclude=./usr/share/doc "
    f"--exclude=./usr/sbin/dockerd --exclude='./usr/bin/containerd*' -c . | docker import - {BASE} >/dev/null"
)
# Docker's own builder of old, which needs no further package.
COMPOSE = "DOCKER_BUILDKIT=0 docker-compose --project-directory /srv/guestbook/{project}"


@pytest.fixture(scope="module")
def mesh(make_mesh: MakeMesh) -> Mesh:
    offers = (word for package in PACKAGES for word in ("--offer", package))
    mesh = make_mesh("--prepared", *offers, forwarding=None)
    added = run(*DOCKMESH, "network", "add", "guestbook", "-f", str(mesh.file))
    assert added.code == 0, added.err
    mesh.apply()
    mesh.on_all(lambda host: prepare(mesh, host))
    return mesh


@pytest.fixture(scope="module")
def guestbook(mesh: Mesh) -> Iterator[Mesh]:
    """The store on host3, the API on host2, the page on host1."""
    for project, host in (("store", "host3"), ("api", "host2"), ("page", "host1")):
        compose(mesh, host, project, "up --build --detach")
    wait_until(lambda: page(mesh, "host1", "host1").code == 0, "the page answers")
    yield mesh
    for project in ("store", "api", "page"):
        for host in mesh.hosts:
            compose(mesh, host, project, "down --volumes")


def prepare(mesh: Mesh, host: str) -> None:
    mesh.on(host, "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install docker-compose")
    mesh.on(host, BUILD_BASE)
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(EXAMPLE, "guestbook")
    ssh = ("ssh", "-F", str(mesh.ssh_config), host, "tar -C /srv -x --no-same-owner")
    subprocess.run(ssh, input=packed.getvalue(), check=True)


def compose(mesh: Mesh, host: str, project: str, words: str) -> str:
    return mesh.on(host, f"{COMPOSE.format(project=project)} {words}")


def page(mesh: Mesh, asker: str, server: str, text: str | None = None) -> Done:
    """What a browser on a host gets at the port that the server publishes, of its underlay; with a text, signed."""
    underlay = next(each["underlay"] for each in mesh.plan()["hosts"] if each["name"] == server)
    data = "None" if text is None else f"b'text={quote(text)}'"
    program = f"import urllib.request as u; print(u.urlopen('http://{underlay}:8080/', {data}, 10).read().decode())"
    return mesh.ssh(asker, f'python3 -c "{program}"')


def entries(html: str) -> list[str]:
    return re.findall("<li>(.*?)</li>", html)


def test_a_page_an_api_and_a_store_on_three_hosts_find_each_other_by_name(guestbook: Mesh) -> None:
    signed = page(guestbook, "host2", "host1", "Hello from everywhere")

    assert signed.code == 0, signed.err
    assert entries(signed.out) == ["Hello from everywhere"]


def test_the_services_are_where_compose_was_told_to_put_them(guestbook: Mesh) -> None:
    listed = json.loads(guestbook.dockmesh("ps", "--json").out)

    found = {(each["name"], host["name"]) for host in listed["hosts"] for each in host["containers"]}
    assert {("page-page-1", "host1"), ("api-api-1", "host2"), ("store-store-1", "host3")} <= found


def test_a_project_that_moves_to_another_host_keeps_its_name(guestbook: Mesh) -> None:
    page(guestbook, "host3", "host1", "before the move")

    compose(guestbook, "host2", "api", "down")
    gone = page(guestbook, "host3", "host1")
    compose(guestbook, "host3", "api", "up --build --detach")
    wait_until(lambda: page(guestbook, "host3", "host1").code == 0, "the page answers after the move")

    assert gone.code != 0
    assert entries(page(guestbook, "host3", "host1").out)[0] == "before the move"


def test_more_of_a_service_are_all_asked_by_turns(guestbook: Mesh) -> None:
    compose(guestbook, "host2", "api", "up --build --detach --scale api=2")

    def addresses() -> set[str]:
        lines = guestbook.on("host1", "docker exec page-page-1 getent ahostsv4 api").splitlines()
        return {line.split()[0] for line in lines}

    wait_until(lambda: len(addresses()) == 3, "api has the addresses of both hosts")


def test_what_was_ended_is_found_no_more(guestbook: Mesh) -> None:
    for host in guestbook.hosts:
        compose(guestbook, host, "api", "down")

    assert guestbook.ssh("host1", "docker exec page-page-1 getent hosts api").code == 2

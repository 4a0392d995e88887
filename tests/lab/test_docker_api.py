"""Docker's API in the mesh: who gets in and how, who does not, what it carries, and what survives."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dockmesh.access import store
from dockmesh.access.keep import LetIn, begin, let_in, with_hosts
from dockmesh.access.lifetimes import HOST_LIFE
from dockmesh.lab import store as labs
from dockmesh.lab import underlay
from dockmesh.meshfile.load import load
from dockmesh.plan.build import build
from dockmesh.render.paths import API_CA, API_CERTIFICATE, API_FILES, API_KEY, API_REVOKED, API_UNIT
from tests.lab.conftest import MakeMesh
from tests.lab.mesh import BUILD_IMAGE, IMAGE, Done, Mesh, run, wait_until
from tests.lab.secrets import in_outputs, planted, search, watched

DAY = timedelta(days=1)
PORT = 2376
TAKEN = ("docker-api", "blocker")  # of preflight
PLANTED = "planted-where-it-must-be-found"
HELD = "/root/held"  # on the hosts, what clients were given


def status(mesh: Mesh) -> Any:
    return mesh.dockmesh("status", "--json").json()


@pytest.fixture(scope="module")
def mesh(make_mesh: MakeMesh) -> Mesh:
    """Three hosts with the API open, and ann's certificate on each."""
    mesh = make_mesh("--prepared")
    with mesh.file.open("a") as file:
        file.write("\ndocker_api: {listen: mesh}\n")
    mesh.apply()
    mesh.on_all(lambda host: mesh.on(host, BUILD_IMAGE))
    made = run(*dockmesh("access", "create", "ann", mesh=mesh), "--json")
    assert made.code == 0, made.err
    for host in mesh.hosts:
        hold(mesh, host, "ann", Path(made.json()["folder"]))
    mesh.wait_for_mesh()
    return mesh


def dockmesh(*words: str, mesh: Mesh) -> tuple[str, ...]:
    return (sys.executable, "-m", "dockmesh", *words, "-f", str(mesh.file))


def hold(mesh: Mesh, host: str, name: str, folder: Path) -> None:
    """A client's files on a host, as somebody with a machine in the mesh has them."""
    files = ("ca.pem", "cert.pem", "key.pem")
    archive = subprocess.run(("tar", "-C", str(folder), "-c", *files), capture_output=True, check=True).stdout
    place = f"{HELD}/{name}"
    ssh = ("ssh", "-F", str(mesh.own_ssh_config), "-l", "root", host)
    unpack = f"mkdir -p {place} && tar -C {place} --no-same-owner -x"
    subprocess.run((*ssh, unpack), input=archive, check=True)


def hold_given(mesh: Mesh, host: str, name: str, given: LetIn, folder: Path) -> None:
    store.write_client(folder, given.ca, given.certificate, given.key)
    hold(mesh, host, name, folder)


def docker(mesh: Mesh, client: str, target: str, command: str, *, name: str = "ann", before: str = "") -> Done:
    """Docker's command line on host `client`, by the API of `target`."""
    there = f"-H tcp://{mesh.address(target)}:{PORT} --tlsverify"
    files = " ".join(f"--tls{what} {HELD}/{name}/{file}.pem" for what, file in TLS_FILES.items())
    return mesh.ssh(client, f"{before} docker {there} {files} {command}")


TLS_FILES = {"cacert": "ca", "cert": "cert", "key": "key"}


def name_of(mesh: Mesh, client: str, target: str, *, name: str = "ann") -> str:
    """By which a daemon calls itself: only who got in knows."""
    done = docker(mesh, client, target, "info --format '{{.Name}}'", name=name)
    assert done.code == 0, done.err
    return done.out.strip()


def refused(mesh: Mesh, client: str, target: str, name: str, why: str) -> None:
    """Docker's command line gets nothing, and the host says why. What the client hears of it is a matter of luck."""
    done = docker(mesh, client, target, "version", name=name)
    assert done.code != 0
    assert "Server:" not in done.out
    said(mesh, target, why)


def said(mesh: Mesh, host: str, words: str) -> None:
    """Among the last lines of the journal."""
    journal = f"journalctl --unit={API_UNIT} --output=cat --no-pager --lines=8"
    wait_until(lambda: words in mesh.on(host, journal), f"{host} says: {words}", 30)


def shown(mesh: Mesh, client: str, url: str, name: str | None) -> str:
    """The status of a request by python3's own HTTP, for the hosts have no curl; "" for no answer."""
    program = (
        "import ssl, sys, urllib.request as u; c = ssl.create_default_context(cafile=sys.argv[2]); "
        "len(sys.argv) > 3 and c.load_cert_chain(sys.argv[3], sys.argv[4]); "
        "print(u.urlopen(sys.argv[1], timeout=5, context=c if sys.argv[1].startswith('https') else None).status)"
    )
    own = f"{HELD}/{name}/cert.pem {HELD}/{name}/key.pem" if name else ""
    return mesh.ssh(client, f'python3 -c "{program}" {url} {HELD}/ann/ca.pem {own}').out.strip()


def test_every_host_reaches_every_hosts_docker_its_own_too(mesh: Mesh) -> None:
    for client in mesh.hosts:
        for target in mesh.hosts:
            assert name_of(mesh, client, target) == target


def test_a_container_reaches_it_and_only_the_certificate_lets_it_in(mesh: Mesh) -> None:
    address = mesh.start_container("host3", "inside")
    inside = "nsenter --net=/proc/$(docker inspect --format '{{.State.Pid}}' inside)/ns/net"
    done = docker(mesh, "host3", "host1", "info --format '{{.Name}}'", before=inside)
    plain = mesh.ssh(
        "host3", f"docker exec inside /bin/busybox wget -q -O - http://{mesh.address('host1')}:{PORT}/info"
    )
    mesh.on("host3", "docker rm --force inside")
    journal = mesh.on("host1", f"journalctl --unit={API_UNIT} --output=cat --no-pager")

    assert done.out.strip() == "host1"
    assert plain.code != 0
    assert "Containers" not in plain.out
    assert f"accepted connection from {address}" in journal
    assert "CN=ann" in journal


def test_nobody_else_gets_in(mesh: Mesh, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    kept = store.load(mesh.file)
    assert kept is not None
    _, other = let_in(begin("lab", now), "ann", now, DAY, tmp_path)
    _, ended = let_in(kept, "ann", now - 3 * DAY, DAY, tmp_path)
    own = kept.certificates["host2"]
    strangers = {
        "other": LetIn(kept.ca, other.certificate, other.key),
        "ended": ended,
        "host": LetIn(kept.ca, own.certificate, own.key),
    }
    for name, given in strangers.items():
        hold_given(mesh, "host2", name, given, tmp_path / name)
    url = f"{mesh.address('host1')}:{PORT}/info"

    # Docker's client shows no certificate of an authority that the host does not know; others do.
    refused(mesh, "host2", "host1", "other", "peer did not return a certificate")
    assert shown(mesh, "host2", f"https://{url}", "other") != "200"
    said(mesh, "host1", "unable to get local issuer certificate")
    refused(mesh, "host2", "host1", "ended", "certificate has expired")
    refused(mesh, "host2", "host1", "host", "unsuitable certificate purpose")
    assert shown(mesh, "host2", f"https://{url}", None) != "200"
    said(mesh, "host1", "peer did not return a certificate")
    assert shown(mesh, "host2", f"http://{url}", None) != "200"
    said(mesh, "host1", "http request")
    assert shown(mesh, "host2", f"https://{url}", "ann") == "200"


def test_the_port_is_not_there_on_the_underlay(mesh: Mesh) -> None:
    """Neither at the underlay address, nor at the mesh address for who sends packets for it over the underlay."""
    outer, address = underlay_of(mesh, "host1"), mesh.address("host1")

    def opens(where: str, port: int) -> bool:
        return mesh.ssh("host2", f"timeout 3 bash -c '</dev/tcp/{where}/{port}'").code == 0

    assert opens(address, PORT)
    assert not opens(outer, PORT)
    mesh.on("host2", f"ip route add {address}/32 via {outer}")
    by_underlay, ssh_by_underlay = opens(address, PORT), opens(address, 22)
    mesh.on("host2", f"ip route del {address}/32")

    assert (by_underlay, ssh_by_underlay) == (False, True)


def underlay_of(mesh: Mesh, host: str) -> str:
    return next(str(each["underlay"]) for each in mesh.plan()["hosts"] if each["name"] == host)


@pytest.mark.long
def test_what_goes_in_and_comes_out_is_whole(mesh: Mesh) -> None:
    """Each several times: whoever ends a connection too early loses the last of it only now and then."""
    counts = [
        docker(mesh, "host2", "host1", f"run --rm -i {IMAGE} wc -c", before="head -c 3000000 /dev/zero |").out.strip()
        for _ in range(12)
    ]
    late = docker(mesh, "host2", "host1", f"run --rm -i {IMAGE} sh -c 'cat; sleep 3; echo late'", before="echo early |")
    code = docker(mesh, "host2", "host1", f"run --rm {IMAGE} sh -c 'exit 42'").code

    assert counts == ["3000000"] * 12
    assert late.out.split() == ["early", "late"]
    assert code == 42


@pytest.mark.long
def test_a_large_image_goes_through_both_ways(mesh: Mesh) -> None:
    """120 MB that do not compress: out of host1 by host2, and into host3 by host2."""
    mesh.on("host1", "head -c 120000000 /dev/urandom > /root/blob && tar -C /root -c blob | docker import - large")
    mesh.on("host1", "rm /root/blob")
    options = " ".join(f"--tls{what} {HELD}/ann/{file}.pem" for what, file in TLS_FILES.items())
    there = {host: f"docker -H tcp://{mesh.address(host)}:{PORT} --tlsverify {options}" for host in mesh.hosts}

    mesh.on("host2", f"bash -o pipefail -c '{there['host1']} save large | {there['host3']} load'")
    same = [mesh.on(host, "docker image inspect --format '{{.Id}}' large") for host in ("host1", "host3")]
    for host in ("host1", "host3"):
        mesh.on(host, "docker image rm large")

    assert same[0] == same[1]


@pytest.mark.long
def test_many_at_a_time(mesh: Mesh) -> None:
    options = " ".join(f"--tls{what} {HELD}/ann/{file}.pem" for what, file in TLS_FILES.items())
    one = f"docker -H tcp://{mesh.address('host1')}:{PORT} --tlsverify {options} info --format {{{{.Name}}}}"

    answers = mesh.on("host2", f"for n in $(seq 20); do {one} & done; wait")

    assert answers.replace("\n", "") == "host1" * 20


# So many connections from one address that say nothing, until it is ended; it says how many it got first.
SILENT = """
import socket, sys, time
held = []
def hold(number):
    for _ in range(number):
        try:
            held.append(socket.create_connection((sys.argv[1], 2376), 2))
        except OSError:
            pass
number = int(sys.argv[2])
hold(number)
print(len(held), flush=True)
while True:
    for each in held[:]:
        each.setblocking(False)
        try:
            if each.recv(1) == b"":
                raise ConnectionError
        except BlockingIOError:
            continue
        except OSError:
            held.remove(each)
            each.close()
    hold(number - len(held))
    time.sleep(1)
"""


def test_whoever_holds_connections_and_says_nothing_does_not_shut_it_for_others(mesh: Mesh) -> None:
    """It opens as many as it can, and again what is ended."""
    put(mesh, "host2", "/root/silent.py", SILENT, "600")
    unit = "systemd-run --quiet --collect --unit=silent --property=LimitNOFILE=4096"
    mesh.on("host2", f"{unit} sh -c 'exec python3 /root/silent.py {mesh.address('host1')} 2500 > /root/silent'")
    wait_until(lambda: mesh.ssh("host2", "cat /root/silent").out.strip().isdecimal(), "they are there")

    names = [name_of(mesh, "host3", "host1") for _ in range(3)]
    rules = mesh.on("host1", "iptables-save | grep -c connlimit")
    mesh.on("host2", "systemctl stop silent")
    wait_until(lambda: docker(mesh, "host2", "host1", "info").code == 0, "open again for who held them", 30)

    assert names == ["host1"] * 3
    assert rules == "1"


def test_five_addresses_do_not_take_all_connections(mesh: Mesh) -> None:
    """They have 100 each. The host itself has no limit, so it stands for them here."""
    put(mesh, "host1", "/root/silent.py", SILENT, "600")
    unit = "systemd-run --quiet --collect --unit=silent --property=LimitNOFILE=4096"
    mesh.on("host1", f"{unit} sh -c 'exec python3 /root/silent.py {mesh.address('host1')} 500 > /root/silent'")
    wait_until(lambda: mesh.ssh("host1", "cat /root/silent").out.strip() == "500", "they are there")

    names = [name_of(mesh, "host3", "host1") for _ in range(3)]
    mesh.on("host1", "systemctl stop silent")

    assert names == ["host1"] * 3


SDK = """
import docker, json, sys
address, folder, image = sys.argv[1:]
tls = docker.tls.TLSConfig(
    client_cert=(f"{folder}/cert.pem", f"{folder}/key.pem"), ca_cert=f"{folder}/ca.pem", verify=True
)
client = docker.DockerClient(base_url=f"https://{address}", tls=tls)
said = client.containers.run(image, "echo hello", remove=True)
box = client.containers.run(image, "sleep 1000000", detach=True, name="by-sdk", stop_signal="KILL")
code, out = box.exec_run(["/bin/busybox", "hostname"])
names = [each.name for each in client.containers.list()]
box.remove(force=True)
print(json.dumps({"name": client.info()["Name"], "said": said.decode(), "code": code, "out": out.decode().strip(),
                  "id": box.short_id, "names": names}))
"""


def test_the_sdk_for_python_speaks_to_each_daemon_as_maestro_ng_does(mesh: Mesh) -> None:
    """It runs with our Python in the network of host3, which is a machine of the mesh."""
    folder = json.loads(run(*dockmesh("access", "list", mesh=mesh), "--json").out)["clients"][0]["folder"]
    # Where these are set, requests takes them for more than what it is told.
    unset = ("env", "-u", "REQUESTS_CA_BUNDLE", "-u", "CURL_CA_BUNDLE")
    lab = labs.load(mesh.directory)
    netns = lab.netns_of(lab.host("host3"))
    for target in mesh.hosts:
        done = run(
            *underlay.inside(netns, *unset, sys.executable, "-c", SDK, f"{mesh.address(target)}:{PORT}", folder, IMAGE)
        )

        assert done.code == 0, done.err
        answer = done.json()
        assert (answer["name"], answer["said"], answer["code"]) == (target, "hello\n", 0)
        assert answer["out"].startswith(answer["id"])
        assert "by-sdk" in answer["names"]


def test_dockers_command_line_works_by_contexts(mesh: Mesh, tmp_path: Path) -> None:
    folder = json.loads(run(*dockmesh("access", "list", mesh=mesh), "--json").out)["clients"][0]["folder"]
    made = run(*dockmesh("context", "create", mesh=mesh), "--api", folder, environment=environment(tmp_path))
    archive = subprocess.run(("tar", "-C", str(tmp_path), "-c", "contexts"), capture_output=True, check=True).stdout
    ssh = ("ssh", "-F", str(mesh.own_ssh_config), "-l", "root", "host2")
    subprocess.run((*ssh, "mkdir -p /root/by-api && tar -C /root/by-api --no-same-owner -x"), input=archive, check=True)

    name = mesh.on("host2", "DOCKER_CONFIG=/root/by-api docker --context lab-host3 info --format '{{.Name}}'")

    assert made.code == 0, made.err
    assert name == "host3"


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "DOCKER_CONFIG": str(folder)}


def start_stream(mesh: Mesh, client: str, target: str, name: str, *, access: str = "ann") -> None:
    """`docker logs --follow` of a container that counts, into a file on `client`."""
    mesh.on(
        target,
        f"docker run -d --name {name} --stop-signal KILL {IMAGE} sh -c "
        f"'n=0; while true; do echo $n; n=$((n+1)); sleep 0.1; done'",
    )
    options = " ".join(f"--tls{what} {HELD}/{access}/{file}.pem" for what, file in TLS_FILES.items())
    follow = f"docker -H tcp://{mesh.address(target)}:{PORT} --tlsverify {options} logs --follow {name}"
    mesh.on(client, f"systemd-run --quiet --collect --unit={name} sh -c '{follow} > /root/{name}.log 2>&1'")
    wait_until(lambda: len(mesh.ssh(client, f"cat /root/{name}.log").out.split()) > 3, "the stream runs")


def end_stream(mesh: Mesh, client: str, target: str, name: str) -> list[int]:
    mesh.on(client, f"systemctl stop {name} 2>/dev/null; true")
    mesh.on(target, f"docker rm --force {name}")
    return [int(word) for word in mesh.on(client, f"cat /root/{name}.log").split() if word.isdecimal()]


@pytest.mark.long
def test_a_certificate_is_renewed_while_a_stream_goes_on(mesh: Mesh) -> None:
    start_stream(mesh, "host2", "host1", "counts")
    docker_pid = mesh.on("host1", "systemctl show --property=MainPID --value docker.service")
    age(mesh, HOST_LIFE * 3 / 4)

    warned, changed = status(mesh), mesh.apply()
    serials = {host: mesh.on(host, f"sed -n 2p {API_CERTIFICATE}") for host in mesh.hosts}
    seen = int(mesh.on("host2", "tail -n 1 /root/counts.log"))
    wait_until(lambda: int(mesh.on("host2", "tail -n 1 /root/counts.log")) > seen + 10, "the stream goes on")
    numbers = end_stream(mesh, "host2", "host1", "counts")
    again = mesh.apply()

    assert [each["hosts"] for each in warned["warnings"]] == [["host1"], ["host2"], ["host3"]]
    subjects = {change["subject"] for host in changed["hosts"] for change in host["changes"]}
    assert subjects == {API_CERTIFICATE, API_KEY}
    assert numbers == list(range(len(numbers)))
    assert [host["changes"] for host in again["hosts"]] == [[]] * 3
    assert docker_pid == mesh.on("host1", "systemctl show --property=MainPID --value docker.service")
    kept = store.load(mesh.file)
    assert kept is not None
    for host, line in serials.items():
        assert f"serial {kept.hosts[host].serial:x}" in line
        assert name_of(mesh, "host1", host) == host
    assert status(mesh)["warnings"] == []


def age(mesh: Mesh, by: timedelta) -> None:
    """As if the hosts' certificates had been made so long ago, and brought there."""
    kept = store.load(mesh.file)
    assert kept is not None
    old = with_hosts(replace(kept, hosts={}, certificates={}), build(load(mesh.file)), datetime.now(UTC) - by)
    with store.held(mesh.file) as books:
        books.save(old)
    for host, own in old.certificates.items():
        for path, text, mode in ((API_CERTIFICATE, own.certificate, "644"), (API_KEY, own.key, "600")):
            put(mesh, host, path, text, mode)
        mesh.on(host, f"systemctl reload {API_UNIT}")


def put(mesh: Mesh, host: str, path: str, text: str, mode: str) -> None:
    ssh = ("ssh", "-F", str(mesh.own_ssh_config), "-l", "root", host)
    subprocess.run((*ssh, f"cat > {path} && chmod {mode} {path}"), input=text, text=True, check=True)


def test_who_is_shut_out_is_so_at_once_on_open_connections_too(mesh: Mesh) -> None:
    made = run(*dockmesh("access", "create", "bob", mesh=mesh), "--json").json()
    hold(mesh, "host2", "bob", Path(made["folder"]))
    start_stream(mesh, "host2", "host1", "bobs", access="bob")
    assert name_of(mesh, "host2", "host3", name="bob") == "host3"

    done = run(*dockmesh("access", "revoke", "bob", mesh=mesh), "--ssh-config", str(mesh.ssh_config), "--json")
    wait_until(lambda: mesh.ssh("host2", "systemctl is-active bobs").out.strip() != "active", "bob's stream has ended")
    end_stream(mesh, "host2", "host1", "bobs")

    assert done.code == 0, done.err
    assert [host["error"] for host in done.json()["hosts"]] == [None] * 3
    for target in mesh.hosts:
        refused(mesh, "host2", target, "bob", "certificate revoked")
        assert name_of(mesh, "host2", target) == target
    assert status(mesh)["right"]
    assert [host["changes"] for host in mesh.apply()["hosts"]] == [[]] * 3


def test_docker_restarts_and_the_port_stays(mesh: Mesh) -> None:
    mesh.on("host1", "systemctl reset-failed docker.service docker.socket; systemctl restart docker.service")

    assert name_of(mesh, "host2", "host1") == "host1"


@pytest.mark.long
def test_after_a_reboot_it_is_open_again(mesh: Mesh) -> None:
    mesh.lab("reboot", "host3")
    mesh.wait_for_mesh()

    wait_until(lambda: docker(mesh, "host2", "host3", "version").code == 0, "host3's API is open")
    wait_until(lambda: bool(status(mesh)["right"]), "all is well")


@pytest.mark.parametrize("path", [API_REVOKED, API_CA, API_KEY])
def test_without_one_of_its_files_it_is_shut_and_status_says_why(mesh: Mesh, path: str) -> None:
    mesh.on("host3", f"rm {path}; systemctl restart {API_UNIT} || true")

    told, tried = status(mesh), docker(mesh, "host2", "host3", "version")
    mesh.apply()

    assert f"Docker's API is shut: {path} is not there" in [each["what"] for each in told["findings"]]
    assert any("drift" in each["what"] and path in each["what"] for each in told["findings"])
    assert "Server:" not in tried.out
    assert name_of(mesh, "host2", "host3") == "host3"


@pytest.mark.long
def test_a_host_without_the_package_gets_it(mesh: Mesh) -> None:
    mesh.on("host3", f"systemctl stop {API_UNIT}; DEBIAN_FRONTEND=noninteractive apt-get purge -y -q stunnel4")

    told = status(mesh)
    mesh.apply()

    assert "Docker's API is shut: stunnel is not there" in [each["what"] for each in told["findings"]]
    assert name_of(mesh, "host2", "host3") == "host3"


def test_a_machine_that_let_nobody_in_shuts_nobody_out(mesh: Mesh, tmp_path: Path) -> None:
    elsewhere = tmp_path / "dockmesh.yaml"
    elsewhere.write_text(mesh.file.read_text())
    words = ("-f", str(elsewhere), "--ssh-config", str(mesh.ssh_config))

    looked = run(sys.executable, "-m", "dockmesh", "diff", *words, "--json")
    applied = run(sys.executable, "-m", "dockmesh", "apply", *words, "--yes", "--json", "--no-verify")

    assert [host["differences"] for host in looked.json()["hosts"]] == [[]] * 3
    assert applied.code == 1
    assert "that this machine does not have" in applied.out
    assert name_of(mesh, "host2", "host1") == "host1"


@pytest.mark.long
def test_another_authority_shuts_everybody_out_who_was_not_let_in_anew(mesh: Mesh) -> None:
    rotated = run(*dockmesh("access", "rotate", mesh=mesh), "--yes", "--json")
    mesh.apply()

    assert docker(mesh, "host2", "host1", "version").code != 0
    hold(mesh, "host2", "ann", Path(rotated.json()["reissued"]["ann"]))
    assert name_of(mesh, "host2", "host1") == "host1"


def test_no_key_is_in_histories_records_and_process_lists(mesh: Mesh, tmp_path: Path) -> None:
    """Neither those of now nor of before, of hosts, the authority and clients; looked for while all are made anew."""
    keys = api_keys(mesh)
    with watched(mesh, tmp_path) as seen:
        mesh.on("host2", f"sh -c 'sleep 0.05; :' {PLANTED}")
        rotated = run(*dockmesh("access", "rotate", mesh=mesh), "--yes", "--json", environment=seen.environment)
        applied = mesh.dockmesh("apply", "--yes", "--json", "--no-verify", environment=seen.environment)
    keys |= {f"{name} anew": key for name, key in api_keys(mesh).items()}
    hold(mesh, "host2", "ann", Path(rotated.json()["reissued"]["ann"]))
    with planted(mesh, "host1", PLANTED) as places:
        found = search(mesh, "host1", {**keys, "planted": PLANTED}, (API_KEY,))

    assert (rotated.code, applied.code) == (0, 0), rotated.err + applied.err
    assert seen.found({**keys, "planted": PLANTED}) == {("planted", "host2")}
    assert in_outputs(keys, rotated, applied) == set()
    assert seen.left == []
    assert {place for name, place in found if name == "planted"} >= places  # else the search proves nothing
    assert not [each for each in found if each[0] != "planted"]
    history = "".join(path.read_text() for path in (mesh.file.parent / ".dockmesh" / mesh.file.name).glob("*.json"))
    assert history
    assert not [name for name, key in keys.items() if key in history]
    assert {mesh.on(host, f"stat -c '%a %U' {API_KEY}") for host in mesh.hosts} == {"600 root"}


def api_keys(mesh: Mesh) -> dict[str, str]:
    """A line of each private key."""
    kept = store.load(mesh.file)
    assert kept is not None
    texts = {"authority": kept.key, **{name: each.key for name, each in kept.certificates.items()}}
    # The second line of base64: what comes first is the same in every key.
    return {name: [line for line in text.splitlines() if len(line) == 64][1] for name, text in texts.items()}


def test_switched_off_it_leaves_nothing(mesh: Mesh) -> None:
    before: Mapping[str, str] = {host: mesh.on(host, "systemctl show -p MainPID docker.service") for host in mesh.hosts}
    mesh.edit("\ndocker_api: {listen: mesh}\n", "")

    mesh.apply()

    for host in mesh.hosts:
        assert left_of_it(mesh, host) == ""
        assert before[host] == mesh.on(host, "systemctl show -p MainPID docker.service")
    assert status(mesh)["right"]


def left_of_it(mesh: Mesh, host: str) -> str:
    """Files, unit and port, whatever of them is there."""
    files = mesh.ssh(host, f"ls -d {' '.join(API_FILES)} /run/dockmesh-api 2>/dev/null").out
    unit = mesh.on(host, f"systemctl show -p ActiveState --value {API_UNIT}").replace("inactive", "")
    return files + unit + mesh.ssh(host, f"ss -Hltn 'sport = :{PORT}'; iptables-save | grep {API_UNIT}").out


@pytest.mark.long
def test_a_port_that_is_taken_is_told_beforehand_and_takes_the_host_back(mesh: Mesh) -> None:
    mesh.file.write_text(mesh.file.read_text().replace("\ndocker_api: {listen: mesh}\n", ""))
    mesh.apply()
    mesh.on("host3", f"systemd-run --quiet --collect --unit=taker python3 -m http.server {PORT}")
    wait_until(lambda: str(PORT) in mesh.on("host3", "ss -Hltn"), "somebody has the port")
    with mesh.file.open("a") as file:
        file.write("\ndocker_api: {listen: mesh}\n")

    told = mesh.dockmesh("preflight", "--json").json()
    done = mesh.dockmesh("apply", "--yes", "--json", "--no-verify")
    mesh.on("host3", "systemctl stop taker")
    left = left_of_it(mesh, "host3")
    mesh.apply()

    assert [each["hosts"] for each in told["findings"] if (each["check"], each["level"]) == TAKEN] == [["host3"]]
    errors = {host["name"]: host["error"] for host in done.json()["hosts"] if host["error"]}
    assert (done.code, set(errors)) == (1, {"host3"})
    assert left == ""
    assert name_of(mesh, "host2", "host3") == "host3"


@pytest.mark.long
def test_destroy_leaves_nothing_of_it(mesh: Mesh) -> None:
    assert "docker_api" in mesh.file.read_text()
    assert left_of_it(mesh, "host1") != ""

    done = mesh.dockmesh("destroy", "--yes", "--json")

    assert done.code == 0, done.err
    assert [left_of_it(mesh, host) for host in mesh.hosts] == ["", "", ""]

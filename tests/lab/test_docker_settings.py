"""Keys of one host's daemon.json: in the mesh file, in Docker, and out of both again."""

import json

from tests.lab.mesh import Mesh

DRIVER = "docker info --format '{{.LoggingDriver}}'"
DAEMON_JSON = "cat /etc/docker/daemon.json"


def test_dockers_settings_of_one_host_come_with_an_apply_and_go_with_the_next(mesh: Mesh) -> None:
    before = mesh.on("host1", DAEMON_JSON)
    text = mesh.file.read_text()
    pool = next(line for line in text.splitlines() if line.strip().startswith("host1:")).rstrip("}")

    mesh.edit(pool, f"{pool}, docker: {{log-driver: local, log-opts: {{max-size: 10m}}}}")
    mesh.apply()

    assert [mesh.on(host, DRIVER).strip() for host in mesh.hosts] == ["local", "json-file", "json-file"]
    assert json.loads(mesh.on("host1", DAEMON_JSON))["log-opts"] == {"max-size": "10m"}
    assert [each["changes"] for each in mesh.apply()["hosts"]] == [[], [], []]

    mesh.file.write_text(text)
    mesh.apply()

    assert mesh.on("host1", DAEMON_JSON) == before
    assert mesh.on("host1", DRIVER).strip() == "json-file"

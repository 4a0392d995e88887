from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from dockmesh.errors import UsageError
from dockmesh.meshfile.edit.hosts import add_hosts, places_of_hosts, remove_hosts, replace_comment
from dockmesh.model.mesh import Host
from tests.support.layouts import HEAD, LAYOUTS, ONE, TWO
from tests.support.meshes import MESH_FILE, in_docker0

NEW = Host("host3", IPv4Address("1.1.1.3"), in_docker0("172.17.42.3", "172.17.192.0/18"))
NINE = "{underlay: 1.1.1.9, address: 172.17.42.9, pool: 172.17.192.0/18}"


def refused(error: pytest.ExceptionInfo[UsageError]) -> str:
    return str(error.value)


def test_a_host_that_others_repeat_a_value_of_stays_and_is_named_with_its_line() -> None:
    with pytest.raises(UsageError) as error:
        remove_hosts("mesh.yaml", add_hosts("mesh.yaml", LAYOUTS["repeated-value"].encode(), [NEW]), ["host1"])

    assert "mesh.yaml:7:80: no `&admin` before this" in refused(error)
    assert "move it to another host first" in refused(error)


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}hosts: {{host1: {ONE},\n  # two\n  host2: {TWO}, host9: {NINE}}}\n",
        f"{HEAD}hosts:\n  ? host1\n  : {ONE}\n  ? host2\n  : {TWO}\n  ? host9\n  : {NINE}\n",
    ],
    ids=["comments between hosts of one line", "explicit keys"],
)
def test_a_layout_that_is_not_edited_is_named_so(text: str) -> None:
    with pytest.raises(UsageError, match=r"cannot take host1 out of mesh\.yaml") as error:
        remove_hosts("mesh.yaml", text.encode(), ["host1"])

    assert "laid out in a way that this command does not edit" in refused(error)


def test_the_last_two_hosts_stay() -> None:
    with pytest.raises(UsageError, match="that leaves host1 alone, and a mesh has at least two hosts"):
        remove_hosts("mesh.yaml", MESH_FILE.encode(), ["host2", "host3"])


def test_a_host_that_the_file_has_not_is_refused_with_those_that_it_has() -> None:
    with pytest.raises(UsageError) as error:
        remove_hosts("mesh.yaml", MESH_FILE.encode(), ["host4"])

    assert "its hosts are host1, host2, host3" in refused(error)


def test_an_address_that_is_taken_is_refused_in_the_files_own_words_with_the_line() -> None:
    with pytest.raises(UsageError) as error:
        add_hosts("mesh.yaml", LAYOUTS["lines"].encode(), [replace(NEW, underlay=IPv4Address("1.1.1.1"))])

    assert "mesh.yaml:9:21: underlay of host3 is also the underlay of host1" in refused(error)
    assert "the file is as it was" in refused(error)


def test_links_that_no_longer_connect_the_others_are_refused_with_what_to_do_first() -> None:
    text = f"{HEAD}fabric: {{topology: {{links: [[host1, host2], [host2, host3], [host3, host9]]}}}}\nhosts:\n"
    text += (
        f"  host1: {ONE}\n  host2: {TWO}\n  host3: {{underlay: 1.1.1.3, address: 172.17.42.3, pool: 172.17.0.0/24}}\n"
    )
    text += f"  host9: {NINE}\n"

    with pytest.raises(UsageError, match=r"cannot take host2 out of mesh\.yaml") as error:
        remove_hosts("mesh.yaml", text.encode(), ["host2"])

    assert "list the links that join the others under fabric.topology.links first" in refused(error)


def in_sites(sites: str) -> bytes:
    text = f"{HEAD}fabric: {{topology: {{sites: {sites}}}}}\nhosts:\n  host1: {ONE}\n"
    text += f"  host2: {TWO}\n  host3: {{underlay: 1.1.1.3, address: 172.17.42.3, pool: 172.17.192.0/18}}\n"
    return text.encode()


def test_a_site_goes_with_its_last_host() -> None:
    before = in_sites("{one: [host1], two: [host2], three: [host3]}")

    assert b"{sites: {one: [host1], three: [host3]}}" in remove_hosts("mesh.yaml", before, ["host2"])


def test_the_last_site_but_one_stays() -> None:
    with pytest.raises(UsageError) as error:
        remove_hosts("mesh.yaml", in_sites("{one: [host1, host3], two: [host2]}"), ["host2"])

    assert "no other site would be left: write `topology: full-mesh` first" in refused(error)


def test_the_middle_of_a_star_stays_until_another_is_named() -> None:
    text = in_sites("{}").replace(b"{sites: {}}", b"{star: host2}")

    with pytest.raises(UsageError) as error:
        remove_hosts("mesh.yaml", text, ["host2"])

    assert "name another host under fabric.topology.star first" in refused(error)


def test_a_comment_is_replaced_where_it_stands_once() -> None:
    assert replace_comment(b"  # old\r\nx: 1\r\n", "old", "new") == b"  # new\r\nx: 1\r\n"
    assert replace_comment(b"# old\n# old\n", "old", "new") == b"# old\n# old\n"


def test_a_host_is_found_with_its_line_and_column() -> None:
    assert places_of_hosts("mesh.yaml", LAYOUTS["windows"].encode())["host2"] == "mesh.yaml:8:3"


def test_a_host_with_an_attached_interface_is_not_removed_before_that() -> None:
    text = MESH_FILE.replace("prefix: 172", "attach: {host: host2, interface: eth1}\n    prefix: 172", 1)

    with pytest.raises(UsageError, match="host2 has eth1, which is attached to docker0"):
        remove_hosts("mesh.yaml", text.encode(), ["host2"])

"""The file of a context, and how Docker's ssh reaches a host by it."""

import json

import pytest

from dockmesh.context.meta import Context, folder_name, is_name, read, text_of
from dockmesh.context.reach import apart, read_settings, ssh_url

HOST1 = Context("prod-host1", "prod", "host1", "/mesh/dockmesh.yaml", "ssh://ann@host1")


def test_the_file_says_what_docker_reads_and_what_makes_it_ours() -> None:
    assert json.loads(text_of(HOST1)) == {
        "Name": "prod-host1",
        "Metadata": {
            "Description": "host1 of the mesh prod",
            "dockmesh": {"mesh": "prod", "host": "host1", "file": "/mesh/dockmesh.yaml"},
        },
        "Endpoints": {"docker": {"Host": "ssh://ann@host1", "SkipTLSVerify": False}},
    }
    assert read(text_of(HOST1)) == HOST1


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"Name": "x", "Metadata": {"Description": "d"}}', "\x00"])
def test_what_has_not_our_mark_is_not_ours(text: str) -> None:
    assert read(text) is None


def test_the_folder_is_the_sum_that_docker_makes_of_the_name() -> None:
    """By `printf lab-host1 | sha256sum`."""
    assert folder_name("lab-host1") == "f8baf4b462b874d2d082a78505e8f875936dd435de128dfb9417a0784113ce80"


@pytest.mark.parametrize(
    ("name", "taken"),
    [("a1", True), ("a.b_c+d-e", True), ("a", False), ("-a", False), ("a b", False), ("default", False)],
)
def test_a_name_is_one_that_docker_takes(name: str, taken: bool) -> None:
    assert is_name(name) is taken


@pytest.mark.parametrize(
    ("host", "user", "port", "url"),
    [
        ("host1", None, None, "ssh://host1"),
        ("host1", "root", 2222, "ssh://root@host1:2222"),
        ("10.0.0.1", "a@b", None, "ssh://a%40b@10.0.0.1"),
        ("fe80::1%eth0", None, None, "ssh://[fe80::1%25eth0]"),
    ],
)
def test_a_url_says_no_more_than_is_known(host: str, user: str | None, port: int | None, url: str) -> None:
    assert ssh_url(host, user, port) == url


def test_only_what_decides_a_connection_sets_two_ways_apart() -> None:
    ours = read_settings("hostname a\nidentityfile ~/x\nidentityfile ~/y\ncompression no\n")
    theirs = read_settings("hostname a\nidentityfile ~/x\ncompression yes\n")

    assert apart(ours, theirs) == ("identityfile",)
    assert apart(ours, ours) == ()

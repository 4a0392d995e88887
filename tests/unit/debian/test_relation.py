import pytest

from dockmesh.debian.relation import Wanted, available, group_text, is_met, read_relations


def test_relations_are_read_with_their_alternatives_versions_and_qualifiers() -> None:
    groups = read_relations("kmod | module-init-tools,\n openvswitch-common (= 3.5.0-1+b1), python3:any (>= 3.10~)")

    assert groups == (
        (Wanted("kmod"), Wanted("module-init-tools")),
        (Wanted("openvswitch-common", "=", "3.5.0-1+b1"),),
        (Wanted("python3", ">=", "3.10~"),),
    )
    assert [group_text(group) for group in groups][:2] == [
        "kmod | module-init-tools",
        "openvswitch-common (= 3.5.0-1+b1)",
    ]


@pytest.mark.parametrize("text", ["a b", "(>= 1)", "a (~ 1)", "a | | b", "a (>= )"])
def test_what_is_no_relation_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no relation"):
        read_relations(text)


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("libc6", True),
        ("libc6 (>= 2.38)", True),
        ("libc6 (>= 2.42)", False),
        ("missing | libc6", True),
        ("missing", False),
        ("mail-transport-agent", True),
        ("mail-transport-agent (>= 1)", False),
        ("c-shell (>= 6)", True),
    ],
)
def test_a_relation_is_met_by_a_name_a_version_or_what_another_provides(text: str, *, met: bool) -> None:
    there = available(
        [
            ("libc6", "2.41-12", ()),
            ("postfix", "3", read_relations("mail-transport-agent")),
            ("tcsh", "6.24", read_relations("c-shell (= 6.24)")),
        ]
    )

    (group,) = read_relations(text)
    assert is_met(group, there) is met

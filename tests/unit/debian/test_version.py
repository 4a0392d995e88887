import pytest

from dockmesh.debian.version import compare, satisfies, sort_key


def test_versions_are_in_the_order_of_dpkg() -> None:
    # dpkg puts a version without a revision where revision 0 is; `1.0+b1` is another upstream version.
    rising = ("0.9", "1.0~~", "1.0~", "1.0~rc1", "1.0", "1.0-1~deb13u1", "1.0-1", "1.0-1+b1", "1.0-2", "1.0a", "1.0+b1")

    assert tuple(sorted(set(rising), key=sort_key)) == rising
    assert tuple(sorted(("2:0.1", "1:0.1", "1.10", "1.2"), key=sort_key)) == ("1.2", "1.10", "1:0.1", "2:0.1")


@pytest.mark.parametrize(("one", "other"), [("1.0", "1.00"), ("1.0", "1.0-0"), ("0:1", "1"), ("1.a", "1.a0")])
def test_versions_that_look_different_may_be_one(one: str, other: str) -> None:
    assert compare(one, other) == 0


@pytest.mark.parametrize(
    ("operator", "older", "same", "newer"),
    [
        ("<<", True, False, False),
        ("<=", True, True, False),
        ("=", False, True, False),
        (">=", False, True, True),
        (">>", False, False, True),
    ],
)
def test_each_operator_means_what_debian_says(operator: str, *, older: bool, same: bool, newer: bool) -> None:
    assert [satisfies(version, operator, "2") for version in ("1", "2", "3")] == [older, same, newer]


def test_a_number_may_have_more_digits_than_python_converts() -> None:
    assert compare("9" * 5000, "1") > 0
    assert compare("1." + "1" * 5000, "1." + "2" * 5000) < 0
    assert compare("0" * 5000 + "7", "7") == 0

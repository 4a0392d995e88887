from tests.unit.cli.conftest import Dockmesh


def test_a_contender_that_nobody_knows_is_2(dockmesh: Dockmesh) -> None:
    ran = dockmesh("bench", "--contender", "weave")

    assert ran.code == 2
    assert "nobody called weave can be measured" in ran.err
    assert "dockmesh-direct" in ran.err

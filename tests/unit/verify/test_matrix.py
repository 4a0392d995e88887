from dockmesh.verify.matrix import LETTERS, MEANINGS


def test_each_letter_in_a_cell_is_explained() -> None:
    assert set(MEANINGS) == set(LETTERS.values())

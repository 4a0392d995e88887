from dockmesh.lab.wait import holds_within


def test_it_returns_as_soon_as_the_condition_holds() -> None:
    answers = iter([False, False, True])

    assert holds_within(lambda: next(answers), deadline_s=60, interval_s=0)
    assert next(answers, None) is None


def test_it_gives_up_at_the_deadline() -> None:
    assert not holds_within(lambda: False, deadline_s=0, interval_s=0)

import json

from hypothesis import given
from hypothesis import strategies as st

from dockmesh.visible import OBEYED, visible_json


@given(st.text(), st.sampled_from((None, 2)))
def test_json_stays_the_same_json(text: str, indent: int | None) -> None:
    shown = visible_json(json.dumps({text: [text]}, ensure_ascii=False, indent=indent))

    assert json.loads(shown) == {text: [text]}
    assert not OBEYED.search(shown)

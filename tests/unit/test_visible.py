import io

from rich.table import Table

from dockmesh.cli.show import Screen
from dockmesh.visible import visible

COMMAND = "web\x1b]52;c;AAAA\x07"


def test_what_a_terminal_obeys_is_shown_as_what_it_is() -> None:
    assert visible(COMMAND) == r"web\x1b]52;c;AAAA\x07"
    assert visible("\x9b31m\x7f\r\u202e") == r"\x9b31m\x7f\r\u202e"
    assert visible("two\nlines\tñ") == "two\nlines\tñ"


def test_a_table_on_a_terminal_has_its_colours_and_no_others() -> None:
    text = io.StringIO()
    table = Table("[red]name[/]")
    table.add_row(COMMAND)

    Screen(file=text, force_terminal=True, width=80).print(table)

    assert "\x1b[" in text.getvalue()
    assert "\x1b]" not in text.getvalue()
    assert r"web\x1b]52" in text.getvalue()

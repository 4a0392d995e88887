"""Lines of a file on a terminal."""

import pytest

from dockmesh.meshfile.excerpt import WINDOW, excerpt, listed, shown


def test_carets_stand_under_the_whole_span() -> None:
    assert excerpt("name: prod", 7, 4) == ("name: prod", "      ^^^^")


def test_the_end_of_a_line_gets_one_caret() -> None:
    assert excerpt("name:", 6, 1) == ("name:", "     ^")


@pytest.mark.parametrize("column", [1, 50, 150, 299, 300])
def test_a_long_line_is_cut_to_the_surroundings_of_the_mistake(column: int) -> None:
    line = "".join(chr(ord("a") + number % 26) for number in range(300))

    text, carets = excerpt(line, column, 1)

    assert len(text) <= WINDOW + 2
    assert text[carets.index("^")] == line[column - 1]


def test_a_span_longer_than_the_window_is_underlined_as_far_as_it_is_shown() -> None:
    text, carets = excerpt("x" * 1000, 1, 1000)

    assert text == "x" * WINDOW + "…"
    assert carets == "^" * WINDOW


def test_escapes_count_as_wide_as_they_are_shown() -> None:
    text, carets = excerpt("\x1b[31m!", 6, 1)

    assert text == "\\x1b[31m!"
    assert text[carets.index("^")] == "!"


def test_a_line_of_escapes_is_cut_by_what_is_shown() -> None:
    text, _ = excerpt("\x01" * 1000, 500, 1)

    assert len(text) <= WINDOW + 2


def test_wide_characters_take_two_columns() -> None:
    assert excerpt("ホスト: x", 6, 1) == ("ホスト: x", "        ^")


@pytest.mark.parametrize("text", ["\x1b]0;title\x07", "a\nb", "\u202eabc", "\u200b", "\x7f", "\ud800", "\u2028"])
def test_nothing_that_a_terminal_obeys_or_hides_is_left(text: str) -> None:
    assert shown(text).isprintable()


def test_a_long_list_is_cut_and_counted() -> None:
    assert listed(["a", "b", "c"], limit=2) == "a, b and 1 more"

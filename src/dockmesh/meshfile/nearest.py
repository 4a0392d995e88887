"""The valid word that was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches

from dockmesh.meshfile.excerpt import clipped

# Longer words are nobody's typing mistake, and comparing them takes long.
LONGEST_WORD = 64


def nearest(word: str, options: Iterable[str]) -> str | None:
    """The option that looks most like `word`, or holds it or is held by it; None when none does.

    >>> nearest("mtu", ["underlay", "underlay_mtu"]), nearest("pol", ["pool"]), nearest("x", ["pool"])
    ('underlay_mtu', 'pool', None)
    """
    known = list(options)
    word = word.lower()
    if len(word) > LONGEST_WORD:
        return None
    if close := get_close_matches(word, known, n=1):
        return close[0]
    holding = [option for option in known if len(word) >= 3 and (word in option or option in word)]
    return min(holding, key=len, default=None)


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """` Did you mean …?` as the end of a hint, or nothing."""
    option = nearest(word, options)
    return f" Did you mean `{clipped(option)}`?" if option is not None else ""

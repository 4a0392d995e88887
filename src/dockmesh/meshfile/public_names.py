"""Domains of the public DNS that people take for the name of a mesh. Names below would never be asked outside."""

import re

# ISO 3166 gives every pair of letters to a country, or keeps it: the DNS has no other use for them (RFC 1591).
COUNTRY = re.compile(r"[a-z]{2}")
# Those of RFC 1591 and the ones that most names are registered below; not all 1,400 that there are.
_GENERIC = """
com net org edu gov mil int arpa info biz name pro aero asia cat coop jobs mobi museum post tel travel xxx
academy agency app art blog cafe center club cloud codes community company consulting design dev digital
email events expert finance fun games global group guru host icu inc life link live llc ltd management media
network news one online page photos press services shop site social software solutions space store studio
support systems team tech technology today tools top vip website wiki work works world wtf xyz zone
"""
GENERIC = frozenset(_GENERIC.split())
# Below many a country the names of others begin one level deeper.
SECOND = frozenset(("ac", "co", "com", "edu", "gov", "ne", "net", "or", "org"))
WORDS = frozenset(("no", "off", "n", "none", "null", "yes", "on", "y"))  # of YAML 1.1, and of who means no names


def why_not(domain: str) -> str | None:
    """What speaks against this domain for a mesh, as the rest of a sentence; None if nothing does."""
    first, *rest = domain.split(".")
    if not rest and first in WORDS:
        return "which is a word of YAML 1.1, and text here"
    if domain == "localhost" or domain.endswith(".localhost"):
        return "which means each machine itself (RFC 6761)"
    public = not rest and (first in GENERIC or COUNTRY.fullmatch(first))
    if public or (len(rest) == 1 and first in SECOND and COUNTRY.fullmatch(rest[0])):
        return "which is a domain of the public DNS: no name below it could be asked for outside"
    return None

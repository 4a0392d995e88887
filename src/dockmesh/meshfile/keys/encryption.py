"""Whether what goes between hosts is encrypted: a word, or a map."""

from collections.abc import Iterator
from typing import Any

from dockmesh.meshfile.excerpt import quoted
from dockmesh.meshfile.explain import Place, wrong_kind
from dockmesh.meshfile.nearest import did_you_mean
from dockmesh.meshfile.problems import Problem
from dockmesh.meshfile.section import Key, Section
from dockmesh.meshfile.tree import Mapping, Node, Plain, Scalar
from dockmesh.meshfile.types import Choice, Located, Schema, Type
from dockmesh.meshfile.values import NETWORK, PORT
from dockmesh.model.encryption import Encryption, EncryptionKind

OFF = "off"
ENCRYPTION = Encryption()
EXPECTED = "wireguard, off, or a map such as {kind: wireguard, port: 51820}"


class EncryptionSection(
    Section,
    title="`fabric.encryption: {kind: …}`",
    where="in a map `encryption: {kind: …}`",
    example={"kind": "wireguard", "prefix": str(ENCRYPTION.prefix), "port": ENCRYPTION.port},
    model=Encryption,
):
    """What goes between hosts is encrypted."""

    kind = Key(Choice(EncryptionKind), "What encrypts.", examples=("wireguard",))
    prefix = Key(
        NETWORK,
        "Addresses of the hosts inside the encryption, where tunnels end: a /16 or larger, which nothing else uses.",
        ENCRYPTION.prefix,
    )
    port = Key(PORT, "The UDP port at which hosts reach each other.", ENCRYPTION.port)


Found = Encryption | EncryptionSection | None


class EncryptionType(Type[Located[Found]]):
    shown = r"`wireguard` \| `off`, or a map, see below"

    def read(self, node: Node, place: Place, problems: list[Problem]) -> Located[Found] | None:
        span = place.span_of(node)
        match node:
            case Mapping():
                section = EncryptionSection.read(node, place, problems)
                return Located(section, span, place.subject, place.key, whole=section.whole)
            case Scalar(value=False) | Scalar(value="off"):
                return Located(None, span, place.subject, place.key)
            case Scalar(value=str(name)) if name in list(EncryptionKind):
                return Located(Encryption(EncryptionKind(name)), span, place.subject, place.key)
            case Scalar(value=str(name)):
                hint = f"This version has wireguard and off.{did_you_mean(name, [*EncryptionKind, OFF])}"
                problems.append(Problem(f"encryption is {quoted(name)}, which does not exist", hint, span))
            case _:
                problems.append(wrong_kind(place, node, EXPECTED))
        return None

    def made(self, found: Located[Found]) -> Any:
        return found.value.made() if isinstance(found.value, EncryptionSection) else found.value

    def told(self, value: Encryption | None) -> Plain:
        if value is None:
            return OFF
        return str(value.kind) if value == ENCRYPTION else EncryptionSection.told(value)

    def schema(self) -> Schema:
        return {"oneOf": [{"enum": [*map(str, EncryptionKind), OFF]}, EncryptionSection.schema()]}

    def sections(self) -> Iterator[type[Section]]:
        yield EncryptionSection

    @property
    def examples(self) -> tuple[Plain, ...]:
        return (*map(str, EncryptionKind), OFF, EncryptionSection.example)

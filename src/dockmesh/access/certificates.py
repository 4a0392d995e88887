"""Certificates of a mesh: made here, of values; read again only where they sign.

The cryptography is that library's. To import it takes a while, so nobody imports this module who only looks.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

# Clocks of hosts are not all alike, and one that is not set yet may be wrong by its time zone.
EARLIER = timedelta(days=1)
# What TLS libraries of today and of some years ago know, Go's and Python's among them.
CURVE = ec.SECP256R1
NO_USAGE = {
    "content_commitment": False,
    "key_encipherment": False,
    "data_encipherment": False,
    "key_agreement": False,
    "encipher_only": False,
    "decipher_only": False,
}


@dataclass(frozen=True, slots=True, repr=False)
class Authority:
    """A certificate authority with its private key, in PEM."""

    certificate: str
    key: str


@dataclass(frozen=True, slots=True, repr=False)
class Issued:
    """A certificate with its private key, in PEM."""

    certificate: str
    key: str
    serial: int


def make_authority(mesh: str, now: datetime, until: datetime) -> Authority:
    """It signs certificates and lists of revoked ones, and no authority below it."""
    key = ec.generate_private_key(CURVE())
    serial = x509.random_serial_number()
    # The number tells it from the authority before it, which has the same name otherwise.
    name = _name(f"dockmesh {mesh} {serial:x}"[:64])
    builder = _builder(key, name, name, serial, (now, until))
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (x509.KeyUsage(digital_signature=False, key_cert_sign=True, crl_sign=True, **NO_USAGE), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
    )
    return Authority(_certificate_text(_with(builder, extensions).sign(key, hashes.SHA256())), _key_text(key))


def issue_host(
    authority: Authority, name: str, addresses: Iterable[IPv4Address], now: datetime, until: datetime
) -> Issued:
    """For one end of a connection only: with it nobody gets in to another host."""
    names = (x509.DNSName(name), *map(x509.IPAddress, addresses))
    return _issue(
        authority, name, ExtendedKeyUsageOID.SERVER_AUTH, (now, until), ((x509.SubjectAlternativeName(names), False),)
    )


def issue_client(authority: Authority, name: str, now: datetime, until: datetime) -> Issued:
    return _issue(authority, name, ExtendedKeyUsageOID.CLIENT_AUTH, (now, until), ())


def revocation_list(authority: Authority, number: int, revoked: Iterable[tuple[int, datetime]], until: datetime) -> str:
    """By serial number and time, in PEM. It is as good until `until` as the authority: who lacks it shuts the port."""
    certificate, key = _load(authority)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(certificate.subject)
        # Its number says which is newer. A date would shut everybody out of a host whose clock is behind it.
        .last_update(certificate.not_valid_before_utc)
        .next_update(until)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    for serial, when in revoked:
        row = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when).build()
        builder = builder.add_revoked_certificate(row)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def _issue(
    authority: Authority,
    name: str,
    use: ObjectIdentifier,
    life: tuple[datetime, datetime],
    more: tuple[tuple[x509.ExtensionType, bool], ...],
) -> Issued:
    issuer, issuer_key = _load(authority)
    key = ec.generate_private_key(CURVE())
    serial = x509.random_serial_number()
    builder = _builder(key, _name(name), issuer.subject, serial, life)
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.KeyUsage(digital_signature=True, key_cert_sign=False, crl_sign=False, **NO_USAGE), True),
        (x509.ExtendedKeyUsage([use]), False),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False),
        *more,
    )
    signed = _with(builder, extensions).sign(issuer_key, hashes.SHA256())
    return Issued(_certificate_text(signed), _key_text(key), serial)


def _builder(
    key: ec.EllipticCurvePrivateKey, name: x509.Name, issuer: x509.Name, serial: int, life: tuple[datetime, datetime]
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(life[0] - EARLIER)
        .not_valid_after(life[1])
    )


def _with(
    builder: x509.CertificateBuilder, extensions: tuple[tuple[x509.ExtensionType, bool], ...]
) -> x509.CertificateBuilder:
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _load(authority: Authority) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Raises ValueError where it is none of ours."""
    key = load_pem_private_key(authority.key.encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("its key is of another kind")  # noqa: TRY004 — what it is, and not which type
    return x509.load_pem_x509_certificate(authority.certificate.encode()), key


def _certificate_text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _key_text(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

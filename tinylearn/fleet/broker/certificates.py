"""A certificate authority of the fleet's own, and what it issues: EC P-256, X.509 (RFC 5280)."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tinylearn.errors import BadInputError
from tinylearn.fleet.files import read_secret, read_small, write_whole

_AUTHORITY_DAYS = 3650
_LEAF_DAYS = 825
_RENEW_DAYS = 60
#: clocks of devices may be behind
_SLACK = datetime.timedelta(days=1)

Authority = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _builder(
    subject: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    start = _now() - _SLACK
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )


def _usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _make_authority(fleet: str) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = f"tinylearn fleet {fleet}"
    builder = _builder(subject, _name(subject), key, _AUTHORITY_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
    certificate = builder.add_extension(_usage(authority=True), True).sign(key, hashes.SHA256())
    return certificate, key


def authority(folder: Path, fleet: str) -> Authority:
    """The authority of ``folder`` (ca.pem, ca.key), made where there is none."""
    certificate_path, key_path = folder / "ca.pem", folder / "ca.key"
    if not key_path.exists():
        certificate, key = _make_authority(fleet)
        write_whole(key_path, _pem(key))
        write_whole(certificate_path, _to_pem(certificate), 0o644)
        return certificate, key
    try:
        loaded = serialization.load_pem_private_key(read_secret(key_path).encode(), None)
    except (ValueError, TypeError):
        raise BadInputError(f"{key_path}: not a private key in PEM form") from None
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise BadInputError(f"{key_path}: not an elliptic curve key")
    return _load(certificate_path), loaded


def _to_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _load(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(read_small(path).encode())
    except ValueError:
        raise BadInputError(f"{path}: not a certificate in PEM form") from None


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _issue(
    issuer: Authority, subject: str, usage: x509.ObjectIdentifier, names: Sequence[str]
) -> tuple[bytes, bytes]:
    certificate, signer = issuer
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(subject, certificate.subject, key, _LEAF_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
    builder = builder.add_extension(_usage(authority=False), True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), False)
    parent = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(parent, False)
    if names:
        alternatives = x509.SubjectAlternativeName([_alternative(n) for n in names])
        builder = builder.add_extension(alternatives, False)
    return _to_pem(builder.sign(signer, hashes.SHA256())), _pem(key)


def _names_of(certificate: x509.Certificate) -> set[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(name.value) for name in found}


def _good(path: Path, names: Sequence[str]) -> bool:
    if not path.exists():
        return False
    certificate = _load(path)
    left = certificate.not_valid_after_utc - _now()
    return left.days > _RENEW_DAYS and _names_of(certificate) == set(names)


def server(folder: Path, issuer: Authority, names: Sequence[str], renew: bool = False) -> None:
    """The broker's certificate for the DNS names and addresses (server.pem, server.key); a new one
    where there is none, where it names others or ends within 60 days, or where ``renew``."""
    if not renew and _good(folder / "server.pem", names) and (folder / "server.key").exists():
        return
    certificate, key = _issue(issuer, names[0], ExtendedKeyUsageOID.SERVER_AUTH, names)
    write_whole(folder / "server.key", key)
    write_whole(folder / "server.pem", certificate, 0o644)


def client(issuer: Authority, user: str) -> bytes:
    """A client's certificate and key, one PEM text."""
    certificate, key = _issue(issuer, user, ExtendedKeyUsageOID.CLIENT_AUTH, ())
    return certificate + key

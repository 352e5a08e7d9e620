# SPDX-License-Identifier: AGPL-3.0-or-later
"""A certificate authority for tests, and one server certificate signed by it."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SERVICE_PREFIXES = ("", "muc.", "upload.", "proxy.", "pubsub.")
_LIFETIME = datetime.timedelta(days=30)
_CLOCK_SLACK = datetime.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class TestAuthority:
    """Where the files are. ``server_pem`` is chain and key in one file, as ejabberd wants it."""

    __test__ = False  # pytest: not a test class

    ca_file: Path
    certificate: Path
    key: Path
    server_pem: Path


def names_of(hosts: Iterable[str]) -> list[x509.GeneralName]:
    """The names a test server answers to: loopback, and each host with the prefixes of its services."""
    dns = dict.fromkeys(["localhost", *(prefix + host for host in hosts for prefix in SERVICE_PREFIXES)])
    addresses = (ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1"))
    return [*(x509.DNSName(name) for name in dns), *(x509.IPAddress(address) for address in addresses)]


def write_authority(folder: Path, hosts: Iterable[str] = ("localhost",)) -> TestAuthority:
    """Write a new authority and a server certificate for ``hosts`` into ``folder``, or reuse the one there.

    Both are valid for 30 days. Each authority has a name of its own, so that two of them in one trust
    store do not pass for each other. The authority's key is never written: nothing else can be signed.
    """
    files = TestAuthority(
        folder / "ca.pem", folder / "server.crt", folder / "server.key", folder / "server.pem"
    )
    if files.server_pem.exists():
        return files
    folder.mkdir(parents=True, exist_ok=True)
    ca_key, ca = _authority()
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _server_certificate(ca, ca_key, key, names_of(hosts))
    key_text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    text = certificate.public_bytes(serialization.Encoding.PEM)
    files.ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    files.certificate.write_bytes(text)
    for path, content in ((files.key, key_text), (files.server_pem, text + key_text)):
        path.touch(mode=0o600)
        path.write_bytes(content)
    return files


def _authority() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Salut test authority {serial:x}"[:64])])
    builder = (
        _builder(name, name, key.public_key(), serial)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return key, builder.sign(key, hashes.SHA256())


def _server_certificate(
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePrivateKey,
    names: list[x509.GeneralName],
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]  # the second for s2s
    builder = (
        _builder(subject, ca.subject, key.public_key(), x509.random_serial_number())
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
    )
    return builder.sign(ca_key, hashes.SHA256())


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, serial: int
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(serial)
        .not_valid_before(now - _CLOCK_SLACK)
        .not_valid_after(now + _LIFETIME)
    )


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )

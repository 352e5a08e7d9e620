# SPDX-License-Identifier: AGPL-3.0-or-later
"""Certificates explained to people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from salut.xmpp.certificate import explain
from salut.xmpp.tls import SharedTls, fingerprint, is_pinned

NOW = datetime(2026, 6, 1, tzinfo=UTC)
NOW_US = int(NOW.timestamp()) * 1_000_000


def certificate(names: list[str], *, issuer: str = "", start: int = -30, end: int = 30) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
    by = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]) if issuer else subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW + timedelta(days=start))
        .not_valid_after(NOW + timedelta(days=end))
    )
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False
        )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(
    ("der", "says"),
    [
        (certificate(["example.org"], end=-1), "expired on 2026-05-31"),
        (certificate(["example.org"], start=1), "valid only from 2026-06-02"),
        (
            certificate(["other.org", "more.org"], issuer="CA"),
            "is for other.org, more.org, not for example.org",
        ),
        (certificate([], issuer="CA"), "is for no name at all"),
        (certificate(["example.org"]), "signed by itself"),
        (certificate(["*.org"], issuer="Nobody CA"), "issuer (CN=Nobody CA) is not trusted here"),
        (b"not a certificate", "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(der: bytes, says: str) -> None:
    report = explain(der, "example.org", NOW_US)
    assert any(says in problem for problem in report.problems), report.problems
    assert report.sha256 == fingerprint(der)
    assert report.sha256 in report.summary


def test_a_star_covers_one_label_only() -> None:
    der = certificate(["*.example.org"], issuer="CA")
    assert not any("not for" in p for p in explain(der, "chat.example.org", NOW_US).problems)
    assert any("not for" in p for p in explain(der, "a.b.example.org", NOW_US).problems)
    assert any("not for" in p for p in explain(der, "example.org", NOW_US).problems)


def test_pins_in_any_notation() -> None:
    own = fingerprint(b"der")
    colons = ":".join(own[i : i + 2] for i in range(0, 64, 2)).upper()
    assert is_pinned(b"der", ("other", colons))
    assert not is_pinned(b"other", (own,))
    assert not is_pinned(b"der", (own[:-1],))
    assert not is_pinned(b"der", ())


def test_contexts_are_shared_and_strict() -> None:
    import ssl

    tls = SharedTls()
    context = tls.context()
    assert tls.context() is context
    assert tls.context(verify=False) is not context
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    with pytest.raises(OSError, match="No such file"):
        tls.context("/does/not/exist.pem")

# SPDX-License-Identifier: AGPL-3.0-or-later
"""Explains a certificate that was refused, in words a person can act on."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from salut.xmpp.tls import fingerprint


class CertificateReport(msgspec.Struct, frozen=True):
    """A server's certificate: whose it is, for which names, until when, and what is wrong with it.

    Times are microseconds UTC. ``sha256`` is what a pin is made of. ``problems`` are whole sentences.
    """

    domain: str
    sha256: str
    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: int
    not_after: int
    problems: tuple[str, ...]

    @property
    def summary(self) -> str:
        """One line: the problems and the fingerprint."""
        return " ".join(self.problems) + f" Fingerprint (SHA-256): {self.sha256}"


def explain(
    der: bytes, domain: str, now_us: int, verdict: str = "", *, trusted: bool = False
) -> CertificateReport:
    """Read the certificate ``der`` that came for ``domain``; ``verdict``: the TLS library's words on it.

    ``trusted``: it was accepted, so nothing is a problem.
    """
    # cryptography takes 40 ms to import and is needed only when something is wrong.
    from cryptography import x509

    sha256 = fingerprint(der)
    try:
        certificate = x509.load_der_x509_certificate(der)
        names = _names(certificate)
    except ValueError as error:
        problem = f"The server's certificate cannot be read: {error}."
        return CertificateReport(domain, sha256, "", "", (), 0, 0, (problem,))
    subject = certificate.subject.rfc4514_string()
    issuer = certificate.issuer.rfc4514_string()
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    problems: list[str] = []
    if trusted:
        return CertificateReport(
            domain, sha256, subject, issuer, names, _microseconds(start), _microseconds(end), ()
        )
    now = datetime.fromtimestamp(now_us / 1e6, UTC)
    if now > end:
        problems.append(f"The certificate expired on {end:%Y-%m-%d}.")
    if now < start:
        problems.append(
            f"The certificate is valid only from {start:%Y-%m-%d} (is this machine's clock right?)."
        )
    if not any(_covers(name, domain) for name in names):
        problems.append(
            f"The certificate is for {', '.join(names[:5]) or 'no name at all'}, not for {domain}."
        )
    if subject == issuer:
        problems.append("The certificate is signed by itself, not by an authority.")
    elif not problems:
        problems.append(
            f"The certificate's issuer ({issuer}) is not trusted here" + (f": {verdict}." if verdict else ".")
        )
    return CertificateReport(
        domain, sha256, subject, issuer, names, _microseconds(start), _microseconds(end), tuple(problems)
    )


def _names(certificate: object) -> tuple[str, ...]:
    from cryptography import x509

    assert isinstance(certificate, x509.Certificate)
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    dns = extension.value.get_values_for_type(x509.DNSName)
    return (*dns, *(str(address) for address in extension.value.get_values_for_type(x509.IPAddress)))


def _covers(name: str, domain: str) -> bool:
    """RFC 6125: a star stands for exactly the leftmost label."""
    name, domain = name.lower(), domain.lower()
    if name.startswith("*."):
        return domain.partition(".")[2] == name[2:]
    return name == domain


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000

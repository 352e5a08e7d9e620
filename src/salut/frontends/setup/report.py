# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a probe found, in words that a person can act on."""

from __future__ import annotations

from collections.abc import Iterator

from salut.frontends.cli import show
from salut.model.words import N_, _
from salut.plugins.setup.api import Certificate, Place, Probe

NEXT = {
    "unknown-address": N_(
        "Is the part after the @ right? If the server has another name than the address, give it with --host."
    ),
    "connection-refused": N_("Another port can be given with --port; the server's operator knows which."),
    "connect-timeout": N_("Is this machine online? A firewall may also be in the way."),
    "connect-failed": N_("Is this machine online?"),
    "not-xmpp": N_(
        "Something else than an XMPP server answers there: is the port right? A port that speaks TLS from the first"
        " byte needs --tls direct."
    ),
    "tls-failed": N_("Encryption failed: a port with TLS from the first byte needs --tls direct, others --tls start."),
    "encryption-required": N_("The server offers no encryption there, so nothing is sent to it: ask its operator."),
    "host-unknown": N_("The server there does not serve your address's domain: is the address right?"),
    "bad-ca-file": N_("Give a file with certificates in PEM form to --ca-file."),
    "no-service": N_("Is the part after the @ right? Ask the server's operator."),
    "bad-domain": N_("Is the part after the @ right?"),
    "bad-certificate": N_(
        "If the server's operator confirms the fingerprint, it can be trusted with --pins FINGERPRINT."
    ),
    "not-authorized": N_("Is the password right? Set another: jp profile change NAME --password"),
    "account-disabled": N_("Ask the server's operator."),
    "credentials-expired": N_("Set a new password at the server, then here: jp profile change NAME --password"),
}  # fmt: skip

SOURCES = {
    "SRV": N_("named by DNS"),
    "no SRV record": N_("DNS names no server, so the domain itself"),
    "DNS did not answer for SRV": N_("DNS did not answer, so the domain itself"),
    "host-meta": N_("named by the domain's web server"),
    "the address itself": N_("the domain itself"),
    "given": N_("as given"),
}


def where(place: Place) -> str:
    """``host:port`` with the kind of TLS and how it was found."""
    host = f"[{place.host}]" if ":" in place.host else place.host
    source = _(SOURCES.get(place.source, place.source))
    return show.one_line(f"{host}:{place.port} ({_kind(place)}; {source})")


def _kind(place: Place) -> str:
    return _("TLS from the first byte") if place.direct_tls else _("STARTTLS")


def _by_reason(probe: Probe) -> dict[str, list[Place]]:
    """The bad places by what is wrong with them: a closed port is said once, not once for each kind of TLS."""
    found: dict[str, list[Place]] = {}
    for place in probe.places:
        if place.code:
            found.setdefault(place.reason, []).append(place)
    return found


def failures(probe: Probe) -> Iterator[str]:
    """Why no place is good, each with what to do, and what would be there over the web."""
    if probe.reason:
        yield _sentence(probe.reason)
        yield from _advice({probe.code})
    for reason, places in _by_reason(probe).items():
        kinds = list(dict.fromkeys(_kind(place) for place in places))
        kinds.append(_(SOURCES.get(places[0].source, places[0].source)))
        yield show.one_line(f"{reason} ({'; '.join(kinds)})")
    yield from _advice({place.code for place in probe.places})
    for link in probe.web:
        yield _("The server also offers {} at {}, which Salut does not speak.").format(
            {"websocket": "WebSocket", "bosh": "BOSH"}.get(link.kind, link.kind), show.one_line(link.url)
        )


def _advice(codes: set[str]) -> Iterator[str]:
    for code, words in NEXT.items():
        if code in codes:
            yield "→ " + _(words)


def _sentence(text: str) -> str:
    text = show.one_line(text)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?")) else ".")


def certificate(found: Certificate) -> Iterator[str]:
    """Whose the certificate is, what is wrong with it, and its fingerprint."""
    names = ", ".join(found.names[:8]) + (" …" if len(found.names) > 8 else "")
    rows = [
        (_("for"), names or found.subject or "–"),
        (_("issued by"), found.issuer or "–"),
        (_("valid"), _("{} to {}").format(show.when(found.not_before), show.when(found.not_after))),
        (_("fingerprint"), fingerprint(found.sha256)),
    ]
    for label, text in rows:
        yield f"  {label:<12} {show.one_line(text)}"
    for problem in found.problems:
        yield "  " + show.one_line(problem)


def fingerprint(sha256: str) -> str:
    """As other programs show it: pairs of capital digits with colons."""
    upper = sha256.upper()
    return ":".join(upper[at : at + 2] for at in range(0, len(upper), 2))

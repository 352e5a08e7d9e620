# SPDX-License-Identifier: AGPL-3.0-or-later
"""The doctor's look at the daemon and its accounts, through the SDK. Does not start the daemon."""

from __future__ import annotations

from collections.abc import Iterator

import salut
from salut.api.core import DaemonApi, DaemonInfo, Profile, ProfilesApi
from salut.client import sync
from salut.frontends.cli import show
from salut.frontends.setup import report
from salut.frontends.setup.findings import Finding
from salut.model import moment
from salut.model.errors import SalutError
from salut.model.words import _
from salut.plugins.setup.api import Place, Probe, SetupApi

DAY = 86_400 * 1_000_000
SOON = 14  # days before a certificate's end at which we warn; most are renewed 30 days before
PROBE_SECONDS = 30.0


def look() -> Iterator[Finding]:
    """All findings about the daemon and its accounts."""
    try:
        client = sync.connect(start=False)
    except SalutError as error:
        if error.code == "no-daemon":
            step = _("It starts with the first jp command, or now: jp daemon start")
            yield Finding(
                "warning", "daemon", _("The daemon does not run; accounts were not looked at"), step
            )
        else:
            yield Finding("problem", "daemon", error.message, _("See above, and: jp daemon log"))
        return
    with client:
        try:
            info = client.call(DaemonApi.info)
            yield from daemon(info)
            for profile in client.call(ProfilesApi.list):
                yield link(profile)
                if profile.enabled and info.plugins.get("setup") == "ok":
                    yield from _server(client, profile)
        except SalutError as error:
            yield Finding("problem", "daemon", error.message, "jp daemon log")


def daemon(info: DaemonInfo) -> Iterator[Finding]:
    """Findings about the daemon itself."""
    text = _("version {}, process {}, {} messages").format(info.version, info.pid, info.messages)
    if info.version != salut.__version__:
        step = _("Start it anew to have version {}: jp daemon stop").format(salut.__version__)
        yield Finding("warning", "daemon", text, step)
    else:
        yield Finding("ok", "daemon", text)
    if info.trouble:
        yield Finding("problem", "storage", info.trouble, _("Make room on the disk, or end what locks it."))
    for name, state in sorted(info.plugins.items()):
        if state == "taken away":
            yield Finding("warning", f"plugin {name}", _("left out on purpose (--without {})").format(name))
        elif state != "ok":
            yield Finding("problem", f"plugin {name}", state, _("See why: jp daemon log"))
    if all(state == "ok" for state in info.plugins.values()):
        yield Finding("ok", "plugins", _("all {} work").format(len(info.plugins)))


def link(profile: Profile) -> Finding:
    """How an account stands to its server."""
    check = _("profile {}").format(profile.name)
    state = profile.link
    if not profile.enabled:
        return Finding("ok", check, _("{} is switched off").format(profile.address))
    if state.state == "online":
        return Finding("ok", check, _("{} is online ({})").format(profile.address, state.endpoint))
    words = f"{profile.address}: {state.reason or state.state}"
    if state.state == "refused":
        advice = _(report.NEXT[state.code]) if state.code in report.NEXT else ""
        again = _("Then: jp profile connect {}").format(profile.name)
        return Finding("problem", check, words, f"{advice} {again}".strip())
    when = _(" (tried again at {})").format(show.clock(state.retry_at)) if state.retry_at else ""
    return Finding("warning", check, words + when, _("Now: jp profile connect {}").format(profile.name))


def _server(client: sync.Client, profile: Profile) -> Iterator[Finding]:
    try:
        probe = client.call(
            SetupApi.probe, address=profile.address, host=profile.host, port=profile.port,
            direct_tls=profile.direct_tls if profile.host else None,
            ca_file=profile.ca_file, pins=profile.pins, timeout=PROBE_SECONDS,
        )  # fmt: skip
    except SalutError as error:
        yield Finding(
            "warning", _("server of {}").format(profile.name), error.message, _("Is this machine online?")
        )
        return
    yield from server(profile.name, probe)


def server(profile: str, probe: Probe) -> Iterator[Finding]:
    """What a probe of an account's server says of its places and their certificates."""
    check = _("server of {}").format(profile)
    good = [place for place in probe.places if not place.code]
    if not good:
        lines = list(report.failures(probe))
        steps = [line.removeprefix("→ ") for line in lines if line.startswith("→ ")]
        words = "; ".join(line for line in lines if not line.startswith("→ "))
        steps.append(_("To change what is kept of it: jp profile change {}").format(profile))
        yield Finding("problem", check, words, " ".join(steps))
    for place in probe.places:
        if not place.code:
            yield _certificate(check, place)
        elif good:
            text = f"{report.where(place)}: {show.one_line(place.reason)}"
            yield Finding(
                "warning", check, text, _("The account uses another place. Its operator can mend this.")
            )


def _certificate(check: str, place: Place) -> Finding:
    assert place.certificate is not None
    days = (place.certificate.not_after - moment.now()) // DAY
    text = _("{} answers; its certificate ends on {}").format(
        report.where(place), show.when(place.certificate.not_after)
    )
    if days < 0:  # pinned, else it would have been refused
        return Finding("warning", check, text, _("It has ended. Ask its operator for a new one."))
    if days < SOON:
        return Finding("warning", check, text, _("That is soon. Ask its operator whether it is renewed."))
    return Finding("ok", check, text)

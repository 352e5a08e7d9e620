# SPDX-License-Identifier: AGPL-3.0-or-later
"""``jp server``: what servers and programs say of themselves."""

from __future__ import annotations

from salut.frontends.cli import show
from salut.frontends.cli.link import Link
from salut.frontends.cli.shapes import flag, inner, number, text, texts, whole
from salut.frontends.cli.shapes_account import CLOCK, OUTAGE, SOFTWARE
from salut.frontends.cli.spec import JSON, PROFILE, Argument, Command, Given, Option
from salut.model.words import N_, _

TYPE_CHECKING = False
if TYPE_CHECKING:
    from salut.frontends.cli.shapes import Object

SECONDS = 40.0
DAY, HOUR = 86_400, 3_600


def run_info(given: Given) -> int:
    """Show what the server says of itself."""
    with Link(given) as link:
        profile = link.profile()
        found = link.call("server.info", {"profile": profile}, SECONDS)
        assert isinstance(found, dict)
    software, contacts, outage = inner(found, "software"), inner(found, "contacts"), inner(found, "outage")
    if given.flag("json"):
        shown: Object = {
            "profile": profile,
            "domain": text(found, "domain"),
            "name": text(found, "name"),
            "software": whole(SOFTWARE, software) if software else None,
            "uptime": found.get("uptime"),
            "contacts": contacts,
            "features": found.get("features", []),
            "outage_pages": found.get("outage_pages", []),
            "outage": whole(OUTAGE, outage) if outage else None,
        }
        show.data(shown)
        return 0
    uptime = found.get("uptime")
    rows = [
        (_("server"), " ".join((text(found, "domain"), text(found, "name")))),
        (_("software"), " ".join(text(software, part) for part in ("name", "version", "os")).strip() or "–"),
        (_("running for"), _since(uptime) if isinstance(uptime, int) else "–"),
    ]
    rows += [(kind, ", ".join(texts(contacts, kind))) for kind in sorted(contacts)]
    rows.append((_("features"), _("{} (all: --json)").format(len(texts(found, "features")))))
    rows.append((_("outage"), _outage(outage) if outage else _("none known")))
    show.columns(rows)
    return 0


def _since(seconds: int) -> str:
    return _("{} d {} h").format(seconds // DAY, seconds % DAY // HOUR)


def _outage(outage: Object) -> str:
    words = [_("planned") if flag(outage, "planned") else "", show.when(number(outage, "beginning")), "–"]
    if number(outage, "expected_end"):
        words.append(show.when(number(outage, "expected_end")))
    return " ".join([word for word in words if word] + [text(outage, "message")]).strip()


def run_outage(given: Given) -> int:
    """Show news of an outage."""
    with Link(given) as link:
        profile = link.profile()
        found = link.call("server.outage", {"profile": profile, "refresh": not given.flag("known")}, SECONDS)
    outage = found if isinstance(found, dict) else None
    if given.flag("json"):
        show.data({"profile": profile, "outage": whole(OUTAGE, outage) if outage is not None else None})
    else:
        show.say(show.harmless(_outage(outage) if outage is not None else _("No outage is known.")))
    return 0


def run_software(given: Given) -> int:
    """Ask which program an address is."""
    with Link(given) as link:
        params: Object = {"profile": link.profile(), "address": given.text("address")}
        found = link.call("server.software", params, SECONDS)
        assert isinstance(found, dict)
    if given.flag("json"):
        show.data(whole(SOFTWARE, found))
    else:
        show.say(show.one_line(" ".join(text(found, part) for part in ("name", "version", "os")).strip()))
    return 0


def run_time(given: Given) -> int:
    """Ask what time it is at an address."""
    with Link(given) as link:
        params: Object = {"profile": link.profile(), "address": given.text("address")}
        found = link.call("server.time", params, SECONDS)
        assert isinstance(found, dict)
    if given.flag("json"):
        show.data(whole(CLOCK, found))
        return 0
    import time

    there = time.gmtime(number(found, "utc") // show.SECOND + number(found, "ahead") * 60)
    show.say(time.strftime("%Y-%m-%d %H:%M:%S", there))
    return 0


ADDRESS = Argument("address", N_("a server's domain, or a full address: name@server/device"))
COMMAND = Command(
    "server",
    N_("see what servers and programs say of themselves"),
    default="info",
    commands=(
        Command(
            "info",
            N_("show your server's software, contacts, features and outages"),
            PROFILE,
            JSON,
            run=run_info,
        ),
        Command(
            "outage",
            N_("ask for news of an outage; works while the server is down"),
            Option("--known", form="flag", about=N_("show what was heard last, ask nobody")),
            PROFILE,
            JSON,
            run=run_outage,
        ),
        Command("software", N_("ask which program an address is"), ADDRESS, PROFILE, JSON, run=run_software),
        Command("time", N_("ask what time it is at an address"), ADDRESS, PROFILE, JSON, run=run_time),
    ),
)

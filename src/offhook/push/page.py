"""The page for administrators: plain HTML, no script. It shows no token, name or number."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from statistics import median
from urllib.parse import urlencode

from offhook.engine.dispatch.model import OutcomeKind
from offhook.push.history import PastPush
from offhook.push.registry import ListedDevice

#: Devices on one page.
DEVICES = 50
_PUSHES = 50

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; "
        "form-action 'none'"
    ),
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}

_STYLE = """
:root { color-scheme: light dark; --ink: #14202b; --paper: #fff; --soft: #55646f; --line: #d5dde2;
  --accent: #0a5f55; --good: #0a5f55; --wrong: #a8201a; --alarm: #fdeceb; --ground: #eef2f4; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eef2; --paper: #18232d; --soft: #a6b5c1;
  --line: #2c3a46; --accent: #58c9b9; --good: #58c9b9; --wrong: #ffb4ab; --alarm: #3d1f1d;
  --ground: #0f171e; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 2rem 1.5rem 4rem; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline;
  justify-content: space-between; margin: 0 0 1.5rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0; }
h1 b { color: var(--accent); }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .75rem; }
p { margin: 0; color: var(--soft); }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem;
  margin: 0; }
.figures div { background: var(--paper); border-radius: 12px; padding: .9rem 1rem; }
dt { color: var(--soft); font-size: .875rem; }
dd { margin: 0; font-size: 1.5rem; font-weight: 650; font-variant-numeric: tabular-nums; }
.alarm { margin: 0 0 .75rem; padding: .75rem 1rem; border-left: 4px solid var(--wrong);
  border-radius: 4px; background: var(--alarm); color: var(--wrong); }
.empty { background: var(--paper); border-radius: 12px; padding: 1.25rem; }
table { width: 100%; border-collapse: separate; border-spacing: 0; background: var(--paper);
  border-radius: 12px; overflow: hidden; font-size: .925rem; }
th { text-align: left; color: var(--soft); font-weight: 600; font-size: .85rem; }
th, td { padding: .55rem .85rem; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child td { border-bottom: 0; }
td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
td small { color: var(--soft); display: block; }
.mono { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .85em; }
.good { color: var(--good); font-weight: 650; }
.bad { color: var(--wrong); font-weight: 650; }
nav { margin: .75rem 0 0; }
@media (max-width: 44rem) {
  main { padding: 1.25rem 1rem 3rem; }
  .figures { grid-template-columns: 1fr 1fr; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody { display: block; }
  tr { display: grid; grid-template-columns: 1fr 1fr; gap: .35rem 1rem; padding: .85rem 1rem;
    border-bottom: 1px solid var(--line); }
  tr:last-child { border-bottom: 0; }
  td { display: block; border: 0; padding: 0; }
  td[data-label="When"], td[data-label="Registered"] { grid-column: 1 / -1; order: -2; }
  td[data-label="Outcome"], td[data-label="Delay"] { order: -1; }
  td::before { content: attr(data-label); color: var(--soft); display: block; font-size: .8rem; }
}
"""

_WORDS = {
    OutcomeKind.SENT: "sent",
    OutcomeKind.TOKEN_DEAD: "token dead",
    OutcomeKind.REFUSED: "refused",
    OutcomeKind.MISCONFIGURED: "configuration is wrong",
    OutcomeKind.EXPIRED: "too late",
    OutcomeKind.SHED: "too much to do",
}


@dataclass(frozen=True, slots=True)
class Overview:
    """What the page shows. `next` is where the list of devices goes on, if it does."""

    now: float
    started: float
    counts: Sequence[tuple[str, str]]
    alarms: Sequence[PastPush]
    warnings: Sequence[str]
    pushes: Sequence[PastPush]
    devices: Sequence[ListedDevice]
    next: tuple[str, str] | None


def page(shown: Overview) -> str:
    """The page as HTML."""
    counts = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in (*shown.counts, *_speed(shown.pushes))
    )
    alarms = [
        f"{each.provider.value} does not take pushes for {each.app}: "
        f"{_why(each) or 'no reason given'}. Put its key, project or environment right."
        for each in shown.alarms
    ]
    told = "".join(
        f'<p class="alarm" role="alert">{escape(text)}</p>' for text in (*alarms, *shown.warnings)
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Offhook push</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<header><h1><b>Offhook</b> push backend</h1><p>since {_moment(shown.started)}</p></header>
{told}
<dl class="figures">{counts}</dl>
<h2>Last pushes</h2>
{_pushes(shown.pushes[:_PUSHES])}
<h2>Devices</h2>
{_devices(shown.devices)}
{_more(shown.next)}
</main>
</body>
</html>
"""


def _speed(pushes: Sequence[PastPush]) -> list[tuple[str, str]]:
    sent = [each.seconds for each in pushes if each.kind is OutcomeKind.SENT]
    if not sent:
        return []
    return [("Typical delay", _span(median(sent)))]


def _span(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _pushes(pushes: Sequence[PastPush]) -> str:
    if not pushes:
        return '<p class="empty">No call has come in since the start.</p>'
    rows = [
        (
            ("When", _moment(each.at)),
            ("Person", _id(each.person_id)),
            ("Device", _id(each.installation_id)),
            ("App", f"<span>{escape(each.app)}<small>{each.provider.value}</small></span>"),
            ("Outcome", _outcome(each)),
            ("Attempts", str(each.attempts)),
            ("Delay", _span(each.seconds)),
        )
        for each in pushes
    ]
    return _table(rows)


def _outcome(push: PastPush) -> str:
    css = "good" if push.kind is OutcomeKind.SENT else "bad"
    why = "" if push.kind is OutcomeKind.SENT else _why(push)
    detail = f"<small>{escape(why)}</small>" if why else ""
    return f'<span><span class="{css}">{_WORDS[push.kind]}</span>{detail}</span>'


def _why(push: PastPush) -> str:
    """What the provider said: status and reason, as far as there are any."""
    return " ".join(filter(None, (str(push.status or ""), push.reason)))


def _devices(devices: Sequence[ListedDevice]) -> str:
    if not devices:
        return '<p class="empty">No device is registered. Apps do it with PUT /v1/devices.</p>'
    rows = [
        (
            ("Person", _id(each.person_id)),
            ("Device", _id(each.installation_id)),
            ("Provider", each.provider.value),
            ("App", escape(each.app)),
            ("Environment", each.environment.value),
            ("Owner", "proven" if each.proven else '<span class="bad">not proven</span>'),
            ("Registered", _moment(each.registered)),
        )
        for each in devices
    ]
    return _table(rows)


def _table(rows: Sequence[Sequence[tuple[str, str]]]) -> str:
    """A table; the name of each column is in every cell, for narrow screens."""
    head = "".join(f'<th scope="col">{name}</th>' for name, _ in rows[0])
    body = "".join(
        "<tr>" + "".join(f'<td data-label="{name}">{cell}</td>' for name, cell in row) + "</tr>\n"
        for row in rows
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>"


def _more(after: tuple[str, str] | None) -> str:
    if after is None:
        return ""
    query = urlencode({"person": after[0], "device": after[1]})
    return f'<nav><a href="?{escape(query)}">More devices</a></nav>'


def _id(text: str) -> str:
    """Ids are long; the beginning tells them apart, and the rest is there to be copied."""
    short = text if len(text) <= 13 else f"{text[:12]}…"
    return f'<span class="mono" title="{escape(text)}">{escape(short)}</span>'


def _moment(seconds: float) -> str:
    at = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return f'<time datetime="{at.isoformat()}">{at:%Y-%m-%d %H:%M:%S} UTC</time>'

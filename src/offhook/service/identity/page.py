"""The sign-in page: plain HTML, no script, readable on a phone."""

import re
from html import escape

_STYLE = """
:root { color-scheme: light dark; --ink: #14202b; --paper: #fff; --soft: #55646f; --line: #7b8894;
  --accent: #0a5f55; --pressed: #084b43; --wrong: #a8201a; --alarm: #fdeceb; --ground: #e9eef1; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eef2; --paper: #18232d; --soft: #a6b5c1;
  --line: #76899a; --accent: #58c9b9; --pressed: #7fdccf; --wrong: #ffb4ab; --alarm: #3d1f1d;
  --ground: #0f171e; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem;
  background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { width: 100%; max-width: 25rem; padding: 2rem; background: var(--paper);
  border-radius: 14px; box-shadow: 0 1px 3px #0002, 0 12px 40px #0001; }
.brand { color: var(--accent); font-weight: 700; letter-spacing: .02em; margin: 0 0 1.75rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .25rem; }
h1:has(+ p:last-child) { margin-bottom: .75rem; }
p { margin: 0 0 1.5rem; color: var(--soft); }
p strong { color: var(--ink); }
p:last-child { margin: 0; }
label { display: block; font-weight: 600; margin: 0 0 .35rem; }
input { width: 100%; min-height: 3rem; margin: 0 0 1.25rem; padding: .65rem .8rem; font: inherit;
  color: inherit; background: transparent; border: 1px solid var(--line); border-radius: 8px; }
input[aria-invalid] { border-color: var(--wrong); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
button, .cancel { display: block; width: 100%; min-height: 3rem; padding: .75rem; font: inherit;
  font-weight: 600; text-align: center; border: 0; border-radius: 8px; cursor: pointer; }
button { background: var(--accent); color: var(--paper); }
button:hover { background: var(--pressed); }
.cancel { margin: .5rem 0 -1rem; color: var(--accent); text-decoration: none; }
.cancel:hover { text-decoration: underline; }
.grant { font-size: .9rem; }
.wrong { padding: .75rem .9rem; border-left: 4px solid var(--wrong); border-radius: 4px;
  background: var(--alarm); color: var(--wrong); font-weight: 600; }
@media (max-width: 30rem) { body { place-items: start stretch; padding: 0;
  background: var(--paper); } main { max-width: none; padding: 1.5rem; box-shadow: none; } }
"""

_HEADERS = {
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
_SOURCE = re.compile(r"[a-z][a-z0-9+.-]*:(?://[A-Za-z0-9.:\[\]-]+)?")


def page_headers(redirect_uri: str = "") -> dict[str, str]:
    """Nothing may be loaded, nothing may run, nobody may put the page into a frame.

    The form goes here and from here to the app only: browsers check the redirection, too.
    """
    match = _SOURCE.match(redirect_uri)
    targets = f"'self' {match[0]}" if match else "'self'"
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action {targets}"
    )
    return {"content-security-policy": policy, **_HEADERS}


def sign_in_page(
    app: str, fields: dict[str, str], *, cancel: str, email: str = "", wrong: str = ""
) -> str:
    """The form, with what the app asked for in hidden `fields`; `wrong` says what failed.

    `cancel` is where the app hears that the person does not want to.
    """
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    alert = f'<p class="wrong" id="wrong" role="alert">{escape(wrong)}</p>' if wrong else ""
    marked = ' aria-invalid="true" aria-describedby="wrong"' if wrong else ""
    first, second = ("", " autofocus") if email else (" autofocus", "")
    return _page(
        f"Sign in to {app}",
        f"""<h1>Sign in</h1>
<p>to continue to <strong>{escape(app)}</strong></p>
{alert}<form method="post">
{hidden}
<label for="email">E-mail</label>
<input id="email" name="email" type="email" autocomplete="username" inputmode="email" required
 value="{escape(email)}"{marked}{first}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password"
 required{marked}{second}>
<p class="grant">{escape(app)} will be able to make and take calls as you.</p>
<button>Sign in</button>
<a class="cancel" href="{escape(cancel)}">Cancel</a>
</form>""",
    )


def refusal_page(message: str) -> str:
    """Why the person cannot sign in to this app."""
    return _page(
        "Cannot sign in",
        f"""<h1>You cannot sign in here</h1>
<p>{escape(message)} Nothing is wrong with your account. Go back to the app and try again; if it
happens again, tell whoever makes it.</p>""",
    )


def _page(title: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · Offhook</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<div class="brand">Offhook</div>
{body}
</main>
</body>
</html>
"""

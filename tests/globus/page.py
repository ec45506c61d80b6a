"""The pages that a person meets in the browser."""

import html

_FRAME = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title} | stand-in of Globus</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 40em; margin: 4em auto; padding: 0 1em; color: #222; }}
code {{ font-size: 1.2em; background: #eef; padding: .3em .6em; }}
small {{ color: #777; }}
button {{ font: inherit; padding: .4em 1.2em; margin-right: 1em; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
<p><small>This is a stand-in of Globus for tests and demonstrations. Nothing here is real.</small></p>
</body>
</html>
"""


def consent(ask, pairs: list[tuple[str, str]], users: list) -> str:
    """Asks who the person is, and for a yes or a no. The form sends back what the page was asked with."""
    message = dict(pairs).get("session_message")
    body = [f"<p>{_text(message)}</p>" if message else "",
            f"<p><b>{_text(ask.client.name)}</b> would like to:</p>",
            "<ul>", *(f"<li>{_text(scope)}</li>" for scope in ask.scopes), "</ul>",
            f"<p>{'At any time, until you withdraw your consent.' if ask.offline else 'This time only.'}</p>",
            '<form method="post" action="/v2/oauth2/authorize">',
            *(f'<input type="hidden" name="{_text(name)}" value="{_text(value)}">' for name, value in pairs),
            *(_identity(user, chosen=user is users[0]) for user in users),
            '<p><button name="decision" value="approve">Allow</button>'
            '<button name="decision" value="deny">Deny</button></p>',
            "</form>"]
    return _page("Log in and consent", "\n".join(filter(None, body)))


def code(value: str) -> str:
    return _page("Your authorization code",
                 "<p>Copy this code and paste it where you were asked for it:</p>\n"
                 f"<p><code>{_text(value)}</code></p>")


def trouble(sentence: str) -> str:
    return _page("That did not work", f"<p>{_text(sentence)}</p>")


def _identity(user, chosen: bool) -> str:
    return (f'<p><label><input type="radio" name="identity" value="{_text(user.username)}"'
            f'{" checked" if chosen else ""}> {_text(user.name or user.username)} '
            f"({_text(user.username)})</label></p>")


def _page(title: str, body: str) -> str:
    return _FRAME.format(title=_text(title), body=body)


def _text(text: str) -> str:
    return html.escape(text, quote=True)

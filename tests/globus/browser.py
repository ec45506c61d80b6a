"""What a person does in the browser, for those who have neither: opens the page, answers it, reads the code."""

import html
import html.parser
import http.client
import re
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request

TIMEOUT = 30


class AuthorizeRefused(Exception):
    """No code came of it: `error` as OAuth names it, or None where Globus would not even redirect."""

    def __init__(self, error: str | None, description: str):
        super().__init__(f"{error or 'refused'}: {description}")
        self.error = error
        self.description = description


def approve(url: str, ca_file: str, identity: str | None = None, decision: str = "approve") -> str:
    """Goes wherever Globus redirects to, as a browser does, and returns the code."""
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), _Here(context=ssl.create_default_context(cafile=str(ca_file))))

    landed, text = _open(opener, url)
    form = _Form()
    form.feed(text)
    if form.action is not None:
        fields = form.fields + [("identity", identity or form.identity), ("decision", decision)]
        landed, _ = _open(opener, urllib.parse.urljoin(url, form.action), _encode(fields))

    answer = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(landed).query))
    if "code" not in answer:
        raise AuthorizeRefused(answer.get("error"), answer.get("error_description", ""))
    return answer["code"]


def _open(opener, url: str, data: bytes | None = None) -> tuple[str, str]:
    try:
        with opener.open(url, data, timeout=TIMEOUT) as response:
            return response.url, response.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            sentence = re.search(r"<p>(.*?)</p>", refused.read().decode(errors="replace"))
        raise AuthorizeRefused(None, html.unescape(sentence[1]) if sentence else str(refused)) from None


def _encode(fields: list[tuple[str, str]]) -> bytes:
    return urllib.parse.urlencode(fields).encode()


class _Here(urllib.request.HTTPSHandler):
    """The stand-in is on this machine, whatever name it goes by."""

    class Connection(http.client.HTTPSConnection):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            self._create_connection = lambda address, *more: socket.create_connection(
                ("127.0.0.1", address[1]), *more)

    def https_open(self, request):
        return self.do_open(self.Connection, request, context=self._context)


class _Form(html.parser.HTMLParser):
    """The one form of the consent page."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: list[tuple[str, str]] = []
        self.identity = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.action = given["action"]
        elif tag == "input" and given.get("type") == "hidden":
            self.fields.append((given["name"], given["value"]))
        elif tag == "input" and "checked" in given:
            self.identity = given["value"]

"""One HTTP exchange as the endpoints see it, and the shapes in which Globus says no."""

import base64
import binascii
import dataclasses
import email.utils
import json
import time
import urllib.parse
import uuid

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@dataclasses.dataclass(eq=False)
class Request:
    """A request as it arrived; `status` follows when it is answered. Names of headers are in lower case."""

    names: tuple[str, ...]                  # of the endpoint, the narrowest first: ("refresh", "token")
    method: str
    path: str
    query: dict[str, str]                   # of a repeated parameter the last
    form: dict[str, str]
    headers: dict[str, str]
    query_pairs: list[tuple[str, str]]
    form_pairs: list[tuple[str, str]]
    status: int | None = None

    def query_list(self, name: str) -> list[str]:
        """Values of a parameter that may be repeated, comma-separated, or both."""
        return [value for key, values in self.query_pairs if key == name for value in values.split(",")]

    def is_form(self) -> bool:
        return self.headers.get("content-type", "").split(";")[0].strip().lower() == FORM

    def bearer(self) -> str | None:
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if kind.lower() == "bearer" and token.strip() else None

    def basic(self) -> tuple[str, str] | None:
        kind, _, encoded = self.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return None
        try:
            name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return name, password


@dataclasses.dataclass
class Reply:
    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = dataclasses.field(default_factory=dict)


class Refusal(Exception):
    """Raised by an endpoint that will not do what it is asked; carries the answer."""

    def __init__(self, reply: Reply):
        super().__init__(f"{reply.status} {reply.body!r}")
        self.reply = reply


def parameters(text: str) -> list[tuple[str, str]]:
    return urllib.parse.parse_qsl(text, keep_blank_values=True)


def repeated(pairs: list[tuple[str, str]]) -> bool:
    return len(pairs) != len({name for name, _ in pairs})


def http_date(seconds_from_now: float = 0) -> str:
    return email.utils.formatdate(time.time() + seconds_from_now, usegmt=True)


def json_reply(document: object, status: int = 200) -> Reply:
    # Raw UTF-8 as Globus sends it; what UTF-8 cannot hold, a lone surrogate, becomes \udXXX, as JSON has it.
    return Reply(status, json.dumps(document, ensure_ascii=False).encode("utf-8", "backslashreplace"))


def html_reply(page: str, status: int = 200) -> Reply:
    return Reply(status, page.encode(), "text/html; charset=utf-8")


def redirect(location: str, **query: str | None) -> Reply:
    added = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
    return Reply(302, b"", "text/html", {"Location": f"{location}{'&' if '?' in location else '?'}{added}"})


def oauth_error(error: str, status: int = 400, description: str | None = None) -> Reply:
    """How the token endpoint refuses."""
    document = {"error": error}
    if description:
        document["error_description"] = description
    return json_reply(document, status)


def envelope(status: int, code: str, detail: str) -> Reply:
    """How the rest of Globus Auth refuses."""
    title = code.replace("_", " ").title()
    error = {"status": str(status), "id": str(uuid.uuid4()), "code": code, "detail": detail, "title": title}
    return json_reply({"errors": [error], "error": code.lower(), "error_description": title}, status)


def groups_error(status: int, code: str, detail: str, **more: object) -> Reply:
    """How Globus Groups refuses."""
    return json_reply({"code": code, "detail": detail, **more}, status)

"""The stand-in as a whole: its two hosts, its memory, and the controls that a test holds in hand."""

import datetime
import pathlib
import re
import shutil
import ssl
import tempfile
import threading
import time
import traceback
from collections.abc import Iterable

from . import auth, authorize, browser, groups, listing, tokens
from .ca import Authority
from .faults import Faults, Knobs, Line
from .journal import Journal
from .server import Listener
from .state import Client, Grant, Ledger, User, stable_uuid
from .wire import Refusal, Reply, Request, envelope, groups_error

TUTORIAL_CLIENT = "61338d24-54d5-408f-a10d-66c06b59f6d2"

ROUTES = [      # host, method, path, name of the endpoint, what answers
    ("auth", "GET", r"/v2/oauth2/authorize", "authorize", authorize.authorize),
    ("auth", "POST", r"/v2/oauth2/authorize", "decide", authorize.decide),
    ("auth", "GET", r"/v2/web/auth-code", "auth_code", authorize.auth_code),
    ("auth", "POST", r"/v2/oauth2/token", "token", tokens.token),
    ("auth", "POST", r"/v2/oauth2/token/revoke", "revoke", auth.revoke),
    ("auth", "POST", r"/v2/oauth2/token/introspect", "introspect", auth.introspect),
    ("auth", "POST", r"/v2/oauth2/token/validate", "validate", auth.validate),
    ("auth", "GET", r"/v2/oauth2/userinfo", "userinfo", auth.userinfo),
    ("auth", "GET", r"/\.well-known/openid-configuration", "configuration", auth.configuration),
    ("auth", "GET", r"/jwk\.json", "jwk", auth.jwk),
    ("auth", "GET", r"/v2/api/identities", "identities", auth.identities),
    ("groups", "GET", r"/v2/groups/my_groups", "my_groups", groups.my_groups),
    ("groups", "GET", r"/v2/groups/statuses", "statuses", groups.statuses),
    ("groups", "GET", r"/v2/groups/[^/]+", "group", groups.group),
]

SECRETS = {"code", "code_verifier", "refresh_token", "token"}      # among the members of forms
NARROWER = {"authorization_code": "exchange", "refresh_token": "refresh"}


class Globus:
    """Serves from the moment it is made until close(). A bug of its own makes close() raise, so that it cannot
    pass for a fault of Globus."""

    def __init__(self, auth_port: int = 0, groups_port: int = 0, host: str = "127.0.0.1"):
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix="globus-stand-in."))
        self._lock = threading.RLock()
        self.host = host                    # as clients know it; it listens on 127.0.0.1 only
        self._bugs: list[str] = []
        self.journal = Journal()
        self.faults = Faults(self.journal.changed)
        self.knobs = Knobs()
        self.ledger = Ledger()
        self._populate()

        self._authority = Authority(self._directory)
        self.ca_file = str(self._authority.ca_file)
        context = self._authority.server_context(*([] if host == "127.0.0.1" else [host]))
        self._auth = Listener(self, "auth", auth_port, context)
        self._groups = Listener(self, "groups", groups_port, context)
        self.auth_url = self._auth.url
        self.groups_url = self._groups.url
        self._online = True

    def server_context(self) -> ssl.SSLContext:
        """For another server that whoever trusts `ca_file` trusts."""
        return self._authority.server_context()

    def __enter__(self) -> "Globus":
        return self

    def __exit__(self, *_exception) -> None:
        self.close()

    def go_offline(self) -> None:
        """Nobody listens any more; the files stay, so that a client can be told where Globus was."""
        self.faults.clear()
        if self._online:
            self._auth.close()
            self._groups.close()
        self._online = False

    def fall(self, line: Line) -> None:
        """The way to both hosts is like that until mend()."""
        contexts = {
            Line.UNKNOWN_CA: lambda: self._stranger().server_context(),
            Line.OTHER_NAME: self._authority.foreign_context,
            Line.EXPIRED: lambda: self._authority.server_context(lifetime=-datetime.timedelta(days=1))}
        context = contexts[line]() if line in contexts else None
        for listener in self._auth, self._groups:
            listener.fall(line, context)

    def hang_up(self) -> None:
        """On everybody who is connected."""
        for listener in self._auth, self._groups:
            listener.hang_up()

    def mend(self) -> None:
        """All is well again: the faults are over, and so is fall()."""
        self.faults.clear()
        for listener in self._auth, self._groups:
            listener.mend()

    def close(self) -> None:
        self.go_offline()
        shutil.rmtree(self._directory, ignore_errors=True)
        if self._bugs:
            raise RuntimeError("the stand-in itself failed:\n" + "\n".join(self._bugs))

    # Who there is

    @property
    def clients(self) -> dict[str, Client]:
        return self.ledger.clients

    @property
    def users(self) -> list[User]:
        return self.ledger.users

    def add_client(self, name: str, secret: str | None = None, redirect_uris: tuple[str, ...] = ()) -> Client:
        """With a secret a confidential client, without one a native app."""
        client = Client(stable_uuid(f"client {name}"), name, secret, redirect_uris)
        self.clients[client.id] = client
        return client

    def add_user(self, username: str, *, name: str | None = None, email: str | None = None,
                 organization: str | None = None, linked: tuple[str, ...] = (), sub: str | None = None) -> User:
        """`linked` are usernames of further identities of the same person."""
        subs = [sub or stable_uuid(username), *map(stable_uuid, linked)]
        identities = [{
            "sub": each, "organization": organization, "name": name, "username": identity,
            "identity_provider": stable_uuid(identity.rpartition("@")[2]),
            "identity_provider_display_name": organization or identity.rpartition("@")[2],
            "email": email or identity} for each, identity in zip(subs, (username, *linked))]
        user = User(subs[0], username, name, email or username, organization, identities)
        self.users.append(user)
        return user

    def make_groups(self, count: int = 0, *, names: Iterable[str] = (), user: User | None = None) -> list[dict]:
        """Replaces the groups of `user`, Ada if nobody is named, by `count` plain ones and those so named."""
        user = user or self.ada
        user.groups = listing.numbered(user, count)
        user.groups += [listing.group_of(user, name, id=stable_uuid(f"{user.username} {index} {name!r}"))
                        for index, name in enumerate(names)]
        return user.groups

    # What people do

    def approve(self, authorize_url: str, user: User | None = None) -> str:
        """The code that the person, Ada if nobody is named, gets to copy. AuthorizeRefused if there is none."""
        assert authorize_url.startswith(self.auth_url), f"{authorize_url} does not lead here"
        return browser.approve(authorize_url, self.ca_file, (user or self.ada).username)

    def deny(self, authorize_url: str) -> str:
        """The OAuth error that the person's No comes back as."""
        try:
            browser.approve(authorize_url, self.ca_file, decision="deny")
        except browser.AuthorizeRefused as refused:
            return str(refused.error)
        raise AssertionError("a No was taken for a Yes")

    # What happens to tokens behind a client's back

    def expire_access_tokens(self, user: User | None = None, resource_server: str | None = None) -> None:
        with self._lock:
            for grant in self._grants(user, resource_server):
                for access in grant.access:
                    access.expires = min(access.expires, time.time())

    def revoke_access_tokens(self, user: User | None = None, resource_server: str | None = None) -> None:
        """They stop working although the clock says that they are good."""
        with self._lock:
            for grant in self._grants(user, resource_server):
                for access in grant.access:
                    access.revoked = True

    def revoke_grant(self, user: User | None = None, resource_server: str | None = None) -> None:
        """The person withdrew the consent: refresh token and access tokens are dead."""
        with self._lock:
            for grant in self._grants(user, resource_server):
                grant.revoked = True

    def expire_codes(self) -> None:
        with self._lock:
            for code in self.ledger.codes.values():
                code.expires = time.time()

    def _grants(self, user: User | None, resource_server: str | None) -> list[Grant]:
        return [grant for grant in self.ledger.grants
                if user in (None, grant.user) and resource_server in (None, grant.resource_server)]

    # What was seen

    @property
    def log(self) -> list[Request]:
        return self.journal.requests()

    def count(self, name: str, *, grant: str | None = None, status: int | None = None) -> int:
        """Requests to the endpoint that arrived so far, answered or not; with `status`, those answered so."""
        return self.journal.count(name, grant=grant, status=status)

    def wait_for(self, predicate, seconds: float) -> bool:
        """True as soon as predicate() is, asked again at every arrival and answer; else TimeoutError."""
        return self.journal.wait_for(predicate, seconds)

    def wait_idle(self, seconds: float) -> None:
        """Until nobody is connected, so that whatever was asked has been done."""
        self.wait_for(lambda: not self._auth.connections and not self._groups.connections, seconds)

    @property
    def accepted(self) -> int:
        """Connections so far, to both hosts."""
        return self._auth.accepted + self._groups.accepted

    def issued_secrets(self) -> set[str]:
        """Every token and code issued, every code and verifier seen: what must turn up nowhere."""
        with self._lock:
            issued = self.ledger.tokens() | set(self.ledger.codes)
        seen = {value for request in self.log for name, value in request.form_pairs if name in SECRETS} - {""}
        return issued | seen

    # What the two hosts ask

    @property
    def issuer(self) -> str:
        return self.auth_url.rstrip("/")

    @property
    def auth_code_url(self) -> str:
        """The default redirect URI of native apps."""
        return f"{self.auth_url}v2/web/auth-code"

    def now(self) -> float:
        """Globus's own clock, which need not be right."""
        return time.time() + self.knobs.skew

    def names(self, host: str, method: str, path: str, form: dict[str, str]) -> tuple[str, ...]:
        for route in self._routes(host, path):
            if route[1] == method:
                narrower = NARROWER.get(form.get("grant_type", "")) if route[3] == "token" else None
                return (narrower, "token") if narrower else (route[3],)
        return ("unknown",)

    def answer(self, host: str, request: Request) -> Reply:
        routes = self._routes(host, request.path)
        handler = next((route[4] for route in routes if route[1] == request.method), None)
        if handler is None:
            return _no_such_endpoint(host, known=bool(routes))
        try:
            with self._lock:
                return handler(self, request)
        except Refusal as refusal:
            return refusal.reply
        except Exception:
            self.note_bug()
            return envelope(500, "INTERNAL_ERROR", "The stand-in itself failed")

    def _stranger(self) -> Authority:
        directory = self._directory / "stranger"
        directory.mkdir(exist_ok=True)
        return Authority(directory)

    def note_bug(self) -> None:
        """Of the exception being handled."""
        self._bugs.append(traceback.format_exc())

    def _routes(self, host: str, path: str) -> list[tuple]:
        return [route for route in ROUTES if route[0] == host and re.fullmatch(route[2], path)]

    def _populate(self) -> None:
        self.clients[TUTORIAL_CLIENT] = Client(TUTORIAL_CLIENT, "Native App Tutorial")
        self.ada = self.add_user("apark@ridgeway.example", name="Ada Park", organization="Ridgeway University",
                                 linked=("apark@lab.example",), sub="3c1f9a52-7d0e-4b6e-9a33-5f2b6c0d1e77")
        self.ben = self.add_user("bcole@lab.example", name="Ben Cole", organization="Seaside Laboratory")
        self.ada.groups = listing.everyday(self.ada)
        self.ben.groups = [listing.group_of(self.ben, "Night watch", ("manager",))]


def _no_such_endpoint(host: str, known: bool) -> Reply:
    status, code = (405, "METHOD_NOT_ALLOWED") if known else (404, "NOT_FOUND")
    refuse = envelope if host == "auth" else groups_error
    return refuse(status, code, "No such endpoint")

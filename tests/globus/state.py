"""What Globus remembers: clients, people, codes, grants, access tokens."""

import dataclasses
import secrets
import string
import time
import uuid

IDLE_LIMIT = 183 * 86400            # a refresh token unused for six months is dead
_NAMESPACE = uuid.UUID("6f1d3a52-0b5e-4d0b-8f0e-2a64c1d7e930")


def stable_uuid(name: str) -> str:
    """The same in every run."""
    return str(uuid.uuid5(_NAMESPACE, name))


def _random_text(length: int) -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))


@dataclasses.dataclass
class Client:
    id: str
    name: str
    secret: str | None = None               # None: a native app
    redirect_uris: tuple[str, ...] = ()     # besides those every native app may use


@dataclasses.dataclass(eq=False)
class User:
    sub: str
    username: str
    name: str | None
    email: str | None
    organization: str | None
    identity_set: list[dict]                # this identity and those linked to it, as an id_token lists them
    groups: list[dict] = dataclasses.field(default_factory=list)    # as my_groups sends them, in that order

    def has(self, identity: str) -> bool:
        return any(identity in (linked["sub"], linked["username"]) for linked in self.identity_set)


@dataclasses.dataclass(eq=False)
class Code:
    value: str
    client_id: str
    user: User
    redirect_uri: str
    challenge: str | None
    scopes: list[str]
    offline: bool
    state: str | None
    expires: float
    spent: bool = False                     # by its first use, right or wrong


@dataclasses.dataclass(eq=False)
class Grant:
    """One client's access to one resource server in one user's name."""

    client_id: str
    user: User
    resource_server: str
    scopes: list[str]
    refresh_token: str | None = None
    retired: set[str] = dataclasses.field(default_factory=set)      # refresh tokens that were rotated away
    access: list["Access"] = dataclasses.field(default_factory=list)
    last_used: float = dataclasses.field(default_factory=time.time)
    refresh_revoked: bool = False           # its access tokens live on
    revoked: bool = False                   # all of it

    def refreshable(self) -> bool:
        return (self.refresh_token is not None and not self.refresh_revoked and not self.revoked
                and time.time() - self.last_used <= IDLE_LIMIT)


@dataclasses.dataclass(eq=False)
class Access:
    """An access token."""

    value: str
    grant: Grant
    issued: float
    expires: float
    revoked: bool = False

    def active(self) -> bool:
        return not self.revoked and not self.grant.revoked and time.time() < self.expires


class Ledger:
    """All of it, with no rules beyond what belongs to whom. Not thread-safe: Globus answers under one lock."""

    def __init__(self) -> None:
        self.clients: dict[str, Client] = {}
        self.users: list[User] = []
        self.codes: dict[str, Code] = {}
        self.grants: list[Grant] = []
        self._by_refresh_token: dict[str, Grant] = {}
        self._by_access_token: dict[str, Access] = {}

    def user(self, identity: str) -> User | None:
        return next((user for user in self.users if user.has(identity)), None)

    def issue_code(self, lifetime: float, **details: object) -> Code:
        code = Code(value=_random_text(30), expires=time.time() + lifetime, **details)
        self.codes[code.value] = code
        return code

    def open_grant(self, code: Code, resource_server: str, scopes: list[str]) -> Grant:
        grant = Grant(code.client_id, code.user, resource_server, scopes)
        self.grants.append(grant)
        if code.offline:
            self.issue_refresh_token(grant)
        return grant

    def find_grant(self, code: Code, resource_server: str, scopes: list[str]) -> Grant | None:
        """A living one that already covers what a further login asks for."""
        return next((grant for grant in self.grants
                     if (grant.client_id, grant.user, grant.resource_server)
                     == (code.client_id, code.user, resource_server)
                     and not grant.revoked and set(scopes) <= set(grant.scopes)
                     and grant.refreshable() == code.offline), None)

    def issue_refresh_token(self, grant: Grant) -> None:
        """Retires the one before."""
        if grant.refresh_token:
            grant.retired.add(grant.refresh_token)
        grant.refresh_token = f"Ag{_random_text(52)}"
        self._by_refresh_token[grant.refresh_token] = grant

    def issue_access(self, grant: Grant, lifetime: float) -> Access:
        now = time.time()
        access = Access(f"Ag{_random_text(66)}", grant, now, now + lifetime)
        grant.access.append(access)
        self._by_access_token[access.value] = access
        return access

    def grant_of(self, refresh_token: str) -> Grant | None:
        return self._by_refresh_token.get(refresh_token)

    def access(self, token: str) -> Access | None:
        return self._by_access_token.get(token)

    def tokens(self) -> set[str]:
        return {*self._by_refresh_token, *self._by_access_token}

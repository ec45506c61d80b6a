"""How the stand-in misbehaves: faults befall the requests to an endpoint, knobs bend what Globus says."""

import collections
import dataclasses
import enum
import json
import threading
from collections.abc import Callable

from .wire import JSON, Reply, groups_error, json_reply

BLOCK = 65536                   # bytes to write at a time
HOLD_LIMIT = 120.0              # a forgotten hold() ends some day


class Sentinel(enum.Enum):
    MISSING = "the member is left out"
    UNTOUCHED = "as it should be"


MISSING = Sentinel.MISSING
UNTOUCHED = Sentinel.UNTOUCHED


@dataclasses.dataclass
class Knobs:
    """What Globus says and does, where that is Globus's choice. May be turned at any time."""

    # Token endpoint
    lifetime: int = 172800                  # of access tokens, seconds: the truth, and by default what is said
    expires_in: object = UNTOUCHED          # what is said instead: any JSON value, or MISSING
    same_access_token: bool = False         # refresh and further logins return the one before, if still valid
    rotate: bool = False                    # a refresh token is good for one use; a second use kills the grant
    omit_refresh_token: bool = False        # in answers to a refresh (which then never rotates)
    invalid_grant_status: int = 400         # 400 or 401
    invalid_grant_description: str | None = None
    other_tokens_order: str = "auth-first"  # or "auth-last"
    token_type: str = "Bearer"
    omit_id_token: bool = False
    withheld_scopes: set[str] = dataclasses.field(default_factory=set)                  # asked for, not granted
    id_token_overrides: dict[str, object] = dataclasses.field(default_factory=dict)     # or MISSING

    # Authorization
    auto_approve: object = None             # a user: the page is skipped, as for a consent given before
    code_lifetime: int = 600                # seconds

    # The rest
    skew: int = 0                           # seconds that Globus's clock is ahead, as seen in Date, iat and exp
    revoke_cascades: bool = False           # revoking a refresh token revokes the access tokens it made
    duplicate_memberships: bool = False     # my_groups lists every membership twice


class Line(enum.Enum):
    """The way to both hosts, before any request."""

    GOOD = "as it should be"
    REFUSED = "nobody listens"
    SILENT = "connections are accepted, and nothing more"
    RESET = "connections are reset"
    UNKNOWN_CA = "the certificate is of an authority that nobody trusts"
    OTHER_NAME = "the certificate is another host's"
    EXPIRED = "the certificate was good until yesterday"


class Kind(enum.Enum):
    ANSWER = "the canned reply, without asking the endpoint"
    CONTENT_TYPE = "the right body, wrongly labelled"
    TRUNCATE = "half the body, as if it were all"
    BENT = "the right document, changed"
    CHUNKED = "the right body in chunks"
    CLOSE_MIDBODY = "half the body, then the end of the connection"
    STALL_MIDBODY = "half the body, then nothing"
    BLACK_HOLE = "nothing, and the endpoint is not asked"
    RESET = "a connection reset, and the endpoint is not asked"
    RESET_AFTER_HEAD = "the head, then a connection reset"
    FLOOD = "a body as long as can be, and the endpoint is not asked"


@dataclasses.dataclass
class Trouble:
    kind: Kind
    times: int | None                       # None: until cleared
    over: threading.Event                   # set by clear()
    reply: Reply | None = None              # ANSWER; FLOOD: how it begins
    content_type: str = ""                  # CONTENT_TYPE
    change: Callable[[object], object] | None = None    # BENT
    chunk: int = 0                          # CHUNKED: bytes in each
    unit: bytes = b""                       # FLOOD: how it goes on, again and again
    size: int = 0                           # FLOOD: bytes in all


class Fault:
    """What goes wrong at one endpoint. Troubles queue up: each lasts for its `times`, then comes the next.

    hold() and delay() work on top of that: they come first, whatever happens then.
    """

    def __init__(self, changed: threading.Condition):
        self._changed = changed
        self._open = threading.Event()
        self._cleared = threading.Event()
        self._troubles: collections.deque[Trouble] = collections.deque()
        self._delay = 0.0
        self.held = 0                       # requests kept waiting now
        self._open.set()

    def hold(self) -> None:
        """Requests arrive, are counted, and wait for release()."""
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def delay(self, seconds: float) -> None:
        self._delay = seconds

    def answer(self, status: int = 200, headers: dict[str, str] | None = None, body: bytes | str = b"",
               content_type: str = JSON, times: int | None = None) -> None:
        body = body.encode() if isinstance(body, str) else body
        self._add(Kind.ANSWER, times, reply=Reply(status, body, content_type, headers or {}))

    def answer_json(self, document: object, status: int = 200, headers: dict[str, str] | None = None,
                    times: int | None = None) -> None:
        self.answer(status, headers, json.dumps(document), times=times)

    def invalid_token(self, times: int | None = 1) -> None:
        """Groups refuses a token that by the clock is good."""
        self._add(Kind.ANSWER, times, reply=groups_error(401, "INVALID_TOKEN", "Token is not active",
                                                         authorization_parameters={}))

    def requires(self, status: int = 403, times: int | None = None, **authorization_parameters: object) -> None:
        """Another session or consent is wanted: a Globus Auth Requirements Error."""
        code = "ConsentRequired" if "required_scopes" in authorization_parameters else "AuthorizationRequired"
        self._add(Kind.ANSWER, times, reply=json_reply({
            "code": code, "detail": "More authorization is required",
            "authorization_parameters": authorization_parameters}, status))

    def content_type(self, content_type: str, times: int | None = None) -> None:
        self._add(Kind.CONTENT_TYPE, times, content_type=content_type)

    def truncate(self, times: int | None = None) -> None:
        self._add(Kind.TRUNCATE, times)

    def bend(self, change: Callable[[object], object], times: int | None = None) -> None:
        """`change` is given the document, and returns what is sent."""
        self._add(Kind.BENT, times, change=change)

    def chunked(self, chunk: int = 1, times: int | None = None) -> None:
        self._add(Kind.CHUNKED, times, chunk=chunk)

    def close_midbody(self, times: int | None = None) -> None:
        self._add(Kind.CLOSE_MIDBODY, times)

    def stall_midbody(self, times: int | None = None) -> None:
        self._add(Kind.STALL_MIDBODY, times)

    def black_hole(self, times: int | None = None) -> None:
        self._add(Kind.BLACK_HOLE, times)

    def reset(self, times: int | None = None) -> None:
        self._add(Kind.RESET, times)

    def reset_after_head(self, times: int | None = None) -> None:
        self._add(Kind.RESET_AFTER_HEAD, times)

    def flood(self, first: bytes, unit: bytes, size: int, times: int | None = None) -> None:
        self._add(Kind.FLOOD, times, reply=Reply(200, first), unit=unit * (BLOCK // len(unit) + 1), size=size)

    def clear(self) -> None:
        """Peace again. Requests held go on; connections left hanging are closed."""
        with self._changed:
            self._troubles.clear()
            self._delay = 0.0
            self._cleared.set()
            self._cleared = threading.Event()
        self._open.set()

    def wait_in_line(self) -> None:
        with self._changed:
            cleared, delay = self._cleared, self._delay
            self.held += 1
            self._changed.notify_all()
        self._open.wait(HOLD_LIMIT)
        cleared.wait(delay)
        with self._changed:
            self.held -= 1
            self._changed.notify_all()

    def next(self) -> Trouble | None:
        with self._changed:
            if not self._troubles:
                return None
            trouble = self._troubles[0]
            if trouble.times is not None:
                trouble.times -= 1
                if trouble.times <= 0:
                    self._troubles.popleft()
            return trouble

    def _add(self, kind: Kind, times: int | None, **details: object) -> None:
        if times != 0:
            with self._changed:
                self._troubles.append(Trouble(kind, times, self._cleared, **details))


class Faults:
    """One Fault per endpoint, by name: `faults.refresh.hold()`. `token` is both `exchange` and `refresh`."""

    def __init__(self, changed: threading.Condition):
        self.token = Fault(changed)
        self.exchange = Fault(changed)
        self.refresh = Fault(changed)
        self.revoke = Fault(changed)
        self.introspect = Fault(changed)
        self.validate = Fault(changed)
        self.userinfo = Fault(changed)
        self.configuration = Fault(changed)
        self.jwk = Fault(changed)
        self.identities = Fault(changed)
        self.authorize = Fault(changed)
        self.decide = Fault(changed)
        self.auth_code = Fault(changed)
        self.my_groups = Fault(changed)
        self.group = Fault(changed)
        self.statuses = Fault(changed)
        self.unknown = Fault(changed)

    def of(self, names: tuple[str, ...]) -> list[Fault]:
        return [getattr(self, name) for name in names]

    def clear(self) -> None:
        for fault in vars(self).values():
            fault.clear()

"""Every way in which the network and Globus are known to fail: one row a fault, the same for all that the agent
asks of them."""

import collections.abc
import dataclasses
import json

from globus import GROUPS, NASTY_NAMES, Line, http_date
from globus.nameserver import Knowledge
from globus.proxy import Manner

ENDPOINTS = ("refresh", "exchange", "my_groups", "revoke")
VERBS = ("refresh", "exchange", "groups", "logout")
HTTP_TIMEOUT = 2                # seconds, where a row waits for it
FLOOD = 100 << 20
HTML = "<!doctype html><title>Welcome</title><form>Room number</form>"
TOKENS = {"access_token": "AgStray", "scope": "x", "expires_in": 172800, "token_type": "Bearer",
          "resource_server": GROUPS, "other_tokens": []}
TWICE = '{"access_token": "AgOne", ' + json.dumps(TOKENS)[1:]


@dataclasses.dataclass(frozen=True)
class Row:
    """`strike` is given the world of the row. `says` is in the sentence of each verb, unless `but` has another
    for it. A verb to which the row is no fault is in `harmless`, with the reason."""

    strike: collections.abc.Callable
    says: str
    but: dict[str, str] = dataclasses.field(default_factory=dict)
    harmless: dict[str, str] = dataclasses.field(default_factory=dict)
    place: str = "direct"                       # or "proxy", "names"
    hangs: bool = False                         # ends with the time allowed for an answer
    retry_after: tuple[int, int] = (0, 300)     # seconds from now, within which the next try is announced

    def words(self, verb: str) -> str:
        return self.but.get(verb, self.says)


def each(name: str, *arguments, **options):
    """The same Fault at every endpoint."""
    return lambda world: [getattr(getattr(world.globus.faults, endpoint), name)(*arguments, **options)
                          for endpoint in ENDPOINTS]


def answer(status: int, body: str = "", content_type: str = "text/plain", **headers: str):
    return each("answer", status, {name.replace("_", "-"): value for name, value in headers.items()}, body,
                content_type)


def bodies(tokens: str, groups: str, revoked: str):
    """With status 200, as JSON."""
    def strike(world):
        for endpoint, body in zip(ENDPOINTS, (tokens, tokens, groups, revoked)):
            getattr(world.globus.faults, endpoint).answer(200, {}, body)
    return strike


def line(kind: Line):
    return lambda world: world.globus.fall(kind)


def redirect(status: int):
    return lambda world: answer(status, Location=world.trap_url)(world)


def flood(world) -> None:
    token, group = b'{"access_token": "', json.dumps(world.globus.ada.groups[0]).encode()
    for endpoint, first, unit in (("refresh", token, b"A"), ("exchange", token, b"A"),
                                  ("my_groups", b"[" + group, b"," + group), ("revoke", b"[", b" ")):
        getattr(world.globus.faults, endpoint).flood(first, unit, FLOOD)


def nasty_strings(world) -> None:
    world.globus.make_groups(names=NASTY_NAMES.values())
    bodies(json.dumps(TOKENS | {"access_token": "Ag\0x", "scope": "\ud800"}), "", '{"active\\u0000": false}')(
        world)
    world.globus.faults.my_groups.clear()


def nul_in_error(world) -> None:
    each("answer", 400, {}, '{"error": "invalid_grant\\u0000", "error_description": "\\ud83d"}')(world)


def retry_date(world) -> None:
    answer(429, Retry_After=http_date(3))(world)


def proxy(manner: Manner | None):
    return lambda world: world.proxy.behave(manner) if manner else world.proxy.shut()


def names(knowledge: Knowledge):
    return lambda world: setattr(world.names, "knowledge", knowledge)


LOST = "lost the connection"
FOREIGN = "does the network want a login"
NO_LIST = "no list of groups"
TIMED_OUT = "timed out"
SERVED = "groups may have such names; they are listed"

ROWS = {
    # The way there
    "connection refused": Row(line(Line.REFUSED), "Connection refused"),
    "black hole": Row(line(Line.SILENT), "time", hangs=True),
    "reset at once": Row(line(Line.RESET), "Connection reset by peer"),
    "unknown CA": Row(line(Line.UNKNOWN_CA), "certificate"),
    "wrong host name": Row(line(Line.OTHER_NAME), "no alternative certificate subject name matches"),
    "expired certificate": Row(line(Line.EXPIRED), "certificate has expired"),

    # Names
    "no such host": Row(names(Knowledge.NO_SUCH_NAME), "Could not resolve host: globus.test", place="names"),
    "name server broken": Row(names(Knowledge.BROKEN), "Could not resolve host: globus.test", place="names"),
    "name server silent": Row(names(Knowledge.SILENCE), "Resolving timed out", place="names", hangs=True),

    # Proxies
    "proxy gone": Row(proxy(None), "Connection refused", place="proxy"),
    "proxy forbids": Row(proxy(Manner.FORBID), "response 403", place="proxy"),
    "proxy wants a password": Row(proxy(Manner.CHALLENGE), "response 407", place="proxy"),
    "proxy overloaded": Row(proxy(Manner.OVERLOAD), "response 503", place="proxy"),
    "proxy hangs up": Row(proxy(Manner.HANG_UP), "Proxy CONNECT aborted", place="proxy"),
    "proxy silent": Row(proxy(Manner.SILENCE), "time", place="proxy", hangs=True),

    # No answer, or half of one
    "no answer": Row(each("black_hole"), TIMED_OUT, hangs=True),
    "half an answer": Row(each("stall_midbody"), TIMED_OUT, hangs=True),
    "reset before the headers": Row(each("reset"), LOST),
    "reset after the headers": Row(each("reset_after_head"), LOST),
    "closed in the body": Row(each("close_midbody"), LOST),

    # Refusals that pass
    "403": Row(answer(403), "HTTP status 403"),
    "408": Row(answer(408), "HTTP status 408"),
    "429": Row(answer(429), "HTTP status 429"),
    "429, seconds": Row(answer(429, Retry_After="2"), "HTTP status 429", retry_after=(1, 4)),
    "429, date": Row(retry_date, "HTTP status 429", retry_after=(1, 5)),
    "429, 0": Row(answer(429, Retry_After="0"), "HTTP status 429"),
    "429, huge": Row(answer(429, Retry_After="9" * 30), "HTTP status 429", retry_after=(3500, 3601)),
    "500": Row(each("answer_json", {"error": "server_error"}, 500), "HTTP status 500",
               but={"refresh": "500: server_error"}),
    "502": Row(answer(502, HTML, "text/html"), "HTTP status 502"),
    "503": Row(answer(503, "busy"), "HTTP status 503"),
    "511": Row(answer(511, HTML, "text/html"), "HTTP status 511"),
    "invalid_grant in a page": Row(answer(400, '{"error": "invalid_grant"}', "text/html"), "HTTP status 400"),
    "invalid_grant with a NUL": Row(nul_in_error, "HTTP status 400"),
    "invalid_request": Row(each("answer_json", {"error": "invalid_request"}, 400), "HTTP status 400",
                           but={"refresh": "400: invalid_request"}),
    "redirect, 302": Row(redirect(302), "HTTP status 302"),
    "redirect, 307": Row(redirect(307), "HTTP status 307"),
    "redirect, 308": Row(redirect(308), "HTTP status 308"),

    # Answers that are none
    "HTML": Row(answer(200, HTML, "text/html"), FOREIGN),
    "no content type": Row(answer(200, HTML, ""), FOREIGN),
    "wrong content type": Row(each("content_type", "text/plain"), "HTTP status 200, text/plain"),
    "nothing": Row(bodies("", "", " "), "no valid JSON", but={"groups": NO_LIST}),
    "truncated": Row(each("truncate"), "no valid JSON", but={"groups": "cut short"}),
    "wrong types": Row(bodies('{"access_token": [], "scope": 7, "expires_in": {}, "resource_server": true}',
                              '[{"id": 7, "name": [], "my_memberships": "x"}]', "[false]"),
                       "bad access_token", but={"groups": NO_LIST, "logout": "no valid JSON"}),
    "still active": Row(bodies("{}", "{}", '{"active": true}'), "bad access_token",
                        but={"groups": NO_LIST, "logout": "still active"}),
    "duplicate keys": Row(bodies(TWICE, '[{"id": "x", "id": "y", "name": "z"}]',
                                 '{"active": true, "active": false}'), "no valid JSON",
                          but={"groups": NO_LIST}),
    "100 MB": Row(flood, "too long"),
    "nested 10 000 deep": Row(bodies("[" * 10000 + "]" * 10000, "[" * 10000 + "]" * 10000,
                                     '{"a":' * 10000 + "1" + "}" * 10000), "no valid JSON",
                              but={"groups": NO_LIST}),
    "NUL and lone surrogates": Row(nasty_strings, "no valid JSON", harmless={"groups": SERVED}),
}

"""The part of Globus Auth that a person sees: asked for consent, and given a code to copy."""

import dataclasses
import re

from . import page, scopes
from .state import Client, User
from .wire import Refusal, Reply, Request, html_reply, redirect, repeated

CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
LOOPBACK = re.compile(r"http://(localhost|127\.0\.0\.1)(:\d{1,5})?(/[^?#]*)?")
ANSWERS = {"decision", "identity"}          # what the page adds to the parameters it was asked with


@dataclasses.dataclass
class Ask:
    """A well-formed request for authorization."""

    client: Client
    redirect_uri: str
    scopes: list[str]
    state: str | None
    challenge: str | None
    offline: bool


def authorize(globus, request: Request) -> Reply:
    """GET /v2/oauth2/authorize"""
    ask = _check(globus, request.query_pairs)
    if globus.knobs.auto_approve:
        return _approve(globus, ask, globus.knobs.auto_approve)
    return html_reply(page.consent(ask, request.query_pairs, globus.ledger.users))


def decide(globus, request: Request) -> Reply:
    """POST /v2/oauth2/authorize: the person pressed a button on the page."""
    ask = _check(globus, [pair for pair in request.form_pairs if pair[0] not in ANSWERS])
    if request.form.get("decision") != "approve":
        return redirect(ask.redirect_uri, state=ask.state, error="access_denied",
                        error_description="The resource owner or authorization server denied the request")
    user = globus.ledger.user(request.form.get("identity", ""))
    if not user:
        raise Refusal(html_reply(page.trouble("There is no such identity."), 400))
    return _approve(globus, ask, user)


def auth_code(_globus, request: Request) -> Reply:
    """GET /v2/web/auth-code: the default redirect URI of native apps"""
    if "code" in request.query:
        return html_reply(page.code(request.query["code"]))
    query = request.query
    return html_reply(page.trouble(query.get("error_description") or query.get("error") or "There is no code."))


def _approve(globus, ask: Ask, user: User) -> Reply:
    code = globus.ledger.issue_code(
        globus.knobs.code_lifetime, client_id=ask.client.id, user=user, redirect_uri=ask.redirect_uri,
        challenge=ask.challenge, scopes=ask.scopes, offline=ask.offline, state=ask.state)
    return redirect(ask.redirect_uri, code=code.value, state=ask.state)


def _check(globus, pairs: list[tuple[str, str]]) -> Ask:
    """RFC 6749 4.1.2.1: the redirect URI hears of what is wrong, unless it is what is wrong."""
    query = dict(pairs)
    client = globus.clients.get(query.get("client_id", ""))
    if not client:
        raise Refusal(html_reply(page.trouble("Unknown client_id."), 400))
    redirect_uri = query.get("redirect_uri", "")
    if not _may_redirect(globus, client, redirect_uri):
        raise Refusal(html_reply(page.trouble("Mismatching redirect URI."), 400))

    try:
        wrong = _what_is_wrong(client, pairs)
        wanted = [] if wrong else scopes.split(query.get("scope", ""))
        scopes.by_resource_server(wanted)
    except scopes.BadScope as bad:
        wrong = "invalid_scope", str(bad)
    if wrong:
        raise Refusal(redirect(redirect_uri, state=query.get("state"),
                               error=wrong[0], error_description=wrong[1]))

    return Ask(client, redirect_uri, wanted, query.get("state"), query.get("code_challenge"),
               query.get("access_type") == "offline")


def _may_redirect(globus, client: Client, redirect_uri: str) -> bool:
    if client.secret or redirect_uri in client.redirect_uris:
        return redirect_uri in client.redirect_uris
    return redirect_uri == globus.auth_code_url or bool(LOOPBACK.fullmatch(redirect_uri))


def _what_is_wrong(client: Client, pairs: list[tuple[str, str]]) -> tuple[str, str] | None:
    query = dict(pairs)
    if repeated(pairs):
        return "invalid_request", "a parameter is repeated"
    if query.get("response_type") != "code":
        return "unsupported_response_type", "response_type must be code"
    if query.get("access_type", "online") not in ("online", "offline"):
        return "invalid_request", "access_type must be online or offline"

    challenge = query.get("code_challenge")
    if challenge is None:
        return None if client.secret else ("invalid_request", "a native app must send a code_challenge")
    if query.get("code_challenge_method") != "S256":
        return "invalid_request", "code_challenge_method must be S256"
    if not CHALLENGE.fullmatch(challenge):
        return "invalid_request", "code_challenge must be 43 characters of base64url"
    return None

"""The token endpoint: a code, or a refresh token, for tokens."""

import hashlib
import re
import time

from . import idtoken, scopes
from .faults import MISSING, UNTOUCHED
from .state import Access, Client, Code, Grant
from .wire import Refusal, Reply, Request, envelope, json_reply, oauth_error, repeated

VERIFIER = re.compile(r"[A-Za-z0-9~_.-]{43,128}")
ID_TOKEN_LIFETIME = 172800


def token(globus, request: Request) -> Reply:
    """POST /v2/oauth2/token"""
    check_form(request)
    client = authenticate(globus, request)
    grants = {"authorization_code": _exchange, "refresh_token": _refresh}
    grant_type = _required(request, "grant_type")
    if grant_type not in grants:
        raise Refusal(oauth_error("unsupported_grant_type"))
    reply = json_reply(grants[grant_type](globus, request, client))
    reply.headers |= {"Cache-Control": "no-store", "Pragma": "no-cache"}
    return reply


def check_form(request: Request) -> None:
    if not request.is_form():
        raise Refusal(oauth_error("invalid_request", description="the body must be a form"))
    if repeated(request.form_pairs):
        raise Refusal(oauth_error("invalid_request", description="a parameter is repeated"))


def authenticate(globus, request: Request) -> Client:
    """A confidential client by its secret, a native app by the mere mention of its id."""
    if basic := request.basic():
        client = globus.clients.get(basic[0])
        if not client or client.secret is None or client.secret != basic[1]:
            raise Refusal(envelope(401, "UNAUTHORIZED", "Basic auth failed"))
        return client

    if "client_id" not in request.form:
        raise Refusal(envelope(401, "UNAUTHORIZED", "Call must be authenticated"))
    client = globus.clients.get(request.form["client_id"])
    if not client or client.secret:
        raise Refusal(oauth_error("invalid_client", 401))
    return client


def _required(request: Request, name: str) -> str:
    if not request.form.get(name):
        raise Refusal(oauth_error("invalid_request", description=f"{name} is missing"))
    return request.form[name]


def _invalid_grant(globus) -> Refusal:
    knobs = globus.knobs
    return Refusal(oauth_error("invalid_grant", knobs.invalid_grant_status, knobs.invalid_grant_description))


def _exchange(globus, request: Request, client: Client) -> dict:
    code = globus.ledger.codes.get(_required(request, "code"))
    redirect_uri = _required(request, "redirect_uri")
    if not code or code.spent:
        raise _invalid_grant(globus)

    code.spent = True
    if (time.time() >= code.expires or code.client_id != client.id or code.redirect_uri != redirect_uri
            or not _verified(code, request.form.get("code_verifier"))):
        raise _invalid_grant(globus)
    return _answer_to_code(globus, code)


def _verified(code: Code, verifier: str | None) -> bool:
    """RFC 7636, S256. A verifier without a challenge is as wrong as a challenge without a verifier."""
    if code.challenge is None or verifier is None:
        return code.challenge is None and verifier is None
    digest = idtoken.base64url(hashlib.sha256(verifier.encode()).digest())
    return bool(VERIFIER.fullmatch(verifier)) and digest == code.challenge


def _answer_to_code(globus, code: Code) -> dict:
    withheld = globus.knobs.withheld_scopes
    granted = scopes.by_resource_server([scope for scope in code.scopes if scope not in withheld])
    if not granted:
        raise Refusal(oauth_error("invalid_scope"))

    order = sorted(granted, key=lambda server: server != scopes.AUTH)
    if globus.knobs.other_tokens_order == "auth-last":
        order.reverse()

    accesses = {server: _login_access(globus, code, server, granted[server]) for server in order}
    documents = [_document(globus, access, access.grant.refresh_token) for access in accesses.values()]
    if code.state is not None:
        for document in documents:
            document["state"] = code.state

    answer = documents[0]
    if "openid" in granted.get(scopes.AUTH, ()) and not globus.knobs.omit_id_token:
        answer["id_token"] = _id_token(globus, code, accesses[scopes.AUTH])
    return answer | {"other_tokens": documents[1:]}


def _login_access(globus, code: Code, resource_server: str, granted: list[str]) -> Access:
    grant = None
    if globus.knobs.same_access_token:
        grant = globus.ledger.find_grant(code, resource_server, granted)
    return _access(globus, grant or globus.ledger.open_grant(code, resource_server, granted))


def _refresh(globus, request: Request, client: Client) -> dict:
    presented = _required(request, "refresh_token")
    grant = globus.ledger.grant_of(presented)
    if not grant or grant.client_id != client.id or not grant.refreshable():
        raise _invalid_grant(globus)
    if presented in grant.retired:
        grant.revoked = True
        raise _invalid_grant(globus)

    knobs = globus.knobs
    if knobs.rotate and not knobs.omit_refresh_token:
        globus.ledger.issue_refresh_token(grant)
    said = None if knobs.omit_refresh_token else grant.refresh_token
    return _document(globus, _access(globus, grant), said) | {"other_tokens": []}


def _access(globus, grant: Grant) -> Access:
    grant.last_used = time.time()
    if globus.knobs.same_access_token and grant.access and grant.access[-1].active():
        return grant.access[-1]
    return globus.ledger.issue_access(grant, globus.knobs.lifetime)


def _document(globus, access: Access, refresh_token: str | None) -> dict:
    knobs = globus.knobs
    left = round(access.expires - time.time())
    document = {
        "access_token": access.value,
        "scope": " ".join(access.grant.scopes),
        "expires_in": left if knobs.expires_in is UNTOUCHED else knobs.expires_in,
        "token_type": knobs.token_type,
        "resource_server": access.grant.resource_server}
    if refresh_token:
        document["refresh_token"] = refresh_token
    return {name: value for name, value in document.items() if value is not MISSING}


def _id_token(globus, code: Code, access: Access) -> str:
    """About the person, bound to the access token of Globus Auth."""
    user, now = code.user, int(globus.now())
    claims = user.identity_set[0] | {"name": user.name, "preferred_username": user.username}
    del claims["username"]
    claims |= {
        "last_authentication": now - 10,
        "identity_set": [identity | {"last_authentication": now - 10} for identity in user.identity_set],
        "iss": globus.issuer,
        "aud": code.client_id,
        "exp": now + ID_TOKEN_LIFETIME,
        "iat": now,
        "at_hash": idtoken.at_hash(access.value)}
    claims |= globus.knobs.id_token_overrides
    return idtoken.sign({name: value for name, value in claims.items() if value is not MISSING})

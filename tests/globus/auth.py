"""The rest of Globus Auth: revocation, questions about tokens, questions about people, its own description."""

from . import idtoken, scopes
from .state import Access
from .tokens import authenticate, check_form
from .wire import Refusal, Reply, Request, envelope, json_reply, oauth_error


def revoke(globus, request: Request) -> Reply:
    """POST /v2/oauth2/token/revoke. A token nobody knows counts as revoked (RFC 7009)."""
    check_form(request)
    client = authenticate(globus, request)
    token = _token(request)
    access, grant = globus.ledger.access(token), globus.ledger.grant_of(token)
    owner = access.grant if access else grant
    if owner and owner.client_id != client.id:
        raise Refusal(oauth_error("unauthorized_client", 400))

    if access:
        access.revoked = True
    elif grant:
        grant.refresh_revoked = True
        grant.revoked |= globus.knobs.revoke_cascades
    return json_reply({"active": False})


def introspect(globus, request: Request) -> Reply:
    """POST /v2/oauth2/token/introspect, for confidential clients only"""
    check_form(request)
    if not request.basic():
        raise Refusal(envelope(401, "UNAUTHORIZED", "Call must be authenticated"))
    authenticate(globus, request)
    access = globus.ledger.access(_token(request))
    if not access or not access.active():
        return json_reply({"active": False})

    grant, user = access.grant, access.grant.user
    answer = {
        "active": True, "token_type": "Bearer", "scope": " ".join(grant.scopes), "client_id": grant.client_id,
        "username": user.username, "name": user.name, "email": user.email, "exp": int(access.expires),
        "iat": int(access.issued), "nbf": int(access.issued), "sub": user.sub,
        "aud": [grant.resource_server, grant.client_id], "iss": globus.issuer}
    include = request.form.get("include", "").split(",")
    if "session_info" in include:
        answer["session_info"] = {"session_id": user.sub, "authentications": {user.sub: {
            "acr": None, "amr": None, "idp": user.identity_set[0]["identity_provider"],
            "auth_time": int(access.issued), "custom_claims": {}}}}
    if "identity_set" in include:
        answer["identity_set"] = [identity["sub"] for identity in user.identity_set]
    return json_reply(answer)


def validate(globus, request: Request) -> Reply:
    """POST /v2/oauth2/token/validate: access tokens and refresh tokens alike"""
    check_form(request)
    client = authenticate(globus, request)
    token = _token(request)
    if access := globus.ledger.access(token):
        return json_reply({"active": access.active() and access.grant.client_id == client.id})
    grant = globus.ledger.grant_of(token)
    return json_reply({"active": grant is not None and grant.client_id == client.id
                       and grant.refreshable() and grant.refresh_token == token})


def userinfo(globus, request: Request) -> Reply:
    """GET /v2/oauth2/userinfo"""
    access = _bearer(globus, request)
    granted = set(access.grant.scopes)
    if "openid" not in granted:
        raise Refusal(envelope(403, "FORBIDDEN", "The token lacks the scope openid"))

    user = access.grant.user
    identity = user.identity_set[0]
    answer = {"sub": user.sub}
    if "profile" in granted:
        answer |= {
            "name": user.name, "preferred_username": user.username, "organization": user.organization,
            "identity_provider": identity["identity_provider"],
            "identity_provider_display_name": identity["identity_provider_display_name"],
            "last_authentication": int(access.issued)}
    if "email" in granted:
        answer["email"] = user.email
    if scopes.VIEW_IDENTITY_SET in granted:
        answer["identity_set"] = [linked | {"status": "used", "last_authentication": int(access.issued)}
                                  for linked in user.identity_set]
    return json_reply(answer)


def identities(globus, request: Request) -> Reply:
    """GET /v2/api/identities?ids=… or ?usernames=…, linked identities included"""
    if request.basic():
        authenticate(globus, request)
    else:
        _bearer(globus, request)
    if ("ids" in request.query) == ("usernames" in request.query):
        raise Refusal(envelope(400, "BAD_REQUEST", "Exactly one of ids and usernames is needed"))

    member = "sub" if "ids" in request.query else "username"
    wanted = request.query_list("ids") + request.query_list("usernames")
    found = [identity for user in globus.ledger.users for identity in user.identity_set
             if identity[member] in wanted]
    copied = ("username", "name", "email", "organization", "identity_provider")
    return json_reply({"identities": [
        {"id": identity["sub"], "status": "used", "identity_type": "login"}
        | {name: identity[name] for name in copied} for identity in found]})


def configuration(globus, _request: Request) -> Reply:
    """GET /.well-known/openid-configuration"""
    auth = globus.issuer
    return json_reply({
        "issuer": auth,
        "authorization_endpoint": f"{auth}/v2/oauth2/authorize",
        "userinfo_endpoint": f"{auth}/v2/oauth2/userinfo",
        "token_endpoint": f"{auth}/v2/oauth2/token",
        "revocation_endpoint": f"{auth}/v2/oauth2/token/revoke",
        "jwks_uri": f"{auth}/jwk.json",
        "response_types_supported": ["code", "token", "token id_token", "id_token"],
        "id_token_signing_alg_values_supported": ["RS512"],
        "scopes_supported": ["openid", "email", "profile"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "claims_supported": ["at_hash", "aud", "email", "exp", "name", "nonce", "preferred_username", "iat",
                             "iss", "sub"],
        "subject_types_supported": ["public"]})


def jwk(_globus, _request: Request) -> Reply:
    """GET /jwk.json"""
    return json_reply({"keys": [idtoken.jwk()]})


def _token(request: Request) -> str:
    if not request.form.get("token"):
        raise Refusal(oauth_error("invalid_request", description="token is missing"))
    return request.form["token"]


def _bearer(globus, request: Request) -> Access:
    """The live token of Globus Auth that the call was made with."""
    access = globus.ledger.access(request.bearer() or "")
    if not access or not access.active() or access.grant.resource_server != scopes.AUTH:
        raise Refusal(envelope(401, "UNAUTHORIZED", "Call must be authenticated"))
    return access

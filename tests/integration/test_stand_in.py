"""The stand-in of Globus is worth nothing if it is more lenient than Globus. Here is what it enforces."""

import base64
import json
import secrets
import time
from email.utils import parsedate_to_datetime

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from globus import (AUTH, GROUPS, MISSING, TUTORIAL_CLIENT, VIEW_MY_GROUPS, AuthorizeRefused, Globus, idtoken,
                    scopes)
from globus.app import App


@pytest.fixture
def globus():
    with Globus() as stand_in:
        yield stand_in


@pytest.fixture
def app(globus):
    return App(globus)


def is_invalid_grant(answer, status=400):
    return (answer.status, answer.document) == (status, {"error": "invalid_grant"})


# Login

def test_login_gives_a_token_for_each_resource_server(app):
    answer = app.exchange(app.globus.approve(app.authorize_url()))
    assert answer.headers["Date"]
    document = answer.document
    groups, = document["other_tokens"]
    assert document["resource_server"] == AUTH and document["scope"] == "email openid profile"
    assert groups["resource_server"] == GROUPS and groups["scope"] == VIEW_MY_GROUPS
    for tokens in document, groups:
        assert tokens["expires_in"] == 172800 and tokens["token_type"] == "Bearer"
        assert tokens["state"] == "_default" and tokens["refresh_token"]
    assert "id_token" in document and "id_token" not in groups


def test_online_login_gives_no_refresh_token(app):
    assert all("refresh_token" not in tokens for tokens in app.login(access_type="online").values())


def test_scopes_given_are_those_asked_for_less_those_withheld(app):
    app.globus.knobs.withheld_scopes = {VIEW_MY_GROUPS}
    assert app.login().keys() == {AUTH}


def test_position_of_tokens_means_nothing(app):
    app.globus.knobs.other_tokens_order = "auth-last"
    document = app.exchange(app.globus.approve(app.authorize_url())).document
    last, = document["other_tokens"]
    assert document["resource_server"] == GROUPS and last["resource_server"] == AUTH
    assert claims(document["id_token"])["at_hash"] == idtoken.at_hash(last["access_token"])


@pytest.mark.parametrize("verifier, challenge", [
    ("a" * 43, "ZtNPunH49FD35FWYhT5Tv8I7vRKQJ8uxMaL0_9eHjNA"),
    ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")])
def test_known_verifiers_match_their_challenges(app, verifier, challenge):
    code = app.globus.approve(app.authorize_url(code_challenge=challenge))
    assert app.exchange(code, code_verifier=verifier).status == 200


@pytest.mark.parametrize("changed", [
    {"code_verifier": "a" * 43}, {"code_verifier": None}, {"code_verifier": "short"},
    {"redirect_uri": "http://127.0.0.1:1/"}])
def test_wrong_exchange_is_an_invalid_grant(app, changed):
    assert is_invalid_grant(app.exchange(app.globus.approve(app.authorize_url()), **changed))


def test_unknown_code_is_an_invalid_grant_and_spoils_nothing(app):
    code = app.globus.approve(app.authorize_url())
    assert is_invalid_grant(app.exchange("unknown"))
    assert app.exchange(code).status == 200


def test_code_of_another_client_is_an_invalid_grant(app):
    other = app.globus.add_client("other")
    assert is_invalid_grant(app.exchange(app.globus.approve(app.authorize_url()), client_id=other.id))


def test_code_is_good_for_one_use(app):
    code = app.globus.approve(app.authorize_url())
    assert app.exchange(code).status == 200
    assert is_invalid_grant(app.exchange(code))


def test_code_expires(app):
    code = app.globus.approve(app.authorize_url())
    app.globus.expire_codes()
    assert is_invalid_grant(app.exchange(code))


def test_unknown_client_is_an_invalid_client(app):
    answer = app.exchange(app.globus.approve(app.authorize_url()), client_id=secrets.token_hex(8))
    assert (answer.status, answer.document) == (401, {"error": "invalid_client"})


def test_confidential_client_needs_its_secret_and_no_pkce(app):
    app.client_id = app.globus.add_client("service", "s3cret", (app.globus.auth_code_url,)).id
    url = app.authorize_url(code_challenge=None, code_challenge_method=None)
    code = app.globus.approve(url)
    assert app.exchange(code, code_verifier=None).document == {"error": "invalid_client"}
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": app.globus.auth_code_url}
    assert app.auth("v2/oauth2/token", form, basic=f"{app.client_id}:wrong").status == 401
    assert app.auth("v2/oauth2/token", form, basic=f"{app.client_id}:s3cret").status == 200
    with pytest.raises(AuthorizeRefused, match="redirect"):
        app.globus.approve(app.authorize_url(redirect_uri="http://127.0.0.1:1/"))


def test_token_endpoint_wants_what_it_needs(app):
    token = f"{app.globus.auth_url}v2/oauth2/token"
    assert app.call(token, {"client_id": TUTORIAL_CLIENT}).document["error"] == "invalid_request"
    assert app.call(token, {"client_id": TUTORIAL_CLIENT, "grant_type": "x"}).document["error"] \
        == "unsupported_grant_type"
    assert app.call(token, {}).document["errors"][0]["status"] == "401"
    assert app.call(token, [("client_id", TUTORIAL_CLIENT)] * 2).document["error"] == "invalid_request"


@pytest.mark.parametrize("changed, error", [
    ({"code_challenge": None}, "invalid_request"), ({"code_challenge": "short"}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"), ({"access_type": "always"}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"), ({"scope": "urn:nonsense"}, "invalid_scope"),
    ({"scope": "openid["}, "invalid_scope"), ({"scope": None}, "invalid_scope"),
    ({"client_id": "nobody"}, None), ({"redirect_uri": "https://thief.example/"}, None)])
def test_authorize_page_refuses(app, changed, error):
    with pytest.raises(AuthorizeRefused) as refused:
        app.globus.approve(app.authorize_url(**changed))
    assert refused.value.error == error


def test_person_may_say_no(app):
    assert app.globus.deny(app.authorize_url()) == "access_denied"


def test_page_escapes_what_it_was_asked_with(app):
    page = app.call(app.authorize_url(state='"><script>', session_message="<b>")).body.decode()
    assert "<script>" not in page and "<b>" not in page.replace("<b>Native", "")


def test_browser_is_sent_back_with_code_and_state(app):
    app.globus.knobs.auto_approve = app.globus.ben
    app.globus.approve(app.authorize_url(state="mine"))
    landed = app.globus.log[-1]
    assert landed.names == ("auth_code",) and landed.query["state"] == "mine" and landed.query["code"]


# id_token

def claims(id_token):
    payload = id_token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=="))


def integer(text):
    return int.from_bytes(base64.urlsafe_b64decode(text + "=="), "big")


def test_id_token_is_signed_and_says_who_for_whom_and_with_which_token(app):
    tokens = app.login()[AUTH]
    jwks_uri = app.auth(".well-known/openid-configuration").document["jwks_uri"]
    jwk, = app.call(jwks_uri).document["keys"]
    key = rsa.RSAPublicNumbers(integer(jwk["e"]), integer(jwk["n"])).public_key()
    message, _, signature = tokens["id_token"].rpartition(".")
    signed = base64.urlsafe_b64decode(signature + "==")
    key.verify(signed, message.encode(), padding.PKCS1v15(), hashes.SHA512())

    said = claims(tokens["id_token"])
    assert said["iss"] == app.globus.auth_url[:-1] and said["aud"] == TUTORIAL_CLIENT
    assert said["sub"] == app.globus.ada.sub and said["preferred_username"] == "apark@ridgeway.example"
    assert said["exp"] == said["iat"] + 172800 and abs(said["iat"] - time.time()) < 60
    assert said["at_hash"] == idtoken.at_hash(tokens["access_token"])
    assert [identity["username"] for identity in said["identity_set"]] \
        == ["apark@ridgeway.example", "apark@lab.example"]


def test_known_vectors():
    assert idtoken.at_hash("Ag0standin0access0token0for0tests") == "1OwCzkbV5gJCSYRe6fcNT7ZqU7BwAw-OuyQRjH4mjcA"
    assert scopes.split("a[b c[*d]] *e a") == ["a", "e"]


def test_id_token_may_lie_and_its_clock_be_wrong(app):
    app.globus.knobs.id_token_overrides = {"iss": "https://thief.example", "at_hash": MISSING}
    app.globus.knobs.skew = 900
    said = claims(app.login()[AUTH]["id_token"])
    assert said["iss"] == "https://thief.example" and "at_hash" not in said
    assert 890 < said["iat"] - time.time() < 910
    date = parsedate_to_datetime(app.auth("jwk.json").headers["Date"]).timestamp()
    assert 890 < date - time.time() < 910


# Refresh

def test_refresh_keeps_the_refresh_token_and_serves_one_resource_server(app):
    tokens = app.login()[GROUPS]
    again = app.refresh(tokens["refresh_token"]).document
    assert again["refresh_token"] == tokens["refresh_token"] and again["access_token"] != tokens["access_token"]
    assert again["resource_server"] == GROUPS and again["other_tokens"] == []
    assert "state" not in again and "id_token" not in again


def test_refresh_token_is_bound_to_its_client(app):
    tokens = app.login()[GROUPS]
    other = app.globus.add_client("other")
    assert is_invalid_grant(app.refresh(tokens["refresh_token"], client_id=other.id))
    assert app.refresh(tokens["refresh_token"]).status == 200


def test_rotated_refresh_token_works_once_and_its_reuse_kills_the_grant(app):
    app.globus.knobs.rotate = True
    first = app.login()[GROUPS]
    second = app.refresh(first["refresh_token"]).document
    assert second["refresh_token"] != first["refresh_token"]
    third = app.refresh(second["refresh_token"]).document
    assert app.my_groups(third["access_token"]).status == 200
    assert is_invalid_grant(app.refresh(first["refresh_token"]))
    assert is_invalid_grant(app.refresh(third["refresh_token"]))
    assert app.my_groups(third["access_token"]).status == 401


def test_refresh_may_omit_the_refresh_token_and_return_the_same_access_token(app):
    app.globus.knobs.omit_refresh_token = True
    app.globus.knobs.same_access_token = True
    tokens = app.login()[GROUPS]
    again = app.refresh(tokens["refresh_token"]).document
    assert "refresh_token" not in again and again["access_token"] == tokens["access_token"]
    assert app.login()[GROUPS]["access_token"] == tokens["access_token"]


@pytest.mark.parametrize("said", [0, 61, -1, 10**30, "3600", None, 1.5])
def test_expires_in_may_be_anything(app, said):
    app.globus.knobs.expires_in = said
    assert app.login()[GROUPS]["expires_in"] == said


def test_expires_in_may_be_missing(app):
    app.globus.knobs.expires_in = MISSING
    assert "expires_in" not in app.login()[GROUPS]


def test_dead_grant_is_an_invalid_grant_of_either_status(app):
    tokens = app.login()
    app.globus.revoke_grant(resource_server=GROUPS)
    assert is_invalid_grant(app.refresh(tokens[GROUPS]["refresh_token"]))
    app.globus.knobs.invalid_grant_status = 401
    assert is_invalid_grant(app.refresh(tokens[GROUPS]["refresh_token"]), 401)
    assert app.refresh(tokens[AUTH]["refresh_token"]).status == 200


def test_refresh_token_idle_for_half_a_year_is_dead(app):
    tokens = app.login()[GROUPS]
    for grant in app.globus.ledger.grants:
        grant.last_used -= 184 * 86400
    assert is_invalid_grant(app.refresh(tokens["refresh_token"]))


# Revocation and questions about tokens

def test_revoked_tokens_are_dead_each_for_itself(app):
    tokens = app.login()[GROUPS]
    for token in tokens["refresh_token"], tokens["access_token"], "unknown":
        answer = app.auth("v2/oauth2/token/revoke", {"token": token, "client_id": TUTORIAL_CLIENT})
        assert (answer.status, answer.document) == (200, {"active": False})
        if token == tokens["refresh_token"]:
            assert app.my_groups(tokens["access_token"]).status == 200
    assert app.my_groups(tokens["access_token"]).document["code"] == "INVALID_TOKEN"
    assert is_invalid_grant(app.refresh(tokens["refresh_token"]))


def test_revoking_takes_the_client_that_the_token_is_of(app):
    tokens = app.login()[GROUPS]
    other = app.globus.add_client("other")
    assert app.auth("v2/oauth2/token/revoke", {"token": tokens["access_token"]}).status == 401
    assert app.auth("v2/oauth2/token/revoke",
                    {"token": tokens["access_token"], "client_id": other.id}).status == 400
    assert app.my_groups(tokens["access_token"]).status == 200


def test_validate_and_introspect(app):
    confidential = app.globus.add_client("service", "s3cret")
    tokens = app.login()
    token = {"token": tokens[AUTH]["access_token"], "client_id": TUTORIAL_CLIENT}
    assert app.auth("v2/oauth2/token/validate", token).document == {"active": True}
    assert app.auth("v2/oauth2/token/introspect", token).status == 401
    assert app.auth("v2/oauth2/token/introspect", token, basic=f"{confidential.id}:wrong").document[
        "errors"][0]["detail"] == "Basic auth failed"
    answer = app.auth("v2/oauth2/token/introspect", token, basic=f"{confidential.id}:s3cret").document
    assert answer["active"] and answer["username"] == "apark@ridgeway.example"
    app.globus.revoke_grant()
    assert app.auth("v2/oauth2/token/validate", token).document == {"active": False}
    assert app.auth("v2/oauth2/token/validate", token | {"token": tokens[AUTH]["refresh_token"]}).document \
        == {"active": False}


# Bearer tokens

def test_groups_takes_only_a_live_token_made_for_it(app):
    tokens = app.login()
    assert app.my_groups(tokens[GROUPS]["access_token"]).status == 200
    assert app.my_groups(None).document["code"] == "AUTHENTICATION_ERROR"
    assert app.my_groups("Agnonsense").document["code"] == "INVALID_TOKEN"
    assert app.my_groups(tokens[AUTH]["access_token"]).document["code"] == "INVALID_TOKEN"
    app.globus.expire_access_tokens()
    answer = app.my_groups(tokens[GROUPS]["access_token"])
    assert (answer.status, answer.document["code"]) == (401, "INVALID_TOKEN")
    assert app.my_groups(app.refresh(tokens[GROUPS]["refresh_token"]).document["access_token"]).status == 200


def test_revoked_access_token_is_refused_but_the_login_lives(app):
    tokens = app.login()[GROUPS]
    app.globus.revoke_access_tokens(user=app.globus.ben)
    assert app.my_groups(tokens["access_token"]).status == 200
    app.globus.revoke_access_tokens(user=app.globus.ada)
    assert app.my_groups(tokens["access_token"]).status == 401
    assert app.refresh(tokens["refresh_token"]).status == 200


def test_groups_takes_only_a_token_with_a_scope_that_suffices(app):
    bearer = app.login()[GROUPS]["access_token"]
    app.globus.ledger.access(bearer).grant.scopes = ["urn:globus:auth:scope:groups.api.globus.org:else"]
    answer = app.my_groups(bearer)
    assert answer.status == 403 and answer.document["provided_scopes"] == [
        "urn:globus:auth:scope:groups.api.globus.org:else"]


def test_lifetime_is_real(app):
    app.globus.knobs.lifetime = 0
    assert app.my_groups(app.login()[GROUPS]["access_token"]).status == 401


def test_userinfo_tells_what_the_scopes_allow(app):
    tokens = app.login()
    answer = app.auth("v2/oauth2/userinfo", bearer=tokens[AUTH]["access_token"]).document
    assert answer["sub"] == app.globus.ada.sub and answer["email"] == "apark@ridgeway.example"
    assert "identity_set" not in answer
    assert app.auth("v2/oauth2/userinfo", bearer=tokens[GROUPS]["access_token"]).status == 401

    only_openid = app.login(user=app.globus.ben, scope="openid")[AUTH]["access_token"]
    assert app.auth("v2/oauth2/userinfo", bearer=only_openid).document == {"sub": app.globus.ben.sub}
    more = app.login(scope=f"openid {scopes.VIEW_IDENTITY_SET}")[AUTH]["access_token"]
    assert len(app.auth("v2/oauth2/userinfo", bearer=more).document["identity_set"]) == 2
    less = app.login(scope=scopes.VIEW_IDENTITY_SET)[AUTH]["access_token"]
    assert app.auth("v2/oauth2/userinfo", bearer=less).status == 403


def test_identities(app):
    bearer = app.login()[AUTH]["access_token"]
    answer = app.auth("v2/api/identities?usernames=bcole@lab.example,nobody@lab.example", bearer=bearer)
    assert [identity["id"] for identity in answer.document["identities"]] == [app.globus.ben.sub]
    assert app.auth("v2/api/identities", bearer=bearer).status == 400
    assert app.auth("v2/api/identities?ids=x").status == 401

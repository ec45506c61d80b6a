"""Scopes, and the resource server each belongs to."""

import re

AUTH = "auth.globus.org"
GROUPS = "groups.api.globus.org"

_URN = "urn:globus:auth:scope:"
VIEW_MY_GROUPS = f"{_URN}{GROUPS}:view_my_groups_and_memberships"
ALL_GROUPS = f"{_URN}{GROUPS}:all"
VIEW_IDENTITY_SET = f"{_URN}{AUTH}:view_identity_set"

_OPENID = {"openid", "email", "profile"}
_NAMED = {
    AUTH: {"manage_projects", "view_authentications", "view_clients", "view_clients_and_scopes",
           "view_consents", "view_identities", "view_identity_set"},
    GROUPS: {"all", "view_my_groups_and_memberships"},
    "transfer.api.globus.org": {"all", "gcp_install"},
    "search.api.globus.org": {"all", "globus_connect_server", "ingest", "search"},
    "nexus.api.globus.org": {"groups"},
}
_NICKNAMED = {
    "eec9b274-0c81-4334-bdc2-54e90e689b9a": "flows.globus.org",
    "facd7ccc-c5f4-42aa-916b-a0e270e2c2a9": "funcx_service",
}

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_URN_FORM = re.compile(rf"{_URN}([a-z0-9.-]+):(\w+)")
_URL_FORM = re.compile(rf"https://auth\.globus\.org/scopes/({_UUID})/(\w+)")
_MALFORMED = re.compile(r"(^|[\s\[*])\[|\[\s*\]|\*(\s|\*|\]|$)|\][^\s\]]")


class BadScope(ValueError):
    """What was asked for is not a scope that Globus knows, or not a list of scopes at all."""


def split(text: str) -> list[str]:
    """The top-level names of `a b[c *d[e]]`, each once, in order; what they depend on is not granted to us."""
    if _MALFORMED.search(text):
        raise BadScope(f"malformed scope: {text}")

    names, depth = [], 0
    for token in re.findall(r"\[|\]|[^\s\[\]]+", text):
        depth += (token == "[") - (token == "]")
        if depth < 0:
            raise BadScope(f"unbalanced brackets: {text}")
        if depth == 0 and token != "]":
            names.append(token.lstrip("*"))

    if depth or not names:
        raise BadScope(f"unbalanced or empty scope: {text}")
    return list(dict.fromkeys(names))


def resource_server(scope: str) -> str:
    if scope in _OPENID:
        return AUTH
    if match := _URN_FORM.fullmatch(scope):
        server, name = match.groups()
        if name in _NAMED.get(server, ()) or re.fullmatch(_UUID, server):
            return server
    if match := _URL_FORM.fullmatch(scope):
        return _NICKNAMED.get(match[1], match[1])
    raise BadScope(f"unknown scope: {scope}")


def by_resource_server(scopes: list[str]) -> dict[str, list[str]]:
    sorted_out: dict[str, list[str]] = {}
    for scope in scopes:
        sorted_out.setdefault(resource_server(scope), []).append(scope)
    return sorted_out

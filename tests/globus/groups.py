"""Globus Groups, as far as reading goes."""

import collections
import uuid

from . import scopes
from .state import Access
from .wire import Refusal, Reply, Request, groups_error, json_reply

STATUSES = ("active", "invited", "pending", "rejected", "removed", "left", "declined")
INCLUDES = ("memberships", "my_memberships", "policies", "allowed_actions", "child_ids")
ACTIONS = ("add", "change_role", "invite", "remove", "join", "request_join", "approve", "reject", "accept",
           "leave", "decline")


def my_groups(globus, request: Request) -> Reply:
    """GET /v2/groups/my_groups: groups in which some identity of the user has one of the statuses"""
    user = _caller(globus, request).grant.user
    statuses = request.query_list("statuses") or ["active"]
    if unknown := set(statuses) - set(STATUSES):
        raise Refusal(groups_error(422, "UNPROCESSABLE_ENTITY", f"Unknown: {', '.join(sorted(unknown))}"))

    listed = [group for group in user.groups if _statuses(group) & set(statuses)]
    if globus.knobs.duplicate_memberships:
        listed = [group | {"my_memberships": group["my_memberships"] * 2} for group in listed]
    return json_reply(listed)


def group(globus, request: Request) -> Reply:
    """GET /v2/groups/{id}"""
    user = _caller(globus, request).grant.user
    group_id = _group_id(request)
    include = request.query_list("include")
    if unknown := set(include) - set(INCLUDES):
        raise Refusal(_invalid(["query", "include"], f"unexpected value: {', '.join(sorted(unknown))}"))

    mine = next((group for group in user.groups if group["id"] == group_id), None)
    known = mine or next((group for group in _all_groups(globus) if group["id"] == group_id), None)
    if not known or not _visible(known, mine):
        raise Refusal(groups_error(404, "GROUP_NOT_FOUND", "No such group"))

    answer = {name: value for name, value in known.items() if name not in INCLUDES}
    answer |= {name: _INCLUDED[name](globus, known, mine) for name in include}
    return json_reply(answer)


def statuses(globus, request: Request) -> Reply:
    """GET /v2/groups/statuses: how many have which status, in groups that the caller manages"""
    user = _caller(globus, request).grant.user
    return json_reply({group["id"]: _count(globus, group) for group in user.groups if _managed(group)})


def _caller(globus, request: Request) -> Access:
    """The live token, made for Groups and with a scope that suffices, that the call was made with."""
    token = request.bearer()
    if not token:
        raise Refusal(groups_error(401, "AUTHENTICATION_ERROR", "A bearer token is required",
                                   authorization_parameters={}))
    access = globus.ledger.access(token)
    if not access or not access.active() or access.grant.resource_server != scopes.GROUPS:
        raise Refusal(groups_error(401, "INVALID_TOKEN", "Token is not active, or not meant for this service",
                                   authorization_parameters={}))
    if not {scopes.VIEW_MY_GROUPS, scopes.ALL_GROUPS} & set(access.grant.scopes):
        raise Refusal(groups_error(403, "FORBIDDEN", "The token lacks a scope",
                                   provided_scopes=access.grant.scopes))
    return access


def _group_id(request: Request) -> str:
    text = request.path.rpartition("/")[2]
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise Refusal(_invalid(["path", "group_id"], "value is not a valid uuid")) from None


def _invalid(place: list[str], message: str) -> Reply:
    """The one error whose `detail` is a list."""
    return json_reply({"detail": [{"loc": place, "msg": message, "type": "value_error"}]}, 422)


def _statuses(group: dict) -> set[str]:
    return {membership.get("status", "active") for membership in group.get("my_memberships") or ()}


def _visible(known: dict, mine: dict | None) -> bool:
    if known.get("policies", {}).get("group_visibility") == "authenticated":
        return True
    return mine is not None and bool(_statuses(mine) & {"active", "invited", "pending"})


def _managed(group: dict) -> bool:
    return any(membership["role"] in ("admin", "manager") and membership.get("status", "active") == "active"
               for membership in group.get("my_memberships") or ())


def _all_groups(globus) -> list[dict]:
    return [group for user in globus.ledger.users for group in user.groups]


def _members(globus, group: dict) -> list[dict]:
    return [membership for other in _all_groups(globus) if other["id"] == group["id"]
            for membership in other.get("my_memberships") or ()]


def _count(globus, group: dict) -> dict[str, int]:
    counted = collections.Counter(membership.get("status", "active") for membership in _members(globus, group))
    return {status: counted[status] for status in STATUSES}


_INCLUDED = {
    "memberships": lambda globus, known, mine: _members(globus, known),
    "my_memberships": lambda globus, known, mine: mine["my_memberships"] if mine else [],
    "policies": lambda globus, known, mine: known.get("policies"),
    "allowed_actions": lambda globus, known, mine: {action: [] for action in ACTIONS},
    "child_ids": lambda globus, known, mine: [
        group["id"] for group in _all_groups(globus) if group.get("parent_id") == known["id"]],
}

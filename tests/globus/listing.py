"""Groups as Globus sends them, made to order."""

import itertools

from .state import User, stable_uuid

NASTY_NAMES = {
    "quotes": 'Beamline 7 "night" crew',
    "only a quote": '"',
    "commas": "Smith, Jones, and Co",
    "apostrophe": "Ada's lab",
    "newline": "first line\nsecond line",
    "carriage return": "first\r\nsecond\rthird",
    "tab": "left\tright",
    "right to left": "\u0645\u062c\u0645\u0648\u0639\u0629 \u0627\u0644\u0628\u062d\u062b",
    "direction override": "safe\u202egnp.exe",
    "four bytes": "Cats \U0001f408\u200d\u2b1b and \U00020bb7",
    "combining": "Cafe\u0301",
    "terminal escape": "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "control one": "\u009b31mred",
    "delete": "a\x7fb",
    "nul": "before\u0000after",
    "lone surrogate": "half \ud83d a cat",
    "backslashes": "C:\\temp\\u0041",
    "markup": "<script>alert('&amp;')</script>",
    "formula": "=HYPERLINK(\"https://example.invalid\")",
    "line separator": "one\u2028two\u0085three",
    "byte order mark": "\ufeffstart",
    "percent": "100 %s %n %d",
    "blanks": "  padded  ",
    "empty": "",
    "long": "x" * 10000,
}

ROLES = ("member", "manager", "admin")


def membership(group_id: str, identity: dict, role: str = "member", status: str | None = "active") -> dict:
    """`status` None leaves it out."""
    made = {
        "group_id": group_id, "identity_id": identity["sub"], "username": identity["username"], "role": role}
    return made if status is None else made | {"status": status}


def group(name: str, memberships: list[dict], group_id: str, **members: object) -> dict:
    """`members` replaces or adds any member of the document."""
    return {
        "id": group_id, "name": name, "description": None, "parent_id": None, "group_type": "regular",
        "enforce_session": False, "session_limit": 28800, "session_timeouts": {},
        "my_memberships": memberships,
        "policies": {
            "is_high_assurance": False, "authentication_assurance_timeout": None, "group_visibility": "private",
            "group_members_visibility": "managers", "join_requests": False, "signup_fields": []},
        "subscription_id": None, "subscription_info": None, "subscription_admin_verified_id": None} | members


def group_of(user: User, name: str, roles: tuple[str, ...] = ("member",), status: str | None = "active",
             **members: object) -> dict:
    """One in which the user's identities, in their order, have these roles."""
    group_id = str(members.pop("id", None) or stable_uuid(f"{user.username} {name!r} {len(user.groups)}"))
    memberships = [membership(group_id, identity, role, status)
                   for identity, role in zip(user.identity_set, roles)]
    return group(name, memberships, group_id, **members)


def numbered(user: User, count: int) -> list[dict]:
    """Every third with a description, every second one the child of the one before, every role in turn."""
    made: list[dict] = []
    for number, role in zip(range(count), itertools.cycle(ROLES)):
        name = f"Group {number:05}"
        made.append(group_of(
            user, name, (role,),
            id=stable_uuid(f"{user.username} {name}"),
            description=f"What {name} is for" if number % 3 == 0 else None,
            parent_id=made[-1]["id"] if number % 2 else None))
    return made


def everyday(user: User) -> list[dict]:
    """What a scientist's listing looks like."""
    return [
        group_of(user, 'Beamline 7 "night" crew', ("member", "manager"),
                 id="5e0c1c1e-0f5c-4f7e-9a43-2a8f9c1b7d10"),
        group_of(user, "Ridgeway Physics", ("admin",), description="Staff and students, all years"),
        group_of(user, "Protein folding, spring campaign", description="Allocation ends in May"),
        group_of(user, "Data stewards", status="invited")]

"""What the fuzzers begin with: an input or two of each kind, laid out as the fuzzer says, and their words."""

import json
import pathlib
import re
import struct

PART = b"\xff"
CLIENT = "f1b7c0de-5a11-4c3a-9f7e-0a1b2c3d4e5f"
SUB = "3c1f9a52-7d0e-4b6e-9a33-5f2b6c0d1e77"
USERNAME = "apark@ridgeway.example"
ACCESS_TOKEN = "Ag0standin0access0token0for0tests"
KEY = b"0123456789abcdef0123456789abcdef"
SITE = {"environment": "production", "auth_url": "https://auth.globus.org/",
        "groups_url": "https://groups.api.globus.org/", "client_id": CLIENT}
SESSION = {"session_message": "Log in with MFA", "session_required_identities": [SUB, USERNAME],
           "session_required_single_domain": ["ridgeway.example"], "session_required_policies": [SUB],
           "session_required_mfa": True, "prompt": "login"}


def text(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def counted(data: bytes) -> bytes:
    return bytes([len(data)]) + data


def frames() -> list[bytes]:
    limit = bytes([4])
    return [limit + counted(b"\x80") + b"one\0two\0\0half",
            limit + counted(bytes([1, 0, 5, 2, 200])) + b"a message that is longer than the limit allows\0"]


def jsons() -> list[bytes]:
    nested = b"[" * 32 + b"{}" + b"]" * 32
    return [b"\0" + text({"a": [None, True, -0.5, "\u00e9\\n\n"], "b": {"c": {}}}) + b"\n", b"\0 -1.5e+3",
            b'\1{"a":"\\u0000\\ud83d \\ud83d\\udc08\\udc08"}', b"\0" + nested[1:-1],
            b'\2// one\n{"a": /* two */ "// none"}', b"\2" + nested]


def messages() -> list[bytes]:
    """In the order of the methods of the fuzzer."""
    origin = {"profile": "default", "environment": "production"}
    parameters = [
        ("GetToken", origin | {"resource": "groups", "scopes": ["openid"], "min_valid": 60, "refresh": True,
                               "timeout": 60}),
        ("ListGroups", origin | {"statuses": ["active", "invited"], "max_age": 60}),
        ("GetIdentity", origin),
        ("StartLogin", origin | SESSION | {"scopes": ["a[b *c]"], "client_id": CLIENT, "redirects": ["paste"],
                                           "refresh_tokens": False, "force": True, "auth_url": SITE["auth_url"],
                                           "groups_url": SITE["groups_url"]}),
        ("FinishLogin", {"login_id": "1", "code": "c0de"}),
        ("CancelLogin", {"login_id": "1"}),
        ("Logout", {"profile": "default", "all": True})]
    calls = [bytes([i]) + text({"method": f"org.globus.Agent.{name}", "oneway": i == 1, "more": i == 2,
                                "parameters": given})
             for i, (name, given) in enumerate(parameters)]
    calls.append(bytes([9]) + text({"method": "org.varlink.service.GetInterfaceDescription",
                                    "parameters": {"interface": "org.globus.Agent"}}))
    keys = [("Lock", {"passphrase": "pass", "force": True}), ("Unlock", {"passphrase": "pass"}),
            ("SetKey", {"protector": "passphrase", "passphrase": "pass", "force": False})]
    calls += [bytes([i]) + text({"method": f"org.globus.Agent.{name}", "parameters": given})
              for i, (name, given) in enumerate(keys, 10)]
    return calls + [b"\x80" + text({"error": name, "parameters": given}) for name, given in errors()]


def errors() -> list[tuple[str, dict]]:
    agent, service = "org.globus.Agent.", "org.varlink.service."
    return [
        (agent + "LoginNeeded", SESSION | {"message": "Log in", "reason": "session", "profile": "default",
                                           "resource_server": "auth.globus.org", "required_scopes": ["a"]}),
        (agent + "Unavailable", {"message": "Globus is away", "retry_at": 1700000000}),
        (agent + "ShortValidity", {"message": "Too short", "expires_in": 30}),
        (agent + "LoginFailed", {"message": "No", "error": "invalid_grant", "error_description": "Used"}),
        (agent + "Busy", {"message": "Busy"}),
        (service + "MethodNotFound", {"method": "org.globus.Agent.Dance"}),
        (service + "InvalidParameter", {"parameter": "scopes"}),
        (service + "PermissionDenied", {}),
        ("org.example.Unknown", {"a": [None, 1.5e3]})]


def token_replies() -> list[bytes]:
    entry = {"access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 172800,
             "resource_server": "auth.globus.org", "scope": "openid profile email", "refresh_token": "Ag1"}
    other = entry | {"resource_server": "groups.api.globus.org", "scope": "a[b *c]", "expires_in": "60"}
    claims = {"sub": SUB, "preferred_username": USERNAME, "name": "Ada Park", "email": USERNAME,
              "organization": "Ridgeway University", "iss": "https://auth.globus.org", "aud": CLIENT,
              "exp": 1700172800, "at_hash": "1OwCzkbV5gJCSYRe6fcNT7ZqU7BwAw-OuyQRjH4mjcA",
              "identity_set": [{"sub": SUB, "username": USERNAME}, {"sub": CLIENT, "username": "b"}]}
    several = claims | {"aud": [CLIENT, "b"], "azp": CLIENT, "exp": 1.7001728e9}
    demand = {"code": "ConsentRequired", "detail": "Give it",
              "authorization_parameters": SESSION | {"required_scopes": ["a[b *c]", "d"]}}
    return [bytes([0, 0]) + text(entry | {"other_tokens": [other]}),
            bytes([0, 0x80]) + text({"alg": "RS512", "typ": "JWT"}) + PART + text(claims),
            bytes([0, 0x80]) + text({"alg": "RS256"}) + PART + text(several),
            bytes([0, 0]) + text(entry | {"expires_in": -1}),
            bytes([0, 0]) + text(entry | {"other_tokens": [entry]}),
            bytes([1, 0]) + text({"error": "invalid_grant", "error_description": "It was used"}),
            bytes([3, 0]) + text({"error": "invalid_grant", "error_description": "A\x7f\u009bB"}),
            bytes([2, 1]) + text({"error": "invalid_client", "errors": [{"title": "t", "detail": "d"}]}),
            bytes([3, 0]) + text(demand),
            bytes([3, 0]) + text({"authorization_parameters": {"session_required_policies": "a, b"}}),
            bytes([3, 0]) + text({"code": "ConsentRequired", "required_scopes": ["a"],
                                  "detail": [{"msg": "m"}]}),
            bytes([3, 0]) + text({"errors": [{"code": "ConsentRequired", "required_scope": "a"}]}),
            bytes([3, 0]) + text({"code": "DEPENDENT_CONSENT_REQUIRED", "unapproved_scopes": ["a"]}),
            bytes([7, 2]) + b"<html>"]


def group_replies() -> list[bytes]:
    member = {"identity_id": SUB, "username": USERNAME, "role": "member", "status": "active"}
    group = {"id": "5e0c", "name": 'Beamline 7 "night" crew \u00e9', "description": None, "parent_id": "77",
             "group_type": "regular", "session_limit": 28800, "policies": {"signup_fields": []},
             "my_memberships": [member, member | {"role": "manager"}, member | {"status": "invited"}]}
    return [counted(bytes([1, 7, 64])) + text([group, {"id": "77", "name": "]}[{\\", "group_type": "plus"}]),
            counted(b"\x03") + b'[ {"id":"1","name":"\\u0000\\ud83d c\\ud83d\\udc08"}\r\n]']


def record(uuid: int, server: str, payload: bytes, profile: str = "default") -> bytes:
    parts = [bytes([2 if server else 1]), bytes([uuid]) * 16, struct.pack(">Q", uuid)]
    parts += [struct.pack(">H", len(part)) + part for part in (profile.encode(), server.encode())]
    return b"".join(parts) + struct.pack(">I", len(payload)) + payload


def stores() -> list[bytes]:
    magic, scrypt = b"GLOBUSAG\0\1" + bytes(16), bytes([17, 8, 1]) + bytes(16)

    def header(protector: bytes, parameters: bytes, wrapped: int) -> bytes:
        lengths = [struct.pack(">H", length) for length in (len(parameters), wrapped)]
        return magic + counted(protector) + lengths[0] + parameters + lengths[1] + bytes(wrapped)

    locked = scrypt + counted(b"passphrase") + struct.pack(">H", len(scrypt)) + scrypt
    headers = [header(b"keyfile", b"", 60), header(b"passphrase", scrypt, 60), header(b"locked", locked, 88),
               header(b"plaintext", b"", 32), header(b"plaintext", b"p", 32), header(b"memory", b"", 32),
               header(b"systemd-creds", b"", 200)]
    body = record(1, "", b"{}") + record(2, "auth.globus.org", b"{}")
    again = record(3, "", b"[]") + record(4, "auth.globus.org", b"{}") + record(5, "", b"{}", "b")
    return [*(b"\0" + one + bytes(64) for one in headers), *(bytes([1, by]) + body for by in range(8)),
            *(bytes([2, by, 0, 0x3f]) + body for by in range(8)), b"\3" + counted(body) + again]


def vaults() -> list[bytes]:
    identity = {"sub": SUB, "username": USERNAME, "name": "Ada Park", "email": USERNAME, "organization": "R",
                "identities": [{"sub": SUB, "username": USERNAME}]}
    grant = SITE | {"resource_server": "auth.globus.org", "scopes": ["email", "openid"], "requested": ["a"],
                    "refresh_token": "Ag1", "refreshed_at": 1699999000, "used_at": 1699999000,
                    "access_token": "Ag0", "token_type": "Bearer", "obtained_at": 1699990000,
                    "expires_at": 1700162800}
    account = SITE | {"profile": "default", "identity": identity}
    return [text(account) + PART + text(grant | {"state": state}) for state in ("alive", "client_at_fault")]


def configs() -> list[bytes]:
    settings = SITE | {"ca_file": "/etc/passwd", "proxy": "http://u:p@proxy.example:3128", "http_timeout": 2.5}
    mine = b'// mine\n{"http_timeout": 1e1, /* none */ "proxy": ""}'
    stored = {"protector": "keyfile", "keep_unlocked": False, "policy": {"protectors": ["keyfile", "memory"]}}
    policies = [text({"policy": {"protectors": [name, "memory"]}}) for name in ("plaintext", "passphrase")]
    return [text(settings) + PART + mine, text(stored) + PART + policies[0], PART.join(policies),
            text(stored) + PART + text({"policy": {"protectors": ["passphrase"]}, "protector": "auto"}),
            b"systemd-creds, passphrase", text({"http_timeout": 86401}),
            text({"auth_url": "https://A.example:1//"}), b"socks5h://u:p@h:1", b"https://[::1]:8443/a/",
            b"60.5", CLIENT.encode(), b"staging"]


def key_files() -> list[bytes]:
    return [bytes([which]) + KEY for which in range(4)] + [b"\0" + KEY + b"\n", b"\3"]


SEEDS = {"frame": frames, "json": jsons, "message": messages, "token-reply": token_replies,
         "groups-reply": group_replies, "store": stores, "vault": vaults, "config": configs,
         "key-file": key_files}


def write(directory: pathlib.Path, name: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]()):
        (directory / f"seed-{number}").write_bytes(seed)


def dictionary(name: str) -> str:
    """What is put in place of other bytes: pieces of JSON, and each string of the seeds."""
    words = {word.decode() for seed in SEEDS[name]() for word in re.findall(rb'"[ -~]+?"', seed)}
    lines = [word.replace("\\", "\\\\").replace('"', '\\"') for word in sorted(words)]
    return pathlib.Path(__file__).with_name("json.dict").read_text() + "".join(f'"{line}"\n' for line in lines)

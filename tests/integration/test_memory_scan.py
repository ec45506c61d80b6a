"""No secret is left in memory after its use, and those that are kept lie where they are protected."""

import os

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

import memory

TUNABLES = {"GLIBC_TUNABLES": "glibc.malloc.perturb=90:glibc.malloc.tcache_count=0"}    # those of the unit

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="what is not dumpable can be looked at by root only"),
    pytest.mark.skipif(memory.SANITIZED, reason="the sanitizers keep what is freed")]


@pytest.fixture(params=[{}, TUNABLES], ids=["by itself", "as the unit runs it"])
def busy(stopped_agent, request):
    """After a day's work: logins, good and bad, refreshes that rotate, listings, tokens handed out and back."""
    agent = stopped_agent.start(env=request.param)
    agent.globus.knobs.rotate = True
    agent.login()
    agent.login("--service", "transfer")
    login = agent.start_login(profile="lab")
    agent.finish_login(login, "a-code-that-is-wrong")
    agent.finish_login(login, agent.globus.approve(login["authorize_url"], agent.globus.ben)).ok()
    agent.globus.revoke_access_tokens()
    agent.ctl("groups").ok()
    agent.ctl("-p", "lab", "groups", "--format", "csv").ok()
    agent.token("auth", "--refresh")
    agent.ctl("token", "auth", "--rejected", stdin=f"{agent.token('auth')}\n")
    agent.globus.faults.refresh.answer(400, body='{"error": "invalid_request"}', times=1)
    agent.ctl("-p", "lab", "token", "--refresh")
    agent.token("transfer", "--format", "json")
    with agent.connect() as program:
        for _ in range(100):
            program.call("GetToken", profile="lab")
    agent.wait_saved()
    return agent


def secrets(agent):
    """By kind."""
    ledger = agent.globus.ledger
    refresh = {token for grant in ledger.grants for token in {grant.refresh_token, *grant.retired}}
    access = {access.value for grant in ledger.grants for access in grant.access}
    verifiers = {request.form["code_verifier"] for request in agent.globus.log if "exchange" in request.names}
    kinds = {"a refresh token": refresh, "an access token": access, "a code": set(ledger.codes),
             "a verifier": verifiers}
    kinds["another secret"] = agent.globus.issued_secrets() - set().union(*kinds.values())
    found = {kind: [value.encode() for value in values if len(value) >= memory.PIECE]
             for kind, values in kinds.items()}
    return found | keys(agent.home)


def keys(home):
    """The key file, what is made of it, and what that opens; see daemon/model/store.h."""
    store, keyfile = home.store.read_bytes(), home.key.read_bytes()
    store_id = store[10:26]
    context = 27 + store[26]                        # behind the protector's name
    context += 2 + int.from_bytes(store[context:context + 2], "big")
    wrapped = store[context + 2:context + 2 + int.from_bytes(store[context:context + 2], "big")]
    info = f"globus-agent keyfile uid={os.geteuid()}".encode()
    wrapping = HKDF(hashes.SHA256(), 32, store_id, info).derive(keyfile)
    data = AESGCM(wrapping).decrypt(wrapped[:12], wrapped[12:], store[:context])
    return {"the key file": [keyfile], "the wrapping key": [wrapping], "the data key": [data]}


def say(hits):
    return "\n".join(map(str, hits))


def test_secrets_of_a_daemon_that_serves_are_in_the_arena(busy):
    hits = memory.scan(busy.pid, secrets(busy))
    assert {hit.what for hit in hits if hit.area.is_arena} >= {"a refresh token", "an access token"}
    assert not (strays := [hit for hit in hits if not hit.area.is_arena]), say(strays)


def test_nothing_is_left_after_a_logout(busy):
    known = secrets(busy)
    busy.ctl("logout", "--all").ok()
    busy.wait_saved()
    hits = memory.scan(busy.pid, known | secrets(busy))
    assert not hits, say(hits)


def test_arena_is_locked_and_guarded(busy):
    areas = memory.areas(busy.pid)
    arena = [i for i, area in enumerate(areas) if area.is_arena]
    assert arena and all("lo" in areas[i].flags for i in arena)
    for i in arena:
        before, after = areas[i - 1], areas[i + 1]
        assert before.end == areas[i].begin and before.access == "---p"
        assert after.begin == areas[i].end and after.access == "---p"

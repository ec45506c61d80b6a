"""The stand-in of Globus: its listings of groups, its misbehaviour on demand, and how it bears a crowd."""

import concurrent.futures
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from globus import GROUPS, NASTY_NAMES, TUTORIAL_CLIENT, Globus, Line, http_date
from globus.app import App
from globus.nameserver import Knowledge, NameServer
from globus.proxy import Manner, Proxy

PROGRAM = Path(__file__).resolve().parent.parent / "globus"


@pytest.fixture
def globus():
    with Globus() as stand_in:
        yield stand_in


@pytest.fixture
def app(globus):
    return App(globus)


def names(answer):
    return [group["name"] for group in answer.document]


def test_statuses_filter_groups(app):
    bearer = app.login()[GROUPS]["access_token"]
    assert len(names(app.my_groups(bearer))) == 3
    assert names(app.my_groups(bearer, "?statuses=invited")) == ["Data stewards"]
    assert len(names(app.my_groups(bearer, "?statuses=active%2Cinvited"))) == 4
    assert len(names(app.my_groups(bearer, "?statuses=active&statuses=invited"))) == 4
    assert app.my_groups(bearer, "?statuses=asleep").status == 422


def test_nasty_names_arrive_as_they_are(app):
    bearer = app.login()[GROUPS]["access_token"]
    app.globus.make_groups(names=NASTY_NAMES.values())
    answer = app.my_groups(bearer)
    assert names(answer) == list(NASTY_NAMES.values())
    assert b"before\\u0000after" in answer.body and b"half \\ud83d a cat" in answer.body
    assert "\U0001f408".encode() in answer.body
    assert len({group["id"] for group in answer.document}) == len(NASTY_NAMES)


@pytest.mark.parametrize("count", [0, 5000])
def test_any_number_of_groups(app, count):
    bearer = app.login()[GROUPS]["access_token"]
    app.globus.make_groups(count)
    assert len(names(app.my_groups(bearer))) == count


def test_memberships_may_be_listed_twice(app):
    bearer = app.login()[GROUPS]["access_token"]
    app.globus.knobs.duplicate_memberships = True
    assert len(app.my_groups(bearer).document[0]["my_memberships"]) == 4


def test_one_group_and_counts(app):
    bearer = app.login()[GROUPS]["access_token"]
    url = f"{app.globus.groups_url}v2/groups/"
    night = app.globus.ada.groups[0]["id"]
    answer = app.call(f"{url}{night}?include=my_memberships,policies", bearer=bearer).document
    assert len(answer["my_memberships"]) == 2 and answer["policies"]["group_visibility"] == "private"
    assert "my_memberships" not in app.call(f"{url}{night}", bearer=bearer).document
    assert app.call(f"{url}{app.globus.ben.groups[0]['id']}", bearer=bearer).status == 404
    assert isinstance(app.call(f"{url}nonsense", bearer=bearer).document["detail"], list)
    assert app.call(f"{url}statuses", bearer=bearer).document[night]["active"] == 2


# Faults

def test_canned_answers_queue_up_and_end(app):
    bearer = app.login()[GROUPS]["access_token"]
    soon = http_date(7)
    app.globus.faults.my_groups.answer(503, {"Retry-After": "7"}, b"busy", "text/plain", times=2)
    app.globus.faults.my_groups.answer(429, {"Retry-After": soon}, times=1)
    answers = [app.my_groups(bearer) for _ in range(4)]
    assert [answer.status for answer in answers] == [503, 503, 429, 200]
    assert answers[0].headers["Retry-After"] == "7" and answers[0].body == b"busy"
    assert answers[2].headers["Retry-After"] == soon
    assert app.globus.count("my_groups") == 4 and app.globus.count("my_groups", status=503) == 2


def test_refusals_of_groups(app):
    bearer = app.login()[GROUPS]["access_token"]
    app.globus.faults.my_groups.invalid_token()
    app.globus.faults.my_groups.requires(401, times=1, session_required_mfa=True)
    app.globus.faults.my_groups.requires(times=1, required_scopes=["urn:x"])
    first, second, third, last = (app.my_groups(bearer) for _ in range(4))
    assert (first.status, first.document["code"]) == (401, "INVALID_TOKEN")
    assert (second.status, second.document["authorization_parameters"]) == (401, {"session_required_mfa": True})
    assert (third.status, third.document["code"]) == (403, "ConsentRequired")
    assert last.status == 200


def test_bodies_go_wrong(app):
    bearer = app.login()[GROUPS]["access_token"]
    whole = app.my_groups(bearer).body
    fault = app.globus.faults.my_groups
    fault.truncate(times=1)
    fault.content_type("text/html", times=1)
    fault.chunked(100, times=1)
    fault.close_midbody(times=1)
    half = app.my_groups(bearer)
    assert half.body == whole[:len(whole) // 2] and half.headers["Content-Length"] == str(len(half.body))
    assert app.my_groups(bearer).headers["Content-Type"] == "text/html"
    chunked = app.my_groups(bearer)
    assert chunked.body == whole and chunked.headers["Transfer-Encoding"] == "chunked"
    with pytest.raises(http.client.IncompleteRead):
        app.my_groups(bearer)
    assert app.my_groups(bearer).body == whole


def test_lines_go_dead(app):
    bearer = app.login()[GROUPS]["access_token"]
    fault = app.globus.faults.my_groups
    fault.reset(times=1)
    with pytest.raises(ConnectionResetError):
        app.my_groups(bearer)
    for silence in fault.black_hole, fault.stall_midbody:
        silence(times=1)
        with pytest.raises(TimeoutError):
            app.my_groups(bearer, timeout=0.2)
    assert app.my_groups(bearer).status == 200


def test_head_comes_and_no_more(app):
    bearer = app.login()[GROUPS]["access_token"]
    app.globus.faults.my_groups.reset_after_head(times=1)
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        app.my_groups(bearer)
    app.globus.wait_for(lambda: app.globus.count("my_groups", status=200) == 1, 10)


def test_flood_is_as_long_as_said(app):
    app.globus.faults.my_groups.flood(b"[", b" 1,", 1 << 20)
    answer = app.my_groups("AgAny")
    assert answer.status == 200 and len(answer.body) == 1 << 20 and answer.body.startswith(b"[ 1, 1,")


LINES = {
    Line.REFUSED: "Connection refused", Line.SILENT: "timed out", Line.RESET: "reset by peer",
    Line.UNKNOWN_CA: "CERTIFICATE_VERIFY_FAILED", Line.OTHER_NAME: "is not valid for",
    Line.EXPIRED: "certificate has expired"}


@pytest.mark.parametrize("line", LINES, ids=str)
def test_line_to_both_hosts_fails_and_is_mended(app, line):
    bearer = app.login()[GROUPS]["access_token"]
    app.globus.fall(line)
    requests = len(app.globus.log)
    for ask in (lambda: app.my_groups(bearer, timeout=0.5),
                lambda: app.auth("jwk.json", timeout=0.5)):
        with pytest.raises((urllib.error.URLError, OSError), match=LINES[line]):
            ask()
    assert len(app.globus.log) == requests
    app.globus.mend()
    assert app.my_groups(bearer).status == 200 and app.auth("jwk.json").status == 200


def test_proxy_tunnels_when_it_likes(globus):
    proxy = Proxy()
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({"https": proxy.url}),
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=globus.ca_file)))
    url = f"{globus.auth_url}jwk.json"
    with opener.open(url, timeout=10) as answer:
        assert answer.status == 200
    assert proxy.targets == [urllib.parse.urlsplit(globus.auth_url).netloc]
    for manner, said in ((Manner.FORBID, "403"), (Manner.CHALLENGE, "407"), (Manner.SILENCE, "timed out")):
        proxy.behave(manner)
        with pytest.raises(OSError, match=said):
            opener.open(url, timeout=0.5)
    proxy.close()
    assert globus.count("jwk") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may use port 53")
def test_name_server_knows_one_address_or_none():
    server = NameServer.anywhere()
    question = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0\6globus\4test\0\0\1\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect((server.address, 53))
        client.settimeout(0.5)

        def ask():
            client.send(question)
            return client.recv(512)

        here = ask()
        assert here[:2] == question[:2] and here.endswith(b"\x7f\0\0\1")
        server.knowledge = Knowledge.NO_SUCH_NAME
        assert ask()[3] & 15 == 3
        server.knowledge = Knowledge.SILENCE
        with pytest.raises(TimeoutError):
            ask()
    server.close()


def test_answer_lost_on_the_way_has_happened_at_globus(app):
    app.globus.knobs.rotate = True
    tokens = app.login()[GROUPS]
    app.globus.faults.refresh.close_midbody(times=1)
    with pytest.raises(http.client.IncompleteRead):
        app.refresh(tokens["refresh_token"])
    assert app.refresh(tokens["refresh_token"]).document == {"error": "invalid_grant"}


def test_held_requests_are_counted_and_wait(app):
    tokens = app.login()[GROUPS]
    app.globus.faults.refresh.hold()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answer = pool.submit(app.refresh, tokens["refresh_token"])
        app.globus.wait_for(lambda: app.globus.faults.refresh.held == 1, 10)
        assert app.globus.count("refresh") == 1 and not answer.done()
        assert app.my_groups(tokens["access_token"]).status == 200
        app.globus.faults.refresh.release()
        assert answer.result(10).status == 200


def test_delayed_answers_take_their_time(app):
    tokens = app.login()[GROUPS]
    app.globus.faults.refresh.delay(0.2)
    begun = time.monotonic()
    assert app.refresh(tokens["refresh_token"]).status == 200
    assert time.monotonic() - begun >= 0.2


def test_exchange_refresh_and_token_are_told_apart(app):
    app.globus.faults.refresh.answer(500, times=1)
    tokens = app.login()[GROUPS]
    app.globus.faults.token.answer(502, times=2)
    assert [app.refresh(tokens["refresh_token"]).status for _ in range(3)] == [500, 502, 502]
    assert (app.globus.count("exchange"), app.globus.count("refresh"), app.globus.count("token")) == (1, 3, 4)
    assert app.globus.count("token", grant="refresh_token") == 3


# The server

def test_wait_gives_up(globus):
    with pytest.raises(TimeoutError):
        globus.wait_for(lambda: globus.count("token") == 1, 0.01)


def test_secrets_are_known(app):
    code = app.globus.approve(app.authorize_url())
    document = app.exchange(code).document
    assert {code, app.verifier, document["access_token"], document["refresh_token"],
            document["other_tokens"][0]["refresh_token"]} <= app.globus.issued_secrets()


def test_unknown_places(app):
    assert app.auth("v2/nowhere").document["errors"][0]["code"] == "NOT_FOUND"
    assert app.auth("v2/oauth2/token").status == 405
    assert app.call(f"{app.globus.groups_url}v2/oauth2/token", {}).status == 404


def test_connections_are_kept_alive(globus):
    address = urllib.parse.urlsplit(globus.auth_url)
    connection = http.client.HTTPSConnection(
        "localhost", address.port, context=ssl.create_default_context(cafile=globus.ca_file))
    for _ in range(3):
        connection.request("GET", "/jwk.json")
        connection.getresponse().read()
        here = connection.sock.getsockname()
    assert connection.sock.getsockname() == here
    connection.close()


def test_certificate_is_of_this_run_only(globus):
    with Globus() as other:
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.build_opener(
                urllib.request.ProxyHandler({}),
                urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=other.ca_file))
            ).open(globus.auth_url, timeout=10)


def test_three_hundred_at_once(app):
    bearer = app.login()[GROUPS]["access_token"]
    together = threading.Barrier(300)

    def one():
        together.wait(60)
        return app.my_groups(bearer, timeout=60).status

    with concurrent.futures.ThreadPoolExecutor(300) as pool:
        assert [future.result() for future in [pool.submit(one) for _ in range(300)]] == [200] * 300
    assert app.globus.count("my_groups") == 300


def test_bug_of_the_stand_in_is_no_fault_of_globus():
    stand_in = Globus()
    stand_in.ada.groups = [None]
    app = App(stand_in)
    assert app.my_groups(app.login()[GROUPS]["access_token"]).status == 500
    with pytest.raises(RuntimeError, match="the stand-in itself failed"):
        stand_in.close()


def test_program(tmp_path):
    ready_file = tmp_path / "ready"
    serve = [sys.executable, PROGRAM, "--ready-file", ready_file]
    with subprocess.Popen(serve, stdout=subprocess.PIPE) as program:
        try:
            ready = json.loads(program.stdout.readline())
            url = (f"{ready['auth_url']}v2/oauth2/authorize?client_id={TUTORIAL_CLIENT}&scope=openid&state=x"
                   f"&redirect_uri={urllib.parse.quote(ready['auth_url'], safe='')}v2%2Fweb%2Fauth-code"
                   f"&response_type=code&code_challenge={'a' * 43}&code_challenge_method=S256")
            approve = [sys.executable, PROGRAM, "approve", url, "--ca", ready["ca_file"]]
            assert len(subprocess.run(approve, check=True, capture_output=True, text=True).stdout.strip()) == 30
            denied = subprocess.run([*approve, "--deny"], capture_output=True, text=True)
            assert denied.returncode == 1 and "access_denied" in denied.stderr and not denied.stdout
        finally:
            program.send_signal(signal.SIGTERM)
    assert program.returncode == 0 and not Path(ready["ca_file"]).exists()
    assert json.loads(ready_file.read_text()) == ready

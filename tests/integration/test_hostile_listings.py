"""Large listings for a crowd that does not read them, and as many as can be asked for."""

import itertools
import json

import pytest

from harness import PATIENCE
from neighbours import (AGENT, MIB, assert_recovered, crowd, descriptors, is_sanitized, memory,
                        served_meanwhile)
from varlink import VarlinkError, message

ANEW = message(f"{AGENT}.ListGroups", {"max_age": 0})


def listing_of(size):
    """About so many bytes, as Globus Groups tells them."""
    group = {"id": "5e0c1c1e-0f5c-4f7e-9a43-2a8f9c1b7d10", "name": "n" * 5000, "group_type": "regular",
             "my_memberships": []}
    return json.dumps([group] * (size // 5100))


def read_reply(connection, parts=1 << 20):
    connection.settimeout(PATIENCE)
    reply = bytearray()
    while not reply.endswith(b"\0"):
        data = connection.recv(parts)
        assert data
        reply += data
    return json.loads(reply[:-1])["parameters"]["groups"]


# Who does not read

@pytest.mark.parametrize("size", [300, 1000])
def test_crowd_that_asks_for_a_large_listing_and_does_not_read_it(ada, size):
    """It is in memory once, whoever reads it gets it whole, and others do not notice."""
    before, memory_before = descriptors(ada), memory(ada)
    ada.globus.faults.my_groups.answer(200, body=listing_of(12 * MIB))
    ada.globus.faults.my_groups.hold()
    with served_meanwhile(ada), crowd(ada, size, ANEW) as readers:
        ada.wait_for(lambda status: status["connections"] == size + 2)
        ada.globus.faults.my_groups.release()
        assert len(read_reply(readers[0])) == len(read_reply(readers[-1])) == 12 * MIB // 5100
        assert ada.status["connections"] == size + 2
        assert ada.globus.count("my_groups") == 1
        assert is_sanitized(ada) or memory(ada) - memory_before < 64 * MIB
        assert len(read_reply(readers[size // 2])) == 12 * MIB // 5100
    assert_recovered(ada, before)


def test_slow_readers_of_ever_new_listings(ada):
    """Each is another one in memory: beyond 64 MiB who has not read for the longest is closed."""
    before, memory_before = descriptors(ada), memory(ada)
    ada.globus.faults.my_groups.answer(200, body=listing_of(12 * MIB))
    with served_meanwhile(ada), crowd(ada, 12) as readers:
        for connection in readers:
            connection.sendall(ANEW)
            connection.settimeout(PATIENCE)
            assert connection.recv(1)
        closed = [is_closed_in_mid_reply(connection) for connection in readers]
        assert closed == [True] * 7 + [False] * 5
        assert is_sanitized(ada) or memory(ada) - memory_before < (64 + 64) * MIB
        with ada.connect() as program:
            assert len(program.call("ListGroups")["groups"]) == 12 * MIB // 5100
    assert_recovered(ada, before)
    assert "closing who reads slowest" in ada.log


def is_closed_in_mid_reply(connection):
    """Nothing is behind what the socket holds."""
    connection.settimeout(0.5)
    try:
        for _ in range(8):
            if not connection.recv(65536):
                return True
    except ConnectionResetError:
        return True
    except TimeoutError:
        pass
    return False


def test_many_large_listings_are_not_kept(ada):
    """Those that nobody has used for the longest go: 64 MiB are kept, of 126."""
    statuses = ("active", "invited", "pending", "rejected", "removed", "left", "declined")
    ada.globus.faults.my_groups.answer(200, body=listing_of(6 * MIB))
    kinds = list(itertools.combinations(statuses, 2))
    with served_meanwhile(ada), ada.connect() as program:
        before = memory(ada, "VmRSS")
        for kind in kinds:
            program.send(f"{AGENT}.ListGroups", {"statuses": kind})
            program.receive_bytes()
        assert ada.globus.count("my_groups") == len(kinds) == 21
        assert is_sanitized(ada) or memory(ada, "VmRSS") - before < (64 + 44) * MIB
        program.send(f"{AGENT}.ListGroups", {"statuses": kinds[-1]})
        program.receive_bytes()
        assert ada.globus.count("my_groups") == 21
        program.send(f"{AGENT}.ListGroups", {"statuses": kinds[0]})
        program.receive_bytes()
        assert ada.globus.count("my_groups") == 22


# Who asks for much at once

def test_only_so_many_questions_are_under_way(ada):
    """The next one is told to come again, and those that wait are answered."""
    ada.globus.faults.my_groups.hold()
    statuses = ("active", "invited", "pending", "rejected", "removed", "left", "declined")
    kinds = [kind for size in range(1, 8) for kind in itertools.combinations(statuses, size)]
    calls = [message(f"{AGENT}.ListGroups", {"statuses": kind, "max_age": 0}) for kind in kinds[:64]]
    with served_meanwhile(ada), crowd(ada, 64, *calls) as waiting, ada.connect() as program:
        ada.wait_for(lambda status: status["connections"] == 67)
        busy = busy_error(program, kinds[64])
        assert busy.short == "Busy"
        ada.globus.faults.clear()
        for connection in waiting:
            assert isinstance(read_reply(connection), list)
        program.call("ListGroups", statuses=kinds[64])


def busy_error(program, kind):
    try:
        program.call("ListGroups", statuses=kind, max_age=0)
    except VarlinkError as error:
        return error
    raise AssertionError("one more was let through")

"""A client that keeps its connection and pipelines; not one of ours. Prints its answers, one a line."""

import json
import os
import socket
import time

SECONDS = 3
CALL = b'{"method": "org.globus.Agent.GetToken", "parameters": {"resource": "groups"}}' + b"\0"
PIPELINED = 3


def answers(connection):
    """As long as there are any."""
    data = b""
    while True:
        connection.sendall(CALL * PIPELINED)
        for _ in range(PIPELINED):
            while b"\0" not in data:
                received = connection.recv(65536)
                if not received:
                    return
                data += received
            message, _, data = data.partition(b"\0")
            yield json.loads(message)
        assert not data, "an answer that nobody asked for"
        time.sleep(0.002)       # others want to be served, too


def word(answer):
    if "error" in answer:
        return answer["error"].removeprefix("org.globus.Agent.")
    return answer["parameters"]["access_token"]


def main():
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(os.environ["XDG_RUNTIME_DIR"] + "/globus-agent/socket")
            try:
                for answer in answers(connection):
                    print(word(answer))
                    if time.monotonic() >= end:
                        return
            except (ConnectionResetError, BrokenPipeError):
                pass
        print("closed")


main()

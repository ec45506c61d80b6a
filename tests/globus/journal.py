"""Every request that arrived, in order, for anyone to count and to wait for."""

import threading
from collections.abc import Callable

from .wire import Request


class Journal:
    """Thread-safe. `changed` is notified at every arrival and every answer, when a request is kept waiting, and
    when a connection ends."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._requests: list[Request] = []

    def arrived(self, request: Request) -> None:
        with self.changed:
            self._requests.append(request)
            self.changed.notify_all()

    def answered(self, request: Request, status: int) -> None:
        with self.changed:
            request.status = status
            self.changed.notify_all()

    def stir(self) -> None:
        """Something changed that others watch."""
        with self.changed:
            self.changed.notify_all()

    def requests(self) -> list[Request]:
        with self.changed:
            return list(self._requests)

    def count(self, name: str, *, grant: str | None = None, status: int | None = None) -> int:
        return sum(name in request.names
                   and (grant is None or request.form.get("grant_type") == grant)
                   and (status is None or request.status == status)
                   for request in self.requests())

    def wait_for(self, predicate: Callable[[], bool], seconds: float) -> bool:
        with self.changed:
            if not self.changed.wait_for(predicate, seconds):
                raise TimeoutError(f"nothing like that within {seconds} s; requests so far: "
                                   f"{[request.names[0] for request in self._requests]}")
        return True

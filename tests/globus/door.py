"""A listening socket that can be shut, and opened again at the same address."""

import socket
import socketserver
import threading


class Door(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Each connection has its own thread, so that none waits for another."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def __init__(self, port: int, handler: type[socketserver.BaseRequestHandler]):
        self.accepted = 0                   # connections so far
        self._open = threading.Event()
        self._open.set()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        with socket.socket() as holder:     # shutdown() would let go of a port that the kernel chose
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.bind(("127.0.0.1", port))
            self.port = holder.getsockname()[1]
            super().__init__(("127.0.0.1", self.port), handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def shut(self) -> None:
        """Nobody gets in: connections are refused. The address stays ours."""
        self._open.clear()
        self.socket.shutdown(socket.SHUT_RDWR)

    def open(self) -> None:
        if not self._open.is_set():
            self.socket.listen(self.request_queue_size)
            self._open.set()

    @property
    def connections(self) -> int:
        """Open now."""
        with self._lock:
            return len(self._connections)

    def hang_up(self) -> None:
        """On everybody."""
        with self._lock:
            for connection in self._connections:
                _hang_up(connection)

    def close(self) -> None:
        self.open()
        self.socket.shutdown(socket.SHUT_RDWR)      # wakes the thread, which looks up only every half second
        self.shutdown()
        self.server_close()
        self.hang_up()

    def service_actions(self) -> None:
        self._open.wait()

    def process_request(self, request, client_address) -> None:
        with self._lock:
            self.accepted += 1
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)


def _hang_up(connection: socket.socket) -> None:
    try:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        pass                                # it is gone already

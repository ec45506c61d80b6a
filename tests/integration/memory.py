"""The memory of a process, as root sees it, and the secrets that lie in it."""

import dataclasses
import pathlib
import re

from harness import DAEMON

SANITIZED = DAEMON.exists() and b"__asan_init" in DAEMON.read_bytes()   # keeps what is freed
PIECE = 12                                  # bytes of a secret: a shorter run may be there by chance
ARENA = {"dd", "wf"}                        # flags of proto/secret.c: in no dump, wiped in a forked child
DROPPABLE = "dp"                            # the state of getrandom() in user space, which is that, too
TEXT = re.compile(rb"[A-Za-z0-9_.~-]{%d,}" % PIECE)

_AREA = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)$")


@dataclasses.dataclass
class Area:
    """One mapping. `flags` are the VmFlags of proc(5)."""

    begin: int
    end: int
    access: str
    name: str
    flags: set[str]

    @property
    def is_arena(self) -> bool:
        return ARENA <= self.flags and DROPPABLE not in self.flags


@dataclasses.dataclass
class Hit:
    """A piece of a secret. Printed, it tells where, and nothing of what."""

    what: str
    area: Area
    address: int
    length: int

    def __str__(self) -> str:
        where = self.area.name or ("the arena" if self.area.is_arena else "unnamed memory")
        return f"{self.length} bytes of {self.what} at {self.address:#x}, in {where} ({self.area.access})"


def areas(pid: int) -> list[Area]:
    """All of them, guard pages, too."""
    found = []
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if head := _AREA.match(line):
            found.append(Area(int(head[1], 16), int(head[2], 16), head[3], head[4], set()))
        elif line.startswith("VmFlags:"):
            found[-1].flags |= set(line.split()[1:])
    return found


def contents(pid: int):
    """Every area that can be read, with its bytes."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for area in areas(pid):
            if area.access.startswith("r") and not area.name.startswith("[v"):    # those are the kernel's
                memory.seek(area.begin)
                yield area, memory.read(area.end - area.begin)


def scan(pid: int, secrets: dict[str, list[bytes]]) -> list[Hit]:
    """Where any piece of any of the secrets lies. They are named by their kind."""
    texts = {piece: kind for kind, values in secrets.items() for value in values if TEXT.fullmatch(value)
             for piece in _pieces(value)}
    others = {piece: kind for kind, values in secrets.items() for value in values if not TEXT.fullmatch(value)
              for piece in _pieces(value)}
    hits = []
    for area, content in contents(pid):
        found = [(match.start() + i, kind) for match in TEXT.finditer(content)
                 for i in range(len(match[0]) - PIECE + 1)
                 if (kind := texts.get(match[0][i:i + PIECE]))]
        found += [(match.start(), kind) for piece, kind in others.items()
                  for match in re.finditer(re.escape(piece), content)]
        hits += _runs(area, sorted(found))
    return hits


def _pieces(secret: bytes) -> list[bytes]:
    return [secret[i:i + PIECE] for i in range(len(secret) - PIECE + 1)]


def _runs(area: Area, found: list[tuple[int, str]]) -> list[Hit]:
    """Pieces that overlap are one hit."""
    hits = []
    for offset, kind in found:
        address = area.begin + offset
        last = hits[-1] if hits else None
        if last and last.what == kind and address < last.address + last.length:
            last.length = address + PIECE - last.address
        else:
            hits.append(Hit(kind, area, address, PIECE))
    return hits

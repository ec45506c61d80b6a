"""Tries what a process may be kept from, and prints as JSON what came of it: null, or the error's name."""

import ctypes
import errno
import json
import mmap
import os
import resource
import socket
import stat
import tempfile

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mprotect.argtypes = LIBC.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
CLONE_NEWUSER = 0x10000000
PER_LINUX32 = 8
PTRACE_TRACEME = 0
PR_GET_NO_NEW_PRIVS = 39


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")


def make_executable():
    memory = mmap.mmap(-1, mmap.PAGESIZE)
    check(LIBC.mprotect(ctypes.addressof(ctypes.c_char.from_buffer(memory)), mmap.PAGESIZE,
                        mmap.PROT_READ | mmap.PROT_EXEC))


def set_user_id_bit():
    with tempfile.NamedTemporaryFile(dir=os.environ["HOME"]) as file:
        os.chmod(file.name, 0o700 | stat.S_ISUID)


ATTEMPTS = {
    "writable and executable": lambda: mmap.mmap(-1, 1, prot=mmap.PROT_WRITE | mmap.PROT_EXEC).close(),
    "made executable": make_executable,
    "set-user-ID": set_user_id_bit,
    "namespace": lambda: check(LIBC.unshare(CLONE_NEWUSER)),
    "personality": lambda: check(LIBC.personality(PER_LINUX32)),
    "trace": lambda: check(LIBC.ptrace(PTRACE_TRACEME, 0, 0, 0)),
    **{name: lambda family=family, kind=kind: socket.socket(family, kind).close() for name, family, kind in (
        ("unix", socket.AF_UNIX, socket.SOCK_STREAM), ("inet", socket.AF_INET, socket.SOCK_STREAM),
        ("inet6", socket.AF_INET6, socket.SOCK_STREAM), ("netlink", socket.AF_NETLINK, socket.SOCK_RAW),
        ("alg", socket.AF_ALG, socket.SOCK_SEQPACKET), ("vsock", socket.AF_VSOCK, socket.SOCK_STREAM))}}


def attempt(what):
    try:
        what()
    except OSError as error:
        return errno.errorcode[error.errno]
    return None


print(json.dumps({name: attempt(what) for name, what in ATTEMPTS.items()} | {
    "core": resource.getrlimit(resource.RLIMIT_CORE)[1], "umask": os.umask(0),
    "no new privileges": LIBC.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)}))

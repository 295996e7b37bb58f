"""Refusing system calls, as container runtimes' seccomp profiles do, and failing them, as a machine under pressure does."""

import ctypes
import errno
import platform
import struct

# The same numbers on every architecture, as for all system calls since Linux 5.1.
IO_URING_SETUP, PIDFD_OPEN, LANDLOCK_CREATE_RULESET = 425, 434, 444
BPF, PERF_EVENT_OPEN = {"x86_64": (321, 298), "aarch64": (280, 241)}[platform.machine()]
BPF_RAW_TRACEPOINT_OPEN, BPF_LINK_CREATE = 17, 28  # commands of bpf(2), include/uapi/linux/bpf.h
_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_RET_ALLOW, _RET_ERRNO = 0x7FFF0000, 0x00050000
_NUMBER, _FIRST_ARGUMENT = 0, 16  # offsets in struct seccomp_data; of the argument its low half, on little-endian machines


def refuse(number: int, error: int = errno.EPERM, first_argument: int | None = None) -> None:
    """This call answers `error` from now on, in the calling process: for subprocess' preexec_fn. `first_argument`: only
    with this one."""

    def instruction(code: int, if_true: int, if_false: int, operand: int) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, operand)

    def load(offset: int) -> bytes:
        return instruction(0x20, 0, 0, offset)

    def unless_equal(operand: int, skip: int) -> bytes:
        return instruction(0x15, 0, skip, operand)

    def answer(value: int) -> bytes:
        return instruction(0x06, 0, 0, value)

    narrower = [] if first_argument is None else [load(_FIRST_ARGUMENT), unless_equal(first_argument, 1)]
    program = b"".join([load(_NUMBER), unless_equal(number, 1 + len(narrower)), *narrower,
                        answer(_RET_ERRNO | error), answer(_RET_ALLOW)])
    filter_buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(filter_buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_SECCOMP)")

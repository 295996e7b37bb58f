"""Refusing a system call, as a container runtime's seccomp profile does."""

import ctypes
import struct

# The same numbers on every architecture, as for all system calls since Linux 5.1.
IO_URING_SETUP, LANDLOCK_CREATE_RULESET = 425, 444
_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_RET_ALLOW, _RET_EPERM = 0x7FFF0000, 0x00050000 | 1


def refuse(number: int) -> None:
    """This call answers EPERM from now on, in the calling process: for subprocess' preexec_fn."""

    def instruction(code: int, if_true: int, if_false: int, operand: int) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, operand)

    program = b"".join([
        instruction(0x20, 0, 0, 0),       # load the system call's number
        instruction(0x15, 0, 1, number),  # if it is that one,
        instruction(0x06, 0, 0, _RET_EPERM),  # refuse it
        instruction(0x06, 0, 0, _RET_ALLOW),
    ])
    filter_buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(filter_buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_SECCOMP)")

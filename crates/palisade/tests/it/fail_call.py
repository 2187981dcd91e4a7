"""Runs a program whose system call NUMBER fails with ERRNO: fail_call.py NUMBER ERRNO PROGRAM [ARG...]"""
import ctypes, os, struct, sys

number, errno, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
code = b"".join(struct.pack("HBBI", *instruction) for instruction in [
    (0x20, 0, 0, 0),                    # load the number
    (0x15, 0, 1, max(number, 0)),          # is it this one?
    (0x06, 0, 0, 0x0005_0000 | errno),  # SECCOMP_RET_ERRNO
    (0x06, 0, 0, 0x7FFF_0000),          # SECCOMP_RET_ALLOW
])
libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(code, len(code))
program_of_filter = struct.pack("HxxxxxxP", 4, ctypes.addressof(buffer))
assert libc.prctl(38, 1, 0, 0, 0) == 0, "no_new_privs"
if number >= 0:
    assert libc.prctl(22, 2, program_of_filter, 0, 0) == 0, "the filter"
os.execv(program[0], program)

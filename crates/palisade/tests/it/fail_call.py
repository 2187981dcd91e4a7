"""Runs a program whose system call fails: fail_call.py NUMBER[,ARGUMENT=VALUE[/MASK]...] ERRNO PROGRAM [ARG...]

With arguments (0 to 5, their lower half) it fails only where each has its value, under its mask."""
import ctypes, os, struct, sys

which, errno, program = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
number, *tests = which.split(",")
number = int(number)
parts = []
for test in tests:
    argument, value = test.split("=")
    value, _, mask = value.partition("/")
    parts.append((int(argument), int(value, 0), int(mask or "0xffffffff", 0)))
body = []
for argument, value, mask in parts:
    body.append((0x20, 0, 0, 16 + 8 * argument))  # load it
    body.append((0x54, 0, 0, mask))
    body.append((0x15, 0, None, value))           # not this one: let it go on
body.append((0x06, 0, 0, 0x0005_0000 | errno))    # SECCOMP_RET_ERRNO
body = [
    (code, yes, len(body) - 1 - at if no is None else no, value)
    for at, (code, yes, no, value) in enumerate(body)
]
code = b"".join(struct.pack("HBBI", *instruction) for instruction in [
    (0x20, 0, 0, 0),                               # load the number
    (0x15, 0, len(body), max(number, 0)),          # is it this one?
    *body,
    (0x06, 0, 0, 0x7FFF_0000),                     # SECCOMP_RET_ALLOW
])
libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(code, len(code))
program_of_filter = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
assert libc.prctl(38, 1, 0, 0, 0) == 0, "no_new_privs"
if number >= 0:
    assert libc.prctl(22, 2, program_of_filter, 0, 0) == 0, "the filter"
os.execv(program[0], program)

"""Runs PROGRAM, and kills a process of it at its system call number COUNT: kill_at_call.py DEPTH COUNT PROGRAM [ARG...]

DEPTH 0 is the program itself, 1 the first process that it forks, 2 the first that this one forks. Exits
with 99 when it was killed, and else with 0: it made fewer calls."""
import ctypes, os, signal, sys

TRACEME, CONT, DETACH, SYSCALL, SETOPTIONS, GETEVENTMSG = 0, 7, 17, 24, 0x4200, 0x4201
SYSGOOD, FORK, VFORK, CLONE = 0x1, 0x2, 0x4, 0x8
WALL = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request, pid, data=None):
    # One that was killed from elsewhere is told of by `wait`.
    libc.ptrace(request, pid, None, data)


depth, count, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
first = os.fork()
if first == 0:
    ptrace(TRACEME, 0)
    os.kill(os.getpid(), signal.SIGSTOP)
    os.execv(program[0], program)
os.waitpid(first, 0)

victim, new, calls, inside, killed, fresh = first, None, 0, False, False, False
ptrace(SETOPTIONS, victim, SYSGOOD | (FORK | VFORK if depth else 0))
ptrace(SYSCALL, victim)
while True:
    try:
        pid, status = os.waitpid(-1, WALL)
    except ChildProcessError:
        break
    if not os.WIFSTOPPED(status):
        continue
    number, event = os.WSTOPSIG(status), status >> 16
    if pid != victim:
        # The child may be seen before its parent's event.
        new = pid
        continue
    if event:
        message = ctypes.c_ulong()
        libc.ptrace(GETEVENTMSG, pid, None, ctypes.byref(message))
        if new != message.value:
            os.waitpid(message.value, WALL)
        ptrace(DETACH, pid)
        depth -= 1
        victim, calls, inside = message.value, 0, False
        ptrace(SETOPTIONS, victim, SYSGOOD | (FORK | VFORK if depth else 0))
        ptrace(SYSCALL, victim)
    elif number == signal.SIGTRAP | 0x80:
        inside = not inside
        calls += inside
        if depth == 0 and inside and calls == count:
            os.kill(victim, signal.SIGKILL)
            killed = True
        else:
            ptrace(SYSCALL, victim)
    else:
        ptrace(SYSCALL, victim, None if number == signal.SIGTRAP else number)
sys.exit(99 if killed else 0)

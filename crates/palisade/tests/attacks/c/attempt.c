/* One attempt per word: each is made in a child of its own, and its outcome is a line on standard
 * output: the word, then `worked`, the name of an errno, or `killed` and a signal.
 *
 *   attempt WORD...        a word may carry a number or a path: `ptrace=12`, `chmod=/x`
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static const char *text; /* what stands behind `=` */
static long number(void) { return text ? strtol(text, NULL, 0) : 0; }

/* The C library's own structures differ from release to release. */
struct clone3_arguments {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
};

/* A child that waits until the attempt is over. */
static pid_t idle;
static pid_t idle_child(void) {
    idle = fork();
    if (idle == 0)
        for (;;) pause();
    return idle;
}

/* --- sockets ------------------------------------------------------------------------------ */

static const struct { const char *word; int family, type, protocol; } sockets[] = {
    {"socket-tcp", AF_INET, SOCK_STREAM, 0},
    {"socket-udp", AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0},
    {"socket-unix", AF_UNIX, SOCK_STREAM, 0},
    {"socket-netlink-route", AF_NETLINK, SOCK_RAW, 0},
    {"socket-raw", AF_INET, SOCK_RAW, IPPROTO_ICMP},
    {"socket-raw-tcp", AF_INET, SOCK_RAW, IPPROTO_TCP},
    {"socket-raw6", AF_INET6, SOCK_RAW, IPPROTO_ICMPV6},
    {"socket-raw-cloexec", AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW},
    {"socket-packet", AF_PACKET, SOCK_RAW, 0x0300},
    {"socket-packet-dgram", AF_PACKET, SOCK_DGRAM, 0x0300},
    {"socket-packet-old", AF_INET, SOCK_PACKET, 0x0300},
    {"socket-ping", AF_INET, SOCK_DGRAM, IPPROTO_ICMP},
    {"socket-mptcp", AF_INET, SOCK_STREAM, 262},
    {"socket-mptcp6", AF_INET6, SOCK_STREAM, 262},
    {"socket-udplite", AF_INET, SOCK_DGRAM, 136},
    {"socket-sctp", AF_INET, SOCK_STREAM, 132},
    {"socket-sctp-many", AF_INET, SOCK_SEQPACKET, 132},
    {"socket-dccp", AF_INET, 6, 33},
    {"socket-smc", 43, SOCK_STREAM, 0},
    {"socket-smc-inet", AF_INET, SOCK_STREAM, 256},
    {"socket-vsock", 40, SOCK_STREAM, 0},
    {"socket-alg", 38, SOCK_SEQPACKET, 0},
    {"socket-xdp", 44, SOCK_RAW, 0},
    {"socket-key", 15, SOCK_RAW, 2},
    {"socket-tipc", 30, SOCK_STREAM, 0},
    {"socket-bluetooth", 31, SOCK_RAW, 1},
    {"socket-nfc", 39, SOCK_SEQPACKET, 0},
    {"socket-can", 29, SOCK_RAW, 1},
    {"socket-kcm", 41, SOCK_DGRAM, 0},
    {"socket-rds", 21, SOCK_SEQPACKET, 0},
    {"socket-qipcrtr", 42, SOCK_DGRAM, 0},
    {"socket-netlink-diag", AF_NETLINK, SOCK_RAW, 4},
    {"socket-netlink-audit", AF_NETLINK, SOCK_RAW, 9},
    {"socket-netlink-netfilter", AF_NETLINK, SOCK_RAW, 12},
    {"socket-netlink-uevent", AF_NETLINK, SOCK_DGRAM, 15},
    {"socket-netlink-generic", AF_NETLINK, SOCK_RAW, 16},
    {"socket-netlink-crypto", AF_NETLINK, SOCK_RAW, 21},
};

/* --- processes ---------------------------------------------------------------------------- */

static int do_ptrace(void) {
    pid_t pid = text ? number() : idle_child();
    return ptrace(PTRACE_ATTACH, pid, 0, 0);
}
static int do_seize(void) {
    pid_t pid = text ? number() : idle_child();
    return ptrace(PTRACE_SEIZE, pid, 0, 0);
}
static int do_traceme(void) { return ptrace(PTRACE_TRACEME, 0, 0, 0); }
static int do_readv(void) {
    static char from[8] = "whisper", to[8];
    pid_t pid = text ? number() : idle_child();
    struct iovec here = {to, 8}, there = {from, 8};
    return syscall(SYS_process_vm_readv, pid, &here, 1, &there, 1, 0) == 8 ? 0 : -1;
}
static int do_writev(void) {
    static char to[8], from[8] = "whisper";
    pid_t pid = text ? number() : idle_child();
    struct iovec here = {from, 8}, there = {to, 8};
    return syscall(SYS_process_vm_writev, pid, &here, 1, &there, 1, 0) == 8 ? 0 : -1;
}
static int do_pidfd_getfd(void) {
    int pidfd = syscall(SYS_pidfd_open, text ? number() : idle_child(), 0);
    if (pidfd < 0) return -1;
    return syscall(SYS_pidfd_getfd, pidfd, 1, 0) < 0 ? -1 : 0;
}
static int do_kcmp(void) { return syscall(SYS_kcmp, getpid(), getppid(), 0, 1, 1) < 0 ? -1 : 0; }
static int do_move_pages(void) {
    return syscall(SYS_move_pages, idle_child(), 0, NULL, NULL, NULL, 0);
}
static int do_process_madvise(void) {
    int pidfd = syscall(SYS_pidfd_open, idle_child(), 0);
    static char page[8192] __attribute__((aligned(4096)));
    struct iovec vector = {page, 4096};
    return syscall(SYS_process_madvise, pidfd, &vector, 1, MADV_COLD, 0) < 0 ? -1 : 0;
}
static int do_prlimit(void) {
    struct rlimit limit = {100, 100};
    return prlimit(text ? number() : idle_child(), RLIMIT_NOFILE, &limit, NULL);
}
static int do_tkill(void) { return syscall(SYS_tkill, number(), 0); }
static int do_tgkill(void) { return syscall(SYS_tgkill, number(), number(), 0); }
static int do_sigqueue(void) { return sigqueue(number(), 0, (union sigval){0}); }
static int do_pidfd_signal(void) {
    int pidfd = syscall(SYS_pidfd_open, number(), 0);
    return pidfd < 0 ? -1 : syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0);
}
static int do_proc_signal(void) { /* a folder of /proc stands for its process */
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld", number());
    int folder = open(path, O_RDONLY | O_DIRECTORY);
    return folder < 0 ? -1 : syscall(SYS_pidfd_send_signal, folder, 0, NULL, 0);
}
static int do_sigurg(void) { /* another signal that needs no kill(2) */
    int ends[2];
    struct { int type; pid_t pid; } owner = {1 /* F_OWNER_PID */, number()};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) return -1;
    if (fcntl(ends[0], 15 /* F_SETOWN_EX */, &owner)) return -1;
    return send(ends[1], "x", 1, MSG_OOB) == 1 ? 0 : -1;
}
static int do_siocspgrp(void) {
    int ends[2], pid = number();
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) return -1;
    return ioctl(ends[0], 0x8902 /* SIOCSPGRP */, &pid);
}
static int do_ioprio(void) { return syscall(SYS_ioprio_set, 1, number(), 3 << 13); }
static int do_scheduler(void) {
    struct sched_param none = {0};
    return sched_setscheduler(number(), SCHED_IDLE, &none);
}
static int do_robust_list(void) {
    void *head;
    size_t length;
    return syscall(SYS_get_robust_list, number(), &head, &length);
}
static int do_migrate_pages(void) {
    unsigned long from = 1, to = 1;
    return syscall(SYS_migrate_pages, number(), 2, &from, &to) < 0 ? -1 : 0;
}
static int do_kcmp_with(void) { return syscall(SYS_kcmp, getpid(), number(), 0, 1, 1) < 0 ? -1 : 0; }
static int do_process_group(void) { return getpgid(number()) < 0 ? -1 : 0; }
static int do_kill(void) { return kill(number(), SIGKILL); }
static int do_kill0(void) { return kill(number(), 0); }
static int do_pidfd_open(void) { return syscall(SYS_pidfd_open, number(), 0) < 0 ? -1 : 0; }
static int do_sigio(void) { /* a signal that needs no kill(2) */
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) return -1;
    if (fcntl(ends[0], F_SETOWN, (int)number())) return -1;
    if (fcntl(ends[0], F_SETSIG, SIGKILL)) return -1;
    if (fcntl(ends[0], F_SETFL, O_ASYNC)) return -1;
    return write(ends[1], "x", 1) == 1 ? 0 : -1;
}
static int do_setpriority(void) { return setpriority(PRIO_PROCESS, number(), 19); }
static int do_affinity(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(0, &set);
    return sched_setaffinity(number(), sizeof set, &set);
}
static int do_fifo(void) {
    struct sched_param one = {.sched_priority = 1};
    return sched_setscheduler(0, SCHED_FIFO, &one);
}
static int do_sched_setattr(void) {
    struct { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority;
             uint64_t runtime, deadline, period; } attr = {48, SCHED_RR, 0, 0, 1, 0, 0, 0};
    return syscall(SYS_sched_setattr, 0, &attr, 0);
}
static int do_nice(void) { return setpriority(PRIO_PROCESS, 0, -10); }

static int reap(pid_t pid) {
    int status;
    if (pid < 0) return -1;
    waitpid(pid, &status, __WALL);
    return 0;
}
static int clone_with(unsigned long flags) {
    pid_t pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) _exit(0);
    return reap(pid);
}
static int do_clone_user(void) { return clone_with(CLONE_NEWUSER); }
static int do_clone_mount(void) { return clone_with(CLONE_NEWUSER | CLONE_NEWNS); }
static int do_clone_net(void) { return clone_with(CLONE_NEWUSER | CLONE_NEWNET); }
static int do_clone_pid(void) { return clone_with(CLONE_NEWUSER | CLONE_NEWPID); }
static int do_clone_untraced(void) { return clone_with(CLONE_UNTRACED); }
static int do_clone_bits(void) { return clone_with(number()); }
static int do_unshare_bits(void) { return unshare(number()); }
static int do_clone_plain(void) { return clone_with(0); }
static int clone3_with(uint64_t flags) {
    struct clone3_arguments arguments = {.flags = flags, .exit_signal = SIGCHLD};
    pid_t pid = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid == 0) _exit(0);
    return reap(pid);
}
static int do_clone3_user(void) { return clone3_with(CLONE_NEWUSER); }
static int do_clone3_plain(void) { return clone3_with(0); }
static int do_unshare_user(void) { return unshare(CLONE_NEWUSER); }
static int do_unshare_mount(void) { return unshare(CLONE_NEWNS); }
static int do_unshare_time(void) { return unshare(0x80); }
static int do_setns(void) {
    int ns = open("/proc/self/ns/uts", O_RDONLY);
    return ns < 0 ? -1 : setns(ns, 0);
}
static int do_listener(void) {
    /* struct sock_filter: return allow. */
    struct { uint16_t code; uint8_t jt, jf; uint32_t k; } allow = {6, 0, 0, 0x7fff0000};
    struct { uint16_t length; void *filter; } program = {1, &allow};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return syscall(SYS_seccomp, 1, 8, &program) < 0 ? -1 : 0;
}
static int do_filter(void) {
    struct { uint16_t code; uint8_t jt, jf; uint32_t k; } allow = {6, 0, 0, 0x7fff0000};
    struct { uint16_t length; void *filter; } program = {1, &allow};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return syscall(SYS_seccomp, 1, 0, &program);
}
static int do_set_mm(void) { return prctl(PR_SET_MM, 15 /* PR_SET_MM_MAP_SIZE */, &(unsigned){0}, 0, 0); }
static int do_dispatch(void) { return prctl(59, 1, 0, 0, &(char){0}); }
static int do_personality(void) { return personality(READ_IMPLIES_EXEC) < 0 ? -1 : 0; }
static int do_no_random(void) { return personality(ADDR_NO_RANDOMIZE) < 0 ? -1 : 0; }
static int do_linux32(void) { return personality(PER_LINUX32) < 0 ? -1 : 0; }

/* --- foreign entries ----------------------------------------------------------------------- */

#ifdef __x86_64__
static int do_int80(void) { /* getpid, as a 32-bit program asks */
    long result = 20;
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    if (result == getpid()) return 0;
    errno = result < 0 ? -result : EIO;
    return -1;
}
static int do_x32(void) { return syscall(0x40000000 + 39) == getpid() ? 0 : -1; }
static int do_modify_ldt(void) { return syscall(SYS_modify_ldt, 0, &(char[16]){0}, 16) < 0 ? -1 : 0; }
static int do_iopl(void) { return syscall(SYS_iopl, 3); }
static int do_ioperm(void) { return syscall(SYS_ioperm, 0x80, 1, 1); }
#endif
static int do_unknown_calls(void) { /* all beyond what this build knows, with arguments that do no harm */
    static const unsigned long bases[] = {470, 1u << 12, 1u << 20, 0x3fffff00};
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++)
        for (unsigned long call = bases[i]; call < bases[i] + 256; call++)
            if (syscall(call, -1L, -1L, -1L, -1L, -1L, -1L) >= 0 || errno != ENOSYS) return errno = 0, -1;
    errno = ENOSYS;
    return -1;
}
static int do_unknown_call(void) { return syscall(0x0fffffff) < 0 ? -1 : 0; }

/* --- the mount tree ------------------------------------------------------------------------ */

static int do_mount(void) { return mount("none", "/tmp", "tmpfs", 0, ""); }
static int do_bind(void) { return mount("/usr", "/tmp", NULL, MS_BIND | MS_REC, NULL); }
static int do_remount(void) { return mount("none", "/", NULL, MS_REMOUNT | MS_BIND | MS_REC, NULL); }
static int do_umount(void) { return umount2("/proc", MNT_DETACH); }
static int do_chroot(void) { return chroot("/usr"); }
static int do_pivot(void) {
    if (mount("none", "/tmp", "tmpfs", 0, "")) return -1;
    if (chdir("/tmp")) return -1;
    return syscall(SYS_pivot_root, ".", ".");
}
static int do_pivot_only(void) { return syscall(SYS_pivot_root, ".", "."); }
static int do_fsopen(void) { return syscall(430, "tmpfs", 0) < 0 ? -1 : 0; }
static int do_fspick(void) { return syscall(433, AT_FDCWD, "/", 0) < 0 ? -1 : 0; }
static int do_open_tree(void) { return syscall(428, AT_FDCWD, "/usr", 1) < 0 ? -1 : 0; }
static int do_move_mount(void) { return syscall(429, AT_FDCWD, "/proc", AT_FDCWD, "/tmp", 0); }
static int do_mount_setattr(void) {
    uint64_t attr[4] = {0, 1, 0, 0}; /* clear read-only */
    return syscall(442, AT_FDCWD, "/", 0, attr, sizeof attr);
}
static int do_listmount(void) {
    struct { uint32_t size, spare; uint64_t id, parameter, namespace; } request =
        {24, 0, UINT64_MAX, 0, 0};
    uint64_t ids[8];
    return syscall(458, &request, ids, 8, 0) < 0 ? -1 : 0;
}
static int do_statmount(void) {
    struct { uint32_t size, spare; uint64_t id, parameter; } request = {24, 0, UINT64_MAX, 0, };
    uint64_t ids[8];
    return syscall(457, &request, ids, sizeof ids, 0) < 0 ? -1 : 0;
}
static int do_fsconfig(void) {
    int context = syscall(430, "tmpfs", 0);
    return syscall(431, context, 6 /* create */, NULL, NULL, 0);
}
static int do_fsmount(void) {
    int context = syscall(430, "tmpfs", 0);
    if (context >= 0 && syscall(431, context, 6, NULL, NULL, 0)) return -1;
    return syscall(432, context, 0, 0) < 0 ? -1 : 0;
}
static int do_open_tree_attr(void) { /* a writable copy */
    uint64_t attr[4] = {0, 1, 0, 0};
    return syscall(467, AT_FDCWD, "/usr", 1, attr, sizeof attr) < 0 ? -1 : 0;
}
static int do_handle(void) {
    struct { unsigned bytes; int type; char rest[128]; } handle = {128, 0, ""};
    int mount_id;
    return syscall(SYS_name_to_handle_at, AT_FDCWD, "/usr", &handle, &mount_id, 0);
}
static int do_open_handle(void) {
    struct { unsigned bytes; int type; char rest[128]; } handle = {128, 0, ""};
    int mount_id, at = open("/usr", O_RDONLY | O_DIRECTORY);
    if (syscall(SYS_name_to_handle_at, AT_FDCWD, "/usr", &handle, &mount_id, 0) && errno != EPERM)
        return -1;
    return syscall(SYS_open_by_handle_at, at, &handle, O_RDONLY) < 0 ? -1 : 0;
}

/* --- kernel -------------------------------------------------------------------------------- */

static int do_io_uring(void) {
    static char parameters[120];
    return syscall(425, 4, parameters) < 0 ? -1 : 0;
}
static int do_io_uring_register(void) { /* one that needs no ring */
    static char probe[16 + 8 * 64];
    return syscall(427, -1, 8, probe, 64) < 0 ? -1 : 0;
}
static int do_bpf(void) {
    struct { uint32_t type, key, value, entries; char rest[64]; } map = {2, 4, 8, 1, ""};
    return syscall(SYS_bpf, 0, &map, sizeof map) < 0 ? -1 : 0;
}
static int do_perf(void) {
    struct { uint32_t type, size; uint64_t config, period, sample, read, flags; char rest[72]; }
        attr = {1, 120, 1, 0, 0, 0, 1 << 5 | 1 << 6, ""}; /* own user-space task clock */
    return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0) < 0 ? -1 : 0;
}
static int do_userfaultfd(void) { return syscall(SYS_userfaultfd, 1 /* user mode only */) < 0 ? -1 : 0; }
static int do_keyctl(void) { return syscall(SYS_keyctl, 0, -3, 1) < 0 ? -1 : 0; }
static int do_add_key(void) { return syscall(SYS_add_key, "user", "palisade-attempt", "x", 1, -3) < 0 ? -1 : 0; }
static int do_request_key(void) {
    if (syscall(SYS_request_key, "user", "palisade-attempt-none", NULL, 0) >= 0) return 0;
    if (errno == ENOKEY) return 0; /* it was looked for */
    return -1;
}
static int do_init_module(void) { return syscall(SYS_init_module, "", 0, ""); }
static int do_finit_module(void) { return syscall(SYS_finit_module, 0, "", 0); }
static int do_kexec(void) { return syscall(SYS_kexec_load, 0, 0, NULL, 0); }
static int do_reboot(void) { return syscall(SYS_reboot, 0xfee1dead, 672274793, 0, NULL); } /* Ctrl-Alt-Del off */
static int do_swapon(void) { return syscall(SYS_swapon, "/nothing", 0); }
static int do_acct(void) { return syscall(SYS_acct, NULL); }
static int do_quotactl(void) { return syscall(SYS_quotactl, 0x800001 << 8, "/dev/null", 0, NULL); }
static int do_syslog(void) { return syscall(SYS_syslog, 10, NULL, 0) < 0 ? -1 : 0; }
static int do_fanotify(void) { return syscall(SYS_fanotify_init, 0x600 /* FID, notification */, 0) < 0 ? -1 : 0; }
static int do_sethostname(void) { return sethostname("attempt", 7); }
static int do_setdomainname(void) { return setdomainname("attempt", 7); }
static int do_settime(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return clock_settime(CLOCK_REALTIME, &now);
}
static int do_vhangup(void) { return vhangup(); }
static int do_memfd_secret(void) { return syscall(447, 0) < 0 ? -1 : 0; }
static int do_lookup_dcookie(void) { return syscall(SYS_lookup_dcookie, 0, NULL, 0); }

/* --- terminals ----------------------------------------------------------------------------- */

/* The inner side of a new terminal that controls us. */
static int terminal(void) {
    int controller = posix_openpt(O_RDWR | O_NOCTTY);
    if (controller < 0 || grantpt(controller) || unlockpt(controller)) return -1;
    setsid();
    int inner = open(ptsname(controller), O_RDWR | O_NOCTTY);
    if (inner < 0 || ioctl(inner, TIOCSCTTY, 0)) return -1;
    return inner;
}
static int do_terminal(void) { return terminal() < 0 ? -1 : 0; }
static int do_tiocsti(void) { return ioctl(terminal(), TIOCSTI, "x"); }
static int do_tiocsti_high(void) { /* the kernel looks at the lower half of the request only */
    return syscall(SYS_ioctl, terminal(), 0xdeadbeef00000000UL | TIOCSTI, "x");
}
static int do_tiocsetd(void) { return ioctl(terminal(), TIOCSETD, &(int){0}); }
static int do_tioclinux(void) { return ioctl(terminal(), 0x541c, &(char){2}); }
static int do_tioccons(void) { return ioctl(terminal(), TIOCCONS, 0); }

/* --- files --------------------------------------------------------------------------------- */

static int do_read(void) {
    char byte;
    int file = open(text, O_RDONLY | O_NONBLOCK);
    return file < 0 ? -1 : read(file, &byte, 1) < 0 ? -1 : 0;
}
static int do_open(void) { return open(text, O_RDONLY | O_NONBLOCK) < 0 ? -1 : 0; }
static int do_open_path(void) { return open(text, O_PATH) < 0 ? -1 : 0; }
static int do_list(void) { return opendir(text) ? 0 : -1; }
static int do_readlink(void) { char to[256]; return readlink(text, to, 256) < 0 ? -1 : 0; }
static int do_write(void) {
    int file = open(text, O_WRONLY | O_APPEND);
    return file < 0 ? -1 : write(file, "x", 1) == 1 ? 0 : -1;
}
static int do_open_write(void) { return open(text, O_WRONLY) < 0 ? -1 : 0; }
static int do_create(void) { return open(text, O_WRONLY | O_CREAT | O_EXCL, 0644) < 0 ? -1 : 0; }
static int do_truncate(void) { return truncate(text, 0); }
static int do_open_truncate(void) { return open(text, O_RDONLY | O_TRUNC) < 0 ? -1 : 0; }
static int do_chmod(void) { return chmod(text, 0777); }
static int do_chmod_by_fd(void) { int f = open(text, O_RDONLY); return f < 0 ? -1 : fchmod(f, 0777); }
static int do_chown(void) { return chown(text, getuid(), getgid()); }
static int do_utimes(void) { return utimes(text, NULL); }
static int do_setxattr(void) { return setxattr(text, "user.attempt", "x", 1, 0); }
static int do_unlink(void) { return unlink(text); }
static int do_mkdir(void) { return mkdir(text, 0755); }
static int do_rmdir(void) { return rmdir(text); }
static int do_flags(void) { /* FS_IOC_SETFLAGS, to what they are */
    int flags = 0, file = open(text, O_RDONLY);
    if (file < 0 || ioctl(file, 0x80086601, &flags)) return -1;
    return ioctl(file, 0x40086602, &flags);
}
static int do_fssetxattr(void) { /* FS_IOC_FSSETXATTR, to what it is */
    char attributes[28] = "";
    int file = open(text, O_RDONLY);
    if (file < 0 || ioctl(file, 0x801c581f, attributes)) return -1;
    return ioctl(file, 0x401c5820, attributes);
}
static int do_acl(void) { /* user::rw- group::r-- other::rw- */
    static const unsigned char list[28] = {2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 4, 0, 4, 0,
                                           255, 255, 255, 255, 32, 0, 6, 0, 255, 255, 255, 255};
    return setxattr(text, "system.posix_acl_access", list, sizeof list, 0);
}
static int do_setxattr_at(void) {
    struct { uint64_t value; uint32_t size, flags; } arguments = {(uintptr_t)"x", 1, 0};
    return syscall(463, AT_FDCWD, text, 0, "user.attempt", &arguments, sizeof arguments);
}
static int do_removexattr(void) { return removexattr(text, "user.there"); }
static int do_allocate(void) {
    int file = open(text, O_WRONLY);
    return file < 0 ? -1 : fallocate(file, 0, 0, 4096);
}
static int do_again(void) { /* a descriptor that only names a file, opened again */
    char path[64];
    int name = open(text, O_PATH);
    if (name < 0) return -1;
    snprintf(path, sizeof path, "/proc/self/fd/%d", name);
    return open(path, O_WRONLY) < 0 ? -1 : 0;
}
static int do_again_twice(void) { /* the same by way of one for reading */
    int name = open(text, O_PATH);
    if (name < 0) return -1;
    char path[64];
    snprintf(path, sizeof path, "/dev/fd/%d", name);
    int read_only = open(path, O_RDONLY);
    if (read_only < 0) return -1;
    snprintf(path, sizeof path, "/proc/thread-self/fd/%d", read_only);
    return open(path, O_RDWR) < 0 ? -1 : 0;
}
static int do_link_away(void) { return link(text, "taken"); }
static int do_rename_away(void) { return rename(text, "taken"); }
static int do_exec(void) {
    pid_t pid = fork();
    if (pid == 0) {
        execl(text, text, (char *)NULL);
        _exit(errno);
    }
    int status;
    waitpid(pid, &status, 0);
    errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
    return errno == 0 ? 0 : -1;
}
static int do_setuid_bit(void) { return chmod(text, 04755); }
static int do_setuid_bit_fd(void) { int f = open(text, O_RDONLY); return f < 0 ? -1 : fchmod(f, 04755); }
static int do_setuid_bit_at(void) { return syscall(SYS_fchmodat, AT_FDCWD, text, 04755); }
static int do_setuid_bit_at2(void) { return syscall(452, AT_FDCWD, text, 04755, 0); }
static int do_setgid_bit(void) { return chmod(text, 02755); }

/* Made with the bit, and never written to. */
static int made(int file) { return file < 0 ? -1 : 0; }
static int do_open_setuid(void) { umask(0); return made(syscall(SYS_openat, AT_FDCWD, text, O_CREAT | O_EXCL | O_RDWR, 06755)); }
static int do_open2_setuid(void) {
    struct { uint64_t flags, mode, resolve; } how = {O_CREAT | O_EXCL | O_RDWR, 06755, 0};
    return made(syscall(437, AT_FDCWD, text, &how, sizeof how));
}
static int do_tmpfile_setuid(void) {
    char link[64];
    int file = syscall(SYS_openat, AT_FDCWD, ".", O_TMPFILE | O_RDWR, 06755);
    if (file < 0) return -1;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    return linkat(AT_FDCWD, link, AT_FDCWD, text, AT_SYMLINK_FOLLOW);
}
static int do_mknod_setuid(void) { return syscall(SYS_mknodat, AT_FDCWD, text, S_IFREG | 06755, 0); }
#ifdef __x86_64__
static int do_old_open_setuid(void) { return made(syscall(SYS_open, text, O_CREAT | O_EXCL | O_RDWR, 06755)); }
static int do_creat_setuid(void) { return made(syscall(SYS_creat, text, 06755)); }
#endif
/* The mode is only what the register held: no file is made. */
static int do_open_odd_mode(void) { return made(syscall(SYS_openat, AT_FDCWD, text, O_RDONLY, 06755)); }
static int do_whiteout(void) {
    char to[512];
    snprintf(to, sizeof to, "%s-moved", text);
    return syscall(SYS_renameat2, AT_FDCWD, text, AT_FDCWD, to, 4);
}

/* Options of sockets. */
static const struct sock_filter all[] = {{0x06, 0, 0, 0xffff}};
static int option(int type, int level, int name, const void *value, socklen_t length) {
    return setsockopt(socket(AF_INET, type, 0), level, name, value, length);
}
static int filter_of(int type, int name) {
    struct sock_fprog program = {1, (struct sock_filter *)all};
    return option(type, SOL_SOCKET, name, &program, sizeof program);
}
static int do_socket_filter(void) { return filter_of(SOCK_DGRAM, 26); }
static int do_reuseport_filter(void) {
    struct sock_fprog program = {1, (struct sock_filter *)all};
    int one = 1, s = socket(AF_INET, SOCK_DGRAM, 0);
    setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    return setsockopt(s, SOL_SOCKET, 51, &program, sizeof program);
}
static int do_udp_encap(void) {
    int kind = 2;
    return option(SOCK_DGRAM, IPPROTO_UDP, 100, &kind, sizeof kind);
}
static int do_tcp_md5(void) {
    char signature[216] = {0}; /* struct tcp_md5sig */
    ((struct sockaddr_in *)signature)->sin_family = AF_INET;
    ((struct sockaddr_in *)signature)->sin_addr.s_addr = 1;
    signature[130] = 4; /* the key's length */
    return option(SOCK_STREAM, IPPROTO_TCP, 14, signature, sizeof signature);
}
/* Memory. */
static int do_merge(void) { return prctl(67, 1, 0, 0, 0); }
static int advise(int advice) {
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return madvise(page, 4096, advice);
}
static int do_merge_advice(void) { return advise(12); }
static int do_dontneed_advice(void) { return advise(MADV_DONTNEED); }
static int do_aio(void) {
    unsigned long context = 0;
    return syscall(SYS_io_setup, 1, &context);
}

static int node(mode_t mode, dev_t device) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/attempt-node-%d", getpid());
    int result = mknod(path, mode, device), kept = errno;
    unlink(path);
    errno = kept;
    return result;
}
static int do_mknod_mem(void) { return node(S_IFCHR | 0600, makedev(1, 1)); }
static int do_mknod_null(void) { return node(S_IFCHR | 0600, makedev(1, 3)); }
static int do_mknod_disk(void) { return node(S_IFBLK | 0600, makedev(254, 0)); }
static int do_mknod_whiteout(void) { return node(S_IFCHR | 0600, makedev(0, 0)); }
static int do_mkfifo(void) { return node(S_IFIFO | 0600, 0); }

static int do_unix(void) { /* text: a path, or @name */
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    strncpy(to.sun_path, text, sizeof to.sun_path - 1);
    socklen_t length = offsetof(struct sockaddr_un, sun_path) + strlen(to.sun_path);
    if (to.sun_path[0] == '@') to.sun_path[0] = 0;
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    return connect(s, (struct sockaddr *)&to, length);
}
static int do_unix_dgram(void) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    strncpy(to.sun_path, text, sizeof to.sun_path - 1);
    int s = socket(AF_UNIX, SOCK_DGRAM, 0);
    return sendto(s, "x", 1, 0, (struct sockaddr *)&to, sizeof to) == 1 ? 0 : -1;
}

/* The last member: it would harm the machine if it worked there. */
static const struct { const char *word; int (*attempt)(void); int harmful; } attempts[] = {
    {"ptrace", do_ptrace, 0}, {"seize", do_seize, 0}, {"traceme", do_traceme, 0}, {"readv", do_readv, 0},
    {"writev", do_writev, 0}, {"pidfd-getfd", do_pidfd_getfd, 0}, {"kcmp", do_kcmp, 0},
    {"move-pages", do_move_pages, 0}, {"process-madvise", do_process_madvise, 0},
    {"prlimit", do_prlimit, 0}, {"kill", do_kill, 0}, {"kill0", do_kill0, 0},
    {"pidfd-open", do_pidfd_open, 0}, {"sigio", do_sigio, 0}, {"setpriority", do_setpriority, 0},
    {"affinity", do_affinity, 0}, {"fifo", do_fifo, 0}, {"sched-setattr", do_sched_setattr, 0},
    {"nice", do_nice, 0}, {"clone-user", do_clone_user, 0}, {"clone-mount", do_clone_mount, 0},
    {"clone-net", do_clone_net, 0}, {"clone-pid", do_clone_pid, 0},
    {"clone-untraced", do_clone_untraced, 0}, {"clone-plain", do_clone_plain, 0},
    {"clone3-user", do_clone3_user, 0}, {"clone3-plain", do_clone3_plain, 0},
    {"unshare-user", do_unshare_user, 0}, {"unshare-mount", do_unshare_mount, 0},
    {"unshare-time", do_unshare_time, 0}, {"setns", do_setns, 0}, {"listener", do_listener, 0},
    {"filter", do_filter, 0}, {"set-mm", do_set_mm, 0}, {"dispatch", do_dispatch, 0},
    {"personality", do_personality, 0}, {"no-random", do_no_random, 0}, {"linux32", do_linux32, 0},
#ifdef __x86_64__
    {"int80", do_int80, 0}, {"x32", do_x32, 0}, {"modify-ldt", do_modify_ldt, 0}, {"iopl", do_iopl, 1},
    {"ioperm", do_ioperm, 1},
#endif
    {"unknown-call", do_unknown_call, 0}, {"mount", do_mount, 1}, {"bind", do_bind, 1},
    {"remount", do_remount, 1}, {"umount", do_umount, 1}, {"chroot", do_chroot, 0}, {"pivot", do_pivot, 1},
    {"pivot-only", do_pivot_only, 1}, {"fsopen", do_fsopen, 0}, {"fspick", do_fspick, 0},
    {"open-tree", do_open_tree, 0}, {"move-mount", do_move_mount, 1},
    {"mount-setattr", do_mount_setattr, 1}, {"listmount", do_listmount, 0},
    {"statmount", do_statmount, 0}, {"handle", do_handle, 0}, {"open-handle", do_open_handle, 0},
    {"io-uring", do_io_uring, 0}, {"io-uring-register", do_io_uring_register, 0}, {"bpf", do_bpf, 0},
    {"perf", do_perf, 0}, {"userfaultfd", do_userfaultfd, 0}, {"keyctl", do_keyctl, 0},
    {"add-key", do_add_key, 0}, {"request-key", do_request_key, 0}, {"init-module", do_init_module, 1},
    {"finit-module", do_finit_module, 1}, {"kexec", do_kexec, 1}, {"reboot", do_reboot, 1},
    {"swapon", do_swapon, 1}, {"acct", do_acct, 1}, {"quotactl", do_quotactl, 1}, {"syslog", do_syslog, 0},
    {"fanotify", do_fanotify, 0}, {"sethostname", do_sethostname, 1},
    {"setdomainname", do_setdomainname, 1}, {"settime", do_settime, 1}, {"vhangup", do_vhangup, 1},
    {"memfd-secret", do_memfd_secret, 0}, {"lookup-dcookie", do_lookup_dcookie, 0},
    {"terminal", do_terminal, 0}, {"tiocsti", do_tiocsti, 0}, {"tiocsti-high", do_tiocsti_high, 0},
    {"tiocsetd", do_tiocsetd, 0}, {"tioclinux", do_tioclinux, 1}, {"tioccons", do_tioccons, 1},
    {"read", do_read, 0}, {"open", do_open, 0}, {"open-path", do_open_path, 0}, {"list", do_list, 0},
    {"readlink", do_readlink, 0}, {"write", do_write, 0}, {"open-write", do_open_write, 0},
    {"create", do_create, 0}, {"truncate", do_truncate, 0}, {"open-truncate", do_open_truncate, 0},
    {"chmod", do_chmod, 0}, {"chmod-by-fd", do_chmod_by_fd, 0}, {"chown", do_chown, 0},
    {"utimes", do_utimes, 0}, {"setxattr", do_setxattr, 0}, {"unlink", do_unlink, 0},
    {"mkdir", do_mkdir, 0}, {"rmdir", do_rmdir, 0}, {"flags", do_flags, 0}, {"exec", do_exec, 0},
    {"setuid-bit", do_setuid_bit, 0}, {"setuid-bit-fd", do_setuid_bit_fd, 0},
    {"setuid-bit-at", do_setuid_bit_at, 0}, {"setuid-bit-at2", do_setuid_bit_at2, 0},
    {"setgid-bit", do_setgid_bit, 0}, {"mknod-mem", do_mknod_mem, 0}, {"mknod-null", do_mknod_null, 0},
    {"mknod-disk", do_mknod_disk, 0}, {"mknod-whiteout", do_mknod_whiteout, 0},
    {"clone-bits", do_clone_bits, 0}, {"unshare-bits", do_unshare_bits, 0},
    {"unknown-calls", do_unknown_calls, 0}, {"fsconfig", do_fsconfig, 0},
    {"fsmount", do_fsmount, 0}, {"open-tree-attr", do_open_tree_attr, 0},
    {"fssetxattr", do_fssetxattr, 0}, {"acl", do_acl, 0}, {"setxattr-at", do_setxattr_at, 0},
    {"removexattr", do_removexattr, 0}, {"allocate", do_allocate, 0},
    {"again", do_again, 0}, {"again-twice", do_again_twice, 0},
    {"link-away", do_link_away, 0}, {"rename-away", do_rename_away, 0}, {"tkill", do_tkill, 0},
    {"tgkill", do_tgkill, 0}, {"sigqueue", do_sigqueue, 0}, {"pidfd-signal", do_pidfd_signal, 0},
    {"proc-signal", do_proc_signal, 0}, {"sigurg", do_sigurg, 0}, {"siocspgrp", do_siocspgrp, 0},
    {"ioprio", do_ioprio, 0}, {"scheduler", do_scheduler, 0}, {"robust-list", do_robust_list, 0},
    {"migrate-pages", do_migrate_pages, 0}, {"kcmp-with", do_kcmp_with, 0},
    {"process-group", do_process_group, 0},
    {"open-setuid", do_open_setuid, 0}, {"open2-setuid", do_open2_setuid, 0},
    {"tmpfile-setuid", do_tmpfile_setuid, 0}, {"mknod-setuid", do_mknod_setuid, 0},
#ifdef __x86_64__
    {"old-open-setuid", do_old_open_setuid, 0}, {"creat-setuid", do_creat_setuid, 0},
#endif
    {"open-odd-mode", do_open_odd_mode, 0}, {"whiteout", do_whiteout, 0},
    {"socket-filter", do_socket_filter, 0}, {"reuseport-filter", do_reuseport_filter, 0},
    {"udp-encap", do_udp_encap, 0}, {"tcp-md5", do_tcp_md5, 0},
    {"merge", do_merge, 0}, {"merge-advice", do_merge_advice, 0},
    {"dontneed-advice", do_dontneed_advice, 0}, {"aio", do_aio, 0},
    {"mkfifo", do_mkfifo, 0}, {"unix", do_unix, 0}, {"unix-dgram", do_unix_dgram, 0},
};

/* Whether our user namespace is the machine's own, where ids are mapped to themselves. */
static int on_the_machine(void) {
    unsigned long inside = 1, outside = 1, count = 0;
    FILE *map = fopen("/proc/self/uid_map", "r");
    if (map && fscanf(map, "%lu %lu %lu", &inside, &outside, &count) != 3) count = UINT32_MAX;
    return !map || count == UINT32_MAX;
}

static int try(const char *word) {
    for (size_t i = 0; i < sizeof sockets / sizeof *sockets; i++)
        if (!strcmp(word, sockets[i].word))
            return socket(sockets[i].family, sockets[i].type, sockets[i].protocol) < 0 ? -1 : 0;
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
        if (!strcmp(word, attempts[i].word)) {
            if (attempts[i].harmful && on_the_machine()) {
                fprintf(stderr, "attempt: `%s` is not for the machine itself\n", word);
                _exit(200);
            }
            return attempts[i].attempt();
        }
    fprintf(stderr, "attempt: there is no attempt `%s`\n", word);
    _exit(200);
}

int main(int count, char **words) {
    for (int i = 1; i < count; i++) {
        char *word = strdup(words[i]), *value = strchr(word, '=');
        if (value) *value++ = 0;
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            text = value;
            errno = 0;
            int result = try(word), number = result == 0 ? 0 : errno ? errno : 255;
            if (idle > 0) kill(idle, SIGKILL);
            _exit(number);
        }
        int status;
        if (pid < 0 || waitpid(pid, &status, 0) != pid) return perror("attempt"), 2;
        if (WIFSIGNALED(status)) printf("%s killed %d\n", words[i], WTERMSIG(status));
        else if (WEXITSTATUS(status) == 0) printf("%s worked\n", words[i]);
        else {
            const char *name = strerrorname_np(WEXITSTATUS(status));
            printf("%s %s\n", words[i], name ? name : "failed");
        }
        free(word);
    }
    return 0;
}

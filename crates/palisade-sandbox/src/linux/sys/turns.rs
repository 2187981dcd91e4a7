//! How the kernel gives this thread its turns on a processor.

use rustix::process::getpriority_process;

/// `struct sched_attr` of `sched_setattr(2)`, its first version.
#[repr(C)]
#[derive(Debug, Default)]
struct Attributes {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
}

const _: () = assert!(size_of::<Attributes>() == 48);

/// The shortest turn that the kernel gives, in nanoseconds.
const SHORT: u64 = 100_000;

/// Have this thread take short turns, and come to them soon: for one that others wait for and that is done in no time (Linux 6.12).
/// An older kernel does not know that, and nothing is lost but time.
pub fn take_short() {
    let nice = getpriority_process(None).unwrap_or_default();
    let attributes = Attributes { size: 48, nice, runtime: SHORT, ..Attributes::default() };
    // SAFETY: the kernel reads as many bytes as `size` says, all of which are there and live through the call.
    unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
}

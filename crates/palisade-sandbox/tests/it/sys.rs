//! Raw system calls, for what no library would do.

#![allow(unsafe_code, reason = "tests of refusals make the calls that libraries guard against")]

use rustix::io::Errno;

/// Make a call with numbers for arguments; pointers are NULL or come from `text`.
pub(crate) fn call(number: i64, arguments: [usize; 6]) -> Result<i64, Errno> {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: the tests pass NULL, addresses of memory that lives through the call, or numbers;
    // a call that the kernel would let do harm is made in a process that is thrown away.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if result >= 0 {
        return Ok(result);
    }
    Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap())
}

/// `getpid` by the 32-bit entry of x86.
#[cfg(target_arch = "x86_64")]
pub(crate) fn getpid_by_int80() -> i64 {
    let result: i64;
    // SAFETY: `int 0x80` with number 20 takes no argument and writes no memory; the kernel keeps
    // all registers but those named.
    unsafe {
        std::arch::asm!(
            "int 0x80", inlateout("rax") 20_i64 => result,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    result
}

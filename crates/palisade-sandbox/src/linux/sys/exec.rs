//! `execve(2)` with an argument and environment block made beforehand.

use std::ffi::{CStr, CString};

use rustix::io::Errno;

use super::clone::last_errno;

/// A NULL-terminated array of C strings, as `execve(2)` wants it.
#[derive(Debug)]
pub struct StringArray {
    // Keeps the memory that `pointers` names.
    _strings: Vec<CString>,
    pointers: Vec<*const libc::c_char>,
}

impl StringArray {
    /// The array of these strings.
    pub fn new(strings: Vec<CString>) -> Self {
        let mut pointers: Vec<_> = strings.iter().map(|string| string.as_ptr()).collect();
        pointers.push(std::ptr::null());
        Self { _strings: strings, pointers }
    }
}

/// Replace this process. Returns only if that failed. Allocates nothing.
pub fn exec(program: &CStr, argv: &StringArray, environment: &StringArray) -> Errno {
    // SAFETY: `program` is NUL-terminated; both arrays are NULL-terminated arrays of
    // NUL-terminated strings that live as long as the borrowed `StringArray`s.
    unsafe {
        libc::execve(program.as_ptr(), argv.pointers.as_ptr(), environment.pointers.as_ptr())
    };
    last_errno()
}

/// Overwrite the environment strings that this process was started with: `/proc/1/environ` of a
/// forked init would show the operator's. The variables are gone afterwards.
pub fn forget_environment() {
    // SAFETY: the caller is a child with one thread, so nobody else reads the environment now.
    let mut entry = unsafe { libc::environ };
    if entry.is_null() {
        return;
    }
    loop {
        // SAFETY: `entry` walks a NULL-terminated array and stops at the NULL.
        let string = unsafe { *entry };
        if string.is_null() {
            break;
        }
        // SAFETY: each entry is a NUL-terminated string.
        let length = unsafe { libc::strlen(string) };
        // SAFETY: `length` writable bytes at `string`: the kernel put them on the stack, or
        // `setenv` on the heap.
        unsafe { std::ptr::write_bytes(string.cast::<u8>(), 0, length) };
        // SAFETY: the array goes on until its NULL.
        entry = unsafe { entry.add(1) };
    }
    // SAFETY: one thread; an empty environment is a valid one.
    unsafe { libc::clearenv() };
}

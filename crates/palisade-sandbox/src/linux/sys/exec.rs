//! `execve(2)` with an argument and environment block made beforehand.

use std::ffi::{CStr, CString};

use rustix::io::Errno;

use super::clone::last_errno;

/// A NULL-terminated array of C strings, as `execve(2)` wants it.
#[derive(Debug)]
pub struct StringArray {
    // Keeps the memory that `pointers` names.
    strings: Vec<CString>,
    pointers: Vec<*const libc::c_char>,
}

impl StringArray {
    /// The array of these strings.
    pub fn new(strings: Vec<CString>) -> Self {
        let mut pointers: Vec<_> = strings.iter().map(|string| string.as_ptr()).collect();
        pointers.push(std::ptr::null());
        Self { strings, pointers }
    }

    /// Of an environment: with these entries, each in place of one of the same name.
    pub fn set(&mut self, entries: Vec<CString>) {
        let name = |entry: &CString| {
            let bytes = entry.to_bytes();
            let end = bytes.iter().position(|byte| *byte == b'=').unwrap_or(bytes.len());
            bytes.get(..end).unwrap_or_default().to_vec()
        };
        let names: Vec<_> = entries.iter().map(name).collect();
        let mut strings = std::mem::take(&mut self.strings);
        strings.retain(|entry| !names.contains(&name(entry)));
        strings.extend(entries);
        *self = Self::new(strings);
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

/// Overwrite the arguments and environment that this process was started with: `/proc/1/cmdline` and
/// `environ` of a forked init would show the operator's. The variables are gone afterwards.
///
/// # Errors
/// The kernel does not say where they are.
pub fn forget_start() -> Result<(), Errno> {
    // SAFETY: the caller is a child with one thread, so nobody else reads the environment now.
    unsafe { libc::clearenv() };
    for (start, end) in start_strings().ok_or(Errno::NOTSUP)? {
        let length = end.checked_sub(start).ok_or(Errno::NOTSUP)?;
        // SAFETY: the kernel says that the strings which it put on this process's stack at exec lie
        // from `start` to `end`. One thread, and no reference to them: the C library's
        // environment is empty by now, and this process reads its arguments no more.
        unsafe { std::ptr::write_bytes(start as *mut u8, 0, length) };
    }
    Ok(())
}

/// Where the strings of the arguments and of the environment are: `proc_pid_stat(5)`, fields 48 to 51.
fn start_strings() -> Option<[(usize, usize); 2]> {
    let stat = std::fs::read("/proc/self/stat").ok()?;
    let stat = String::from_utf8_lossy(&stat);
    // The second field is the program's name in parentheses, and may hold any of both.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(45).map(str::parse::<usize>);
    let mut next = || fields.next()?.ok();
    Some([(next()?, next()?), (next()?, next()?)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_set_takes_the_place_of_its_name_alone() {
        let mut array = StringArray::new(vec![c"A=1".into(), c"AB=2".into(), c"C=".into()]);
        array.set(vec![c"A=x=y".into(), c"D=4".into()]);
        let expected = [c"AB=2", c"C=", c"A=x=y", c"D=4"];
        assert_eq!(array.strings, expected.map(CStr::to_owned));
        assert_eq!(array.pointers.len(), 5);
        assert!(array.pointers.last().unwrap().is_null());
    }

    #[test]
    fn the_kernel_says_where_the_arguments_are() {
        let [(start, end), (environment, _)] = start_strings().unwrap();
        let told: usize = std::env::args_os().map(|word| word.len() + 1).sum();
        assert_eq!((end - start, environment), (told, end));
    }
}

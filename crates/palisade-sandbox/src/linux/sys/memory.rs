//! Memory of this process that it can do without.

use std::{fs, os::unix::fs::FileExt};

use libc::{MADV_DONTNEED, c_void};
use rustix::io::Errno;

/// Give back the program text that was used until now: most of it serves a launch, which is over. What is
/// needed again is mapped again from the file. Where the kernel does not do it, nothing is lost but memory.
pub fn release_text() {
    let Ok(maps) = fs::read_to_string("/proc/self/maps") else { return };
    for (start, end) in maps.lines().filter_map(text) {
        // SAFETY: the kernel says that from `start` to `end` is one private mapping of a file that can be
        // executed and not written. Nobody wrote to it, so what it reads from the file again is the same.
        // Nothing unmaps it: no library is ever closed here.
        unsafe { libc::madvise(start as *mut c_void, end.saturating_sub(start), MADV_DONTNEED) };
    }
}

/// Overwrite these places of this process's memory, by address and length. For a fork, whose copy of what
/// its parent needs is of no use to it.
///
/// # Errors
/// The kernel does not let this process write to itself.
pub fn overwrite(places: &[(u64, u64)]) -> Result<(), Errno> {
    if places.is_empty() {
        return Ok(());
    }
    let errno = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
    let memory = fs::OpenOptions::new().write(true).open("/proc/self/mem").map_err(errno)?;
    for (address, length) in places {
        let length = usize::try_from(*length).map_err(|_| Errno::INVAL)?;
        memory.write_all_at(&vec![0; length], *address).map_err(errno)?;
    }
    Ok(())
}

/// Overwrite what the environment's variables say. For a child that has no use for what its parent was given.
///
/// # Errors
/// As [`overwrite`], or `/proc` is not there.
pub fn forget_environment() -> Result<(), Errno> {
    let stat = fs::read_to_string("/proc/self/stat").map_err(|_| Errno::NOENT)?;
    // `proc_pid_stat(5)`: env_start and env_end are fields 50 and 51; the second, a name in brackets, may
    // hold anything.
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest).ok_or(Errno::INVAL)?;
    let mut fields = fields.split_ascii_whitespace().skip(47).map(str::parse::<u64>);
    match (fields.next(), fields.next()) {
        (Some(Ok(start)), Some(Ok(end))) if end > start => overwrite(&[(start, end - start)]),
        (Some(Ok(_)), Some(Ok(_))) => Ok(()),
        _ => Err(Errno::INVAL),
    }
}

/// `proc_pid_maps(5)`: the range, if this line is one of text of a file.
fn text(line: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_ascii_whitespace();
    let (range, rights, file) = (fields.next()?, fields.next()?, fields.nth(3)?);
    if rights != "r-xp" || !file.starts_with('/') {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    Some((usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_overwritten_is_gone() {
        let text = String::from("the secret");
        let address = u64::try_from(text.as_ptr().addr()).unwrap();
        overwrite(&[(address + 4, 6)]).unwrap();
        assert_eq!(std::hint::black_box(text), "the \0\0\0\0\0\0");
        assert_eq!(overwrite(&[(8, 1)]), Err(Errno::IO));
    }

    #[test]
    fn only_text_of_files_is_given_back() {
        let line = |rights, file| format!("7f00-8f00 {rights} 00001000 fe:00 123      {file}");
        assert_eq!(text(&line("r-xp", "/usr/bin/palisade")), Some((0x7f00, 0x8f00)));
        for (rights, file) in [
            ("rw-p", "/a"),
            ("r--p", "/a"),
            ("rwxp", "/a"),
            ("r-xs", "/a"),
            ("r-xp", "[vdso]"),
            ("r-xp", ""),
        ] {
            assert_eq!(text(&line(rights, file)), None, "{rights} {file}");
        }
    }

    #[test]
    fn the_program_goes_on_without_the_text_it_had() {
        let resident = || {
            let maps = fs::read_to_string("/proc/self/smaps").unwrap();
            let mut in_text = false;
            let mut sum = 0;
            for line in maps.lines() {
                if line.contains(" r-xp ") {
                    in_text = line.contains('/');
                } else if line.contains("-p ") || line.contains("rw-p") {
                    in_text = false;
                } else if let (true, Some(kilobytes)) = (in_text, line.strip_prefix("Rss:")) {
                    sum += kilobytes.trim().trim_end_matches(" kB").parse::<u64>().unwrap();
                }
            }
            sum
        };
        // Twice: what looks at it is text as well.
        resident();
        let before = resident();
        release_text();
        let after = resident();
        assert!(after < before, "{after} kB of {before}");
    }
}

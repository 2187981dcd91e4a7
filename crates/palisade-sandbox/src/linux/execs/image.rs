use std::{fs::File, io::Read};

use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    io::Errno,
    process::Pid,
};

use super::{Arguments, MOST_ARGUMENTS, MOST_BYTES, View, memory::Memory};
use crate::linux::{callers::Executable, sys::trace};

/// Pages of a stack that are read at first.
const PAGES: u64 = 4;
/// Words of a stack behind the arguments' addresses that are looked through.
const MOST_VARIABLES: u64 = 64 * 1024;

/// `AT_NULL` and `AT_EXECFN` of `getauxval(3)`.
const END: u64 = 0;
const NAME: u64 = 31;

/// The arguments of a program, and the path that was executed.
type Given = (Arguments, Vec<u8>);

/// What a process has become, before any of it runs. The kernel's own word for all of it.
#[derive(Debug)]
pub struct Image {
    /// The program that is mapped; of a script, its interpreter.
    pub executable: Executable,
    /// Its arguments; of a script, the interpreter's.
    pub arguments: Arguments,
    /// The path that was executed, as the kernel copied it; of a script, the script's.
    pub name: Vec<u8>,
    /// The script, where what was executed is one: the file that its path leads to now, as far as that can be told.
    pub script: Option<Option<Executable>>,
}

impl Image {
    /// Look at a process that is stopped there.
    ///
    /// # Errors
    /// ESRCH where it was killed; EACCES and EPERM where it may not be looked at.
    pub fn look(process: Pid, view: &View) -> Result<Self, Errno> {
        let number = u32::try_from(process.as_raw_nonzero().get()).map_err(|_| Errno::SRCH)?;
        let executable = Executable::of_process(number).map_err(gone)?;
        let (arguments, name) = match on_stack(process, number) {
            Some(found) => found,
            None => by_proc(number)?,
        };
        // The kernel puts a script's path behind its interpreter and that one's argument.
        let behind = arguments.words.iter().skip(1).any(|word| *word == name);
        let script = if behind {
            let named = view.surely(number, &name).ok().flatten();
            let is_program =
                |file: &Executable| file.identity().is_same_file(&executable.identity());
            (!named.as_ref().is_some_and(is_program)).then_some(named)
        } else {
            None
        };
        Ok(Self { executable, arguments, name, script })
    }
}

/// The variables of a process that is stopped there.
///
/// # Errors
/// See [`Image::look`].
pub fn environment_of(process: Pid) -> Result<Arguments, Errno> {
    let number = u32::try_from(process.as_raw_nonzero().get()).map_err(|_| Errno::SRCH)?;
    Ok(split(&read(number, "environ", MOST_BYTES + 1)?))
}

/// What has no folder in `/proc` any more was killed.
fn gone(errno: Errno) -> Errno {
    if errno == Errno::NOENT { Errno::SRCH } else { errno }
}

/// The arguments and the path, as the kernel has just put them on the stack for a 64-bit program: a count, the addresses
/// of the arguments, those of the variables, the auxiliary vector. `None`: they do not lie there like that.
fn on_stack(process: Pid, number: u32) -> Option<Given> {
    let stack = trace::stack(process).ok().flatten()?;
    let mut memory = Memory::of(number);
    // Mostly all of it lies here.
    memory.expect((0..PAGES).map(|page| stack.saturating_add(page * 4096)));
    let count = memory.word(stack).ok()?;
    let after = |words: u64| stack.checked_add(words.checked_mul(8)?);
    let arguments = memory.arguments(after(1)?).ok()?;
    let read = u64::try_from(arguments.words.len()).ok()?;
    if read != count && (arguments.whole || read > count) {
        return None;
    }
    let mut at = count.checked_add(1)?;
    if memory.word(after(at)?).ok()? != 0 {
        return None;
    }
    let last = at.checked_add(MOST_VARIABLES)?;
    loop {
        at = at.checked_add(1).filter(|at| *at < last)?;
        if memory.word(after(at)?).ok()? == 0 {
            break;
        }
    }
    loop {
        let kind = memory.word(after(at.checked_add(1)?)?).ok()?;
        let value = memory.word(after(at.checked_add(2)?)?).ok()?;
        match kind {
            NAME => return Some((arguments, memory.path(value).ok()?)),
            END => return None,
            _ => at = at.checked_add(2).filter(|at| *at < last)?,
        }
    }
}

/// The same as `/proc` tells it, of whatever kind the program is.
fn by_proc(number: u32) -> Result<Given, Errno> {
    let arguments = split(&read(number, "cmdline", MOST_BYTES + 1)?);
    let name = Memory::of(number).path(name_of(number)?)?;
    Ok((arguments, name))
}

fn read(number: u32, name: &str, most: usize) -> Result<Vec<u8>, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let path = format!("/proc/{number}/{name}");
    let file = File::from(openat(CWD, path, flags, Mode::empty()).map_err(gone)?);
    // More than most have: each read costs as much as what it reads.
    let mut bytes = Vec::with_capacity(4096.min(most));
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let read = file.take(most).read_to_end(&mut bytes);
    read.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    Ok(bytes)
}

/// Each ends in a NUL; what comes behind the last was cut off.
fn split(bytes: &[u8]) -> Arguments {
    let mut words: Vec<Vec<u8>> = bytes.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
    let cut = words.pop().is_some_and(|rest| !rest.is_empty());
    let whole = !cut && bytes.len() <= MOST_BYTES && words.len() <= MOST_ARGUMENTS;
    words.truncate(MOST_ARGUMENTS);
    Arguments { words, whole }
}

/// Where the path lies that was executed.
fn name_of(number: u32) -> Result<u64, Errno> {
    let bytes = read(number, "auxv", 4096)?;
    let (words, _) = bytes.as_chunks::<8>();
    let mut words = words.iter().map(|word| u64::from_ne_bytes(*word));
    while let (Some(kind), Some(value)) = (words.next(), words.next()) {
        match kind {
            NAME => return Ok(value),
            END => break,
            _ => {}
        }
    }
    Err(Errno::NOEXEC)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        process::{Command, Stdio},
    };

    use super::*;
    use crate::linux::sys::trace::Change;

    #[test]
    fn this_process_is_what_it_is() {
        let view = View::at(std::path::Path::new("/")).unwrap();
        let us = Pid::from_raw(i32::try_from(std::process::id()).unwrap()).unwrap();
        let image = Image::look(us, &view).unwrap();
        let path = std::env::current_exe().unwrap();
        assert_eq!(image.executable.path(), path.to_str().unwrap());
        let given: Vec<Vec<u8>> = std::env::args().map(String::into_bytes).collect();
        assert_eq!(image.arguments, Arguments { words: given, whole: true });
        assert!(image.script.is_none());
        assert!(image.name.ends_with(path.file_name().unwrap().as_encoded_bytes()));
    }

    /// What a program becomes that is told so by its input, before any of it runs.
    fn becomes(argv: &[&str]) -> (Image, Option<Given>, Given) {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "echo; read line; exec \"$@\"", "sh"]).args(argv);
        let mut child = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        // It was started before it has become the shell: that would be the first change.
        child.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
        trace::seize(pid).unwrap();
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
        while !matches!(trace::next_change(), Ok(Some((of, Change::Exec))) if of == pid) {
            std::thread::yield_now();
        }
        let view = View::at(std::path::Path::new("/")).unwrap();
        let found = Image::look(pid, &view).unwrap();
        let both = (on_stack(pid, child.id()), by_proc(child.id()).unwrap());
        trace::detach(pid, 0).unwrap();
        child.wait().unwrap();
        (found, both.0, both.1)
    }

    #[test]
    fn a_program_that_has_just_begun_is_what_its_stack_says() {
        let long = "x".repeat(70_000);
        let many: Vec<String> = (0..4000).map(|number| number.to_string()).collect();
        let mut much = vec!["/bin/true"];
        much.extend(many.iter().map(String::as_str));
        for argv in [&["/bin/true"][..], &["/bin/true", "", "b c"], &["/bin/true", &long], &much] {
            let (image, on_stack, by_proc) = becomes(argv);
            assert_eq!(on_stack.as_ref(), Some(&by_proc));
            assert_eq!((image.name.as_slice(), image.arguments.whole), (&b"/bin/true"[..], true));
            assert_eq!(
                image.arguments.words,
                argv.iter().map(|it| it.as_bytes()).collect::<Vec<_>>()
            );
            assert!(image.script.is_none());
        }
        let cut = "y".repeat(100_000);
        let (image, on_stack, by_proc) = becomes(&["/bin/true", &cut, &cut, &cut]);
        assert!(!image.arguments.whole && !by_proc.0.whole);
        assert_eq!(on_stack.unwrap().0.words.len(), 3);
    }

    #[test]
    fn arguments_that_were_cut_off_are_not_whole() {
        let all = split(b"a\0\0b\0");
        assert_eq!((all.words.len(), all.whole), (3, true));
        assert!(!split(b"a\0b").whole);
        assert!(!split(&[b"a".as_slice(), &[0; MOST_BYTES]].concat()).whole);
        assert_eq!(split(b""), Arguments { words: Vec::new(), whole: true });
    }
}

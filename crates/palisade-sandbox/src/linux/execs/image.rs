use std::{
    fs::File,
    io::Read,
    os::fd::{AsFd, OwnedFd},
};

use rustix::{
    fs::{Mode, OFlags, openat},
    io::Errno,
    process::Pid,
};

use super::{Arguments, MOST_ARGUMENTS, MOST_BYTES, View, attempt::folder_of, memory::Memory};
use crate::linux::callers::Executable;

/// `AT_NULL` and `AT_EXECFN` of `getauxval(3)`.
const END: u64 = 0;
const NAME: u64 = 31;

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
        let folder = folder_of(number)?;
        let executable = Executable::of(&folder)?;
        let arguments = arguments(&folder)?;
        let name = Memory::of(&folder)?.path(name_of(&folder)?)?;
        // The kernel puts a script's path behind its interpreter and that one's argument.
        let behind = arguments.words.iter().skip(1).any(|word| *word == name);
        let script = if behind {
            let named = view.file_of(folder.as_fd(), None, &name).ok().flatten();
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
    Ok(split(&read(&folder_of(number)?, "environ", MOST_BYTES + 1)?))
}

fn read(folder: &OwnedFd, name: &str, most: usize) -> Result<Vec<u8>, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = File::from(openat(folder, name, flags, Mode::empty())?);
    // More than most have: each read costs as much as what it reads.
    let mut bytes = Vec::with_capacity(4096.min(most));
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let read = file.take(most).read_to_end(&mut bytes);
    read.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    Ok(bytes)
}

fn arguments(folder: &OwnedFd) -> Result<Arguments, Errno> {
    let bytes = read(folder, "cmdline", MOST_BYTES + 1)?;
    Ok(split(&bytes))
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
fn name_of(folder: &OwnedFd) -> Result<u64, Errno> {
    let bytes = read(folder, "auxv", 4096)?;
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
    use super::*;

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

    #[test]
    fn arguments_that_were_cut_off_are_not_whole() {
        let all = split(b"a\0\0b\0");
        assert_eq!((all.words.len(), all.whole), (3, true));
        assert!(!split(b"a\0b").whole);
        assert!(!split(&[b"a".as_slice(), &[0; MOST_BYTES]].concat()).whole);
        assert_eq!(split(b""), Arguments { words: Vec::new(), whole: true });
    }
}

//! The first line of a script, by which the kernel finds what runs it.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

/// What a `#!` line says, read as Linux reads it (`fs/binfmt_script.c`): the interpreter, and all that follows as one
/// argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScriptLine<'a> {
    interpreter: &'a [u8],
    argument: &'a [u8],
}

impl<'a> ScriptLine<'a> {
    /// How many bytes of a file the kernel looks at (`BINPRM_BUF_SIZE`); what follows them counts for nothing.
    pub const LONGEST: usize = 256;

    /// The line of a file that begins with these bytes. `None` if they are not a script's, or name nothing.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let head = bytes.get(..bytes.len().min(Self::LONGEST))?;
        let line = head.strip_prefix(b"#!")?;
        let line = line.split(|byte| *byte == b'\n').next()?;
        let line = trim(line.split(|byte| *byte == 0).next()?);
        let end = line.iter().position(|byte| is_blank(*byte)).unwrap_or(line.len());
        let (interpreter, argument) = line.split_at_checked(end)?;
        (!interpreter.is_empty()).then_some(Self { interpreter, argument: trim(argument) })
    }

    /// The file that is executed. A path that is not absolute is one from wherever the script is started.
    #[must_use]
    pub fn interpreter(self) -> &'a Path {
        Path::new(OsStr::from_bytes(self.interpreter))
    }

    /// The program that `env` looks for, if that is the interpreter: what is neither an option of its own nor a variable.
    #[must_use]
    pub fn of_env(self) -> Option<&'a OsStr> {
        if self.interpreter().file_name() != Some(OsStr::new("env")) {
            return None;
        }
        self.argument
            .split(|byte| byte.is_ascii_whitespace())
            .filter(|word| !word.is_empty())
            .find(|word| !word.starts_with(b"-") && !word.contains(&b'='))
            .map(OsStr::from_bytes)
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn trim(line: &[u8]) -> &[u8] {
    let start = line.iter().position(|byte| !is_blank(*byte)).unwrap_or(line.len());
    let end = line.iter().rposition(|byte| !is_blank(*byte)).map_or(start, |last| last + 1);
    line.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Option<(String, Option<String>)> {
        let line = ScriptLine::read(bytes)?;
        let text = |text: &OsStr| text.to_str().unwrap_or("?").to_owned();
        Some((text(line.interpreter().as_os_str()), line.of_env().map(text)))
    }

    #[test]
    fn a_line_is_read_as_the_kernel_reads_it() {
        let plain = |path: &str| Some((path.to_owned(), None));
        let env = |name: &str| Some(("/usr/bin/env".to_owned(), Some(name.to_owned())));
        assert_eq!(read(b"#!/bin/sh\necho\n"), plain("/bin/sh"));
        assert_eq!(read(b"#! \t/bin/sh \t-e \nx"), plain("/bin/sh"));
        assert_eq!(read(b"#!/bin/sh"), plain("/bin/sh"));
        assert_eq!(read(b"#!/bin/a\0b\n"), plain("/bin/a"));
        // A carriage return is part of the name.
        assert_eq!(read(b"#!/bin/sh\r\n"), plain("/bin/sh\r"));
        assert_eq!(read(b"#!sh\n"), plain("sh"));
        assert_eq!(read(b"#!/usr/bin/env node\n"), env("node"));
        assert_eq!(read(b"#!/usr/bin/env -S A=b python3 -u\n"), env("python3"));
        assert_eq!(read(b"#!/usr/bin/env\n"), plain("/usr/bin/env"));
        for none in [&b""[..], b"#", b"#!", b"#!\n/bin/sh", b"#! \t\n", b" #!/bin/sh", b"\x7fELF"] {
            assert_eq!(read(none), None, "{none:?}");
        }
    }

    #[test]
    fn what_lies_beyond_what_the_kernel_looks_at_counts_for_nothing() {
        let long = [b"#!/".as_slice(), &[b'a'; 400]].concat();
        assert_eq!(read(&long).map(|(path, _)| path.len()), Some(ScriptLine::LONGEST - 2));
    }
}

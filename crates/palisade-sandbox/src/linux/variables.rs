//! Variables of the environment that are known only after the sandbox was planned: what stands in
//! place of secrets, which are read when everything is forked.

use std::{
    ffi::CString,
    fs::File,
    io::{Read, Seek, Write},
    os::fd::OwnedFd,
};

use rustix::{
    fs::{MemfdFlags, memfd_create},
    io::Errno,
};

use crate::step::{Step, StepError};

/// Bytes that all of them may have together.
const MOST_BYTES: u64 = 128 * 1024;

/// A file of these, to be sent.
pub(crate) fn written(variables: &[(String, String)]) -> Result<OwnedFd, StepError> {
    const STEP: &str = "write down variables";
    let mut bytes = Vec::new();
    for (name, value) in variables {
        let sound = !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0');
        if !sound || name == "PATH" {
            return Err(Errno::INVAL).step(STEP);
        }
        bytes.extend_from_slice(format!("{name}={value}\0").as_bytes());
    }
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MOST_BYTES {
        return Err(Errno::TOOBIG).step(STEP);
    }
    let mut file = File::from(memfd_create(c"variables", MemfdFlags::CLOEXEC).step(STEP)?);
    file.write_all(&bytes).map_err(errno).step(STEP)?;
    file.rewind().map_err(errno).step(STEP)?;
    Ok(file.into())
}

/// What was written, as entries of an environment.
pub(crate) fn receive(descriptors: Vec<OwnedFd>) -> Result<Vec<CString>, StepError> {
    const STEP: &str = "read variables";
    let file = descriptors.into_iter().next().ok_or(Errno::BADF).step(STEP)?;
    let mut bytes = Vec::new();
    File::from(file).take(MOST_BYTES).read_to_end(&mut bytes).map_err(errno).step(STEP)?;
    let entries = bytes.split_inclusive(|byte| *byte == 0);
    let entries = entries.map(|entry| CString::from_vec_with_nul(entry.to_vec()));
    entries.collect::<Result<_, _>>().map_err(|_| Errno::INVAL).step(STEP)
}

fn errno(error: std::io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn variables_cross_as_they_are() {
        let sent = written(&[pair("A", ""), pair("B", "x=y\nz")]).unwrap();
        let expected = [c"A=", c"B=x=y\nz"].map(CStr::to_owned);
        assert_eq!(receive(vec![sent]).unwrap(), expected);
        assert!(receive(vec![written(&[]).unwrap()]).unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_a_variable_is_refused() {
        let long = "x".repeat(200_000);
        for (name, value) in
            [("", "x"), ("A=B", "x"), ("A\0", "x"), ("A", "x\0y"), ("PATH", "/"), ("A", &long)]
        {
            assert!(written(&[pair(name, value)]).is_err(), "{name}");
        }
        assert!(receive(Vec::new()).is_err());
    }
}

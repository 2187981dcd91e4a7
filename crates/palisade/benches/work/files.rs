use std::{
    fs::{self, File},
    io::{Read, Write},
};

use crate::stage::Outcome;

/// Files in one folder.
const FOLDER: usize = 200;

/// Make this many files of a kilobyte here, look at each, read and remove it.
pub(crate) fn work(count: usize) -> Outcome<()> {
    let folders = || 0..count.div_ceil(FOLDER);
    let files = |folder: usize| {
        (0..FOLDER.min(count - folder * FOLDER)).map(move |file| format!("files/{folder}/{file}"))
    };
    fs::create_dir("files")?;
    for folder in folders() {
        fs::create_dir(format!("files/{folder}"))?;
        for name in files(folder) {
            File::create(name)?.write_all(&[b'x'; 1024])?;
        }
    }
    let mut bytes = 0;
    for name in folders().flat_map(files) {
        bytes += fs::metadata(&name)?.len();
        let mut text = Vec::with_capacity(1024);
        File::open(&name)?.read_to_end(&mut text)?;
        bytes -= text.len() as u64;
        fs::remove_file(name)?;
    }
    fs::remove_dir_all("files")?;
    if bytes == 0 { Ok(()) } else { Err("files are not as long as they say".into()) }
}

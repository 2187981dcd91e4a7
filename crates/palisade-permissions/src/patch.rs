//! The files that a patch in the form of `apply_patch` changes.

/// Names of all files that it adds, changes, deletes or moves to; `None` if it names none, or is odd.
pub(crate) fn files(text: &str) -> Option<Vec<String>> {
    const MARKS: [&str; 4] =
        ["*** Add File:", "*** Update File:", "*** Delete File:", "*** Move to:"];
    let mut out = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        // A reader that is more lenient about blanks must not find more than is found here.
        if !line.starts_with("***") {
            continue;
        }
        match MARKS.iter().find_map(|mark| line.strip_prefix(mark)) {
            Some(name) if !name.trim().is_empty() => out.push(name.trim().to_owned()),
            Some(_) => return None,
            None if matches!(
                line,
                "*** Begin Patch" | "*** End Patch" | "*** End of File" | "***"
            ) => {}
            None if line.to_ascii_lowercase().contains("file") || line.contains("Move") => {
                return None;
            }
            None => {}
        }
    }
    (!out.is_empty()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_named() {
        let text = "*** Begin Patch\n*** Add File: a.rs\n+x\n*** Update File: b/c.rs\n*** Move to: d.rs\n@@\n-x\n+y\n*** Delete File: e\n*** End Patch";
        assert_eq!(files(text).unwrap(), ["a.rs", "b/c.rs", "d.rs", "e"]);
        assert_eq!(files("*** Begin Patch\n*** End Patch"), None);
        assert_eq!(files("*** Update file: x"), None);
        assert_eq!(files("*** Add File:  \n"), None);
    }
}

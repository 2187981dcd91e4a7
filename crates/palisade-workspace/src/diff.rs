//! Changes in git's format.
//!
//! Names are quoted as git does, so no name can forge a line. Renames are a deletion and an
//! addition; folders, which git does not know, are left out. For a program, files that are no text
//! are there in full, as `git diff --binary` has them.

mod binary;

use std::{
    fs::File,
    io::Read,
    path::Path,
    time::{Duration, Instant},
};

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline, group_diff_ops};

use crate::{
    beneath::{self, Root},
    change::Change,
    error::{WorkspaceError, io},
    overlay::Overlay,
    quote::{quoted_behind, readable},
    seen::{Kind, Seen},
};

/// What is longer is shown like a binary file.
const LONGEST: u64 = 4 << 20;
/// What is longer is not there in full, for a program neither.
const LONGEST_BINARY: u64 = 64 << 20;
/// A NUL this early makes a file binary, as in git.
const BINARY_WITHIN: usize = 8000;
/// Unchanged lines around a change.
const CONTEXT: usize = 3;
/// A hostile pair of files must not keep the operator: after this the diff is right but longer.
const PATIENCE: Duration = Duration::from_millis(500);

/// Whom the text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A program: lines are what they are in the file.
    Exact,
    /// A terminal: what could steer it is written as escapes.
    Readable,
}

/// One side of a file.
enum Side {
    Nothing,
    Text { mode: String, content: Vec<u8> },
    Binary { mode: String, content: Option<Vec<u8>> },
}

/// One change as text; empty for what git cannot say.
///
/// # Errors
/// A file that cannot be read, or changed since the change was found.
pub fn of(overlay: &Overlay, change: &Change, form: Form) -> Result<Vec<u8>, WorkspaceError> {
    let host = overlay.host()?;
    let old = side(&host, change, change.old, form)?;
    let new = side(&overlay.upper, change, change.new, form)?;
    let mut out = Vec::new();
    let same_kind = change.old.zip(change.new).is_some_and(|(old, new)| old.kind == new.kind);
    if same_kind || matches!(old, Side::Nothing) || matches!(new, Side::Nothing) {
        section(&change.path, &old, &new, form, &mut out);
    } else {
        section(&change.path, &old, &Side::Nothing, form, &mut out);
        section(&change.path, &Side::Nothing, &new, form, &mut out);
    }
    Ok(out)
}

fn side(
    root: &Root,
    change: &Change,
    seen: Option<Seen>,
    form: Form,
) -> Result<Side, WorkspaceError> {
    let Some(seen) = seen else { return Ok(Side::Nothing) };
    let path = &change.path;
    match seen.kind {
        Kind::File => {
            let mode = format!("100{:03o}", seen.permissions());
            let longest = if form == Form::Exact { LONGEST_BINARY } else { LONGEST };
            if seen.size > longest || change.unfit.is_some() {
                return Ok(Side::Binary { mode, content: None });
            }
            let (file, now) = match root.file(path) {
                Ok(found) => found,
                Err(rustix::io::Errno::ACCESS) => return Ok(Side::Binary { mode, content: None }),
                Err(errno) => return Err(io("open", path)(errno)),
            };
            if !now.same_as(&seen) {
                return Err(WorkspaceError::Unsteady(path.clone()));
            }
            let content = read(file, path, longest)?;
            let binary =
                seen.size > LONGEST || content.iter().take(BINARY_WITHIN).any(|byte| *byte == 0);
            Ok(if binary {
                Side::Binary { mode, content: Some(content) }
            } else {
                Side::Text { mode, content }
            })
        }
        Kind::Link => {
            let to = root
                .parent(path)
                .and_then(|(folder, name)| beneath::link(folder, name))
                .map_err(io("read the link", path))?;
            let content = to.into_os_string().into_encoded_bytes();
            Ok(Side::Text { mode: "120000".to_owned(), content })
        }
        _ => Ok(Side::Nothing),
    }
}

fn read(file: File, path: &Path, longest: u64) -> Result<Vec<u8>, WorkspaceError> {
    let mut content = Vec::new();
    file.take(longest).read_to_end(&mut content).map_err(|error| {
        let errno = rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::IO);
        io("read", path)(errno)
    })?;
    Ok(content)
}

impl Side {
    fn mode(&self) -> Option<&str> {
        match self {
            Side::Nothing => None,
            Side::Text { mode, .. } | Side::Binary { mode, .. } => Some(mode),
        }
    }

    fn content(&self) -> Option<&[u8]> {
        match self {
            Side::Nothing => Some(&[]),
            Side::Text { content, .. } => Some(content),
            Side::Binary { content, .. } => content.as_deref(),
        }
    }

    fn is_binary(&self) -> bool {
        matches!(self, Side::Binary { .. })
    }
}

fn section(path: &Path, old: &Side, new: &Side, form: Form, out: &mut Vec<u8>) {
    let (a, b) = (quoted_behind("a/", path), quoted_behind("b/", path));
    let mut line = |text: String| {
        out.extend_from_slice(text.as_bytes());
        out.push(b'\n');
    };
    match (old.mode(), new.mode()) {
        (None, None) => return,
        (None, Some(mode)) => {
            line(format!("diff --git {a} {b}"));
            line(format!("new file mode {mode}"));
        }
        (Some(mode), None) => {
            line(format!("diff --git {a} {b}"));
            line(format!("deleted file mode {mode}"));
        }
        (Some(before), Some(after)) => {
            line(format!("diff --git {a} {b}"));
            if before != after {
                line(format!("old mode {before}"));
                line(format!("new mode {after}"));
            }
        }
    }
    let names = |side: &Side, name: &str| match side {
        Side::Nothing => "/dev/null".to_owned(),
        // A tab ends a name with a space in it.
        _ if name.contains(' ') && !name.starts_with('"') => format!("{name}\t"),
        _ => name.to_owned(),
    };
    let contents = old.content().zip(new.content());
    if contents.is_some_and(|(before, after)| {
        old.mode().is_some() && new.mode().is_some() && before == after
    }) {
        return;
    }
    let binary = old.is_binary() || new.is_binary();
    if let (Some((before, after)), true, Form::Exact) = (contents, binary, form) {
        binary::patch(old.mode().map(|_| before), new.mode().map(|_| after), out);
        return;
    }
    let (Some((before, after)), false) = (contents, binary) else {
        if form == Form::Exact {
            // Without this line `git apply` would pass over the file in silence. With it it takes nothing.
            line("index 0000000..0000000".to_owned());
        }
        line(format!(
            "Binary files {} and {} differ",
            names(old, &a).trim_end(),
            names(new, &b).trim_end()
        ));
        return;
    };
    if before == after {
        return;
    }
    line(format!("--- {}", names(old, &a)));
    line(format!("+++ {}", names(new, &b)));
    hunks(before, after, form, out);
}

fn hunks(before: &[u8], after: &[u8], form: Form, out: &mut Vec<u8>) {
    let (before, after) = (lines(before), lines(after));
    let until = Instant::now().checked_add(PATIENCE);
    let ops = capture_diff_slices_deadline(Algorithm::Myers, &before, &after, until);
    for group in group_diff_ops(ops, CONTEXT) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let old = first.old_range().start..last.old_range().end;
        let new = first.new_range().start..last.new_range().end;
        let header = format!("@@ -{} +{} @@\n", range(old), range(new));
        out.extend_from_slice(header.as_bytes());
        for op in &group {
            let (taken, added) = match op {
                DiffOp::Equal { .. } => {
                    print(b' ', before.get(op.old_range()), form, out);
                    continue;
                }
                _ => (op.old_range(), op.new_range()),
            };
            print(b'-', before.get(taken), form, out);
            print(b'+', after.get(added), form, out);
        }
    }
}

/// The lines with their ends.
fn lines(content: &[u8]) -> Vec<&[u8]> {
    content.split_inclusive(|byte| *byte == b'\n').collect()
}

/// `START,COUNT` as in unified diffs: counted from 1, the line before if there is none.
fn range(lines: std::ops::Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => (lines.start + 1).to_string(),
        count => format!("{},{count}", lines.start + 1),
    }
}

fn print(sign: u8, lines: Option<&[&[u8]]>, form: Form, out: &mut Vec<u8>) {
    for line in lines.unwrap_or_default() {
        let (text, ended) = match line.strip_suffix(b"\n") {
            Some(text) => (text, true),
            None => (*line, false),
        };
        out.push(sign);
        match form {
            Form::Exact => out.extend_from_slice(text),
            Form::Readable => out.extend_from_slice(readable(text).as_bytes()),
        }
        out.push(b'\n');
        if !ended {
            out.extend_from_slice(b"\\ No newline at end of file\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(content: &str) -> Side {
        Side::Text { mode: "100644".to_owned(), content: content.as_bytes().to_vec() }
    }

    fn binary(mode: &str, content: Option<&[u8]>) -> Side {
        Side::Binary { mode: mode.to_owned(), content: content.map(<[u8]>::to_vec) }
    }

    fn shown(path: &str, old: &Side, new: &Side) -> String {
        let mut out = Vec::new();
        section(Path::new(path), old, new, Form::Readable, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_changed_file() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        assert_eq!(
            shown("a b", &text(old), &text(&old.replace("5\n", "five\nand\n"))),
            "diff --git a/a b b/a b\n--- a/a b\t\n+++ b/a b\t\n@@ -2,7 +2,8 @@\n 2\n 3\n 4\n-5\n+five\n+and\n 6\n 7\n 8\n"
        );
    }

    #[test]
    fn new_deleted_binary_mode_and_no_end_of_line() {
        assert_eq!(
            shown("n", &Side::Nothing, &text("x")),
            "diff --git a/n b/n\nnew file mode 100644\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n"
        );
        assert_eq!(
            shown("n", &text("x\n"), &Side::Nothing),
            "diff --git a/n b/n\ndeleted file mode 100644\n--- a/n\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
        );
        assert_eq!(
            shown("n", &text("x\n"), &binary("100755", Some(b"\0"))),
            "diff --git a/n b/n\nold mode 100644\nnew mode 100755\nBinary files a/n and b/n differ\n"
        );
        assert_eq!(
            shown("n", &Side::Nothing, &text("")),
            "diff --git a/n b/n\nnew file mode 100644\n"
        );
    }

    /// As `git diff --binary` has it, but for the compression.
    #[test]
    fn what_is_no_text_is_there_for_a_program() {
        let exact = |old: &Side, new: &Side| {
            let mut out = Vec::new();
            section(Path::new("n"), old, new, Form::Exact, &mut out);
            String::from_utf8(out).unwrap()
        };
        let zero = binary("100644", Some(b"\0"));
        let made = exact(&Side::Nothing, &zero);
        let head = "diff --git a/n b/n\nnew file mode 100644\n\
            index 0000000000000000000000000000000000000000..f76dd238ade08917e6712764a16a22005a50573d\n\
            GIT binary patch\nliteral 1\n";
        assert!(made.starts_with(head), "{made}");
        assert!(made.contains("\n\nliteral 0\nH"), "{made}");
        assert!(exact(&zero, &Side::Nothing).contains("\nGIT binary patch\nliteral 0\nH"));
        assert_eq!(
            exact(&zero, &binary("100755", Some(b"\0"))),
            "diff --git a/n b/n\nold mode 100644\nnew mode 100755\n"
        );
        // Git would pass over it without the line that it then says is wrong.
        assert_eq!(
            exact(&zero, &binary("100644", None)),
            "diff --git a/n b/n\nindex 0000000..0000000\nBinary files a/n and b/n differ\n"
        );
    }

    #[test]
    fn neither_a_name_nor_a_line_can_forge_another() {
        let shown = shown("a\n+++ b/x\u{1b}[2J", &Side::Nothing, &text("\u{1b}]0;x\u{7}\r\n"));
        assert_eq!(
            shown,
            "diff --git \"a/a\\n+++ b/x\\033[2J\" \"b/a\\n+++ b/x\\033[2J\"\nnew file mode 100644\n\
             --- /dev/null\n+++ \"b/a\\n+++ b/x\\033[2J\"\n@@ -0,0 +1 @@\n+\\u{1b}]0;x\\u{7}\\r\n"
        );
    }
}

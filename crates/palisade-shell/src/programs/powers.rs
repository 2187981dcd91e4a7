//! Options by which a program does what its name does not tell of.

use crate::Field;

/// Programs, and the options of each that run another program or write a file. A long option counts in each
/// shortening of it; a short one also where others stand before it, or its value behind it.
const POWERS: &[(&[&str], &[&str])] = &[
    (
        &["git"],
        &[
            "-c",
            "--config-env",
            "--exec-path",
            "--upload-pack",
            "--receive-pack",
            "--exec",
            "--output",
            "--ext-diff",
            "--textconv",
            "--open-files-in-pager",
            "-O",
            "--paginate",
            "--template",
            "--git-dir",
            "--work-tree",
            "-C",
            "--namespace",
        ],
    ),
    (&["sort"], &["--compress-program", "-o", "--output", "--files0-from", "-T"]),
    (&["ack", "ag", "bat", "batcat"], &["--pager"]),
    (&["rg"], &["--pre", "--hostname-bin", "--search-zip", "-z", "--follow", "-L"]),
    (&["tree"], &["-o", "-R", "-l"]),
    (&["file"], &["-C", "--compile", "-f", "--files-from", "-z", "-Z", "--uncompress"]),
    (&["wc", "du"], &["--files0-from"]),
    (&["base32", "base64", "basenc", "iconv", "sdiff", "shuf"], &["-o", "--output"]),
    (&["man"], &["-P", "--pager", "-H", "--html", "-C", "--config-file"]),
    (
        &["tar", "bsdtar", "gtar"],
        &[
            "--checkpoint-action",
            "--to-command",
            "-I",
            "--use-compress-program",
            "-F",
            "--info-script",
            "--new-volume-script",
            "--rsh-command",
            "--rmt-command",
        ],
    ),
    (
        &["find"],
        &[
            "-exec", "-execdir", "-ok", "-okdir", "-delete", "-fprint", "-fprint0", "-fprintf",
            "-fls",
        ],
    ),
    (&["fd", "fdfind"], &["-x", "-X", "--exec", "--exec-batch"]),
    (&["rsync"], &["-e", "--rsh", "--rsync-path", "--files-from"]),
    (&["ssh", "scp", "sftp"], &["-o", "-F", "-S", "-E", "-D", "-L", "-R", "-W", "-J"]),
    (
        &["curl"],
        &[
            "-o",
            "-O",
            "--output",
            "--remote-name",
            "-K",
            "--config",
            "-T",
            "--upload-file",
            "--dump-header",
            "-D",
            "--cookie-jar",
            "-c",
            "--trace",
            "--stderr",
        ],
    ),
    (
        &["wget"],
        &[
            "--use-askpass",
            "-e",
            "--execute",
            "-o",
            "-a",
            "-O",
            "-P",
            "--output-document",
            "--output-file",
            "--append-output",
            "--directory-prefix",
            "--config",
        ],
    ),
    (&["zip"], &["-T", "-TT", "--unzip-command"]),
    (&["tcpdump"], &["-z", "-w"]),
    (&["sed"], &["-i", "--in-place", "-f", "--file"]),
    (&["awk", "gawk", "mawk"], &["-f", "--file", "-i", "--include", "-l", "--load"]),
    (&["vim", "vi", "nvim", "ex", "view"], &["-c", "--cmd", "-S", "-s", "-w", "-W", "-u"]),
    (&["less", "more"], &["-o", "-O", "--log-file", "-k"]),
    (&["grep", "egrep", "fgrep"], &["-f", "-R", "--dereference-recursive"]),
    (&["diff"], &["--to-file", "--from-file", "-l", "--paginate"]),
    (&["xxd"], &["-r"]),
    (&["date"], &["-s", "--set", "-f", "--file"]),
    (&["hostname"], &["-F", "--file"]),
    (&["make", "gmake"], &["--eval", "-f", "--file", "--makefile", "-C", "--directory", "-I"]),
    (&["cargo"], &["--config"]),
    (&["go"], &["-exec", "-toolexec", "-vettool", "-o", "-overlay", "-modfile"]),
    (
        &["npm", "npx", "pnpm", "yarn"],
        &[
            "--script-shell",
            "--node-options",
            "--prefix",
            "--userconfig",
            "--globalconfig",
            "--call",
            "-c",
            "-C",
            "--git",
            "--editor",
            "--viewer",
            "--shell",
            "--browser",
        ],
    ),
    (
        &["pip", "pip3", "uv"],
        &["--index-url", "-i", "--extra-index-url", "--config-settings", "--python"],
    ),
    (&["psql"], &["-c", "-f", "-o", "--command", "--file", "--output"]),
    (&["sqlite3"], &["-cmd", "-init"]),
];

/// The options among these arguments that have such a power.
pub(crate) fn hidden_powers(program: &str, arguments: &[Field]) -> Vec<String> {
    let mut out = Vec::new();
    let Some((_, options)) = POWERS.iter().find(|(programs, _)| programs.contains(&program)) else {
        return out;
    };
    // What `--` ends for `find` is not its expression.
    let expression = program == "find";
    for (index, argument) in arguments.iter().enumerate() {
        if argument.known() == Some("--") && !expression {
            break;
        }
        let text = argument.start();
        let may_be_option = text.is_empty() || (text.starts_with('-') && !text.contains('='));
        // Where words may begin anew, or nothing is known of how it begins, any option may stand.
        if argument.is_open() || (argument.known().is_none() && may_be_option) {
            out.push("an argument that is not known".into());
            continue;
        }
        // The first argument of `tar` has options without a dash.
        let bare = index == 0 && options.contains(&"--checkpoint-action");
        let dashed = if bare && !text.starts_with('-') { format!("-{text}") } else { text.into() };
        if options.iter().any(|option| names(&dashed, option)) {
            out.push(text.to_owned());
        }
    }
    out
}

fn names(text: &str, option: &str) -> bool {
    if let Some(long) = option.strip_prefix("--") {
        let Some(given) = text.strip_prefix("--") else { return false };
        let given = given.split('=').next().unwrap_or(given);
        return !given.is_empty() && long.starts_with(given);
    }
    let letters = option.strip_prefix('-').unwrap_or(option);
    if letters.len() > 1 {
        // An option of `find`'s kind, or of `go`'s.
        let text = text.split('=').next().unwrap_or(text);
        return text == option
            || text.strip_prefix('-').is_some_and(|t| t.strip_prefix('-') == Some(letters));
    }
    let Some(given) = text.strip_prefix('-') else { return false };
    // Among letters that stand together; a value that follows may hold the letter too, which is once too often.
    !given.starts_with('-')
        && given
            .split(|c: char| !c.is_ascii_alphanumeric())
            .next()
            .is_some_and(|run| run.contains(letters))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn power(program: &str, arguments: &[&str]) -> Vec<String> {
        let fields: Vec<Field> = arguments.iter().map(|text| Field::text(*text)).collect();
        hidden_powers(program, &fields)
    }

    #[test]
    fn options_are_known_however_they_are_written() {
        for (program, arguments) in [
            ("git", &["-c", "core.pager=x", "log"][..]),
            ("git", &["fetch", "--upload-pa=x"]),
            ("git", &["grep", "-Ovi", "x"]),
            ("tar", &["xf", "a", "--to-com=x"]),
            ("tar", &["-xIsh", "-f", "a"]),
            ("sort", &["-uo", "out"]),
            ("find", &[".", "-delete"]),
            ("rg", &["--pre=x", "y"]),
            ("find", &["--", ".", "-delete"]),
            ("tar", &["xIf", "sh", "a"]),
            ("go", &["test", "-exec=sh"]),
            ("tree", &["-o", "f"]),
            ("file", &["-C", "-m", "f"]),
        ] {
            assert!(!power(program, arguments).is_empty(), "{program} {arguments:?}");
        }
    }

    #[test]
    fn usual_options_are_not() {
        for (program, arguments) in [
            ("git", &["log", "--oneline", "-n", "3"][..]),
            ("git", &["status"]),
            ("sort", &["-u", "-k2"]),
            ("find", &[".", "-name", "x"]),
            ("find", &[".", "-maxdepth", "2"]),
            ("grep", &["-rn", "x", "src"]),
            ("ls", &["-la"]),
            ("git", &["log", "--", "-c"]),
        ] {
            assert!(power(program, arguments).is_empty(), "{program} {arguments:?}");
        }
    }
}

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
    (&["rg"], &["--pre", "--hostname-bin"]),
    (&["man"], &["-P", "--pager", "-H", "--html"]),
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
        &["find", "fd", "fdfind"],
        &[
            "-exec",
            "-execdir",
            "-ok",
            "-okdir",
            "-delete",
            "-fprint",
            "-fprint0",
            "-fprintf",
            "-fls",
            "-x",
            "-X",
            "--exec",
            "--exec-batch",
        ],
    ),
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
            "--config",
        ],
    ),
    (&["zip"], &["-T", "-TT", "--unzip-command"]),
    (&["tcpdump"], &["-z", "-w"]),
    (&["sed"], &["-i", "--in-place", "-f", "--file"]),
    (&["awk", "gawk", "mawk"], &["-f", "--file", "-i", "--include", "-l", "--load"]),
    (&["vim", "vi", "nvim", "ex", "view"], &["-c", "--cmd", "-S", "-s", "-w", "-W", "-u"]),
    (&["less", "more"], &["-o", "-O", "--log-file", "-k"]),
    (&["grep"], &["-f"]),
    (&["diff"], &["--to-file", "--from-file"]),
    (&["xxd"], &["-r"]),
    (&["date"], &["-s", "--set", "-f"]),
    (&["hostname"], &["-F", "--file"]),
    (&["make", "gmake"], &["--eval", "-f", "--file", "--makefile", "-C", "--directory", "-I"]),
    (&["cargo"], &["--config"]),
    (&["go"], &["-exec", "-toolexec", "-o", "-overlay"]),
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
        ],
    ),
    (
        &["pip", "pip3", "uv"],
        &["--index-url", "-i", "--extra-index-url", "--config-settings", "--python"],
    ),
    (&["psql"], &["-c", "-f", "-o", "--command", "--file", "--output"]),
    (&["sqlite3"], &["-cmd", "-init"]),
];

/// The first option among these arguments that has such a power.
pub(crate) fn hidden_power(program: &str, arguments: &[Field]) -> Option<String> {
    let (_, options) = POWERS.iter().find(|(programs, _)| programs.contains(&program))?;
    for argument in arguments {
        let text = argument.start();
        if argument.known() == Some("--") {
            return None;
        }
        if text.is_empty() {
            // An argument that is not known may be any option, unless it is quoted and something else before it.
            if argument.known().is_none() {
                return Some("an argument that is not known".into());
            }
            continue;
        }
        if options.iter().any(|option| names(text, option)) {
            return Some(text.to_owned());
        }
    }
    None
}

fn names(text: &str, option: &str) -> bool {
    if let Some(long) = option.strip_prefix("--") {
        let Some(given) = text.strip_prefix("--") else { return false };
        let given = given.split('=').next().unwrap_or(given);
        return given.len() >= 2 && long.starts_with(given);
    }
    let letters = option.strip_prefix('-').unwrap_or(option);
    if letters.len() > 1 {
        // An option of `find`'s kind.
        return text == option
            || text.strip_prefix('-').is_some_and(|t| t.strip_prefix('-') == Some(letters));
    }
    let Some(given) = text.strip_prefix('-') else { return false };
    // Among letters that stand together; a value that follows may hold the letter too, which is once too often.
    !given.starts_with('-')
        && given
            .split(|c: char| !c.is_ascii_alphabetic())
            .next()
            .is_some_and(|run| run.contains(letters))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn power(program: &str, arguments: &[&str]) -> Option<String> {
        let fields: Vec<Field> = arguments.iter().map(|text| Field::text(*text)).collect();
        hidden_power(program, &fields)
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
        ] {
            assert!(power(program, arguments).is_some(), "{program} {arguments:?}");
        }
    }

    #[test]
    fn usual_options_are_not() {
        for (program, arguments) in [
            ("git", &["log", "--oneline", "-n", "3"][..]),
            ("git", &["status"]),
            ("sort", &["-u", "-k2"]),
            ("find", &[".", "-name", "x"]),
            ("grep", &["-rn", "x", "src"]),
            ("ls", &["-la"]),
            ("git", &["log", "--", "-c"]),
        ] {
            assert_eq!(power(program, arguments), None, "{program} {arguments:?}");
        }
    }
}

//! Files of the host that a container is given, or that come out of one.
//!
//! What runs in a container is run by somebody else, whom no layer around the agent holds: it may change each file below a
//! folder that is mounted into it, as an archive's content may where it is unpacked.

use palisade_shell::Field;

use super::{Below, Used, Writes};

/// Programs that mount what they are told into a container.
const PROGRAMS: &[&str] = &[
    "apptainer",
    "buildah",
    "docker",
    "docker-compose",
    "finch",
    "nerdctl",
    "podman",
    "podman-compose",
    "singularity",
    "systemd-nspawn",
];
/// What stands before a folder of the host, whatever that begins with.
const KEYS: [&str; 4] = ["source=", "src=", "device=", "dest="];
/// Options whose value is such a folder with what it becomes, or one that a build is written to.
const OPTIONS: [&str; 7] =
    ["--volume", "--mount", "--bind", "--bind-ro", "-B", "--output", "--rootfs"];

/// The files that arguments of a program for containers have mounted, or have written to from one.
pub(super) fn mounted(program: &str, arguments: &[Field], out: &mut Vec<Used>) {
    if !PROGRAMS.contains(&program) {
        return;
    }
    let mut before = "";
    for argument in arguments {
        let read_only = is_read_only(argument);
        let option = OPTIONS.contains(&before) || is_short(before);
        let hosts = hosts(argument, option);
        // It may be any option, or any value of the one before it.
        let any = argument.is_open() || (option && argument.known().is_none());
        if any || (!read_only && hosts.iter().any(|host| host.known().is_none())) {
            out.push(Used::new(Field::unknown(), Writes::Yes));
        }
        for host in hosts {
            out.push(if read_only { Used::new(host, Writes::No) } else { changed(host) });
        }
        before = argument.start();
    }
    copied_out(arguments, out);
}

/// A folder of the host in which something writes what it likes.
fn changed(host: Field) -> Used {
    Used { below: Below::Anything, ..Used::new(host, Writes::Perhaps) }
}

/// What of an argument may be a file of the host that is mounted. `option`: whether it is the value of an option for that.
fn hosts(argument: &Field, option: bool) -> Vec<Field> {
    let mut out = Vec::new();
    let text = argument.start();
    if option {
        out.extend(argument.before(':'));
        let plain = argument.known().filter(|text| !text.contains([':', '=']));
        out.extend(plain.map(Field::text));
    }
    // `-v/a:/b`, `--volume=/a:/b`, `/a:/b`.
    let letters = text
        .strip_prefix('-')
        .map_or(0, |rest| 1 + rest.bytes().take_while(u8::is_ascii_alphabetic).count());
    let starts = text.match_indices('=').map(|(at, _)| at + 1).chain([0, letters]);
    for start in starts {
        let Some(value) = text.get(..start).and_then(|before| argument.after(before)) else {
            continue;
        };
        let is_path = match value.known() {
            Some(text) => text.starts_with(['/', '.', '~']),
            // An image's name may be computed just so.
            None if value.start().is_empty() => option || text.starts_with('-'),
            None => value.start().starts_with(['/', '.', '~']),
        };
        if is_path {
            out.extend(value.before(':'));
        }
    }
    // `type=bind,source=/a,target=/b`, as a row of a table with commas: a value may have quotes around it, or its field.
    for key in KEYS {
        for (at, _) in text.match_indices(key) {
            let value = text.get(..at + key.len()).and_then(|before| argument.after(before));
            let Some(value) = value else { continue };
            let value = value.after("\"").unwrap_or(value);
            out.extend(value.before('"'));
            out.push(value.before(',').unwrap_or(value));
        }
    }
    out.retain(|host| *host != Field::default() && host.known() != Some(""));
    out.dedup();
    out
}

/// Whether what is mounted cannot be changed. Quotes may make a name of what looks like a word for that.
fn is_read_only(argument: &Field) -> bool {
    let Some(text) = argument.known().filter(|text| !text.contains('"')) else { return false };
    let mut words = text.split([':', ',']).skip(1);
    let says = |word: &str| matches!(word, "ro" | "readonly" | "readonly=true" | "ro=true");
    let unsays = |word: &str| {
        !says(word) && ["ro=", "readonly=", "rw"].iter().any(|start| word.starts_with(start))
    };
    words.clone().any(says) && !words.any(unsays)
}

/// Whether short options end in the one for a mount, or for where a build is written: `-v`, `-itv`, `-o`.
fn is_short(option: &str) -> bool {
    let letters = option.strip_prefix('-').filter(|letters| !letters.starts_with('-'));
    letters.is_some_and(|letters| letters.ends_with(['v', 'o']))
}

/// The folder that `docker cp` copies to out of a container.
fn copied_out(arguments: &[Field], out: &mut Vec<Used>) {
    let Some(at) = arguments.iter().position(|argument| argument.known() == Some("cp")) else {
        return;
    };
    let behind = arguments.get(at + 1..).unwrap_or_default();
    let mut operands = behind
        .iter()
        .filter(|argument| argument.known() == Some("-") || !argument.start().starts_with('-'));
    let (Some(_), Some(last)) = (operands.next(), operands.next_back()) else { return };
    match last.known() {
        Some("-") => {}
        Some(text) if text.contains(':') && !text.starts_with(['/', '.', '~']) => {}
        Some(_) => out.push(changed(last.clone())),
        None => out.push(Used::new(Field::unknown(), Writes::Yes)),
    }
}

//! Programs that read, write, change and decode.

use super::super::analysis::Analysis;
use super::super::fold::Decoding;
use super::super::hosts::HOLE_TEXT;
use super::super::origin::Tag;
use super::super::places;
use super::super::rules;
use super::super::value::{Known, Taint, Value, concat};
use super::Run;
use crate::{Confidence, Severity};

impl Analysis {
    pub(super) fn file_program(&mut self, run: &Run) -> Option<Value> {
        Some(match run.name.as_str() {
            "echo" | "printf" | "print" | "write-output" => self.echo(run),
            "cat" | "bat" | "less" | "more" | "head" | "tail" | "tac" | "nl" | "strings"
            | "type" | "get-content" | "gc" | "sort" | "uniq" | "column" | "fold" | "paste"
            | "zcat" | "sqlite3" | "plutil" | "defaults" | "fmt" => self.cat(run),
            "grep" | "egrep" | "rg" | "awk" | "gawk" | "sed" | "cut" | "jq" | "yq" | "ag"
            | "select-string" => self.filter(run),
            "get-childitem" | "gci" | "dir" | "get-item" | "ls"
                if run.words().iter().any(|word| word.to_ascii_lowercase().starts_with("env:")) =>
            {
                self.can(crate::Use::Read(crate::Source::Environment));
                let origin = self.origin(Tag::Environment);
                Value::tainted(origin)
            }
            "out-file" | "set-content" | "add-content" | "sc" | "ac" => {
                let mut operands = run.operands(|option| {
                    matches!(option.to_ascii_lowercase().as_str(), "-encoding" | "-erroraction")
                });
                let mut content = run.input_or_default();
                if operands.len() > 1 {
                    content = operands.pop().unwrap_or_default();
                }
                if let Some(path) = operands.first() {
                    self.write_path(path, &content, run.name.starts_with("add"));
                }
                Value::default()
            }
            "%" | "foreach-object" | "foreach" | "where-object" | "?" => {
                let input = run.input_or_default();
                let list = match &input.known {
                    Known::List(_) => input.clone(),
                    _ => Value::list(vec![input.clone()]),
                };
                let mut out = Vec::new();
                for element in list.elements().unwrap_or_default().iter().take(4096) {
                    for arg in &run.args {
                        if let Known::Function(unit, function) = arg.known {
                            out.push(self.follow(unit, function, vec![element.clone()], &[]));
                        }
                    }
                }
                if run.name == "where-object" || run.name == "?" {
                    return Some(input);
                }
                match out.len() {
                    1 => out.remove(0),
                    _ => Value::list(out),
                }
            }
            "out-string" | "convertto-json" | "convertfrom-json" | "select-object"
            | "sort-object" | "format-list" | "out-default" => run.input_or_default(),
            "tee" => {
                let input = run.input_or_default();
                let append = run.has(&["-a", "--append"]);
                for file in run.operands(|_| false) {
                    self.write_path(&file, &input, append);
                }
                input
            }
            "base64" | "gbase64" | "base32" | "basenc" => {
                let how = match run.name.contains("32") {
                    true => Decoding::Base32,
                    false => Decoding::Base64,
                };
                self.coder(run, how, &["-d", "-D", "--decode", "-di", "--d"])
            }
            "xxd" | "hexdump" | "od" => {
                let decodes =
                    run.words().iter().any(|word| word.starts_with('-') && word.contains('r'));
                match decodes {
                    true => {
                        let input = self.input_of(run);
                        self.decode(Decoding::Hex, &input)
                    }
                    false => self.encoded(run),
                }
            }
            "gunzip" | "zcat-" | "gzip" | "zlib-flate" | "bzip2" | "xz" | "unxz" | "bunzip2"
            | "zstd" | "pigz" => {
                let decodes = run.name.contains("un")
                    || run.has(&["-d", "-dc", "-cd", "--decompress", "-uncompress"]);
                let input = self.input_of(run);
                match decodes {
                    true if self.has(&input.taint, |tag| *tag == Tag::Decoded) => {
                        self.decode(Decoding::Inflate, &input)
                    }
                    _ => Value::tainted(input.taint),
                }
            }
            "openssl" => self.openssl(run),
            "gpg" | "age" => self.encoded(run),
            "rev" => {
                let input = self.input_of(run);
                self.decode(Decoding::Reverse, &input)
            }
            "tr" => self.translate(run),
            "cp" | "mv" | "ln" | "install" | "copy" | "move" | "copy-item" | "move-item" => {
                let operands = run.operands(|option| matches!(option, "-m" | "-t"));
                if let Some((to, from)) = operands.split_last() {
                    let mut content = Value::default();
                    for file in from {
                        let read = self.read_path(file);
                        content = match content.is_known() {
                            true => content.with(&read.taint),
                            false => {
                                Value { known: read.known, taint: content.with(&read.taint).taint }
                            }
                        };
                    }
                    self.write_path(to, &content, false);
                }
                Value::default()
            }
            "tar" | "zip" | "7z" | "7za" | "rar" | "ditto" | "cpio" | "compress-archive" => {
                self.archive(run)
            }
            "chmod" => {
                let words = run.words();
                if words.iter().any(|word| word == "4755" || word.contains("u+s")) {
                    self.report(
                        &rules::ESCAPE,
                        Severity::High,
                        Confidence::Medium,
                        "A program gets the rights of its owner.".to_owned(),
                        &Taint::default(),
                    );
                }
                Value::default()
            }
            "rm" | "rmdir" | "shred" | "srm" | "remove-item" | "del" | "rd" | "unlink" => {
                self.remove(run)
            }
            "dd" => self.disk(run),
            "mkfs" | "mkfs.ext4" | "wipefs" | "fdisk" | "format" | "diskutil" | "mkfs.xfs" => {
                let erases = run.name != "diskutil"
                    || run.words().iter().any(|word| word.to_ascii_lowercase().contains("erase"));
                if erases
                    && run.words().iter().any(|word| {
                        word.starts_with("/dev/") || word.len() == 2 && word.ends_with(':')
                    })
                {
                    self.report(
                        &rules::DESTRUCTION,
                        Severity::Critical,
                        Confidence::High,
                        "A disk is overwritten.".to_owned(),
                        &Taint::default(),
                    );
                }
                Value::default()
            }
            "ls" | "tree" | "du" | "wc" | "stat" | "file" | "md5sum" | "sha256sum" | "shasum"
            | "test" | "[" | "[[" | "mkdir" | "touch" | "cd" | "which" | "command-v"
            | "basename" | "realpath" | "readlink" | "mktemp" | "dirname" | "test-path"
            | "new-item" | "set-location" => match run.name.as_str() {
                "mktemp" => Value::text("/tmp/mktemp"),
                "dirname" | "realpath" | "readlink" => Value::text("."),
                _ => Value::default(),
            },
            "read" => {
                let input = run.input.clone();
                let value = match input {
                    Some(input) => input,
                    None => {
                        let origin = match self.joined.connection.is_some() {
                            true => self.origin(Tag::Channel),
                            false => self.origin(Tag::Argument),
                        };
                        Value::tainted(origin)
                    }
                };
                for name in
                    run.operands(|option| matches!(option, "-p" | "-d" | "-n" | "-t" | "-u" | "-a"))
                {
                    if let Some(name) = name.known_text() {
                        self.set(
                            &name,
                            Value { known: value.known.clone(), taint: value.taint.clone() },
                        );
                    }
                }
                Value::default()
            }
            "mkfifo" | "mknod" => {
                if let Some(path) =
                    run.operands(|option| option == "-m").first().and_then(|path| path.known_text())
                {
                    // What is read from a pipe in the file system comes from whoever writes there.
                    let origin = self.origin(Tag::Channel);
                    self.files.insert(places::normal(&path), Value::tainted(origin));
                }
                Value::default()
            }
            _ => return None,
        })
    }

    /// What a filter reads: the files that it names, or its input.
    fn input_of(&mut self, run: &Run) -> Value {
        let files: Vec<Value> = run
            .args
            .iter()
            .filter(|arg| {
                !arg.pattern(HOLE_TEXT).is_some_and(|text| text.starts_with('-') && text.len() > 1)
            })
            .cloned()
            .collect();
        // Before it may stand the values of options.
        match files.last() {
            Some(file) if run.input.is_none() => self.read_path(file),
            _ => run.input_or_default(),
        }
    }

    fn echo(&mut self, run: &Run) -> Value {
        let mut args: Vec<Value> = run.args.clone();
        let mut escapes = run.name == "printf";
        while let Some(option) = args.first().and_then(Value::known_text) {
            let echoes = run.name != "printf"
                && option.len() > 1
                && option.starts_with('-')
                && option.chars().skip(1).all(|c| matches!(c, 'n' | 'e' | 'E'));
            if !echoes && option != "--" {
                break;
            }
            escapes |= option.contains('e');
            args.remove(0);
        }
        if run.name == "printf" && args.len() > 1 {
            let rest: Vec<Value> = args.iter().skip(1).cloned().collect();
            let format = args.first().cloned().unwrap_or_default();
            let format = self.unescaped(&format);
            let value = self.format(&format, &Value::list(rest));
            return value;
        }
        let mut parts = Vec::new();
        for arg in &args {
            if !parts.is_empty() {
                parts.push(Value::text(" "));
            }
            parts.push(arg.clone());
        }
        let value = concat(&parts);
        match escapes {
            true => self.unescaped(&value),
            false => value,
        }
    }

    /// Resolves the escapes of `echo -e` and `printf`; codes of characters are marked as decoded.
    fn unescaped(&mut self, value: &Value) -> Value {
        let Some(text) = value.known_text() else { return value.clone() };
        let codes = text.contains("\\x") || text.contains("\\0") || text.contains("\\1");
        let plain = super::super::unescape(&text);
        let value = Value::text(plain).with(&value.taint);
        match codes {
            true => {
                let origin = self.origin(Tag::Decoded);
                value.with(&origin)
            }
            false => value,
        }
    }

    fn cat(&mut self, run: &Run) -> Value {
        let mut files = run.operands(|option| matches!(option, "-n" | "-c" | "-k" | "-t" | "-d"));
        if matches!(run.name.as_str(), "sqlite3" | "plutil" | "defaults") {
            files.truncate(2);
        }
        let mut out = Value::default();
        let piped = files.is_empty() || run.has(&["-"]);
        if piped && let Some(input) = &run.input {
            out = input.clone();
        }
        for file in files {
            let content = self.read_path(&file);
            let taint = out.taint.clone();
            out = match out.is_known() {
                true => out.with(&content.taint),
                false => content.with(&taint),
            };
        }
        out
    }

    /// A filter: what it gives depends on what it reads. A line that is picked by its name is an
    /// entry.
    fn filter(&mut self, run: &Run) -> Value {
        let operands = run.operands(|option| {
            matches!(option, "-e" | "-F" | "-d" | "-f" | "-A" | "-B" | "-m" | "-v" | "-C")
        });
        let words = run.words();
        // What a filter's program says; the rest are files.
        let program = match matches!(run.name.as_str(), "cut") {
            true => 0,
            false => usize::from(!words.iter().any(|word| word == "-e")),
        };
        let mut out = run.input_or_default();
        let awk_shell = run.name.ends_with("awk")
            && words.iter().any(|word| word.contains("system(") || word.contains("/inet/tcp"));
        if awk_shell && words.iter().any(|word| word.contains("/inet/tcp")) {
            self.reverse_shell("a loop that runs what it reads");
        }
        for file in operands.iter().skip(program) {
            let content = self.read_path(file);
            out.taint.join(&content.taint);
        }
        let recursive = words.iter().any(|word| {
            word == "--recursive"
                || (word.starts_with('-') && !word.starts_with("--") && word.contains(['r', 'R']))
        });
        if recursive
            && operands.iter().skip(1).any(|root| {
                root.pattern(HOLE_TEXT)
                    .is_some_and(|r| places::normal(&r).trim_end_matches('/') == "~")
            })
        {
            let origin = self.origin(Tag::Files);
            out.taint.join(&origin);
        }
        if self.has(&out.taint, |tag| matches!(tag, Tag::Environment)) {
            let wanted = operands.first().and_then(Value::known_text).unwrap_or_default();
            let upper: String =
                wanted.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            // `env | grep MY_KEY` is one variable; `env | grep -i key` is all that are of worth.
            if upper.len() > 5
                && upper.contains('_')
                && upper == upper.to_ascii_uppercase()
                && !wanted.contains('|')
            {
                let taint = self.origin(Tag::Variable(upper));
                return Value::tainted(taint);
            }
        }
        let entry = self
            .has(&out.taint, |tag| matches!(tag, Tag::Secret(crate::Secret::EnvFile, false)))
            && matches!(run.name.as_str(), "grep" | "sed" | "awk" | "rg");
        if entry {
            let wanted = operands.first().and_then(Value::known_text).unwrap_or_default();
            let name: String = wanted
                .chars()
                .skip_while(|c| !c.is_ascii_uppercase())
                .take_while(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == '_')
                .collect();
            if name.len() >= 4 && name.contains('_') {
                let taint = self.origin(Tag::Variable(name));
                return Value::tainted(taint);
            }
        }
        let unchanged = run.name == "sed"
            && out.is_known()
            && words.iter().all(|word| !word.starts_with("s/") && !word.starts_with("s|"));
        match &out.known {
            Known::Text(_) if unchanged => out,
            Known::Text(_) if run.name == "sed" => self.substitute(run, &out),
            _ => Value::tainted(out.taint),
        }
    }

    /// `sed 's/x//g'` on a known text.
    fn substitute(&mut self, run: &Run, text: &Value) -> Value {
        let Some(known) = text.known_text() else { return text.clone() };
        let mut out = known;
        for word in run.words() {
            let Some(rest) = word.strip_prefix('s') else { continue };
            let Some(by) = rest.chars().next().filter(char::is_ascii_punctuation) else { continue };
            let mut parts = rest.split(by).skip(1);
            let (Some(from), Some(to)) = (parts.next(), parts.next()) else { continue };
            let simple = |text: &str| !text.contains(['\\', '[', '*', '.', '^', '$', '(', '&']);
            if simple(from) && simple(to) && !from.is_empty() && self.pay(out.len()) {
                out = out.replace(from, to);
            }
        }
        Value::text(out).with(&text.taint)
    }

    fn coder(&mut self, run: &Run, how: Decoding, flags: &[&str]) -> Value {
        match run.has(flags) {
            true => {
                let input = self.input_of(run);
                self.decode(how, &input)
            }
            false => self.encoded(run),
        }
    }

    fn encoded(&mut self, run: &Run) -> Value {
        let input = self.input_of(run);
        let origin = self.origin(Tag::Encoded);
        Value::tainted(input.taint).with(&origin)
    }

    fn openssl(&mut self, run: &Run) -> Value {
        let words = run.words();
        let decodes = words.iter().any(|word| word == "-d" || word == "-decrypt");
        let base64 = words.iter().any(|word| word == "base64" || word == "-base64" || word == "-a");
        let input = match words.iter().position(|word| word == "-in") {
            Some(at) => {
                let file = run.args.get(at + 1).cloned().unwrap_or_default();
                self.read_path(&file)
            }
            None => run.input_or_default(),
        };
        let out = match (decodes, base64) {
            (true, true)
                if words.first().is_some_and(|w| w == "base64")
                    || !words.iter().any(|w| w.contains("aes")) =>
            {
                self.decode(Decoding::Base64, &input)
            }
            (true, _) => {
                let origin = self.origin(Tag::Decoded);
                Value::tainted(input.taint).with(&origin)
            }
            (false, _) => {
                let origin = self.origin(Tag::Encoded);
                Value::tainted(input.taint).with(&origin)
            }
        };
        match words.iter().position(|word| word == "-out") {
            Some(at) => {
                let to = run.args.get(at + 1).cloned().unwrap_or_default();
                self.write_path(&to, &out, false);
                Value::default()
            }
            None => out,
        }
    }

    fn translate(&mut self, run: &Run) -> Value {
        let input = run.input_or_default();
        let words = run.words();
        let (Some(text), [from, to, ..]) = (input.known_text(), words.as_slice()) else {
            if let (Some(text), Some(drop)) = (input.known_text(), words.get(1))
                && words.first().is_some_and(|word| word == "-d")
            {
                let out: String = text.chars().filter(|c| !drop.contains(*c)).collect();
                return Value::text(out).with(&input.taint);
            }
            return Value::tainted(input.taint);
        };
        if from == "-d" {
            let out: String = text.chars().filter(|c| !to.contains(*c)).collect();
            return Value::text(out).with(&input.taint);
        }
        if from.starts_with('-') {
            return Value::tainted(input.taint);
        }
        let (from, to) = (ranges(from), ranges(to));
        let out: String = text
            .chars()
            .map(|c| match from.iter().position(|f| *f == c) {
                Some(at) => to.get(at).or(to.last()).copied().unwrap_or(c),
                None => c,
            })
            .collect();
        let value = Value::text(out.clone()).with(&input.taint);
        // A change of letters hides; one of line ends or case does not.
        match out.eq_ignore_ascii_case(&text) || from.iter().any(|c| c.is_whitespace()) {
            true => value,
            false => {
                let origin = self.origin(Tag::Decoded);
                value.with(&origin)
            }
        }
    }

    fn archive(&mut self, run: &Run) -> Value {
        let words = run.words();
        let first = words.first().map(String::as_str).unwrap_or_default();
        let extracts = run.name == "tar"
            && (first.contains('x') && !first.starts_with("--")
                || words.iter().any(|w| w == "--extract" || w == "-x"));
        if extracts {
            return Value::default();
        }
        let mut content = Value::default();
        let mut to = None;
        let mut rest = run.args.iter().zip(&words);
        let mut begun = false;
        while let Some((arg, word)) = rest.next() {
            let first = !std::mem::replace(&mut begun, true);
            if word == "-C" || word == "--exclude" {
                rest.next();
            } else if word.starts_with('-')
                || (run.name == "tar" && to.is_none() && !word.contains(['.', '/', '~']) && first)
            {
                let names = run.name == "tar" && word.ends_with('f') || word == "--file";
                if names {
                    to = rest.next().map(|(arg, _)| arg.clone());
                }
            } else if to.is_none() && run.name != "tar" {
                to = Some(arg.clone());
            } else {
                let read = self.read_path(arg);
                content.taint.join(&read.taint);
                if places::normal(word).trim_end_matches('/') == "~" {
                    let origin = self.origin(Tag::Files);
                    content.taint.join(&origin);
                }
            }
        }
        match to {
            Some(to) if to.known_text().as_deref() != Some("-") => {
                self.write_path(&to, &content, false);
                Value::default()
            }
            _ => content,
        }
    }

    fn remove(&mut self, run: &Run) -> Value {
        let words = run.words();
        let recursive = words.iter().any(|word| {
            (word.starts_with('-')
                && !word.starts_with("--")
                && word.to_ascii_lowercase().contains('r'))
                || word == "--recursive"
                || word.eq_ignore_ascii_case("-recurse")
                || word.eq_ignore_ascii_case("/s")
        }) || run.name == "shred";
        for file in run.operands(|option| option == "-n") {
            let text = file.pattern(HOLE_TEXT).unwrap_or_default();
            let normal = places::normal(&text);
            if recursive && places::is_broad(&text) {
                self.delete_tree(&file);
            }
            let name = normal.rsplit('/').next().unwrap_or_default();
            if matches!(
                name,
                ".bash_history" | ".zsh_history" | "wtmp" | "auth.log" | "syslog" | "lastlog"
            ) || normal == "/var/log/*"
                || normal == "/var/log"
            {
                self.defence_off("Traces of what was done are deleted.", Severity::High);
            }
        }
        if words.iter().any(|word| word == "--no-preserve-root") {
            self.delete_tree(&Value::text("/"));
        }
        Value::default()
    }

    fn disk(&mut self, run: &Run) -> Value {
        let words = run.words();
        let to = words.iter().find_map(|word| word.strip_prefix("of="));
        let from = words.iter().find_map(|word| word.strip_prefix("if="));
        if to
            .is_some_and(|to| to.starts_with("/dev/") && !matches!(to, "/dev/null" | "/dev/stdout"))
        {
            // `/dev/sdX` is for the user to fill in.
            let blank = to.is_some_and(|to| {
                to.ends_with(['X', 'N', 'x']) || to.contains(HOLE_TEXT) || to.contains('<')
            });
            let (severity, sure) = match blank && self.is_prose() {
                true => (Severity::Medium, Confidence::Low),
                false => (Severity::Critical, Confidence::High),
            };
            self.report(
                &rules::DESTRUCTION,
                severity,
                sure,
                "A disk is overwritten.".to_owned(),
                &Taint::default(),
            );
            return Value::default();
        }
        let content = match from {
            Some(from) => self.read_path(&Value::text(from)),
            None => run.input_or_default(),
        };
        match to {
            Some(to) => {
                self.write_path(&Value::text(to), &content, false);
                Value::default()
            }
            None => content,
        }
    }

    pub(crate) fn defence_off(&mut self, what: &str, severity: Severity) {
        // In prose somebody still has to run it, and runbooks are full of it.
        let sure = if self.is_prose() { Confidence::Low } else { Confidence::Medium };
        self.report(&rules::DEFENCE_OFF, severity, sure, what.to_owned(), &Taint::default());
    }
}

/// The characters of `A-Za-z`.
fn ranges(set: &str) -> Vec<char> {
    let chars: Vec<char> = set.trim_matches(['[', ']']).chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at) {
        match (chars.get(at + 1), chars.get(at + 2)) {
            (Some('-'), Some(end)) if end >= c => {
                out.extend(*c..=*end);
                at += 3;
            }
            _ => {
                out.push(*c);
                at += 1;
            }
        }
        if out.len() > 512 {
            break;
        }
    }
    out
}

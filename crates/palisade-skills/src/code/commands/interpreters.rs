//! Shells, interpreters, and programs that run others.

use super::super::analysis::Analysis;
use super::super::hosts::HOLE_TEXT;
use super::super::language::Language;
use super::super::value::{Known, Value, concat};
use super::{Run, is_shell};

impl Analysis {
    pub(super) fn interpreter(&mut self, run: &Run) -> Option<Value> {
        let name = run.name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        Some(match name {
            _ if is_shell(&run.name) => self.shell_program(run),
            "python" | "pypy" | "python-" => self.code_program(run, Language::Python, &["-c"]),
            "node" | "nodejs" | "bun" | "deno" | "tsx" | "ts-node" => self.code_program(
                run,
                Language::JavaScript,
                &["-e", "--eval", "-p", "--print", "eval"],
            ),
            "ruby" => self.code_program(run, Language::Ruby, &["-e"]),
            "perl" | "php" | "lua" => self.other_code(run),
            "eval" => {
                let mut parts = Vec::new();
                for arg in &run.args {
                    if !parts.is_empty() {
                        parts.push(Value::text(" "));
                    }
                    parts.push(arg.clone());
                }
                let line = concat(&parts);
                self.run_code(Language::Shell, &line, "by `eval`")
            }
            "source" | "." => {
                let file = run.args.first().cloned().unwrap_or_default();
                self.source_file(&file)
            }
            "iex" | "invoke-expression" => {
                let code =
                    run.input.clone().or_else(|| run.args.iter().find(|a| !is_option(a)).cloned());
                self.run_code(
                    Language::PowerShell,
                    &code.unwrap_or_default(),
                    "by Invoke-Expression",
                )
            }
            "sudo" | "doas" | "nohup" | "setsid" | "exec" | "command" | "builtin" | "time"
            | "nice" | "ionice" | "stdbuf" | "env" | "timeout" | "xargs" | "caffeinate"
            | "unbuffer" | "watch" | "strace" | "chroot" | "proxychains" | "torsocks" | "start"
            | "parallel" | "flock" | "busybox" | "script" => self.wrapped(run)?,
            "find" | "fd" => self.find(run),
            "osascript" => {
                let words = run.words().join(" ");
                self.apple_script(&words, run)
            }
            "mshta" | "regsvr" | "rundll" | "wscript" | "cscript" | "certutil" => {
                self.windows_helper(run)
            }
            _ => return None,
        })
    }

    fn shell_program(&mut self, run: &Run) -> Value {
        let language = match run.name.contains("power") || run.name == "pwsh" {
            true => Language::PowerShell,
            false => Language::Shell,
        };
        let mut args = run.args.iter().enumerate();
        while let Some((at, arg)) = args.next() {
            let Some(text) = arg.pattern(HOLE_TEXT) else {
                // Process substitution, or a computed script.
                self.ran(&arg.taint, "by a shell");
                return Value::tainted(arg.taint.clone());
            };
            let lower = text.to_ascii_lowercase();
            let powershell = language == Language::PowerShell;
            if powershell
                && lower.len() > 1
                && "-encodedcommand".starts_with(&lower)
                && lower.starts_with("-e")
                && lower != "-ex"
                && !lower.starts_with("-exec")
            {
                let code = run.args.get(at + 1).cloned().unwrap_or_default();
                let code = self.utf16_base64(&code);
                return self.run_code(language, &code, "by PowerShell");
            }
            let command = match powershell {
                true => lower.len() > 1 && "-command".starts_with(&lower),
                false => {
                    lower == "/c"
                        || lower == "/k"
                        || (text.starts_with('-') && !text.starts_with("--") && text.ends_with('c'))
                }
            };
            if command {
                let rest: Vec<Value> = run.args.iter().skip(at + 1).cloned().collect();
                let code = match powershell || lower.starts_with('/') {
                    true => spaced(&rest),
                    false => rest.first().cloned().unwrap_or_default(),
                };
                self.input = run.input.clone();
                return self.run_code(language, &code, "by a shell");
            }
            if matches!(
                lower.as_str(),
                "-i" | "--norc" | "-x" | "-e" | "-l" | "-s" | "-" | "-ex" | "-eux" | "--login"
            ) || lower.starts_with('-')
            {
                if matches!(
                    lower.as_str(),
                    "-executionpolicy" | "-ep" | "-ex" | "-w" | "-windowstyle" | "-version"
                ) {
                    args.next();
                }
                if lower == "-s" {
                    break;
                }
                if powershell && lower == "-file" {
                    continue;
                }
                continue;
            }
            if text == HOLE_TEXT {
                self.ran(&arg.taint, "by a shell");
            }
            // `bash <(curl …)`: the value is what the substitution writes.
            if matches!(arg.known, Known::Text(_)) {
                let rest: Vec<Value> = run.args.iter().skip(at + 1).cloned().collect();
                let value = self.run_file(arg, &rest, run.input.clone());
                return value.with(&Value::list(rest).taint);
            }
        }
        match &run.input {
            Some(input) => {
                let input = input.clone();
                self.run_code(language, &input, "by a shell")
            }
            None => Value::default(),
        }
    }

    fn code_program(&mut self, run: &Run, language: Language, flags: &[&str]) -> Value {
        let mut skip = false;
        for (at, arg) in run.args.iter().enumerate() {
            if std::mem::take(&mut skip) {
                continue;
            }
            let Some(text) = arg.pattern(HOLE_TEXT) else {
                self.ran(&arg.taint, "by an interpreter");
                return Value::tainted(arg.taint.clone());
            };
            if flags.contains(&text.as_str()) {
                let code = run.args.get(at + 1).cloned().unwrap_or_default();
                // What follows is `sys.argv`; its taint may end up anywhere in the code.
                let rest: Vec<Value> = run.args.iter().skip(at + 2).cloned().collect();
                let input = run.input.clone().unwrap_or_default();
                let value = self.run_code(language, &code, "by an interpreter");
                return value.with(&Value::list(rest).taint).with(&input.taint);
            }
            if text == "-m" {
                let mut words = vec![run.args.get(at + 1).cloned().unwrap_or_default()];
                words.extend(run.args.iter().skip(at + 2).cloned());
                self.input = run.input.clone();
                return self.program(words, None);
            }
            if text == "-" {
                break;
            }
            if matches!(text.as_str(), "run" | "-r" | "--require" | "-W" | "-X" | "--import") {
                skip = text.starts_with('-');
                continue;
            }
            if text.starts_with('-') {
                continue;
            }
            let rest: Vec<Value> = run.args.iter().skip(at + 1).cloned().collect();
            if super::super::hosts::is_address(&text) {
                let got = self.fetch(arg);
                self.ran(&got.taint, "by an interpreter");
                return got;
            }
            let value = self.run_file(arg, &rest, run.input.clone());
            let input = run.input.clone().unwrap_or_default();
            return value.with(&Value::list(rest).taint).with(&input.taint);
        }
        match &run.input {
            Some(input) => {
                let input = input.clone();
                self.run_code(language, &input, "by an interpreter")
            }
            None => Value::default(),
        }
    }

    fn other_code(&mut self, run: &Run) -> Value {
        let words = run.words();
        let text = words.join(" ");
        let code =
            words.iter().any(|word| matches!(word.as_str(), "-e" | "-E" | "-r" | "-ne" | "-pe"));
        if code && is_reverse(&text) {
            self.reverse_shell("input and output");
        }
        if !code && let Some(input) = &run.input {
            let taint = input.taint.clone();
            self.ran(&taint, "by an interpreter");
        }
        if let Some(file) = run.args.iter().find(|arg| !is_option(arg)).filter(|_| !code) {
            let file = file.clone();
            self.run_file(&file, &run.args, run.input.clone());
        }
        Value::tainted(run.taint())
    }

    /// A file is read into the running shell.
    pub(crate) fn source_file(&mut self, file: &Value) -> Value {
        let Some(pattern) = file.pattern(HOLE_TEXT).filter(|pattern| pattern != HOLE_TEXT) else {
            self.ran(&file.taint, "by `source`");
            return Value::default();
        };
        let normal = super::super::places::normal(&pattern);
        let unit = self.package_path(&normal).and_then(|path| self.paths.get(&path).copied());
        match unit {
            Some(unit) if unit != self.here.0 => {
                self.run(unit);
                let globals = self.units.get(unit).map(|unit| unit.globals.clone());
                for (name, value) in globals.into_iter().flatten() {
                    self.set(&name, value);
                }
                Value::default()
            }
            _ => self.run_file(file, &[], None),
        }
    }

    /// A program that runs the rest of its arguments.
    fn wrapped(&mut self, run: &Run) -> Option<Value> {
        let takes = |option: &str| match run.name.as_str() {
            "sudo" | "doas" => matches!(option, "-u" | "-g" | "-h" | "-p"),
            "xargs" => matches!(option, "-I" | "-n" | "-P" | "-L" | "-d" | "-a" | "-s" | "-E"),
            "nice" => option == "-n",
            "timeout" => matches!(option, "-s" | "-k"),
            "env" => matches!(option, "-u" | "-C" | "-S"),
            "flock" => option == "-w",
            _ => false,
        };
        let mut words: Vec<Value> = Vec::new();
        let mut rest = run.args.iter();
        let mut placeholder = None;
        while let Some(arg) = rest.next() {
            let text = arg.pattern(HOLE_TEXT).unwrap_or_default();
            if words.is_empty() {
                if takes(&text) {
                    let value = rest.next();
                    if run.name == "xargs" && text == "-I" {
                        placeholder = value.and_then(Value::known_text);
                    }
                    continue;
                }
                if text.starts_with('-') && text.len() > 1 {
                    continue;
                }
                if matches!(run.name.as_str(), "env" | "sudo")
                    && text.contains('=')
                    && !text.starts_with('/')
                {
                    if let Some((name, value)) = text.split_once('=') {
                        let value = Value::text(value).with(&arg.taint);
                        self.assigned(name, &value);
                        self.set(name, value);
                    }
                    continue;
                }
                let counts = matches!(run.name.as_str(), "timeout" | "flock" | "chroot" | "watch");
                if counts && run.name == "timeout" && text.starts_with(|c: char| c.is_ascii_digit())
                {
                    continue;
                }
            }
            words.push(arg.clone());
        }
        if words.is_empty() {
            if run.name == "env" {
                let origin = self.origin(super::super::origin::Tag::Environment);
                self.can(crate::Use::Read(crate::Source::Environment));
                return Some(Value::tainted(origin));
            }
            return Some(run.input_or_default());
        }
        if run.name == "xargs" {
            if let Some(input) = &run.input {
                match placeholder {
                    Some(mark) => {
                        for word in &mut words {
                            word_replace(word, &mark, input);
                        }
                    }
                    None => {
                        words.push(Value { known: input.known.clone(), taint: input.taint.clone() })
                    }
                }
            }
        } else {
            self.input = run.input.clone();
        }
        if run.name == "watch" || run.name == "parallel" {
            let line = spaced(&words);
            return Some(self.run_code(Language::Shell, &line, "by the shell"));
        }
        let value = self.program(words, None);
        self.input = None;
        Some(value)
    }

    fn find(&mut self, run: &Run) -> Value {
        let roots: Vec<Value> =
            run.args.iter().take_while(|arg| !is_option(arg)).cloned().collect();
        let mut found = Value::default();
        for root in &roots {
            let call = super::super::call::Call {
                path: "find".to_owned(),
                receiver: Value::default(),
                args: vec![(None, root.clone())],
            };
            let value = self.act(super::super::models::Act::Walk, &call);
            found.taint.join(&value.taint);
        }
        let words = run.words();
        // What is searched for may be a secret by its name.
        for (at, word) in words.iter().enumerate() {
            if matches!(word.as_str(), "-name" | "-iname" | "-path") {
                let wanted = words.get(at + 1).cloned().unwrap_or_default();
                let wanted = wanted.trim_matches('*');
                if let Some(secret) = super::super::places::secret(wanted) {
                    let origin = self.origin(super::super::origin::Tag::Secret(secret, false));
                    found.taint.join(&origin);
                }
            }
        }
        let broad = roots.iter().any(|root| {
            root.pattern(HOLE_TEXT).is_some_and(|root| super::super::places::is_broad(&root))
        });
        let narrowed = words.iter().any(|word| {
            matches!(
                word.as_str(),
                "-name" | "-iname" | "-path" | "-mtime" | "-size" | "-empty" | "-regex" | "-newer"
            )
        });
        if broad && !narrowed && words.iter().any(|word| word == "-delete") {
            let root = roots.first().cloned().unwrap_or_default();
            self.delete_tree(&root);
        }
        if let Some(at) =
            words.iter().position(|word| matches!(word.as_str(), "-exec" | "-execdir" | "-ok"))
        {
            let mut command: Vec<Value> = run
                .args
                .iter()
                .skip(at + 1)
                .take_while(|arg| !arg.known_text().is_some_and(|text| text == ";" || text == "+"))
                .cloned()
                .collect();
            for word in &mut command {
                word_replace(word, "{}", &found);
            }
            let value = self.program(command, None);
            found.taint.join(&value.taint);
        }
        Value::tainted(found.taint)
    }

    fn apple_script(&mut self, words: &str, run: &Run) -> Value {
        let lower = words.to_ascii_lowercase();
        if lower.contains("do shell script")
            && let Some((_, rest)) = words.split_once("do shell script")
        {
            let line: String = rest
                .trim_start()
                .trim_start_matches('"')
                .chars()
                .take_while(|c| *c != '"')
                .collect();
            let value = Value::text(line).with(&run.taint());
            self.run_code(Language::Shell, &value, "by AppleScript");
        }
        if lower.contains("hidden answer") || lower.contains("with hidden") {
            self.report(
                &super::super::rules::SECRET_READ,
                crate::Severity::High,
                crate::Confidence::High,
                "A dialog asks the user for a password.".to_owned(),
                &super::super::value::Taint::default(),
            );
            let origin =
                self.origin(super::super::origin::Tag::Secret(crate::Secret::Keychain, false));
            return Value::tainted(origin);
        }
        if lower.contains("the clipboard") {
            return self.source(super::super::origin::Tag::Clipboard);
        }
        if let Some(input) = &run.input {
            let taint = input.taint.clone();
            self.ran(&taint, "as AppleScript");
        }
        Value::tainted(run.taint())
    }

    fn windows_helper(&mut self, run: &Run) -> Value {
        let mut fetched = Value::default();
        for arg in &run.args {
            let text = arg.pattern(HOLE_TEXT).unwrap_or_default();
            let address = text.trim_start_matches("/i:").trim_start_matches("-i:");
            if super::super::hosts::is_address(address) {
                let got = self.fetch(&Value::text(address).with(&arg.taint));
                fetched.taint.join(&got.taint);
            }
        }
        if run.name.starts_with("certutil") {
            if let Some(to) = run.args.last() {
                let to = to.clone();
                self.write_path(&to, &fetched, false);
            }
        } else if !fetched.taint.is_empty() {
            self.ran(&fetched.taint, "by a helper of Windows");
        }
        fetched
    }

    fn utf16_base64(&mut self, code: &Value) -> Value {
        let value = self.decode(super::super::fold::Decoding::Base64, code);
        match value.known_text() {
            Some(text) => Value::text(text.replace('\0', "")).with(&value.taint),
            None => value,
        }
    }
}

fn is_option(value: &Value) -> bool {
    value.known_text().is_some_and(|text| text.starts_with('-'))
}

fn spaced(words: &[Value]) -> Value {
    let mut parts = Vec::new();
    for word in words {
        if !parts.is_empty() {
            parts.push(Value::text(" "));
        }
        parts.push(word.clone());
    }
    concat(&parts)
}

fn word_replace(word: &mut Value, mark: &str, with: &Value) {
    let Some(text) = word.known_text() else { return };
    if !text.contains(mark) || mark.is_empty() {
        return;
    }
    let mut parts = Vec::new();
    for (at, piece) in text.split(mark).enumerate() {
        if at > 0 {
            parts.push(with.clone());
        }
        parts.push(Value::text(piece));
    }
    let taint = word.taint.clone();
    *word = concat(&parts).with(&taint);
}

/// Does a line of another language join a socket and a shell?
fn is_reverse(text: &str) -> bool {
    let socket = ["socket", "fsockopen", "Socket"].iter().any(|word| text.contains(word));
    let shell = ["exec", "/bin/sh", "/bin/bash", "proc_open", "system", "open(STDIN"]
        .iter()
        .any(|word| text.contains(word));
    socket && shell
}

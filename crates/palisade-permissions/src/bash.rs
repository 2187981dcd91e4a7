//! Commands of a shell, each of them against the rules.

use std::path::Path;

use palisade_core::Decision;
use palisade_shell::{Command, Field, Line, is_harmless_variable};

use crate::{
    List, Mode, Permissions,
    below::Look,
    command_pattern::{CommandPattern, CommandText},
    decide::{Found, MODE, Rules, shown},
    doubts,
    files::{self, Below, Writes},
    partial_path::PartialPath,
    path_rule::PathRules,
    rule::What,
    safe_commands::{Safe, safe},
    ways::Cwd,
};

/// The longest command that rules for single commands permit, in bytes.
const LONGEST: usize = 10_000;

/// Whether another program starts the command, such as `timeout`. The mode permits none that changes files so, as
/// Claude Code does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrapped {
    Yes,
    No,
}

/// Whether a call needs no question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Permitted {
    By(Decision),
    /// No, and why.
    No(String),
}

impl Permissions {
    /// What rules that refuse or ask say to a command: one of its parts is enough.
    pub(crate) fn command_found(&self, rules: &Rules, line: &Line, cwd: &Cwd<'_>) -> Found {
        let mut doubt = too_many_found(rules, line);
        let partly = doubt == Found::No;
        let mut look = Look::default();
        for command in line.all() {
            match pattern_found(rules, command) {
                Found::No if doubt == Found::No => doubt = doubts::found(rules, command),
                Found::No => {}
                found @ Found::Sure { .. } => return found,
                found @ Found::Perhaps { .. } => doubt = first(doubt, found),
            }
            match self.files_found(rules, command, cwd, partly, &mut look) {
                Found::No => {}
                found @ Found::Sure { .. } => return found,
                found @ Found::Perhaps { .. } => doubt = first(doubt, found),
            }
        }
        if doubt == Found::No {
            doubt = self.mentioned_found(rules, line, cwd);
        }
        let unseen = rules.any_command_rule().or_else(|| rules.edits.first_rule());
        if let (Some(rule), Some(why)) = (unseen, line.all_unclear().first()) {
            doubt = first(doubt, Found::Perhaps { rule, why: (*why).to_owned() });
        }
        doubt
    }

    /// `partly`: whether names of which only some is known are compared as well.
    fn files_found(
        &self,
        rules: &Rules,
        command: &Command,
        cwd: &Cwd<'_>,
        partly: bool,
        look: &mut Look,
    ) -> Found {
        if rules.reads.is_empty() && rules.edits.is_empty() {
            return Found::No;
        }
        let mut doubt = Found::No;
        let folders = folders(command, cwd);
        let all = files::used(command);
        let edits = all.iter().any(|used| used.writes > Writes::No);
        if partly && !files::opens_none(command) {
            doubt = self.within_found(rules, command, &folders, (edits, look));
        }
        for used in all {
            if used.writes > Writes::No && !rules.edits.is_empty() && doubt == Found::No {
                let unknown = used.writes == Writes::Yes && used.may_be_any() && names_all(command);
                let lost = command.directories.is_empty()
                    && (used.below > Below::None || used.file.known().is_none())
                    && !used.file.start().starts_with(['/', '~']);
                if let Some((rule, why)) = self.below_found(rules, &used, &folders, look) {
                    doubt = Found::Perhaps { rule, why };
                } else if let Some(rule) = rules.edits.first_rule().filter(|_| lost) {
                    let why = "the folder that it runs in is not known".to_owned();
                    doubt = Found::Perhaps { rule, why };
                } else if let Some(rule) = rules.edits.first_rule().filter(|_| unknown) {
                    let why = format!(
                        "which files `{}` changes is not known",
                        shown(&command.to_string())
                    );
                    doubt = Found::Perhaps { rule, why };
                }
            }
            // `secret/*` is of the folder's content.
            let within = match used.file.known() {
                None => used.file.start().rsplit_once('/').map(|(folder, _)| folder),
                Some(_) => None,
            };
            if let Some(within) = within.filter(|within| !within.is_empty())
                && let Some(rule) = folders
                    .iter()
                    .find_map(|cwd| self.path_rule(rules, within, cwd, used.writes > Writes::No))
            {
                let why = format!(
                    "`{}` is in a folder that the rule names",
                    shown(&used.file.to_string())
                );
                doubt = first(doubt, Found::Perhaps { rule, why });
            }
            if command.directories.is_empty()
                && let Some(path) = used.file.known()
                && !path.starts_with(['/', '~'])
                && let Some(name) = path.trim_end_matches('/').rsplit('/').next()
                && !name.is_empty()
            {
                let edits = used.writes > Writes::No;
                let edited = edits.then(|| rules.edits.perhaps(name, name)).flatten();
                if let Some(rule) = edited.or_else(|| rules.reads.perhaps(name, name)) {
                    let why = "the folder that it runs in is not known".to_owned();
                    doubt = first(doubt, Found::Perhaps { rule, why });
                }
            }
            if let Some(path) = used.file.known() {
                if path.is_empty() || files::is_sink(path) {
                    continue;
                }
                let rule = |edits: bool| {
                    folders.iter().find_map(|cwd| self.path_rule(rules, path, cwd, edits))
                };
                let found = rule(used.writes == Writes::Yes);
                if found.is_none()
                    && used.writes == Writes::Perhaps
                    && let Some(rule) = rule(true)
                {
                    let why =
                        format!("`{}` may change `{}`", shown(&command.to_string()), shown(path));
                    doubt = first(doubt, Found::Perhaps { rule, why });
                } else if let Some(rule) = found {
                    let what =
                        format!("`{}` may open `{}`", shown(&command.to_string()), shown(path));
                    return if command.certain {
                        Found::Sure { rule, what }
                    } else {
                        Found::Perhaps { rule, why: what }
                    };
                }
            } else if partly {
                let edits = used.writes > Writes::No;
                if let Some(rule) = self.partly(rules, &used.file, &folders, edits) {
                    let why = format!(
                        "which file `{}` means is not known",
                        shown(&used.file.to_string())
                    );
                    doubt = first(doubt, Found::Perhaps { rule, why });
                }
            }
        }
        doubt
    }

    /// The rule that names a file which a command may mean where one of its arguments is a folder.
    fn within_found(
        &self,
        rules: &Rules,
        command: &Command,
        folders: &[Cwd<'_>],
        (edits, look): (bool, &mut Look),
    ) -> Found {
        for cwd in folders {
            let is_folder = |path: &str| cwd.ways(path).real().is_dir();
            for path in files::within(command, is_folder) {
                if let Some(rule) = rules.first_of_paths().filter(|_| !look.one_more()) {
                    let why = "more files may be meant than are looked at".to_owned();
                    return Found::Perhaps { rule, why };
                }
                if let Some(rule) = self.path_rule(rules, &path, cwd, edits) {
                    let why =
                        format!("`{}` may use `{}`", shown(&command.to_string()), shown(&path));
                    return Found::Perhaps { rule, why };
                }
            }
        }
        Found::No
    }

    /// The rule that may name a file of whose name only some is known.
    pub(crate) fn partly(
        &self,
        rules: &Rules,
        file: &Field,
        folders: &[Cwd<'_>],
        edits: bool,
    ) -> Option<usize> {
        let of = |paths: &PathRules| {
            let by_ends = known_ends(file).and_then(|(start, end)| paths.perhaps(&start, &end));
            let home = self.place.home.as_deref();
            by_ends.or_else(|| {
                folders
                    .iter()
                    .find_map(|cwd| paths.partly(&PartialPath::new(file, cwd.folder(), home)?))
            })
        };
        edits.then(|| of(&rules.edits)).flatten().or_else(|| of(&rules.reads))
    }

    /// The rule that names something that stands anywhere in the line, where a file is opened of whose name nothing
    /// is known: it may be that, as in `find . -name .env -exec cat {} +`. What stands in a text of another language may
    /// be opened by it, as in `python3 -c 'open(".env")'`.
    fn mentioned_found(&self, rules: &Rules, line: &Line, cwd: &Cwd<'_>) -> Found {
        /// More than a line of sense has.
        const MOST: usize = 512;
        if rules.reads.is_empty() && rules.edits.is_empty() {
            return Found::No;
        }
        let commands = line.all();
        let (mut reads, mut edits) = (false, false);
        for used in commands.iter().flat_map(|command| files::used(command)) {
            if used.is_unknown() {
                reads = true;
                edits |= used.writes > Writes::No;
            }
        }
        let mut names: Vec<(Field, bool)> = Vec::new();
        for command in &commands {
            if files::is_code(command) {
                let texts = command.words.iter().skip(1).chain(&command.texts);
                let texts: Vec<&str> = texts.filter_map(Field::known).collect();
                let parts = texts.iter().flat_map(|text| files::parts_of_code(text));
                names.extend(parts.map(|name| (Field::text(name), true)).take(MOST));
                if command.program() == Some("sed") {
                    let parts = texts.iter().flat_map(|text| files::parts_of_sed(text));
                    names.extend(parts.map(|name| (Field::text(name), true)).take(MOST));
                }
            }
            if reads {
                let values = command.assignments.iter().map(|(_, value)| value);
                let all = command.words.iter().skip(1).chain(&command.texts).chain(values);
                names.extend(all.flat_map(names_in).map(|name| (name, edits)).take(MOST));
            }
        }
        if reads {
            let all = line.all_mentioned().into_iter().flat_map(names_in);
            names.extend(all.map(|name| (name, edits)).take(MOST));
        }
        if names.len() > MOST {
            let rule = rules.first_of_paths();
            let why = "a file is opened that may be any of many".to_owned();
            return rule.map_or(Found::No, |rule| Found::Perhaps { rule, why });
        }
        for (name, edits) in names {
            let rule = match name.known() {
                Some(path) if files::is_sink(path) => None,
                Some(path) => self.path_rule(rules, path, cwd, edits),
                None => self.partly(rules, &name, std::slice::from_ref(cwd), edits),
            };
            if let Some(rule) = rule {
                let why = format!("`{}` may be the file that is opened", shown(&name.to_string()));
                return Found::Perhaps { rule, why };
            }
        }
        Found::No
    }

    /// Whether rules and mode permit every part of a command.
    pub(crate) fn command_permitted(
        &self,
        line: &Line,
        text: Option<&str>,
        cwd: &Cwd<'_>,
    ) -> Permitted {
        if self.mode != Mode::Plan
            && let Some(text) = text
            && let Some(rule) = self.allow.exactly(text)
        {
            return Permitted::By(self.allow.decision(List::Allow, rule, "it is this command"));
        }
        if text.is_some_and(|text| text.len() > LONGEST) {
            return Permitted::No(format!(
                "it is longer than the {LONGEST} bytes that rules for commands permit"
            ));
        }
        let mut rule = None;
        match self.line_permitted(line, cwd, Wrapped::No, &mut rule) {
            Ok(()) => Permitted::By(match rule {
                Some(rule) => {
                    self.allow.decision(List::Allow, rule, "each command in it is permitted")
                }
                None => Decision::allow(MODE, "each command in it is permitted without a rule"),
            }),
            Err(why) => Permitted::No(why),
        }
    }

    fn line_permitted(
        &self,
        line: &Line,
        cwd: &Cwd<'_>,
        wrapped: Wrapped,
        by: &mut Option<usize>,
    ) -> Result<(), String> {
        if let Some(what) = line.constructs.first() {
            return Err(format!("it has {what} in it, which no rule for a command permits"));
        }
        if let Some(why) = line.unclear.first() {
            return Err((*why).to_owned());
        }
        if line.commands.is_empty() {
            return Err("there is no command in it".into());
        }
        for command in &line.commands {
            self.one_permitted(command, cwd, wrapped, by)?;
        }
        Ok(())
    }

    fn one_permitted(
        &self,
        command: &Command,
        cwd: &Cwd<'_>,
        wrapped: Wrapped,
        by: &mut Option<usize>,
    ) -> Result<(), String> {
        if !command.certain {
            return Err("it has a text in it that may be run".into());
        }
        let folders = folders(command, cwd);
        let lost = command.directories.is_empty();
        self.redirects_permitted(command, &folders, lost)?;
        let exact = command.raw.as_deref().and_then(|raw| self.allow.exactly(raw));
        if self.mode != Mode::Plan
            && let Some(rule) = exact
        {
            by.get_or_insert(rule);
            return Ok(());
        }
        for (name, _) in &command.assignments {
            let harmless = if command.words.is_empty() {
                !palisade_shell::changes_meaning(name)
            } else {
                is_harmless_variable(name)
            };
            if !harmless {
                return Err(format!("it sets `{}`, which may change what is run", shown(name)));
            }
        }
        if command.words.is_empty() {
            return Ok(());
        }
        if self.mode != Mode::Plan
            && let Some(rule) = self.pattern_permits(command)
        {
            by.get_or_insert(rule);
            return Ok(());
        }
        if self.is_safe(command, &folders, lost, wrapped) {
            return Ok(());
        }
        let transparent =
            !command.starts.is_empty() && command.starts.iter().all(|started| started.transparent);
        if transparent {
            for started in &command.starts {
                self.line_permitted(&started.line, cwd, Wrapped::Yes, by)?;
            }
            return Ok(());
        }
        let shown = shown(&command.to_string());
        Err(match command.hidden_powers().first() {
            Some(option) => format!("`{shown}` has {option}, by which it may do more than it says"),
            None => format!("no rule permits `{shown}`"),
        })
    }

    fn redirects_permitted(
        &self,
        command: &Command,
        folders: &[Cwd<'_>],
        lost: bool,
    ) -> Result<(), String> {
        for redirect in &command.redirects {
            let Some(path) = redirect.file.known() else {
                return Err("a file that it opens is not known".into());
            };
            if lost && !path.starts_with('/') && !files::is_sink(path) {
                return Err("the folder that it runs in is not known".into());
            }
            for cwd in folders {
                if redirect.writes {
                    if self.mode == Mode::Plan && !files::is_sink(path) {
                        return Err("it writes a file".into());
                    }
                    self.may_edit(path, &cwd.ways(path))?;
                }
                if redirect.reads {
                    self.may_read(path, &cwd.ways(path))?;
                }
            }
        }
        Ok(())
    }

    fn pattern_permits(&self, command: &Command) -> Option<usize> {
        let first = command.words.first()?.known()?;
        // A blank in a program's name would let one word stand for two.
        if first.contains(char::is_whitespace) || first.is_empty() {
            return None;
        }
        let text = CommandText::new(&command.words, true);
        let powers = command.hidden_powers();
        self.allow.for_word(&[first]).into_iter().find(|index| {
            let Some(pattern) = pattern_of(&self.allow, *index) else { return false };
            let means_it = powers.iter().all(|option| {
                pattern.text().split_whitespace().any(|word| word.starts_with(option.as_str()))
            });
            !pattern.is_exact() && means_it && pattern.surely(&text)
        })
    }

    fn is_safe(
        &self,
        command: &Command,
        folders: &[Cwd<'_>],
        lost: bool,
        wrapped: Wrapped,
    ) -> bool {
        // Nor one that has gone to another folder.
        let accepts = self.mode == Mode::AcceptEdits
            && wrapped == Wrapped::No
            && matches!(command.directories.as_slice(), [only] if only == ".");
        let (paths, edits) = match safe(command) {
            Some(Safe::Reads(paths)) => (paths, false),
            Some(Safe::Edits(paths)) if accepts => (paths, true),
            _ => return false,
        };
        if lost && paths.iter().any(|path| !path.starts_with('/')) {
            return false;
        }
        // With the workspace go the files that other programs take orders from.
        if edits
            && command.program() == Some("rm")
            && paths.iter().any(|path| {
                folders.iter().any(|cwd| cwd.ways(path).iter().any(|it| self.is_around(it)))
            })
        {
            return false;
        }
        paths.iter().all(|path| {
            folders.iter().all(|cwd| {
                let ways = cwd.ways(path);
                let permitted =
                    if edits { self.may_edit(path, &ways) } else { self.may_read(path, &ways) };
                permitted.is_ok()
            })
        })
    }

    /// What a command would remove that nobody means to remove, in words.
    pub(crate) fn removes_everything(&self, line: &Line, cwd: &Cwd<'_>) -> Option<&'static str> {
        for command in line.all() {
            if command.program() != Some("rm") {
                continue;
            }
            for word in command.words.iter().skip(1) {
                let text = word.start();
                if text.is_empty() && word.known().is_none() {
                    return Some("files that are not known");
                }
                if text.starts_with('-') {
                    continue;
                }
                let text = text.trim_end_matches('/');
                let home = self.place.home.as_deref();
                for cwd in folders(command, cwd) {
                    let removed = cwd.at(if text.is_empty() { "/" } else { text });
                    let path = removed.folder();
                    if path == Path::new("/") || path.parent() == Some(Path::new("/")) {
                        return Some("a folder of the system");
                    }
                    if Some(path) == home {
                        return Some("the home folder");
                    }
                }
            }
        }
        None
    }
}

/// The folders that a command may run in.
fn folders<'a>(command: &Command, cwd: &Cwd<'a>) -> Vec<Cwd<'a>> {
    let mut out: Vec<_> = command.directories.iter().map(|path| cwd.at(path)).collect();
    if out.is_empty() {
        out.push(cwd.clone());
    }
    out
}

/// Each name of which only some is known is compared with each pattern: a line with more of them than anybody writes is
/// asked without that.
fn too_many_found(rules: &Rules, line: &Line) -> Found {
    const MOST: usize = 256;
    let Some(rule) = rules.first_of_paths() else {
        return Found::No;
    };
    let words = line.all().into_iter().flat_map(|command| {
        command.words.iter().chain(command.redirects.iter().map(|redirect| &redirect.file))
    });
    if words.filter(|word| word.pieces().len() > 1).take(MOST + 1).count() > MOST {
        let why = "it has too many names of which only some is known".to_owned();
        return Found::Perhaps { rule, why };
    }
    Found::No
}

/// What rules for commands say to one command.
pub(crate) fn pattern_found(rules: &Rules, command: &Command) -> Found {
    let Some(word) = command.words.first() else { return Found::No };
    // Zsh finds a program behind `=`.
    let names: Vec<&str> = match word.known() {
        Some(full) => {
            let base = full.rsplit('/').next().unwrap_or(full);
            vec![full, base, base.strip_prefix('=').unwrap_or(base)]
        }
        None => Vec::new(),
    };
    let mut texts = vec![CommandText::new(&command.words, false)];
    for name in names.iter().skip(1).filter(|name| word.known() != Some(**name)) {
        let mut words = command.words.clone();
        if let Some(first) = words.first_mut() {
            *first = Field::text(*name);
        }
        texts.push(CommandText::new(&words, false));
    }
    if let Some(raw) = &command.raw {
        texts.push(CommandText::plain(raw));
    }
    let mut doubt = Found::No;
    for rule in rules.for_word(&names) {
        let Some(pattern) = pattern_of(rules, rule) else { continue };
        let what = || format!("it may run `{}`", shown(&command.to_string()));
        if texts.iter().any(|text| pattern.surely(text)) {
            if command.certain {
                return Found::Sure { rule, what: what() };
            }
            doubt = first(doubt, Found::Perhaps { rule, why: what() });
        } else if texts.iter().any(|text| !text.is_known() && pattern.possibly(text)) {
            doubt = first(doubt, Found::Perhaps { rule, why: what() });
        }
    }
    doubt
}

pub(crate) fn pattern_of(rules: &Rules, index: usize) -> Option<&CommandPattern> {
    match &rules.get(index)?.rule.what {
        What::Command(pattern) => Some(pattern),
        _ => None,
    }
}

fn first(doubt: Found, found: Found) -> Found {
    if doubt == Found::No { found } else { doubt }
}

/// Whether a file of which nothing is known is one that this command changes: what `find` removes is looked up, and
/// what is only made is no file of a rule's.
fn names_all(command: &Command) -> bool {
    !matches!(command.program(), Some("find" | "mkdir" | "rmdir" | "touch" | "mkfifo" | "mknod"))
}

/// The names of files that an argument may be, or that a program such as `find` may look for by it.
fn names_in(field: &Field) -> Vec<Field> {
    let Some(text) = field.known() else { return vec![field.clone()] };
    text.split_whitespace()
        .filter(|word| !word.starts_with('-'))
        .map(|word| {
            let pattern = word.contains(['*', '?', '[']);
            if pattern { Field::pattern(word) } else { Field::text(word) }
        })
        .collect()
}

/// What is known of the start and the end of a file's name; `None` if that says nothing.
fn known_ends(file: &Field) -> Option<(String, String)> {
    use palisade_shell::Piece;
    let folder_open = file
        .pieces()
        .iter()
        .skip(1)
        .any(|piece| matches!(piece, Piece::Text(text) if text.contains('/')));
    // What stands before a pattern in a folder's name says nothing of the file's.
    let start = if folder_open { "" } else { file.start() };
    let start = start.rsplit_once('/').map_or(start, |(_, name)| name);
    let end = match file.pieces().last() {
        Some(Piece::Text(text)) if file.pieces().len() > 1 => {
            text.rsplit('/').next().unwrap_or(text)
        }
        _ => "",
    };
    let said = !start.is_empty() || !end.is_empty();
    said.then(|| (start.to_owned(), end.to_owned()))
}

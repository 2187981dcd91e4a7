//! From a tool call to a decision.

mod likeness;
mod lists;

use std::path::{Path, PathBuf};

use palisade_core::{Decision, ToolCall, ToolInput, glob};
use palisade_shell::{BACKGROUND, Field, Known, Line};
use serde_json::Value;

use crate::{
    List, Meaning, Mode, Place, RuleError, Settings, Written,
    bash::Permitted,
    files,
    rule::What,
    tools::{Understood, may_mean, understand},
    ways::{Cwd, Lookups, Ways, lexical},
};

pub(crate) use likeness::folded;
pub(crate) use lists::Rules;

/// Rules that decide tool calls.
#[derive(Debug, Clone)]
pub struct Permissions {
    pub(crate) mode: Mode,
    pub(crate) place: Place,
    /// The workspace and its like, as they are and as links lead.
    pub(crate) roots: Vec<PathBuf>,
    pub(crate) deny: Rules,
    pub(crate) ask: Rules,
    pub(crate) allow: Rules,
}

/// What rules of one list say to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    No,
    /// This rule names it.
    Sure {
        rule: usize,
        what: String,
    },
    /// This rule may name it: that cannot be told.
    Perhaps {
        rule: usize,
        why: String,
    },
}

impl Permissions {
    /// Rules in the form that decides fast.
    ///
    /// # Errors
    /// Every rule that is none or would never count, with its text.
    pub fn new(settings: Settings) -> Result<Self, Vec<(Written, RuleError)>> {
        let Settings { mode, allow, ask, deny, mut place } = settings;
        if place.workspace.as_os_str().is_empty() {
            place.workspace = PathBuf::from("/");
        }
        let mut roots = Vec::new();
        for folder in std::iter::once(&place.workspace).chain(&place.additional) {
            let real = Ways::new(folder, ".", None).real().to_owned();
            for root in [folder.clone(), real] {
                if !roots.contains(&root) {
                    roots.push(root);
                }
            }
        }
        let mut wrong = Vec::new();
        let deny = Rules::new(deny, List::Deny, &place, &mut wrong);
        let ask = Rules::new(ask, List::Ask, &place, &mut wrong);
        let allow = Rules::new(allow, List::Allow, &place, &mut wrong);
        if wrong.is_empty() {
            Ok(Self { mode, place, roots, deny, ask, allow })
        } else {
            Err(wrong)
        }
    }

    /// The same in another mode.
    #[must_use]
    pub fn in_mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// What becomes of a call that no rule names.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether an agent in this folder is where calls are decided for that name none.
    pub fn works_in(&self, directory: &Path) -> bool {
        self.place.workspace == directory
    }

    /// What the call means, whatever the agent calls its tool.
    pub fn meaning(call: &ToolCall) -> Meaning {
        understand(call).meaning
    }

    /// Whether this call may be made, by which rule, and why.
    pub fn decide(&self, call: &ToolCall) -> Decision {
        self.decide_in(call, None)
    }

    /// The same for an agent that is in another folder than its workspace.
    pub fn decide_in(&self, call: &ToolCall, directory: Option<&Path>) -> Decision {
        let understood = understand(call);
        let folder = self.folder(&understood, directory);
        let line = self.line(&understood.meaning, &folder);
        let lookups = self.lookups();
        let cwd = Cwd::new(folder, &lookups);
        let mut doubt = None;
        for (list, rules) in [(List::Deny, &self.deny), (List::Ask, &self.ask)] {
            match self.found(rules, call, &understood, &line, &cwd) {
                Found::No => {}
                Found::Sure { rule, what } => {
                    let found = rules.decision(list, rule, &what);
                    return if list == List::Ask { self.or_refused(found) } else { found };
                }
                Found::Perhaps { rule, why } => {
                    doubt.get_or_insert_with(|| rules.doubt(list, rule, &why));
                }
            }
        }
        if let Some(doubt) = doubt {
            return self.or_refused(doubt);
        }
        if self.mode == Mode::BypassPermissions {
            if let Ok(line) = &line
                && let Some(what) = self.removes_everything(line, &cwd)
            {
                return Decision::ask(MODE, format!("this would remove {what}"));
            }
            return Decision::allow(
                MODE,
                "the mode is `bypassPermissions`, and no rule refuses it",
            );
        }
        let why = match self.permitted(call, &understood, &line, &cwd) {
            Permitted::By(decision) => return decision,
            Permitted::No(why) => why,
        };
        let asked = Decision::ask(MODE, why);
        match self.mode {
            Mode::Plan => Decision::deny_by(
                MODE,
                format!("the mode is `plan`, in which nothing is changed: {}", asked.reason),
            ),
            _ => self.or_refused(asked),
        }
    }

    /// Whether a rule text names this call, as the condition of a hook does: a call of which that cannot be told
    /// counts as named.
    pub fn names(&self, rule: &str, call: &ToolCall) -> bool {
        let written =
            Written { text: rule.to_owned(), at: None, base: self.place.workspace.clone() };
        let mut wrong = Vec::new();
        let rules = Rules::new(vec![written], List::Deny, &self.place, &mut wrong);
        if !wrong.is_empty() {
            return true;
        }
        let understood = understand(call);
        let folder = self.folder(&understood, None);
        let line = self.line(&understood.meaning, &folder);
        let lookups = self.lookups();
        let cwd = Cwd::new(folder, &lookups);
        self.found(&rules, call, &understood, &line, &cwd) != Found::No
    }

    /// A question, where one may be asked.
    pub(crate) fn or_refused(&self, asked: Decision) -> Decision {
        match self.mode {
            Mode::DontAsk => Decision::deny_by(
                asked.rule.unwrap_or_else(|| MODE.into()),
                format!("{}; the mode is `dontAsk`, so this is refused", asked.reason),
            ),
            _ => asked,
        }
    }

    fn lookups(&self) -> Lookups<'_> {
        Lookups::new(self.place.home.as_deref())
    }

    fn folder(&self, understood: &Understood, directory: Option<&Path>) -> PathBuf {
        let start = directory.unwrap_or(&self.place.workspace);
        match &understood.directory {
            Some(folder) => lexical(start, folder, self.place.home.as_deref()),
            None => start.to_owned(),
        }
    }

    /// What a command would do; an error if there is none or it cannot be read.
    fn line(&self, meaning: &Meaning, folder: &Path) -> Result<Line, Option<String>> {
        let known = Known {
            directory: folder.to_str().map(str::to_owned),
            home: self.place.home.as_deref().and_then(Path::to_str).map(str::to_owned),
        };
        match meaning {
            Meaning::Command(text) => {
                palisade_shell::analyse(text, &known).map_err(|why| Some(why.to_string()))
            }
            Meaning::Program(words) => Ok(palisade_shell::of_program(words, &known)),
            _ => Err(None),
        }
    }

    fn found(
        &self,
        rules: &Rules,
        call: &ToolCall,
        understood: &Understood,
        line: &Result<Line, Option<String>>,
        cwd: &Cwd<'_>,
    ) -> Found {
        let spelled = understood.spelled.is_some().then(|| understood.all_names());
        let names = spelled.as_deref().unwrap_or(&understood.names);
        if let Some(rule) = rules.whole_tool(names) {
            return Found::Sure { rule, what: format!("it is a call of `{}`", call.name) };
        }
        if let Some(rule) = rules.parameter(names, &call.input) {
            return Found::Sure { rule, what: "it has a value that the rule names".into() };
        }
        match &understood.meaning {
            Meaning::Command(_) | Meaning::Program(_) => match line {
                Ok(line) => self.command_found(rules, line, cwd),
                Err(why) => match rules.any_about_commands() {
                    Some(rule) => Found::Perhaps { rule, why: why.clone().unwrap_or_default() },
                    None => Found::No,
                },
            },
            Meaning::Read(paths) | Meaning::Search(paths) => {
                match self.paths_found(rules, paths, cwd, false) {
                    Found::No => self.patterns_found(rules, &understood.patterns, cwd),
                    found => found,
                }
            }
            Meaning::Edit(paths) => self.paths_found(rules, paths, cwd, true),
            Meaning::Fetch(urls) => rules.hosts(urls),
            Meaning::Agent(name) => rules.name(&understood.names, name.as_deref()),
            // What follows the name is given to the skill.
            Meaning::Skill(name) => {
                let found = rules.name(&understood.names, name.as_deref());
                let bare = name.as_deref().map(|name| name.trim().trim_start_matches('/'));
                match bare.and_then(|name| name.split_whitespace().next()) {
                    Some(name) if found == Found::No => rules.name(&understood.names, Some(name)),
                    _ => found,
                }
            }
            Meaning::Unclear(why) => {
                // The language of another shell is not read, and so each rule for commands may be about it.
                let is_other_shell = understood.names.iter().any(|name| name == "PowerShell");
                let about_any = || is_other_shell.then(|| rules.any_about_commands()).flatten();
                match rules.any_of(&understood.names).or_else(about_any) {
                    Some(rule) => Found::Perhaps { rule, why: (*why).to_owned() },
                    None => Found::No,
                }
            }
            // It may call each tool, and so each rule may be about it.
            Meaning::Code => match rules.any() {
                Some(rule) => Found::Perhaps { rule, why: CODE.into() },
                None => Found::No,
            },
            Meaning::Other => self.may_be_found(rules, call, understood, cwd),
            Meaning::WebSearch | Meaning::Inner => Found::No,
        }
    }

    /// What rules say to a tool that is not known, by what its input has the names of.
    fn may_be_found(
        &self,
        rules: &Rules,
        call: &ToolCall,
        understood: &Understood,
        cwd: &Cwd<'_>,
    ) -> Found {
        if let Some(rule) = rules.like(&call.name, &call.input) {
            let why = format!("`{}` may be another name of the same tool", shown(&call.name));
            return Found::Perhaps { rule, why };
        }
        for meaning in may_mean(call) {
            let runs = matches!(meaning, Meaning::Command(_) | Meaning::Program(_));
            if let Some(rule) = rules.whole_tool(&["Bash".to_owned()]).filter(|_| runs) {
                let why =
                    format!("what `{}` does is not known, and it has a command", shown(&call.name));
                return Found::Perhaps { rule, why };
            }
            let line = self.line(&meaning, cwd.folder());
            let understood = Understood { meaning, ..understood.clone() };
            match self.found(rules, call, &understood, &line, cwd) {
                Found::No => {}
                Found::Sure { rule, what } => {
                    let why = format!("what `{}` does is not known, and {what}", shown(&call.name));
                    return Found::Perhaps { rule, why };
                }
                found @ Found::Perhaps { .. } => return found,
            }
        }
        Found::No
    }

    /// What rules say to a search for files of such names, wherever they are.
    fn patterns_found(&self, rules: &Rules, patterns: &[String], cwd: &Cwd<'_>) -> Found {
        for pattern in patterns {
            let name = pattern.trim_start_matches("./").trim_start_matches("**/");
            for name in palisade_shell::alternatives(name) {
                let field = Field::pattern(&name).behind_anything();
                if let Some(rule) = self.partly(rules, &field, &[cwd.at("/")], false) {
                    let why = format!("it is about files such as `{}`", shown(pattern));
                    return Found::Perhaps { rule, why };
                }
            }
        }
        Found::No
    }

    fn paths_found(&self, rules: &Rules, paths: &[String], cwd: &Cwd<'_>, edits: bool) -> Found {
        let mut doubt = Found::No;
        for path in paths {
            if let Some(rule) = self.path_rule(rules, path, cwd, edits) {
                return Found::Sure { rule, what: format!("it is about `{}`", shown(path)) };
            }
            for other in other_readings(path) {
                let rule = match other.known() {
                    Some(other) => self.path_rule(rules, other, cwd, edits),
                    None => self.partly(rules, &other, std::slice::from_ref(cwd), edits),
                };
                if let Some(rule) = rule {
                    let why = format!("`{}` may be another file to the agent", shown(path));
                    doubt = Found::Perhaps { rule, why };
                }
            }
            if edits && let Some((rule, why)) = self.below_path(rules, path, cwd) {
                doubt = Found::Perhaps { rule, why };
            }
            let paths = rules.first_of_paths();
            if let Some(rule) = paths.filter(|_| path.contains('\0')) {
                let why = format!("`{}` has a NUL in it", shown(path));
                doubt = Found::Perhaps { rule, why };
            }
        }
        doubt
    }

    /// The rule of a list that has this path, by its name or by where it leads.
    pub(crate) fn path_rule(
        &self,
        rules: &Rules,
        path: &str,
        cwd: &Cwd<'_>,
        edits: bool,
    ) -> Option<usize> {
        if rules.reads.is_empty() && (rules.edits.is_empty() || !edits) {
            return None;
        }
        cwd.ways(path).iter().find_map(|path| {
            let edited = edits.then(|| rules.edits.of(path)).flatten();
            edited.or_else(|| rules.reads.of(path))
        })
    }

    fn permitted(
        &self,
        call: &ToolCall,
        understood: &Understood,
        line: &Result<Line, Option<String>>,
        cwd: &Cwd<'_>,
    ) -> Permitted {
        let whole = self.allow.whole_tool(&understood.names);
        // What goes on in the background is not there any more to be looked at: Claude Code asks, whatever is permitted.
        let leaves = line.as_ref().is_ok_and(|line| line.constructs.contains(&BACKGROUND));
        if let Some(rule) = whole
            && (self.mode != Mode::Plan || !changes(&understood.meaning))
            && !leaves
        {
            return Permitted::By(self.allow.decision(List::Allow, rule, "its tool is permitted"));
        }
        match &understood.meaning {
            Meaning::Command(text) => match line {
                Ok(line) => self.command_permitted(line, Some(text), cwd),
                Err(why) => Permitted::No(why.clone().unwrap_or_default()),
            },
            Meaning::Program(_) => match line {
                Ok(line) => self.command_permitted(line, None, cwd),
                Err(_) => Permitted::No("the command cannot be read".into()),
            },
            Meaning::Read(paths) | Meaning::Search(paths) => self.reads_permitted(paths, cwd),
            Meaning::Edit(paths) => self.edits_permitted(paths, cwd),
            Meaning::Fetch(urls) => match self.allow.hosts(urls) {
                Found::Sure { rule, what } if self.allow.permits_all(urls) => {
                    Permitted::By(self.allow.decision(List::Allow, rule, &what))
                }
                _ => Permitted::No("no rule permits this site; `WebFetch(domain:…)` would".into()),
            },
            Meaning::Agent(name) | Meaning::Skill(name) => {
                match self.allow.name(&understood.names, name.as_deref()) {
                    Found::Sure { rule, what } => {
                        Permitted::By(self.allow.decision(List::Allow, rule, &what))
                    }
                    // What another agent does is decided call by call.
                    _ if matches!(understood.meaning, Meaning::Agent(_)) => Permitted::By(
                        Decision::allow(MODE, "what another agent does is decided call by call"),
                    ),
                    _ => Permitted::No("no rule permits this skill; `Skill(name)` would".into()),
                }
            }
            Meaning::Inner => {
                Permitted::By(Decision::allow(MODE, "it changes nothing outside of the agent"))
            }
            Meaning::Unclear(why) => Permitted::No((*why).to_owned()),
            Meaning::Code => Permitted::No(CODE.into()),
            Meaning::WebSearch | Meaning::Other => Permitted::No(format!(
                "no rule permits `{0}`; to permit it, add `{0}` to `permissions.allow`",
                shown(&call.name)
            )),
        }
    }

    fn reads_permitted(&self, paths: &[String], cwd: &Cwd<'_>) -> Permitted {
        for path in paths {
            if let Err(why) = self.may_read(path, &cwd.ways(path)) {
                return Permitted::No(why);
            }
        }
        Permitted::By(Decision::allow(MODE, "it reads what the workspace has or a rule permits"))
    }

    fn edits_permitted(&self, paths: &[String], cwd: &Cwd<'_>) -> Permitted {
        if self.mode == Mode::Plan {
            return Permitted::No("it changes files".into());
        }
        for path in paths {
            if let Err(why) = self.may_edit(path, &cwd.ways(path)) {
                return Permitted::No(why);
            }
        }
        Permitted::By(Decision::allow(MODE, "it changes what a rule or the mode permits"))
    }

    /// Whether this file may be read without a question.
    pub(crate) fn may_read(&self, path: &str, ways: &Ways) -> Result<(), String> {
        // A link from the workspace to where a rule permits it is neither.
        let inside = ways.iter().all(|path| self.is_inside(path));
        if inside
            || ways.iter().all(|path| self.allow.reads.of(path).is_some())
            || files::is_sink(path)
        {
            return Ok(());
        }
        Err(format!("`{}` is outside of the workspace, and no `Read` rule permits it", shown(path)))
    }

    /// Whether this file may be changed without a question.
    pub(crate) fn may_edit(&self, path: &str, ways: &Ways) -> Result<(), String> {
        if files::is_sink(path) {
            return Ok(());
        }
        // Whatever a rule or the mode permits, as Claude Code does: a rule for a folder does not mean them.
        if ways.iter().any(files::is_protected) {
            return Err(format!(
                "`{}` is a file that other programs take orders from",
                shown(path)
            ));
        }
        if ways.iter().all(|path| self.allow.edits.of(path).is_some()) {
            return Ok(());
        }
        let accepts = self.mode == Mode::AcceptEdits;
        if accepts && ways.iter().all(|path| self.is_inside(path)) {
            return Ok(());
        }
        Err(format!("no `Edit` rule and no mode permits a change of `{}`", shown(path)))
    }

    /// Whether this is a folder of the work, or one round it.
    pub(crate) fn is_around(&self, path: &Path) -> bool {
        self.roots.iter().any(|root| root.starts_with(path))
    }

    fn is_inside(&self, path: &Path) -> bool {
        self.roots.iter().any(|root| path.starts_with(root))
    }
}

/// What else a path may be to an agent: of a URL, without blanks and a mark for files, with variables put in.
fn other_readings(path: &str) -> Vec<Field> {
    let mut out = Vec::new();
    let plain = path.trim().trim_start_matches('@');
    let plain = plain.strip_prefix("file:").map_or(plain, |rest| rest.trim_start_matches("//"));
    if plain != path {
        out.push(Field::text(plain));
    }
    if path.contains(['$', '%']) {
        out.push(Field::with_variables(plain));
    }
    out
}

/// The name of the rule where no rule decided.
pub(crate) const MODE: &str = "permissions.mode";

/// Why a program of an agent's own is not decided by rules.
const CODE: &str = "it runs a program that may call other tools, and that is not read";

fn changes(meaning: &Meaning) -> bool {
    matches!(meaning, Meaning::Command(_) | Meaning::Program(_) | Meaning::Edit(_) | Meaning::Code)
}

/// A text of the agent's, safe to show.
pub(crate) fn shown(text: &str) -> String {
    palisade_core::shown(text, 120)
}

/// A value of a call, as rules compare it: texts, numbers and truth values alone.
fn scalar(input: &ToolInput, name: &str) -> Option<String> {
    let ToolInput::Object(fields) = input else { return None };
    match fields.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn has_value(what: &What, input: &ToolInput) -> bool {
    match what {
        What::Parameter { name, pattern } => {
            scalar(input, name).is_some_and(|value| glob(pattern, value.trim()))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;

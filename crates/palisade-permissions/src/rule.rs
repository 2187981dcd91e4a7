//! The grammar of rules: `Tool`, `Tool(what)`.

use palisade_core::glob;

use crate::{command_pattern::CommandPattern, hosts::HostRule};

/// Which list a rule stands in: a rule that refuses takes more for what it names than one that permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum List {
    /// `permissions.deny`
    Deny,
    /// `permissions.ask`
    Ask,
    /// `permissions.allow`
    Allow,
}

impl List {
    /// The word of the policy.
    pub fn as_str(self) -> &'static str {
        match self {
            List::Deny => "deny",
            List::Ask => "ask",
            List::Allow => "allow",
        }
    }
}

/// One rule, read.
#[derive(Debug, Clone)]
pub struct Rule {
    pub(crate) tool: ToolName,
    pub(crate) what: What,
}

/// Which tools a rule is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ToolName {
    Exact(String),
    /// With `*` for any characters.
    Pattern(String),
}

/// Which calls of the tool.
#[derive(Debug, Clone)]
pub(crate) enum What {
    All,
    Command(CommandPattern),
    /// A path in the syntax of `.gitignore`.
    Path(String),
    Host(HostRule),
    /// A value of the call's input.
    Parameter {
        name: String,
        pattern: String,
    },
    /// A name, such as an agent's or a skill's; `*` may follow it behind a space.
    Name(String),
}

/// Why a text is no rule, or one that would never do anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct RuleError {
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub remedy: String,
}

fn error(what: impl Into<String>, remedy: impl Into<String>) -> RuleError {
    RuleError { what: what.into(), remedy: remedy.into() }
}

/// The longest text of a rule, in characters.
const LONGEST: usize = 4096;

impl Rule {
    /// Reads a rule of this list.
    ///
    /// # Errors
    /// If it is none, or one that would never count.
    pub fn parse(text: &str, list: List) -> Result<Self, RuleError> {
        if text.chars().count() > LONGEST {
            return Err(error("the rule is too long", format!("use at most {LONGEST} characters")));
        }
        let text = text.trim();
        let (name, what) = match text.split_once('(') {
            None => (text, None),
            Some((name, rest)) => match rest.strip_suffix(')') {
                Some(what) => (name, Some(what)),
                None => return Err(error("the parenthesis is not closed", "write `Tool(what)`")),
            },
        };
        let tool = tool_name(name, list)?;
        let what = match what {
            None | Some("*") => What::All,
            Some(what) if what.trim().is_empty() => {
                return Err(error(
                    "nothing stands between the parentheses",
                    format!("write `{name}`, or what of it is meant"),
                ));
            }
            Some(what) => specifier(name, what, list)?,
        };
        Ok(Self { tool, what })
    }

    /// Whether it names commands, which can be held where they are executed.
    pub fn is_for_commands(&self) -> bool {
        matches!(self.what, What::Command(_))
    }

    /// The program that it names, if it names one and is for commands.
    pub fn program(&self) -> Option<String> {
        match &self.what {
            What::Command(pattern) => pattern.first_word().filter(|word| !word.is_empty()),
            _ => None,
        }
    }

    /// Whether all calls of a tool of this name are meant.
    pub(crate) fn is_for_all_of(&self, tool: &str) -> bool {
        matches!(self.what, What::All) && self.tool.matches(tool)
    }
}

fn tool_name(name: &str, list: List) -> Result<ToolName, RuleError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '*');
    if name.is_empty() || !name.chars().all(plain) {
        return Err(error(
            "it does not begin with the name of a tool",
            "write `Tool`, or `Tool(what)` such as `Bash(npm run *)`",
        ));
    }
    if !name.contains('*') {
        // `mcp__server` is all of its tools.
        return Ok(match name.strip_prefix("mcp__") {
            Some(server) if !server.is_empty() && !server.contains("__") => {
                ToolName::Pattern(format!("{name}__*"))
            }
            _ => ToolName::Exact(name.to_owned()),
        });
    }
    if list == List::Allow {
        let server = name.strip_prefix("mcp__").and_then(|rest| rest.split_once("__"));
        if !server.is_some_and(|(server, _)| !server.is_empty() && !server.contains('*')) {
            return Err(error(
                "an `allow` names no tools by a pattern",
                "name the tool; only `mcp__server__*` may permit all tools of one server",
            ));
        }
    }
    Ok(ToolName::Pattern(name.to_owned()))
}

/// Values of a command that are not the command itself.
const BASH_PARAMETERS: [&str; 4] =
    ["run_in_background", "timeout", "description", "dangerouslyDisableSandbox"];

fn specifier(tool: &str, what: &str, list: List) -> Result<What, RuleError> {
    let parameter = what
        .split_once(':')
        .map(|(name, value)| (name.trim(), value.trim()))
        .filter(|(name, _)| is_identifier(name));
    let as_parameter = |(name, value): (&str, &str)| {
        if list == List::Allow {
            return Err(error(
                "an `allow` does not look at single values of a call",
                "use `ask` or `deny` for it",
            ));
        }
        Ok(What::Parameter { name: name.to_owned(), pattern: value.to_owned() })
    };
    match tool {
        "Bash" => match parameter {
            Some(found) if BASH_PARAMETERS.contains(&found.0) => as_parameter(found),
            _ => Ok(What::Command(CommandPattern::new(what))),
        },
        "Read" | "Edit" => match parameter {
            Some((name, _)) if matches!(name, "file_path" | "path" | "notebook_path") => Err(
                error(format!("`{name}` is what the rule is about anyway"), "write the path alone"),
            ),
            _ if what.starts_with('!') => Err(error(
                "a path rule takes nothing back",
                "remove the `!` and name what is meant",
            )),
            _ => Ok(What::Path(what.to_owned())),
        },
        "Write" | "MultiEdit" | "NotebookEdit" => Err(error(
            format!(
                "paths are looked up in `Edit` rules only, so `{tool}({what})` would never count"
            ),
            format!("write `Edit({what})`"),
        )),
        "Glob" | "Grep" | "LS" => Err(error(
            format!(
                "paths are looked up in `Read` rules only, so `{tool}({what})` would never count"
            ),
            format!("write `Read({what})`"),
        )),
        "WebFetch" => match what.strip_prefix("domain:") {
            Some(host) => HostRule::parse(host.trim()).map(What::Host),
            None => Err(error("it names no domain", "write `WebFetch(domain:example.com)`")),
        },
        "WebSearch" => Err(error("a search has nothing to choose by", "write `WebSearch`")),
        "Skill" | "Agent" | "Task" => match parameter {
            Some(found) => as_parameter(found),
            None => Ok(What::Name(what.trim().to_owned())),
        },
        _ => match parameter {
            Some(found) => as_parameter(found),
            None => Err(error(
                format!("nothing is known of what `{tool}` takes"),
                format!("write `{tool}`, or `{tool}(name:value)` in `ask` and `deny`"),
            )),
        },
    }
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
}

impl ToolName {
    pub(crate) fn matches(&self, name: &str) -> bool {
        match self {
            ToolName::Exact(exact) => exact == name,
            ToolName::Pattern(pattern) => glob(pattern, name),
        }
    }
}

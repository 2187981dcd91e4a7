use std::collections::HashMap;

use palisade_core::glob;

use crate::rule::{Rule, ToolName, What};

/// Rules by what their tools may be called. A server's tool has one name there, and agents make others of it: with
/// `_` for what models do not take, as `mcp_SERVER_TOOL` or `SERVER__TOOL`, in small letters, without what is not seen.
/// What only may be meant is asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Likeness {
    exact: HashMap<String, usize>,
    patterns: Vec<(String, usize)>,
    /// By the tool's name alone, where it is of a server.
    of_servers: HashMap<String, usize>,
    /// All tools of a server, or of several.
    whole_servers: Vec<(String, usize)>,
    /// Rules for single values of a server's tool.
    values: Vec<(String, usize)>,
}

impl Likeness {
    pub(super) fn add(&mut self, rule: &Rule, index: usize) {
        let (ToolName::Exact(name) | ToolName::Pattern(name)) = &rule.tool;
        match &rule.what {
            What::All => {}
            What::Parameter { .. } => {
                self.values.push((folded(name), index));
                return;
            }
            _ => return,
        }
        let of_server = name.strip_prefix("mcp__").and_then(|rest| rest.split_once("__"));
        match &rule.tool {
            ToolName::Exact(name) => {
                self.exact.entry(folded(name)).or_insert(index);
                if let Some((_, tool)) = of_server {
                    self.of_servers.entry(folded(tool)).or_insert(index);
                }
            }
            ToolName::Pattern(name) => {
                self.patterns.push((folded(name), index));
                let tool = of_server.map(|(_, tool)| tool);
                let tool = tool.or_else(|| name.starts_with("mcp__").then_some("*"));
                if let Some(tool) = tool {
                    self.whole_servers.push((folded(tool), index));
                }
            }
        }
    }

    /// The first rule that may be about a call of this tool, which is none that is known. `known_as` is the one that it
    /// is like, and `has_value` whether the call has the value that a rule names.
    pub(super) fn find(
        &self,
        name: &str,
        known_as: Option<&str>,
        has_value: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let plain = folded(name);
        let known = known_as.map(folded);
        // `SERVER__TOOL` and `SERVER_TOOL`: only what a rule has a whole name for is taken for the second.
        let (grouped, bare) = match (name.starts_with("mcp_"), name.contains("__")) {
            (true, _) => (None, None),
            (false, true) => (Some(format!("mcp_{plain}")), None),
            (false, false) => (None, Some(format!("mcp_{plain}"))),
        };
        let of_any_server = name.strip_prefix("mcp__unknown__").map(folded);
        let of_any_in_one = of_any_server.as_ref().map(|rest| format!("mcp_{rest}"));
        let names = [Some(&plain), known.as_ref(), grouped.as_ref(), of_any_in_one.as_ref()];
        let names: Vec<&String> = names.into_iter().flatten().collect();
        let exact = names.iter().copied().chain(&bare).filter_map(|it| self.exact.get(it).copied());
        let fits = |pattern: &str| names.iter().any(|name| glob(pattern, name));
        let patterns = self.patterns.iter().filter(|(pattern, _)| fits(pattern)).map(|(_, at)| *at);
        let tool = of_any_server.as_ref();
        let of_servers = tool.and_then(|tool| self.of_servers.get(tool).copied());
        let whole = tool.into_iter().flat_map(|tool| {
            let fits = self.whole_servers.iter().filter(|(pattern, _)| glob(pattern, tool));
            fits.map(|(_, at)| *at)
        });
        let values = self.values.iter().filter(|(pattern, at)| fits(pattern) && has_value(*at));
        let values = values.map(|(_, at)| *at);
        exact.chain(patterns).chain(of_servers).chain(whole).chain(values).min()
    }
}

/// A name as the least careful reader has it: small letters and digits, one `_` for whatever stands between them, and
/// nothing for what is not seen. `*` stays.
pub(crate) fn folded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '*' => out.push('*'),
            _ if letter.is_alphanumeric() => out.extend(letter.to_lowercase()),
            _ if !letter.is_ascii_graphic() && !letter.is_whitespace() => {}
            _ if out.ends_with('_') => {}
            _ => out.push('_'),
        }
    }
    out.trim_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_to_what_stays_of_them() {
        for (name, expected) in [
            ("mcp__s__bad", "mcp_s_bad"),
            ("mcp__s__ Bad\u{200b} ", "mcp_s_bad"),
            ("mcp__s__delete.all", "mcp_s_delete_all"),
            ("mcp__s__*", "mcp_s_*"),
            ("Bash\n", "bash"),
            ("", ""),
            ("\u{fffd}", ""),
        ] {
            assert_eq!(folded(name), expected, "{name:?}");
        }
    }
}

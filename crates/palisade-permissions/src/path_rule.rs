//! What stands in `Read(…)` and `Edit(…)`: paths in the syntax of `.gitignore`.

use std::path::{Path, PathBuf};

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

use crate::{
    Place, Written,
    partial_path::{PartialPath, PartialPattern},
    rule::{List, RuleError},
};

/// The patterns that a rule's text stands for: absolute, `**` for any depth.
///
/// - `//p` is absolute, `~/p` below home, `/p` below the folder of the file that the rule is in;
/// - `p` and `./p` are below the workspace; a name alone is at any depth below it;
/// - where it refuses or asks, a folder `p/**` is at any depth too, and so is `./name`.
pub(crate) fn patterns(
    text: &str,
    rule: &Written,
    list: List,
    place: &Place,
) -> Result<Vec<PathPattern>, RuleError> {
    let text = text.trim();
    // With how much of it is where it begins, and not what it names.
    let below = |folder: &Path, pattern: &str| {
        let folder = globset::escape(&folder.display().to_string());
        let folder = folder.trim_end_matches('/');
        (format!("{folder}/{pattern}"), folder.len())
    };
    let mut out: Vec<(String, usize)> = Vec::new();
    if let Some(rest) = text.strip_prefix("//") {
        out.push((format!("/{rest}"), 0));
    } else if text == "~" || text.starts_with("~/") {
        let home = place.home.as_deref().ok_or_else(|| RuleError {
            what: "there is no home folder for `~`".into(),
            remedy: "write an absolute path as `//path`".into(),
        })?;
        out.push(below(home, text.trim_start_matches('~').trim_start_matches('/')));
    } else if let Some(rest) = text.strip_prefix('/') {
        out.push(below(&rule.base, rest));
    } else {
        let mut rest = text;
        while let Some(after) = rest.strip_prefix("./") {
            rest = after;
        }
        let bare = rest.trim_end_matches('/');
        let strict = list == List::Allow;
        let name_alone = !bare.contains('/');
        let one_folder = bare.strip_suffix("/**").is_some_and(|name| !name.contains('/'));
        let anchored = strict && text.starts_with("./");
        if (name_alone && !anchored) || (one_folder && !strict) {
            out.push(below(&place.workspace, &format!("**/{rest}")));
            if !strict {
                // Wherever the agent has gone.
                out.extend(
                    place.additional.iter().map(|folder| below(folder, &format!("**/{rest}"))),
                );
            }
        } else {
            out.push(below(&place.workspace, rest));
        }
    }
    let mut globs = Vec::new();
    for (pattern, start) in out {
        let mut add = |text: &str| -> Result<(), RuleError> {
            globs
                .push(PathPattern { glob: glob(text)?, partial: PartialPattern::new(text, start) });
            Ok(())
        };
        let folder = pattern.trim_end_matches('/');
        add(folder)?;
        match folder.strip_suffix("/**") {
            // What refuses a folder's content refuses the folder.
            Some(folder) if list != List::Allow && !folder.is_empty() => add(folder)?,
            Some(_) => {}
            None => add(&format!("{folder}/**"))?,
        }
    }
    Ok(globs)
}

/// One pattern of a rule.
#[derive(Debug, Clone)]
pub(crate) struct PathPattern {
    glob: Glob,
    partial: PartialPattern,
}

fn glob(pattern: &str) -> Result<Glob, RuleError> {
    GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build().map_err(
        |why| RuleError {
            what: format!("`{pattern}` is no pattern for paths: {}", why.kind()),
            remedy: "write a path with `*` and `**`, as in `.gitignore`".into(),
        },
    )
}

/// Many path rules, looked up at once.
#[derive(Debug, Clone, Default)]
pub(crate) struct PathRules {
    set: GlobSet,
    /// Which rule each pattern belongs to.
    rules: Vec<usize>,
    /// The last part of each pattern, for names of which only some is known.
    ends: Vec<String>,
    /// Each pattern, for paths of which only some is known.
    partial: Vec<PartialPattern>,
    /// The folder or file that all of a pattern's paths have in front, where that is more than where it begins.
    fixed: Vec<Option<PathBuf>>,
}

impl PathRules {
    pub(crate) fn new(
        rules: impl IntoIterator<Item = (usize, Vec<PathPattern>)>,
    ) -> Result<Self, RuleError> {
        let mut builder = GlobSetBuilder::new();
        let mut out = Self::default();
        for (rule, globs) in rules {
            for PathPattern { glob, partial } in globs {
                out.fixed.push(partial.fixed());
                out.partial.push(partial);
                let end =
                    glob.glob().trim_end_matches("/**").rsplit('/').next().unwrap_or_default();
                out.ends.push(end.to_owned());
                out.rules.push(rule);
                builder.add(glob);
            }
        }
        out.set = builder.build().map_err(|why| RuleError {
            what: format!("the path rules are too many or too large: {why}"),
            remedy: "use fewer or simpler patterns".into(),
        })?;
        Ok(out)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The first of them all.
    pub(crate) fn first_rule(&self) -> Option<usize> {
        self.rules.first().copied()
    }

    /// The first rule that has this path.
    pub(crate) fn of(&self, path: &Path) -> Option<usize> {
        if self.is_empty() {
            return None;
        }
        self.set.matches(path).into_iter().filter_map(|index| self.rules.get(index).copied()).min()
    }

    /// The first rule that may have this path, of which some is not known, by something of it that is known.
    pub(crate) fn partly(&self, path: &PartialPath) -> Option<usize> {
        let found = self.partial.iter().position(|pattern| pattern.may_be(path))?;
        self.rules.get(found).copied()
    }

    /// The first rule of which all that it names is below this folder, by its text.
    pub(crate) fn beneath(&self, folder: &Path) -> Option<usize> {
        let below = |fixed: &Option<PathBuf>| {
            fixed.as_ref().is_some_and(|fixed| fixed != folder && fixed.starts_with(folder))
        };
        self.rules.get(self.fixed.iter().position(below)?).copied()
    }

    /// The first rule that may name something below this folder, of whatever name. Of a rule for any depth only the
    /// folder counts that it begins in, and those above that.
    pub(crate) fn may_be_below(&self, folder: &Path) -> Option<usize> {
        let below = PartialPath::below(folder);
        let found = self.partial.iter().position(|pattern| {
            let deeper = pattern.begins().is_some_and(|begins| !begins.starts_with(folder));
            !deeper && pattern.may_be_one_of(&below)
        })?;
        self.rules.get(found).copied()
    }

    /// The first rule whose last part could be a name with this known start and end.
    pub(crate) fn perhaps(&self, start: &str, end: &str) -> Option<usize> {
        let fits = |pattern: &str| {
            let literal = pattern.split(['*', '?', '[', '{']).next().unwrap_or_default();
            let whole = literal.len() == pattern.len();
            let starts = if whole {
                pattern.starts_with(start)
            } else {
                literal.starts_with(start) || start.starts_with(literal)
            };
            let tail = pattern.rsplit(['*', '?', ']', '}']).next().unwrap_or_default();
            let ends = if whole {
                pattern.ends_with(end)
            } else {
                tail.ends_with(end) || end.ends_with(tail)
            };
            starts && ends && !pattern.is_empty() && pattern != "**"
        };
        let found = self.ends.iter().position(|pattern| fits(pattern))?;
        self.rules.get(found).copied()
    }
}

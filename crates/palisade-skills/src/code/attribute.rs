//! Values that a language gives under a name: the environment, the arguments, the platform.

use super::analysis::Analysis;
use super::language::Language;
use super::origin::Tag;
use super::value::{Known, Value};
use crate::{Source, Use};

impl Analysis {
    /// The value behind a qualified name, if it is more than the name.
    pub(crate) fn attribute(&mut self, path: &str) -> Option<Value> {
        let variable =
            ["os.environ.", "process.env.", "ENV.", "Deno.env.", "Bun.env.", "import.meta.env."]
                .iter()
                .find_map(|start| path.strip_prefix(start));
        if let Some(name) = variable {
            let method = super::models::is_method(name)
                || matches!(
                    name,
                    "setdefault"
                        | "pop"
                        | "toObject"
                        | "fetch"
                        | "to_hash"
                        | "delete"
                        | "update"
                        | "dup"
                        | "key"
                );
            if name.contains(['.', '(']) || method {
                return None;
            }
            return Some(self.environment_variable(name));
        }
        Some(match path {
            "os.environ" | "process.env" | "ENV" | "Deno.env" | "Bun.env" => {
                self.can(Use::Read(Source::Environment));
                let origin = self.origin(Tag::Environment);
                Value { known: Known::Path(path.into()), taint: origin }
            }
            "sys.argv" | "process.argv" | "ARGV" | "os.Args" | "args" | "sys.stdin"
            | "process.stdin" | "STDIN" | "$stdin" | "os.Stdin" | "flag.Args" => {
                let input = self.unit().map(|unit| unit.input.clone()).unwrap_or_default();
                let origin = self.origin(Tag::Argument);
                let taint = Value::tainted(input.taint).with(&origin).taint;
                Value { known: Known::Path(path.into()), taint }
            }
            "os.sep" => Value::text("/"),
            "__file__"
            | "__dirname"
            | "__filename"
            | "__dir__"
            | "import.meta.url"
            | "import.meta.dirname" => Value::text("."),
            _ if path.starts_with("Date.now") || path == "Date" => {
                if path == "Date" {
                    return None;
                }
                let origin = self.origin(Tag::Clock);
                Value { known: Known::Path(path.into()), taint: origin }
            }
            _ => return None,
        })
    }

    /// A variable of PowerShell that the script does not set.
    pub(crate) fn powershell_variable(&mut self, name: &str) -> Value {
        let lower = name.to_ascii_lowercase();
        if let Some(variable) = lower.strip_prefix("env:") {
            return self.environment_variable(&variable.to_ascii_uppercase());
        }
        match lower.as_str() {
            "home" => Value::text("~"),
            "pwd" | "psscriptroot" | "pscommandpath" => Value::text("."),
            "args" | "input" | "_" => {
                let origin = self.origin(Tag::Argument);
                Value::tainted(origin)
            }
            "profile" => Value::text("$PROFILE/profile"),
            "true" | "false" => Value::text(lower),
            "null" => Value::default(),
            _ => Value::path(&lower),
        }
    }
}

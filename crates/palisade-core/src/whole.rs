//! What an act is about, all of it, for whoever has to permit it.

use crate::{Action, Body, ToolInput};

/// Characters that a person can be asked to look through.
const LONGEST: usize = 4000;

impl Action {
    /// All that the act is about, with nothing cut off and nothing hidden: characters that do not show, or that
    /// change how others show, stand there by their number. `None` if that is more than a person can be asked to
    /// look through.
    pub fn whole(&self) -> Option<String> {
        let text = match self {
            Action::ToolCall(call) => match &call.input {
                ToolInput::Object(fields) => {
                    format!("{} {}", call.name, serde_json::to_string(fields).ok()?)
                }
                ToolInput::Text(text) => format!("{} {text}", call.name),
            },
            Action::Exec(exec) => {
                let (path, arguments) = match &exec.script {
                    Some(script) => (&script.path, script.arguments.as_slice()),
                    None => (&exec.program, exec.argv.get(1..).unwrap_or_default()),
                };
                // They are shown beside it.
                if exec.environment.iter().map(|one| one.chars().count()).sum::<usize>() > LONGEST {
                    return None;
                }
                let mut text = String::new();
                word(&mut text, path)?;
                // A program of many names does what it is called; a shell that is called so reads what a log-in reads.
                let called = exec.argv.first().filter(|_| exec.script.is_none());
                let last = |path: &str| path.rsplit('/').next().map(str::to_owned);
                if let Some(called) = called.filter(|called| last(called) != last(path)) {
                    text.push_str(" (called ");
                    word(&mut text, called)?;
                    text.push(')');
                }
                for argument in arguments {
                    text.push(' ');
                    word(&mut text, argument)?;
                }
                text
            }
            // An answer is for the path and the query, all of both, and says so where it is for any body.
            Action::Request(request) => {
                let mut text = request.told(usize::MAX, usize::MAX);
                if let Some(query) = &request.query {
                    text.truncate(text.trim_end_matches('…').len());
                    text.push_str(&String::from_utf8_lossy(query));
                }
                text.push_str(match &request.body {
                    Body::Unread | Body::Refused(_) => " (with any body)",
                    Body::Read(_) => "",
                });
                text
            }
            other => other.subject(),
        };
        if text.chars().count() > LONGEST {
            return None;
        }
        Some(text.chars().map(shown).collect())
    }

    /// The variables by which a program may do something else than [`Action::whole`] says, as it is shown.
    pub fn surroundings(&self) -> Vec<String> {
        match self {
            Action::Exec(exec) => {
                exec.environment.iter().map(|one| one.chars().map(shown).collect()).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Adds a word, so that it shows where it ends.
fn word(text: &mut String, word: &str) -> Option<()> {
    let plain = |c: char| c.is_ascii_graphic() && !"'\"\\()".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        text.push_str(word);
    } else {
        text.push_str(&serde_json::to_string(word).ok()?);
    }
    Some(())
}

fn shown(c: char) -> String {
    let odd = c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    if odd { format!("\\u{{{:x}}}", u32::from(c)) } else { c.to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{Action, Body, Caller, Exec, Request, ToolCall, ToolInput, ToolSeen};

    fn call(command: &str) -> Action {
        let input = json!({"command": command, "timeout": 5});
        Action::ToolCall(Box::new(ToolCall {
            name: "Bash".into(),
            input: ToolInput::Object(input.as_object().cloned().unwrap_or_default()),
            id: None,
            seen: ToolSeen::Answer,
        }))
    }

    #[test]
    fn nothing_is_cut_off_or_hidden() {
        let long = format!("true {}; rm -rf x", " ".repeat(400));
        assert!(
            call(&long)
                .whole()
                .is_some_and(|text| text.contains("rm -rf x") && text.contains("timeout"))
        );
        let odd = call("a\u{202e}b\u{200b}\u{1b}[2J").whole().unwrap_or_default();
        assert!(odd.contains("\\u{202e}") && odd.contains("\\u{200b}"), "{odd}");
        assert!(!odd.chars().any(char::is_control), "{odd}");
        assert_eq!(call(&"x".repeat(5000)).whole(), None);
    }

    #[test]
    fn what_a_program_is_called_is_shown() {
        let exec = |program: &str, argv: &[&str]| {
            let argv = argv.iter().map(|word| (*word).to_owned()).collect();
            let exec = Exec { program: program.into(), argv, ..Exec::default() };
            Action::Exec(Box::new(exec)).whole().unwrap_or_default()
        };
        assert_eq!(exec("/bin/busybox", &["nc", "ls"]), "/bin/busybox (called nc) ls");
        assert_eq!(exec("/bin/bash", &["-bash"]), "/bin/bash (called -bash)");
        assert_eq!(exec("/bin/tar", &["/x/tar", "xf"]), "/bin/tar xf");
        assert_eq!(exec("/w/npm test", &["npm test", "x"]), "\"/w/npm test\" x");
        assert_eq!(exec("/bin/tar", &["", "xf"]), "/bin/tar (called \"\") xf");
        // Nothing else says so.
        assert_eq!(exec("/bin/tar", &["tar", "(called", "ls)"]), "/bin/tar \"(called\" \"ls)\"");
    }

    #[test]
    fn the_end_of_a_path_is_shown() {
        let request = |path: String, query: Option<&str>| {
            Action::Request(Box::new(Request {
                host: "a.example".parse().unwrap(),
                port: 443,
                tls: true,
                address: None,
                method: "POST".into(),
                path: path.into(),
                query: query.map(|text| text.as_bytes().to_vec()),
                headers: Vec::new(),
                body: Body::Unread,
                caller: Caller::Unasked,
            }))
        };
        let whole = request(format!("/{}/delete", "x".repeat(300)), None).whole();
        assert!(whole.is_some_and(|text| text.ends_with("/delete (with any body)")));
        let whole = request("/a".into(), Some("to=b&all=1\u{1b}")).whole();
        assert!(whole.is_some_and(|text| text.contains("/a?to=b&all=1\\u{1b} (with")));
        assert_eq!(request("/x".repeat(3000), None).whole(), None);
        assert_eq!(request("/x".into(), Some(&"x".repeat(4000))).whole(), None);
    }
}

use std::ops::Range;

/// A word of a shell's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// Where it stands, in bytes.
    pub(crate) span: Range<usize>,
    /// What it means, if that can be told without running it.
    pub(crate) text: Option<String>,
    /// Whether it names what is run.
    pub(crate) command: bool,
}

/// The words of a line for `sh`, as far as they are needed to find the files that it runs. `variable` gives
/// the values of variables that are known. What cannot be told is left out: it is then not pinned, and so
/// runs as it is found.
pub(crate) fn words(line: &str, variable: impl Fn(&str) -> Option<String>) -> Vec<Word> {
    let mut scan = Scan { line, at: 0 };
    let (mut found, mut command, mut redirected) = (Vec::new(), true, false);
    while let Some(next) = scan.peek() {
        match next {
            ' ' | '\t' => scan.skip(),
            '\n' | ';' | '|' | '&' | '(' | ')' => {
                scan.skip();
                (command, redirected) = (true, false);
            }
            '<' | '>' => {
                scan.skip();
                redirected = true;
            }
            '#' => {
                while scan.peek().is_some_and(|c| c != '\n') {
                    scan.skip();
                }
            }
            _ => {
                let start = scan.at;
                let text = scan.word(&variable);
                let word = Word { span: start..scan.at, text, command: command && !redirected };
                let assigns = word.command && word.text.as_deref().is_none_or(is_assignment);
                if redirected {
                    redirected = false;
                } else {
                    command &= assigns;
                    found.push(word);
                }
            }
        }
    }
    found
}

/// Whether a word sets a variable for what follows, and is not what is run.
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !name.starts_with(|c: char| c.is_ascii_digit())
    })
}

/// A text as one word for `sh`.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

struct Scan<'a> {
    line: &'a str,
    at: usize,
}

impl Scan<'_> {
    fn rest(&self) -> &str {
        self.line.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    fn take(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// What the word here means; behind it afterwards.
    fn word(&mut self, variable: &impl Fn(&str) -> Option<String>) -> Option<String> {
        let mut text = Some(String::new());
        let mut quote = None;
        let mut first = true;
        while let Some(next) = self.peek() {
            let known = match (next, quote) {
                (' ' | '\t' | '\n' | ';' | '|' | '&' | '(' | ')' | '<' | '>', None) => break,
                ('\'', None) => {
                    self.skip();
                    quote = Some('\'');
                    Some(String::new())
                }
                ('"', None) => {
                    self.skip();
                    quote = Some('"');
                    Some(String::new())
                }
                (end, Some(open)) if end == open => {
                    self.skip();
                    quote = None;
                    Some(String::new())
                }
                ('\\', None) => {
                    self.skip();
                    self.take().map(String::from)
                }
                ('~', None) if first && self.rest().starts_with("~/") => {
                    self.skip();
                    variable("HOME")
                }
                ('$', None | Some('"')) => {
                    self.skip();
                    self.name().and_then(|name| variable(&name))
                }
                ('`' | '\\', Some('"')) | ('`' | '*' | '?' | '[' | '{', None) => {
                    self.skip();
                    None
                }
                (other, _) => {
                    self.skip();
                    Some(other.to_string())
                }
            };
            first = false;
            text = text.zip(known).map(|(text, known)| text + &known);
        }
        // An open quote: the shell will refuse the line.
        text.filter(|_| quote.is_none())
    }

    /// The name behind a `$`.
    fn name(&mut self) -> Option<String> {
        let braced = self.peek() == Some('{');
        if braced {
            self.skip();
        }
        let mut name = String::new();
        while let Some(next) = self.peek().filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
            self.skip();
            name.push(next);
        }
        if braced && self.take() != Some('}') {
            return None;
        }
        (!name.is_empty()).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn known(name: &str) -> Option<String> {
        match name {
            "CLAUDE_PROJECT_DIR" => Some("/work".to_owned()),
            "HOME" => Some("/home/ada".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn finds_what_is_run() {
        for (line, expected) in [
            ("./a.sh", vec![("./a.sh", true)]),
            ("A=1 ./a.sh -x", vec![("A=1", true), ("./a.sh", true), ("-x", false)]),
            (
                "python3 'b c.py' | jq .",
                vec![("python3", true), ("b c.py", false), ("jq", true), (".", false)],
            ),
            ("\"$CLAUDE_PROJECT_DIR\"/.claude/x.sh", vec![("/work/.claude/x.sh", true)]),
            (
                "${CLAUDE_PROJECT_DIR}/x && ~/y > /tmp/out",
                vec![("/work/x", true), ("/home/ada/y", true)],
            ),
            ("a\\ b # ./c", vec![("a b", true)]),
        ] {
            let found = words(line, known);
            let found: Vec<(&str, bool)> =
                found.iter().map(|word| (word.text.as_deref().unwrap(), word.command)).collect();
            assert_eq!(found, expected, "{line}");
        }
        for line in ["$x/a.sh", "$(./a.sh)", "`./a.sh`", "./*.sh", "'open"] {
            assert!(words(line, known).first().is_none_or(|word| word.text.is_none()), "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_line_has_words_in_it(line in "[-a-z/.$~'\"\\\\`(){}<>|&;=# \n\u{e9}]{0,60}") {
            let mut end = 0;
            for word in words(&line, known) {
                prop_assert!(word.span.start >= end && line.get(word.span.clone()).is_some());
                end = word.span.end;
            }
        }

        #[test]
        fn a_quoted_text_is_one_word(text in "\\PC{1,30}") {
            let found = words(&quoted(&text), known);
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(found[0].text.as_deref(), Some(text.as_str()));
        }
    }
}

//! A command line: it is read within bounds, and what is said of it can be printed.

use palisade_shell::{Known, LONGEST, analyse, of_program};

use crate::input::text;

pub(crate) fn target(data: &[u8]) {
    let known = Known { directory: Some("/work".into()), home: Some("/home/me".into()) };
    let text = text(data);
    if let Ok(line) = analyse(&text, &known) {
        assert!(text.len() <= LONGEST);
        drop(line.all_unclear());
        for command in line.all() {
            drop((command.program(), command.hidden_powers(), command.to_string()));
        }
        // A line's end and a comment are nothing to a shell.
        if !text.trim_end().ends_with('\\')
            && let Ok(more) = analyse(&format!("\n{text}"), &known)
        {
            let programs = |line: &palisade_shell::Line| -> Vec<Option<String>> {
                line.all().iter().map(|command| command.program().map(str::to_owned)).collect()
            };
            assert_eq!(programs(&more), programs(&line), "a line's end before {text:?}");
        }
    }
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    drop(of_program(&words, &known).all_unclear());
}

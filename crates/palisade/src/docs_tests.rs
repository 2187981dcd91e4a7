//! Every command line of Palisade's in README and docs/ is one that it takes.

use std::{fs, path::Path};

use clap::Parser;

use crate::Cli;

/// The command lines of a text: what begins with `palisade` in a block of code.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            block = !block;
            continue;
        }
        let line = line.trim_start().trim_start_matches("$ ");
        // Prose begins no line with the command and an option.
        let indented = line.starts_with("palisade run -");
        if (block && line.starts_with("palisade ")) || indented {
            found.push(line.split(" #").next().unwrap_or(line).trim().to_owned());
        }
    }
    found
}

/// Words as a shell would split them, as far as the documents need it.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
            _ => word.push(c),
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    // Redirections and pipes are the shell's.
    let end = words.iter().position(|word| ["<", ">", "|", "&&"].contains(&word.as_str()));
    words.truncate(end.unwrap_or(words.len()));
    words
}

#[test]
fn each_command_line_of_the_documents_is_taken() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = vec![root.join("README.md")];
    let docs = fs::read_dir(root.join("docs")).unwrap();
    files.extend(
        docs.flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "md")),
    );
    let mut seen = 0;
    for file in files {
        for line in commands(&fs::read_to_string(&file).unwrap()) {
            seen += 1;
            let taken = Cli::try_parse_from(words(&line));
            assert!(taken.is_ok(), "{}: {line}\n{}", file.display(), taken.unwrap_err());
        }
    }
    assert!(seen > 12, "only {seen} command lines were found");
}

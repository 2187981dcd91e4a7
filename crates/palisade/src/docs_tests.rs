//! Every command line of Palisade's in README and docs/ is one that it takes, and every test that they name
//! exists.

use std::{
    fs,
    path::{Path, PathBuf},
};

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

/// The names of tests in a text: `attacks::files::reads_a_granted_file`.
fn tests_named(text: &str) -> Vec<&str> {
    let part = |part: &str| {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b);
        !part.is_empty() && part.bytes().all(plain)
    };
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|name| name.contains("::") && name.split("::").all(part)).collect()
}

/// The file that the module of such a name is in.
fn file_of(crates: &Path, modules: &[&str]) -> Option<PathBuf> {
    let base = match modules {
        [binary @ ("attacks" | "it" | "limits" | "agents"), rest @ ..] => {
            (crates.join("palisade/tests").join(binary), rest)
        }
        [name, "it", rest @ ..] => (crates.join(name).join("tests/it"), rest),
        [name, rest @ ..] => (crates.join(name).join("src"), rest),
        [] => return None,
    };
    let path = base.1.iter().fold(base.0, |path, module| path.join(module));
    let found = [path.with_extension("rs"), path.join("mod.rs")];
    found.into_iter().find(|path| path.is_file()).or_else(|| match modules {
        // Short ones stand in the file that they are about.
        [of @ .., "tests"] => file_of(crates, of),
        _ => None,
    })
}

/// Whether a file has a test of this name.
fn has_test(file: &Path, name: &str) -> bool {
    let text = fs::read_to_string(file).unwrap();
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    let head = format!("fn {name}(");
    lines.iter().position(|line| line.trim_start_matches("async ").starts_with(&head)).is_some_and(
        |at| {
            let attributes = lines[..at].iter().rev().take_while(|line| line.starts_with("#["));
            attributes.into_iter().any(|line| *line == "#[test]" || *line == "#[tokio::test]")
        },
    )
}

#[test]
fn each_test_that_the_threats_name_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = fs::read_to_string(root.join("docs/threats.md")).unwrap();
    let named = tests_named(&text);
    assert!(named.len() > 120, "only {} tests were found", named.len());
    let missing = |name: &&str| {
        let (modules, test) = name.rsplit_once("::").unwrap();
        let modules: Vec<&str> = modules.split("::").collect();
        !file_of(&root.join("crates"), &modules).is_some_and(|file| has_test(&file, test))
    };
    let missing: Vec<&str> = named.into_iter().filter(missing).collect();
    assert!(missing.is_empty(), "docs/threats.md names tests that do not exist: {missing:#?}");
    // Each row of the tables says what shows it, or what is not held.
    for row in text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| threat")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 4, "{row}");
        assert!(cells[2].contains("::") || !cells[3].is_empty(), "{row}");
    }
}

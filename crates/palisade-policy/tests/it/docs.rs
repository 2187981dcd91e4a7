//! Every policy in the documents is one.

use std::{fs, path::Path};

use palisade_policy::check_file;

#[test]
fn each_policy_in_the_documents_is_valid() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = vec![root.join("README.md")];
    files.extend(fs::read_dir(root.join("docs")).unwrap().flatten().map(|entry| entry.path()));
    let folder = tempfile::tempdir().unwrap();
    let mut seen = 0;
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "md")) {
        let text = fs::read_to_string(file).unwrap();
        for block in text.split("```yaml\n").skip(1) {
            let yaml = block.split("```").next().unwrap();
            if !yaml.starts_with("palisade:") {
                continue;
            }
            seen += 1;
            let path = folder.path().join("policy.yaml");
            fs::write(&path, yaml).unwrap();
            let policy = check_file(&path, Path::new("/home/ada"))
                .unwrap_or_else(|found| panic!("{}\n{found}", file.display()));
            assert!(policy.not_built.is_empty(), "{}: {:?}", file.display(), policy.not_built);
        }
    }
    assert!(seen >= 3, "{seen}");
}

/// Every key that the schema knows, and every word that a key can be, is in the reference.
#[test]
fn the_reference_has_every_key() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/policy.md");
    let text = fs::read_to_string(path).unwrap();
    let mut words = Vec::new();
    collect(&palisade_policy::schema(), &mut words);
    // One event stands for all.
    words.retain(|word| !word.starts_with(char::is_uppercase) || word == "PreToolUse");
    assert!(words.len() > 90, "{words:?}");
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let missing: Vec<_> = words
        .iter()
        .filter(|word| {
            let mut found = text.match_indices(word.as_str());
            !found.any(|(at, _)| {
                let before = text[..at].chars().next_back();
                let after = text[at + word.len()..].chars().next();
                !before.is_some_and(is_word) && !after.is_some_and(is_word)
            })
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn collect(schema: &serde_json::Value, words: &mut Vec<String>) {
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    if let Some(table) = schema.as_object() {
        for (key, value) in table {
            match key.as_str() {
                "properties" => words.extend(value.as_object().unwrap().keys().cloned()),
                "enum" => words.extend(value.as_array().unwrap().iter().filter_map(text)),
                "const" => words.extend(text(value)),
                "examples" => continue,
                _ => {}
            }
            collect(value, words);
        }
    }
    for item in schema.as_array().into_iter().flatten() {
        collect(item, words);
    }
}

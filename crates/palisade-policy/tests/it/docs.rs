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

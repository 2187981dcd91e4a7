use std::{fs, os::unix::fs::symlink, path::Path};

use super::{Limits, Tree};

fn write(top: &Path, path: &str, text: impl AsRef<[u8]>) {
    let path = top.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn tree(top: &Path) -> Tree {
    Tree::open(top, Limits::default()).unwrap()
}

fn rules(tree: &Tree, at: usize) -> Vec<&'static str> {
    tree.read(at).seen.findings.iter().map(|finding| finding.rule.id).collect()
}

#[test]
fn a_hub_is_a_line_a_skill_and_nothing_is_left_out() {
    let top = tempfile::tempdir().unwrap();
    write(top.path(), "a/SKILL.md", "# a");
    write(top.path(), "a/scripts/x.sh", "echo");
    write(top.path(), "a-b/SKILL.md", "# ab");
    write(top.path(), "plug/.claude-plugin/plugin.json", "{}");
    write(top.path(), "plug/skills/c/SKILL.md", "# c");
    write(top.path(), "README.md", "# hub");
    write(top.path(), "AGENTS.md", "# notes");
    let tree = tree(top.path());
    let files: Vec<(String, usize)> = (0..tree.len())
        .map(|at| tree.read(at))
        .map(|read| {
            (
                read.path.strip_prefix(top.path().to_str().unwrap()).unwrap().to_owned(),
                read.package.files.len(),
            )
        })
        .collect();
    let wanted = [("/a", 2), ("/a-b", 1), ("/plug", 2), ("", 2)]
        .map(|(path, count)| (path.to_owned(), count));
    assert_eq!(files, wanted);
}

#[test]
fn a_plugin_is_one_package_and_one_file_is_one() {
    let top = tempfile::tempdir().unwrap();
    write(top.path(), ".claude-plugin/plugin.json", "{}");
    write(top.path(), "skills/c/SKILL.md", "# c");
    assert_eq!(tree(top.path()).len(), 1);
    let one = tree(&top.path().join("skills/c/SKILL.md"));
    assert_eq!(one.read(0).package.files.len(), 1);
}

#[test]
fn follows_no_link_and_opens_no_pipe() {
    let top = tempfile::tempdir().unwrap();
    write(top.path(), "SKILL.md", "# a");
    write(top.path(), "d/x", "x");
    symlink("/etc/passwd", top.path().join("out")).unwrap();
    symlink("../../etc", top.path().join("d/up")).unwrap();
    symlink("../SKILL.md", top.path().join("d/in")).unwrap();
    symlink(".", top.path().join("loop")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        top.path().join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o644),
        0,
    )
    .unwrap();
    let tree = tree(top.path());
    let mut rules = rules(&tree, 0);
    rules.sort_unstable();
    assert_eq!(
        rules,
        [
            "escape-link",
            "escape-link",
            "not-vetted-link",
            "not-vetted-link",
            "not-vetted-special-file"
        ]
    );
    assert_eq!(tree.read(0).package.files.len(), 2);
}

#[test]
fn what_is_too_large_or_too_much_is_told() {
    let top = tempfile::tempdir().unwrap();
    write(top.path(), "SKILL.md", "# a");
    write(top.path(), "large.txt", vec![b'a'; 2000]);
    for at in 0..20 {
        write(top.path(), &format!("n/{at}"), "x");
    }
    let limits = Limits { file: 1000, files: 10, ..Limits::default() };
    let tree = Tree::open(top.path(), limits).unwrap();
    let rules = rules(&tree, 0);
    assert_eq!(rules.iter().filter(|rule| **rule == "not-vetted-too-large").count(), 12);
}

#[test]
fn a_deep_tree_ends() {
    let top = tempfile::tempdir().unwrap();
    write(top.path(), "SKILL.md", "# a");
    write(top.path(), &format!("{}x", "d/".repeat(100)), "x");
    assert!(rules(&tree(top.path()), 0).contains(&"not-vetted-unreadable"));
}

#[test]
fn names_and_bytes_that_deceive_are_told() {
    let top = tempfile::tempdir().unwrap();
    write(top.path(), "SKILL.md", "# a");
    write(top.path(), "photo.png", b"\x7fELF\x02\x01\x01\0\0\0");
    write(top.path(), "invoice.pdf.command", "#!/bin/sh\necho hi\n");
    write(top.path(), "a\u{202e}txt.sh", "echo");
    write(top.path(), "data.bin", [0xff, 0x00, 0x13, 0x80]);
    let rules = rules(&tree(top.path()), 0);
    for wanted in ["opaque-disguised-file", "format-odd-name", "not-vetted-unknown-form"] {
        assert!(rules.contains(&wanted), "{wanted} in {rules:?}");
    }
    assert_eq!(rules.iter().filter(|rule| **rule == "opaque-disguised-file").count(), 2);
}

#[test]
fn what_is_not_there_is_an_error() {
    assert!(Tree::open(Path::new("/no/such/skill"), Limits::default()).is_err());
    assert!(Tree::open(Path::new("/dev/null"), Limits::default()).is_err());
}

#[test]
fn only_what_git_packs_is_left_out_of_a_repository() {
    let top = tempfile::tempdir().unwrap();
    let at = |path: &str| top.path().join(path);
    for folder in [
        ".git/objects/ab",
        ".git/objects/pack",
        ".git/hooks",
        ".git/modules/x/objects/cd",
        "sub/.git/info",
    ] {
        fs::create_dir_all(at(folder)).unwrap();
    }
    let object = "c".repeat(38);
    let files: [(String, &[u8], bool); 10] = [
        (format!(".git/objects/ab/{object}"), b"x\x01packed", false),
        (format!(".git/modules/x/objects/cd/{object}"), b"x\x9cpacked", false),
        (".git/objects/pack/pack-1.pack".to_owned(), b"PACK\0\0\0\x02", false),
        (".git/index".to_owned(), b"DIRC\0\0\0\x02", false),
        ("SKILL.md".to_owned(), b"# x", true),
        (".git/objects/ab/run".to_owned(), b"#!/bin/sh\n", true),
        (format!(".git/objects/ab/{}", "d".repeat(38)), b"#!/bin/sh\n", true),
        (".git/objects/pack/pack-2.pack".to_owned(), b"#!/bin/sh\n", true),
        (".git/hooks/pre-commit.sample".to_owned(), b"#!/bin/sh\n", true),
        ("sub/.git/info/run.sh".to_owned(), b"true\n", true),
    ];
    for (path, bytes, _) in &files {
        fs::write(at(path), bytes).unwrap();
    }
    let read = Tree::open(top.path(), Limits::default()).unwrap().read(0);
    for (path, _, is_read) in &files {
        assert_eq!(read.package.file(path).is_some(), *is_read, "{path}");
    }
    assert_eq!(read.package.file("sub/.git/info/run.sh").unwrap().kind, crate::FileKind::Shell);
    assert!(read.seen.findings.iter().any(|it| it.rule.id == "not-vetted-git-objects"));
}

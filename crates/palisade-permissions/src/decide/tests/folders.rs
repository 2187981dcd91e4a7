//! Folders that are changed with all that is in them, under a rule for one file.

use std::{fs, path::Path};

use palisade_core::Verdict;
use serde_json::json;

use super::{bash, call, verdict};
use crate::{Mode, Permissions, Place, Settings, Written};

const THERE: [&str; 6] =
    ["secret", "new/secret", "new/deep/x", "config/prod/key", "safe/x", "src/a.c"];

fn rules(work: &Path, deny: &[&str]) -> Permissions {
    let written =
        |text: &&str| Written { text: (*text).to_owned(), at: None, base: work.to_owned() };
    let place = Place { workspace: work.to_owned(), additional: vec![], home: None };
    let settings = Settings {
        mode: Mode::BypassPermissions,
        deny: deny.iter().map(written).collect(),
        allow: vec![],
        ask: vec![],
        place,
    };
    Permissions::new(settings).unwrap_or_else(|wrong| panic!("{wrong:?}"))
}

fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in THERE {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
    folder
}

/// Each line against one rule; those that are decided otherwise.
fn others(rules: &Permissions, lines: &str, permitted: bool) -> Vec<String> {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    let other = |line: &&str| (verdict(rules, &bash(line)) == Verdict::Allow) != permitted;
    lines.filter(other).map(str::to_owned).collect()
}

#[test]
fn who_changes_a_folder_changes_what_is_below() {
    let folder = workspace();
    let work = folder.path().canonicalize().unwrap();
    let rules = rules(&work, &["Edit(secret)"]);
    let asked = others(&rules, include_str!("folders/asked.txt"), false);
    assert!(asked.is_empty(), "permitted:\n{}", asked.join("\n"));
    let ordinary = others(&rules, include_str!("folders/ordinary.txt"), true);
    assert!(ordinary.is_empty(), "not permitted:\n{}", ordinary.join("\n"));
    // Also by its whole name, and by that of a folder above.
    for path in [work.as_path(), work.parent().unwrap()] {
        let line = format!("rm -r {}", path.display());
        assert_eq!(verdict(&rules, &bash(&line)), Verdict::Ask, "{line}");
    }
}

#[test]
fn what_a_rule_names_below_a_folder_need_not_be_there() {
    let folder = workspace();
    let work = folder.path().canonicalize().unwrap();
    let rules = rules(&work, &["Edit(config/prod/none/**)"]);
    for line in ["rm -r config", "mv config safe", "cp -r safe/. config", "tar xf a -C config/prod"]
    {
        assert_eq!(verdict(&rules, &bash(line)), Verdict::Ask, "{line}");
    }
    for line in ["rm -r safe", "cp safe/x config", "tar xf a -C safe"] {
        assert_eq!(verdict(&rules, &bash(line)), Verdict::Allow, "{line}");
    }
}

#[test]
fn a_tool_that_removes_a_folder_removes_what_is_below() {
    let folder = workspace();
    let work = folder.path().canonicalize().unwrap();
    let rules = rules(&work, &["Edit(secret)"]);
    for (path, expected) in
        [("new", Verdict::Ask), ("new/deep", Verdict::Allow), ("safe", Verdict::Allow)]
    {
        let call = call("delete_file", json!({"path": path}));
        assert_eq!(verdict(&rules, &call), expected, "{path}");
    }
}

#[test]
fn a_folder_that_cannot_be_looked_through_is_asked() {
    let folder = workspace();
    let work = folder.path().canonicalize().unwrap();
    let many = work.join("many");
    fs::create_dir(&many).unwrap();
    for number in 0..20_100 {
        fs::write(many.join(number.to_string()), "").unwrap();
    }
    let rules = rules(&work, &["Edit(secret)"]);
    assert_eq!(verdict(&rules, &bash("rm -r many")), Verdict::Ask);
    assert_eq!(verdict(&rules, &bash("rm -r safe")), Verdict::Allow);
}

#[test]
fn a_link_is_not_followed() {
    let folder = workspace();
    let work = folder.path().canonicalize().unwrap();
    std::os::unix::fs::symlink("..", work.join("safe/up")).unwrap();
    let rules = rules(&work, &["Edit(secret)"]);
    assert_eq!(verdict(&rules, &bash("rm -r safe")), Verdict::Allow);
}

#[test]
fn names_count_from_where_a_command_runs() {
    let folder = workspace();
    let work = folder.path().canonicalize().unwrap();
    let rules = rules(&work, &["Edit(config/prod/key)"]);
    let asked = others(&rules, include_str!("folders/moved.txt"), false);
    assert!(asked.is_empty(), "permitted:\n{}", asked.join("\n"));
    let home = "HOME=$PWD/config/prod sh -c 'rm ~/key'";
    assert_ne!(verdict(&rules, &bash(home)), Verdict::Allow);
    for line in [
        "cd src && sh -c 'rm key'",
        "cd config/prod && sh -c 'cd ..; ls'",
        "cp src/a.c config",
        "mv src/a.c config",
        "make -C src",
        "rm -r config/prod/other",
        "find config -name other -delete",
    ] {
        assert_eq!(verdict(&rules, &bash(line)), Verdict::Allow, "{line}");
    }
}

#[test]
fn what_runs_unseen_is_asked_for_a_rule_of_edit_too() {
    let folder = workspace();
    let rules = rules(folder.path(), &["Edit(secret)"]);
    for line in ["base64 -d x | sh", "echo 'rm secret' | sh", "$X y", "eval \"$(cat x)\""] {
        assert_eq!(verdict(&rules, &bash(line)), Verdict::Ask, "{line}");
    }
}

#[test]
fn git_changes_all_of_a_repository_from_each_of_its_folders() {
    let folder = workspace();
    let work = folder.path().canonicalize().unwrap();
    fs::create_dir(work.join(".git")).unwrap();
    // What any can make is no end of the repository.
    fs::create_dir_all(work.join("src/.git")).unwrap();
    let rules = rules(&work, &["Edit(secret)"]);
    let said = |line: &str| rules.decide_in(&bash(line), Some(&work.join("src"))).verdict;
    for line in ["git stash", "git stash pop", "git reset --hard", "git checkout -f", "git am x"] {
        assert_eq!(said(line), Verdict::Ask, "{line}");
    }
    for line in ["git stash list", "git clean -fd", "git restore .", "git stash -- a.c"] {
        assert_eq!(said(line), Verdict::Allow, "{line}");
    }
}

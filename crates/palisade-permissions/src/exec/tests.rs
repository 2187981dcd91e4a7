use palisade_core::{Script, Verdict};
use proptest::prelude::*;

use super::*;
use crate::{Mode, Settings, Written};

fn permissions(mode: Mode, deny: &[&str], ask: &[&str]) -> Permissions {
    let written = |rules: &[&str]| {
        let rules = rules.iter().map(|text| Written {
            text: (*text).to_owned(),
            at: None,
            base: "/".into(),
        });
        rules.collect()
    };
    let settings = Settings { mode, deny: written(deny), ask: written(ask), ..Settings::default() };
    Permissions::new(settings).unwrap()
}

fn exec(program: &str, argv: &[&str]) -> Exec {
    let argv = argv.iter().map(|word| (*word).to_owned()).collect();
    Exec { program: program.into(), argv, whole: true, ..Exec::default() }
}

fn verdict(rules: &Permissions, exec: &Exec) -> Verdict {
    rules.decide_exec(exec).verdict
}

#[test]
fn a_program_is_named_however_it_is_started() {
    let rules = permissions(Mode::Default, &["Bash(curl *)", "Bash(git push --force *)"], &[]);
    let known = |exec: Exec| Exec { names: vec!["curl".into()], ..exec };
    let script = |path: &str, arguments: &[&str]| Script {
        path: path.into(),
        names: Vec::new(),
        arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
    };
    for denied in [
        exec("/usr/bin/curl", &["curl", "x"]),
        exec("/usr/bin/curl", &["ls", "x"]),
        exec("/usr/bin/curl", &[]),
        exec("/usr/bin/curl", &["", "-v"]),
        known(exec("/tmp/x", &["x", "a"])),
        known(exec("/memfd:x (deleted)", &["x"])),
        exec("/bin/busybox", &["curl", "x"]),
        exec("/bin/busybox", &["busybox", "curl", "x"]),
        exec("/bin/sh", &["sh", "-c", "true; curl x"]),
        exec("/usr/bin/env", &["env", "-i", "A=1", "curl", "x"]),
        exec("/usr/bin/timeout", &["timeout", "5", "curl"]),
        exec("/lib64/ld-linux-x86-64.so.2", &["x", "/usr/bin/curl", "y"]),
        exec("/lib64/ld-linux-x86-64.so.2", &["x", "--library-path", "/x", "/usr/bin/curl"]),
        Exec {
            script: Some(script("./curl", &["x"])),
            ..exec("/bin/sh", &["/bin/sh", "./curl", "x"])
        },
        exec("/usr/bin/git", &["git", "push", "--force", "origin"]),
        exec("/usr/lib/git-core/git", &["/usr/bin/git", "push", "--force"]),
        exec("/usr/lib/git-core/git", &["git-push", "--force"]),
        exec("/usr/lib/git-core/git-push", &["x", "--force"]),
        Exec {
            loads: vec![Script { names: vec!["curl".into()], ..script("./x", &[]) }],
            ..exec("/tmp/ld", &["x", "./x"])
        },
        Exec {
            names: vec!["/lib64/ld-linux.so.2".into()],
            ..exec("/tmp/ld", &["x", "/usr/bin/curl"])
        },
    ] {
        let decision = rules.decide_exec(&denied);
        assert_eq!(decision.verdict, Verdict::Deny, "{denied:?}");
        assert!(decision.rule.is_some_and(|rule| rule.starts_with("permissions.deny[Bash(")));
    }
    for allowed in [
        exec("/usr/bin/ls", &["ls", "curl"]),
        exec("/usr/bin/curly", &["curly", "x"]),
        exec("/bin/sh", &["sh", "-c", "echo curl x"]),
        // What is not known comes as an execution of its own, if it comes.
        exec("/bin/sh", &["sh", "-c", "$0 x"]),
        exec("/bin/sh", &["sh", "./script"]),
        exec("/usr/bin/git", &["git", "push", "origin"]),
        exec("", &[]),
    ] {
        assert_eq!(verdict(&rules, &allowed), Verdict::Allow, "{allowed:?}");
    }
}

#[test]
fn an_interpreter_that_is_a_script_is_seen() {
    let rules = permissions(Mode::Default, &["Bash(runner *)"], &[]);
    let script = Script { path: "./x".into(), arguments: vec!["a".into()], ..Script::default() };
    let argv = ["/bin/sh", "/opt/runner", "./x", "a"];
    let nested = Exec { script: Some(script), ..exec("/bin/sh", &argv) };
    assert_eq!(verdict(&rules, &nested), Verdict::Deny);
}

#[test]
fn a_question_is_for_the_program_alone() {
    let rules = permissions(Mode::Default, &[], &["Bash(git push *)"]);
    assert_eq!(verdict(&rules, &exec("/usr/bin/git", &["git", "push"])), Verdict::Ask);
    assert_eq!(verdict(&rules, &exec("/bin/sh", &["sh", "-c", "git push"])), Verdict::Allow);
    let silent = permissions(Mode::DontAsk, &[], &["Bash(git push *)"]);
    assert_eq!(verdict(&silent, &exec("/usr/bin/git", &["git", "push"])), Verdict::Deny);
}

#[test]
fn neither_mode_nor_whole_tools_are_about_programs() {
    for mode in [Mode::Plan, Mode::DontAsk, Mode::Default] {
        let rules = permissions(mode, &["Bash", "Read(./.env)"], &["Bash(curl *)"]);
        assert_eq!(verdict(&rules, &exec("/usr/bin/cat", &["cat", ".env"])), Verdict::Allow);
    }
    let rules = permissions(Mode::Default, &["Bash"], &[]);
    assert_eq!(verdict(&rules, &exec("/usr/bin/cat", &["cat"])), Verdict::Allow);
}

#[test]
fn what_is_not_read_may_be_what_is_refused() {
    let rules = permissions(Mode::Default, &["Bash(git * --force)"], &[]);
    let cut = |program: &str| Exec { whole: false, ..exec(program, &["x", "add", "a"]) };
    assert_eq!(verdict(&rules, &cut("/usr/bin/git")), Verdict::Deny);
    assert_eq!(verdict(&rules, &cut("/usr/bin/ls")), Verdict::Allow);
}

/// A loader takes options as often as they are given; its program is found behind them all, or it is not run.
#[test]
fn a_loader_with_many_options_hides_nothing() {
    let rules = permissions(Mode::Default, &["Bash(curl *)"], &[]);
    let loader = |options: &[&str], program: &str| {
        let argv: Vec<&str> = ["x"].iter().chain(options).copied().chain([program, "y"]).collect();
        exec("/lib64/ld-linux-x86-64.so.2", &argv)
    };
    let flags = vec!["--inhibit-cache"; 100];
    let values = |number: usize| ["--library-path", "/x"].repeat(number);
    for options in [flags.clone(), values(20), values(100)] {
        assert_eq!(verdict(&rules, &loader(&options, "/usr/bin/curl")), Verdict::Deny);
    }
    for options in [flags, values(20)] {
        assert_eq!(verdict(&rules, &loader(&options, "/usr/bin/ls")), Verdict::Allow);
    }
}

#[test]
fn a_program_with_more_readings_than_are_looked_at_is_refused() {
    let rules = permissions(Mode::Default, &["Bash(curl *)"], &[]);
    let names = |number: usize| (0..number).map(|one| one.to_string()).collect();
    let of = |number| Exec { names: names(number), ..exec("/usr/bin/ls", &["ls"]) };
    assert_eq!(verdict(&rules, &of(100)), Verdict::Allow);
    assert_eq!(verdict(&rules, &of(1000)), Verdict::Deny);
}

/// A box does not execute what it is told to be.
#[test]
fn a_question_is_for_the_one_that_a_box_is_told_to_be() {
    let rules = permissions(Mode::Default, &[], &["Bash(wget *)"]);
    for argv in [
        &["busybox", "wget", "x"][..],
        &["busybox", "busybox", "/bin/busybox", "wget"],
        &["busybox-static", "wget", "x"],
    ] {
        assert_eq!(verdict(&rules, &exec("/bin/busybox", argv)), Verdict::Ask, "{argv:?}");
    }
    assert_eq!(verdict(&rules, &exec("/tmp/x", &["busybox", "wget", "x"])), Verdict::Ask);
    assert_eq!(verdict(&rules, &exec("/bin/busybox", &["busybox", "ls"])), Verdict::Allow);
    assert_eq!(verdict(&rules, &exec("/bin/busybox", &["busybox"])), Verdict::Allow);
}

proptest! {
    #[test]
    fn the_real_program_counts_whatever_it_is_told(argv in proptest::collection::vec(".{0,12}", 0..6)) {
        let rules = permissions(Mode::Default, &["Bash(curl *)"], &[]);
        let words: Vec<&str> = argv.iter().map(String::as_str).collect();
        prop_assert_eq!(verdict(&rules, &exec("/usr/bin/curl", &words)), Verdict::Deny);
    }
}

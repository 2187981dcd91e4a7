//! YARA rules of the operator's own, run by `yara` where it is there, and by programs that do whatever they like.

use std::{fs, io::Write, net::TcpListener, os::unix::fs::PermissionsExt, path::Path};

use serde_json::Value;

use crate::{
    export::missing,
    ran::{Ran, palisade, run},
};

const TEXT: &str =
    "---\nname: words\ndescription: Counts words.\n---\n# Words\n\nCount the words of the file.\n";

struct World {
    home: tempfile::TempDir,
}

impl World {
    fn new(rules: &str) -> Self {
        let world = Self { home: tempfile::tempdir().unwrap() };
        for folder in ["rules", "bin", "words/scripts"] {
            fs::create_dir_all(world.at(folder)).unwrap();
        }
        fs::write(world.at("rules/own.yar"), rules).unwrap();
        fs::write(world.at("words/SKILL.md"), TEXT).unwrap();
        world
    }

    fn at(&self, path: &str) -> std::path::PathBuf {
        self.home.path().join(path)
    }

    /// A program that is called as YARA-X is. `$last` is the folder that it is to search, `$rules` that of the rules.
    fn with_program(self, script: &str) -> Self {
        let script = format!(
            "#!/bin/sh\nfor last; do :; done\nrules={}\n{script}\n",
            self.at("rules").display()
        );
        fs::write(self.at("bin/yr"), script).unwrap();
        fs::set_permissions(self.at("bin/yr"), fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn scan(&self, rules: &str) -> Ran {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.at("bin").display());
        self.scan_by(rules, &path)
    }

    fn scan_by(&self, rules: &str, path: &str) -> Ran {
        run(palisade(self.home.path())
            .env("PATH", path)
            .args(["skill", "scan", "--format", "json", "--yara"])
            .arg(self.at(rules))
            .arg(self.at("words")))
    }
}

fn report(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

fn there() -> bool {
    let there = Path::new("/usr/bin/yara").exists();
    if !there {
        missing("yara is not installed");
    }
    there
}

/// A rule that looks for this text.
fn rule(name: &str, severity: &str, text: &str) -> String {
    format!(
        "rule {name} {{ meta: description = \"It is \\\"there\\\".\" severity = \"{severity}\" \
         strings: $a = \"{text}\" condition: filesize > 0 and $a }}\n"
    )
}

#[test]
fn what_a_rule_matches_raises_the_verdict_by_its_severity() {
    if !there() {
        return;
    }
    for (severity, verdict, exit) in [
        ("critical", "dangerous", 1),
        ("high", "dangerous", 1),
        ("odd", "caution", 0),
        ("low", "safe", 0),
    ] {
        let ran = World::new(&rule("Counts", severity, "Count the")).scan("rules");
        let report = report(&ran);
        assert_eq!((&report["verdict"], ran.exit), (&Value::from(verdict), exit), "{ran}");
        let finding = &report["findings"][0];
        assert_eq!(
            (&finding["rule"], &finding["file"]),
            (&"yara-match".into(), &"SKILL.md".into()),
            "{ran}"
        );
        assert_eq!((&finding["line"], &finding["column"]), (&7.into(), &1.into()), "{ran}");
        assert_eq!(finding["message"], "Counts: It is \"there\".", "{ran}");
        assert_eq!(finding["excerpt"], "Count the", "{ran}");
        assert!(ran.stderr.is_empty(), "{ran}");
    }
    let world = World::new(&rule("Counts", "high", "curl"));
    let ran = world.scan("rules/own.yar");
    assert!(ran.exit == 0 && report(&ran)["verdict"] == "safe", "{ran}");
    // What was remembered without rules is not what is said with them.
    let plain = run(palisade(world.home.path()).args(["skill", "scan"]).arg(world.at("words")));
    fs::write(world.at("rules/own.yar"), rule("Counts", "high", "Count the")).unwrap();
    let ran = world.scan("rules/own.yar");
    assert!(plain.exit == 0 && ran.exit == 1, "{plain}{ran}");
}

#[test]
fn names_and_bytes_of_a_package_are_none_of_the_output() {
    if !there() {
        return;
    }
    let world = World::new(&rule("Counts", "low", "curl"));
    fs::write(world.at("rules/more.yara"), rule("Counts", "low", "curl")).unwrap();
    fs::write(world.at("words/scripts/-r"), "ls\n\ncurl\u{1b}[2J x\nForged [] /w/files/0\n")
        .unwrap();
    fs::write(world.at("words/scripts/a\nb] x.sh"), b"\0\xff\ncurl\n").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", world.at("words/scripts/link")).unwrap();
    let ran = world.scan("rules");
    let report = report(&ran);
    let matches: Vec<&Value> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["rule"] == "yara-match")
        .collect();
    assert_eq!(matches.len(), 4, "{ran}");
    let lines: Vec<u64> = matches.iter().filter_map(|it| it["line"].as_u64()).collect();
    assert_eq!(lines.iter().sum::<u64>(), 2 * 3 + 2 * 2, "{ran}");
    assert!(!ran.to_string().contains(['\u{1b}']) && ran.stderr.is_empty(), "{ran}");
}

#[test]
fn rules_that_cannot_be_used_are_an_error() {
    if there() {
        let ran = World::new("rule X { condition: foo\u{1b} }").scan("rules");
        assert!(ran.exit == 2 && ran.stdout.is_empty(), "{ran}");
        assert!(ran.stderr.contains("own.yar") && !ran.stderr.contains('\u{1b}'), "{ran}");
    }
    let world = World::new("");
    let ran = world.scan("words");
    assert!(ran.exit == 2 && ran.stderr.contains("no file that ends in"), "{ran}");
    let ran = world.scan("none");
    assert!(ran.exit == 2 && ran.stderr.contains("No such file"), "{ran}");
    let ran = world.scan_by("rules", "bin:.");
    assert!(ran.exit == 3 && ran.stderr.contains("apt-get install yara"), "{ran}");
}

#[test]
fn the_program_is_in_a_sandbox() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let world = World::new("");
    fs::write(world.at("secret"), "the operator's own").unwrap();
    let script = format!(
        "exec >&2\ncat {0}/secret && echo READ\necho x >{0}/leak\necho x >$last/leak && echo WROTE\n\
         (exec 3<>/dev/tcp/127.0.0.1/{port}) && echo REACHED\nenv\necho done",
        world.home.path().display()
    );
    let world =
        world.with_program(&format!("exec bash <<'END' -s x \"$last\"\nlast=$2\n{script}\nEND"));
    let ran = run(palisade(world.home.path())
        .env("PATH", format!("{}:/usr/bin:/bin", world.at("bin").display()))
        .env("SECRET_VARIABLE", "of the operator")
        .args(["skill", "scan", "--yara"])
        .arg(world.at("rules"))
        .arg(world.at("words")));
    assert!(ran.exit == 2 && ran.stderr.contains("done"), "{ran}");
    for told in ["operator's own", "READ", "WROTE", "SECRET_VARIABLE"] {
        assert!(!ran.stderr.contains(told), "{told}: {ran}");
    }
    assert!(!world.at("leak").exists());
    assert!(listener.accept().is_err(), "it reached the host's loopback");
}

#[test]
fn rules_that_were_not_run_to_their_end_are_never_safe() {
    // The rules compile, and then:
    for (name, then) in [
        ("it fails", "echo 'error: \u{1b}[2J' >&2; exit 1"),
        ("it is ended", "kill -9 $$"),
        ("it warns of a file", "echo 'error scanning file' >&2"),
        ("it says what it should not", "cat $rules/out"),
        ("it never stops", "while :; do cat $rules/out $rules/out; done"),
    ] {
        let world = World::new("").with_program(&format!("[ -e \"$last/0\" ] || exit 0\n{then}"));
        let mut file = fs::File::create(world.at("rules/out")).unwrap();
        for _ in 0..1000 {
            file.write_all(b"{\"path\":\"/etc/passwd\",\"rules\":[]}\n\x1b[2J\n").unwrap();
        }
        let ran = world.scan("rules");
        let report = report(&ran);
        assert_eq!(ran.exit, 3, "{name}: {ran}");
        assert_eq!(
            (&report["verdict"], &report["vetted"]),
            (&"caution".into(), &false.into()),
            "{name}: {ran}"
        );
        assert_eq!(report["findings"][0]["rule"], "yara-missing", "{name}: {ran}");
        assert!(!ran.to_string().contains('\u{1b}') && ran.stdout.len() < 5000, "{name}: {ran}");
    }
}

#[test]
fn what_yara_x_writes_is_read() {
    let world = World::new("").with_program(
        "[ -e \"$last/0\" ] || exit 0\n\
         printf '{\"path\":\"%s/0\",\"rules\":[{\"identifier\":\"Own\",\"meta\":[[\"severity\",\"high\"]],\
         \"strings\":[{\"identifier\":\"$a\",\"start\":4,\"length\":4,\"data\":\"x\"}]}]}\\n' \"$last\"",
    );
    let ran = world.scan("rules");
    let report = report(&ran);
    assert_eq!((&report["verdict"], ran.exit), (&"dangerous".into(), 1), "{ran}");
    let finding = &report["findings"][0];
    assert_eq!((&finding["excerpt"], &finding["line"]), (&"name".into(), &2.into()), "{ran}");
}

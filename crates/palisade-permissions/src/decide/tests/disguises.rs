//! Commands that do what a rule refuses without beginning like it. Each of them was permitted once.

use palisade_core::Verdict;

use super::{bash, rules, verdict};
use crate::{Mode, Permissions};

fn said(deny: &str, command: &str) -> Verdict {
    verdict(&rules(Mode::BypassPermissions, &[], &[], &[deny]), &bash(command))
}

#[test]
fn options_may_stand_before_what_is_to_be_done() {
    use Verdict::{Allow, Ask, Deny};
    for (deny, command, expected) in [
        ("Bash(git push *)", "git -C . push", Deny),
        ("Bash(git push *)", "git -c a=b --no-pager push -f", Deny),
        ("Bash(git push *)", "git --git-dir .git push", Deny),
        ("Bash(kubectl delete *)", "kubectl -n prod delete pod x", Deny),
        ("Bash(docker push *)", "docker -H tcp://x push y", Deny),
        ("Bash(cargo publish *)", "cargo +nightly publish", Deny),
        // Not one of those of which the options are known.
        ("Bash(tool publish *)", "tool --at x publish", Ask),
        ("Bash(git push *)", "git -C $X push", Deny),
        ("Bash(git push *)", "git -C x status push", Allow),
        ("Bash(git push *)", "git commit -m push", Allow),
    ] {
        assert_eq!(said(deny, command), expected, "{command}");
    }
}

#[test]
fn options_may_stand_in_another_order() {
    use Verdict::{Allow, Ask, Deny};
    for (deny, command, expected) in [
        ("Bash(rm -rf *)", "rm -rf x", Deny),
        ("Bash(rm -rf *)", "rm -fr x", Ask),
        ("Bash(rm -rf *)", "rm -r -f x", Ask),
        ("Bash(rm -rf *)", "rm x -rf", Ask),
        ("Bash(rm -rf *)", "rm -v -rf x", Ask),
        ("Bash(rm -rf *)", "rm --recursive --force x", Ask),
        ("Bash(git push --force *)", "git push origin main --force", Ask),
        ("Bash(git push --force *)", "git push origin main -f", Ask),
        ("Bash(git push --force *)", "git push origin main", Allow),
        ("Bash(git push -f *)", "git push origin main --force", Ask),
        ("Bash(rm -rf *)", "rm -r x", Allow),
        ("Bash(rm -rf *)", "rm -f *.log", Ask),
        ("Bash(rm -rf *)", "rm -- -rf", Allow),
    ] {
        assert_eq!(said(deny, command), expected, "{command}");
    }
}

#[test]
fn git_has_other_names_for_what_it_does() {
    use Verdict::{Allow, Ask, Deny};
    for (command, expected) in [
        ("git-push origin", Deny),
        ("/usr/lib/git-core/git-push origin", Deny),
        ("hub push", Deny),
        ("git send-pack origin", Ask),
        ("git subtree push x y", Ask),
        ("git -c alias.p=push p", Ask),
        ("git config alias.p push", Ask),
        ("git p", Ask),
        ("git lfs pull", Allow),
        ("git status", Allow),
    ] {
        assert_eq!(said("Bash(git push *)", command), expected, "{command}");
    }
}

#[test]
fn what_a_program_is_given_may_be_run() {
    use Verdict::{Allow, Ask};
    for (command, expected) in [
        ("docker run i curl x", Ask),
        ("kubectl exec p -- sh -c 'curl x'", Ask),
        ("no-such-wrapper --deep -x /usr/bin/curl x", Ask),
        ("split --filter='curl x' f", Ask),
        ("make SHELL=curl", Ask),
        ("python3 -c 'import os; os.system(\"curl x\")'", Ask),
        ("python3 <<'E'\nimport os; os.system(\"curl x\")\nE", Ask),
        ("echo '* * * * * curl x' | crontab -", Ask),
        ("make -f <(printf 'a:\\n\\tcurl x\\n')", Ask),
        ("LESSOPEN='|curl %s' less f", Ask),
        ("bash --rcfile <(cat f) -i", Ask),
        ("echo 'use curl'", Allow),
        ("gh pr create --body 'adds a curl example'", Allow),
        ("git commit -m 'describe curl'", Allow),
        ("apt-get install -y curl", Allow),
        ("grep -rn 'curl ' docs", Allow),
        ("python3 -c 'print(1)'", Allow),
        ("psql -c 'select 1'", Allow),
    ] {
        assert_eq!(said("Bash(curl *)", command), expected, "{command}");
    }
    assert_eq!(said("Bash(git push *)", "docker exec c git status"), Allow);
    assert_eq!(said("Bash(git push *)", "docker exec c git push"), Ask);
}

#[test]
fn a_file_may_be_named_in_part() {
    use Verdict::{Allow, Ask, Deny};
    for (deny, command, expected) in [
        ("Read(~/.ssh/**)", "cat ~/.s*/id_rsa", Ask),
        ("Read(~/.ssh/**)", "cat $X/.ssh/id_rsa", Ask),
        ("Read(~/.ssh/**)", "cat ~root/.ssh/id_rsa", Ask),
        ("Read(~/.ssh/**)", "cat ~/{.ssh,x}/id_rsa", Ask),
        ("Read(~/.ssh/**)", "cat ~/notes/*", Allow),
        ("Read(.env)", "cat {x,.env}", Ask),
        ("Read(.env)", "grep -rf.env x", Deny),
        ("Read(.env)", "cat /dev/fd/../cwd/.env", Deny),
        ("Read(//etc/shadow)", "cat /dev/fd/../../etc/shadow", Deny),
        ("Read(//etc/shadow)", "cat /dev/fd/../root/etc/shadow", Deny),
        ("Read(.env)", "cat *", Allow),
        ("Edit(.github/**)", "touch .gith*/a", Ask),
        ("Edit(.github/**)", "cp x $D/.github/", Ask),
    ] {
        assert_eq!(said(deny, command), expected, "{command}");
    }
}

#[test]
fn a_file_may_be_named_elsewhere_in_the_line() {
    use Verdict::{Allow, Ask};
    for (command, expected) in [
        ("find . -name .env -exec cat {} +", Ask),
        ("find . -name '.e*' | xargs cat", Ask),
        ("cat $(echo .env)", Ask),
        ("echo .env | xargs cat", Ask),
        ("xargs cat <<< .env", Ask),
        ("for f in .env x; do cat $f; done", Ask),
        ("while read f; do cat $f; done <<< .env", Ask),
        ("x=(.env); cat ${x[0]}", Ask),
        ("set -- .env; cat $1", Ask),
        ("cat ${x:-.env}", Ask),
        ("python3 -c 'print(open(\".env\").read())'", Ask),
        ("ed x <<< 'r .env'", Ask),
        ("awk 'BEGIN{while((getline l<\".env\")>0)print l}'", Ask),
        ("find . -name '*.rs' -exec cat {} +", Allow),
        ("echo .env; cat x", Allow),
        ("python3 -c 'print(1.5)'", Allow),
    ] {
        assert_eq!(said("Read(.env)", command), expected, "{command}");
    }
    // However many words stand before it.
    let many = format!("echo {} .env | xargs cat", "x ".repeat(2_000));
    assert_eq!(said("Read(.env)", &many), Ask);
}

#[test]
fn a_program_that_is_not_known_may_change_what_it_is_given() {
    use Verdict::{Allow, Ask, Deny};
    for (command, expected) in [
        ("prettier --write .github/a", Ask),
        ("tar xf a -C .github", Ask),
        ("gzip .github/a", Ask),
        ("git checkout HEAD -- .github/a", Ask),
        ("git diff --output=.github/a", Ask),
        ("find .github -delete", Deny),
        ("find . -fprint .github/a", Deny),
        ("cp x .github/a", Deny),
        ("cp -t .github x", Deny),
        ("cp -s .github/a x", Deny),
        ("mv .github/a x", Deny),
        ("cp .github/a x", Allow),
        ("cat .github/a", Allow),
        ("git diff .github/a", Allow),
        ("python3 .github/a.py", Allow),
        ("python3 x.py .github/a", Ask),
        ("actionlint .github/a", Allow),
    ] {
        assert_eq!(said("Edit(.github/**)", command), expected, "{command}");
    }
}

/// Tables of commands, one a line: what is decided, and the command as JSON has it.
fn table(rules: &Permissions, lines: &str) {
    let mut wrong = Vec::new();
    for line in lines.lines().filter(|line| !line.starts_with('#')) {
        let (expected, command) = line.split_once(' ').unwrap();
        let command: String = serde_json::from_str(command).unwrap();
        let decision = rules.decide(&bash(&command));
        if decision.verdict.as_str() != expected {
            wrong.push(format!("{line}\n  {}: {}", decision.verdict, decision.reason));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn refusing() -> Permissions {
    let deny = [
        "Bash(curl *)",
        "Bash(git push *)",
        "Bash(rm -rf *)",
        "Read(./.env)",
        "Read(~/.ssh/**)",
        "Edit(.github/**)",
    ];
    rules(Mode::BypassPermissions, &[], &[], &deny)
}

#[test]
fn table_of_what_is_refused() {
    table(&refusing(), include_str!("disguises/refused.txt"));
}

#[test]
fn table_of_files() {
    table(&refusing(), include_str!("disguises/files.txt"));
}

#[test]
fn table_of_what_is_permitted() {
    let allow = [
        "Bash(npm run *)",
        "Bash(git diff *)",
        "Bash(git log *)",
        "Bash(ls *)",
        "Bash(cargo test *)",
        "Bash(git commit *)",
        "Bash(python3 -m pytest *)",
        "Bash(node build.js)",
        "Read(src/**)",
    ];
    table(&rules(Mode::Default, &allow, &[], &[]), include_str!("disguises/permitted.txt"));
}

#[test]
fn table_of_what_is_ordinary() {
    table(&refusing(), include_str!("disguises/ordinary.txt"));
}

#[test]
fn hostile_lines_take_bounded_time() {
    let deny: Vec<String> = (0..250)
        .flat_map(|n| {
            [
                format!("Bash(git task{n} *)"),
                format!("Read(secret{n}/**/*.key)"),
                format!("Edit(.x{n}/**)"),
            ]
        })
        .collect();
    let deny: Vec<&str> = deny.iter().map(String::as_str).collect();
    let rules = rules(Mode::BypassPermissions, &[], &[], &deny);
    for line in [
        format!("cat {}", "$a/.x$b/*/.x ".repeat(8_000)),
        format!("run {}", "git task ".repeat(14_000)),
        format!("git {} x", "-a ".repeat(40_000)),
        "find . -name a -exec cat {} + ; ".repeat(1_000),
        format!("python3 -c '{}'", "(a.b)".repeat(20_000)),
        format!("cat {}", "{a,b}".repeat(1_000)),
    ] {
        let start = std::time::Instant::now();
        rules.decide(&bash(&line));
        // Far more than it takes where nothing else runs, and far less than without bounds.
        assert!(start.elapsed().as_secs() < 120, "{}", &line[..30]);
    }
}

//! Commands that do what a rule refuses without beginning like it. Each of them was permitted once.

use palisade_core::Verdict;

use super::{bash, rules, verdict};
use crate::Mode;

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

use super::*;

fn line(text: &str) -> Line {
    let known = Known { directory: Some("/work".into()), home: Some("/home/me".into()) };
    analyse(text, &known).unwrap_or_else(|why| panic!("{text}: {why}"))
}

/// Every command that may run, as text.
fn all(text: &str) -> Vec<String> {
    let mut out: Vec<String> = line(text).all().iter().map(|command| command.to_string()).collect();
    out.retain(|text| !text.is_empty());
    out
}

fn has(text: &str, command: &str) -> bool {
    all(text).iter().any(|found| found == command)
}

#[test]
fn lists_and_compounds() {
    for text in [
        "node -e 1",
        "true; node -e 1",
        "true\nnode -e 1",
        "true && node -e 1",
        "true || node -e 1",
        "true | node -e 1",
        "true |& node -e 1",
        "true & node -e 1",
        "! node -e 1",
        "time -p node -e 1",
        "if true; then node -e 1; fi",
        "if node -e 1; then :; fi",
        "if false; then :; else node -e 1; fi",
        "if false; then :; elif node -e 1; then :; fi",
        "while node -e 1; do break; done",
        "until false; do node -e 1; done",
        "for x in a b; do node -e 1; done",
        "for x; do node -e 1; done",
        "for ((i=0;i<1;i++)); do node -e 1; done",
        "select x in a; do node -e 1; done",
        "case x in x) node -e 1;; esac",
        "case x in (y|x) node -e 1; esac",
        "case x in y);; *) node -e 1;& esac",
        "(node -e 1)",
        "{ node -e 1; }",
        "((1)) && node -e 1",
        "[[ a = b ]] || node -e 1",
        "f() { node -e 1; }; f",
        "function f { node -e 1; }",
        "f() (node -e 1)",
        "coproc node -e 1",
        "coproc N { node -e 1; }",
        "echo $(node -e 1)",
        "echo `node -e 1`",
        "echo \"$(node -e 1)\"",
        "cat <(node -e 1)",
        "tee >(node -e 1)",
        "x=$(node -e 1)",
        "x[$(node -e 1)]=1",
        "echo ${x:-$(node -e 1)}",
        "echo $((1 + $(node -e 1)))",
        "echo $((a[$(node -e 1)]))",
        "cat <<E\n$(node -e 1)\nE",
        "cat <<E\n`node -e 1`\nE\n",
        "cat <<'E'\nx\nE\nnode -e 1",
        "cat <<-E\n\tx\n\tE\nnode -e 1",
        "> f node -e 1",
        "node -e 1 > f",
        "2>&1 node -e 1",
        "$( (node -e 1) )",
        "echo $(echo $(echo `node -e 1`))",
        "${ node -e 1; }",
        "echo \"${ node -e 1; }\"",
        "true; # node\nnode -e 1",
        "echo a#b; node -e 1",
        "\\\nnode \\\n-e 1",
        "n'o'de -e 1",
        "n\"o\"de -e 1",
        "\\node -e 1",
        "$'\\x6eode' -e 1",
        "$'\\156ode' -e 1",
        "no$'\\u0064'e -e 1",
        "x=node; $x -e 1",
        "x='node -e'; $x 1",
        "x=no y=de; $x$y -e 1",
        "bash -c 'node -e 1'",
        "sh -ec 'node -e 1'",
        "bash -o errexit -c \"node -e 1\"",
        "eval node -e 1",
        "eval 'node -e' 1",
        "builtin eval 'node -e 1'",
        "bash <<< 'node -e 1'",
        "bash <<E\nnode -e 1\nE",
        "bash -s <<< 'node -e 1'",
        "timeout 5 node -e 1",
        "timeout -k 3 5 node -e 1",
        "timeout --signal=9 5 node -e 1",
        "nice -n 5 node -e 1",
        "nice -5 node -e 1",
        "env node -e 1",
        "/usr/bin/env A=1 node -e 1",
        "env -i -u X node -e 1",
        "env -S 'node -e 1'",
        "env '-Snode -e 1'",
        "env -vS 'node -e' 1",
        "sudo -u root node -e 1",
        "sudo A=1 node -e 1",
        "setsid node -e 1",
        "exec node -e 1",
        "exec -a x node -e 1",
        "nohup node -e 1",
        "watch -n1 node -e 1",
        "watch 'node -e 1'",
        "flock /tmp/l node -e 1",
        "flock /tmp/l -c 'node -e 1'",
        "stdbuf -o0 node -e 1",
        "find . -exec node -e 1 \\;",
        "find . -type f -execdir node -e 1 +",
        "ssh h node -e 1",
        "ssh -o ProxyCommand='node -e 1' h",
        "parallel node -e 1",
        "busybox sh -c 'node -e 1'",
        "script -c 'node -e 1'",
        "su -c 'node -e 1'",
        "xargs -I{} bash -c 'node -e 1'",
        "trap 'node -e 1' EXIT",
        "alias x='node -e 1'",
        "PS4='$(node -e 1)'; set -x; true",
        "PROMPT_COMMAND='node -e 1'",
        "[[ 'a[$(node -e 1)]' -eq 0 ]]",
        "test -v 'a[$(node -e 1)]'",
        "let 'a[$(node -e 1)]=1'",
        "printf -v 'a[$(node -e 1)]' x",
        "x='$(node -e 1)'; echo ${x@P}",
        "declare -i x='a[$(node -e 1)]'",
        "git -c alias.x='!node -e 1' x",
        "git bisect run node -e 1",
        "git submodule foreach 'node -e 1'",
        "git rebase -x 'node -e 1' HEAD",
        "tar cf /dev/null --checkpoint-action=exec='node -e 1' .",
        "rsync -e 'node -e 1' a b:",
        "sort --compress-program='node -e 1' f",
        "git fetch --upload-pack='node -e 1' x",
        "git clone 'ext::node -e 1'",
        "unshare -r node -e 1",
        "strace -f -o /dev/null node -e 1",
        "npx -y node -e 1",
        "awk 'BEGIN{system(\"node -e 1\")}'",
        "vim -c '!node -e 1'",
        "/lib64/ld-linux-x86-64.so.2 node -e 1",
        "command -p node -e 1",
        "echo x | bash -c 'node -e 1'",
        "a=(1 2); node -e 1",
        "declare -a x=(1 2); node -e 1",
        "case $x in esac; node -e 1",
        "bash -c bash <<E\nnode -e 1\nE",
        "{ bash; } <<< 'node -e 1'",
        "(sh) <<E\nnode -e 1\nE",
        "exec <<< 'node -e 1'; bash",
        "while bash; do :; done <<< 'node -e 1'",
        "source node -e 1",
        "bash node -e 1",
        "if (true) then node -e 1; fi",
        "{ { node -e 1; } }",
        "echo {a,b}; node -e 1",
        "a=1 b=$c node -e 1",
        ": ${x:=$(node -e 1)}",
        // A line end that is hidden, or is not.
        "cat <<E\n\\\\\nE\nnode -e 1",
        "cat <<E\n\\\nE\nnode -e 1",
        "cat <<-E\n\t\\\n\tE\nx\n\tE\nnode -e 1",
        // Options of shells and of programs that start others, shortened, joined and behind others.
        "bash -oc errexit 'node -e 1'",
        "bash -rcfile /dev/null -c 'node -e 1'",
        "bash -init-file f -c 'node -e 1'",
        "bash -norc -c 'node -e 1'",
        "bash -O extglob -oc errexit 'node -e 1'",
        "fish -C 'node -e 1'",
        "timeout --kill 3 5 node -e 1",
        "timeout --sig 9 5 node -e 1",
        "env --split 'node -e 1'",
        "env --chd / node -e 1",
        "env PAGER='node -e 1' git log",
        "env 'BASH_FUNC_ls%%=() { node -e 1; }' bash -c ls",
        "GIT_SSH_COMMAND='node -e 1' git fetch",
        "sudo --unknown 1 node -e 1",
        "numactl --membind 0 node -e 1",
        "ssh h -o ProxyCommand='node -e 1'",
        "ssh -vo 'ProxyCommand = node -e 1' h",
        "ssh -voProxyCommand='node -e 1' h",
        "ssh h -v node -e 1",
        "scp -o ProxyCommand='node -e 1' a h:",
        "tar xIf 'node -e 1' a",
        "tar -F 'node -e 1' -f a",
        "tar --to-c='node -e 1' -xf a",
        "rsync --rsync-path='node -e 1' a h:",
        "git grep -O'node -e 1' x",
        "git grep --open-files-in-pager='node -e 1' x",
        "git config alias.x '!node -e 1'",
        "git --attr-source HEAD bisect run node -e 1",
        "git clone -c core.sshCommand='node -e 1' x",
        "git remote add x 'ext::node -e 1'",
        "git send-email --sendmail-cmd='node -e 1' p",
        "su --c 'node -e 1'",
        "sudo -s <<< 'node -e 1'",
        "unshare -r <<< 'node -e 1'",
        "mapfile -C 'node -e 1' -c1 x",
        "compgen -C 'node -e 1'",
        "compgen -W '$(node -e 1)'",
        "jobs -x node -e 1",
        "bash /dev/fd/0 <<< 'node -e 1'",
        ". /proc/self/fd/0 <<< 'node -e 1'",
        "bash //dev/./stdin <<< 'node -e 1'",
        // A function of a wrapper's name that is not there where it counts.
        "(env() { :; }); env node -e 1",
        "false && env() { :; }; env node -e 1",
        "env() { :; }; command env node -e 1",
        "env() { :; }; /usr/bin/env node -e 1",
    ] {
        assert!(has(text, "node -e 1"), "{text}\n{:?}", all(text));
    }
}

#[test]
fn texts_are_no_commands() {
    for text in [
        "echo 'node -e 1'",
        "echo \"node -e 1\"",
        "echo node -e 1",
        "# node -e 1",
        "true # node -e 1",
        "cat <<'E'\nnode -e 1\nE",
        "cat <<E\nnode -e 1\nE",
        "git commit -m 'node -e 1'",
        "command -v node",
        "echo '$(node -e 1)'",
        "x='node -e 1'",
        "grep 'node -e 1' f",
        "cat <<'E'\n$(node -e 1)\nE",
        "echo \\$(true) || echo '`node -e 1`'",
    ] {
        let Ok(line) = analyse(text, &Known::default()) else { continue };
        assert!(line.all().iter().all(|c| c.program() != Some("node")), "{text}\n{line:#?}");
    }
}

#[test]
fn what_could_be_anything_is_told() {
    for text in [
        "$X -e 1",
        "$(echo node) -e 1",
        "`which node` -e 1",
        "/???/b?n/n*de -e 1",
        "{node,-e,1}",
        "echo bm9kZQ== | base64 -d | sh",
        "eval \"$X\"",
        "bash -c \"$X\"",
        "n${x}de 1",
        "x=node; read x; $x",
        "cat f | bash",
        "bash < f",
        "{ bash; } < f",
        "f() { bash; }; echo x | f",
        "cat f | bash -c sh",
        "cat f | { true; bash; }",
        "source $X",
        "bash -c$x y",
        "\"$@\"",
        "env $X",
        "if true; then x=node; fi; $x -e 1",
        "x=a; f() { x=node; }; f; $x",
        "IFS=o; x=nodoe; $x",
        "n[o]de -e 1",
        "for x in node; do $x -e 1; done",
        "x=; : ${x:=node}; $x",
        "x=true; declare -n r=x; r=node; $x",
        "declare -l x; x=NODE; $x",
        "shopt -s lastpipe; x=true; echo node | read x; $x",
        "trap 'x=node' DEBUG; x=true; $x",
        "readonly x=node\nx=true\n$x",
        "x=node; x=true > /none/f; $x",
        "_=true; : node; $_",
        "x=true; set -o posix; x=node :; $x",
        "hash -p /usr/bin/node x; x -e 1",
        "enable -f ./x.so x; x",
        "/proc/self/exe -c node",
        "alias e=env\ne node -e 1",
        "echo node | xargs -I{} {} -e",
        "echo node | xargs -i sh -c {}",
        "echo node | xargs --replace=% sh -c %",
        "env -S 'node\\_-e\\_1'",
        "env -S '-i node'",
        "n{ode,\"\n\"}",
        "/bin/n[\\ o]de",
        "/bin/n['\n'o]de",
        "find . $X",
        "echo '-exec node {} +' | xargs find .",
    ] {
        let line = line(text);
        assert!(!line.all_unclear().is_empty(), "{text}\n{line:#?}");
    }
}

#[test]
fn what_cannot_be_read_is_refused() {
    for text in [
        "echo 'a",
        "echo \"a",
        "echo $(a",
        "echo `a",
        "if true; then",
        "(a",
        "a)",
        "{ a",
        "a |",
        "a &&",
        "a\0b",
        "a\rb",
        "a \u{202e} b",
        "a \u{200b} b",
        "echo *(e:'node':)",
        "echo x >! f",
        "for 1 in a; do b; done",
        "case x in",
        "fi",
        "then a",
        "\"${x:-'}\"",
        "a () b",
        "echo a(b)",
        "[[ a",
        "echo \"$\\\n(node)\"",
        "x=node; $\\\nx",
        "xy=node; $x\\\ny",
        "x=true; x\\\n=node; $x",
        "i\\\nf true; t\\\nhen node; f\\\ni",
    ] {
        assert!(analyse(text, &Known::default()).is_err(), "{text:?}");
    }
    assert!(analyse(&"(".repeat(100), &Known::default()).is_err());
    assert!(analyse(&"$(".repeat(100_000), &Known::default()).is_err());
    assert!(analyse(&"a;".repeat(60_000), &Known::default()).is_err());
    assert!(
        analyse(&format!("{}a{}", "`\\".repeat(500), "`".repeat(500)), &Known::default()).is_err()
    );
}

#[test]
fn files_and_folders() {
    let found = line("cat < in > out 2>/dev/null >> log <> both &> all");
    let files: Vec<(String, bool, bool)> = found.commands[0]
        .redirects
        .iter()
        .map(|r| (r.file.to_string(), r.reads, r.writes))
        .collect();
    let expected = [
        ("in", true, false),
        ("out", false, true),
        ("/dev/null", false, true),
        ("log", false, true),
        ("both", true, true),
        ("all", false, true),
    ];
    assert_eq!(files, expected.map(|(f, r, w)| (f.to_owned(), r, w)));
    let moved = line("cd sub && cat x");
    assert_eq!(moved.commands[1].directories, [".", "./sub"]);
    assert!(line("cd $X; cat x").commands[1].directories.is_empty());
    assert_eq!(line("cat ~/a $HOME/b").commands[0].to_string(), "cat /home/me/a /home/me/b");
    assert_eq!(line("(cd sub); cat x").commands.last().unwrap().directories, ["."]);
}

#[test]
fn arithmetic_that_changes_what_commands_mean_is_told() {
    for text in [
        "((PATH=1)); ls",
        ": $((PATH=1)); ls",
        "echo $[PATH=1]; ls",
        "echo ${a[PATH=1]}; ls",
        "[[ PATH=1 -eq 1 ]]; ls",
        ": ${CDPATH:=/}; cd x",
        "((++PATH)); ls",
        "for ((PATH=1;;)); do ls; done",
    ] {
        assert!(!line(text).constructs.is_empty(), "{text}");
    }
    for text in ["((i++))", "echo $((a+1))", "[[ $x == y ]]", "echo ${x:-y}"] {
        assert!(line(text).constructs.is_empty(), "{text}");
    }
}

#[test]
fn programs_that_start_each_other_are_followed_within_bounds() {
    let started = std::time::Instant::now();
    assert!(!line(&"npx ".repeat(400)).all_unclear().is_empty());
    println!("{:?}", started.elapsed());
    assert!(analyse(&"{".repeat(LONGEST), &Known::default()).is_err());
    assert!(started.elapsed() < std::time::Duration::from_secs(20));
}

#[test]
fn home_is_what_the_line_says() {
    assert_eq!(line("HOME=/x; cat ~/a").commands.last().unwrap().to_string(), "cat /x/a");
}

#[test]
fn raw_text_is_kept() {
    assert_eq!(
        line("FOO=1  node -e  '1' > f").commands.last().unwrap().raw.as_deref(),
        Some("FOO=1  node -e  '1'")
    );
    assert_eq!(line("a > f b").commands[0].raw.as_deref(), Some("a b"));
}

mod against_bash;

//! Rules for commands, and programs that want to run all the same, of agents that announce nothing.
//!
//! The program that is refused is `unshare`, which is on every system and only tells its version here. Each way is seen to
//! work without the rule.

use std::{process::Stdio, time::Duration};

use crate::{
    tools,
    world::{Ran, World, end_of},
};

/// What the refused program prints.
const MARK: &str = "util-linux";

/// Ways to run it that are known before: each is refused in the way that programs know.
const SPELLED: &[&str] = &[
    "unshare --version",
    "/usr/bin/unshare --version",
    "/usr/bin/../bin//unshare --version",
    "cd /usr/bin; ./unshare --version",
    "u=unsh; ${u}are --version",
    "un''shar\"e\" --version",
    "$(printf '\\165nshare') --version",
    "eval \"$(echo dW5zaGFyZSAtLXZlcnNpb24= | base64 -d)\"",
    "command unshare --version",
    "exec unshare --version",
    "env unshare --version",
    "env -i A=1 /usr/bin/unshare --version",
    "timeout 5 unshare --version",
    "nice unshare --version",
    "nohup unshare --version",
    "setsid -w unshare --version",
    "stdbuf -o0 unshare --version",
    "echo --version | xargs unshare",
    "echo unshare --version | xargs env",
    "find . -maxdepth 0 -exec unshare --version ';'",
    "sh -c 'unshare --version'",
    "sh -c 'sh -c \"unshare --version\"'",
    "bash -c 'exec -a ls unshare --version'",
    "echo 'unshare --version' | sh",
    "echo 'unshare --version' > said; sh ./said",
    "printf '#!/bin/sh\\nexec unshare --version\\n' > script; chmod +x script; ./script",
    "printf '#!/usr/bin/unshare --version\\n' > script; chmod +x script; ./script",
    "python3 -c \"import os; os.execv('/usr/bin/unshare', ['ls', '--version'])\"",
    "python3 -c \"import os; os.posix_spawn('/usr/bin/unshare', ['x', '--version'], {}); os.wait()\"",
    "python3 -c \"import subprocess; subprocess.run(['x', '--version'], executable='/usr/bin/unshare')\"",
    "python3 -c \"import os; os.execve(os.open('/usr/bin/unshare', 0), ['x', '--version'], {})\"",
    "git -c alias.x='!unshare --version' x",
    "echo 'unshare --version' > e; BASH_ENV=$PWD/e bash -c :",
    "echo 'import os; os.system(\"unshare --version\")' > sitecustomize.py; PYTHONPATH=. python3 -c pass",
    "make -f - <<< 'all: ; unshare --version'",
];

/// Copies and links of it.
const RENAMED: &[&str] = &[
    "cp /usr/bin/unshare tool; ./tool --version",
    "cp /usr/bin/unshare ls; PATH=.:$PATH; ls --version",
    "cp /usr/bin/unshare a; mv a b; ./b --version",
    "ln -s /usr/bin/unshare link; ./link --version",
    "ln -s /usr/bin/unshare one; ln -s one two; ./two --version",
    "cp /usr/bin/unshare c; ln c d; rm c; ./d --version",
    "cp /usr/bin/unshare padded; echo more >> padded; ./padded --version",
    "cp /usr/bin/unshare end; printf x | dd of=end bs=1 seek=$(($(stat -c %s end) - 1)) conv=notrunc; ./end --version",
    "cp /usr/bin/unshare /dev/shm/x; /dev/shm/x --version",
    "LOADER --argv0 ls /usr/bin/unshare --version",
    "cp /usr/bin/unshare e; LOADER ./e --version",
    "cp LOADER loader; ./loader /usr/bin/unshare --version",
    "cp LOADER loader; cp /usr/bin/unshare f; ./loader --library-path /lib ./f --version",
    "LOADER $(yes -- --inhibit-cache | head -n 40) /usr/bin/unshare --version",
    "LOADER $(yes -- --library-path /lib | head -n 20) /usr/bin/unshare --version",
    "LOADER /proc/self/root/usr/bin/unshare --version",
    "cp /usr/bin/unshare h; LOADER /proc/self/cwd/h --version",
    "cp /usr/bin/unshare i; exec 8< i; LOADER /proc/thread-self/fd/8 --version",
    "ln -s /proc/self/root/usr/bin/unshare j; LOADER ./j --version",
    "cp /usr/bin/unshare k; ln -s /proc/self/cwd way; LOADER ./way/k --version",
    "cp /usr/bin/unshare l; mkdir m; cd m; rmdir ../m; LOADER ../l --version",
    "printf '#!/usr/bin/unshare --version\\n' > s; printf '#!%s/s\\n' \"$PWD\" > t; chmod +x s t; ./t",
    "cp /usr/bin/unshare g; exec 7< g; rm g; /proc/self/fd/7 --version",
    "python3 -c \"
import os
f = os.memfd_create('x')
os.write(f, open('/usr/bin/unshare', 'rb').read())
os.execve(f, ['ls', '--version'], {})\"",
    "python3 -c \"
import os
f = os.memfd_create('x', 0)
os.write(f, open('/usr/bin/unshare', 'rb').read())
os.execv('/proc/self/fd/%d' % f, ['ls', '--version'])\"",
];

fn loader() -> &'static str {
    if cfg!(target_arch = "x86_64") {
        "/lib64/ld-linux-x86-64.so.2"
    } else {
        "/lib/ld-linux-aarch64.so.1"
    }
}

fn refused() -> Option<World> {
    World::new("permissions: {deny: ['Bash(unshare *)']}")
}

impl World {
    /// What each of these lines prints, each in a folder of its own. An agent that is a script: none of it is in an argument.
    fn each(&self, lines: &[&str]) -> Vec<String> {
        let mut script = String::new();
        for (number, line) in lines.iter().enumerate() {
            let line = line.replace("LOADER", loader());
            self.write(format!("work/line{number}"), &format!("{line}\n"));
            script.push_str(&format!(
                "mkdir -p d{number}; (cd d{number}; bash ../line{number} > ../out{number} 2>&1)\n"
            ));
        }
        self.write("work/all", &script);
        let ran = self.inside(&["/bin/bash", "./all"]);
        assert_eq!(ran.signal, None, "{ran}");
        (0..lines.len()).map(|number| self.read(format!("work/out{number}"))).collect()
    }

    /// The denials of executions, by subject and reason.
    fn refused_execs(&self) -> Vec<(String, String)> {
        let events = self.events();
        let denied =
            events.iter().filter(|event| event["kind"] == "exec" && event["decision"] == "deny");
        denied
            .map(|event| {
                assert_eq!(event["layer"], "process");
                let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
                (text("subject"), format!("{} {}", text("rule"), text("reason")))
            })
            .collect()
    }
}

fn none_runs(lines: &[&str]) {
    if !tools::have(&["git", "make"]) {
        return;
    }
    let Some(plain) = World::plain() else { return };
    for (line, out) in lines.iter().zip(plain.each(lines)) {
        assert!(out.contains(MARK), "without the rule, {line}: {out}");
    }
    assert!(plain.refused_execs().is_empty());
    let Some(world) = refused() else { return };
    for (line, out) in lines.iter().zip(world.each(lines)) {
        assert!(!out.contains(MARK), "{line}: {out}");
    }
    let denied = world.refused_execs();
    assert!(denied.len() >= lines.len() / 2, "{denied:?}");
    for (subject, why) in denied {
        let by_rule = why.starts_with("permissions.deny[Bash(unshare *)] ");
        assert!(by_rule || why.contains("cannot be told from outside"), "{subject}: {why}");
    }
    world.verify();
}

#[test]
fn spells_and_wraps_a_refused_program() {
    none_runs(SPELLED);
}

#[test]
fn copies_links_loads_and_hides_a_refused_program() {
    none_runs(RENAMED);
}

#[test]
fn is_told_so_in_the_way_that_programs_know() {
    let Some(world) = refused() else { return };
    let ran = world.inside_python(
        "import errno, os\ntry: os.execv('/usr/bin/unshare', ['x'])\nexcept OSError as e: print(errno.errorcode[e.errno])",
    );
    assert_eq!(ran.good(), "EACCES");
    let denied = world.refused_execs();
    assert_eq!(denied.len(), 1, "{denied:?}");
    assert_eq!(denied[0].0, "/usr/bin/unshare");
    let ran = world.inside(&["unshare", "--version"]);
    assert_eq!(ran.code, Some(126), "{ran}");
    assert!(ran.err.contains("unshare is not run: `Bash(unshare *)`"), "{ran}");
}

/// Between question and execution another is put in its place. Some rounds are refused, as they are seen to be refused at
/// first; the others must end where they have become what is refused.
fn swaps(by: &str, what: &str) {
    let Some(folder) = tools::folder() else { return };
    let swap = folder.join("swap").display().to_string();
    let (program, one, other) = match what {
        "path" => ("-", "/usr/bin/env", "/usr/bin/unshare"),
        _ => ("/usr/bin/unshare", "--version", "--help"),
    };
    let rule = match what {
        "path" => "permissions: {deny: ['Bash(unshare *)']}",
        _ => "permissions: {deny: ['Bash(unshare --help *)']}",
    };
    let ran_other = |ran: &Ran| match what {
        "path" => ran.out.contains(MARK),
        _ => ran.out.contains("Usage:"),
    };
    let argv = [swap.as_str(), by, what, program, one, other, "300"];
    let Some(plain) = World::plain() else { return };
    let ran = plain.inside(&argv);
    assert!(ran_other(&ran), "without the rule: {ran}");
    let Some(world) = World::new(rule) else { return };
    let ran = world.inside(&argv);
    assert!(!ran_other(&ran), "{ran}");
    let told = ran.good().lines().last().unwrap_or_default().to_owned();
    println!("{by} {what}: {told}");
    assert!(!told.contains("ran=0"), "what is permitted has to run: {told}");
    let ended =
        world.refused_execs().iter().filter(|(_, why)| why.contains("ended before")).count();
    assert_eq!(ended > 0, !told.contains("killed=0"), "{told}");
    world.verify();
}

#[test]
fn a_thread_exchanges_the_path() {
    swaps("thread", "path");
}

#[test]
fn a_thread_exchanges_an_argument() {
    swaps("thread", "argument");
}

#[test]
fn another_process_exchanges_the_path_in_shared_memory() {
    swaps("shared", "path");
}

#[test]
fn another_process_exchanges_an_argument_in_shared_memory() {
    swaps("shared", "argument");
}

#[test]
fn writes_into_a_program_that_was_approved() {
    let Some(world) = refused() else { return };
    let ran = world.inside_python(
        "\
import errno, os, subprocess, ctypes
child = subprocess.Popen(['sleep', '60'])
def told(act):
    try: act(); return 'done'
    except OSError as e: return errno.errorcode[e.errno]
print(told(lambda: os.open('/proc/%d/mem' % child.pid, os.O_RDWR)))
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    if libc.syscall(number, *arguments) < 0: raise OSError(ctypes.get_errno(), '')
import platform
ptrace, writev = (101, 311) if platform.machine() == 'x86_64' else (117, 271)
print(told(lambda: call(ptrace, 16, child.pid, 0, 0)))
print(told(lambda: call(ptrace, 0, 0, 0, 0)))
print(told(lambda: call(writev, child.pid, 0, 0, 0, 0, 0)))
child.kill()
",
    );
    let told: Vec<&str> = ran.good().lines().collect();
    assert!(["EROFS", "EACCES"].contains(&told[0]), "{ran}");
    assert_eq!(&told[1..], ["EPERM"; 3], "{ran}");
}

/// Debuggers would undo the rules: they are told so, and a policy cannot open them beside such a rule.
#[test]
fn a_debugger_is_refused_with_a_reason() {
    let Some(world) = refused() else { return };
    let ran = world.inside_python("import ctypes; print(ctypes.CDLL(None).ptrace(0, 0, 0, 0))");
    assert_eq!(ran.good(), "-1");
    assert!(world.why_denied("ptrace(0)").contains("undoes command rules"));
    world.write(
        "config/open.yaml",
        "palisade: 1\nprocess: {syscalls: {allow: [ptrace]}}\npermissions: {deny: ['Bash(x *)']}\n",
    );
    let mut check = world.palisade();
    check.args(["policy", "check"]).arg(world.at("config/open.yaml"));
    let ran = crate::world::finish(&mut check);
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(
        format!("{}{}", ran.out, ran.err).contains("is held where programs are executed"),
        "{ran}"
    );
}

#[test]
fn a_daemon_that_left_its_parents_is_held() {
    let Some(world) = refused() else { return };
    let ran = world.inside_python(
        "\
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(0.5)
        try: os.execv('/usr/bin/unshare', ['x', '--version'])
        except OSError as e: open('told', 'w').write(str(e.errno))
    os._exit(0)
time.sleep(3)
",
    );
    ran.good();
    assert_eq!(world.read("work/told"), "13");
}

#[test]
fn threads_execute_beside_each_other() {
    let Some(world) = refused() else { return };
    // Each process ends as one of them, or is refused; none hangs.
    let ran = world.inside_python(
        "\
import os, threading
ends = []
for turn in range(40):
    child = os.fork()
    if child == 0:
        def run(program):
            try: os.execv(program, ['x', '--version'])
            except OSError: pass
        programs = ['/usr/bin/unshare', '/usr/bin/env', '/usr/bin/env', '/usr/bin/unshare']
        threads = [threading.Thread(target=run, args=(p,)) for p in programs]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        os._exit(9)
    ends.append(os.waitpid(child, 0)[1])
print(sorted(set(ends)))
",
    );
    assert!(!ran.out.contains(MARK), "{ran}");
    assert!(ran.good().lines().last().unwrap().starts_with("[0"), "{ran}");
}

/// Signals stop, continue and kill what is about to become another program, and nothing of it is lost or hangs.
#[test]
fn signals_come_in_a_storm() {
    let Some(world) = refused() else { return };
    let ran = world.inside_python(
        "\
import os, random, signal
random.seed(7)
kinds = [signal.SIGSTOP, signal.SIGCONT, signal.SIGUSR1, signal.SIGCHLD, signal.SIGTSTP, signal.SIGWINCH]
ends = {}
signal.signal(signal.SIGUSR1, lambda *_: None)
for turn in range(400):
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        program = '/usr/bin/unshare' if turn % 4 == 0 else '/usr/bin/env'
        try: os.execv(program, ['x', '--version'])
        except OSError: os._exit(9)
    kills = turn % 10 == 5
    for kind in random.choices(kinds, k=turn % 7) + ([signal.SIGKILL] if kills else []):
        os.kill(child, kind)
    os.kill(child, signal.SIGCONT)
    end = os.waitpid(child, 0)[1]
    ends.setdefault('killed' if kills else turn % 4 == 0, set()).add(end)
print(sorted(ends[True]), 0 in ends[False])
",
    );
    assert!(!ran.out.contains(MARK), "{ran}");
    let last = ran.good().lines().last().unwrap().to_owned();
    assert!(last.ends_with(" True") && !last.starts_with("[0"), "{ran}");
    world.verify();
}

/// Thousands of programs one after the other and beside each other leave nothing behind that the next would need.
#[test]
fn ten_thousand_programs_come_and_go() {
    let Some(world) = refused() else { return };
    world.write(
        "work/many",
        "\
run() { n=0; while [ $n -lt 2500 ]; do /bin/true || echo failed; n=$((n+1)); done; }
run & run & run & run & wait
unshare --version
/bin/echo done
",
    );
    let ran = world.inside(&["/bin/bash", "./many"]);
    assert_eq!(ran.good(), "done", "{ran}");
    assert_eq!(world.refused_execs().len(), 1);
    world.verify();
}

#[test]
fn the_supervisor_is_killed() {
    let Some(world) = refused() else { return };
    let script = "echo begins; while true; do date > tick; /bin/true; done";
    world.write("work/loop", script);
    let mut child = world
        .run(&["/bin/sh", "./loop"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let began = std::time::Instant::now();
    while !world.workspace().join("tick").exists() {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    end_of(child);
    std::thread::sleep(Duration::from_millis(500));
    std::fs::remove_file(world.workspace().join("tick")).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert!(!world.workspace().join("tick").exists(), "it goes on without its supervisor");
}

/// What is not refused works as it does elsewhere.
#[test]
fn builds_rebases_and_jobs_work_beside_a_rule() {
    if !tools::have(&["git", "make"]) {
        return;
    }
    let Some(world) = refused() else { return };
    world.write(
        "work/Makefile",
        "T = $(shell seq 60)\nall: $(T)\n$(T): ; @sh -c 'test $@ -gt 0 && cat /dev/null' && echo made $@\n",
    );
    world.write(
        "work/works",
        "\
set -e
make -s -j8 | wc -l
git init -q r; cd r; git config user.email a@b; git config user.name a
for n in 1 2 3; do echo $n > f$n; git add .; git commit -qm $n; done
GIT_SEQUENCE_EDITOR='sed -i 1s/pick/reword/' GIT_EDITOR='sed -i s/2/two/' git rebase -q -i HEAD~2 > /dev/null
git log --format=%s | tr '\\n' ' '
cd ..
set -m
sleep 60 & sleep 0.2; kill -STOP %1; sleep 0.2; jobs | grep -c Stopped; kill -KILL %1; wait %1 || true
n=0; while [ $n -lt 300 ]; do /bin/true; n=$((n+1)); done; echo $n
nosuchprogram || echo $?
python3 -c \"
import subprocess, concurrent.futures as c
with c.ThreadPoolExecutor(8) as pool:
    print(sum(pool.map(lambda n: subprocess.run(['/bin/echo', '-n']).returncode == 0, range(200))))\"
",
    );
    let ran = world.inside(&["/bin/bash", "./works"]);
    let lines: Vec<&str> = ran.good().lines().collect();
    assert_eq!(lines, ["60", "3 two 1 1", "300", "127", "200"], "{ran}");
    assert!(world.refused_execs().is_empty(), "{:?}", world.refused_execs());
}

/// A program that does what its name says, one of many, as busybox does.
#[test]
fn runs_what_is_one_of_the_many_names_of_a_program() {
    let Some(world) =
        World::new("permissions: {deny: ['Bash(fetch *)']}\nfilesystem: {read: [../bin]}")
    else {
        return;
    };
    std::fs::create_dir(world.at("bin")).unwrap();
    let source = "#include <stdio.h>\n#include <string.h>\nint main(int n, char **v) {\n\
        char *name = strrchr(v[0], '/') ? strrchr(v[0], '/') + 1 : v[0];\n\
        if (!strncmp(name, \"busybox\", 7) && n > 1) name = v[1];\n\
        puts(strcmp(name, \"fetch\") ? \"harmless\" : \"fetches\"); return 0; }\n";
    world.write("bin/busybox.c", source);
    let bin = world.at("bin");
    let built = std::process::Command::new("gcc")
        .arg("-o")
        .args([bin.join("busybox"), bin.join("busybox.c")])
        .status();
    assert!(built.unwrap().success());
    for name in ["fetch", "list"] {
        std::os::unix::fs::symlink("busybox", bin.join(name)).unwrap();
    }
    let script = format!(
        "\
PATH={0}:$PATH
list x; busybox list; busybox list
fetch x; busybox fetch x; {0}/busybox fetch
cp {0}/busybox x; ./x list
bash -c 'exec -a fetch ./x'
bash -c 'exec -a busybox ./x fetch'
ln -s {0}/busybox fetch; ./fetch
",
        bin.display()
    );
    world.write("work/script", &script);
    let outside = world.outside(&["/bin/bash", "./script"]);
    assert_eq!(outside.out.matches("fetches").count(), 6, "{outside}");
    for file in ["x", "fetch"] {
        std::fs::remove_file(world.workspace().join(file)).unwrap();
    }
    let ran = world.inside(&["/bin/bash", "./script"]);
    assert_eq!(ran.out.matches("fetches").count(), 0, "{ran}");
    assert_eq!(ran.out.matches("harmless").count(), 4, "{ran}");
}

/// What the supervisor cannot read it cannot judge; root can read all.
#[test]
fn runs_a_copy_that_cannot_be_read() {
    let Some(world) = refused() else { return };
    world.write("work/script", "cp /usr/bin/unshare x; chmod 111 x; ./x --version; echo $?\n");
    let outside = world.outside(&["/bin/bash", "./script"]);
    assert!(outside.out.contains(MARK), "{outside}");
    std::fs::remove_file(world.workspace().join("x")).unwrap();
    let ran = world.inside(&["/bin/bash", "./script"]);
    assert!(!ran.out.contains(MARK) && ran.out.contains("126"), "{ran}");
    assert!(!world.refused_execs().is_empty());
}

/// A question about a program, and nobody who answers.
#[test]
fn nobody_answers_whether_it_may_run() {
    let Some(world) =
        World::new("permissions: {ask: ['Bash(unshare *)']}\napprovals: {timeout: 1s}")
    else {
        return;
    };
    let ran = world.inside_python(
        "import os\ntry: os.execv('/usr/bin/unshare', ['x', '--version'])\nexcept OSError as e: print(e.errno)",
    );
    assert_eq!(ran.good(), "13");
    let asked =
        world.events().iter().any(|event| event["kind"] == "exec" && event["decision"] == "ask");
    assert!(asked);
}

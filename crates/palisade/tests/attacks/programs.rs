//! Ordinary work that must go on inside: what people and agents do all day.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use crate::{
    tools,
    world::{Ran, World},
};

/// `python3 -m http.server` over a folder, ended with the test.
struct FileServer {
    child: Child,
    port: u16,
}

impl FileServer {
    fn start(folder: PathBuf) -> Self {
        let mut child = Command::new("/usr/bin/python3")
            .args(["-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory"])
            .arg(folder)
            .arg("0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        // Serving HTTP on 127.0.0.1 port 40123 (http://127.0.0.1:40123/) ...
        let port = line.split_whitespace().nth(5).unwrap().parse().unwrap();
        Self { child, port }
    }
}

impl Drop for FileServer {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

/// A shell script that ends at its first failure; inside there is none.
fn works(world: &World, script: &str) -> Ran {
    let inside = world.inside(&["/bin/bash", "-euc", script]);
    assert_eq!(inside.code, Some(0), "inside: {inside}");
    inside
}

#[test]
fn git_clones_from_a_server_and_commits() {
    if !tools::have(&["git"]) {
        return;
    }
    let Some(bare) = World::plain() else { return };
    let script = "git init -q -b main src && cd src && echo one >file && mkdir deep && echo two >deep/file && \
                  git add . && git -c user.name=o -c user.email=o@example.org commit -qm first && \
                  cd .. && git clone -q --bare src repo.git && cd repo.git && git update-server-info";
    bare.outside_sh(script).good();
    let server = FileServer::start(bare.workspace());
    let port = server.port;
    let policy = format!(
        "network:
  hosts: {{git.test: [127.0.0.1]}}
  rules:
    - {{name: git, hosts: [git.test], ports: [{port}], addresses: [127.0.0.1]}}
"
    );
    let Some(world) = World::new(&policy) else { return };
    let clone = format!("git clone -q http://git.test:{port}/repo.git clone");
    let ran = world.inside_sh(&format!(
        "{clone} && cd clone && git config user.name a && git config user.email a@example.org && \
         echo more >>deep/file && git commit -qam second && git checkout -qb topic && \
         git rebase -q main && git stash list && git status --short && git log --format=%s"
    ));
    assert_eq!(ran.good(), "second\nfirst");
    assert_eq!(world.outside_sh("git -C clone log --format=%s").good(), "second\nfirst");
    world.assert_denials(&[]);
    // Without the rule the same clone fails.
    let Some(closed) = World::plain() else { return };
    let ran = closed.inside_sh(&clone);
    assert!(ran.code != Some(0) && ran.err.contains("resolve"), "{ran}");
    closed.assert_denials(&[("resolve", "git.test")]);
}

#[test]
fn npm_installs_a_local_package_and_runs_tests() {
    let Some((npm, node)) = tools::which("npm").zip(tools::which("node")) else {
        tools::have(&["npm", "node"]);
        return;
    };
    // A tool of the operator's may lie anywhere: the policy names where.
    let lies = |path: &PathBuf| path.canonicalize().unwrap().parent().unwrap().to_owned();
    let folders: Vec<String> = [&npm, &node]
        .iter()
        .map(|path| lies(path))
        .map(|folder| folder.ancestors().nth(1).unwrap_or(&folder).display().to_string())
        .filter(|folder| !folder.starts_with("/usr"))
        .collect();
    let policy = format!("filesystem: {{read: {folders:?}}}");
    let Some(world) = World::new(&policy) else { return };
    world.write(
        "work/left/package.json",
        r#"{"name": "left", "version": "1.0.0", "main": "index.js", "bin": {"left": "cli.js"}}"#,
    );
    world.write("work/left/index.js", "module.exports = s => s.padStart(5, '.');\n");
    world.write("work/left/cli.js", "#!/usr/bin/env node\nconsole.log(require('.')('cli'));\n");
    world.write(
        "work/app/package.json",
        r#"{"name": "app", "version": "1.0.0", "scripts": {"test": "node --test", "left": "left"}}"#,
    );
    world.write(
        "work/app/app.test.js",
        "const test = require('node:test'), assert = require('node:assert');\n\
         test('pads', () => assert.equal(require('left')('x'), '....x'));\n",
    );
    let path =
        format!("{}:{}:$PATH", npm.parent().unwrap().display(), node.parent().unwrap().display());
    let ran = works(
        &world,
        &format!(
            "export PATH={path}; cd app; npm install --offline --no-audit --no-fund --silent ../left; \
             npm run --silent left; npm test --silent; ls node_modules"
        ),
    );
    assert!(ran.out.starts_with("..cli\n") && ran.out.contains("pass 1"), "{ran}");
    assert!(ran.out.ends_with("left\n"), "{ran}");
}

#[test]
fn node_runs_a_script_with_workers_and_children() {
    let Some(node) = tools::which("node") else {
        tools::have(&["node"]);
        return;
    };
    let folder = node.canonicalize().unwrap();
    let folder = folder.ancestors().nth(2).unwrap().display().to_string();
    let policy = match folder.starts_with("/usr") {
        true => String::new(),
        false => format!("filesystem: {{read: [{folder:?}]}}"),
    };
    let Some(world) = World::new(&policy) else { return };
    world.write(
        "work/main.mjs",
        "import { Worker, isMainThread, parentPort } from 'node:worker_threads';\n\
         import { execFileSync } from 'node:child_process';\n\
         import { createServer } from 'node:http';\n\
         import { readFile, writeFile } from 'node:fs/promises';\n\
         if (!isMainThread) { parentPort.postMessage('worker'); process.exit(0); }\n\
         const worker = new Worker(new URL(import.meta.url));\n\
         console.log(await new Promise(done => worker.on('message', done)));\n\
         console.log(execFileSync('echo', ['child']).toString().trim());\n\
         await writeFile('out', 'file'); console.log((await readFile('out')).toString());\n\
         const server = createServer((_, r) => r.end('http')).listen(0, '127.0.0.1', async () => {\n\
         \x20 const r = await fetch(`http://127.0.0.1:${server.address().port}`);\n\
         \x20 console.log(await r.text()); server.close(); });\n",
    );
    let ran = works(&world, &format!("{} main.mjs", node.display()));
    assert_eq!(ran.out, "worker\nchild\nfile\nhttp\n", "{ran}");
}

#[test]
fn pip_installs_a_wheel_into_an_environment() {
    if !tools::have(&["python3", "pip3"]) {
        return;
    }
    let Some(world) = World::plain() else { return };
    // A wheel is a zip archive with these files.
    let build = "import zipfile\n\
         with zipfile.ZipFile('left-1.0-py3-none-any.whl', 'w') as wheel:\n\
         \x20   info = 'left-1.0.dist-info'\n\
         \x20   wheel.writestr('left.py', 'def pad(s): return s.rjust(5, \".\")\\n')\n\
         \x20   wheel.writestr(f'{info}/METADATA', 'Metadata-Version: 2.1\\nName: left\\nVersion: 1.0\\n')\n\
         \x20   wheel.writestr(f'{info}/WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n\
         \x20   wheel.writestr(f'{info}/RECORD', '')\n";
    world.outside_python(build).good();
    let ran = works(
        &world,
        "python3 -m venv --without-pip env; \
         pip3 --python env/bin/python install -q --no-index --no-deps --disable-pip-version-check ./left-1.0-py3-none-any.whl; \
         env/bin/python -c 'import left, sys; print(left.pad(\"x\"), sys.prefix != sys.base_prefix)'",
    );
    assert_eq!(ran.out, "....x True\n", "{ran}");
}

#[test]
fn cargo_builds_and_tests_a_crate() {
    let Some(cargo) = tools::which("cargo") else {
        // The toolchain that runs this test is somewhere; where, only PATH says.
        tools::have(&["cargo"]);
        return;
    };
    let asked = Command::new(cargo.with_file_name("rustc")).args(["--print", "sysroot"]).output();
    let Some(root) = asked.ok().filter(|ran| ran.status.success()) else {
        tools::skip("cargo_builds_and_tests_a_crate: rustc does not say where it is");
        return;
    };
    let root = String::from_utf8(root.stdout).unwrap().trim().to_owned();
    let Some(world) = World::new(&format!("filesystem: {{read: [{root}]}}")) else { return };
    world.write(
        "work/small/Cargo.toml",
        "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
    );
    world.write(
        "work/small/build.rs",
        "fn main() { println!(\"cargo::rustc-env=FROM=build script\"); }\n",
    );
    world.write(
        "work/small/src/main.rs",
        "fn main() { println!(\"{} {}\", env!(\"FROM\"), std::env::args().count()); }\n\
         #[test] fn one() { std::thread::spawn(|| assert_eq!(1 + 1, 2)).join().unwrap(); }\n",
    );
    let ran = works(
        &world,
        &format!(
            "export PATH={root}/bin:$PATH; cd small; cargo run -q --offline; cargo test -q --offline | grep -c '1 passed'"
        ),
    );
    assert_eq!(ran.out, "build script 1\n1\n", "{ran}");
}

#[test]
fn python_runs_unit_tests() {
    let Some(world) = World::plain() else { return };
    world.write(
        "work/test_it.py",
        "import concurrent.futures, multiprocessing, sqlite3, subprocess, tempfile, unittest\n\
         def square(n): return n * n\n\
         class It(unittest.TestCase):\n\
         \x20   def test_processes(self):\n\
         \x20       with multiprocessing.Pool(2) as pool: self.assertEqual(pool.map(square, [2, 3]), [4, 9])\n\
         \x20   def test_threads(self):\n\
         \x20       with concurrent.futures.ThreadPoolExecutor() as pool:\n\
         \x20           self.assertEqual(list(pool.map(square, [2, 3])), [4, 9])\n\
         \x20   def test_database(self):\n\
         \x20       with tempfile.NamedTemporaryFile() as file:\n\
         \x20           base = sqlite3.connect(file.name)\n\
         \x20           base.execute('create table t (x)'); base.execute('insert into t values (7)'); base.commit()\n\
         \x20           self.assertEqual(base.execute('select x from t').fetchone(), (7,))\n\
         \x20   def test_children(self):\n\
         \x20       self.assertEqual(subprocess.check_output(['echo', 'x'], text=True), 'x\\n')\n",
    );
    let ran = works(&world, "python3 -m unittest -v 2>&1 | tail -n 1");
    assert_eq!(ran.out, "OK\n", "{ran}");
}

#[test]
fn gcc_builds_and_make_runs_in_parallel() {
    if !tools::have(&["gcc", "make"]) {
        return;
    }
    let Some(world) = World::plain() else { return };
    let mut makefile = String::from("all: main\n");
    let mut objects = String::new();
    let mut calls = String::new();
    for n in 0..8 {
        world.write(format!("work/part{n}.c"), &format!("int part{n}(void) {{ return {n}; }}\n"));
        objects.push_str(&format!(" part{n}.o"));
        calls.push_str(&format!(" + part{n}()"));
    }
    let declared: String = (0..8).map(|n| format!("int part{n}(void);\n")).collect();
    world.write(
        "work/main.c",
        &format!(
            "#include <stdio.h>\n{declared}int main(void) {{ printf(\"%d\\n\", 0{calls}); }}\n"
        ),
    );
    makefile.push_str(&format!(
        "main: main.o{objects}\n\tcc -g -o $@ $^\n%.o: %.c\n\tcc -g -O1 -c $<\n"
    ));
    world.write("work/Makefile", &makefile);
    let ran = works(&world, "make -s -j4; ./main; strip main; ./main; cp main copy; ./copy");
    assert_eq!(ran.out, "28\n28\n28\n", "{ran}");
}

#[test]
fn bash_runs_jobs_pipes_and_signals() {
    let Some(world) = World::plain() else { return };
    let ran = works(
        &world,
        "for n in 3 1 2; do (sleep 0.0$n; echo $n) & done | sort; wait; \
         sleep 60 & kill %1; wait %1 || echo killed $?; \
         trap 'echo got it' USR1; kill -USR1 $$; \
         coproc cat; echo through >&${COPROC[1]}; read -r line <&${COPROC[0]}; echo $line; \
         diff <(echo a) <(echo a) && echo same; \
         mkfifo pipe; (echo fifo >pipe &) ; cat pipe; \
         cat <<<here; exec 5<>/dev/null; seq 100000 | tail -n 1 | wc -c; \
         setsid true && nohup true 2>/dev/null; timeout 0.1 sleep 5 || echo timed out; \
         script=$(mktemp); echo 'echo from $0' >$script; chmod +x $script; bash $script | cut -c1-9",
    );
    let expected =
        "1\n2\n3\nkilled 143\ngot it\nthrough\nsame\nfifo\nhere\n7\ntimed out\nfrom /tmp\n";
    assert_eq!(ran.out, expected, "{ran}");
}

#[test]
fn locks_files_and_talks_over_unix_sockets() {
    let Some(world) = World::plain() else { return };
    world.write(
        "work/main.py",
        "import array, fcntl, mmap, multiprocessing.shared_memory, os, socket, struct\n\
         one, two = open('lock', 'w'), open('lock', 'w')\n\
         fcntl.flock(one, fcntl.LOCK_EX)\n\
         try: fcntl.flock(two, fcntl.LOCK_EX | fcntl.LOCK_NB); print('both')\n\
         except BlockingIOError: print('locked')\n\
         fcntl.lockf(one, fcntl.LOCK_EX)\n\
         server = socket.socket(socket.AF_UNIX); server.bind('sock'); server.listen()\n\
         if os.fork() == 0:\n\
         \x20   client = socket.socket(socket.AF_UNIX); client.connect('sock')\n\
         \x20   read, write = os.pipe(); os.write(write, b'passed')\n\
         \x20   socket.send_fds(client, [b'x'], [read]); os._exit(0)\n\
         peer, _ = server.accept()\n\
         _, (descriptor,), _, _ = socket.recv_fds(peer, 1, 1)\n\
         print(os.read(descriptor, 6).decode()); os.wait()\n\
         pid, uid, _ = struct.unpack('3i', peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))\n\
         print(uid == os.getuid())\n\
         shared = multiprocessing.shared_memory.SharedMemory(create=True, size=4096)\n\
         shared.buf[:2] = b'ok'; print(bytes(shared.buf[:2]).decode()); shared.close(); shared.unlink()\n\
         with open('map', 'w+b') as file:\n\
         \x20   file.truncate(4096); map = mmap.mmap(file.fileno(), 4096); map[:3] = b'map'; map.flush()\n\
         print(open('map', 'rb').read(3).decode())\n",
    );
    let ran = works(&world, "python3 main.py");
    assert_eq!(ran.out, "locked\npassed\nTrue\nok\nmap\n", "{ran}");
}

#[test]
fn makes_and_removes_2000_files() {
    let Some(world) = World::plain() else { return };
    let ran = works(
        &world,
        "mkdir many; for n in $(seq 2000); do echo $n >many/$n; done; ls many | wc -l; \
         cat many/* | tail -n 1 >/dev/null; mv many moved; cp -r moved many; ln moved/1 hard; \
         tar cf all.tar moved; rm -r moved many; tar xf all.tar; find . -type f | wc -l; rm -r moved",
    );
    assert_eq!(ran.out, "2000\n2002\n", "{ran}");
}

#[test]
fn works_in_a_terminal_of_its_own() {
    let Some(world) = World::plain() else { return };
    let program = "import os, pty, sys\n\
         pid, controller = pty.fork()\n\
         if pid == 0: os.execvp('/bin/sh', ['sh', '-c', 'test -t 0 && stty size >/dev/null && tty'])\n\
         text = b''\n\
         try:\n\
         \x20   while True: text += os.read(controller, 100)\n\
         except OSError: pass\n\
         print(text.decode().strip())\n";
    let ran = world.inside_python(program);
    assert!(ran.good().starts_with("/dev/pts/"), "{ran}");
}

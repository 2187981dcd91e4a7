//! What a sandbox adds to the host's disk.

use crate::world::World;

const POLICY: &str = "process: {limits: {disk: 8MiB}}";

/// `grow.py FOLDER SECONDS`: writes 100 files of 1 MiB, that far apart, to the disk itself.
const GROW: &str = r#"
import os, sys, time
for n in range(100):
    with open(f"{sys.argv[1]}/{n}", "wb") as file:
        file.write(b"x" * (1 << 20))
        file.flush()
        os.fsync(file.fileno())
    time.sleep(float(sys.argv[2]))
print("WROTE")
"#;

fn grows(policy: &str) {
    let Some(world) = World::new(policy) else { return };
    world.write("work/grow.py", GROW);
    std::fs::create_dir(world.at("work/out")).unwrap();
    std::fs::create_dir(world.at("elsewhere")).unwrap();
    let elsewhere = world.at("elsewhere").display().to_string();
    let outside = world.outside(&["/usr/bin/python3", "grow.py", &elsewhere, "0"]);
    assert_eq!(outside.good(), "WROTE");
    let inside = world.inside(&["/usr/bin/python3", "grow.py", "out", "0.2"]);
    assert!(!inside.out.contains("WROTE"), "{inside}");
    world.assert_ended_by(&inside, "disk");
}

#[test]
fn grows_the_workspace_without_end() {
    grows(POLICY);
}

#[test]
fn grows_the_overlay_of_the_workspace_without_end() {
    grows(&format!("filesystem: {{workspace: {{access: overlay}}}}\n{POLICY}"));
}

/// Files that were unlinked, or never had a name, take room as long as they are open.
#[test]
fn keeps_files_without_a_name() {
    for (name, policy) in [
        ("rw", POLICY.to_owned()),
        ("overlay", format!("filesystem: {{workspace: {{access: overlay}}}}\n{POLICY}")),
    ] {
        for open in ["os.O_CREAT | os.O_EXCL", "os.O_TMPFILE"] {
            let Some(world) = World::new(&policy) else { return };
            let program = format!(
                "import os, time\n\
                 for _ in range(100):\n\
                 \x20   unnamed = {open} == os.O_TMPFILE\n\
                 \x20   file = os.open('.' if unnamed else 'x', os.O_RDWR | {open}, 0o600)\n\
                 \x20   if not unnamed: os.unlink('x')\n\
                 \x20   os.write(file, b'x' * (1 << 20))\n\
                 \x20   os.fsync(file)\n\
                 \x20   time.sleep(0.2)\n\
                 print('WROTE')\n"
            );
            let inside = world.inside_python(&program);
            assert!(!inside.out.contains("WROTE"), "{name} {open}: {inside}");
            world.assert_ended_by(&inside, "disk");
            let outside = world.outside_python(&program.replace("0.2", "0"));
            assert_eq!(outside.good(), "WROTE");
        }
    }
}

/// Nobody but root can count what is in a folder without rights.
#[test]
fn closes_the_folder_that_it_fills() {
    let program = "import os, time\n\
         os.mkdir('shut')\n\
         at = os.open('shut', os.O_RDONLY)\n\
         os.chmod('shut', 0o300)\n\
         for n in range(150):\n\
         \x20   file = os.open(str(n), os.O_CREAT | os.O_RDWR, 0o600, dir_fd=at)\n\
         \x20   os.write(file, b'x' * (1 << 20))\n\
         \x20   os.fsync(file)\n\
         \x20   os.close(file)\n\
         \x20   time.sleep(0.2)\n\
         print('WROTE')\n";
    let Some(world) = World::new(POLICY) else { return };
    let inside = world.inside_python(program);
    assert!(!inside.out.contains("WROTE"), "{inside}");
    world.assert_ended_by(&inside, "disk");
}

/// What was there before is not the agent's, and what it removes makes room.
#[test]
fn a_full_workspace_may_be_worked_in() {
    let Some(world) = World::new(POLICY) else { return };
    for name in ["a", "b"] {
        std::fs::write(world.at("work").join(name), vec![1; 12 << 20]).unwrap();
    }
    let script = "rm a; for i in 1 2 3 4; do head -c 3M /dev/zero > $i; sync; sleep 0.7; done; \
                  rm 1 2; head -c 6M /dev/zero > 5; sync; sleep 2; echo done";
    assert_eq!(world.inside_sh(script).good(), "done");
    world.verify();
}

/// One file is held by the kernel, at the very byte.
#[test]
fn writes_one_file_without_end() {
    let Some(world) = World::new(POLICY) else { return };
    let program = "import os, signal\n\
         signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n\
         taken = 0\n\
         with open('big', 'wb', buffering=0) as file:\n\
         \x20   try:\n\
         \x20       while taken < 64 << 20: taken += file.write(b'x' * (1 << 20))\n\
         \x20   except OSError as error: print(error.strerror)\n\
         \x20   try: os.truncate('big', 1 << 30)\n\
         \x20   except OSError as error: print(error.strerror)\n\
         os.unlink('big')\n\
         print(taken)\n";
    assert_eq!(world.outside_python(program).good(), (64 << 20).to_string());
    let inside = world.inside_python(program);
    assert_eq!(inside.good(), "File too large\nFile too large\n8388608", "{inside}");
    world.verify();
}

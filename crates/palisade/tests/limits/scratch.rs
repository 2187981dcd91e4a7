//! The private folders in memory.

use crate::world::World;

const POLICY: &str = "process: {limits: {scratch: 16MiB}}";

#[test]
fn fills_a_scratch_folder() {
    let Some(world) = World::new(POLICY) else { return };
    let program = "import os, sys\n\
         taken = 0\n\
         try:\n\
         \x20   with open(sys.argv[1] + '/bomb', 'wb', buffering=0) as file:\n\
         \x20       while taken < 64 << 20: taken += file.write(b'x' * (1 << 20))\n\
         except OSError as error: print(error.strerror)\n\
         print(taken >> 20)\n\
         os.unlink(sys.argv[1] + '/bomb')\n";
    std::fs::create_dir(world.at("elsewhere")).unwrap();
    let outside = world.at("elsewhere").display().to_string();
    let outside = world.outside(&["/usr/bin/python3", "-c", program, &outside]);
    assert_eq!(outside.good(), "64");
    for folder in ["/tmp", "/dev/shm", "/var/tmp"] {
        let inside = world.inside_python_with(program, &[folder]);
        let lines: Vec<&str> = inside.good().lines().collect();
        assert_eq!(lines[0], "No space left on device", "{inside}");
        assert!((8..=16).contains(&lines[1].parse::<u64>().unwrap()), "{inside}");
    }
    world.verify();
}

/// They have one size together: what is in one is missing in the others.
#[test]
fn fills_each_scratch_folder_in_turn() {
    let Some(world) = World::new(POLICY) else { return };
    let script = "for folder in /tmp /var/tmp /dev/shm \"$HOME\"; do \
                  head -c 12M /dev/zero > $folder/bomb 2>/dev/null; done; \
                  cat /tmp/bomb /var/tmp/bomb /dev/shm/bomb \"$HOME\"/bomb | wc -c";
    let had: u64 = world.inside_sh(script).good().parse().unwrap();
    assert!(had <= 16 << 20, "{had}");
}

#[test]
fn makes_files_without_end() {
    let Some(world) = World::new(POLICY) else { return };
    let program = "import os, sys\n\
         made = 0\n\
         os.mkdir(sys.argv[1] + '/many')\n\
         try:\n\
         \x20   for n in range(20000):\n\
         \x20       os.close(os.open(f'{sys.argv[1]}/many/{n}', os.O_CREAT | os.O_WRONLY)); made += 1\n\
         except OSError as error: print(error.strerror)\n\
         print(made)\n";
    std::fs::create_dir(world.at("elsewhere")).unwrap();
    let outside = world.at("elsewhere").display().to_string();
    assert_eq!(world.outside(&["/usr/bin/python3", "-c", program, &outside]).good(), "20000");
    let inside = world.inside_python_with(program, &["/tmp"]);
    let lines: Vec<&str> = inside.good().lines().collect();
    assert_eq!(lines[0], "No space left on device", "{inside}");
    assert!((1000..=4096).contains(&lines[1].parse::<u64>().unwrap()), "{inside}");
}

/// What is written beside the content of a file is counted as well, and so is a file that is all holes
/// as soon as something is in it.
#[test]
fn fills_what_is_beside_the_content_of_files() {
    let Some(world) = World::new(POLICY) else { return };
    let program = "import os, sys\n\
         taken, folder = 0, sys.argv[1]\n\
         try:\n\
         \x20   for n in range(600):\n\
         \x20       os.close(os.open(f'{folder}/beside{n}', os.O_CREAT | os.O_WRONLY))\n\
         \x20       os.setxattr(f'{folder}/beside{n}', 'user.bomb', b'x' * 65000); taken += 65000\n\
         except OSError as error: print(error.strerror)\n\
         print(taken >> 20)\n";
    let inside = world.inside_python_with(program, &["/tmp"]);
    let lines: Vec<&str> = inside.good().lines().collect();
    let refused = ["No space left on device", "Operation not supported"];
    assert!(refused.contains(&lines[0]), "{inside}");
    assert!(lines[1].parse::<u64>().unwrap() <= 16, "{inside}");
    let holes = "import os\n\
         file = os.open('/tmp/holes', os.O_CREAT | os.O_RDWR)\n\
         os.truncate(file, 1 << 40)\n\
         taken = 0\n\
         try:\n\
         \x20   for n in range(8192): taken += os.pwrite(file, b'x' * 4096, n << 24)\n\
         except OSError as error: print(error.strerror)\n\
         print(taken >> 20)\n";
    let inside = world.inside_python(holes);
    let lines: Vec<&str> = inside.good().lines().collect();
    assert_eq!(lines[0], "No space left on device", "{inside}");
    assert!(lines[1].parse::<u64>().unwrap() <= 16, "{inside}");
    // Unconfined there is more of either, in memory too.
    let outside = world.at("elsewhere");
    std::fs::create_dir(&outside).unwrap();
    let larger = holes.replace("/tmp", &outside.display().to_string());
    assert_eq!(world.outside_python(&larger).good(), "32");
}

use std::{fs, process::Stdio, thread, time::Duration};

use rustix::{
    process::{Pid, Signal, kill_process},
    rand::{GetRandomFlags, getrandom},
};

use super::place::{Place, until};

fn random(below: u64) -> u64 {
    let mut bytes = [0; 8];
    getrandom(&mut bytes, GetRandomFlags::empty()).unwrap();
    u64::from_ne_bytes(bytes) % below
}

/// Killed at random moments, again and again, an apply ends as if it had never been disturbed.
#[test]
fn apply_killed_at_random_moments_is_completed_by_the_next() {
    let place = Place::with(&[]);
    for number in 0..400 {
        fs::create_dir_all(place.work(&format!("d{}", number % 20))).unwrap();
        fs::write(place.work(&format!("d{}/f{number}", number % 20)), "old").unwrap();
    }
    place.python(
        "import os, shutil
for n in range(400):
    d = n % 20
    if d < 5: os.unlink(f'd{d}/f{n}')
    elif d < 10: open(f'd{d}/f{n}', 'w').write('new' * 1000)
    elif d < 12: os.unlink(f'd{d}/f{n}'); os.symlink('f', f'd{d}/f{n}')
    elif d < 14: os.unlink(f'd{d}/f{n}'); os.mkdir(f'd{d}/f{n}'); open(f'd{d}/f{n}/x', 'w').write('x')
for d in range(14, 20): shutil.rmtree(f'd{d}')
for d in range(14, 17): os.mkdir(f'd{d}'); open(f'd{d}/only', 'w').write('y')
os.mkdir('closed'); open('closed/x', 'w').close(); os.chmod('closed', 0o555)
",
    );
    let (mut killed, mut runs) = (0, 0);
    let mut longest = 30;
    loop {
        let mut child = place
            .command()
            .args(["workspace", "apply", "--yes"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_micros(random(longest * 1000)));
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        runs += 1;
        // A machine under load gets to nothing in little time.
        longest = (longest + 5).min(3000);
        let said = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => break,
            // Killed when all was done, and the overlay gone.
            Some(2) if said.contains("there is no overlay") => break,
            Some(code) => panic!("run {runs}: exit {code}: {said}"),
            None => killed += 1,
        }
        assert!(runs < 2000);
    }
    println!("killed {killed} times");
    for number in 0..400 {
        let d = number % 20;
        let path = place.work(&format!("d{d}/f{number}"));
        match d {
            0..5 | 14.. => assert!(path.symlink_metadata().is_err()),
            5..10 => assert_eq!(fs::read_to_string(&path).unwrap(), "new".repeat(1000)),
            10..12 => assert_eq!(fs::read_link(&path).unwrap().to_str(), Some("f")),
            _ => assert_eq!(fs::read_to_string(path.join("x")).unwrap(), "x"),
        }
    }
    assert_eq!(place.read("d14/only"), "y");
    assert!(!place.work("d17").exists());
    let left = std::process::Command::new("find")
        .arg(place.work(""))
        .args(["-name", ".palisade-*"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&left.stdout), "");
    // Either it saw its own end and removed the overlay, or there is nothing more to take.
    let last = place.workspace(&["apply", "--yes"]);
    assert!(last.exit == 0 || last.stderr.contains("there is no overlay"), "{last}");
    assert_eq!(fs::read_dir(place.path("state/workspaces")).unwrap().count(), 0);
    let recovered = crate::ran::run(place.command().args(["audit", "recover"]));
    assert_eq!(recovered.exit, 0, "{recovered}");
    place.journal_is_whole();
}

/// The supervisor is killed: the changes are there, and nobody holds them.
#[test]
fn a_killed_supervisor_leaves_its_overlay() {
    let place = Place::with(&[("a", "1")]);
    let mut child = place
        .inside(&["sh", "-c", "echo 2 > a; echo ready; exec sleep 600"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = [0; 6];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
    assert_eq!(&line, b"ready\n");
    let listed = place.workspace(&["list", "--json"]);
    assert!(listed.stdout.contains(r#""state":"running""#), "{listed}");
    for args in [vec!["diff"], vec!["apply", "--yes"], vec!["discard", "--yes"]] {
        let refused = place.workspace(&args);
        assert_eq!(refused.exit, 1, "{refused}");
        assert!(refused.stderr.contains("its sandbox runs"), "{refused}");
    }
    until("the host's state is recorded", || place.upper().join("../../baseline").exists());
    kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
    child.wait().unwrap();
    until("the overlay is free", || {
        place.workspace(&["list", "--json"]).stdout.contains(r#""state":"ended""#)
    });
    place.apply();
    assert_eq!(place.read("a"), "2\n");
    place.journal_is_whole();
}

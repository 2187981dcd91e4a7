//! What others do with as many records, in the same run.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{Outcome, argument, children, each, rate};

pub(crate) fn all(folder: &Path, records: u64) -> Outcome {
    journald(folder, records)?;
    auditd(folder, records)
}

/// What the variable names, or the first of these that is there.
fn program(variable: &str, places: &[&str]) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from);
    named.into_iter().chain(places.iter().map(PathBuf::from)).find(|path| path.exists())
}

fn said(name: &str, records: u64, took: Duration, used: Duration, more: &str) {
    println!(
        "{name:44} {:9.0} records/s, {:.2} us of processors' time a record{more}",
        rate(records, took),
        each(records, used)
    );
}

/// `systemd-journal-remote` writes what `journalctl --verify` verifies.
fn journald(folder: &Path, records: u64) -> Outcome {
    let places = ["/lib/systemd/systemd-journal-remote", "/usr/lib/systemd/systemd-journal-remote"];
    let Some(program) = program("JOURNAL_REMOTE", &places) else {
        println!(
            "systemd-journal-remote: not installed, so there is nothing for journalctl --verify"
        );
        return Ok(());
    };
    let mut text = String::new();
    for number in 0..records {
        let at = 1_700_000_000_000_000 + number;
        text.push_str(&format!(
            "__REALTIME_TIMESTAMP={at}\n__MONOTONIC_TIMESTAMP={number}\n_BOOT_ID=0123456789abcdef0123456789abcdef\n\
             MESSAGE={number}.example:443 allow network.rules[3]\nPRIORITY=6\n\n"
        ));
    }
    let (input, output) = (folder.join("peer.export"), folder.join("peer.journal"));
    fs::write(&input, text)?;
    let (used, start) = (children(), Instant::now());
    let ran = Command::new(program).arg("-o").arg(&output).arg(&input).output()?;
    if !ran.status.success() {
        println!("systemd-journal-remote: {}", String::from_utf8_lossy(&ran.stderr).trim());
        return Ok(());
    }
    let (took, used) = (start.elapsed(), children().saturating_sub(used));
    said("systemd-journal-remote, append", records, took, used, "");
    let (used, start) = (children(), Instant::now());
    let mut file = std::ffi::OsString::from("--file=");
    file.push(&output);
    let ran = Command::new("journalctl").arg("--verify").arg(file).output()?;
    let verdict = if ran.status.success() { "" } else { " (it failed)" };
    let (took, used) = (start.elapsed(), children().saturating_sub(used));
    said("journalctl --verify", records, took, used, verdict);
    fs::remove_file(input)?;
    fs::remove_file(output)?;
    Ok(())
}

/// What the process is told that is alone with an auditd.
pub(crate) const AUDITD: &str = "--auditd-alone";
/// Where it listens, in a network of its own.
const PORT: u16 = 60606;

/// auditd has no tool that verifies; it is measured at what it writes. It takes events from the network and none of the kernel's,
/// so that the machine's own auditing goes on as it was; and it is in namespaces of its own, for it leaves files in `/run`.
fn auditd(folder: &Path, records: u64) -> Outcome {
    let Some(program) = program("AUDITD", &["/sbin/auditd", "/usr/sbin/auditd"]) else {
        println!("auditd: not installed");
        return Ok(());
    };
    let folder = folder.join("peer-auditd");
    fs::create_dir_all(folder.join("plugins"))?;
    let script = "ip link set lo up && mount -t tmpfs none /run && exec \"$@\"";
    let ran = Command::new("unshare")
        .args(["--map-root-user", "--mount", "--net", "sh", "-c", script, "sh"])
        .arg(std::env::current_exe()?)
        .arg(AUDITD)
        .arg(&folder)
        .args(["--records", &records.to_string()])
        .env("AUDITD", program)
        .output()?;
    print!("{}", String::from_utf8_lossy(&ran.stdout));
    if !ran.status.success() {
        println!("auditd: {}", String::from_utf8_lossy(&ran.stderr).trim());
    }
    fs::remove_dir_all(folder)?;
    Ok(())
}

/// Events for an auditd over loopback, in the form of `audisp-remote`: each is answered when auditd has taken it.
pub(crate) fn auditd_alone(folder: &Path) -> Outcome {
    let records: u64 = argument("--records").map_or(Ok(200_000), |text| text.parse())?;
    let program = std::env::var_os("AUDITD").ok_or("no AUDITD")?;
    let (log, plugins) = (folder.join("audit.log"), folder.join("plugins"));
    let settings = format!(
        "local_events = no\npriority_boost = 0\nwrite_logs = yes\nlog_file = {}\nlog_group = root\nlog_format = RAW\n\
         flush = INCREMENTAL_ASYNC\nfreq = 50\nmax_log_file = 9999\nnum_logs = 2\nmax_log_file_action = IGNORE\n\
         space_left = 75\nspace_left_action = IGNORE\nadmin_space_left = 50\nadmin_space_left_action = IGNORE\n\
         disk_full_action = IGNORE\ndisk_error_action = IGNORE\nuse_libwrap = no\ntcp_listen_port = {PORT}\n\
         transport = TCP\nplugin_dir = {}\n",
        log.display(),
        plugins.display()
    );
    fs::write(folder.join("auditd.conf"), settings)?;
    private(folder)?;
    private(&folder.join("auditd.conf"))?;
    let mut daemon = Command::new(program)
        .args(["-n", "-c"])
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let until = Instant::now() + Duration::from_secs(5);
    let mut stream = loop {
        match TcpStream::connect(("127.0.0.1", PORT)) {
            Ok(stream) => break stream,
            Err(error) if Instant::now() > until => {
                daemon.kill()?;
                return Err(format!("it does not listen: {error}").into());
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let mut answers = stream.try_clone()?;
    let (used, start) = (children(), Instant::now());
    let reader = std::thread::spawn(move || -> std::io::Result<()> {
        let mut answer = [0; 16];
        (0..records).try_for_each(|_| answers.read_exact(&mut answer))
    });
    for number in 0..records {
        let text = format!(
            "type=USER_CMD msg=audit(1700000000.{:03}:{number}): pid=1 uid=0 op=connect addr={number}.example:443 \
             rule=network.rules[3] reason=\"a rule permits it\" exe=\"/usr/bin/curl\" res=success",
            number % 1000
        );
        let length = u16::try_from(text.len())?;
        let mut message = 0xff00_00fe_u32.to_le_bytes().to_vec();
        message.extend([0; 6]);
        message.extend(length.to_le_bytes());
        message.extend(u32::try_from(number + 1)?.to_le_bytes());
        message.extend(text.as_bytes());
        stream.write_all(&message)?;
    }
    reader.join().map_err(|_| "the reader ended")??;
    let took = start.elapsed();
    Command::new("kill").arg(daemon.id().to_string()).status()?;
    daemon.wait()?;
    let used = children().saturating_sub(used);
    let lines = fs::read_to_string(&log)?.matches("op=connect").count();
    let more = format!(" ({lines} in its log, which nothing can verify)");
    said("auditd, append", records, took, used, &more);
    Ok(())
}

fn private(path: &Path) -> Outcome {
    use std::os::unix::fs::PermissionsExt;
    let mode = if path.is_dir() { 0o700 } else { 0o600 };
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

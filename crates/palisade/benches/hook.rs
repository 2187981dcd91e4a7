//! What `palisade hook` costs as a whole process, without a sandbox, beside `/bin/true` and beside hooks in
//! shell that do the same.
//!
//! ```text
//! cargo bench -p palisade --bench hook -- [--rounds 300]
//! ```

#![allow(clippy::print_stdout, reason = "a bench tells")]

use std::{
    error::Error,
    fs,
    io::Write,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const TOLD: &str = r#"{"session_id":"s","transcript_path":"/x","cwd":"/work","permission_mode":"default","hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"cargo test"},"tool_use_id":"toolu_1"}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let rounds = std::env::args().skip_while(|word| word != "--rounds").nth(1);
    let rounds: usize = rounds.map_or(Ok(300), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let home = folder.path();
    fs::write(home.join("plain.yaml"), "palisade: 1\nextends: [shell]\n")?;
    let hooks = "palisade: 1\nextends: [shell]\nhooks: {PreToolUse: [{hooks: [{type: command, command: /bin/true, args: []}]}]}\n";
    fs::write(home.join("hooks.yaml"), hooks)?;
    let palisade = |policy: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_palisade"));
        command.args(["hook", "--agent", "claude-code", "--policy"]).arg(home.join(policy));
        command
    };
    let shell = |line: &str| {
        let mut command = Command::new("/bin/bash");
        command.args(["-c", line]);
        command
    };
    let jq = "command=$(jq -r .tool_input.command); [[ $command == *curl* ]] && exit 2; exit 0";
    let mut all: Vec<(&str, Command)> = vec![
        ("/bin/true", Command::new("/bin/true")),
        ("bash and jq", shell(jq)),
        ("palisade --version", {
            let mut command = Command::new(env!("CARGO_BIN_EXE_palisade"));
            command.arg("--version");
            command
        }),
        ("palisade hook", palisade("plain.yaml")),
        ("palisade hook, one hook", palisade("hooks.yaml")),
    ];
    let mut times = vec![Vec::new(); all.len()];
    // By turns, so that whatever else the machine does is in all.
    for round in 0..rounds + 3 {
        for ((_, command), times) in all.iter_mut().zip(&mut times) {
            let took = once(command, home)?;
            if round >= 3 {
                times.push(took);
            }
        }
    }
    println!("{:26} {:>8} {:>8} {:>8}", "", "p50 ms", "p99 ms", "of true");
    let median = |times: &[Duration]| times.get(times.len() / 2).copied().unwrap_or_default();
    times.iter_mut().for_each(|times| times.sort());
    let least = times.first().map(|times| median(times)).unwrap_or_default();
    for ((name, _), times) in all.iter().zip(&times) {
        let (p50, p99) =
            (median(times), times.get(times.len() * 99 / 100).copied().unwrap_or_default());
        let of_true = p50.as_secs_f64() / least.as_secs_f64();
        println!(
            "{name:26} {:8.2} {:8.2} {of_true:8.2}",
            p50.as_secs_f64() * 1e3,
            p99.as_secs_f64() * 1e3
        );
    }
    Ok(())
}

fn once(command: &mut Command, home: &std::path::Path) -> Result<Duration, Box<dyn Error>> {
    command
        .env("HOME", home)
        .env("PALISADE_STATE", home.join("state"))
        .env("PALISADE_CONFIG", home.join("config"))
        .current_dir(home)
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    let begun = Instant::now();
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // `true` does not read it.
        stdin.write_all(TOLD.as_bytes()).unwrap_or_default();
    }
    let status = child.wait()?;
    let took = begun.elapsed();
    if status.success() { Ok(took) } else { Err(format!("{command:?}: {status}").into()) }
}

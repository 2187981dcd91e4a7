use std::fs;

use serde_json::{Value, json};

use super::Outcome;

/// What it is measured on: no name, no address.
pub(crate) fn machine() -> Outcome<Value> {
    let processors = fs::read_to_string("/proc/cpuinfo")?;
    let model =
        processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let memory = fs::read_to_string("/proc/meminfo")?;
    let memory = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg")?;
    Ok(json!({
        "processor": model.map_or("unknown", |(_, name)| name),
        "cores": std::thread::available_parallelism()?,
        "memory": memory.trim(),
        "kernel": fs::read_to_string("/proc/sys/kernel/osrelease")?.trim(),
        "load": load.split(' ').next(),
    }))
}

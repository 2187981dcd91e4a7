use std::{fs, sync::OnceLock};

/// This machine, as exported events name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name, of printable ASCII without blanks; `-` if it has none.
    pub name: String,
}

impl Host {
    /// This machine.
    pub fn this() -> &'static Self {
        static THIS: OnceLock<Host> = OnceLock::new();
        THIS.get_or_init(|| {
            let read = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
            Self::named(read.trim_end())
        })
    }

    /// One of this name.
    pub fn named(name: &str) -> Self {
        let plain = |c: &char| c.is_ascii_graphic();
        let name: String = name.chars().filter(plain).take(255).collect();
        Self { name: if name.is_empty() { "-".to_owned() } else { name } }
    }
}

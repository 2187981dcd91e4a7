use base64::{Engine, engine::general_purpose::STANDARD};
use palisade_core::HostName;
use ring::hmac;

/// The most of a file that is read.
const LONGEST: usize = 4 * 1024 * 1024;

/// The operator's `known_hosts` (`sshd(8)`), as far as it names hosts by their whole names.
#[derive(Debug, Default)]
pub struct KnownHosts {
    entries: Vec<Entry>,
    /// Keys that no host has any more.
    revoked: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct Entry {
    names: Names,
    key: Vec<u8>,
}

#[derive(Debug)]
enum Names {
    Plain(Vec<String>),
    Hashed { salt: Vec<u8>, hash: Vec<u8> },
}

/// A host and the keys by which it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKeys {
    /// The host.
    pub host: HostName,
    /// Public keys in their binary form.
    pub keys: Vec<Vec<u8>>,
}

impl KnownHosts {
    /// Add the lines of a file. What is no line of one is left out, and so are patterns and
    /// certificate authorities. A key that a line revokes is no host's, whatever others say.
    pub fn add(&mut self, text: &str) {
        let text = text.get(..LONGEST).unwrap_or(text);
        self.entries.extend(text.lines().filter_map(entry));
        let revoked = text.lines().filter_map(|line| line.trim_start().strip_prefix("@revoked"));
        self.revoked.extend(revoked.filter_map(entry).map(|entry| entry.key));
    }

    /// The keys of this host, at its usual port and at these.
    pub fn of(&self, host: &HostName, ports: &[u16]) -> HostKeys {
        let bare = host.as_str().to_owned();
        let at_ports = ports.iter().map(|port| format!("[{host}]:{port}"));
        let names: Vec<String> = std::iter::once(bare).chain(at_ports).collect();
        let mut keys: Vec<Vec<u8>> = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.is_of(&names)) {
            if !keys.contains(&entry.key) && !self.revoked.contains(&entry.key) {
                keys.push(entry.key.clone());
            }
        }
        HostKeys { host: host.clone(), keys }
    }
}

impl HostKeys {
    /// Lines of a `known_hosts` for inside: this host at its usual port and at these.
    pub fn lines(&self, ports: &[u16]) -> String {
        let mut text = String::new();
        let at_ports = ports.iter().map(|port| format!(",[{}]:{port}", self.host));
        let names: String = std::iter::once(self.host.to_string()).chain(at_ports).collect();
        for key in &self.keys {
            let mut reader = crate::wire::Reader(key);
            let kind = String::from_utf8_lossy(reader.string().unwrap_or_default()).into_owned();
            text.push_str(&format!("{names} {kind} {}\n", STANDARD.encode(key)));
        }
        text
    }
}

impl Entry {
    fn is_of(&self, names: &[String]) -> bool {
        match &self.names {
            Names::Plain(plain) => {
                let denied =
                    |name: &String| plain.iter().any(|it| it.strip_prefix('!') == Some(name));
                names.iter().any(|name| plain.contains(name)) && !names.iter().any(denied)
            }
            Names::Hashed { salt, hash } => {
                let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
                names.iter().any(|name| hmac::verify(&key, name.as_bytes(), hash).is_ok())
            }
        }
    }
}

fn entry(line: &str) -> Option<Entry> {
    let mut fields = line.split_ascii_whitespace();
    let (names, kind, key) = (fields.next()?, fields.next()?, fields.next()?);
    if names.starts_with(['#', '@']) {
        return None;
    }
    let key = STANDARD.decode(key).ok()?;
    if crate::wire::Reader(&key).string()? != kind.as_bytes() {
        return None;
    }
    let names = match names.strip_prefix("|1|") {
        Some(hashed) => {
            let (salt, hash) = hashed.split_once('|')?;
            Names::Hashed { salt: STANDARD.decode(salt).ok()?, hash: STANDARD.decode(hash).ok()? }
        }
        None => Names::Plain(names.split(',').map(str::to_ascii_lowercase).collect()),
    };
    Some(Entry { names, key })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // Made by ssh-keygen, and hashed by ssh-keygen -H.
    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

    fn of(text: &str, host: &str, ports: &[u16]) -> usize {
        let mut known = KnownHosts::default();
        known.add(text);
        known.of(&host.parse().unwrap(), ports).keys.len()
    }

    #[test]
    fn names_are_compared_whole() {
        let line = |names: &str| format!("{names} ssh-ed25519 {KEY} a comment\n");
        assert_eq!(of(&line("github.com,1.2.3.4"), "github.com", &[]), 1);
        assert_eq!(of(&line("GitHub.com"), "github.com", &[]), 1);
        assert_eq!(of(&line("[github.com]:2222"), "github.com", &[2222]), 1);
        assert_eq!(of(&line("[github.com]:2222"), "github.com", &[]), 0);
        assert_eq!(of(&(line("a.b") + &line("a.b")), "a.b", &[]), 1);
        for bad in ["*.com", "*", "evil-github.com", "github.com.evil.com", "@revoked github.com"] {
            assert_eq!(of(&line(bad), "github.com", &[]), 0, "{bad}");
        }
        assert_eq!(of(&line("!github.com,github.com"), "github.com", &[]), 0);
        assert_eq!(of(&(line("github.com") + &line("@revoked *")), "github.com", &[]), 0);
        assert_eq!(of(&format!("github.com ssh-rsa {KEY}\n"), "github.com", &[]), 0);
        assert_eq!(of(&format!("# github.com ssh-ed25519 {KEY}"), "github.com", &[]), 0);
    }

    #[test]
    fn hashed_names_are_found() {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"salt");
        let hash = STANDARD.encode(hmac::sign(&key, b"github.com").as_ref());
        let line = format!("|1|{}|{hash} ssh-ed25519 {KEY}\n", STANDARD.encode(b"salt"));
        assert_eq!(of(&line, "github.com", &[]), 1);
        assert_eq!(of(&line, "gitlab.com", &[]), 0);
    }

    #[test]
    fn what_is_written_for_inside_is_read_again() {
        let mut known = KnownHosts::default();
        known.add(&format!("a.b ssh-ed25519 {KEY}\n"));
        let keys = known.of(&"a.b".parse().unwrap(), &[]);
        let lines = keys.lines(&[2222]);
        assert_eq!(lines, format!("a.b,[a.b]:2222 ssh-ed25519 {KEY}\n"));
        assert_eq!(of(&lines, "a.b", &[]), 1);
    }

    proptest! {
        #[test]
        fn nonsense_names_nobody(text in ".{0,200}") {
            prop_assert_eq!(of(&text, "github.com", &[22]), 0);
        }
    }
}

//! Messages to the ssh agent and lines of `known_hosts`: nothing binds that no server signed, and nothing is a login without it.

use palisade_ssh::{Fingerprint, KnownHosts, fuzz};

use crate::input::text;

pub(crate) fn target(data: &[u8]) {
    assert!(!fuzz::binds(data), "a session that no server signed");
    let _login = fuzz::is_login(data);
    let text = text(data);
    let mut known = KnownHosts::default();
    known.add(&text);
    let Ok(host) = "github.com".parse() else { return };
    let lines = known.of(&host, &[22, 2222]).lines(&[2222]);
    let mut again = KnownHosts::default();
    again.add(&lines);
    let read = again.of(&host, &[22, 2222]).lines(&[2222]);
    assert_eq!(read, lines, "what is written is read as something else");
    if let Ok(print) = text.parse::<Fingerprint>() {
        assert!(print.to_string().parse::<Fingerprint>().is_ok_and(|again| again == print));
    }
}

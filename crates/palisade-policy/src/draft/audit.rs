//! `audit`: where events go besides the journal.

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf, time::Duration};

use palisade_core::HostName;

mod ship;

use super::{Check, shown, url};
use crate::{
    at::{At, Place},
    audit::{
        Export, Otlp, RETAIN_CLASSES, Ship, Syslog, Transport, Webhook, is_loopback,
        is_loopback_host,
    },
    document::{self, Document, OtlpProtocol, Retain, Signal, Switch, UrlOr},
    policy::SecretSource,
};

/// Where the system's journal listens.
const JOURNALD: &str = "/run/systemd/journal/socket";
/// Log audit (RFC 5424, table 1).
const FACILITY: u8 = 13;
/// local7.
const MOST_FACILITY: u8 = 23;

/// What a document says of `audit`.
#[derive(Debug, Clone, Default)]
pub(crate) struct DraftAudit {
    pub(crate) exports: Vec<At<DraftExport>>,
    pub(crate) ship: Option<At<DraftShip>>,
    pub(crate) flush: Option<Duration>,
    /// Seconds by class.
    pub(crate) retain: BTreeMap<String, At<u64>>,
    pub(crate) content: bool,
}

/// A place for sessions whose credential is still a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DraftShip {
    pub(crate) ship: Ship,
    pub(crate) credential: Option<At<String>>,
}

impl DraftShip {
    /// Whether it is the same place, with the same credential.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let name = |of: &Self| of.credential.as_ref().map(|name| name.value.clone());
        self.ship == other.ship && name(self) == name(other)
    }
}

/// A destination whose credential is still a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DraftExport {
    pub(crate) export: Export,
    pub(crate) credential: Option<At<String>>,
}

impl DraftExport {
    /// Whether it is the same place, with the same credential.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let name = |of: &Self| of.credential.as_ref().map(|name| name.value.clone());
        self.export == other.export && name(self) == name(other)
    }
}

pub(super) fn check(check: &mut Check<'_>, document: &Document) -> DraftAudit {
    let Some(section) = &document.audit else { return DraftAudit::default() };
    let audit = &section.value;
    let mut exports = Vec::new();
    let mut add = |place: Place, export: Export, credential: Option<At<String>>| {
        exports.push(At { value: DraftExport { export, credential }, place });
    };
    match audit.ocsf.as_ref().map(|at| (at.place, &at.value)) {
        None | Some((_, Switch::On(false))) => {}
        Some((place, Switch::On(true))) => add(place, Export::Ocsf(None), None),
        Some((place, Switch::At(file))) => {
            let file = path(check, file, place);
            file.into_iter().for_each(|file| add(place, Export::Ocsf(Some(file)), None));
        }
    }
    if let Some(at) = &audit.otlp
        && let Some((export, credential)) = otlp(check, at)
    {
        add(at.place, export, credential);
    }
    if let Some(at) = &audit.syslog
        && let Some(export) = syslog(check, at)
    {
        add(at.place, export, None);
    }
    match audit.journald.as_ref().map(|at| (at.place, &at.value)) {
        None | Some((_, Switch::On(false))) => {}
        Some((place, Switch::On(true))) => add(place, Export::Journald(JOURNALD.into()), None),
        Some((place, Switch::At(socket))) => {
            let socket = path(check, socket, place);
            socket.into_iter().for_each(|socket| add(place, Export::Journald(socket), None));
        }
    }
    if let Some(at) = &audit.webhook {
        let document::Webhook { url, secret, ca } = &at.value;
        let good = is_url(check, url);
        let ca = roots(check, ca.as_ref());
        if good {
            let webhook = Webhook {
                url: url.value.clone(),
                secret: secret.value.clone(),
                // Until the credential is known.
                from: SecretSource::Env(String::new()),
                ca,
            };
            add(at.place, Export::Webhook(webhook), Some(secret.clone()));
        }
    }
    let flush = audit.flush.as_ref().map(|at| at.value.0);
    let retain = audit.retain.as_ref().map(|at| retained(check, at)).unwrap_or_default();
    let content = audit.content.as_ref().is_some_and(|at| at.value);
    let ship = audit.ship.as_ref().and_then(|at| ship::check(check, at));
    DraftAudit { exports, ship, flush, retain, content }
}

/// Seconds by class.
fn retained(check: &mut Check<'_>, at: &At<Retain>) -> BTreeMap<String, At<u64>> {
    let classes = match &at.value {
        Retain::All(span) => {
            let all = At { value: span.0.as_secs(), place: at.place };
            return BTreeMap::from([(RETAIN_CLASSES[0].to_owned(), all)]);
        }
        Retain::Classes(classes) => classes,
    };
    if classes.is_empty() {
        check.wrong(at.place, "`retain` names no class", "name one, or remove it");
    }
    let mut all = BTreeMap::new();
    for (class, span) in classes {
        if RETAIN_CLASSES.contains(&class.as_str()) {
            all.insert(class.clone(), At { value: span.value.0.as_secs(), place: span.place });
        } else {
            let message = format!("there is no class of events `{}`", shown(class));
            let help = format!("write one of {}", RETAIN_CLASSES.join(", "));
            check.wrong(span.place, message, help);
        }
    }
    all
}

/// The credentials that it names.
pub(super) fn credentials(document: &Document) -> Vec<At<String>> {
    let Some(audit) = &document.audit else { return Vec::new() };
    let otlp = match audit.value.otlp.as_ref().map(|at| &at.value) {
        Some(UrlOr::Table(otlp)) => otlp.credential.clone(),
        _ => None,
    };
    let webhook = audit.value.webhook.as_ref().map(|at| at.value.secret.clone());
    let ship = match audit.value.ship.as_ref().map(|at| &at.value) {
        Some(UrlOr::Table(ship)) => ship.credential.clone(),
        _ => None,
    };
    otlp.into_iter().chain(webhook).chain(ship).collect()
}

fn otlp(
    check: &mut Check<'_>,
    at: &At<UrlOr<document::Otlp>>,
) -> Option<(Export, Option<At<String>>)> {
    let only_url;
    let written = match &at.value {
        UrlOr::Table(table) => table,
        UrlOr::Url(url) => {
            only_url = document::Otlp {
                url: At { value: url.clone(), place: at.place },
                protocol: None,
                signals: None,
                credential: None,
                ca: None,
            };
            &only_url
        }
    };
    let document::Otlp { url, protocol, signals, credential, ca } = written;
    let good = is_url(check, url);
    let all = [Signal::Logs, Signal::Traces, Signal::Metrics];
    let wanted: Vec<Signal> = match signals {
        None => all.to_vec(),
        Some(list) => list.value.iter().map(|signal| signal.value).collect(),
    };
    if let Some(list) = signals.as_ref().filter(|list| list.value.is_empty()) {
        check.wrong(
            list.place,
            "`signals` is empty, so nothing is sent",
            "name some, or remove it",
        );
    }
    let grpc = protocol.as_ref().is_some_and(|at| at.value == OtlpProtocol::Grpc);
    let path = url.value.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    if good && grpc && path.is_some_and(|(_, path)| !path.is_empty()) {
        check.wrong(url.place, "gRPC has paths of its own", "remove what stands behind the port");
    }
    let ca = roots(check, ca.as_ref());
    good.then(|| {
        let has = |signal| wanted.contains(&signal);
        let export = Export::Otlp(Otlp {
            url: url.value.trim_end_matches('/').to_owned(),
            grpc,
            logs: has(Signal::Logs),
            traces: has(Signal::Traces),
            metrics: has(Signal::Metrics),
            credential: None,
            ca,
        });
        (export, credential.clone())
    })
}

fn syslog(check: &mut Check<'_>, at: &At<UrlOr<document::Syslog>>) -> Option<Export> {
    let only_url;
    let written = match &at.value {
        UrlOr::Table(table) => table,
        UrlOr::Url(url) => {
            let url = At { value: url.clone(), place: at.place };
            only_url = document::Syslog { url, facility: None, ca: None };
            &only_url
        }
    };
    let document::Syslog { url, facility, ca } = written;
    let ca = roots(check, ca.as_ref());
    let number = facility.as_ref().map_or(Some(FACILITY), |at| {
        u8::try_from(at.value).ok().filter(|number| *number <= MOST_FACILITY)
    });
    if let (None, Some(at)) = (number, facility) {
        let message = format!("there is no facility {}", at.value);
        check.wrong(at.place, message, "write a number from 0 to 23, such as 16 for local0");
    }
    match receiver(&url.value) {
        Ok((transport, host, port)) => {
            let facility = number?;
            Some(Export::Syslog(Syslog { transport, host, port, facility, ca }))
        }
        Err(why) => {
            let message = format!("`{}` is no syslog receiver: {why}", shown(&url.value));
            check.wrong(url.place, message, "write one such as tls://siem.example:6514");
            None
        }
    }
}

fn receiver(text: &str) -> Result<(Transport, String, u16), &'static str> {
    let (scheme, rest) =
        text.split_once("://").ok_or("it begins with neither tls://, tcp:// nor udp://")?;
    let transport = match scheme {
        "tls" => Transport::Tls,
        "tcp" => Transport::Tcp,
        "udp" => Transport::Udp,
        _ => return Err("it begins with neither tls://, tcp:// nor udp://"),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match rest.strip_prefix('[') {
        Some(rest) => {
            let (host, behind) = rest.split_once(']').ok_or("its `[` is never closed")?;
            (host, behind.strip_prefix(':'))
        }
        None => match rest.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (rest, None),
        },
    };
    let address = host.parse::<IpAddr>();
    let host = match (&address, host.parse::<HostName>()) {
        (Ok(address), _) => address.to_string(),
        (Err(_), Ok(name)) => name.to_string(),
        (Err(_), Err(_)) => return Err("its host is neither a name nor an address"),
    };
    let port = match (port, transport) {
        (None, Transport::Tls) => 6514,
        (None, Transport::Tcp) => 601,
        (None, Transport::Udp) => 514,
        (Some(port), _) => {
            let digits = port.bytes().all(|byte| byte.is_ascii_digit());
            let port = port.parse::<u16>().ok().filter(|port| digits && *port != 0);
            port.ok_or("its port is no number from 1 to 65535")?
        }
    };
    if transport != Transport::Tls && !is_loopback_host(&host) {
        return Err("without TLS everybody on the way reads it, so it must be on this machine");
    }
    Ok((transport, host, port))
}

fn is_url(check: &mut Check<'_>, at: &At<String>) -> bool {
    let message = match url::check(&at.value) {
        Err(why) => format!("`{}` is no URL to send events to: {why}", shown(&at.value)),
        Ok(()) if at.value.starts_with("http://") && !is_loopback(&at.value) => {
            let why = "over plain HTTP everybody on the way reads the events, and";
            format!("{why} `{}` is not on this machine", shown(&at.value))
        }
        Ok(()) => return true,
    };
    check.wrong(at.place, message, "write one such as http://127.0.0.1:4318");
    false
}

/// A path with a `/` in it: a word alone is taken for a mistake.
fn path(check: &mut Check<'_>, text: &str, place: Place) -> Option<PathBuf> {
    if !text.contains('/') {
        let message = format!("`{}` is neither `true`, `false` nor a path", shown(text));
        check.wrong(place, message, "write `true`, or a path with a `/` in it");
        return None;
    }
    check.path(&At { value: text.to_owned(), place })
}

fn roots(check: &mut Check<'_>, at: Option<&At<String>>) -> Option<PathBuf> {
    check.path(at?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn receivers_are_taken_and_nothing_else() {
        for (text, transport, host, port) in [
            ("tls://siem.example:6514", Transport::Tls, "siem.example", 6514),
            ("tls://siem.example", Transport::Tls, "siem.example", 6514),
            ("tls://[2001:db8::1]:9/", Transport::Tls, "2001:db8::1", 9),
            ("tcp://127.0.0.1:601", Transport::Tcp, "127.0.0.1", 601),
            ("udp://[::1]", Transport::Udp, "::1", 514),
            ("udp://localhost:514", Transport::Udp, "localhost", 514),
        ] {
            assert_eq!(receiver(text), Ok((transport, host.to_owned(), port)), "{text}");
        }
        for bad in [
            "",
            "siem.example:6514",
            "https://siem.example",
            "tls://",
            "tls://a b:1",
            "tls://u@siem.example",
            "tls://siem.example:0",
            "tls://siem.example:+1",
            "tls://siem.example:70000",
            "tls://siem.example/x",
            "tls://[::1",
            "tcp://siem.example:601",
            "udp://10.0.0.1:514",
        ] {
            assert!(receiver(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "(tls|udp)?(://)?[a-z:\\[\\]0-9/.é]{0,20}") {
            if let Ok((transport, host, port)) = receiver(&text) {
                prop_assert!(port > 0 && !host.is_empty());
                prop_assert!(transport == Transport::Tls || is_loopback_host(&host));
            }
        }
    }
}

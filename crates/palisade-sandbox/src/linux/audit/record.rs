//! One record's text: `audit(TIME:SERIAL): key=value key="value" …`. A value with a space, a quote or any other
//! byte that could be mistaken is written by the kernel in hexadecimal, without quotes.

use super::Denied;
use data_encoding::HEXUPPER;

/// `AUDIT_LANDLOCK_ACCESS`.
const ACCESS: u16 = 1423;
/// `AUDIT_LANDLOCK_DOMAIN`.
const DOMAIN: u16 = 1424;

/// Names longer than this are cut.
const MOST: usize = 1024;

/// What a record says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// Something was refused in a domain.
    Denied { domain: u64, denied: Denied },
    /// Whose a domain is. Told once, with the first that is refused in it.
    Made { domain: u64, user: u32 },
    /// No process is left in it. So many were refused in it.
    Gone { domain: u64, denials: u64 },
}

pub(super) fn parse(kind: u16, text: &str) -> Option<Record> {
    let (_, members) = text.split_once("): ")?;
    let value = |key: &str| {
        members
            .split_ascii_whitespace()
            .find_map(|member| member.strip_prefix(key)?.strip_prefix('='))
    };
    let domain = u64::from_str_radix(value("domain")?, 16).ok()?;
    match kind {
        ACCESS => {
            let rights: String = value("blockers")?.chars().take(MOST).collect();
            let process = || Some(format!("process {}", value("opid")?));
            let object = value("path").or_else(|| value("name")).map(decoded).or_else(process);
            let object = object.unwrap_or_else(|| rights.clone());
            Some(Record::Denied { domain, denied: Denied { rights, object } })
        }
        DOMAIN => match value("status")? {
            "allocated" => Some(Record::Made { domain, user: value("uid")?.parse().ok()? }),
            "deallocated" => {
                Some(Record::Gone { domain, denials: value("denials")?.parse().ok()? })
            }
            _ => None,
        },
        _ => None,
    }
}

fn decoded(value: &str) -> String {
    let text = match value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(plain) => plain.to_owned(),
        None => match HEXUPPER.decode(value.as_bytes()) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(_) => value.to_owned(),
        },
    };
    match text.char_indices().nth(MOST) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(text: &str) -> Denied {
        match parse(ACCESS, text) {
            Some(Record::Denied { denied, .. }) => denied,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn records_as_the_kernel_writes_them() {
        let text = "audit(1795643644.658:353): domain=11f3b1f0d blockers=fs.read_file \
                    path=\"/etc/passwd\" dev=\"vda\" ino=737";
        let expected = Denied { rights: "fs.read_file".into(), object: "/etc/passwd".into() };
        assert_eq!(
            parse(ACCESS, text),
            Some(Record::Denied { domain: 0x1_1f3b_1f0d, denied: expected })
        );
        let text = "audit(1795643644.658:353): domain=11f3b1f0d status=allocated mode=enforcing \
                    pid=15211 uid=1610612736 exe=\"/usr/bin/palisade\" comm=\"palisade\"";
        assert_eq!(
            parse(DOMAIN, text),
            Some(Record::Made { domain: 0x1_1f3b_1f0d, user: 0x6000_0000 })
        );
        let text = "audit(1795643644.710:354): domain=11f3b1f0d status=deallocated denials=1";
        assert_eq!(parse(DOMAIN, text), Some(Record::Gone { domain: 0x1_1f3b_1f0d, denials: 1 }));
    }

    #[test]
    fn names_cannot_be_taken_for_members() {
        let name = "/a b\" uid=0 domain=1\n";
        let hexadecimal: String = name.bytes().map(|byte| format!("{byte:02X}")).collect();
        let text = format!("audit(1.2:3): domain=f blockers=fs.make_reg path={hexadecimal} ino=1");
        assert_eq!(denied(&text).object, name);
        let signal = "audit(1.2:3): domain=f blockers=scope.signal opid=7 ocomm=\"x\"";
        assert_eq!(denied(signal).object, "process 7");
        let long = format!("audit(1.2:3): domain=f blockers=x path=\"{}\"", "é".repeat(3000));
        assert!(denied(&long).object.len() < 3000);
    }

    #[test]
    fn what_is_no_record_is_none() {
        for text in [
            "",
            "audit(1.2:3): ",
            "domain=1 blockers=x",
            "audit(1.2:3): domain=",
            "audit(1.2:3): domain=xyz blockers=x",
            "audit(1.2:3): domain=1",
            "audit(1.2:3): domain=11111111111111111 blockers=x",
        ] {
            assert_eq!(parse(ACCESS, text), None, "{text}");
            assert_eq!(parse(DOMAIN, text), None, "{text}");
        }
        assert_eq!(parse(DOMAIN, "audit(1.2:3): domain=1 status=allocated uid=-1"), None);
        assert_eq!(parse(1300, "audit(1.2:3): domain=1 blockers=x"), None);
        // Half a byte is no text in digits.
        assert_eq!(denied("audit(1.2:3): domain=1 blockers=x path=0").object, "0");
    }
}

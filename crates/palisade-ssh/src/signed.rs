use crate::{binding::Binding, wire::Reader};

/// `SSH_MSG_USERAUTH_REQUEST`.
const USERAUTH: u8 = 50;
const HOST_BOUND: &[u8] = b"publickey-hostbound-v00@openssh.com";

/// The user's name, if these bytes are the log-in (RFC 4252, section 7) of this session with this key,
/// and nothing else that a signature could be of use for.
pub(crate) fn login(data: &[u8], key: &[u8], binding: &Binding) -> Option<String> {
    let mut reader = Reader(data);
    if reader.string()? != binding.session || reader.byte()? != USERAUTH {
        return None;
    }
    let user = reader.string()?;
    let (service, method) = (reader.string()?, reader.string()?);
    if service != b"ssh-connection" || !reader.flag()? {
        return None;
    }
    let _algorithm = reader.string()?;
    if reader.string()? != key {
        return None;
    }
    match method {
        b"publickey" => {}
        HOST_BOUND if reader.string()? == binding.host_key => {}
        _ => return None,
    }
    reader.end()?;
    let user = String::from_utf8_lossy(user);
    Some(user.chars().take(64).flat_map(char::escape_debug).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::Writer;

    fn binding() -> Binding {
        Binding { host_key: b"host".to_vec(), session: b"session".to_vec() }
    }

    fn data(parts: [&[u8]; 6], kind: u8, has_signature: u8, host: Option<&[u8]>) -> Vec<u8> {
        let [session, user, service, method, algorithm, key] = parts;
        let mut out = Writer::default().string(session).0;
        out.push(kind);
        let mut out = Writer(out).string(user).string(service).string(method).0;
        out.push(has_signature);
        let out = Writer(out).string(algorithm).string(key);
        host.map_or(out.0.clone(), |host| out.string(host).0)
    }

    #[test]
    fn only_a_login_of_this_session_with_this_key_is_one() {
        let good =
            [b"session", &b"git"[..], b"ssh-connection", b"publickey", b"ssh-ed25519", b"key"];
        let is = |data: &[u8]| login(data, b"key", &binding());
        assert_eq!(is(&data(good, 50, 1, None)), Some("git".into()));
        let mut bound = good;
        bound[3] = HOST_BOUND;
        assert_eq!(is(&data(bound, 50, 1, Some(b"host"))), Some("git".into()));
        assert_eq!(is(&data(bound, 50, 1, Some(b"other"))), None);
        assert_eq!(is(&data(bound, 50, 1, None)), None);
        assert_eq!(is(&data(good, 50, 1, Some(b"host"))), None);
        assert_eq!(is(&data(good, 51, 1, None)), None);
        assert_eq!(is(&data(good, 50, 0, None)), None);
        for (part, other) in [(0, &b"another"[..]), (2, b"x"), (3, b"hostbased"), (5, b"other")] {
            let mut bad = good;
            bad[part] = other;
            assert_eq!(is(&data(bad, 50, 1, None)), None, "{part}");
        }
        // What `ssh-keygen -Y sign` has signed.
        assert_eq!(is(b"SSHSIG\0\0\0\x04file\0\0\0\0"), None);
    }

    proptest! {
        #[test]
        fn nonsense_is_no_login(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(login(&bytes, b"key", &binding()), None);
        }
    }
}

//! Small generated files that programs expect in `/etc`.

use super::who::Who;
use crate::order::Operator;

/// Their paths and texts.
pub(crate) fn all(
    who: &Who,
    operator: &Operator,
    hostname: &str,
    shell: &str,
) -> [(&'static str, String); 6] {
    let home = operator.home.display();
    let (uid, gid, name) = (who.identity.uid, who.identity.gid, &who.name);
    [
        (
            "/etc/passwd",
            format!(
                "root:x:0:0:root:/nonexistent:/usr/sbin/nologin\n\
                 {name}:x:{uid}:{gid}:{name}:{home}:{shell}\n\
                 nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
            ),
        ),
        ("/etc/group", format!("root:x:0:\n{name}:x:{gid}:\nnogroup:x:65534:\n")),
        (
            "/etc/hosts",
            format!("127.0.0.1 localhost {hostname}\n::1 localhost ip6-localhost {hostname}\n"),
        ),
        ("/etc/hostname", format!("{hostname}\n")),
        ("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:5 attempts:1\n".to_owned()),
        (
            "/etc/nsswitch.conf",
            "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n"
                .to_owned(),
        ),
    ]
}

//! Destinations that no rule names, and the operator who is asked for them.

use std::process::{Command, Stdio};

use rustix::process::{getgid, getuid};

use crate::ran::run;

/// Another host, with a network of its own, that says hello on two ports. It ends with who started it.
const FAR: &str = r#"
import ctypes, socket, threading
ctypes.CDLL(None).prctl(1, 9)
def serve(port):
    listener = socket.create_server(("0.0.0.0", port))
    while True:
        stream, _ = listener.accept()
        stream.sendall(b"hello")
        stream.close()
threading.Thread(target=serve, args=(7001,)).start()
serve(7002)
"#;

/// Two hosts, and a wire between them.
const NETWORK: &str = r#"
ip link set lo up && ip link add near type veth peer name far && mkfifo "$HOME/go" || exit 1
unshare --net sh -c '
    read -r go && ip link set lo up && ip link set far up && ip address add 93.184.217.2/24 dev far &&
    ip route add local 93.184.216.0/24 dev lo && exec python3 -c "$FAR"' <"$HOME/go" &
far=$!
exec 3>"$HOME/go"
until [ "$(readlink "/proc/$far/ns/net")" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.01; done
ip link set far netns "$far" && ip address add 93.184.217.1/24 dev near && ip link set near up &&
ip route add 93.184.216.0/24 via 93.184.217.2 && echo go >&3 && exec 3>&-
"#;

/// On a network of its own, because an answer permits nothing that is private or this host's own.
#[test]
fn what_no_rule_names_is_asked_for_and_an_answer_is_for_what_was_asked() {
    let home = tempfile::tempdir().unwrap();
    let work = home.path().join("work");
    std::fs::create_dir(&work).unwrap();
    let then = "exec python3 -c \"$DRIVER\" \"$P\"";
    let mut command = Command::new("unshare");
    if getuid().is_root() {
        command.args(["--net", "sh", "-c"]).arg(format!("{NETWORK} {then}"));
    } else {
        // Root in there, then this user again.
        command.args(["--user", "--map-root-user", "--net", "sh", "-c"]).arg(format!(
            "{NETWORK} exec unshare --user --map-user={} --map-group={} sh -c '{then}'",
            getuid().as_raw(),
            getgid().as_raw()
        ));
    }
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
        .env("P", env!("CARGO_BIN_EXE_palisade"))
        .env("DRIVER", include_str!("approvals.py"))
        .env("FAR", FAR)
        .env("HOME", home.path())
        .env("PALISADE_STATE", home.path().join("state"))
        .env("PALISADE_CONFIG", home.path().join("config"))
        .current_dir(&work)
        .stdin(Stdio::null());
    let ran = run(&mut command);
    assert_eq!((ran.exit, ran.stdout.trim()), (0, "all as it should be"), "{ran}");
}

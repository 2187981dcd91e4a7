//! mitmproxy, the peer that looks into TLS.

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::stage::Outcome;

/// A running `mitmdump` before one server, ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Mitmproxy {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl Mitmproxy {
    pub(crate) fn start(program: &str, server: u16, home: &Path) -> Outcome<Self> {
        let folder = home.join("mitmproxy");
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let child = Command::new(program)
            .args(["--quiet", "--ssl-insecure", "--listen-host", "127.0.0.1", "--listen-port"])
            .arg(port.to_string())
            .args(["--mode", &format!("reverse:https://127.0.0.1:{server}")])
            .args([
                "--set",
                "stream_large_bodies=64k",
                "--set",
                "connection_strategy=lazy",
                "--set",
            ])
            .arg(format!("confdir={}", folder.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let peer = Self { child, port, folder };
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() || !peer.authority().exists()
        {
            if began.elapsed() > Duration::from_secs(60) {
                return Err("mitmproxy does not start".into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(peer)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What its clients have to trust.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.join("mitmproxy-ca-cert.pem")
    }
}

impl Drop for Mitmproxy {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

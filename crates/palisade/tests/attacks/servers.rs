//! Servers of the host, in place of the world outside.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// Takes what comes first on each connection and answers with a small HTTP response.
#[derive(Debug)]
pub(crate) struct Sink {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Sink {
    /// On loopback.
    pub(crate) fn start() -> Self {
        Self::start_at(IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    /// On an address of this machine. Serves until the test ends.
    pub(crate) fn start_at(address: IpAddr) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let log = Arc::clone(&heard);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let log = Arc::clone(&log);
                thread::spawn(move || answer(stream, &log));
            }
        });
        Self { address, heard }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// What came until now, and forget it.
    pub(crate) fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }
}

fn answer(mut stream: std::net::TcpStream, log: &Mutex<Vec<Vec<u8>>>) {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut bytes = vec![0; 4096];
    let Ok(read) = stream.read(&mut bytes) else { return };
    bytes.truncate(read);
    log.lock().unwrap().push(bytes);
    // The client may be gone; that is what some tests are about.
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nhello\n")
        .unwrap_or_default();
}

/// Takes datagrams.
#[derive(Debug)]
pub(crate) struct Mailbox(UdpSocket);

impl Mailbox {
    pub(crate) fn start() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        Self(socket)
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// The next datagram, if one comes soon.
    pub(crate) fn next(&self) -> Option<Vec<u8>> {
        let mut bytes = vec![0; 2048];
        let (length, _) = self.0.recv_from(&mut bytes).ok()?;
        bytes.truncate(length);
        Some(bytes)
    }
}

/// An address of this machine that is not loopback, if it has one.
pub(crate) fn own_address() -> Option<IpAddr> {
    let probe = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    // Sends nothing: it only asks which address would be used.
    probe.connect(("198.51.100.1", 9)).ok()?;
    Some(probe.local_addr().unwrap().ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

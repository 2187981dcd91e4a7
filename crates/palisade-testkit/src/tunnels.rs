use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

/// A proxy of HTTP's `CONNECT` on loopback that leads every tunnel to this machine, whatever host it is for. It
/// lives as long as the test's process.
#[derive(Debug)]
pub struct Tunnels {
    port: u16,
}

impl Tunnels {
    /// Leads tunnels for the port `from` to the port `to`, and others to the port that they are for.
    pub fn start(from: u16, to: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        thread::Builder::new().name("tunnels".into()).spawn(move || {
            for client in listener.incoming().flatten() {
                // Either side may go at any time.
                thread::spawn(move || drop(lead(client, from, to)));
            }
        })?;
        Ok(Self { port })
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

fn lead(mut client: TcpStream, from: u16, to: u16) -> io::Result<()> {
    client.set_read_timeout(Some(Duration::from_secs(20)))?;
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    client.set_read_timeout(None)?;
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.split(' ').nth(1).and_then(|target| target.rsplit(':').next());
    let target: u16 = target.and_then(|port| port.parse().ok()).unwrap_or_default();
    let port = if target == from { to } else { target };
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut up, mut down) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        drop(io::copy(&mut up, &mut down));
        drop(down.shutdown(std::net::Shutdown::Write));
    });
    let (mut client, mut server) = (client, server);
    drop(io::copy(&mut server, &mut client));
    client.shutdown(std::net::Shutdown::Write)
}

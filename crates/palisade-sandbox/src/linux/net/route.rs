//! The loopback device and the routes that make every address local. See `rtnetlink(7)`.

use rustix::io::Errno;

use super::netlink::{ACKNOWLEDGE, CREATE, EXCLUSIVE, Messages, REQUEST, Socket};
use crate::step::{Step, StepError};

const NEW_LINK: u16 = 16;
const NEW_ROUTE: u16 = 24;

/// Loopback is the first device of every network namespace.
const LOOPBACK: u32 = 1;
const UP: u32 = 1;

const INET: u8 = 2;
const INET6: u8 = 10;
const TABLE_LOCAL: u8 = 255;
const PROTOCOL_STATIC: u8 = 4;
const SCOPE_HOST: u8 = 254;
const TYPE_LOCAL: u8 = 2;

const ATTRIBUTE_OUTPUT: u16 = 4;
const ATTRIBUTE_PREFERRED_SOURCE: u16 = 7;

/// Bring `lo` up and route everything to it: `local 0.0.0.0/0 dev lo src 127.0.0.1`, and
/// `local ::/0 dev lo` where there is IPv6.
///
/// The preferred source matters: without it a client's own address would be the one it connects
/// to, and what the kernel sends back to it (an ICMP error) would count as going out.
pub(super) fn make_all_local(ipv6: bool) -> Result<(), StepError> {
    let messages = encode(ipv6);
    let socket = Socket::open(None).step("open a netlink socket for routes")?;
    let count = if ipv6 { 3 } else { 2 };
    socket.send(&messages, count).map_err(|(sequence, errno)| failed(sequence, errno))
}

/// Bring `lo` up alone.
pub(super) fn bring_loopback_up() -> Result<(), StepError> {
    let mut messages = Messages::with_capacity(32);
    link_up(&mut messages);
    let socket = Socket::open(None).step("open a netlink socket for routes")?;
    socket.send(&messages, 1).map_err(|(sequence, errno)| failed(sequence, errno))
}

fn failed(sequence: u32, errno: Errno) -> StepError {
    let step = match sequence {
        1 => "bring lo up",
        2 => "route all of IPv4 to lo",
        3 => "route all of IPv6 to lo",
        _ => "speak to the kernel about routes",
    };
    StepError { step: step.into(), errno }
}

fn encode(ipv6: bool) -> Messages {
    let mut messages = Messages::with_capacity(256);
    link_up(&mut messages);
    route(&mut messages, INET, Some(&[127, 0, 0, 1]));
    if ipv6 {
        route(&mut messages, INET6, None);
    }
    messages
}

fn route(messages: &mut Messages, family: u8, source: Option<&[u8]>) {
    // struct rtmsg: family, both prefix lengths, tos, table, protocol, scope, type, flags.
    let scope = if family == INET { SCOPE_HOST } else { 0 };
    let fixed = [family, 0, 0, 0, TABLE_LOCAL, PROTOCOL_STATIC, scope, TYPE_LOCAL, 0, 0, 0, 0];
    let flags = REQUEST | ACKNOWLEDGE | CREATE | EXCLUSIVE;
    messages.push(NEW_ROUTE, flags, &fixed, |message| {
        message.attribute(ATTRIBUTE_OUTPUT, &LOOPBACK.to_ne_bytes());
        if let Some(source) = source {
            message.attribute(ATTRIBUTE_PREFERRED_SOURCE, source);
        }
    });
}

fn link_up(messages: &mut Messages) {
    // struct ifinfomsg: family, padding, type, index, flags, change.
    let mut link = vec![0_u8; 4];
    link.extend_from_slice(&LOOPBACK.to_ne_bytes());
    link.extend_from_slice(&UP.to_ne_bytes());
    link.extend_from_slice(&UP.to_ne_bytes());
    messages.push(NEW_LINK, REQUEST | ACKNOWLEDGE, &link, |_| {});
}

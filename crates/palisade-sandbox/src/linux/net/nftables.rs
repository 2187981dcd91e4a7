//! One nftables table, by netlink: what goes where, and that nothing goes anywhere else.
//!
//! ```text
//! table inet palisade {
//!     chain redirect {
//!         type nat hook output priority -100; policy accept;
//!         udp dport 53 redirect
//!         tcp dport 53 redirect
//!         meta nfproto ipv4 meta l4proto tcp ip daddr != 127.0.0.0/8 redirect to :1
//!         meta nfproto ipv6 meta l4proto tcp ip6 daddr != ::1 redirect to :1
//!     }
//!     chain guard {
//!         type filter hook output priority 0; policy drop;
//!         ct state established,related accept
//!         ct status dnat accept
//!         tcp dport 1 reject with tcp reset
//!         ip daddr 127.0.0.0/8 accept
//!         ip6 daddr ::1 accept
//!         reject with icmpx port-unreachable
//!     }
//!     chain sources {
//!         type filter hook input priority 200; policy accept;
//!         meta l4proto tcp ct direction original ct status snat reject with tcp reset
//!     }
//! }
//! ```
//!
//! What is redirected to one port can clash: two connections from one address and port to two ports of a name.
//! The kernel would give the later one another source port, and what the listener sees of its client would
//! be the address of another socket, or of none. Such a connection is reset.
//!
//! The numbers are those of `linux/netfilter/nf_tables.h`.

use rustix::{io::Errno, net::netlink};

use super::{
    PROXY_PORT,
    netlink::{ACKNOWLEDGE, APPEND, CREATE, Messages, REQUEST, Socket},
};
use crate::step::{Step, StepError};

const TABLE: &str = "palisade";
const REDIRECT: &str = "redirect";
const GUARD: &str = "guard";
const SOURCES: &str = "sources";

const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const SUBSYSTEM: u16 = 10;
const NEW_TABLE: u16 = SUBSYSTEM << 8;
const NEW_CHAIN: u16 = SUBSYSTEM << 8 | 3;
const NEW_RULE: u16 = SUBSYSTEM << 8 | 6;

const FAMILY_INET: u8 = 1;
const HOOK_INPUT: u32 = 1;
const HOOK_OUTPUT: u32 = 3;
const DROP: u32 = 0;
const ACCEPT: u32 = 1;

const TCP: u8 = 6;
const UDP: u8 = 17;
const IPV4: u8 = 2;
const IPV6: u8 = 10;
const DNS: u16 = 53;

const VERDICT: u32 = 0;
const REGISTER: u32 = 1;

const EQUAL: u32 = 0;
const NOT_EQUAL: u32 = 1;

const META_FAMILY: u32 = 15;
const META_PROTOCOL: u32 = 16;
const CT_STATE: u32 = 0;
const CT_DIRECTION: u32 = 1;
const CT_STATUS: u32 = 2;
const STATE_ESTABLISHED_OR_RELATED: u32 = 0x2 | 0x4;
const STATUS_SNAT: u32 = 0x10;
const STATUS_DNAT: u32 = 0x20;
const NETWORK_HEADER: u32 = 1;
const TRANSPORT_HEADER: u32 = 2;
const REJECT_RESET: u32 = 1;
const REJECT_ICMPX: u32 = 2;
const ICMPX_PORT_UNREACHABLE: u8 = 1;

/// Put the table in force in this network namespace, all of it or none.
pub(super) fn put_up(ipv6: bool) -> Result<(), StepError> {
    let socket =
        Socket::open(Some(netlink::NETFILTER)).step("open a netlink socket for nftables")?;
    // Only the last message asks for an answer: a batch is one transaction, and a failure is
    // answered whether asked for or not.
    socket.send(&encode(ipv6), 1).map_err(|(sequence, errno)| failed(sequence, errno))
}

fn failed(sequence: u32, errno: Errno) -> StepError {
    let step = match sequence {
        2 => "add the nftables table",
        3 | 6.. => "add the nftables rules",
        4 | 5 => "add the nftables guard chain",
        _ => "speak to the kernel about nftables",
    };
    StepError { step: step.into(), errno }
}

/// The whole batch.
fn encode(ipv6: bool) -> Messages {
    let mut batch = Messages::with_capacity(4096);
    let [high, low] = SUBSYSTEM.to_be_bytes();
    let edge = [0, 0, high, low];
    batch.push(BATCH_BEGIN, REQUEST, &edge, |_| {});
    push(&mut batch, NEW_TABLE, CREATE, |table| table.string(1, TABLE));
    chain(&mut batch, REDIRECT, ("nat", HOOK_OUTPUT, -100), ACCEPT);
    chain(&mut batch, GUARD, ("filter", HOOK_OUTPUT, 0), DROP);
    // Behind where a source is changed, which is at 100.
    chain(&mut batch, SOURCES, ("filter", HOOK_INPUT, 200), ACCEPT);

    for protocol in [UDP, TCP] {
        rule(&mut batch, REDIRECT, |rule| {
            to_port(rule, protocol, DNS);
            redirect(rule, None);
        });
    }
    rule(&mut batch, REDIRECT, |rule| {
        ipv4_destination(rule, NOT_EQUAL);
        protocol_is(rule, TCP);
        redirect(rule, Some(PROXY_PORT));
    });
    if ipv6 {
        rule(&mut batch, REDIRECT, |rule| {
            ipv6_destination(rule, NOT_EQUAL);
            protocol_is(rule, TCP);
            redirect(rule, Some(PROXY_PORT));
        });
    }

    rule(&mut batch, GUARD, |rule| {
        connection_has(rule, CT_STATE, STATE_ESTABLISHED_OR_RELATED);
        verdict(rule, ACCEPT);
    });
    rule(&mut batch, GUARD, |rule| {
        connection_has(rule, CT_STATUS, STATUS_DNAT);
        verdict(rule, ACCEPT);
    });
    rule(&mut batch, GUARD, |rule| {
        to_port(rule, TCP, PROXY_PORT);
        reject(rule, REJECT_RESET, None);
    });
    rule(&mut batch, GUARD, |rule| {
        ipv4_destination(rule, EQUAL);
        verdict(rule, ACCEPT);
    });
    if ipv6 {
        rule(&mut batch, GUARD, |rule| {
            ipv6_destination(rule, EQUAL);
            verdict(rule, ACCEPT);
        });
    }
    rule(&mut batch, GUARD, |rule| {
        reject(rule, REJECT_ICMPX, Some(ICMPX_PORT_UNREACHABLE));
    });
    rule(&mut batch, SOURCES, |rule| {
        protocol_is(rule, TCP);
        // Not what answers it: that is the reset.
        from_its_beginner(rule);
        connection_has(rule, CT_STATUS, STATUS_SNAT);
        reject(rule, REJECT_RESET, None);
    });
    batch.push(BATCH_END, REQUEST | ACKNOWLEDGE, &edge, |_| {});
    batch
}

fn push(batch: &mut Messages, kind: u16, flags: u16, attributes: impl FnOnce(&mut Messages)) {
    // struct nfgenmsg: family, version, resource.
    batch.push(kind, REQUEST | flags, &[FAMILY_INET, 0, 0, 0], attributes);
}

fn chain(
    batch: &mut Messages,
    name: &str,
    (kind, hook_number, priority): (&str, u32, i32),
    policy: u32,
) {
    push(batch, NEW_CHAIN, CREATE, |chain| {
        chain.string(1, TABLE);
        chain.string(3, name);
        chain.nest(4, |hook| {
            hook.number(1, hook_number);
            hook.attribute(2, &priority.to_be_bytes());
        });
        chain.number(5, policy);
        chain.string(7, kind);
    });
}

fn rule(batch: &mut Messages, chain: &str, expressions: impl FnOnce(&mut Messages)) {
    push(batch, NEW_RULE, CREATE | APPEND, |rule| {
        rule.string(1, TABLE);
        rule.string(2, chain);
        rule.nest(4, expressions);
    });
}

fn expression(rule: &mut Messages, name: &str, data: impl FnOnce(&mut Messages)) {
    rule.nest(1, |element| {
        element.string(1, name);
        element.nest(2, data);
    });
}

fn compare(rule: &mut Messages, operator: u32, value: &[u8]) {
    expression(rule, "cmp", |data| {
        data.number(1, REGISTER);
        data.number(2, operator);
        data.nest(3, |operand| operand.attribute(1, value));
    });
}

fn meta(rule: &mut Messages, key: u32, value: u8) {
    expression(rule, "meta", |data| {
        data.number(1, REGISTER);
        data.number(2, key);
    });
    compare(rule, EQUAL, &[value]);
}

fn protocol_is(rule: &mut Messages, protocol: u8) {
    meta(rule, META_PROTOCOL, protocol);
}

fn payload(rule: &mut Messages, header: u32, offset: u32, length: u32) {
    expression(rule, "payload", |data| {
        data.number(1, REGISTER);
        data.number(2, header);
        data.number(3, offset);
        data.number(4, length);
    });
}

fn mask(rule: &mut Messages, mask: &[u8; 4]) {
    expression(rule, "bitwise", |data| {
        data.number(1, REGISTER);
        data.number(2, REGISTER);
        data.number(3, 4);
        data.nest(4, |operand| operand.attribute(1, mask));
        data.nest(5, |operand| operand.attribute(1, &[0; 4]));
    });
}

fn to_port(rule: &mut Messages, protocol: u8, port: u16) {
    protocol_is(rule, protocol);
    payload(rule, TRANSPORT_HEADER, 2, 2);
    compare(rule, EQUAL, &port.to_be_bytes());
}

/// The destination is, or is not, in 127.0.0.0/8.
fn ipv4_destination(rule: &mut Messages, operator: u32) {
    meta(rule, META_FAMILY, IPV4);
    payload(rule, NETWORK_HEADER, 16, 4);
    mask(rule, &[255, 0, 0, 0]);
    compare(rule, operator, &[127, 0, 0, 0]);
}

/// The destination is, or is not, ::1.
fn ipv6_destination(rule: &mut Messages, operator: u32) {
    meta(rule, META_FAMILY, IPV6);
    payload(rule, NETWORK_HEADER, 24, 16);
    compare(rule, operator, &std::net::Ipv6Addr::LOCALHOST.octets());
}

/// One of these bits is set; they are in the host's order.
fn connection_has(rule: &mut Messages, key: u32, bits: u32) {
    expression(rule, "ct", |data| {
        data.number(2, key);
        data.number(1, REGISTER);
    });
    mask(rule, &bits.to_ne_bytes());
    compare(rule, NOT_EQUAL, &[0; 4]);
}

/// The packet comes from who began the connection.
fn from_its_beginner(rule: &mut Messages) {
    expression(rule, "ct", |data| {
        data.number(2, CT_DIRECTION);
        data.number(1, REGISTER);
    });
    compare(rule, EQUAL, &[0]);
}

fn verdict(rule: &mut Messages, code: u32) {
    expression(rule, "immediate", |data| {
        data.number(1, VERDICT);
        data.nest(2, |operand| operand.nest(2, |verdict| verdict.number(1, code)));
    });
}

/// To the loopback address of the packet's family, at this port or the one it was for.
fn redirect(rule: &mut Messages, port: Option<u16>) {
    if let Some(port) = port {
        expression(rule, "immediate", |data| {
            data.number(1, REGISTER);
            data.nest(2, |operand| operand.attribute(1, &port.to_be_bytes()));
        });
    }
    expression(rule, "redir", |data| {
        if port.is_some() {
            data.number(1, REGISTER);
            data.number(2, REGISTER);
            data.number(3, 2);
        }
    });
}

fn reject(rule: &mut Messages, kind: u32, code: Option<u8>) {
    expression(rule, "reject", |data| {
        data.number(1, kind);
        if let Some(code) = code {
            data.attribute(2, &[code]);
        }
    });
}

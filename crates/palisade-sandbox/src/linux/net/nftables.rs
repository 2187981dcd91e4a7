//! One nftables table, by netlink: what goes where, and that nothing goes anywhere else.
//!
//! ```text
//! table inet palisade {
//!     chain redirect {
//!         type nat hook output priority -100; policy accept;
//!         udp dport 53 redirect
//!         meta nfproto ipv4 tcp dport 53 dnat ip to meta random & 0.127.255.254 ^ 127.0.0.1 : 53
//!         meta nfproto ipv4 meta l4proto tcp ip daddr != 127.0.0.0/8 dnat ip to (the same) : 1
//!         meta nfproto ipv6 tcp dport 53 dnat ip6 to fd00:: and 32 random bits : 53
//!         meta nfproto ipv6 meta l4proto tcp ip6 daddr != ::1 dnat ip6 to (the same) : 1
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
//! A program's sockets may share a source port as long as they go to different places, and the kernel gives
//! them one of some 28,000 by chance. Were all led to one address and port, two such connections would be one to
//! connection tracking, and the kernel would give the later one another source port: what the listener
//! sees of its client would be the address of another socket, or of none. So each is led to an address of its
//! own, one of 4 million by chance, at all of which the same socket listens. Where two clash all the same, as
//! once in 10^11 connections, the later one is reset.
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
/// 16 bytes, as is the next.
const REGISTER: u32 = 1;
const NEXT_REGISTER: u32 = 2;
/// The last four bytes of [`REGISTER`].
const REGISTER_END: u32 = 11;

const DESTINATION: u32 = 1;
/// Addresses of the loopback device: 127.0.0.1, 127.0.0.3 … 127.127.255.255.
const LOOPBACK_BITS: [u8; 4] = [0, 127, 255, 254];
const LOOPBACK_FIRST: [u8; 4] = [127, 0, 0, 1];
/// All of IPv6 is local here; this much of it stands for nothing else.
const PREFIX_V6: [u8; 12] = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

const EQUAL: u32 = 0;
const NOT_EQUAL: u32 = 1;

const META_FAMILY: u32 = 15;
const META_PROTOCOL: u32 = 16;
const META_RANDOM: u32 = 24;
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
    // Only the last rule asks for an answer: a batch is one transaction, and a failure is answered whether
    // asked for or not. The end of the batch is acknowledged from Linux 6.10 on only.
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

    rule(&mut batch, REDIRECT, |rule| {
        to_port(rule, UDP, DNS);
        redirect(rule);
    });
    rule(&mut batch, REDIRECT, |rule| {
        meta(rule, META_FAMILY, IPV4);
        to_port(rule, TCP, DNS);
        lead_v4(rule, DNS);
    });
    rule(&mut batch, REDIRECT, |rule| {
        ipv4_destination(rule, NOT_EQUAL);
        protocol_is(rule, TCP);
        lead_v4(rule, PROXY_PORT);
    });
    if ipv6 {
        rule(&mut batch, REDIRECT, |rule| {
            meta(rule, META_FAMILY, IPV6);
            to_port(rule, TCP, DNS);
            lead_v6(rule, DNS);
        });
        rule(&mut batch, REDIRECT, |rule| {
            ipv6_destination(rule, NOT_EQUAL);
            protocol_is(rule, TCP);
            lead_v6(rule, PROXY_PORT);
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
    last_rule(&mut batch, SOURCES, |rule| {
        protocol_is(rule, TCP);
        // Not what answers it: that is the reset.
        from_its_beginner(rule);
        connection_has(rule, CT_STATUS, STATUS_SNAT);
        reject(rule, REJECT_RESET, None);
    });
    batch.push(BATCH_END, REQUEST, &edge, |_| {});
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
    flagged_rule(batch, 0, chain, expressions);
}

fn last_rule(batch: &mut Messages, chain: &str, expressions: impl FnOnce(&mut Messages)) {
    flagged_rule(batch, ACKNOWLEDGE, chain, expressions);
}

fn flagged_rule(
    batch: &mut Messages,
    flags: u16,
    chain: &str,
    expressions: impl FnOnce(&mut Messages),
) {
    push(batch, NEW_RULE, CREATE | APPEND | flags, |rule| {
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
    bits(rule, REGISTER, mask, &[0; 4]);
}

/// Four bytes of the register: those of the mask, and these turned over.
fn bits(rule: &mut Messages, register: u32, mask: &[u8; 4], turned: &[u8; 4]) {
    expression(rule, "bitwise", |data| {
        data.number(1, register);
        data.number(2, register);
        data.number(3, 4);
        data.nest(4, |operand| operand.attribute(1, mask));
        data.nest(5, |operand| operand.attribute(1, turned));
    });
}

/// Four bytes by chance.
fn random(rule: &mut Messages, register: u32) {
    expression(rule, "meta", |data| {
        data.number(1, register);
        data.number(2, META_RANDOM);
    });
}

fn immediate(rule: &mut Messages, register: u32, value: &[u8]) {
    expression(rule, "immediate", |data| {
        data.number(1, register);
        data.nest(2, |operand| operand.attribute(1, value));
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

/// To the loopback address of the packet's family, at the port that it was for.
fn redirect(rule: &mut Messages) {
    expression(rule, "redir", |_| {});
}

/// To this port of a loopback address of its own.
fn lead_v4(rule: &mut Messages, port: u16) {
    random(rule, REGISTER);
    bits(rule, REGISTER, &LOOPBACK_BITS, &LOOPBACK_FIRST);
    lead(rule, IPV4, port);
}

/// The same for IPv6, whose loopback has one address.
fn lead_v6(rule: &mut Messages, port: u16) {
    immediate(rule, REGISTER, &PREFIX_V6);
    random(rule, REGISTER_END);
    lead(rule, IPV6, port);
}

/// To the address in the register, at this port.
fn lead(rule: &mut Messages, family: u8, port: u16) {
    immediate(rule, NEXT_REGISTER, &port.to_be_bytes());
    expression(rule, "nat", |data| {
        data.number(1, DESTINATION);
        data.number(2, family.into());
        data.number(3, REGISTER);
        data.number(5, NEXT_REGISTER);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A kernel before 6.10 acknowledges no end of a batch, and who waits for that waits for nothing.
    #[test]
    fn what_is_to_be_acknowledged_is_the_last_rule() {
        for ipv6 in [true, false] {
            let batch = encode(ipv6);
            let kinds: Vec<_> = batch.kinds().collect();
            let asks = |flags: u16| flags & ACKNOWLEDGE != 0;
            let asked: Vec<_> = (0..kinds.len()).filter(|at| asks(kinds[*at].1)).collect();
            assert_eq!(asked, [kinds.len() - 2]);
            assert_eq!(kinds[asked[0]].0, NEW_RULE);
            assert_eq!(kinds.last().unwrap().0, BATCH_END);
        }
    }
}

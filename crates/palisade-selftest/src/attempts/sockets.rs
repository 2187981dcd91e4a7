//! Sockets that the filter refuses, by family, type and protocol.

use palisade_core::Layer;
use rustix::io::Errno;

use crate::attempt::{Act, Attempt};

const fn socket(
    name: &'static str,
    tries: &'static str,
    (family, kind, protocol): (u16, u32, u32),
    answer: Errno,
) -> Attempt {
    Attempt { name, tries, layer: Layer::Process, act: Act::Socket(family, kind, protocol, answer) }
}

#[rustfmt::skip]
pub(super) static ATTEMPTS: &[Attempt] = &[
    socket("opens_raw_socket", "open a raw socket", (2, 3, 1), Errno::PERM),
    socket("opens_raw_socket_v6", "open a raw IPv6 socket", (10, 3, 58), Errno::PERM),
    socket("opens_raw_ip_socket", "open a socket of raw IP", (2, 3, 255), Errno::PERM),
    socket("opens_ping_socket", "open a ping socket", (2, 2, 1), Errno::ACCESS),
    socket("opens_ping_socket_v6", "open a ping socket of IPv6", (10, 2, 58), Errno::ACCESS),
    socket("opens_packet_socket", "open a packet socket", (17, 3, 768), Errno::AFNOSUPPORT),
    socket("opens_packet_datagrams", "open a socket of packets' contents", (17, 2, 768), Errno::AFNOSUPPORT),
    socket("opens_sctp_socket", "open an SCTP socket", (2, 1, 132), Errno::PROTONOSUPPORT),
    socket("opens_dccp_socket", "open a DCCP socket", (2, 6, 33), Errno::PROTONOSUPPORT),
    socket("opens_udplite_socket", "open a UDP-Lite socket", (2, 2, 136), Errno::PROTONOSUPPORT),
    socket("opens_udplite_socket_v6", "open a UDP-Lite socket of IPv6", (10, 2, 136), Errno::PROTONOSUPPORT),
    socket("opens_mptcp_socket", "open an MPTCP socket", (2, 1, 262), Errno::PROTONOSUPPORT),
    socket("opens_mptcp_socket_v6", "open an MPTCP socket of IPv6", (10, 1, 262), Errno::PROTONOSUPPORT),
    socket("opens_smc_socket_by_inet", "open an SMC socket as TCP", (2, 1, 256), Errno::PROTONOSUPPORT),
    socket("opens_vsock_socket", "open a socket to the hypervisor", (40, 1, 0), Errno::AFNOSUPPORT),
    socket("opens_crypto_socket", "open a socket of the kernel's crypto", (38, 5, 0), Errno::AFNOSUPPORT),
    socket("opens_xdp_socket", "open an AF_XDP socket", (44, 3, 0), Errno::AFNOSUPPORT),
    socket("opens_key_socket", "open a socket of IPsec keys", (15, 3, 2), Errno::AFNOSUPPORT),
    socket("opens_tipc_socket", "open a TIPC socket", (30, 5, 0), Errno::AFNOSUPPORT),
    socket("opens_bluetooth_socket", "open a Bluetooth socket", (31, 3, 1), Errno::AFNOSUPPORT),
    socket("opens_nfc_socket", "open an NFC socket", (39, 5, 0), Errno::AFNOSUPPORT),
    socket("opens_can_socket", "open a CAN socket", (29, 3, 1), Errno::AFNOSUPPORT),
    socket("opens_rds_socket", "open an RDS socket", (21, 5, 0), Errno::AFNOSUPPORT),
    socket("opens_smc_socket", "open an SMC socket", (43, 1, 0), Errno::AFNOSUPPORT),
    socket("opens_qrtr_socket", "open a socket to a modem", (42, 2, 0), Errno::AFNOSUPPORT),
    socket("opens_kcm_socket", "open a KCM socket", (41, 2, 0), Errno::AFNOSUPPORT),
    socket("opens_x25_socket", "open an X.25 socket", (9, 5, 0), Errno::AFNOSUPPORT),
    socket("opens_appletalk_socket", "open an AppleTalk socket", (5, 2, 0), Errno::AFNOSUPPORT),
    socket("opens_llc_socket", "open an LLC socket", (26, 2, 0), Errno::AFNOSUPPORT),
    socket("opens_phonet_socket", "open a Phonet socket", (35, 2, 0), Errno::AFNOSUPPORT),
    socket("opens_ieee802154_socket", "open an IEEE 802.15.4 socket", (36, 2, 0), Errno::AFNOSUPPORT),
    socket("opens_rxrpc_socket", "open an RxRPC socket", (33, 2, 2), Errno::AFNOSUPPORT),
    socket("opens_ppp_socket", "open a PPP socket", (24, 2, 0), Errno::AFNOSUPPORT),
    socket("opens_mctp_socket", "open an MCTP socket", (45, 2, 0), Errno::AFNOSUPPORT),
    socket("opens_raw_unix_socket", "open a raw unix socket", (1, 3, 0), Errno::PROTONOSUPPORT),
    socket("speaks_to_netfilter", "speak to the kernel's packet filter", (16, 3, 12), Errno::PROTONOSUPPORT),
    socket("speaks_to_sock_diag", "list and end sockets (sock_diag)", (16, 3, 4), Errno::PROTONOSUPPORT),
    socket("speaks_to_xfrm", "speak to the kernel's IPsec", (16, 3, 6), Errno::PROTONOSUPPORT),
    socket("speaks_to_audit", "speak to the kernel's audit", (16, 3, 9), Errno::PROTONOSUPPORT),
    socket("speaks_to_generic_netlink", "speak generic netlink", (16, 3, 16), Errno::PROTONOSUPPORT),
    socket("speaks_to_uevents", "listen to the kernel's events", (16, 3, 15), Errno::PROTONOSUPPORT),
    socket("speaks_to_connector", "listen to process events", (16, 3, 11), Errno::PROTONOSUPPORT),
    socket("speaks_to_rdma", "speak to RDMA", (16, 3, 20), Errno::PROTONOSUPPORT),
    socket("speaks_to_crypto", "speak to the kernel's crypto", (16, 3, 21), Errno::PROTONOSUPPORT),
    socket("speaks_to_scsi", "speak to SCSI transport", (16, 3, 18), Errno::PROTONOSUPPORT),
];

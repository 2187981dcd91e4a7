//! A packet to the resolver: an answer is one to this question, small enough, and says nothing of the outside.

use std::{net::IpAddr, sync::Arc};

use hickory_proto::{
    op::{Message, MessageType},
    rr::RData,
};
use palisade_core::{Action, Authority, BoxFuture, Decision, Event};
use palisade_egress::{Resolver, Services, SyntheticMap};

/// Permits the names below `example`.
struct Names;

impl Authority for Names {
    fn consider(&self, action: &Action) -> Decision {
        match action {
            Action::Resolve { name } if name.as_str().ends_with(".example") => {
                Decision::allow("network.rules[0]", "")
            }
            _ => Decision::deny("no rule names it"),
        }
    }

    fn authorize<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Decision> {
        Box::pin(async move { self.consider(action) })
    }

    fn record(&self, _: Event) -> BoxFuture<'_, bool> {
        Box::pin(std::future::ready(true))
    }
}

pub(crate) fn target(data: &[u8]) {
    let resolver = Resolver::new(Arc::new(Names), SyntheticMap::new(), Services::new());
    for room in [None, Some(512), Some(u16::MAX)] {
        let Some(answer) = super::block_on(resolver.answer(data, room)) else { continue };
        if room != Some(u16::MAX) {
            assert!(answer.len() <= 4096, "an answer of {} bytes", answer.len());
        }
        assert_eq!(answer[..2], data[..2], "the answer is to another question");
        let Ok(answer) = Message::from_vec(&answer) else { panic!("the answer cannot be read") };
        assert_eq!(answer.metadata.message_type, MessageType::Response);
        for record in &answer.answers {
            match &record.data {
                RData::A(address) => assert!(is_ours(IpAddr::V4(address.0)), "{address}"),
                RData::AAAA(address) => assert!(is_ours(IpAddr::V6(address.0)), "{address}"),
                RData::PTR(_) => {}
                other => panic!("it answers with {other}"),
            }
        }
    }
}

/// Whether it leads to the proxy, or nowhere else than into the sandbox itself.
fn is_ours(address: IpAddr) -> bool {
    match address {
        _ if address.is_loopback() => true,
        IpAddr::V4(address) => address.octets()[0] == 198 && (address.octets()[1] & 0xfe) == 18,
        IpAddr::V6(address) => address.segments()[0] == 0xfd70,
    }
}

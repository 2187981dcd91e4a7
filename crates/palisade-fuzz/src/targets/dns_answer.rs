//! A nameserver's answer: nobody's but that to our own question is taken, and no more than its bound.

use palisade_core::RecordKind;
use palisade_egress::fuzz::records;

pub(crate) fn target(data: &[u8]) {
    let Ok(name) = "a.example".parse() else { return };
    for kind in [RecordKind::Srv, RecordKind::Mx, RecordKind::Txt] {
        if let Some(taken) = records(&name, kind, data) {
            assert!(taken <= 32, "{taken} records");
        }
    }
}

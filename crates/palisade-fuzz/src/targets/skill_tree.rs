//! Archives and packed trees: no path leads out, and what is packed and unpacked is the same.

use palisade_skill_store::{Tree, source::unpack, visible};

use crate::input::text;

pub(crate) fn target(data: &[u8]) {
    for tree in [unpack(data).ok(), Tree::from_frames(data).ok()].into_iter().flatten() {
        for (path, _) in tree.iter() {
            let out = path.starts_with('/') || path.split('/').any(|name| name == "..");
            assert!(!out && !path.contains('\0'), "{path:?}");
        }
        match Tree::from_frames(&tree.to_frames()) {
            Ok(again) => assert_eq!(again.digest(), tree.digest()),
            Err(error) => panic!("{error}"),
        }
    }
    let shown = visible(&text(data));
    assert!(!shown.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{shown:?}");
}

//! A recording: what is played holds no sequence but those that draw, and to play what was played changes nothing.

use palisade_recording::{Moment, Piece, Sealed, SecretKey, Tamed, moments};

use crate::input::{number, text};

pub(crate) fn target(data: &[u8]) {
    let (at, rest) = number(data, 256);
    let lines = text(rest);
    if let Ok(moments) = moments(&lines) {
        for moment in moments {
            if let Moment::Output(_, text) = moment {
                harmless(&text, at);
            }
        }
    }
    harmless(&lines, at);
    if let Ok(sealed) = Sealed::open(rest, &SecretKey::generate(), "session") {
        let mut sealed = sealed;
        // It may end before a piece: that is said, and is no piece.
        let piece = sealed.next_piece();
        assert!(matches!(piece, Err(_) | Ok(None | Some(Piece::Cut))), "a piece that nobody sealed");
    }
}

fn harmless(text: &str, at: usize) {
    let whole = Tamed::default().text(text);
    let at = text.floor_char_boundary(at.min(text.len()));
    let mut tamed = Tamed::default();
    let cut = tamed.text(&text[..at]) + &tamed.text(&text[at..]);
    assert_eq!(cut, whole);
    assert_eq!(Tamed::default().text(&whole), whole);
    for (at, _) in whole.match_indices('\u{1b}') {
        let next = whole[at + 1..].chars().next();
        assert!(next.is_some_and(|next| "[78DEM".contains(next)), "{whole:?}");
    }
    let other = |c: char| c.is_control() && !"\u{1b}\n\r\t\u{8}".contains(c);
    assert!(!whole.contains(other), "{whole:?}");
}

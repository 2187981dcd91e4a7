//! An answer of events: the same comes out however it is cut, and what comes out is an answer in which no call is denied.

use palisade_inference::fuzz::{Answered, CHANGED, Wire, stream, translated_stream, whole};

use crate::input::{pieces, two};

const WIRES: [Wire; 4] = [Wire::Messages, Wire::Chat, Wire::Responses, Wire::Gemini];

pub(crate) fn target(data: &[u8]) {
    let (lengths, text) = two(data);
    for wire in WIRES {
        let once = stream(wire, &[text]);
        assert_eq!(stream(wire, &pieces(text, lengths)), once);
        nothing_denied_is_in(&once.out, wire, once.error.is_none(), &stream(wire, &[&once.out]));
        if once.error.is_none() {
            for to_chat in [true, false] {
                let there = translated_stream(to_chat, &[&once.out]);
                assert_eq!(translated_stream(to_chat, &pieces(&once.out, lengths)), there);
            }
        }
        let json = whole(wire, text);
        if json.error.is_none() {
            nothing_denied_is_in(&json.out, wire, true, &whole(wire, &json.out));
        }
    }
}

/// What came out, read once more.
fn nothing_denied_is_in(out: &[u8], wire: Wire, good: bool, again: &Answered) {
    let shown = || out.escape_ascii().to_string();
    if good {
        assert_eq!(again.error, None, "{wire:?} gives what it does not take: {}", shown());
    }
    for (name, input) in &again.asked {
        let Some(input) = input else { continue };
        assert!(!name.contains("bad"), "{wire:?} lets {name} pass: {}", shown());
        if name.contains("change") {
            assert!(input.contains(CHANGED), "{wire:?} does not change {name}: {}", shown());
        }
    }
}

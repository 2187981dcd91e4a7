use proptest::prelude::*;

use super::*;

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn signed(text: &str) -> (NamedKey, SignedNote) {
    let key = NamedKey::new("log.example/1", Use::Log, PublicKey::of(&pair(1))).unwrap();
    let bytes = Signature::by(&pair(1), text.as_bytes()).0.to_vec();
    let signature = NoteSignature { name: key.name.clone(), id: key.id(), bytes };
    (key, SignedNote { text: text.into(), signatures: vec![signature] })
}

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: "log.example/1".into(), size: 7, root: Hash::of(&[b"root"]) }
}

#[test]
fn a_note_reads_back_and_its_signature_holds() {
    let (key, note) = signed(&checkpoint().to_string());
    let again: SignedNote = note.to_string().parse().unwrap();
    assert_eq!(again, note);
    assert_eq!(again.checkpoint().unwrap(), checkpoint());
    assert_eq!(key.check(&again), Ok(None));
    let other = NamedKey { key: PublicKey::of(&pair(2)), ..key.clone() };
    assert!(matches!(other.check(&again), Err(NoteError::Unsigned(_))));
    let mut edited = again;
    edited.text = edited.text.replace("\n7\n", "\n8\n");
    assert!(matches!(key.check(&edited), Err(NoteError::False(_))));
}

/// The example of the `tlog-cosignature` specification: its keys are not given, its form is.
#[test]
fn the_specifications_example_parses() {
    let note = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        \u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    let parsed: SignedNote = note.parse().unwrap();
    assert_eq!(parsed.to_string(), note);
    assert_eq!(parsed.checkpoint().unwrap().size, 20_852_163);
    assert_eq!(parsed.signatures[1].bytes.len(), 72);
}

#[test]
fn keys_have_one_spelling() {
    let (key, _) = signed("x\n");
    assert_eq!(key.to_string().parse(), Ok(key.clone()));
    let text = key.to_string();
    for bad in
        ["", "a+b+c", &text.replace("log", "gol"), &text[..text.len() - 1], &format!("{text}A")]
    {
        assert!(bad.parse::<NamedKey>().is_err(), "{bad}");
    }
    assert!(NamedKey::new("a b", Use::Log, key.key).is_err());
    assert!(NamedKey::new("a+b", Use::Log, key.key).is_err());
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in ".{0,300}", bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for text in [text, String::from_utf8_lossy(&bytes).into_owned()] {
            drop(text.parse::<NamedKey>());
            drop(text.parse::<Checkpoint>());
            if let Ok(note) = text.parse::<SignedNote>() {
                prop_assert_eq!(note.to_string(), text);
            }
        }
    }

    #[test]
    fn a_changed_note_is_not_believed(at in any::<usize>(), with in 1..=255_u8) {
        let (key, note) = signed(&checkpoint().to_string());
        let mut bytes = note.to_string().into_bytes();
        let at = at % bytes.len();
        bytes[at] ^= with;
        let changed = String::from_utf8(bytes).ok().and_then(|text| text.parse::<SignedNote>().ok());
        prop_assert!(changed.is_none_or(|note| key.check(&note).is_err()));
    }
}

use std::fs;

use insta::assert_snapshot;

use super::{at_marks, said, wrong};

#[test]
fn what_no_text_of_a_policy_has() {
    let said = at_marks(&[
        ("nul", "palisade: 1\nextends: [▸\0shell]\n"),
        ("escape", "palisade: 1 # ▸\u{1b}[2Knothing to see\n"),
        ("eight_bit_control", "palisade: 1\nextends: [\"▸\u{9b}31m\"]\n"),
        ("carriage_return_alone", "palisade: 1▸\rnetwork: {}\n"),
        ("right_to_left_override", "palisade: 1\n# no ▸\u{202e}} :krowten\n"),
        ("isolate_in_a_value", "palisade: 1\nfilesystem: {deny: [\"~/▸\u{2067}ssh\"]}\n"),
        ("zero_width_space", "palisade: 1\n▸\u{200b}network: {}\n"),
        ("tag_characters", "palisade: 1 # ▸\u{e0041}\u{e0042}\n"),
        ("line_separator", "palisade: 1 # one▸\u{2028}extends: [claude-code]\n"),
        ("byte_order_mark_inside", "palisade: 1\n▸\u{feff}network: {}\n"),
        ("tab", "palisade: 1\nnetwork:\n▸\tunknown: deny\n"),
        ("tab_behind_blanks", "palisade: 1\nnetwork:\n  ▸\tunknown: deny\n"),
        ("each_line_is_told", "palisade: 1 # ▸\u{7}\n# ▸\u{8}\n"),
    ]);
    assert_snapshot!("text", said);
}

#[test]
fn what_is_no_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    let mut all = String::new();
    let utf16: Vec<u8> =
        "\u{feff}palisade: 1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let long = format!("palisade: 1\n# {}\n", "x".repeat(1 << 20));
    let cases: [(&str, &[u8], (usize, usize)); 8] = [
        ("not_utf8", b"palisade: 1\nextends: [\xc3\xa9, \xff\xfe]\n", (2, 14)),
        ("latin1", b"palisade: 1\n# caf\xe9\n", (2, 6)),
        ("utf16", &utf16, (1, 1)),
        ("a_program", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0\x01\0\0\0\xf0\x5f", (1, 25)),
        ("empty", b"", (0, 0)),
        ("blank", b"\n  \n\n", (0, 0)),
        ("only_a_comment", b"# palisade: 1\n", (0, 0)),
        ("huge", long.as_bytes(), (0, 0)),
    ];
    for (name, bytes, at) in cases {
        fs::write(&path, bytes).unwrap();
        let found = wrong(&path);
        let found_at: Vec<_> = found.iter().map(|one| (one.line, one.column)).collect();
        assert_eq!(found_at, [at], "{name}\n{found}");
        said(&mut all, name, &found, folder.path());
    }
    assert_snapshot!("no_text", all);
}

/// Editors of Windows begin a file with it, and end lines with CR and LF.
#[test]
fn a_byte_order_mark_and_crlf_are_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    fs::write(&path, "\u{feff}palisade: 1\r\nextends: [shell]\r\n").unwrap();
    palisade_policy::check_file(&path, std::path::Path::new(super::HOME)).unwrap();
}

//! A server's answer that reflects a secret: none of its forms comes through, however it is cut, and the length stays.

use palisade_egress::fuzz::scrub;

use crate::input::{pieces, two};

const SECRETS: [(&str, &str); 3] = [
    ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "ghp_zQ9x0aaK1mmWpLd84Vb7RrTt55NnYyUuIi33"),
    ("abababab", "xyzzyxyz"),
    ("s3cr3t/key+with=\"all\"&more", "q9w8e7/rty+uiop=\"asd\"&fghj"),
];

pub(crate) fn target(data: &[u8]) {
    let (lengths, stream) = two(data);
    for (secret, placeholder) in SECRETS {
        let Some(whole) = scrub(secret, placeholder, &[stream]) else { panic!("no such secret") };
        let Some(cut) = scrub(secret, placeholder, &pieces(stream, lengths)) else { return };
        assert_eq!(cut.out, whole.out);
        assert_eq!(cut.found, whole.found);
        assert_eq!(whole.out.len(), stream.len());
        for form in &whole.forms {
            assert!(
                !whole.out.windows(form.len()).any(|window| window == form),
                "{:?} comes through",
                form.escape_ascii().to_string()
            );
        }
        assert!(whole.found > 0 || whole.out == stream);
    }
}

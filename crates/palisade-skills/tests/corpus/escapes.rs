//! What stands between `⟦` and `⟧` in the corpus.
//!
//! | Form | Becomes |
//! |---|---|
//! | `U+200B`, `U+000A*50` | the character, once or so often |
//! | `xFF00` | these bytes |
//! | `line*50:TEXT` | the line, so often |
//! | `b64:`, `zb64:`, `u16b64:` | base64 of the text, of its zlib form, of its UTF-16 |
//! | `hex:`, `xhex:` | `6162`, `\x61\x62` |
//! | `rot13:`, `rev:`, `xor5a:`, `chars+7:` | turned, backwards, each byte xor 0x5a, a list of code points plus 7 |
//! | `tags:`, `zw:`, `vs:` | in the tag block, in zero-width bits, in variation selectors |
//! | `csscolors:` | as colours of a style sheet |
//!
//! They nest, and `\n` in a text is a new line.

use std::io::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The bytes of a body.
pub fn expand(text: &str) -> Vec<u8> {
    let mut stack = vec![vec![]];
    for c in text.chars() {
        match c {
            '⟦' => stack.push(vec![]),
            '⟧' => {
                let inner = stack.pop().expect("an open bracket");
                let bytes = directive(&inner);
                stack.last_mut().expect("a bracket too many is closed").extend(bytes);
            }
            _ => {
                let mut buffer = [0; 4];
                let encoded = c.encode_utf8(&mut buffer).as_bytes();
                stack.last_mut().expect("the body").extend_from_slice(encoded);
            }
        }
    }
    assert_eq!(stack.len(), 1, "a bracket is left open");
    stack.pop().unwrap_or_default()
}

fn directive(inner: &[u8]) -> Vec<u8> {
    if let Some(point) = inner.strip_prefix(b"U+") {
        let text = String::from_utf8_lossy(point);
        let (point, times) = text.split_once('*').unwrap_or((&text, "1"));
        let c = char::from_u32(u32::from_str_radix(point, 16).unwrap()).unwrap();
        return c.to_string().repeat(times.parse().unwrap()).into_bytes();
    }
    let Some(colon) = inner.iter().position(|byte| *byte == b':') else {
        let digits =
            String::from_utf8_lossy(inner.strip_prefix(b"x").expect("a form")).into_owned();
        return digits
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
    };
    let (name, content) = (String::from_utf8_lossy(&inner[..colon]), lines(&inner[colon + 1..]));
    encode(&name, &content)
}

fn lines(content: &[u8]) -> Vec<u8> {
    let mut out = vec![];
    let mut bytes = content.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' && bytes.peek() == Some(&b'n') {
            bytes.next();
            out.push(b'\n');
        } else {
            out.push(byte);
        }
    }
    out
}

/// The content in the encoding of this name.
pub fn encode(name: &str, content: &[u8]) -> Vec<u8> {
    let text = || String::from_utf8_lossy(content).into_owned();
    let joined =
        |strings: &mut dyn Iterator<Item = String>| strings.collect::<String>().into_bytes();
    match name {
        "b64" => STANDARD.encode(content).into_bytes(),
        "zb64" => {
            let mut encoder = flate2::write::ZlibEncoder::new(vec![], flate2::Compression::best());
            encoder.write_all(content).unwrap();
            STANDARD.encode(encoder.finish().unwrap()).into_bytes()
        }
        "u16b64" => {
            let units: Vec<u8> = text().encode_utf16().flat_map(u16::to_le_bytes).collect();
            STANDARD.encode(units).into_bytes()
        }
        "hex" => joined(&mut content.iter().map(|byte| format!("{byte:02x}"))),
        "xhex" => joined(&mut content.iter().map(|byte| format!("\\x{byte:02x}"))),
        "rot13" => content
            .iter()
            .map(|byte| match byte {
                b'a'..=b'z' => (byte - b'a' + 13) % 26 + b'a',
                b'A'..=b'Z' => (byte - b'A' + 13) % 26 + b'A',
                other => *other,
            })
            .collect(),
        "rev" => content.iter().rev().copied().collect(),
        "xor5a" => content.iter().map(|byte| byte ^ 0x5a).collect(),
        "chars+7" => {
            let codes: Vec<String> =
                content.iter().map(|byte| (u32::from(*byte) + 7).to_string()).collect();
            codes.join(",").into_bytes()
        }
        "tags" => joined(
            &mut text()
                .chars()
                .filter_map(|c| char::from_u32(0xE0000 + c as u32))
                .map(String::from),
        ),
        "zw" => joined(&mut content.iter().flat_map(|byte| {
            (0..8).rev().map(move |bit| {
                if byte >> bit & 1 == 1 { "\u{200C}" } else { "\u{200B}" }.to_owned()
            })
        })),
        "vs" => joined(&mut content.iter().map(|byte| {
            let byte = u32::from(*byte);
            let point = if byte < 16 { 0xFE00 + byte } else { 0xE0100 + byte - 16 };
            char::from_u32(point).unwrap().to_string()
        })),
        "csscolors" => {
            let mut content = content.to_vec();
            content.resize(content.len().div_ceil(3) * 3, 0);
            let colours = content.chunks(3).enumerate();
            joined(
                &mut colours
                    .map(|(n, c)| format!("  --c{n}: #{:02x}{:02x}{:02x};\n", c[0], c[1], c[2])),
            )
        }
        line if line.starts_with("line*") => {
            let times: usize = line.trim_start_matches("line*").parse().unwrap();
            [content, b"\n"].concat().repeat(times)
        }
        other => panic!("no encoding {other}"),
    }
}

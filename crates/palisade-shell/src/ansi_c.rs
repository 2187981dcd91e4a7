//! The escapes of `$'…'` (bash manual, 3.1.2.4).

/// What the text between the quotes stands for; `None` if that is no text, or cuts itself off with a NUL.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let put = |out: &mut Vec<u8>, c: char| {
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    };
    while let Some(c) = rest.next() {
        if c != '\\' {
            put(&mut out, c);
            continue;
        }
        let digits =
            |rest: &mut std::iter::Peekable<std::str::Chars<'_>>, radix: u32, most: usize| {
                let (mut value, mut count) = (0u32, 0);
                while count < most
                    && let Some(digit) = rest.peek().and_then(|c| c.to_digit(radix))
                {
                    value = value * radix + digit;
                    rest.next();
                    count += 1;
                }
                (count > 0).then_some(value)
            };
        match rest.next()? {
            'a' => out.push(7),
            'b' => out.push(8),
            'e' | 'E' => out.push(27),
            'f' => out.push(12),
            'n' => out.push(b'\n'),
            'r' => out.push(b'\r'),
            't' => out.push(b'\t'),
            'v' => out.push(11),
            c @ ('\\' | '\'' | '"' | '?') => put(&mut out, c),
            c @ '0'..='7' => {
                let mut value = c.to_digit(8)?;
                for _ in 0..2 {
                    let Some(digit) = digits(&mut rest, 8, 1) else { break };
                    value = value * 8 + digit;
                }
                out.push((value & 0xff) as u8);
            }
            'x' => out.push(u8::try_from(digits(&mut rest, 16, 2)?).ok()?),
            'u' => put(&mut out, char::from_u32(digits(&mut rest, 16, 4)?)?),
            'U' => put(&mut out, char::from_u32(digits(&mut rest, 16, 8)?)?),
            // What a control escape makes of its letter, no command needs.
            'c' => return None,
            other => {
                out.push(b'\\');
                put(&mut out, other);
            }
        }
    }
    if out.contains(&0) {
        return None;
    }
    String::from_utf8(out).ok()
}

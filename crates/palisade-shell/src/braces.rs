/// The texts that `{a,b}` in a text stands for: the text itself if it has none, and no more than 64.
pub fn alternatives(text: &str) -> Vec<String> {
    const MOST: usize = 64;
    let mut waiting = vec![text.to_owned()];
    let mut out = Vec::new();
    while let Some(text) = waiting.pop() {
        let braces = text.rfind('{').and_then(|open| {
            let (before, rest) = text.split_at(open);
            let (inner, after) = rest.get(1..)?.split_once('}')?;
            inner.contains(',').then_some((before, inner, after))
        });
        match braces {
            Some((before, inner, after)) => {
                waiting.extend(inner.split(',').map(|one| format!("{before}{one}{after}")));
            }
            None => out.push(text),
        }
        if out.len() + waiting.len() > MOST {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_are_what_they_stand_for() {
        for (text, expected) in [
            ("a", &["a"][..]),
            ("{a,b}", &["a", "b"]),
            ("x{a,b}y", &["xay", "xby"]),
            ("{a,b{c,d}}", &["a", "a", "bc", "bd"]),
            ("{a}", &["{a}"]),
            ("{a", &["{a"]),
        ] {
            let mut found = alternatives(text);
            found.sort();
            assert_eq!(found, expected, "{text}");
        }
        assert!(alternatives(&"{a,b}".repeat(100)).len() <= 65);
    }
}

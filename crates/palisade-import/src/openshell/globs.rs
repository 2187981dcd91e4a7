//! Globs of OpenShell's engine in the form of a policy.
//!
//! In paths its `*` stays within a name, and so does `**` that is no whole name; a whole `**` is at least a slash with
//! what follows. In other values its `*` stays between dots, which nothing here does.

use palisade_core::PathPattern;

/// What a pattern is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    Allow,
    Deny,
}

/// The most patterns that one stands for.
const MOST: usize = 64;
/// No pattern is longer, in bytes: its alternatives are written out, one behind the other.
const LONGEST: usize = 4096;

/// Paths that mean no more than this one for an allow, and no less for a deny.
pub(super) fn paths(glob: &str, used: For) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    for glob in alternatives(glob)? {
        let glob = if glob == "**" { "/**".to_owned() } else { glob };
        let glob = rooted(single(&glob, used)?, used)?;
        let names = glob.split('/').skip(1).map(|name| match name {
            "**" if glob == "/**" || used == For::Deny => "**".to_owned(),
            // There the path `/a` is not among `/a/**`, and here it is.
            "**" => "*/**".to_owned(),
            // A `**` in a name is a `*`.
            name => within(name),
        });
        let path = format!("/{}", names.collect::<Vec<_>>().join("/"));
        path.parse::<PathPattern>().map_err(|why| format!("`{path}`: {why}"))?;
        // A `*` there may be nothing at all.
        if used == For::Deny
            && let Some(folder) = path.strip_suffix('*').filter(|rest| rest.ends_with('/'))
        {
            out.push(folder.to_owned());
        }
        out.push(path);
    }
    out.sort();
    out.dedup();
    Ok(out)
}

/// Programs that mean no more than this path, which has no wildcard but `*`.
pub(super) fn program(path: &str) -> String {
    let mut names = path.split('/').peekable();
    let mut out = Vec::new();
    while let Some(name) = names.next() {
        out.push(match name {
            // There it is at least one name, and here it may be none.
            "**" if names.peek().is_some() => "*/**".to_owned(),
            "**" => name.to_owned(),
            name => within(name),
        });
    }
    out.join("/")
}

/// A path from the root. Without a slash there none is meant, unless a star has it.
fn rooted(glob: String, used: For) -> Result<String, String> {
    if glob.starts_with('/') {
        return Ok(glob);
    }
    if used == For::Allow {
        return Err(format!("`{glob}` does not begin with a slash, as every path does"));
    }
    let rest = glob.trim_start_matches('*');
    Ok(if rest.starts_with('/') { format!("/**{rest}") } else { format!("/**/{glob}") })
}

/// A value that is no path.
pub(super) fn text(glob: &str, used: For, dots: bool) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    for glob in alternatives(glob)? {
        let glob = single(&glob, used)?;
        let lone = within(&glob.replace("**", "\u{1}")).contains('*');
        if used == For::Allow && dots && lone {
            return Err(format!("the `*` of `{glob}` stays between dots, and none does here"));
        }
        out.push(within(&glob));
    }
    Ok(out)
}

/// Stars behind each other as one.
fn within(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c != '*' || !out.ends_with('*') {
            out.push(c);
        }
    }
    out
}

/// Without what stands for one character: none does here.
fn single(glob: &str, used: For) -> Result<String, String> {
    if !glob.contains(['?', '[', ']', '\\']) {
        return Ok(glob.to_owned());
    }
    if used == For::Allow {
        return Err(format!("`{glob}`: nothing stands for single characters in a policy"));
    }
    let odd = || Err(format!("`{glob}`: what its single characters stand for is not understood"));
    let mut out = String::new();
    let mut chars = glob.chars();
    while let Some(c) = chars.next() {
        match c {
            '?' => out.push('*'),
            '[' => {
                let class: String = chars.by_ref().take_while(|c| *c != ']').collect();
                // A bracket that comes first is one of its characters.
                if matches!(class.as_str(), "" | "!" | "^") || class.contains(['/', '[', '\\']) {
                    return odd();
                }
                out.push('*');
            }
            '\\' if chars.next() == Some('/') => out.push('/'),
            '\\' => out.push('*'),
            ']' => return odd(),
            c => out.push(c),
        }
    }
    Ok(out)
}

/// What `{a,b}` stands for.
fn alternatives(glob: &str) -> Result<Vec<String>, String> {
    if glob.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    if glob.contains(['{', '}']) && glob.contains(['[', '\\']) {
        return Err(format!("the braces of `{glob}` are not understood"));
    }
    let mut open = vec![glob.to_owned()];
    let mut done = Vec::new();
    while let Some(glob) = open.pop() {
        if open.len() + done.len() >= MOST {
            return Err(format!("it stands for more than {MOST} patterns"));
        }
        let Some((start, rest)) = glob.split_once('{') else {
            if glob.contains('}') {
                return Err(format!("the braces of `{glob}` are not understood"));
            }
            done.push(glob);
            continue;
        };
        let Some((inner, end)) = rest.split_once('}').filter(|(inner, _)| !inner.contains('{'))
        else {
            return Err(format!("the braces of `{glob}` are not understood"));
        };
        for choice in inner.split(',') {
            open.push(format!("{start}{choice}{end}"));
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn allows_mean_no_more_and_denies_no_less() {
        for (glob, allow, deny) in [
            ("**", "/**", "/**"),
            ("/**", "/**", "/**"),
            ("/v1/**", "/v1/*/**", "/v1/**"),
            ("/v1/*", "/v1/*", "/v1/ /v1/*"),
            ("/a**b", "/a*b", "/a*b"),
            ("/{a,b}/c", "/a/c /b/c", "/a/c /b/c"),
            ("/a/**/b", "/a/*/**/b", "/a/**/b"),
        ] {
            assert_eq!(paths(glob, For::Allow).unwrap().join(" "), allow, "{glob}");
            assert_eq!(paths(glob, For::Deny).unwrap().join(" "), deny, "{glob}");
        }
        for (glob, deny) in [
            ("**/admin", "/**/admin"),
            ("**/*.pem", "/**/*.pem"),
            ("*/admin", "/**/admin"),
            ("*", "/**/ /**/*"),
            ("admin", "/**/admin"),
            (r"/a\/b", "/a/b"),
        ] {
            assert_eq!(paths(glob, For::Deny).unwrap().join(" "), deny, "{glob}");
            assert!(paths(glob, For::Allow).is_err(), "{glob}");
        }
        for glob in ["/x[]a]y", "/x[!]a]y", "/a[/]b", "/a]", "/x[{a]}y", r"/\{a,b\}", "/a}"] {
            assert!(paths(glob, For::Deny).is_err(), "{glob}");
        }
        assert!(paths(&format!("/{}", "{a}".repeat(300_000)), For::Deny).is_err());
        for (path, expected) in [
            ("/opt/**/node", "/opt/*/**/node"),
            ("/usr/**", "/usr/**"),
            ("/**", "/**"),
            ("/a***/b", "/a*/b"),
        ] {
            assert_eq!(program(path), expected);
        }
        assert!(paths("/a?", For::Allow).is_err());
        assert_eq!(paths("/a[!0]?x", For::Deny).unwrap(), ["/a*x"]);
        assert!(text("1.*", For::Allow, true).is_err());
        assert_eq!(text("**", For::Allow, true).unwrap(), ["*"]);
        assert_eq!(text("1.*", For::Deny, true).unwrap(), ["1.*"]);
    }

    /// The engine's own comparison: a whole `**` is anything, another star anything within a name.
    fn there(glob: &str, path: &str) -> bool {
        fn at(glob: &[u8], path: &[u8], start: bool) -> bool {
            match glob {
                [] => path.is_empty(),
                [b'*', b'*', rest @ ..] if start && matches!(rest, [] | [b'/', ..]) => {
                    (0..=path.len()).any(|taken| at(rest, &path[taken..], false))
                }
                [b'*', rest @ ..] => {
                    let name = path.iter().take_while(|byte| **byte != b'/').count();
                    (0..=name).any(|taken| at(rest, &path[taken..], false))
                }
                [byte, rest @ ..] => {
                    path.first() == Some(byte) && at(rest, &path[1..], *byte == b'/')
                }
            }
        }
        at(glob.as_bytes(), path.as_bytes(), true)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn no_path_is_allowed_or_spared_that_was_not(
            glob in "(\\*|\\*\\*|a|)(/(a|b|\\*|\\*\\*|a\\*|\\*b|a\\*\\*)){0,4}",
            path in "(/(a|b|ab|aab)){1,4}/?",
        ) {
            let Ok(read) = palisade_core::HttpPath::parse(path.as_bytes()) else { return Ok(()) };
            let any = |used, fits: &dyn Fn(&PathPattern) -> bool| {
                paths(&glob, used).unwrap_or_default().iter().any(|path| fits(&path.parse().unwrap()))
            };
            if any(For::Allow, &|pattern| pattern.allows(&read)) {
                prop_assert!(there(&glob, &path), "{} allows {}", glob, path);
            }
            if there(&glob, &path) && !paths(&glob, For::Deny).unwrap_or_default().is_empty() {
                prop_assert!(any(For::Deny, &|pattern| pattern.denies(&read)), "{} spares {}", glob, path);
            }
        }

        #[test]
        fn what_comes_out_is_a_pattern(glob in "[a{},*?/.!\\[\\]]{0,24}") {
            for used in [For::Allow, For::Deny] {
                for path in paths(&glob, used).unwrap_or_default() {
                    prop_assert!(path.parse::<PathPattern>().is_ok(), "{}", path);
                }
            }
        }
    }
}

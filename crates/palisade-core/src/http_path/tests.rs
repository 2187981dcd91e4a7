use proptest::prelude::*;

use super::*;

fn path(raw: &str) -> HttpPath {
    HttpPath::parse(raw.as_bytes()).unwrap_or_else(|error| panic!("{raw}: {error}"))
}

fn pattern(text: &str) -> PathPattern {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn patterns_take_whole_names() {
    for (glob, raw) in [
        ("/", "/"),
        ("/**", "/"),
        ("/**", "/a/b/"),
        ("/a", "/a"),
        ("/a", "/%61"),
        ("/a/", "/a/"),
        ("/a/**", "/a"),
        ("/a/**", "/a/b/c"),
        ("/a/**", "/a//b"),
        ("/a/**/z", "/a/z"),
        ("/a/**/z", "/a/b/z/z"),
        ("/**/a/**/b", "/x/a/b/a/c/b"),
        ("/repos/*/*/pulls", "/repos/o/r/pulls"),
        ("/repos/acme-*", "/repos/acme-"),
        ("/v*/x", "/v1.2/x"),
        ("/wiki/é", "/wiki/%c3%a9"),
        ("/@types%2f*", "/@types%2Fnode"),
        ("/**", "/@types%2fnode"),
        ("/**", "/a;v=1/b."),
    ] {
        assert!(pattern(glob).allows(&path(raw)), "{glob} {raw}");
    }
    for (glob, raw) in [
        ("/", "/a"),
        ("/a", "/a/"),
        ("/a", "/A"),
        ("/a", "/ab"),
        ("/a/*", "/a"),
        ("/a/*", "/a/"),
        ("/a/*", "/a/b/c"),
        ("/a/*", "/a//b"),
        ("/a/*/b", "/a//b"),
        ("/a/**", "/ab"),
        ("/a/**", "//a/b"),
        ("/@types/*", "/@types%2fnode"),
        ("/@types*", "/@types%2fnode"),
        ("/@types%2f*", "/@types%2fnode/x"),
        ("/a/*", "/a;x"),
        ("/a/b", "/a/b."),
        ("/a/b", "/a/b%20"),
    ] {
        assert!(!pattern(glob).allows(&path(raw)), "{glob} {raw}");
    }
}

#[test]
fn a_denied_path_is_denied_however_it_is_spelled() {
    for raw in [
        "/admin/keys",
        "/%61dmin/keys",
        "/ADMIN/keys",
        "//admin/keys",
        "/admin//keys",
        "/admin/keys/",
        "/admin%2fkeys",
        "/admin%2f/keys",
        "/admin;jsession=1/keys",
        "/;/admin/keys",
        "/admin/keys.",
        "/admin/keys%20",
        "/admin/keys;x=.%20",
    ] {
        assert!(pattern("/admin/keys").denies(&path(raw)), "{raw}");
        assert!(pattern("/admin/**").denies(&path(raw)), "{raw}");
    }
    assert!(pattern("/admin/**").denies(&path("/admin")));
    assert!(pattern("/a%2fb").denies(&path("/a/b")));
    assert!(!pattern("/admin/**").denies(&path("/administrator")));
}

#[test]
fn what_two_servers_may_read_differently_is_refused() {
    use AmbiguousPath::*;
    for (raw, why) in [
        ("", Relative),
        ("*", Relative),
        ("a/b", Relative),
        ("/a b", Raw),
        ("/a\0", Raw),
        ("/é", Raw),
        ("/a#b", Raw),
        ("/a%", Escape),
        ("/a%4", Escape),
        ("/a%zz", Escape),
        ("/%u002e", Escape),
        ("/%252e%252e/x", Twice),
        ("/%25%32%65", Twice),
        ("/%25u002e", Twice),
        ("/a\\b", Backslash),
        ("/a%5cb", Backslash),
        ("/a%00", Control),
        ("/a%0d%0a", Control),
        ("/a%c2%85", Control),
        ("/a%3fb", Delimiter),
        ("/a%23b", Delimiter),
        ("/a%3bb", Delimiter),
        ("/a;x%2fb", Parameter),
        ("/a%ff", NotUtf8),
        ("/%c0%ae%c0%ae/", NotUtf8),
        ("/%ef%bc%8e%ef%bc%8e/x", Unicode),
        ("/a%ef%bc%8fb", Unicode),
        ("/e%cc%81", Unicode),
        ("/se%c2%adcret", Unicode),
        ("/a/../b", Dots),
        ("/a/.", Dots),
        ("/a/%2e%2E/b", Dots),
        ("/a/.%2e/b", Dots),
        ("/a/..;/b", Dots),
        ("/a/..;x=1/b", Dots),
        ("/a%2f..%2fb", Dots),
        ("/a/.../b", Dots),
        ("/a/..%20/b", Dots),
        ("/a/%20./b", Dots),
    ] {
        assert_eq!(HttpPath::parse(raw.as_bytes()).unwrap_err(), why, "{raw}");
    }
    let long = format!("/{}", "x".repeat(LONGEST));
    assert_eq!(HttpPath::parse(long.as_bytes()).unwrap_err(), TooLong);
    // What only looks like it.
    for raw in ["/a..b", "/.git", "/..a", "/100%25", "/a+b", "/a&b=c", "/%E2%82%AC", "/~u/x@2"] {
        path(raw);
    }
}

#[test]
fn what_no_path_can_be_is_no_pattern() {
    for text in [
        "",
        "a",
        "/a?b",
        "/a#b",
        "/a%20b",
        "/a//b",
        "/a/../b",
        "/.",
        "/a**",
        "/**b",
        "/a\\b",
        "/a;b",
        "/\u{1}",
        "/e\u{301}",
        "/ａ",
    ] {
        assert!(text.parse::<PathPattern>().is_err(), "{text:?} was taken");
    }
}

#[test]
fn patterns_cover_patterns() {
    for (most, asked) in [
        ("/**", "/"),
        ("/**", "/a/**/b/"),
        ("/a/**", "/a/*"),
        ("/a/**", "/a/b/**"),
        ("/a/**/b", "/a/**/x/b"),
        ("/a/*", "/a/b*"),
        ("/a-*", "/a-b-*"),
        ("/a/", "/a/"),
        ("/a%2f*", "/a%2fb"),
    ] {
        assert!(pattern(most).covers(&pattern(asked)), "{most} {asked}");
    }
    for (most, asked) in [
        ("/", "/**"),
        ("/a/*", "/a/**"),
        ("/a/*", "/a/*/b"),
        ("/a/**", "/**"),
        ("/a", "/a/"),
        ("/a", "/A"),
        ("/*/a", "/**/a"),
        ("/a/b", "/a%2fb"),
        ("/a-b-*", "/a-*"),
    ] {
        assert!(!pattern(most).covers(&pattern(asked)), "{most} {asked}");
    }
}

/// A server, as simply as it may be written: to what names it comes, or `None` if it would refuse.
#[derive(Debug, Clone, Copy)]
struct Server {
    decodes: usize,
    decodes_first: bool,
    parameters: bool,
    resolves: bool,
    merges: bool,
    backslash: bool,
    trims: bool,
    folds: bool,
}

fn percent(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let digits = text.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
        let byte_of = |two: &str| u8::from_str_radix(two, 16).ok();
        match digits.filter(|_| byte == b'%').and_then(byte_of) {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

impl Server {
    fn names(self, raw: &str) -> (Vec<String>, bool) {
        let decode = |bytes: &[u8]| (0..self.decodes).fold(bytes.to_vec(), |b, _| percent(&b));
        let mut whole = raw.as_bytes().to_vec();
        if self.decodes_first {
            whole = decode(&whole);
        }
        let slash = |byte: &u8| *byte == b'/' || (self.backslash && *byte == b'\\');
        let mut names: Vec<String> = Vec::new();
        let mut closed = false;
        for name in whole.split(slash).skip(1) {
            let name = if self.decodes_first { name.to_vec() } else { decode(name) };
            let mut name = String::from_utf8_lossy(&name).into_owned();
            if self.parameters {
                name = name.split(';').next().unwrap_or_default().to_owned();
            }
            closed = name.is_empty();
            if self.resolves && (name == "." || name == "..") {
                if name == ".." {
                    names.pop();
                }
                closed = true;
                continue;
            }
            if self.trims {
                name = name.trim_end_matches(['.', ' ']).to_owned();
            }
            if self.folds {
                name = name.to_lowercase();
            }
            names.push(name);
        }
        if names.last().is_some_and(String::is_empty) {
            names.pop();
        }
        if self.merges {
            names.retain(|name| !name.is_empty());
        }
        (names, closed)
    }
}

/// The meaning of a pattern, as simply as it may be written.
fn means(pattern: &[&str], names: &[String]) -> bool {
    match pattern.split_first() {
        None => names.is_empty(),
        Some((&"**", rest)) => (0..=names.len()).any(|skip| means(rest, &names[skip..])),
        Some((&"*", rest)) => {
            names.split_first().is_some_and(|(name, names)| !name.is_empty() && means(rest, names))
        }
        Some((wanted, rest)) => {
            names.split_first().is_some_and(|(name, names)| name == wanted && means(rest, names))
        }
    }
}

fn server() -> impl Strategy<Value = Server> {
    (1..3usize, any::<[bool; 7]>()).prop_map(
        |(decodes, [decodes_first, parameters, resolves, merges, backslash, trims, folds])| {
            Server { decodes, decodes_first, parameters, resolves, merges, backslash, trims, folds }
        },
    )
}

fn raw() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a", "b", "A", "/", "/", "/", ".", "..", "%2e", "%2E", "%2f", "%5c", "\\", ";", ";x=1",
        "%25", "%252e", "%252f", "2f", "%61", "%20", "*", "%3b", "//", "%",
    ]);
    let torn = prop::collection::vec(piece, 0..9);
    let slash = prop::sample::select(vec!["/", "/", "/", "//", "%2f", "/;/", "\\"]);
    let name = prop::sample::select(vec![
        "a", "b", "aa", "A", "..", ".", "%2e%2e", ".%2e", "..;x", "a;x", "b.", "%252e", "%61",
    ]);
    let names = prop::collection::vec((slash, name), 1..5);
    prop_oneof![
        torn.prop_map(|pieces| format!("/{}", pieces.concat())),
        names.prop_map(|names| {
            let all: String = names.iter().flat_map(|(slash, name)| [*slash, *name]).collect();
            format!("/{}", all.strip_prefix('/').unwrap_or(&all))
        }),
    ]
}

fn glob_text() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "*", "**", "aa"]);
    (prop::collection::vec(name, 0..4)).prop_map(|names| format!("/{}", names.join("/")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_deny_is_got_round_by_no_spelling(text in glob_text(), raw in raw(), server in server()) {
        let names: Vec<&str> = text.split('/').skip(1).filter(|name| !name.is_empty()).collect();
        let (found, _) = server.names(&raw);
        if let Ok(path) = HttpPath::parse(raw.as_bytes())
            && means(&names, &found)
        {
            prop_assert!(pattern(&text).denies(&path), "{text} {raw} {found:?}");
        }
    }

    #[test]
    fn an_allow_takes_only_what_every_server_finds_within(
        text in glob_text(), raw in raw(), server in server(),
    ) {
        let names: Vec<&str> = text.split('/').skip(1).filter(|name| !name.is_empty()).collect();
        if let Ok(path) = HttpPath::parse(raw.as_bytes())
            && pattern(&text).allows(&path)
        {
            let server = Server { folds: false, ..server };
            let (found, closed) = server.names(&raw);
            prop_assert!(means(&names, &found), "{text} {raw} {found:?}");
            prop_assert!(!closed || found.is_empty() || names.last() == Some(&"**"));
            // What allows takes, denies takes.
            prop_assert!(pattern(&text).denies(&path));
        }
    }

    #[test]
    fn to_read_what_was_read_changes_nothing(raw in raw()) {
        if let Ok(path) = HttpPath::parse(raw.as_bytes()) {
            let literal = &path.readings[0];
            let written: String = literal.segments.iter().fold(String::new(), |all, segment| {
                all + "/" + &segment.replace('%', "%25").replace('/', "%2f").replace(' ', "%20")
            });
            let end = if literal.closed { "/" } else { "" };
            prop_assert_eq!(HttpPath::parse(format!("{written}{end}").as_bytes()), Ok(path));
        }
    }

    #[test]
    fn no_bytes_panic(raw in prop::collection::vec(any::<u8>(), 0..40), text in ".{0,20}") {
        let mut rooted = vec![b'/'];
        rooted.extend(raw);
        if let (Ok(path), Ok(pattern)) = (HttpPath::parse(&rooted), text.parse::<PathPattern>()) {
            prop_assert!(!pattern.allows(&path) || pattern.denies(&path));
        }
    }

    #[test]
    fn what_covers_allows_all(most in glob_text(), asked in glob_text(), raw in raw()) {
        let (most, asked) = (pattern(&most), pattern(&asked));
        if let Ok(path) = HttpPath::parse(raw.as_bytes()) {
            prop_assert!(!most.covers(&asked) || !asked.allows(&path) || most.allows(&path));
        }
    }
}

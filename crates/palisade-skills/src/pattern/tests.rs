use super::{classes::plain, lower::lowered, narrowed::Choices, *};

#[test]
fn a_boundary_is_told_from_an_escaped_backslash() {
    assert_eq!(plain(r"\bcurl\\b\s[\d.]"), r"(?-u:\b)curl\\b\s[[0-9].]");
}

#[test]
fn a_command_behind_a_word_of_another_script_is_one() {
    let curl = pattern(r"(?i)\bcurl\b");
    for text in ["curl x", "运行curl下载", "を curl、"] {
        assert!(curl.is_match(text), "{text}");
    }
    assert!(!curl.is_match("curling libcurl"));
    let word = pattern(r"^[\w-]+ \w\d$");
    assert!(word.is_match("fin-étape é1"));
    assert!(!word.is_match("a.b c1"));
    let other = pattern(r"(?i)^[^\w.$-]+$");
    assert!(other.is_match("!? ") && other.is_match("]["));
    for text in ["a", "_", "7", ".", "-", "é", "\u{17f}", "\u{212a}", "下"] {
        assert!(!other.is_match(text), "{text}");
        assert_eq!(pattern(r"(?i)^\w$").is_match(text), !".-".contains(text), "{text}");
        assert!(pattern(r"(?i)^[\w.-]$").is_match(text), "{text}");
        assert_eq!(code(r"(?i)^[\w]+$").is_match(text), !".-".contains(text), "{text}");
    }
    assert!(pattern(r"^[]\w]+[^]\w]$").is_match("]a!"));
}

/// A class with every character past ASCII in it took a tenth of a second where case says nothing, and there are
/// scores of them in each process that reads.
#[test]
fn a_word_costs_little_where_case_says_nothing() {
    let classes = [r"(?i)\w", r"(?i)[\w.-]", r"(?i)[^\w.$'-]"];
    for text in classes.map(plain) {
        let mut rest = text.as_str();
        while let Some(at) = rest.find("[^\\x00-\\x7f]") {
            // It stands by itself, and not in another class.
            assert!(rest[..at].ends_with('|'), "{text}");
            rest = &rest[at + 1..];
        }
    }
}

fn lists(pattern: &str) -> Vec<Vec<String>> {
    required::Required::of(pattern).0.lists
}

#[test]
fn what_a_pattern_requires_is_read_off_it() {
    assert_eq!(lists(r"(?i)\bCurl\s+-d\b"), [["curl"], ["-d"]]);
    assert_eq!(lists(r#"(?:fs|os)\.unlink(?:Sync)?\(["']"#)[0][0], "fs.unlinksync(\"");
    assert_eq!(lists(r"[^\n]{0,80}(?:pay|send)+x*"), [["pay", "send"]]);
    assert_eq!(lists(r"(?P<a>ab)[]x]?[^]x]cd"), [["cd"].as_slice(), &["ab]", "abx", "ab"]]);
    assert_eq!(lists(r"ab{2}c\u{e9}d é ef"), [["d é ef"], ["a"], ["b"], ["c"]]);
    assert_eq!(lists(r"不必(提|说)|sé \x22x|[^a]%"), [["不必提", "不必说", "sé \"x", "%"]]);
    assert_eq!(lists(r"(?i)不必(提|说)|é!"), [["不必提", "不必说", "é!", "É!"]]);
    assert_eq!(lists(r"[a-c&&[^b]][[:alpha:]]gh"), [["gh"]]);
    // Nothing, where one way to match holds nothing, or where it is not understood.
    for pattern in [r"abc|\w+", r"(?:abc)?", r"(?:abc|)", r"(?x) a b c", r"\x{61}b?", "", r"abc|."]
    {
        assert_eq!(lists(pattern), <[[&str; 0]; 0]>::default(), "{pattern}");
    }
}

#[test]
fn what_a_pattern_requires_is_told_at_a_glance() {
    let texts =
        |pattern| glance::Glance::of(pattern).texts().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(texts(r"(?i)\bCurl\s+-d\b"), ["curl"]);
    assert_eq!(texts(r#"(?:fs|os)\.unlink(?:Sync)?\(["']"#), [".unlink"]);
    assert_eq!(texts(r"[^\n]{0,80}(?:pay|send(?:ing)?)+x*"), ["pay", "send"]);
    assert_eq!(texts(r"(?P<a>ab)[]x]?[^]x]cde{1,2}f"), ["ab"]);
    assert_eq!(texts(r"(?i)不必(提|说)|é!"), ["不必", "\u{80}"]);
    for pattern in [r"abc|\w+", r"(?:abc)?", r"(?:abc|)", r"(?x) a b c", r"\x{61}b?", "", r"abc|."]
    {
        assert!(glance::Glance::of(pattern).is_empty(), "{pattern}");
    }
}

#[test]
fn a_pattern_that_finds_nothing_is_not_compiled() {
    let both = pattern(r"(?i)\bbitcoin\b[^\n]{0,60}\bwallet\b");
    assert!(!both.is_match("a wallet") && both.find("bitcoin").is_none());
    let mut groups = both.create_captures();
    both.captures("walled", &mut groups);
    assert!(groups.get_match().is_none() && both.compiled() == (0, false));
    both.captures("Your BITCOIN wallet", &mut groups);
    assert_eq!(groups.get_match().map(|found| found.range()), Some(5..19));
    assert_eq!(both.compiled(), (1, false));
    // Letters past ASCII that are some of ASCII where case says nothing.
    assert!(pattern(r"(?i)skip this\b").is_match("\u{17f}\u{212a}ip this"));
    // Nor is it for a long text.
    assert!(!both.is_match("a wallet ".repeat(100_000).as_str()));
    assert_eq!(both.compiled(), (1, false));
    // A long way of looking is no way.
    let short = pattern("(?i)abcd");
    for number in 0..10_000 {
        assert!(!short.is_match(format!("text {number}").as_str()));
    }
    assert!(short.compiled().1);
}

#[test]
fn a_pattern_is_compiled_without_what_a_text_cannot_match() {
    let source = r"(?im)^(?:send|(post) it|(?:put|give) (up|on))\b[^\n]{0,9}(?:home|)$|(a(b)|c)d";
    let choices = Choices::of(source);
    let narrow = |text: &str| {
        let kept = folded::with(text.as_bytes(), |folded| choices.held_by(folded)).unwrap();
        choices.narrow(source, &kept)
    };
    assert_eq!(narrow("SEND post it give up home abd cd put on"), source);
    assert_eq!(
        narrow("please send this"),
        r"(?im)^(?:send|[a&&b]()|[a&&b]())\b[^\n]{0,9}(?:)$|[a&&b]()()"
    );
    assert_eq!(
        narrow("Put on, cd home"),
        r"(?im)^(?:[a&&b]()|(?:put) (on))\b[^\n]{0,9}(?:home|)$|([a&&b]()|c)d"
    );
    // What is not understood stays as it is.
    for source in [r"a|(?i)b|c", r"(?x)a|b", "a|b\\u{e9}c"] {
        let choices = Choices::of(source);
        let kept = folded::with("z\u{e9}".as_bytes(), |folded| choices.held_by(folded));
        let Some(kept) = kept else { continue };
        let narrow = choices.narrow(source, &kept);
        assert!(narrow == source || source.contains("e9"), "{narrow}");
    }
    // A text with more gets more, until the whole is worth it.
    let words = pattern(r"\b(?:one|two|three|four|five|six|seven|eight) ?\d");
    let mut text = String::new();
    for (at, word) in ["one", "two", "three", "four", "five", "six"].iter().enumerate() {
        text.extend([word, "1 "]);
        assert!(words.is_match(text.as_str()) && words.is_match(format!("{word}2").as_str()));
        assert_eq!(words.compiled(), (at + 1, false));
    }
    assert!(words.is_match("seven7") && words.compiled() == (6, true));
}

#[test]
fn a_pattern_whose_case_says_nothing_is_one_for_lower_case() {
    let lower = |pattern| lowered(pattern, true);
    assert_eq!(lower(r"(?i)\bSend\S[^A-Fa-z_]\x22[]A]").unwrap(), r"\bsend\S[^a-fa-z_]\x22[]a]");
    assert_eq!(
        lower(r"(?im)^(?P<In>É)(?-u:\b)[\x00-\x7f]").unwrap(),
        "(?m)^(?P<In>É)(?-u:\\b)[\\x00-\\x7f]"
    );
    for pattern in [
        "Send",
        "(?i)a(?-i)B",
        "(?i)a(?i:b)",
        r"(?i)\x41",
        r"(?i)\u{e9}",
        r"(?i)\p{Lu}",
        "(?i)[[:upper:]]",
        "(?i)[!-Z]",
        "(?i)[:-a]",
        "(?i)[^M-b]",
        r"(?i)\xe2",
    ] {
        assert_eq!(lowered(pattern, false), None, "{pattern}");
    }
    let uncased = |source: &&String| source.starts_with("(?i)");
    let sources = sources();
    let all = sources.iter().filter(uncased).count();
    let lower = sources.iter().filter(uncased).filter(|source| lowered(source, true).is_some());
    let lower = lower.count();
    assert!(lower * 100 > all * 95, "{lower} of {all}");
}

/// The patterns of this crate: the raw texts of the files that have some, and what is made of them.
fn sources() -> Vec<String> {
    fn files(folder: &std::path::Path, into: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { files(&path, into) } else { into.push(path) }
        }
    }
    let mut all = Vec::new();
    files(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    let mut found = Vec::new();
    for path in all {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if !text.contains("pattern::{Regex") {
            continue;
        }
        for (open, shut) in [("r#\"", "\"#"), ("r\"", "\"")] {
            let mut rest = text.as_str();
            while let Some((_, behind)) = rest.split_once(open) {
                let (source, behind) = behind.split_once(shut).unwrap();
                found.push(source.to_owned());
                rest = behind;
            }
        }
    }
    found
}

/// Something that this matches, but for what it asks of its surroundings.
fn sample(
    hir: &regex_syntax::hir::Hir,
    random: &mut impl FnMut(usize) -> usize,
    out: &mut Vec<u8>,
) {
    use regex_syntax::hir::{Class, HirKind};
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(text) => out.extend_from_slice(&text.0),
        HirKind::Class(Class::Unicode(class)) => {
            let Some(range) = class.ranges().get(random(class.ranges().len().max(1))) else {
                return;
            };
            let c = if random(2) == 0 { range.start() } else { range.end() };
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        HirKind::Class(Class::Bytes(class)) => {
            let Some(range) = class.ranges().get(random(class.ranges().len().max(1))) else {
                return;
            };
            out.push(if random(2) == 0 { range.start() } else { range.end() });
        }
        HirKind::Repetition(again) => {
            let more = again.max.map_or(3, |most| (most - again.min).min(3)) as usize;
            for _ in 0..again.min as usize + random(more + 1) {
                sample(&again.sub, random, out);
            }
        }
        HirKind::Capture(group) => sample(&group.sub, random, out),
        HirKind::Concat(parts) => parts.iter().for_each(|part| sample(part, random, out)),
        HirKind::Alternation(parts) => {
            if let Some(part) = parts.get(random(parts.len().max(1))) {
                sample(part, random, out);
            }
        }
    }
}

#[test]
fn all_that_a_pattern_may_match_holds_what_it_requires() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |most: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 20) as usize % most.max(1)
    };
    let sources = sources();
    let (mut patterns, mut telling) = (0, 0);
    for source in &sources {
        let required = required::Required::of(source).0;
        let glance = glance::Glance::of(source);
        for (unicode, utf8) in [(true, true), (false, false)] {
            let syntax = regex_automata::util::syntax::Config::new().unicode(unicode).utf8(utf8);
            let Ok(hir) = regex_automata::util::syntax::parse_with(&plain(source), &syntax) else {
                continue;
            };
            patterns += 1;
            telling += usize::from(!required.lists.is_empty());
            for _ in 0..40 {
                let mut text = Vec::new();
                sample(&hir, &mut random, &mut text);
                assert!(
                    folded::with(&text, |folded| {
                        folded.may_hold(&required.lists) && folded.may_hold_one(&glance)
                    }),
                    "{source}: {:?}",
                    text.escape_ascii().to_string()
                );
            }
        }
    }
    // Both that there are some, and that they are worth it.
    assert!(patterns > 400 && telling * 10 > patterns * 7, "{telling} of {patterns}");
}

/// Parts of patterns find what the whole finds, with the same groups, in texts that some alternative of it matches and in
/// those that it nearly matches.
#[test]
fn a_part_finds_what_the_whole_finds() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |most: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 20) as usize % most.max(1)
    };
    let mut parts = 0;
    for source in sources() {
        for unicode in [true, false] {
            let syntax = regex_automata::util::syntax::Config::new().unicode(unicode).utf8(unicode);
            let written = plain(&edges::halved(&source));
            let Ok(hir) = regex_automata::util::syntax::parse_with(&written, &syntax) else {
                continue;
            };
            let whole = regex_automata::meta::Regex::builder()
                .syntax(syntax)
                .configure(regex_automata::meta::Regex::config().utf8_empty(unicode))
                .build(&written)
                .unwrap();
            let regex = Regex::new(&source, unicode);
            for _ in 0..4 {
                let mut text = b"so ".to_vec();
                for _ in 0..=random(3) {
                    sample(&hir, &mut random, &mut text);
                    let cut = text.len() - random(2) * random(text.len() / 2);
                    text.truncate(cut);
                    text.extend_from_slice([" ", "\n", "X", " é "][random(4)].as_bytes());
                }
                if unicode {
                    text = String::from_utf8_lossy(&text).into_owned().into_bytes();
                }
                assert_eq!(regex.find(&text), whole.find(&text), "{source}");
                let (mut ours, mut theirs) = (regex.create_captures(), whole.create_captures());
                regex.captures(&text, &mut ours);
                whole.captures(&text, &mut theirs);
                for group in 0..theirs.group_len() {
                    assert_eq!(ours.get_group(group), theirs.get_group(group), "{source}");
                }
                assert_eq!(regex.is_match(&text), whole.is_match(&text), "{source}");
                if let Ok(text) = std::str::from_utf8(&text) {
                    assert!(regex.find_iter(text).eq(whole.find_iter(text)), "{source}");
                }
            }
            parts += regex.compiled().0;
        }
    }
    assert!(parts > 400, "{parts}");
}

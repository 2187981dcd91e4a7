use std::fmt::Write as _;

use palisade_skills::{Finding, Report};
use similar::{ChangeTag, TextDiff};

use crate::{Entry, Scan, Tree};

/// Bytes of a file that are shown, and compared line by line.
const MOST_OF_FILE: usize = 256 * 1024;
/// Lines of a difference that are shown of one file.
const MOST_LINES: usize = 400;

/// A line as it is, with every character that does not print made visible.
pub fn visible(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '\t' | '"' | '\'' | '\\' => out.push(c),
            other => out.extend(other.escape_debug()),
        }
    }
    out
}

/// What changed between two trees, and between what the scanner said of them.
pub fn difference(old: (&Tree, Option<&Scan>), new: (&Tree, &Scan)) -> String {
    let mut out = String::new();
    let (before, after) = (old.0, new.0);
    for (path, entry) in before.iter() {
        match after.get(path) {
            None => line(&mut out, &format!("removed  {}", visible(path))),
            Some(now) if now == entry => {}
            Some(now) => changed(&mut out, path, entry, now),
        }
    }
    for (path, entry) in after.iter().filter(|(path, _)| before.get(path).is_none()) {
        line(&mut out, &format!("added    {}{}", visible(path), kind(entry)));
        if let Some(text) = text(entry) {
            for one in text.lines().take(MOST_LINES) {
                line(&mut out, &format!("  + {}", visible(one)));
            }
        }
    }
    let nothing = Scan {
        verdict: "not scanned".to_owned(),
        severity: None,
        rules: Vec::new(),
        capabilities: Vec::new(),
        by: String::new(),
    };
    let (was, is) = (old.1.unwrap_or(&nothing), new.1);
    line(&mut out, &format!("verdict      {} -> {}", visible(&was.verdict), visible(&is.verdict)));
    sets(&mut out, "finding", &was.rules, &is.rules);
    sets(&mut out, "capability", &was.capabilities, &is.capabilities);
    out
}

fn sets(out: &mut String, what: &str, was: &[String], is: &[String]) {
    for one in is.iter().filter(|one| !was.contains(one)) {
        line(out, &format!("new {what}: {}", visible(one)));
    }
    for one in was.iter().filter(|one| !is.contains(one)) {
        line(out, &format!("no more {what}: {}", visible(one)));
    }
}

fn changed(out: &mut String, path: &str, old: &Entry, new: &Entry) {
    line(out, &format!("changed  {}{}", visible(path), kind(new)));
    let (Some(before), Some(after)) = (text(old), text(new)) else { return };
    let mut config = TextDiff::configure();
    // A hostile text could make it take very long.
    config.timeout(std::time::Duration::from_secs(2));
    let diff = config.diff_lines(before, after);
    let mut lines = 0_usize;
    for change in diff.iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => continue,
        };
        lines = lines.saturating_add(1);
        if lines > MOST_LINES {
            return line(out, "  (more)");
        }
        line(out, &format!("  {sign} {}", visible(change.value().trim_end_matches(['\n', '\r']))));
    }
}

fn kind(entry: &Entry) -> String {
    match entry {
        Entry::File { bytes, executable } => {
            let run = if *executable { ", executable" } else { "" };
            format!(" ({} bytes{run})", bytes.len())
        }
        Entry::Link(to) => format!(" -> {}", visible(to)),
    }
}

fn text(entry: &Entry) -> Option<&str> {
    match entry {
        Entry::File { bytes, .. } if bytes.len() <= MOST_OF_FILE => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

/// A skill with its findings beside its text, for a terminal.
pub fn listing(tree: &Tree, report: &Report) -> String {
    let mut out = String::new();
    for (path, entry) in tree.iter() {
        line(&mut out, &format!("== {}{}", visible(path), kind(entry)));
        let found: Vec<&Finding> =
            report.findings.iter().filter(|finding| finding.place.file == path).collect();
        for finding in found.iter().filter(|finding| finding.place.line == 0) {
            line(&mut out, &format!("     ! {}", about(finding)));
        }
        let Some(text) = text(entry) else {
            line(&mut out, "     (not text, or too long to be shown)");
            continue;
        };
        for (number, one) in (1_u32..).zip(text.split('\n')) {
            line(&mut out, &format!("{number:>5}  {}", visible(one.trim_end_matches('\r'))));
            for finding in found.iter().filter(|finding| finding.place.line == number) {
                line(&mut out, &format!("     ! {}", about(finding)));
            }
        }
    }
    let inner = report.findings.iter().filter(|finding| tree.get(&finding.place.file).is_none());
    for finding in inner {
        line(&mut out, &format!("! {}: {}", visible(&finding.place.file), about(finding)));
    }
    out
}

fn about(finding: &Finding) -> String {
    let severity = crate::lock::word(finding.severity);
    format!("{severity} {}: {}", finding.rule.id, visible(&finding.message))
}

/// The same as one page of HTML that loads nothing and runs nothing.
pub fn page(name: &str, tree: &Tree, report: &Report) -> String {
    const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;\
        color:#1c1c1c;background:#fff}pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}\
        .f{border-left:4px solid #b8860b;background:#fff7e0;padding:.3rem .6rem;margin:.2rem 0 .2rem 3.5rem}\
        .high,.critical{border-color:#b00020;background:#ffecee}.note,.low{border-color:#888;background:#f4f4f4}\
        .n{display:inline-block;width:3rem;color:#767676;user-select:none}mark{background:#ffd54f}\
        details{border:1px solid #ddd;border-radius:6px;margin:1rem 0;padding:.6rem}summary{cursor:pointer;font-weight:600}\
        @media(prefers-color-scheme:dark){body{color:#eee;background:#161616}.f{background:#332b12}\
        .high,.critical{background:#3a1519}.note,.low{background:#262626}details{border-color:#444}mark{background:#7a5c00;color:#fff}}";
    let mut out = String::new();
    let verdict = format!("{:?}", report.verdict).to_lowercase();
    // Writing to a string cannot fail.
    write!(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{name}: {verdict}</title>\
         <style>{STYLE}</style></head><body><h1>{name}: {verdict}</h1><p><code>{}</code></p><ul>",
        tree.digest(),
        name = html(name),
    )
    .unwrap_or_default();
    for reason in &report.reasons {
        write!(out, "<li>{}</li>", html(&reason.text)).unwrap_or_default();
    }
    out.push_str("</ul>\n");
    for (path, entry) in tree.iter() {
        let found: Vec<&Finding> =
            report.findings.iter().filter(|finding| finding.place.file == path).collect();
        let open = if found.is_empty() { "" } else { " open" };
        let head = format!("{path}{}", kind(entry));
        writeln!(out, "<details{open}><summary>{}</summary>", html(&head)).unwrap_or_default();
        for finding in found.iter().filter(|finding| finding.place.line == 0) {
            boxed(&mut out, finding);
        }
        match text(entry) {
            None => out.push_str("<p>Not text, or too long to be shown.</p>"),
            Some(text) => {
                for (number, one) in (1_u32..).zip(text.split('\n')) {
                    let shown = html(one.trim_end_matches('\r'));
                    write!(out, "<pre><span class=\"n\">{number}</span>{shown}</pre>")
                        .unwrap_or_default();
                    for finding in found.iter().filter(|finding| finding.place.line == number) {
                        boxed(&mut out, finding);
                    }
                }
            }
        }
        out.push_str("</details>\n");
    }
    for finding in report.findings.iter().filter(|it| tree.get(&it.place.file).is_none()) {
        boxed(&mut out, finding);
    }
    out.push_str("</body></html>\n");
    out
}

fn boxed(out: &mut String, finding: &Finding) {
    let severity = crate::lock::word(finding.severity);
    write!(
        out,
        "<div class=\"f {severity}\"><b>{severity} {}</b> {}<br>{} {}</div>",
        finding.rule.id,
        html(&finding.message),
        html(finding.rule.why),
        html(finding.rule.clear)
    )
    .unwrap_or_default();
}

/// Text for a page: what a browser would obey is encoded, what does not print is marked.
fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\\' => out.push(c),
            other => {
                let shown: String = other.escape_debug().collect();
                if shown.starts_with('\\') {
                    write!(out, "<mark>{shown}</mark>").unwrap_or_default();
                } else {
                    out.push(other);
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report;

    fn tree(text: &str) -> Tree {
        let mut tree = Tree::default();
        let bytes = text.as_bytes().into();
        tree.add("SKILL.md", Entry::File { bytes, executable: false }).unwrap();
        tree
    }

    #[test]
    fn what_changed_is_shown_with_what_it_can_do() {
        let (old, mut new) = (tree("one\ntwo\n"), tree("one\nthree\u{202e}\n"));
        new.add("run.sh", Entry::File { bytes: b"curl evil\n"[..].into(), executable: true })
            .unwrap();
        let scan = |rules: &[&str], verdict: &str| Scan {
            verdict: verdict.into(),
            severity: None,
            rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
            capabilities: rules.iter().map(|rule| format!("cap-{rule}")).collect(),
            by: String::new(),
        };
        let shown =
            difference((&old, Some(&scan(&["a"], "safe"))), (&new, &scan(&["b"], "caution")));
        for line in [
            "changed  SKILL.md",
            "  - two",
            "  + three\\u{202e}",
            "added    run.sh (10 bytes, executable)",
            "  + curl evil",
            "safe -> caution",
            "new finding: b",
            "no more finding: a",
            "new capability: cap-b",
        ] {
            assert!(shown.contains(line), "no {line:?}: {shown}");
        }
        assert!(!shown.contains("one"));
    }

    proptest! {
        /// Nothing of a skill steers the terminal or the browser of who reviews it.
        #[test]
        fn a_review_is_not_steered(text in ".{0,200}", name in ".{0,20}") {
            let tree = tree(&format!("{text}\u{1b}]0;x\u{7}\u{202e}<script>alert(1)</script>"));
            let report = report("x", &tree);
            let (shown, page) = (listing(&tree, &report), page(&name, &tree, &report));
            for out in [&shown, &page] {
                let steers = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
                let steered = out.chars().any(steers);
                prop_assert!(!steered);
            }
            prop_assert!(!page.contains("<script"));
        }
    }
}

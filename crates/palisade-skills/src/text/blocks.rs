//! A document as the sentences that a model reads, each with where it stands.

use pulldown_cmark::{CodeBlockKind, Event, LinkType, Options, Parser, Tag, TagEnd};

use super::normal::{clean, normal};
use super::pages;
use crate::formats::Lines;

/// Where a sentence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spot {
    /// The description of a skill or tool, which is always in the prompt.
    Description,
    /// Running text.
    Prose,
    /// An item of a list.
    Item,
    /// A heading.
    Heading,
    /// A cell of a table.
    Cell,
    /// A block quote.
    Quote,
    /// A line of a block of code.
    Code,
    /// What rendering drops: comments, titles, alternative texts, hidden elements.
    Hidden,
    /// A comment or a text in code.
    Comment,
    /// A value in a definition.
    Value,
}

/// One sentence, item or line.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    /// In normal form.
    pub(crate) text: String,
    /// As it stands, cut.
    pub(crate) raw: String,
    /// In normal form, but with capitals.
    pub(crate) clean: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) spot: Spot,
    /// Units of one number stand under one heading.
    pub(crate) section: u32,
    /// The heading is about attacks, examples or what not to do.
    pub(crate) teaching: bool,
    /// It begins within quotation marks that an earlier sentence opened and a later place closes.
    pub(crate) inside: bool,
}

/// The longest unit; what is longer is taken in pieces.
const LONGEST: usize = 1200;
/// The most units of one file.
const MOST: usize = 100_000;

/// Gathers units.
pub(crate) struct Blocks<'a> {
    text: &'a str,
    lines: Lines,
    pub(crate) units: Vec<Unit>,
    section: u32,
    teaching: bool,
    /// Does the page's own program show what its elements hold for it?
    shows_data: bool,
}

impl<'a> Blocks<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self {
            text,
            lines: Lines::of(text),
            units: Vec::new(),
            section: 0,
            teaching: false,
            shows_data: false,
        }
    }

    /// Takes what stands in a part of the text. The map leads from offsets in the piece to the text's.
    fn push(&mut self, piece: &str, at: usize, spot: Spot) {
        let quotations = quotations(piece);
        for (start, sentence) in sentences(piece) {
            if self.units.len() >= MOST {
                return;
            }
            let (line, column) = self.lines.place(self.text, (at + start).min(self.text.len()));
            let raw: String = sentence.chars().take(240).collect();
            self.units.push(Unit {
                text: normal(sentence),
                clean: clean(sentence),
                raw,
                line,
                column,
                spot,
                section: self.section,
                teaching: self.teaching,
                inside: quotations.iter().any(|&(from, to)| from < start && start < to),
            });
        }
    }

    /// A text that stands at a known line.
    pub(crate) fn push_at(&mut self, text: &str, line: u32, spot: Spot) {
        self.section += 1;
        self.teaching = false;
        let lines = Lines::of(text);
        for (start, sentence) in sentences(text) {
            let below = lines.line(start).saturating_sub(1);
            self.units.push(Unit {
                text: normal(sentence),
                clean: clean(sentence),
                raw: sentence.chars().take(240).collect(),
                line: line.saturating_add(below),
                column: 0,
                spot,
                section: self.section,
                teaching: false,
                inside: false,
            });
        }
    }

    /// Markdown from this offset on.
    pub(crate) fn markdown(&mut self, from: usize) {
        let Some(body) = self.text.get(from..) else { return };
        let options =
            Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_TASKLISTS;
        let parser = Parser::new_ext(body, options);
        let mut definitions = Vec::new();
        for (label, definition) in parser.reference_definitions().iter() {
            let title = definition.title.as_deref().unwrap_or_default();
            let title = if repeats(title, &definition.dest) { "" } else { title };
            // `this address` in a title is the one that the definition leads to.
            let leads = match definition.dest.starts_with("http") && !title.is_empty() {
                true => definition.dest.as_ref(),
                false => "",
            };
            definitions.push((definition.span.start, format!("{label} {title} {leads}")));
        }
        let mut piece = Piece::default();
        let mut depth = Depth::default();
        let mut headings: Vec<(usize, bool)> = Vec::new();
        for (event, range) in parser.into_offset_iter() {
            let at = from + range.start;
            match event {
                Event::Start(tag) => match tag {
                    Tag::Heading { level, .. } => {
                        self.flush(&mut piece, depth.spot());
                        depth.heading = Some(level as usize);
                    }
                    Tag::BlockQuote(_) => {
                        self.flush(&mut piece, depth.spot());
                        depth.quotes += 1;
                    }
                    Tag::CodeBlock(kind) => {
                        self.flush(&mut piece, depth.spot());
                        depth.code = Some(matches!(kind, CodeBlockKind::Fenced(_)));
                    }
                    Tag::Item => {
                        self.flush(&mut piece, depth.spot());
                        depth.items += 1;
                    }
                    Tag::TableCell => {
                        self.flush(&mut piece, depth.spot());
                        depth.cell = true;
                    }
                    Tag::Paragraph | Tag::FootnoteDefinition(_) => {
                        self.flush(&mut piece, depth.spot())
                    }
                    Tag::HtmlBlock => {
                        self.flush(&mut piece, depth.spot());
                        depth.html = true;
                    }
                    Tag::Link { dest_url, title, link_type, .. } => {
                        if !matches!(link_type, LinkType::Autolink | LinkType::Email) {
                            depth.links.push(dest_url.to_string());
                        } else {
                            depth.links.push(String::new());
                        }
                        if !title.is_empty() {
                            self.push(&title, at, Spot::Hidden);
                        }
                    }
                    Tag::Image { dest_url, title, .. } => {
                        depth.images.push((at, String::new()));
                        piece.text(&format!(" image {dest_url} "), at);
                        if !title.is_empty() {
                            self.push(&title, at, Spot::Hidden);
                        }
                    }
                    _ => {}
                },
                Event::End(tag) => match tag {
                    TagEnd::Heading(_) => {
                        let title = normal(&piece.text);
                        let level = depth.heading.take().unwrap_or(1);
                        headings.retain(|&(above, _)| above < level);
                        headings.push((level, is_teaching(&title)));
                        self.section += 1;
                        self.teaching = headings.iter().any(|&(_, teaching)| teaching);
                        self.flush(&mut piece, Spot::Heading);
                    }
                    TagEnd::BlockQuote(_) => {
                        self.flush(&mut piece, depth.spot());
                        depth.quotes = depth.quotes.saturating_sub(1);
                    }
                    TagEnd::CodeBlock => {
                        depth.code = None;
                        self.flush(&mut piece, Spot::Code);
                    }
                    TagEnd::Item => {
                        self.flush(&mut piece, depth.spot());
                        depth.items = depth.items.saturating_sub(1);
                    }
                    TagEnd::TableCell => {
                        self.flush(&mut piece, depth.spot());
                        depth.cell = false;
                    }
                    TagEnd::HtmlBlock => {
                        depth.html = false;
                        let (at, html) = piece.take();
                        self.html(&html, at);
                    }
                    TagEnd::Link => {
                        if let Some(url) =
                            depth.links.pop().filter(|url| !url.is_empty() && !url.starts_with('#'))
                        {
                            piece.text(&format!(" {url} "), at);
                        }
                    }
                    TagEnd::Image => {
                        if let Some((at, alt)) = depth.images.pop() {
                            // A caption is short; orders are not.
                            if alt.len() > 40 {
                                self.push(&alt, at, Spot::Hidden);
                            }
                        }
                    }
                    TagEnd::Paragraph | TagEnd::FootnoteDefinition => {
                        self.flush(&mut piece, depth.spot())
                    }
                    _ => {}
                },
                Event::Text(text) => {
                    if let Some((_, alt)) = depth.images.last_mut() {
                        alt.push_str(&text);
                    }
                    piece.text(&text, at);
                }
                Event::Code(code) => piece.text(&code, at),
                Event::Html(html) | Event::InlineHtml(html) => {
                    if depth.html {
                        piece.text(&html, at);
                    } else {
                        self.html(&html, at);
                        piece.text(" ", at);
                    }
                }
                Event::SoftBreak => piece.text(" ", at),
                Event::HardBreak => piece.text("\n", at),
                _ => {}
            }
        }
        self.flush(&mut piece, Spot::Prose);
        for (at, text) in definitions {
            if text.len() > 40 {
                self.push(&text, from + at, Spot::Hidden);
            }
        }
    }

    fn flush(&mut self, piece: &mut Piece, spot: Spot) {
        let (at, text) = piece.take();
        if text.trim().is_empty() {
            return;
        }
        if spot == Spot::Code {
            let mut offset = 0;
            for line in joined_lines(&text) {
                self.push(&line.1, at + line.0, Spot::Code);
                offset += line.1.len();
            }
            let _ = offset;
        } else {
            self.push(&text, at, spot);
        }
    }

    /// HTML: comments and what is styled away is hidden, the rest is prose.
    fn html(&mut self, html: &str, at: usize) {
        let mut rest = 0;
        while let Some(start) = html.get(rest..).and_then(|text| text.find('<')) {
            let start = rest + start;
            self.push(html.get(rest..start).unwrap_or_default(), at + rest, Spot::Prose);
            let tail = html.get(start..).unwrap_or_default();
            if let Some(comment) = tail.strip_prefix("<!--") {
                let end = comment.find("-->").unwrap_or(comment.len());
                let body = comment.get(..end).unwrap_or_default();
                // `<!--[if mso]>`: what one mail program shows.
                let spot = match body.trim_start().starts_with("[if ")
                    || body.trim_start().starts_with("<![")
                {
                    true => Spot::Prose,
                    false => Spot::Hidden,
                };
                self.push(body, at + start + 4, spot);
                rest = (start + 4 + end + 3).min(html.len());
                continue;
            }
            // An element begins with its name: `i < n`, in a script, is a comparison, and what follows no attributes.
            if tail.chars().nth(1).is_some_and(|c| c.is_whitespace() || c == '=') {
                self.push("<", at + start, Spot::Prose);
                rest = start + 1;
                continue;
            }
            let end = tail.find('>').map_or(tail.len(), |end| end + 1);
            let element = tail.get(..end).unwrap_or_default().to_ascii_lowercase();
            rest = start + end;
            if is_unseen(&element) {
                let inside = html.get(rest..).unwrap_or_default();
                let name: String =
                    element.chars().skip(1).take_while(char::is_ascii_alphanumeric).collect();
                let close = closing(inside, &name).unwrap_or(inside.len());
                self.push(inside.get(..close).unwrap_or_default(), at + rest, Spot::Hidden);
                rest += close;
            } else if element.len() > 60 {
                // Attributes may hold sentences: `alt`, `title`, `data-…`.
                let mut parts = element.split('"');
                while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
                    if value.len() <= 40 || !value.contains(' ') || is_set(value) {
                        continue;
                    }
                    let name = name.trim_end_matches('=').rsplit(char::is_whitespace).next();
                    let shown =
                        self.shows_data && name.is_some_and(|name| name.starts_with("data-"));
                    let spot = if shown { Spot::Prose } else { Spot::Hidden };
                    self.push(value, at + start, spot);
                }
            }
        }
        self.push(html.get(rest..).unwrap_or_default(), at + rest, Spot::Prose);
    }

    /// HTML and XML. What a page runs is read as programs are.
    pub(crate) fn markup(&mut self) {
        let text = self.text;
        let mut from = 0;
        self.shows_data = text.contains(".dataset") || text.contains("getAttribute(");
        for script in pages::scripts(text) {
            self.html(text.get(from..script.start).unwrap_or_default(), from);
            let body = text.get(script.clone()).unwrap_or_default();
            self.comments_of(body, script.start);
            for (at, words) in pages::words(body) {
                self.push(words, script.start + at, Spot::Prose);
            }
            from = script.end;
        }
        self.html(text.get(from..).unwrap_or_default(), from);
    }

    /// Plain text: each paragraph is one piece.
    pub(crate) fn plain(&mut self) {
        let mut at = 0;
        for paragraph in self.text.split("\n\n") {
            self.push(paragraph, at, Spot::Prose);
            at += paragraph.len() + 2;
        }
    }

    /// Plain text of which each line is one piece.
    pub(crate) fn rows(&mut self) {
        let text = self.text;
        let mut at = 0;
        for row in text.split_inclusive('\n') {
            self.push(row, at, Spot::Prose);
            at += row.len();
        }
    }

    /// The comments and the longer texts of code.
    pub(crate) fn comments(&mut self) {
        self.comments_of(self.text, 0);
    }

    fn comments_of(&mut self, code: &str, mut at: usize) {
        let mut block: Option<&str> = None;
        for line in code.split_inclusive('\n') {
            let trimmed = line.trim();
            let start = at + line.find(trimmed).unwrap_or(0);
            at += line.len();
            if let Some(end) = block {
                if trimmed.contains(end) {
                    block = None;
                }
                self.push(trimmed.trim_matches(['*', '/', ' ', '"', '\'']), start, Spot::Comment);
                continue;
            }
            let comment = ["#", "//", "--", "*", "/*", "<!--", ";", "<#"]
                .iter()
                .find_map(|mark| trimmed.strip_prefix(mark));
            if let Some(comment) = comment.filter(|comment| !comment.starts_with('!')) {
                if trimmed.starts_with("/*") && !trimmed.contains("*/") {
                    block = Some("*/");
                } else if trimmed.starts_with("<#") {
                    block = Some("#>");
                }
                self.push(comment.trim(), start, Spot::Comment);
            } else if let Some(quotes) =
                ["\"\"\"", "'''"].into_iter().find(|quotes| trimmed.contains(quotes))
            {
                if trimmed.matches(quotes).count() % 2 == 1 {
                    block = Some(quotes);
                }
                self.push(trimmed, start, Spot::Comment);
            } else if trimmed.len() > 60 && trimmed.len() < 2000 && trimmed.matches(' ').count() > 8
            {
                // A sentence in a literal: what a program prints, an agent reads.
                for quote in ['"', '\'', '`'] {
                    for value in trimmed
                        .split(quote)
                        .skip(1)
                        .step_by(2)
                        .filter(|value| value.matches(' ').count() > 6)
                    {
                        self.push(value, start, Spot::Comment);
                    }
                }
            } else if let Some((_, comment)) =
                trimmed.split_once(" # ").or_else(|| trimmed.split_once(" // "))
            {
                self.push(comment, start, Spot::Comment);
            }
        }
    }
}

/// Where an element of this name, in lower case, ends.
fn closing(inside: &str, name: &str) -> Option<usize> {
    inside.match_indices("</").map(|(at, _)| at).find(|at| {
        let rest = inside.as_bytes().get(at + 2..at + 2 + name.len());
        rest.is_some_and(|rest| rest.eq_ignore_ascii_case(name.as_bytes()))
    })
}

/// The text of one block, gathered from its parts.
#[derive(Default)]
struct Piece {
    text: String,
    at: Option<usize>,
}

impl Piece {
    fn text(&mut self, text: &str, at: usize) {
        self.at.get_or_insert(at);
        self.text.push_str(text);
    }

    fn take(&mut self) -> (usize, String) {
        (self.at.take().unwrap_or(0), std::mem::take(&mut self.text))
    }
}

#[derive(Default)]
struct Depth {
    heading: Option<usize>,
    quotes: usize,
    items: usize,
    code: Option<bool>,
    cell: bool,
    html: bool,
    links: Vec<String>,
    images: Vec<(usize, String)>,
}

impl Depth {
    fn spot(&self) -> Spot {
        if self.code.is_some() {
            Spot::Code
        } else if self.heading.is_some() {
            Spot::Heading
        } else if self.cell {
            Spot::Cell
        } else if self.quotes > 0 {
            Spot::Quote
        } else if self.items > 0 {
            Spot::Item
        } else {
            Spot::Prose
        }
    }
}

/// Does this element hide what it holds?
/// Is a value nothing but addresses with their widths: `https://… 280w, https://… 560w`?
fn is_set(value: &str) -> bool {
    value.split(',').all(|part| {
        let mut words = part.split_whitespace();
        let address =
            words.next().is_none_or(|word| word.starts_with("http") || word.contains('/'));
        let width = words.next().is_none_or(|word| {
            word.strip_suffix(['w', 'x']).is_some_and(|number| number.parse::<f32>().is_ok())
        });
        address && width && words.next().is_none()
    })
}

fn is_unseen(element: &str) -> bool {
    let tight: String = element.chars().filter(|c| !c.is_whitespace()).collect();
    // A shape that is closed at once holds no text.
    const SHAPES: &[&str] =
        &["<rect", "<path", "<circle", "<ellipse", "<line", "<polygon", "<polyline", "<stop"];
    if tight.ends_with("/>") && SHAPES.iter().any(|shape| tight.starts_with(shape)) {
        return false;
    }
    // Nor does one that has no end: what follows a hidden rule is seen.
    const EMPTY: &[&str] = &[
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source",
        "track", "wbr",
    ];
    let name: String = element.chars().skip(1).take_while(char::is_ascii_alphanumeric).collect();
    if EMPTY.contains(&name.as_str()) {
        return false;
    }
    // `opacity="0.12"` is faint, and seen.
    let clear = tight.split("opacity=\"0").skip(1).any(|rest| {
        !rest.starts_with('.')
            || rest.trim_start_matches(['.', '0']).starts_with('"')
            || rest.starts_with(".0")
    });
    clear
        || tight.starts_with("<template")
        || [
            "display:none",
            "visibility:hidden",
            "opacity:0;",
            "opacity:0\"",
            "opacity:0'",
            "font-size:0",
            "font-size:1px",
            "color:white",
            "color:#fff",
            "color:transparent",
            "left:-999",
            "text-indent:-",
            "height:0",
            "width:0",
            "hidden>",
            "hidden=",
            "aria-hidden=\"true\"",
            "clip:rect(0",
            "max-height:0",
            "fill=\"#fff",
            "fill=\"white",
            "fill:#fff",
            "fill:white",
            "font-size=\"0",
            "font-size=\"1\"",
            "font-size=\"2\"",
            "font-size=\"3\"",
            "font-size=\"1px",
            "font-size=\"2px",
            "font-size=\"3px",
            "font-size:2px",
            "font-size:3px",
            "visibility=\"hidden",
            "display=\"none",
            "<desc",
            "<metadata",
        ]
        .iter()
        .any(|style| tight.contains(style))
}

/// Is a heading about attacks and what not to do, rather than about what to do?
fn is_teaching(title: &str) -> bool {
    [
        "red flag",
        "attack",
        "example of",
        "bad example",
        "anti-pattern",
        "antipattern",
        "don't",
        "do not",
        "never",
        "what not",
        "avoid",
        "detect",
        "indicator",
        "threat",
        "malicious",
        "vulnerab",
        "exploit",
        "payload",
        "injection",
        "test case",
        "attacker",
        "risk",
        "warning sign",
        "signs in ",
        "signs of compromise",
        "visitors type",
        "visitors try",
        "seen in the wild",
        "suspicious",
        "dangerous",
        "unsafe",
        "insecure",
        "abuse",
        "tactics",
        "technique",
        "misuse",
        "what to look for",
        "common mistakes",
        "pitfall",
        "evasion",
        "signature",
        "case stud",
        "iocs",
        "ioc ",
        "post-mortem",
        "scenarios",
        "adversar",
        "what we catch",
        "catch",
        "flagged",
        "rejected",
        "bad:",
        "wrong",
    ]
    .iter()
    .any(|word| title.contains(word))
}

/// Lines of code, those joined that end in a backslash.
fn joined_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut at = 0;
    let mut open = false;
    for line in text.split_inclusive('\n') {
        let plain = line.trim_end();
        let body = plain.strip_suffix('\\').unwrap_or(plain);
        match lines.last_mut() {
            Some((_, last)) if open && last.len() < LONGEST => last.push_str(body),
            _ => lines.push((at, body.to_owned())),
        }
        open = plain.ends_with('\\');
        at += line.len();
    }
    lines
}

/// The sentences of a piece, with where they begin. Long ones are cut, with an overlap.
fn sentences(piece: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut characters = piece.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let next = characters.peek().map(|&(_, c)| c);
        let end = at + c.len_utf8();
        let stop = match c {
            '.' | '!' | '?' => {
                next.is_none_or(char::is_whitespace)
                    && !is_abbreviation(piece.get(start..at).unwrap_or_default())
            }
            '。' | '！' | '？' | '\u{2029}' => true,
            '\n' => next.is_none_or(|c| {
                c == '\n' || c == '-' || c == '*' || c.is_ascii_digit() || c.is_uppercase()
            }),
            _ => end - start >= LONGEST && c.is_whitespace() || end - start >= LONGEST * 2,
        };
        if stop {
            push(&mut found, piece, start, end);
            start = end;
        }
    }
    push(&mut found, piece, start, piece.len());
    found
}

/// Where quotations begin and end in a piece. A mark behind a letter opens none (`5" wide`), and a long one is none.
fn quotations(piece: &str) -> Vec<(usize, usize)> {
    const LONGEST_QUOTATION: usize = 400;
    let mut found = Vec::new();
    let mut open: Option<usize> = None;
    let mut before = None;
    let mut characters = piece.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if matches!(c, '"' | '\u{201c}' | '\u{201d}' | '\u{201e}') {
            let joined = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            let next = characters.peek().map(|&(_, c)| c);
            match open {
                Some(start) if !joined(next) => {
                    if at - start <= LONGEST_QUOTATION {
                        found.push((start, at));
                    }
                    open = None;
                }
                None if !joined(before) => open = Some(at),
                _ => {}
            }
        }
        before = Some(c);
    }
    found
}

fn push<'a>(found: &mut Vec<(usize, &'a str)>, piece: &'a str, start: usize, end: usize) {
    let Some(text) = piece.get(start..end) else { return };
    let trimmed = text.trim_start();
    if !trimmed.trim_end().is_empty() {
        found.push((start + (text.len() - trimmed.len()), trimmed.trim_end()));
    }
}

fn is_abbreviation(before: &str) -> bool {
    let word = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    matches!(word, "e.g" | "i.e" | "etc" | "vs" | "cf" | "Mr" | "Dr" | "No" | "approx")
        || (word.len() == 1 && word.chars().all(|c| c.is_ascii_digit()))
}

/// Is a title that of the page which the address leads to: are most of its longer words in the address?
fn repeats(title: &str, address: &str) -> bool {
    const LONG: usize = 4;
    let address = address.to_ascii_lowercase();
    let title = title.to_ascii_lowercase();
    let words = || title.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() >= LONG);
    let known = words().filter(|word| address.contains(word)).count();
    address.starts_with("http") && known >= 2 && known * 3 >= words().count() * 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn units(text: &str) -> Vec<(Spot, String, u32)> {
        let mut blocks = Blocks::of(text);
        blocks.markdown(0);
        blocks.units.into_iter().map(|unit| (unit.spot, unit.text, unit.line)).collect()
    }

    #[test]
    fn a_document_falls_into_sentences() {
        let text = "# Title\n\nOne. Two!\n\n- item\n\n> quoted\n\n```sh\nrun \\\n it\n```\n<!-- hidden words -->\n\n[a](https://x.example \"the title\")\n";
        let units = units(text);
        let wanted = [
            (Spot::Heading, "title", 1),
            (Spot::Prose, "one.", 3),
            (Spot::Prose, "two!", 3),
            (Spot::Item, "item", 5),
            (Spot::Quote, "quoted", 7),
            (Spot::Code, "run  it", 10),
            (Spot::Hidden, "hidden words", 13),
            (Spot::Hidden, "the title", 15),
            (Spot::Prose, "a https://x.example", 15),
        ];
        for (spot, text, line) in wanted {
            assert!(units.contains(&(spot, text.to_owned(), line)), "{text} in {units:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in "[\\PC\\n<>!`#*_\\[\\]()-]{0,200}") {
            let mut blocks = Blocks::of(&text);
            blocks.markdown(0);
            blocks.plain();
            blocks.comments();
        }
    }
}

//! A pattern without what a text cannot match of it, which is compiled in a tenth of the time.

use regex_automata::{Input, meta, util::syntax};

use super::{
    classes::plain,
    folded::{self, Folded},
    lower::lowered,
    required::{Choice, Required},
};

/// Bytes of a text from which to compile for a table of states costs less than to try state by state.
const LONG: usize = 1 << 10;
/// What matches nothing.
const NOTHING: &str = "[a&&b]";

/// What a pattern requires, and the places of it where one of several parts has to match.
#[derive(Debug)]
pub(super) struct Choices {
    required: Required,
    choices: Vec<Choice>,
    branches: usize,
    /// The pattern is one choice.
    whole: bool,
}

/// Which branches are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept(Vec<u64>);

/// A pattern with some of its branches, for texts that hold no more.
#[derive(Debug)]
pub(super) struct Narrowed {
    regex: meta::Regex,
    kept: Kept,
    /// It knows texts of ASCII alone.
    ascii: bool,
    /// It is matched against the text in lower case.
    lower: bool,
    /// It is fast with long texts.
    pub(super) long: bool,
}

impl Choices {
    pub(super) fn of(source: &str) -> Self {
        let (required, choices, branches) = Required::of(source);
        let flags = source.strip_prefix("(?i)").map_or(0, |_| "(?i)".len());
        let whole = choices.first().is_some_and(|choice| choice.span == (flags..source.len()));
        Self { required, choices, branches, whole }
    }

    /// The branches that may match somewhere in a text. None, if the whole cannot.
    pub(super) fn held_by(&self, text: &Folded) -> Option<Kept> {
        fn hold(choices: &[Choice], text: &Folded, kept: &mut Kept) {
            for branch in choices.iter().flat_map(|choice| &choice.branches) {
                if text.may_hold(&branch.lists) {
                    kept.add(branch.number);
                    hold(&branch.choices, text, kept);
                }
            }
        }
        if !text.may_hold(&self.required.lists) {
            return None;
        }
        let mut kept = Kept(vec![0; self.branches.div_ceil(64)]);
        hold(&self.choices, text, &mut kept);
        (!self.whole || kept.0.iter().any(|word| *word != 0)).then_some(kept)
    }

    /// The pattern with these branches. Each group keeps its number.
    pub(super) fn narrow(&self, source: &str, kept: &Kept) -> String {
        fn put(
            source: &str,
            span: std::ops::Range<usize>,
            choices: &[Choice],
            kept: &Kept,
            out: &mut String,
        ) {
            let mut at = span.start;
            for choice in choices {
                out.push_str(source.get(at..choice.span.start).unwrap_or_default());
                let mut any = false;
                for branch in &choice.branches {
                    let is_kept = kept.has(branch.number);
                    if !is_kept && branch.groups == 0 {
                        continue;
                    }
                    if std::mem::replace(&mut any, true) {
                        out.push('|');
                    }
                    if is_kept {
                        put(source, branch.span.clone(), &branch.choices, kept, out);
                    } else {
                        out.push_str(NOTHING);
                        out.extend(std::iter::repeat_n("()", branch.groups));
                    }
                }
                if !any {
                    out.push_str(NOTHING);
                }
                at = choice.span.end;
            }
            out.push_str(source.get(at..span.end).unwrap_or_default());
        }
        let mut out = String::with_capacity(source.len());
        put(source, 0..source.len(), &self.choices, kept, &mut out);
        out
    }
}

impl Kept {
    fn add(&mut self, number: usize) {
        if let Some(word) = self.0.get_mut(number / 64) {
            *word |= 1 << (number % 64);
        }
    }

    fn has(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|word| word & 1 << (number % 64) != 0)
    }

    /// All of these as well.
    fn with(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
        self
    }

    fn is_within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(word, other)| word & !other == 0)
    }
}

impl Narrowed {
    /// What a pattern is for a text that may hold these branches, and for those that what there was before is for.
    pub(super) fn new(
        (source, unicode): (&str, bool),
        choices: &Choices,
        kept: Kept,
        text: &[u8],
        before: Option<&Self>,
    ) -> Self {
        let kept = before.map_or(kept.clone(), |before| kept.with(&before.kept));
        let ascii = unicode && text.is_ascii() && before.is_none_or(|before| before.ascii);
        // What is compiled for one text alone is not worth what finds its beginnings.
        let often = before.is_some();
        let long = text.len() > LONG || before.is_some_and(|before| before.long);
        let narrow = choices.narrow(source, &kept);
        // Bytes are characters where all is ASCII. Classes with others in them are none of bytes.
        let of_bytes = (!unicode || ascii)
            .then(|| {
                let lower = lowered(&narrow, true);
                let regex = compile(lower.as_deref().unwrap_or(&narrow), false, long, often)?;
                Some(Self { regex, kept: kept.clone(), ascii, lower: lower.is_some(), long })
            })
            .flatten();
        of_bytes.unwrap_or_else(|| {
            // Past ASCII, letters of a pattern may be large or small.
            let lower = if narrow.is_ascii() { lowered(&narrow, false) } else { None };
            let regex = compile(lower.as_deref().unwrap_or(&narrow), true, long, often)
                .expect("a part of a pattern of ours");
            Self { regex, kept, ascii: false, lower: lower.is_some(), long }
        })
    }

    /// Is it for this text as well?
    pub(super) fn is_for(&self, kept: &Kept, text: &[u8]) -> bool {
        kept.is_within(&self.kept)
            && (self.long || text.len() <= LONG)
            && (!self.ascii || text.is_ascii())
    }

    /// Looks for it in a text that it is for.
    pub(super) fn look<R>(
        &self,
        text: &Input<'_>,
        look: impl FnOnce(&meta::Regex, Input<'_>) -> R,
    ) -> R {
        if !self.lower {
            return look(&self.regex, text.clone());
        }
        folded::with(text.haystack(), |folded| {
            let lower = Input::new(folded.lower())
                .range(text.get_range())
                .anchored(text.get_anchored())
                .earliest(text.get_earliest());
            look(&self.regex, lower)
        })
    }
}

fn compile(pattern: &str, unicode: bool, long: bool, often: bool) -> Option<meta::Regex> {
    let mut builder = meta::Regex::builder();
    let config =
        meta::Regex::config().hybrid(long).dfa(false).onepass(false).auto_prefilter(long || often);
    match unicode {
        true => builder.configure(config),
        false => builder
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .configure(config.utf8_empty(false)),
    };
    builder.build(&plain(pattern)).ok()
}

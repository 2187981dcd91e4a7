use std::sync::{
    OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use regex_automata::{Input, Match, Span, meta, util::captures};

use super::{classes::plain, folded, required::Required};

/// Bytes from which a text is worth a compilation, whatever it holds.
const LONG: usize = 256 << 10;
/// Bytes of texts that cost as much to look through as to compile: from then on a pattern is compiled.
const WORTH: usize = 256 << 10;

/// A pattern that is compiled when there is a text that it may match.
#[derive(Debug)]
pub(crate) struct Regex {
    source: Box<str>,
    unicode: bool,
    required: Required,
    /// What looking for what is required has cost so far, in bytes.
    spent: AtomicUsize,
    compiled: OnceLock<meta::Regex>,
    /// What is held against each text that is passed over.
    #[cfg(debug_assertions)]
    proof: OnceLock<meta::Regex>,
}

/// Where the groups of a match are.
#[derive(Debug)]
pub(crate) struct Captures(Option<captures::Captures>);

impl Regex {
    pub(super) fn new(source: &str, unicode: bool) -> Self {
        Self {
            source: source.into(),
            unicode,
            required: Required::of(source),
            spent: AtomicUsize::new(0),
            compiled: OnceLock::new(),
            #[cfg(debug_assertions)]
            proof: OnceLock::new(),
        }
    }

    /// Does it match somewhere?
    pub(crate) fn is_match<'h>(&self, text: impl Into<Input<'h>>) -> bool {
        let text = text.into();
        self.for_text(&text).is_some_and(|regex| regex.is_match(text))
    }

    /// The first match.
    pub(crate) fn find<'h>(&self, text: impl Into<Input<'h>>) -> Option<Match> {
        let text = text.into();
        self.for_text(&text)?.find(text)
    }

    /// All matches, one behind the other.
    pub(crate) fn find_iter<'h>(&self, text: &'h str) -> impl Iterator<Item = Match> + use<'_, 'h> {
        let text = Input::new(text);
        self.for_text(&text).map(|regex| regex.find_iter(text)).into_iter().flatten()
    }

    /// Room for groups.
    pub(crate) fn create_captures(&self) -> Captures {
        Captures(None)
    }

    /// The first match with its groups.
    pub(crate) fn captures<'h>(&self, text: impl Into<Input<'h>>, into: &mut Captures) {
        let text = text.into();
        match self.for_text(&text) {
            Some(regex) => {
                regex.captures(text, into.0.get_or_insert_with(|| regex.create_captures()));
            }
            None => into.0 = None,
        }
    }

    /// Compiled, if it may match this text.
    fn for_text(&self, text: &Input<'_>) -> Option<&meta::Regex> {
        if let Some(compiled) = self.compiled.get() {
            return Some(compiled);
        }
        let text = text.haystack();
        if !self.required.lists.is_empty()
            && text.len() < LONG
            && self.spent.load(Ordering::Relaxed) < WORTH
        {
            let (may_match, cost) = folded::may_hold(text, &self.required);
            if !may_match {
                #[cfg(debug_assertions)]
                assert!(
                    !self.proof.get_or_init(|| self.compile()).is_match(text),
                    "{}",
                    self.source
                );
                self.spent.fetch_add(cost, Ordering::Relaxed);
                return None;
            }
        }
        Some(self.compiled.get_or_init(|| self.compile()))
    }

    #[cfg(test)]
    pub(super) fn is_compiled(&self) -> bool {
        self.compiled.get().is_some()
    }

    fn compile(&self) -> meta::Regex {
        use regex_automata::util::syntax;
        let mut builder = meta::Regex::builder();
        if !self.unicode {
            builder
                .syntax(syntax::Config::new().unicode(false).utf8(false))
                .configure(meta::Regex::config().utf8_empty(false));
        }
        builder.build(&plain(&self.source)).expect("the pattern is one of ours")
    }
}

impl Captures {
    /// The whole match.
    pub(crate) fn get_match(&self) -> Option<Match> {
        self.0.as_ref()?.get_match()
    }

    /// One group, if it took part.
    pub(crate) fn get_group(&self, group: usize) -> Option<Span> {
        self.0.as_ref()?.get_group(group)
    }

    /// How many groups there are, the whole match among them; none without a match.
    pub(crate) fn group_len(&self) -> usize {
        self.0.as_ref().map_or(0, captures::Captures::group_len)
    }
}

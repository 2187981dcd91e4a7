use std::sync::{
    Arc, Mutex, OnceLock, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use regex_automata::{Input, Match, Span, meta, util::captures};

use super::{
    classes::plain,
    edges, folded,
    glance::Glance,
    narrowed::{Choices, Narrowed},
};

/// Bytes from which a text is worth a compilation, whatever it holds.
const LONG: usize = 4 << 20;
/// Bytes from which a text is worth that a pattern be compiled as a whole.
const WHOLE: usize = 32 << 10;
/// Bytes of texts that cost as much to look through as to compile: from then on a pattern is compiled as a whole.
const WORTH: usize = 512 << 10;
/// How often a part of a pattern is compiled before the whole of it is.
const PARTS: usize = 6;

/// A pattern that is compiled when there is a text that it may match, and at first without what the text cannot match.
#[derive(Debug)]
pub(crate) struct Regex {
    source: Box<str>,
    unicode: bool,
    glance: Glance,
    choices: OnceLock<Choices>,
    /// What looking for what is required has cost so far, in bytes.
    spent: AtomicUsize,
    narrowed: Mutex<Parts>,
    whole: OnceLock<meta::Regex>,
    /// What is held against each text that is passed over, and each part that is matched.
    #[cfg(debug_assertions)]
    proof: OnceLock<meta::Regex>,
}

/// The last part that was compiled, and how many were.
#[derive(Debug, Default)]
struct Parts {
    made: usize,
    last: Option<Arc<Narrowed>>,
}

/// What is matched against a text.
enum For<'a> {
    Whole(&'a meta::Regex),
    Narrowed(Arc<Narrowed>),
}

/// Where the groups of a match are.
#[derive(Debug)]
pub(crate) struct Captures(Option<captures::Captures>);

impl Regex {
    pub(super) fn new(source: &str, unicode: bool) -> Self {
        let source = edges::halved(source);
        Self {
            source: source.as_ref().into(),
            unicode,
            glance: Glance::of(&source),
            choices: OnceLock::new(),
            spent: AtomicUsize::new(0),
            narrowed: Mutex::default(),
            whole: OnceLock::new(),
            #[cfg(debug_assertions)]
            proof: OnceLock::new(),
        }
    }

    /// Does it match somewhere?
    pub(crate) fn is_match<'h>(&self, text: impl Into<Input<'h>>) -> bool {
        let text = text.into();
        match self.for_text(&text) {
            Some(For::Whole(regex)) => regex.is_match(text),
            // The engine for short texts is left out where only an answer is asked for.
            Some(For::Narrowed(part)) if part.long => {
                part.look(&text, |regex, text| regex.is_match(text))
            }
            Some(For::Narrowed(part)) => part.look(&text, |regex, text| regex.find(text)).is_some(),
            None => false,
        }
    }

    /// The first match.
    pub(crate) fn find<'h>(&self, text: impl Into<Input<'h>>) -> Option<Match> {
        let text = text.into();
        match self.for_text(&text)? {
            For::Whole(regex) => regex.find(text),
            For::Narrowed(part) => part.look(&text, |regex, text| regex.find(text)),
        }
    }

    /// All matches, one behind the other.
    pub(crate) fn find_iter<'h>(&self, text: &'h str) -> impl Iterator<Item = Match> + use<'_, 'h> {
        let text = Input::new(text);
        let (found, whole) = match self.for_text(&text) {
            Some(For::Whole(regex)) => (Vec::new(), Some(regex.find_iter(text))),
            Some(For::Narrowed(part)) => {
                (part.look(&text, |regex, text| regex.find_iter(text).collect()), None)
            }
            None => (Vec::new(), None),
        };
        found.into_iter().chain(whole.into_iter().flatten())
    }

    /// Room for groups.
    pub(crate) fn create_captures(&self) -> Captures {
        Captures(None)
    }

    /// The first match with its groups.
    pub(crate) fn captures<'h>(&self, text: impl Into<Input<'h>>, into: &mut Captures) {
        let text = text.into();
        let found = self.for_text(&text);
        if found.is_none() {
            into.0 = None;
            return;
        }
        let mut fill = |regex: &meta::Regex, text: Input<'_>| {
            // All parts have the groups of the whole.
            regex.captures(text, into.0.get_or_insert_with(|| regex.create_captures()));
        };
        match found {
            Some(For::Whole(regex)) => fill(regex, text),
            Some(For::Narrowed(part)) => part.look(&text, fill),
            None => {}
        }
    }

    /// Compiled, if it may match this text.
    fn for_text(&self, input: &Input<'_>) -> Option<For<'_>> {
        let text = input.haystack();
        if let Some(whole) = self.whole.get() {
            return Some(For::Whole(whole));
        }
        if text.len() < LONG && self.spent.load(Ordering::Relaxed) < WORTH {
            let part = folded::with(text, |folded| {
                self.spent.fetch_add(text.len() / 16 + 256, Ordering::Relaxed);
                if !folded.may_hold_one(&self.glance) {
                    return Some(None);
                }
                if folded.is_odd() || text.len() >= WHOLE {
                    return None;
                }
                let choices = self.choices.get_or_init(|| Choices::of(&self.source));
                let Some(kept) = choices.held_by(folded) else { return Some(None) };
                let mut parts = self.narrowed.lock().unwrap_or_else(PoisonError::into_inner);
                let last = parts.last.as_ref();
                if let Some(last) = last.filter(|last| last.is_for(&kept, text)) {
                    return Some(Some(Arc::clone(last)));
                }
                if parts.made >= PARTS {
                    return None;
                }
                let pattern = (&*self.source, self.unicode);
                let last = last.map(|last| &**last);
                let part = Arc::new(Narrowed::new(pattern, choices, kept, text, last));
                parts.made += 1;
                parts.last = Some(Arc::clone(&part));
                Some(Some(part))
            });
            match part {
                Some(None) => {
                    #[cfg(debug_assertions)]
                    assert!(!self.proof().is_match(text), "{}", self.source);
                    return None;
                }
                Some(Some(part)) => {
                    #[cfg(debug_assertions)]
                    self.prove(&part, input);
                    return Some(For::Narrowed(part));
                }
                None => {}
            }
        }
        Some(For::Whole(self.whole.get_or_init(|| self.compile())))
    }

    /// What was compiled of it so far: parts, and the whole.
    #[cfg(test)]
    pub(super) fn compiled(&self) -> (usize, bool) {
        (self.narrowed.lock().unwrap().made, self.whole.get().is_some())
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

    #[cfg(debug_assertions)]
    fn proof(&self) -> &meta::Regex {
        self.proof.get_or_init(|| self.compile())
    }

    /// A part finds what the whole finds.
    #[cfg(debug_assertions)]
    fn prove(&self, part: &Narrowed, input: &Input<'_>) {
        let all = |regex: &meta::Regex, text: Input<'_>| {
            let mut groups = regex.create_captures();
            regex.captures(text.clone(), &mut groups);
            let groups: Vec<_> = groups.iter().collect();
            (regex.find_iter(text).take(64).collect::<Vec<_>>(), groups)
        };
        let (found, whole) = (part.look(input, all), all(self.proof(), input.clone()));
        assert_eq!(found, whole, "{}", self.source);
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

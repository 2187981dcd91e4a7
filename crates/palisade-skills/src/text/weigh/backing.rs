//! What stands around a deed that work does not need, told once for each sentence.
//!
//! That something is kept from those who read, that an answer is laid ready for whoever asks, that nobody's word is
//! waited for: several lists tell each of these, by grammar and by words, made for one rule or another. A sentence that
//! one of them knows is known to all rules.

use super::{
    super::{
        blocks::{Spot, Unit},
        facts::Facts,
        tags::Concept::{Personal, Secret, SecretStrong, Send},
    },
    classes::Backs,
    sense, signs, tells, tongues,
};

/// What one sentence says of a deed beside it.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Backing {
    /// It is left out of what people read, or is called otherwise there.
    pub(super) kept: bool,
    /// Whoever asks is told something.
    pub(super) covered: bool,
    /// Nobody's word is waited for.
    pub(super) unasked: bool,
}

impl Backing {
    fn of(unit: &Unit, facts: &Facts) -> Self {
        if matches!(unit.spot, Spot::Code | Spot::Heading) {
            return Self::default();
        }
        let text = unit.clean.as_str();
        let words = Backs::of(&unit.text);
        let open = tells::LIMITS.is_match(text);
        let asks = signs::ASKS.is_match(text) || tongues::ASKS.is_match(text);
        // What belongs to people is rightly left out, as long as it goes nowhere.
        let private = facts.says(&[Secret, SecretStrong, Personal])
            && !facts.says(&[Send])
            && !facts.url
            && !facts.mail;
        Self {
            kept: !open
                && !private
                && !words.open
                && (words.hides
                    || signs::PARTLY.is_match(text)
                    || tongues::KEPT.is_match(text)
                    || sense::KEPT.is_match(text)
                    || tells::HIDES.is_match(text)),
            covered: facts.cover || words.covers || tells::COVERS.is_match(text),
            unasked: !open
                && !asks
                && (words.unasked
                    || signs::BY_ITSELF.is_match(text)
                    || tongues::UNASKED.is_match(text)
                    || tells::UNASKED.is_match(text)),
        }
    }

    /// What this sentence says, found out when it is first asked.
    pub(super) fn in_sentence(unit: &Unit, facts: &Facts) -> Self {
        *facts.backing.get_or_init(|| Self::of(unit, facts))
    }
}

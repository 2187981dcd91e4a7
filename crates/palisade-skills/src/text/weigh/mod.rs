//! A task beside the task, weighed by all that is said around it.
//!
//! The act alone is work: something is sent, pushed, installed, granted, paid. What gives it away is that nobody shall
//! be asked, that it is left out of what the user is told, that it is to have another name there, that it is done each
//! time and is said to belong to something else. No one of these says enough; two of them beside the act do.

mod backing;
mod calm;
mod cited;
mod classes;
mod lexed;
mod noted;
mod plain;
mod published;
mod searched;
mod sense;
mod signs;
mod tells;
#[cfg(test)]
mod tests;
mod together;
mod tongues;

pub(super) use backing::Backing;

use super::{
    blocks::{Spot, Unit},
    facts::{Concealed, Facts, Where},
    rules,
    tags::Concept::{
        Approval, Ask, Conversation, Fetch, Files, HistoryFile, Install, Money, Neg, Pay, Personal,
        PreApproved, Recipient, Run, Secret, SecretStrong, Send, Standing,
    },
};
use crate::{
    Confidence::{Low, Medium},
    File, Rule, Seen,
    Severity::High,
    formats::Profile,
};

/// How many sentences before and behind are held against an act.
const REACH: usize = 5;
/// The most findings in one file: more say no more.
const MOST: usize = 8;

/// What is said around an act, each thing once.
#[derive(Debug, Default, Clone, Copy)]
struct Weight {
    /// The user is kept from knowing: 1 weakly, 2 outright.
    kept: usize,
    /// Nobody is asked.
    unasked: usize,
    /// It is to have another name where people look.
    named: usize,
    /// It is said to be no matter of its own.
    part: usize,
    /// What a command says is thrown away.
    silenced: usize,
    /// An address brings a name and a password along.
    lent: usize,
    standing: usize,
    /// What is against somebody is not to be shown.
    withheld: usize,
    admits: usize,
    data: bool,
}

impl Weight {
    fn of(unit: &Unit, facts: &Facts, close: bool) -> Self {
        let text = unit.clean.as_str();
        let word = |is: bool| usize::from(is);
        let backing = Backing::in_sentence(unit, facts);
        Self {
            kept: match facts.concealed {
                Concealed::Strong => 2,
                Concealed::Weak => 1,
                Concealed::No => word(backing.kept),
            },
            // `never push without asking` asks.
            unasked: word(
                (facts.says(&[Approval, PreApproved]) || backing.unasked)
                    && !signs::ASKS.is_match(text)
                    && !tongues::ASKS.is_match(text),
            ),
            named: word(signs::NAMED.is_match(text)),
            part: word(signs::PART.is_match(text) || tongues::PART.is_match(text)),
            silenced: word(close && signs::SILENCED.is_match(text)),
            lent: word(close && signs::LENT.is_match(text)),
            standing: word(close && facts.says(&[Standing])),
            withheld: word(withholds(text)),
            admits: word(close && signs::ADMITS.is_match(text)),
            data: close
                && facts.says(&[Files, Personal, Conversation, HistoryFile, Secret, SecretStrong]),
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            kept: self.kept.max(other.kept),
            unasked: self.unasked.max(other.unasked),
            named: self.named.max(other.named),
            part: self.part.max(other.part),
            silenced: self.silenced.max(other.silenced),
            lent: self.lent.max(other.lent),
            standing: self.standing.max(other.standing),
            withheld: self.withheld.max(other.withheld),
            admits: self.admits.max(other.admits),
            data: self.data || other.data,
        }
    }

    /// What keeps the user out of it.
    fn hides(self) -> usize {
        self.kept + self.unasked + self.named + self.withheld
    }

    fn all(self) -> usize {
        self.hides() + self.part + self.silenced + self.lent + self.standing + self.admits
    }

    /// Is it left out of what the user is told, or called otherwise there?
    fn unsaid(self) -> bool {
        self.kept + self.named > 0
    }
}

/// Is what speaks against something withheld? `do not suggest others unless asked` leaves it to the user.
fn withholds(text: &str) -> bool {
    signs::WITHHELD.is_match(text) && !signs::LIMITED.is_match(text)
}

/// What is told of a judgement that does not depend on what is judged.
const FIXED_AND_WITHHELD: &str =
    "its judgement of somebody is fixed, and what is against it is withheld";
/// And of what is kept back alone.
const WITHHELD: &str = "what speaks against somebody is withheld";

/// Is it said that this is not to be done? `no matter who wrote it` denies nothing.
fn is_denied(text: &str) -> bool {
    [
        "never ",
        "nothing in ",
        "none of ",
        "not ",
        "don't",
        "n't ",
        "cannot ",
        "rather than",
        "nicht ",
        "ne pas",
        "nunca ",
    ]
    .iter()
    .any(|word| text.contains(word))
        && !["no matter", "does not matter", "not ask", "not bother"]
            .iter()
            .any(|word| text.contains(word))
}

/// What is done, and how far away it reaches.
fn act(unit: &Unit, facts: &Facts) -> Option<(&'static Rule, Where, &'static str)> {
    let text = unit.clean.as_str();
    let forbidden = facts.says(&[Neg]) && facts.forbidden.any(&[Send, Install, Run, Pay]);
    // `подтверждения не требуется`: what is denied is the question.
    let unsaid = tongues::UNASKED.is_match(text) || tongues::KEPT.is_match(text);
    if forbidden && facts.concealed == Concealed::No && !unsaid {
        return None;
    }
    // An element of a page that is shown: its words are those of a link.
    let element = unit.spot == Spot::Code
        && text.trim_start().starts_with('<')
        && !["fetch(", "sendbeacon", "onload", "onerror", "<script", "<form"]
            .iter()
            .any(|acts| unit.text.contains(acts));
    if facts.to >= Where::Related
        && !element
        && (facts.url || facts.mail || unit.text.contains("git@"))
        && (facts.says(&[Send]) || signs::LEAVES.is_match(text) || tongues::LEAVES.is_match(text))
    {
        return Some((&rules::SEND_FILES, facts.to, "something goes to a place outside"));
    }
    // `repos/.../comments`: nobody's.
    let named = signs::ACCOUNT
        .find(text)
        .and_then(|found| text.get(found.range()))
        .is_some_and(|account| !account.contains("/..."));
    if named {
        let message = "something goes to an account that the text names";
        return Some((&rules::SEND_FILES, Where::Foreign, message));
    }
    if signs::ADMITS.is_match(text) {
        return Some((&rules::GRANT, Where::Foreign, "somebody is let in"));
    }
    if signs::ALLOWANCE.is_match(text) {
        return Some((
            &rules::PAY,
            Where::Foreign,
            "somebody may take all that there is of a coin",
        ));
    }
    if signs::APPLAUDS.is_match(text) && signs::AS_USER.is_match(text) {
        let message = "the user's accounts praise or rate what the text names";
        return Some((&rules::SPREAD, Where::Foreign, message));
    }
    if facts.says(&[Pay, Money, Recipient])
        && (signs::CHARGED.is_match(text) || facts.orders(&[Pay]) && (facts.mail || facts.coin))
    {
        return Some((&rules::PAY, Where::Foreign, "money goes to somebody whom the text names"));
    }
    let vendor = facts.url && facts.to < Where::Foreign;
    if !vendor && signs::BRINGS.is_match(text) && facts.said.any(&[Install, Run, Fetch]) {
        return Some((&rules::INSTALL, Where::Foreign, "something is installed"));
    }
    None
}

/// A sentence that tells by itself.
fn alone(
    unit: &Unit,
    facts: &Facts,
    next: &[Unit],
) -> impl Iterator<Item = (&'static Rule, &'static str)> {
    let text = unit.clean.as_str();
    let prose = !matches!(unit.spot, Spot::Code | Spot::Heading);
    let denied = is_denied(&unit.text);
    let mut found: [Option<(&'static Rule, &'static str)>; 12] = [None; 12];
    if prose && !denied {
        if signs::OBEYS.is_match(text) {
            found[0] = Some((&rules::INCLUDE_BLIND, "whoever writes to it is obeyed"));
        }
        if signs::FALSE_RESULT.is_match(text) {
            found[1] = Some((&rules::SABOTAGE, "what failed is to be told as if it had not"));
        }
        let moved = [
            "in place of",
            "instead of",
            "changed banks",
            "change of bank",
            "new account",
            "standing order",
            "new bank",
        ];
        let moved = moved.iter().chain(tongues::INSTEAD);
        if facts.coin && moved.into_iter().any(|word| text.contains(*word)) {
            found[2] = Some((&rules::PAY, "a payee is exchanged for another"));
        }
        if facts.url && facts.to >= Where::Foreign && signs::INSTEAD.is_match(text) {
            let message = "a stranger's page is to stand in for the official one";
            found[3] = Some((&rules::PROMOTE, message));
        }
    }
    // `say that plainly`: nothing is made up.
    let made_up = signs::MADE_UP.find(text).is_some_and(|found| {
        let rest = text.get(found.end()..).unwrap_or_default().trim_start();
        let plain = ["explicitly", "plainly", "clearly", "openly", "directly", "outright"];
        !plain.iter().any(|how| rest.starts_with(how))
    });
    if prose && !facts.says(&[Ask]) && made_up {
        found[11] = Some((&rules::SABOTAGE, "what is not known is to be made up"));
    }
    if facts.mail && !denied && signs::FORWARDS.is_match(text) {
        found[4] = Some((&rules::GRANT, "what comes in is copied to somebody from now on"));
    }
    if let Some(at) = text.find("redirect_uri=")
        && signs::CONSENT_PAGE.is_match(text)
    {
        let leads = text.get(at..).unwrap_or_default().split('&').next().unwrap_or_default();
        let own = ["localhost", "127.0.0.1", "example.com", "your", "<", "{"];
        if !own.iter().any(|word| leads.contains(word)) {
            found[5] = Some((&rules::GRANT, "the user is to grant a stranger wide rights"));
        }
    }
    if !denied && facts.mail && signs::AUTO_FORWARD.is_match(text) {
        found[7] = Some((&rules::GRANT, "what comes in is copied to somebody from now on"));
    }
    if prose && facts.secret_path && signs::LABELS.is_match(text) {
        found[8] =
            Some((&rules::SEND_DNS, "a secret is cut to labels of names that are looked up"));
    }
    if unit.spot != Spot::Heading
        && signs::CUT_UP.is_match(text)
        && next.iter().any(|unit| signs::PLACED.is_match(&unit.clean))
    {
        found[9] =
            Some((&rules::SEND_SECRETS, "a token is cut to pieces, which go into an address"));
    }
    if prose
        && !denied
        && !facts.says(&[Ask])
        && facts.to >= Where::Foreign
        && facts.mail
        && signs::WHOLE_LIST.is_match(text)
    {
        found[10] = Some((&rules::SEND_FILES, "a whole list of people goes to a stranger"));
    }
    if prose
        && !facts.says(&[Neg, Ask])
        && signs::EVERYBODY.is_match(text)
        && signs::INVITES.is_match(text)
        && (signs::IN_VOICE.is_match(text)
            || next.iter().take(3).any(|unit| signs::IN_VOICE.is_match(&unit.clean)))
    {
        let message = "everybody whom the user knows is to get it, as if from the user";
        found[6] = Some((&rules::SPREAD, message));
    }
    found.into_iter().flatten()
}

/// Goes what the user has to an address in running text, in a package that says nothing of sending?
fn carries_off(
    unit: &Unit,
    facts: &Facts,
    before: Option<(&Unit, &Facts)>,
    profile: &Profile,
) -> bool {
    const DATA: &[super::tags::Concept] =
        &[Files, Personal, Conversation, HistoryFile, Secret, SecretStrong];
    let text = unit.clean.as_str();
    let running = matches!(unit.spot, Spot::Prose | Spot::Item | Spot::Cell | Spot::Quote);
    if !running
        || facts.to < Where::Foreign
        || !(facts.url || facts.mail)
        || profile.security
        || unit.text.contains(".example")
            && ["@empresa.", "@firma.", "@kunde.", "@company.", "@acme."]
                .iter()
                .any(|own| unit.text.contains(own))
        || facts.says(&[Ask])
        || is_denied(&unit.text)
        || cited::is_cited(unit, facts)
    {
        return false;
    }
    let goes = facts.says(&[Send]) || signs::GOES.is_match(text);
    let near = before.filter(|(near, _)| near.section == unit.section);
    // `… and it is sent to`: what the sentence before speaks of.
    let again =
        ["it goes", "they go", "it is sent", "them to", "it to", "it at", "them at", "it with"]
            .iter()
            .any(|word| unit.text.contains(word));
    let data = facts.says(DATA) || again && near.is_some_and(|(_, said)| said.says(DATA));
    let asked = near.is_some_and(|(_, said)| said.says(&[Ask]));
    goes && data && !asked && !signs::OUTWARD.is_match(&profile.purpose)
}

/// What a sentence does that is work when it is told, and harm when it is kept.
#[derive(Debug, Default, Clone, Copy)]
struct Deed {
    /// Protections of machines are switched off.
    disarms: bool,
    /// What speaks against something is withheld.
    withheld: bool,
    /// Something is mixed into what a model learns from.
    mixes: bool,
    /// A judgement does not depend on what is judged.
    fixed: bool,
    /// Protection is left out.
    weakens: bool,
    /// Figures are changed.
    alters: bool,
    /// Records lose lines.
    clears: bool,
    /// The agent stops asking.
    unguarded: bool,
    /// What is installed shall not be looked up.
    unchecked: bool,
    /// A guard against what is fetched is to look away.
    shielded: bool,
    /// Care of physicians is talked out of people.
    uncared: bool,
    /// What was found is not counted.
    suppresses: bool,
}

impl Deed {
    fn of(unit: &Unit) -> Self {
        let text = unit.clean.as_str();
        let prose = !matches!(unit.spot, Spot::Code | Spot::Heading);
        Self {
            disarms: signs::DISARMS.is_match(text),
            withheld: prose && withholds(text),
            mixes: prose && signs::MIXES.is_match(text),
            fixed: prose && signs::FIXED.is_match(text) && !cited::is_free(text),
            weakens: prose && signs::WEAKENS.is_match(text) && !signs::LACKING.is_match(text),
            alters: prose && signs::ALTERS.is_match(text) && !signs::LIMITED.is_match(text),
            clears: signs::CLEARS.is_match(text) && signs::TAKES_OUT.is_match(text),
            unguarded: signs::UNGUARDED.is_match(text),
            unchecked: prose && signs::UNCHECKED.is_match(text),
            shielded: prose && signs::SHIELDED.is_match(text),
            uncared: prose && signs::UNCARED.is_match(text),
            suppresses: prose && signs::SUPPRESSES.is_match(text) && !signs::LIMITED.is_match(text),
        }
    }

    fn any(self) -> bool {
        self.disarms
            || self.withheld
            || self.mixes
            || self.fixed
            || self.weakens
            || self.alters
            || self.clears
            || self.unguarded
            || self.unchecked
            || self.shielded
            || self.uncared
            || self.suppresses
    }
}

/// The sentences around one.
#[derive(Debug, Default)]
struct Around {
    weight: Weight,
    /// The order itself is not to be seen.
    unseen: bool,
    /// It is said not to do it.
    negated: bool,
    /// Settings of an agent are named.
    settings: bool,
    /// Something is installed.
    brings: bool,
    /// In how many sentences somebody is let in.
    doors: usize,
    /// Something goes to a stranger.
    calls: bool,
    /// A program or an archive of a stranger is fetched and started.
    starts: bool,
    /// Something is sold.
    sold: bool,
}

impl Around {
    fn of(units: &[Unit], all: &[Facts], at: usize) -> Self {
        let mut around = Self::default();
        let section = units.get(at).map(|unit| unit.section);
        for other in at.saturating_sub(REACH)..(at + REACH + 1).min(units.len()) {
            let (Some(near), Some(said)) = (units.get(other), all.get(other)) else { continue };
            if Some(near.section) != section || said.taught {
                continue;
            }
            let text = near.clean.as_str();
            let close = other.abs_diff(at) <= 3;
            around.weight = around.weight.and(Weight::of(near, said, other.abs_diff(at) <= 2));
            around.unseen |= signs::UNSEEN.is_match(text);
            around.negated |= close
                && other <= at
                && near.spot != Spot::Code
                && ["never", "do not", "don't", "not propose"]
                    .iter()
                    .any(|no| near.text.contains(no))
                && said.concealed == Concealed::No
                && !said.says(&[Approval]);
            around.settings |= ["settings", "config.toml", "openclaw.json", "gateway", "channels."]
                .iter()
                .any(|name| near.text.contains(name));
            around.brings |=
                close && (signs::BRINGS.is_match(text) || signs::INSTALLS.is_match(text));
            around.doors += usize::from(signs::ADMITS.is_match(text));
            around.starts |= close && said.to >= Where::Related && signs::STARTS.is_match(text);
            around.sold |= signs::SOLD.is_match(text);
            around.calls |= said.to >= Where::Foreign && said.url && signs::LEAVES.is_match(text);
        }
        around
    }
}

/// What a deed is, with what is said around it.
fn judged(
    deed: Deed,
    around: &Around,
    boxed: bool,
) -> impl Iterator<Item = (&'static Rule, &'static str)> {
    let Around { weight, negated, .. } = *around;
    let kept = weight.unsaid() && !negated;
    let table: [(bool, &'static Rule, &'static str); 12] = [
        (
            deed.suppresses && kept,
            &rules::SABOTAGE,
            "what was found is taken out of the count, and that is not said",
        ),
        (
            deed.shielded && around.starts && !negated,
            &rules::DEFENCE,
            "a guard is to look away from what is fetched and started",
        ),
        (
            deed.uncared && (kept || around.sold) && !negated,
            &rules::SABOTAGE,
            "people are talked out of treatment, for something else",
        ),
        (
            deed.unguarded && around.settings && !negated && !boxed,
            &rules::APPROVAL,
            "the agent's own settings are to stop asking, or to let everybody in",
        ),
        (
            deed.disarms && weight.unasked + weight.kept > 0 && !negated,
            &rules::DEFENCE,
            "protections are switched off, and nobody is to be asked or told",
        ),
        (
            deed.mixes && kept,
            &rules::SABOTAGE,
            "something is mixed into what a model learns from, and is not shown",
        ),
        (
            deed.weakens && kept,
            &rules::SABOTAGE,
            "protection is left out of what is made, and that is not said",
        ),
        (
            deed.alters && kept,
            &rules::SABOTAGE,
            "figures are changed on their way, and that is not said",
        ),
        (
            deed.clears && weight.kept > 0 && !negated,
            &rules::CONCEAL_ACT,
            "lines are taken out of the records of what was done",
        ),
        (
            deed.unchecked && around.brings,
            &rules::INSTALL,
            "something is installed, and whether it is what it says shall not be looked up",
        ),
        (
            deed.fixed && (around.unseen || weight.withheld > 0 || weight.kept + weight.named > 1),
            &rules::PROMOTE,
            FIXED_AND_WITHHELD,
        ),
        (!deed.fixed && deed.withheld && weight.kept == 2, &rules::PROMOTE, WITHHELD),
    ];
    table.into_iter().filter(|row| row.0).map(|(_, rule, message)| (rule, message))
}

/// Weighs the acts of one file.
pub(super) fn look(file: &File, units: &[Unit], all: &[Facts], profile: &Profile, seen: &mut Seen) {
    // In a box that is thrown away nobody is asked.
    let boxed =
        ["container", "docker", "devcontainer", "sandbox", "unattended", "ephemeral", "headless"]
            .iter()
            .any(|word| profile.words.contains(*word));
    let mut told = 0_usize;
    noted::look(file, profile, seen);
    calm::look(file, units, all, profile, seen);
    plain::look(file, units, all, profile, seen);
    classes::look(file, units, all, profile, seen);
    tells::look(file, units, all, profile, seen);
    for (at, (unit, facts)) in units.iter().zip(all).enumerate() {
        if facts.taught || unit.teaching && profile.security || told > MOST {
            continue;
        }
        let mut say = |rule: &'static Rule, message: String| {
            // In a package about attacks they are shown; that machines be disarmed unasked is an order there too.
            let shown = profile.security
                && matches!(unit.spot, Spot::Code | Spot::Cell | Spot::Quote | Spot::Value)
                && rule.id != rules::DEFENCE.id;
            told += 1;
            // Alone it stops published skills as often as hostile ones: what is not passed on may be the user's.
            let is_weak = rule.id == rules::PROMOTE.id && message == WITHHELD;
            let severity = if is_weak { crate::Severity::Medium } else { High };
            seen.findings.push(
                rule.at(&file.path, unit.line, unit.column, &unit.raw, message)
                    .of(severity)
                    .sure(if shown || is_weak { Low } else { Medium }),
            );
        };
        let next = units.get(at + 1..(at + 16).min(units.len())).unwrap_or_default();
        for (rule, message) in alone(unit, facts, next) {
            say(rule, message.to_owned());
        }
        for (rule, message) in together::look(units, all, at) {
            say(rule, message.to_owned());
        }
        if let Some((rule, message)) = sense::look(units, all, at, profile) {
            say(rule, message.to_owned());
        }
        if let Some((rule, message)) = published::look(unit, facts) {
            say(rule, message.to_owned());
        }
        if carries_off(
            unit,
            facts,
            units.get(at.wrapping_sub(1)).zip(all.get(at.wrapping_sub(1))),
            profile,
        ) {
            let message =
                "what is the user's goes to somebody whom the package does not name as its purpose";
            say(&rules::SEND_FILES, message.to_owned());
        }
        let deed = Deed::of(unit);
        let act = act(unit, facts);
        if !deed.any() && act.is_none() {
            continue;
        }
        let around = Around::of(units, all, at);
        for (rule, message) in judged(deed, &around, boxed) {
            say(rule, message.to_owned());
        }
        let Some((rule, far, what)) = act else { continue };
        let weight = around.weight;
        let quiet = rule.id == rules::INSTALL.id && weight.silenced + weight.standing >= 2;
        let open = rule.id == rules::GRANT.id && around.doors >= 2 && around.calls;
        let hidden = match far {
            Where::Foreign | Where::Anyones => {
                weight.hides() >= 1
                    && (weight.all() >= 2 || weight.unsaid() && rule.id == rules::SEND_FILES.id)
            }
            // The author's own host: only what is plainly kept.
            _ => weight.unsaid() && weight.all() >= 3 && (weight.data || weight.kept == 2),
        };
        if quiet || open || hidden {
            let how = match () {
                () if weight.unsaid() || weight.withheld > 0 => {
                    ", and it is kept from what the user is told"
                }
                () if weight.unasked > 0 => ", and nobody is to be asked",
                () => ", unseen or from everywhere",
            };
            say(rule, format!("{what}{how}"));
        }
    }
}

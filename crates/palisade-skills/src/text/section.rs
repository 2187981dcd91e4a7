//! What several sentences of one section say together: what is taken in one, where it goes in another.

use std::sync::LazyLock;

use super::{
    blocks::{Spot, Unit},
    facts::{Concealed, Facts, Where},
    rules,
    tags::Concept::{
        Account, Approval, AskUser, Conversation, Environment, Files, MemoryFile, Personal,
        PreApproved, Secret, SecretStrong, Send, Standing, SystemPrompt, Wallet, Write,
    },
};
use crate::{
    Confidence::{High, Low, Medium},
    File, Seen, Severity,
    formats::Profile,
    pattern::{Regex, pattern},
};

/// How many sentences before and behind are held against one.
const REACH: usize = 4;

/// A command or a word of the web that takes something along.
static CARRIES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\bcurl\b[^\n]{0,200}\s(-d|-f|-t|--data\S*|--form|--upload-file|--json|--data-urlencode)\s?|\bcurl\b[^\n]{0,120}\$\(|\bwget\b[^\n]{0,120}--post|\b(put|post) (it|them|to|request)\b|\brequête put\b|\bhttp put\b|\|\s*(curl|nc|ncat)\b|\bscp\b|\brsync\b|\brclone\b|\bgit push\b|\bdocker push\b|send_mail|send_email|send_message|\bmailto:|[?&][a-z_]{1,12}=(…|\.\.\.|<|\{|\[|`|\+| \+|'? ?\+|$)|(row|data|q|s|d|ctx|id|u|text|doc)=['`]? ?(\+|followed|=)|#['`]? followed|\burl-encoded\b|\bas json\b|\bas a parameter\b"#,
    )
});

/// An address ends in what is computed.
static QUERY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)https?://[^\s]{4,160}([?&][a-z_]{1,12}=|#)['`]? ?(\+|followed|…|\.\.\.)|https?://[^\s]{4,160}[?&][a-z_]{1,12}=$",
    )
});

/// Something is to be taken to somebody, in plain words.
static TAKEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(send|sends|sent|sending|upload\w*|submit\w*|post|posts|posted|forward\w*|transmit\w*|deposit\w*|lodge\w*|deliver\w*|hand(s|ed)? (it|them|over|in)|pass(es|ed)? (it|them|each|on)|cop(y|ies) (it|them|files|matching|the)|mirror\w*|report(s|ed)? (it|them|to)|file (it|them)|goes to|go to|put (it|them)|push(es|ed)? (it|them|the)|register\w*|checked by|validated (at|by|through)|looked up at|look up at|via the|through the|carr(y|ies) (it|them)|feed\w* (it|them)|share\w*|sync\w*|relay\w*|exchange\w*|caric\w+|invia\w*|dépos\w+|envoy\w+|envia\w*|sub(e|a|ir)\b|schick\w*|lade\w*|übermittl\w*|отправ\w+|загруз\w+)\b",
    )
});

/// Looks at what the sentences of one file say together.
pub(super) fn look(file: &File, units: &[Unit], all: &[Facts], profile: &Profile, seen: &mut Seen) {
    let mut told = 0_usize;
    for (at, (unit, facts)) in units.iter().zip(all).enumerate() {
        if facts.taught || told > 12 {
            continue;
        }
        let prose = matches!(
            unit.spot,
            Spot::Prose
                | Spot::Item
                | Spot::Cell
                | Spot::Quote
                | Spot::Hidden
                | Spot::Description
                | Spot::Value
                | Spot::Comment
                | Spot::Code
        );
        // A host that is called like the skill is the author's: enough if it is also kept from the user.
        let related = facts.to == Where::Related && facts.url;
        let far = facts.to >= Where::Foreign && (facts.url || facts.mail) || related;
        if !prose || !far {
            if facts.orders(&[Write])
                && facts.says(&[MemoryFile])
                && unit.spot != Spot::Description
                && !profile.security
            {
                told += usize::from(plants(file, units, all, at, seen));
            }
            continue;
        }
        // The bot's own token stands in the path of its calls.
        if unit.text.contains("api.telegram.org/bot$")
            || unit.text.contains("api.telegram.org/bot{")
        {
            continue;
        }
        let carries = CARRIES.is_match(&unit.text);
        let taken = facts.said.any(&[Send]) || TAKEN.is_match(&unit.text);
        if !carries && !taken {
            continue;
        }
        let from = at.saturating_sub(REACH);
        let to = (at + REACH + 1).min(units.len());
        let near = (from..to).filter_map(|other| {
            let (unit, facts) = (units.get(other)?, all.get(other)?);
            (unit.section == units.get(at)?.section && !facts.taught)
                .then_some((other, unit, facts))
        });
        let (mut strong, mut account, mut asks, mut data, mut standing, mut kept, mut unasked) =
            (false, false, false, false, false, Concealed::No, false);
        for (other, unit, facts) in near {
            let header = ["authorization", "bearer", "x-api-key", "header"]
                .iter()
                .any(|word| unit.text.contains(word));
            let close = other.abs_diff(at) <= 2;
            strong |= close && (facts.secret_path || facts.says(&[Wallet])) && !header;
            account |=
                facts.says(&[Account, Wallet]) || facts.says(&[Secret]) && facts.orders(&[AskUser]);
            // `Never ask for a password` asks for none.
            let forbids = ["never ", "do not ", "don't "].iter().any(|no| unit.text.contains(no));
            asks |= facts.orders(&[AskUser])
                || !forbids
                    && ["ask for", "ask the user", "ask in a", "type their", "enter their"]
                        .iter()
                        .any(|ask| unit.text.contains(ask));
            data |= close
                && facts.says(&[
                    Conversation,
                    Files,
                    Personal,
                    Environment,
                    SystemPrompt,
                    SecretStrong,
                ]);
            standing |= close && (facts.says(&[Standing]) || EACH.is_match(&unit.text));
            kept = kept.max(facts.concealed);
            unasked |= facts.says(&[PreApproved, Approval]);
        }
        if related && kept == Concealed::No {
            continue;
        }
        let query = QUERY.is_match(&unit.text)
            && facts.says(&[Conversation, Personal, SecretStrong, SystemPrompt]);
        let aside = matches!(unit.spot, Spot::Hidden | Spot::Comment);
        let code = unit.spot == Spot::Code;
        let mut say = |rule: &'static crate::Rule,
                       severity: Severity,
                       sure: crate::Confidence,
                       message: &str| {
            // In a package about attacks they are shown.
            let sure = if profile.security && unit.spot != Spot::Hidden { Low } else { sure };
            seen.findings.push(
                rule.at(&file.path, unit.line, unit.column, &unit.raw, message)
                    .of(severity)
                    .sure(sure),
            );
        };
        if strong && carries {
            say(
                &rules::SEND_SECRETS,
                Severity::High,
                Medium,
                "a secret is taken in one sentence and goes to a stranger in another",
            );
            told += 1;
        } else if account && asks {
            say(
                &rules::PHISH,
                Severity::High,
                Medium,
                "the user is asked for what only the user may enter, and it goes to a stranger",
            );
            told += 1;
        } else if data && kept >= Concealed::Weak && !code {
            say(
                &rules::SEND_FILES,
                Severity::High,
                if kept == Concealed::Strong { High } else { Medium },
                "the user's data goes to a stranger, and it is left out of what the user is told",
            );
            told += 1;
        } else if data && (standing || unasked) && carries {
            say(
                &rules::SEND_FILES,
                Severity::High,
                Medium,
                "the user's data goes to a stranger each time",
            );
            told += 1;
        } else if taken && !code && kept == Concealed::Strong {
            say(
                &rules::SEND_FILES,
                Severity::High,
                Medium,
                "something goes to a stranger, and the user shall not know",
            );
            told += 1;
        } else if query && !code {
            say(
                &rules::SEND_URL,
                Severity::High,
                Medium,
                "an address is made from what the user said",
            );
            told += 1;
        } else if carries && (kept == Concealed::Strong || kept == Concealed::Weak && aside) {
            say(
                &rules::SEND_FILES,
                Severity::High,
                Medium,
                "something goes to a stranger, and the user shall not know",
            );
            told += 1;
        }
    }
}

/// Something is done whatever the task.
static EACH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(each|every|always|all|whenever|any)\b|\bbefore (the|it|you|tailoring|answering|work)\b|\bafterwards?\b|\b(ogni|chaque|cada|jede[rsn]?|immer|toujours|siempre|sempre|кажд\w+|всегда)\b|每|总是|必ず|毎回",
    )
});

/// Orders that are to be written into what later sessions obey: what stands below the order.
fn plants(file: &File, units: &[Unit], all: &[Facts], at: usize, seen: &mut Seen) -> bool {
    static PLANTED: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)\b(do not|don't|never|no need to|without) (ask|asking|confirm|prompt)\w*|\btreat (it |them |this )?as (approved|trusted|agreed)|\bpre-?approved\b|\bneed(s)? no (second|approval|confirmation)|\bfollow (them|it|whatever|its)\b|\boutput may contain (steps|instructions|commands)|\bdislikes being asked|\bleave (them|it) out\b|\bsecurity warnings be left out|\bbypasspermissions|\bcurl\b[^\n]{0,80}\|\s*(ba)?sh|\bnpx -y\b[^\n]{0,60}@latest\b[^\n]{0,80}(follow|steps)|\bcarried out (?:like|as)\b|\breviews?\b[^\n.;]{0,20}\boptional\b|\bwithout a look\b|\bcounts? as (?:the )?(?:owner|user)|\blike the owner's\b|\binstalled from\b[^\n]{0,60}\.[a-z]{2,}|\bwithout (?:a )?password\b|\bclosed? as (?:a )?[\x22'`]?false positives?\b|\bsans mot de passe\b|\bfaux positifs?\b|\b(?:sans|ne jamais|jamais) (?:demander|signaler|prévenir|confirmation|validation)\b|\bohne (?:passwort|kennwort|rückfrage|freigabe)\b|\bfehlalarm\b|\bsin (?:contraseña|preguntar|confirmación|avisar)\b|\bsenza (?:password|chiedere|conferma|avvisare)\b|\bfals[oi] positiv[oi]s?\b|\bsem (?:senha|perguntar|confirmação|avisar)\b|\bbez (?:hasła|pytania|potwierdzenia)\b|без (?:пароля|подтверждения|вопросов)|ложн\w+ срабатыван|无需密码|不用密码|误报|无需确认|パスワードなし|誤検知|비밀번호 없이|오탐|بدون كلمة|دون كلمة",
        )
    });
    let Some(section) = units.get(at).map(|unit| unit.section) else { return false };
    for other in at + 1..(at + 9).min(units.len()) {
        let (Some(unit), Some(facts)) = (units.get(other), all.get(other)) else { continue };
        if unit.section.abs_diff(section) > 1 || facts.taught {
            continue;
        }
        let negative = ["avoid", "bad", "wrong", "instead of", "❌"]
            .iter()
            .any(|word| unit.text.contains(word));
        if !negative
            && (PLANTED.is_match(&unit.text)
                && !super::facts::STILL_ASKED.is_match(&unit.text)
                // `if they ask for it: in a container only`.
                && !(unit.text.contains("if they ask") || unit.text.contains("if the user asks"))
                || facts.concealed == Concealed::Strong
                    && facts.said.any(&[Send, PreApproved, SecretStrong]))
        {
            seen.findings.push(
                rules::REMEMBER_HOSTILE
                    .at(
                        &file.path,
                        unit.line,
                        unit.column,
                        &unit.raw,
                        "orders against the user are to be written where later sessions obey them",
                    )
                    .of(Severity::High)
                    .sure(Medium),
            );
            return true;
        }
    }
    false
}

//! From whom one sentence keeps what it tells of: the user, somebody else, or nobody.

use super::{
    facts::Concealed,
    tags::{Concept, Tag},
};

/// How strongly what these tags say is kept from the user.
pub(super) fn concealed(text: &str, tags: &[Tag]) -> Concealed {
    let most = most_concealed(text, tags);
    // Somebody else is named as the one who shall not know.
    let third = ["to the ", "to our ", "to your ", "from the ", "vor dem ", "al ", "ao "]
        .iter()
        .any(|to| {
            text.split(to).skip(1).any(|rest| {
                THIRD.contains(&rest.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default())
            })
        });
    if third { most.min(Concealed::Weak) } else { most }
}

fn most_concealed(text: &str, tags: &[Tag]) -> Concealed {
    let mut most = Concealed::No;
    for tag in tags {
        let weak = tags.iter().any(|other| {
            other.concept == Concept::ConcealWeak
                && other.start >= tag.start
                && other.end <= tag.end
        });
        match tag.concept {
            Concept::Conceal
                if tag.quoted
                    || is_kept_from_a_place(text, tag)
                    || is_private(text, tag.start)
                    || is_no_secret(text, tag) => {}
            Concept::Conceal => {
                let weak = weak || is_third(text.get(tag.end..).unwrap_or_default());
                most = most.max(if weak { Concealed::Weak } else { Concealed::Strong })
            }
            // `do not show the raw output`: the second is a thing.
            Concept::Tell
                if tag.negated
                    && !tag.quoted
                    && !tags.iter().any(|other| {
                        other.concept == Concept::Tell
                            && other.negated
                            && other.end < tag.start
                            && tag.start - other.end <= 16
                    }) =>
            {
                most = most.max(untold(text, tag, tags));
            }
            _ => {}
        }
    }
    most
}

/// Says the phrase here how much is shown, what cannot be, or what is not done?
fn is_no_secret(text: &str, tag: &Tag) -> bool {
    let phrase = text.get(tag.start..tag.end).unwrap_or_default();
    let before = text.get(..tag.start).unwrap_or_default().trim_end();
    let rest = text.get(tag.end..).unwrap_or_default();
    // `steps that say what to do without showing how (…)`: less than one could wish.
    let how = phrase.starts_with("without ")
        && rest
            .strip_prefix(" how")
            .is_some_and(|rest| !rest.starts_with([' ', 'e']) || rest.starts_with(" ("));
    // `some folders could not be listed`: nobody was able to.
    let unable = phrase.starts_with("not be ") && before.ends_with(" could");
    // `names it rather than smuggling it past`
    let shunned = ["rather than", "instead of", "没有把", "没有将"].iter().any(|word| {
        before.rfind(word).is_some_and(|at| {
            let between = before.get(at + word.len()..).unwrap_or_default();
            between.chars().count() < 12 && !between.contains([',', ';', ':', '.', '，', '。'])
        })
    });
    // `never silently`: it is to be said.
    let openly = matches!(phrase, "silently" | "quietly" | "secretly")
        && [" never", " not", " don't", " nothing"]
            .iter()
            .any(|not| before.ends_with(not) || before.trim_start() == not.trim_start());
    // `no user-visible behaviour`: a kind of change.
    let kind = phrase == "no user-visible"
        && [" behavio", " change", " effect", " impact", " difference", " regression"]
            .iter()
            .any(|word| rest.starts_with(word));
    // `the hook sees nothing`: no person.
    let unmanned = phrase == "sees nothing" && {
        let subject = before.rsplit([',', ';', ':', '.']).next().unwrap_or_default();
        ![
            "user",
            "human",
            "person",
            "people",
            "they",
            "she",
            "he",
            "owner",
            "who",
            "whoever",
            "reader",
            "nobody",
            "somebody",
            "anybody",
            "everybody",
            "one",
            "team",
            "customer",
        ]
        .iter()
        .any(|who| subject.split(' ').any(|word| word.strip_suffix('s').unwrap_or(word) == *who))
    };
    // `oifname eth0 masquerade`: how addresses are translated.
    let translated = phrase.starts_with("masquerad")
        && ["nat ", "nft ", "iptables", "postrouting", "oifname", "firewall", "forward", "ufw "]
            .iter()
            .any(|word| text.contains(word));
    // `metrics are useless without alerting`: what else there should be.
    let wanting = phrase.starts_with("without ")
        && [
            "useless",
            "worthless",
            "meaningless",
            "pointless",
            "incomplete",
            "not enough",
            "of no use",
        ]
        .iter()
        .any(|word| before.ends_with(word));
    translated || wanting || how || unable || shunned || openly || kind || unmanned
}

/// Is what is hidden here told of something, as its quality, and not asked for?
pub(super) fn is_narrated(text: &str, tag: &Tag) -> bool {
    let phrase = text.get(tag.start..tag.end).unwrap_or_default();
    let before = text.get(..tag.start).unwrap_or_default();
    let clause = before.rsplit([';', ':', '.', '!', '?']).next().unwrap_or_default();
    if [
        "so that",
        "so nobody",
        "so no",
        "ensure",
        "make sure",
        "must",
        "should",
        "nobody",
        "no one",
    ]
    .iter()
    .any(|aim| clause.contains(aim))
    {
        return false;
    }
    let quality = matches!(
        phrase,
        "smuggled"
            | "masquerades"
            | "masqueraded"
            | "masquerading"
            | "disguised"
            | "camouflaged"
            | "concealed"
            | "innocent-looking"
    );
    let befalls = matches!(phrase, "unnoticed" | "undetected" | "goes unmentioned")
        && [" goes ", " went ", " would ", " could ", " can ", " slips ", " slipped ", " ships "]
            .iter()
            .any(|verb| clause.contains(verb));
    // `choices that the user would not notice are yours`: which ones, and not how.
    let which = phrase == "not notice"
        && [" are ", " is ", " belong"]
            .iter()
            .any(|verb| text.get(tag.end..).is_some_and(|rest| rest.starts_with(verb)));
    quality || befalls || which
}

/// `keep it out of git`: from a place, where a secret has no business.
fn is_kept_from_a_place(text: &str, tag: &Tag) -> bool {
    let phrase = text.get(tag.start..tag.end).unwrap_or_default();
    if !phrase.ends_with("out of") && !phrase.ends_with("out of the") {
        return false;
    }
    let rest = text.get(tag.end..).unwrap_or_default().trim_start();
    let rest = rest.trim_start_matches("the ").trim_start_matches("your ");
    let place = rest.split(|c: char| !c.is_alphanumeric() && c != '-').next().unwrap_or_default();
    matches!(
        place,
        "git"
            | "repo"
            | "repository"
            | "repositories"
            | "version"
            | "source"
            | "vcs"
            | "image"
            | "images"
            | "bundle"
            | "build"
            | "backup"
            | "backups"
            | "archive"
            | "direct"
            | "scope"
            | "commits"
            | "diff"
    )
}

/// `個人名は記載しない`: discretion about people and keys, in languages whose verb comes last.
fn is_private(text: &str, verb: usize) -> bool {
    let before = text.get(..verb).unwrap_or_default();
    let clause = before.rsplit(['、', '。', '，', ',', ';', '\n']).next().unwrap_or_default();
    [
        "個人名",
        "個人情報",
        "氏名",
        "パスワード",
        "姓名",
        "个人信息",
        "密码",
        "密钥",
        "개인정보",
        "비밀번호",
    ]
    .iter()
    .any(|word| clause.contains(word))
}

/// How strong `do not tell …` is.
fn untold(text: &str, tell: &Tag, tags: &[Tag]) -> Concealed {
    // Behind a dash or a bracket stands another thought.
    let after = |concept: Concept, within: usize| {
        tags.iter().find(|tag| {
            tag.concept == concept && tag.start >= tell.end && tag.start - tell.end <= within && {
                let between = text.get(tell.end..tag.start).unwrap_or_default();
                concept != Concept::ThisAct
                    || !between.contains([';', '(']) && !between.contains(" - ")
            }
        })
    };
    let near = |concept: Concept| {
        tags.iter().any(|tag| {
            tag.concept == concept && tag.start + 40 >= tell.start && tag.start <= tell.end + 60
        })
    };
    let verb = text.get(tell.start..tell.end).unwrap_or_default();
    let shows = [
        "show", "display", "print", "output", "explain", "include", "list", "describe", "present",
        "note", "log", "state", "confirm", "report", "summar", "raise", "write", "flag", "warn",
        "say", "expose", "share", "refer", "hint",
    ]
    .iter()
    .any(|show| verb.starts_with(show));
    // `don't comment on them`: things.
    let things = ![
        "tell", "inform", "notify", "alert", "warn", "let on", "show", "disclose", "reveal",
        "bother",
    ]
    .iter()
    .any(|teller| verb.starts_with(teller));
    let user = after(Concept::User, 40)
        // `where other users see it`: not the one who is served.
        .filter(|user| !text.get(..user.start).unwrap_or_default().ends_with("other "))
        .filter(|user| !things || text.get(user.start..user.end) != Some("them"));
    // How much of a result is shown is style.
    let style = shows
        && text.get(tell.end..).is_some_and(|rest| {
            let rest = rest.trim_start().trim_start_matches("the ").trim_start_matches("your ");
            [
                "raw ",
                "full ",
                "verbose",
                "intermediate",
                "internal ",
                "debug",
                "entire ",
                "whole ",
                "complete ",
                "long ",
                "stack trace",
            ]
            .iter()
            .any(|word| rest.starts_with(word))
        });
    let told_to = style
        || user.is_some_and(|user| {
            let rest = text.get(user.end..).unwrap_or_default().trim_start();
            rest.starts_with("to ")
                || rest.starts_with("how ")
                || [
                    "that they ",
                    "that he ",
                    "that she ",
                    "they're ",
                    "that it is easy",
                    "that you are an",
                ]
                .iter()
                .any(|tone| rest.starts_with(tone))
        });
    // `the command line` is a place, not what was done.
    let this = after(Concept::ThisAct, 30)
        .is_some_and(|act| !text.get(act.end..).unwrap_or_default().starts_with(" line"));
    let result = after(Concept::ResultText, 70).is_some();
    let cjk = verb.chars().any(|c| c as u32 > 0x2e80)
        || verb.chars().any(|c| ('\u{400}'..'\u{530}').contains(&c));
    // `never tell the bookkeeper`: whoever it is.
    let rest = text.get(tell.end..).unwrap_or_default().trim_start();
    let someone = ["the ", "them", "him", "her ", "yours", "your ", "anyone", "anybody", "their "]
        .iter()
        .any(|word| rest.starts_with(word))
        && ["tell", "inform", "notify", "alert", "warn", "let on", "disclose", "reveal", "mention"]
            .iter()
            .any(|word| verb.starts_with(word))
        && !(rest.starts_with("them") && things)
        && !rest
            .split_whitespace()
            .take(5)
            .any(|word| word == "to" || word == "how" || word == "model");
    let among = || {
        let rest: String = text.get(tell.end..).unwrap_or_default().chars().take(40).collect();
        let rest = rest.split([',', ';']).next().unwrap_or_default();
        [" among ", " in the ", " in your ", " from the ", " on the "]
            .iter()
            .any(|word| rest.contains(word))
    };
    let strong = someone
        || (cjk && near(Concept::User))
        || (!cjk && shows && ((this && among()) || this_act(text, tell, tags)))
        || (!cjk && user.is_some() && (!shows || this))
        || (!cjk && this && (result || !shows));
    // `no mentions of everyone`: whom a message calls, not what is kept from anybody.
    let calls = (verb.starts_with("mention") || verb.ends_with("mention"))
        && ["everyone", "everybody", "@everyone", "@here", "roles", "whole channel"]
            .iter()
            .any(|all| rest.trim_start_matches("of ").trim_start_matches("the ").starts_with(all));
    // `it could not tell whether`, `you cannot tell that from`: what nobody is able to make out.
    let discerns = matches!(verb, "tell" | "tells" | "telling") && {
        let before = text.get(..tell.start).unwrap_or_default().trim_end();
        let unable = [
            "cannot",
            "can't",
            "can not",
            "could not",
            "couldn't",
            "unable to",
            "no way to",
            "nor",
            "neither",
        ]
        .iter()
        .any(|word| before.ends_with(word));
        let rest = rest.split([',', '.', ';', ':']).next().unwrap_or_default();
        let parts = ["whether ", "if ", "which "].iter().any(|word| rest.starts_with(word))
            || rest.split(' ').take(4).any(|word| matches!(word, "from" | "apart"));
        // `if you cannot tell which one the user meant`: the user comes later, and is told nothing there.
        let asked = ["if ", "when ", "where ", "since ", "because "]
            .iter()
            .any(|word| before.rsplit(['.', ';', ':']).next().unwrap_or_default().contains(word))
            && ["which ", "who ", "whether ", "what ", "if ", "how "]
                .iter()
                .any(|word| rest.starts_with(word));
        unable && (parts && user.is_none() || asked)
    };
    // `a missing library does not announce itself`, `neither mentions the script`: said of things.
    let of_things = rest.starts_with("itself")
        || verb.ends_with('s')
            && text.get(..tell.start).is_some_and(|before| before.trim_end().ends_with("neither"));
    // `do not tell users that it is missing until that has been checked`: they are told when it is known.
    let later = rest.split_once(" until ").is_some_and(|(_, then)| {
        ["checked", "verified", "confirmed", "known", "certain"]
            .iter()
            .any(|sure| then.contains(sure))
    });
    if later && strong {
        return Concealed::Weak;
    }
    // `never print the token, put it in an argument, or log it`: a secret is kept from a log.
    let names_secret = |words: &str| {
        [
            "token",
            "password",
            "passphrase",
            "secret",
            "credential",
            "api key",
            "private key",
            "cookie",
        ]
        .iter()
        .any(|word| words.contains(word))
    };
    let object: String = rest.split_inclusive(' ').take(4).collect();
    let object = object.split([',', ';', '.']).next().unwrap_or_default();
    let clause = text.get(..tell.start).unwrap_or_default();
    let clause = clause.rsplit(['.', ';', ':']).next().unwrap_or_default();
    let negated = ["never ", "do not ", "don't "].iter().filter_map(|not| clause.rfind(not)).max();
    let before = negated.and_then(|at| clause.get(at..)).unwrap_or_default();
    let it = verb.ends_with(" it")
        || rest.starts_with("it")
        || rest.is_empty()
        || rest.starts_with(['.', ',']);
    let of_secret = shows && user.is_none() && (names_secret(object) || it && names_secret(before));
    if of_secret || told_to || calls || discerns || of_things || is_private(text, tell.start) {
        Concealed::No
    } else if is_third(text.get(tell.end..).unwrap_or_default()) {
        Concealed::Weak
    } else if strong {
        Concealed::Strong
    } else if cjk || user.is_some() || this || result && rest.starts_with("them") {
        Concealed::Weak
    } else {
        Concealed::No
    }
}

/// Is it somebody else than the user from whom something is kept: discretion, not concealment?
fn is_third(rest: &str) -> bool {
    let near: String = rest.chars().take(32).collect();
    let first = near.split(['.', ';', ':', '!', '?', '(']).next().unwrap_or_default();
    let far: String = rest.chars().take(90).collect();
    if ["to the ", "to our ", "to your ", "to a "].iter().any(|to| {
        far.split_once(to).is_some_and(|(_, rest)| {
            THIRD.contains(&rest.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default())
        })
    }) {
        return true;
    }
    // `in channels that it can read`: a suspect's.
    let of_suspect =
        ["it can read", "it can see", "he can read", "she can read", "it has access to"]
            .iter()
            .any(|reads| far.contains(reads))
            && !far.contains("user can");
    of_suspect
        || first.contains("user of the ")
        || first
            .split(|c: char| !c.is_alphabetic())
            .filter(|word| !word.is_empty())
            .take(4)
            .any(|word| THIRD.contains(&word))
}

/// Whom a user's agent serves the user by not telling everything.
const THIRD: &[&str] = &[
    "others",
    "sender",
    "senders",
    "customer",
    "customers",
    "client",
    "clients",
    "patient",
    "patients",
    "student",
    "students",
    "pupils",
    "recipient",
    "recipients",
    "guest",
    "guests",
    "caller",
    "callers",
    "visitor",
    "visitors",
    "candidate",
    "candidates",
    "applicant",
    "applicants",
    "supplier",
    "suppliers",
    "attendees",
    "subscribers",
    "followers",
    "players",
    "subject",
    "suspect",
    "kids",
    "children",
    "child",
    "guests",
    "neighbours",
    "neighbors",
    "kunden",
    "opponent",
    "counterparty",
    "press",
    "public",
    "competitors",
    "cliente",
    "clientes",
    "kunde",
    "kunden",
    "kundin",
    "clients",
    "cliente",
    "klient",
    "klienta",
    "клиенту",
    "клиентам",
    "клієнту",
    "müşteriye",
    "asiakkaalle",
    "kunden",
];

/// Is it an act that shall not be shown, rather than a thing?
fn this_act(text: &str, tell: &Tag, tags: &[Tag]) -> bool {
    tags.iter().any(|tag| {
        tag.concept == Concept::ThisAct
            && tag.start >= tell.end
            && tag.start - tell.end <= 12
            && [
                "command",
                "upload",
                "request",
                "call",
                "step",
                "transfer",
                "backup",
                "sync",
                "transmission",
                "network",
                "payload",
                "deletion",
                "data collection",
                "telemetry",
                "hook",
            ]
            .iter()
            .any(|word| text.get(tag.start..tag.end).is_some_and(|text| text.contains(word)))
            // `the command line` is a place.
            && !text.get(tag.end..).unwrap_or_default().starts_with(" line")
    })
}

//! The words of a text that a rule knows, by what they mean.

use std::{collections::HashMap, sync::LazyLock};

use super::phrases::Phrases;

macro_rules! concepts {
    ($($name:ident $word:literal),* $(,)?) => {
        /// What a word means.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub(super) enum Concept { $($name),* }

        impl Concept {
            fn named(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$name),)* _ => None }
            }
        }
    };
}

concepts! {
    Send "send", Read "read", Write "write", Run "run", Fetch "fetch", Follow "follow", Delete "delete",
    Disable "disable", Install "install", Encode "encode", Pay "pay", AskUser "ask-user", Recommend "recommend",
    Secret "secret", SecretStrong "secret-strong", Wallet "wallet", Account "account", Environment "environment",
    Conversation "conversation", SystemPrompt "system-prompt", Files "files", Personal "personal",
    HistoryFile "history-file", MemoryFile "memory-file", Startup "startup", SkillSelf "skill-self",
    Webhook "webhook", Paste "paste", ServerWord "server-word", Dns "dns", DnsLabel "dns-label",
    ImageWord "image-word", QueryWord "query-word",
    Neg "neg", Tell "tell", Ask "ask", User "user", ResultText "result-text", ThisAct "this-act",
    Conceal "conceal", ConcealWeak "conceal-weak",
    Standing "standing", First "first", ExcludeOthers "exclude-others", Breadth "breadth",
    Instructions "instructions", Prior "prior", Ignore "ignore", Supersede "supersede", Role "role",
    FakeTag "fake-tag", Approval "approval", PreApproved "pre-approved", Excuse "excuse", Urgent "urgent",
    Backdoor "backdoor", BroadTarget "broad-target", Defence "defence", Miner "miner", Money "money",
    Recipient "recipient", Grant "grant", BaseUrl "base-url", Prerequisite "prerequisite",
    PasteTerminal "paste-terminal", ArchivePassword "archive-password", Scanner "scanner",
    ScanVerdict "scan-verdict", Affiliate "affiliate", Competitor "competitor", Propagate "propagate",
    Gate "gate", Teach "teach", ThirdPerson "third-person", Address "address", Placeholder "placeholder",
}

impl Concept {
    /// What is done: only an order counts.
    fn is_act(self) -> bool {
        (self as u8) <= (Self::Recommend as u8)
    }

    /// What a negation turns round.
    fn is_negated(self) -> bool {
        self.is_act() || matches!(self, Self::Tell | Self::Ask | Self::Ignore)
    }
}

/// A set of meanings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Set(u128);

impl Set {
    pub(super) fn has(self, concept: Concept) -> bool {
        self.0 & (1 << (concept as u8)) != 0
    }

    pub(super) fn any(self, concepts: &[Concept]) -> bool {
        concepts.iter().any(|&concept| self.has(concept))
    }

    pub(super) fn add(&mut self, concept: Concept) {
        self.0 |= 1 << (concept as u8);
    }

    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One word or phrase, and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) concept: Concept,
    pub(super) start: usize,
    pub(super) end: usize,
    /// It tells the reader to do it.
    pub(super) order: bool,
    /// It tells the reader not to.
    pub(super) negated: bool,
    /// It stands between quotation marks.
    pub(super) quoted: bool,
}

/// The languages that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    English,
    German,
    French,
    Spanish,
    Portuguese,
    Italian,
    Russian,
    Chinese,
    Japanese,
    Korean,
    /// Written in letters of its own.
    Other,
    Polish,
    Czech,
    Dutch,
    Swedish,
    Danish,
    Finnish,
    Romanian,
    Hungarian,
    Turkish,
    Indonesian,
    Vietnamese,
}

impl Language {
    /// The code that a line of the lexicon of many languages begins with.
    fn coded(code: &str) -> Self {
        match code {
            "pl" => Self::Polish,
            "cs" => Self::Czech,
            "nl" => Self::Dutch,
            "sv" => Self::Swedish,
            "da" => Self::Danish,
            "fi" => Self::Finnish,
            "ro" => Self::Romanian,
            "hu" => Self::Hungarian,
            "tr" => Self::Turkish,
            "id" => Self::Indonesian,
            "vi" => Self::Vietnamese,
            _ => Self::Other,
        }
    }

    /// Its most common small words: enough of them tell the language of a sentence.
    fn small(self) -> &'static [&'static str] {
        match self {
            Self::German => &[
                "der", "die", "das", "den", "dem", "und", "ist", "nicht", "ein", "eine", "einen",
                "mit", "zu", "von", "für", "auf", "an", "im", "des", "du", "sie", "alle", "nach",
                "bei", "dann", "jede", "jeder", "vor", "ohne", "als", "es", "auch", "wenn",
                "davon", "nichts", "darf", "wird", "werden", "sind", "aus", "um", "oder", "diese",
                "dieser", "dieses", "sich", "so", "nur", "wie", "keine", "kein", "dem", "dir",
                "dich", "hier", "vom", "zum", "zur", "ihn", "ihm",
            ],
            Self::French => &[
                "le", "la", "les", "des", "du", "et", "est", "un", "une", "à", "de", "pour",
                "dans", "ne", "pas", "que", "avec", "sur", "au", "aux", "en", "tu", "vous",
                "toutes", "tous", "sans", "ce", "cette", "par", "puis",
            ],
            Self::Spanish => &[
                "el", "la", "los", "las", "de", "del", "y", "es", "un", "una", "para", "en", "no",
                "que", "con", "al", "se", "por", "todos", "todas", "sin", "esta", "este", "lo",
                "su", "cada", "luego",
            ],
            Self::Portuguese => &[
                "o", "a", "os", "as", "de", "do", "da", "dos", "das", "e", "é", "um", "uma",
                "para", "em", "não", "que", "com", "ao", "se", "por", "todos", "todas", "sem",
                "este", "esta", "isso", "cada", "no", "na",
            ],
            Self::Italian => &[
                "il", "lo", "la", "gli", "le", "di", "del", "della", "e", "è", "un", "una", "per",
                "in", "non", "che", "con", "al", "tutti", "tutte", "senza", "questo", "questa",
                "ogni", "poi", "i",
            ],
            Self::Polish => &[
                "i",
                "w",
                "na",
                "z",
                "do",
                "nie",
                "się",
                "jest",
                "to",
                "że",
                "użytkownik",
                "użytkownika",
                "użytkownikowi",
                "oraz",
                "przed",
                "po",
                "tego",
                "jako",
                "dla",
                "każdym",
                "także",
                "gdy",
                "te",
                "ją",
            ],
            Self::Czech => &[
                "a",
                "v",
                "na",
                "s",
                "do",
                "se",
                "je",
                "že",
                "pro",
                "uživatel",
                "uživatele",
                "uživateli",
                "po",
                "před",
                "tom",
                "nich",
                "jako",
                "každém",
                "o",
                "k",
                "z",
                "to",
                "ho",
            ],
            Self::Dutch => &[
                "de",
                "het",
                "een",
                "en",
                "van",
                "in",
                "naar",
                "op",
                "met",
                "niet",
                "gebruiker",
                "voor",
                "aan",
                "dat",
                "dit",
                "elke",
                "alle",
                "te",
                "zijn",
                "je",
            ],
            Self::Swedish => &[
                "och",
                "i",
                "på",
                "att",
                "en",
                "ett",
                "till",
                "för",
                "inte",
                "användaren",
                "med",
                "av",
                "det",
                "den",
                "varje",
                "som",
                "om",
                "alla",
                "de",
            ],
            Self::Danish => &[
                "og", "i", "på", "at", "en", "et", "til", "for", "ikke", "brugeren", "med", "af",
                "det", "den", "hver", "som", "om", "alle",
            ],
            Self::Finnish => &[
                "ja",
                "on",
                "ei",
                "käyttäjälle",
                "käyttäjän",
                "kaikki",
                "sen",
                "tai",
                "että",
                "osoitteeseen",
                "jokaisen",
                "ennen",
                "jälkeen",
            ],
            Self::Romanian => &[
                "și",
                "în",
                "la",
                "de",
                "nu",
                "pe",
                "cu",
                "utilizatorul",
                "utilizatorului",
                "toate",
                "pentru",
                "un",
                "o",
                "din",
                "fără",
                "către",
            ],
            Self::Hungarian => &[
                "a",
                "az",
                "és",
                "nem",
                "ne",
                "felhasználó",
                "felhasználónak",
                "minden",
                "hogy",
                "egy",
                "meg",
                "után",
                "előtt",
            ],
            Self::Turkish => &[
                "ve",
                "bir",
                "bu",
                "için",
                "ile",
                "tüm",
                "her",
                "kullanıcıya",
                "kullanıcı",
                "adresine",
                "de",
                "da",
                "önce",
                "sonra",
                "olarak",
            ],
            Self::Indonesian => &[
                "dan", "ke", "di", "yang", "dari", "untuk", "pengguna", "jangan", "semua",
                "setiap", "ini", "itu", "dengan", "kepada", "pada", "atau", "lalu", "agar", "jika",
                "bila", "akan", "oleh", "tidak", "saat", "sebelum", "sesudah", "dalam", "tanpa",
                "sebagai", "adalah", "hanya", "juga",
            ],
            Self::Vietnamese => &[
                "và", "của", "cho", "người", "dùng", "không", "các", "đến", "với", "này", "là",
                "tất", "cả", "mọi", "trong", "về", "được", "tới", "theo", "khi", "thì", "cùng",
                "để",
            ],
            _ => &[],
        }
    }
}

const LATIN: [Language; 16] = [
    Language::German,
    Language::French,
    Language::Spanish,
    Language::Portuguese,
    Language::Italian,
    Language::Polish,
    Language::Czech,
    Language::Dutch,
    Language::Swedish,
    Language::Danish,
    Language::Finnish,
    Language::Romanian,
    Language::Hungarian,
    Language::Turkish,
    Language::Indonesian,
    Language::Vietnamese,
];

/// The languages, by their place in [`LATIN`], that have a small word.
static SMALL: LazyLock<HashMap<&str, Vec<usize>>> = LazyLock::new(|| {
    let mut small: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, language) in LATIN.iter().enumerate() {
        for word in language.small() {
            let languages = small.entry(word).or_default();
            if !languages.contains(&at) {
                languages.push(at);
            }
        }
    }
    small
});

/// What one phrase of the lexicon means.
#[derive(Debug, Clone, Copy)]
struct Meaning {
    concept: Concept,
    language: Language,
    /// A form that gives an order.
    base: bool,
    /// More letters may follow.
    stem: bool,
}

static LEXICON: LazyLock<Phrases<Meaning>> = LazyLock::new(|| {
    let mut phrases = Phrases::default();
    let texts = [
        (Language::English, include_str!("lexicon/en.txt")),
        (Language::German, include_str!("lexicon/de.txt")),
        (Language::French, include_str!("lexicon/fr.txt")),
        (Language::Spanish, include_str!("lexicon/es.txt")),
        (Language::Portuguese, include_str!("lexicon/pt.txt")),
        (Language::Italian, include_str!("lexicon/it.txt")),
        (Language::Russian, include_str!("lexicon/ru.txt")),
        (Language::Chinese, include_str!("lexicon/zh.txt")),
        (Language::Japanese, include_str!("lexicon/ja.txt")),
        (Language::Korean, include_str!("lexicon/ko.txt")),
    ];
    for (language, text) in texts {
        for (concept, phrase, base, stem) in entries(text) {
            phrases.add(&phrase, Meaning { concept, language, base, stem });
        }
    }
    for line in include_str!("lexicon/more.txt").lines() {
        let (code, line) = line.split_once(' ').unwrap_or_default();
        let language = Language::coded(code);
        for (concept, phrase, base, stem) in entries(line) {
            let meaning = Meaning { concept, language, base, stem };
            phrases.add(&super::normal::normal(&phrase), meaning);
        }
    }
    phrases
});

/// The phrases of a lexicon: concept, phrase, whether it gives an order, whether it is a stem.
fn entries(text: &str) -> impl Iterator<Item = (Concept, String, bool, bool)> {
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).flat_map(|line| {
        let (name, phrases) = line.split_once(": ").unwrap_or((line, ""));
        let concept = Concept::named(name);
        phrases.split(" | ").flat_map(move |phrase| {
            let Some(concept) = concept else { return Vec::new() };
            let phrase = phrase.trim();
            if phrase.is_empty() {
                return Vec::new();
            }
            if let Some((verb, rest)) = phrase.split_once('~') {
                return forms(verb)
                    .into_iter()
                    .map(|(form, base)| (concept, format!("{form}{rest}"), base, false))
                    .collect();
            }
            if let Some(never) = phrase
                .strip_prefix('-')
                .filter(|rest| rest.starts_with(char::is_alphabetic) && rest.len() > 3)
            {
                return vec![(concept, never.to_owned(), false, false)];
            }
            match phrase.strip_suffix('*') {
                Some(stem) => vec![(concept, stem.to_owned(), true, true)],
                None => vec![(concept, phrase.to_owned(), true, false)],
            }
        })
    })
}

/// The forms of an English verb; the first gives an order.
fn forms(verb: &str) -> Vec<(String, bool)> {
    let without_e = verb.strip_suffix('e');
    let s = if verb.ends_with("sh")
        || verb.ends_with("ch")
        || verb.ends_with('s')
        || verb.ends_with('x')
        || verb.ends_with('z')
    {
        format!("{verb}es")
    } else if let Some(stem) =
        verb.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u']))
    {
        format!("{stem}ies")
    } else {
        format!("{verb}s")
    };
    let ing = format!("{}ing", without_e.unwrap_or(verb));
    let ed = match (without_e, verb.strip_suffix('y')) {
        (Some(_), _) => format!("{verb}d"),
        (_, Some(stem)) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ied"),
        _ => format!("{verb}ed"),
    };
    vec![(verb.to_owned(), true), (s, false), (ing, false), (ed, false)]
}

/// Does this script leave no space between words?
fn unspaced(c: char) -> bool {
    matches!(c, '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}')
}

/// What the words of a sentence in normal form mean, in the order of their places.
pub(super) fn tags(text: &str) -> Vec<Tag> {
    let foreign = latin_language(text);
    let kana = text.chars().any(|c| matches!(c, '\u{3040}'..='\u{30ff}'));
    let mut tags = Vec::new();
    let mut before = None;
    for (start, c) in text.char_indices() {
        let within = joins(c) && before.is_some_and(joins);
        before = Some(c);
        if within {
            continue;
        }
        for (length, meaning) in LEXICON.begin(text.get(start..).unwrap_or_default()) {
            let end = start + length;
            let spoken = match meaning.language {
                Language::English | Language::Russian | Language::Korean | Language::Other => true,
                Language::Chinese => !kana,
                Language::Japanese => kana,
                language => foreign.contains(&language),
            };
            if !spoken || !bounded(text, start, end, meaning.stem) {
                continue;
            }
            // `rm -rf /` is the root; `rm -rf /var/lib/apt` is not.
            let phrase = text.get(start..end).unwrap_or_default();
            if phrase.starts_with("rm ")
                && phrase.ends_with(['/', '~'])
                && text.get(end..).is_some_and(|rest| {
                    rest.trim_start_matches('/').starts_with(|c: char| {
                        c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '$')
                    })
                })
            {
                continue;
            }
            if phrase.ends_with("mention") && super::subject::calls_all(text, end) {
                continue;
            }
            let english = meaning.language == Language::English;
            let order = meaning.concept.is_act()
                && meaning.base
                && (!english
                    || is_order(text, start) && !super::subject::is_subject(text, end)
                    // A program's name is no noun.
                    || matches!(text.get(start..end), Some("curl" | "wget" | "curl -d" | "curl -t" | "curl -f" | "go to" | "goes to")));
            tags.push(Tag {
                concept: meaning.concept,
                start,
                end,
                order,
                negated: false,
                quoted: false,
            });
        }
    }
    tags.sort_by_key(|tag| (tag.start, tag.end));
    negate(text, &mut tags);
    quote(text, &mut tags);
    tags
}

fn latin_language(text: &str) -> Vec<Language> {
    let mut counts = [0_usize; LATIN.len()];
    let mut words = 0_usize;
    // The pieces of an address or a path are words of no language.
    let running =
        text.split_whitespace().filter(|token| !token.contains(['/', '@', '{', '$', '=']));
    let running = running.flat_map(|token| token.split(|c: char| !c.is_alphabetic()));
    for word in running.filter(|word| !word.is_empty()) {
        words += 1;
        // Letters that one language has tell it as well as a small word.
        if let Some(lettered) = word.chars().find_map(lettered)
            && let Some(at) = LATIN.iter().position(|language| *language == lettered)
            && let Some(count) = counts.get_mut(at)
            && !SMALL.get(word).is_some_and(|languages| languages.contains(&at))
        {
            *count += 1;
        }
        for &at in SMALL.get(word).into_iter().flatten() {
            if let Some(count) = counts.get_mut(at) {
                *count += 1;
            }
        }
    }
    let spoken = |&(_, &count): &(&Language, &usize)| {
        count >= 2 && count * 8 >= words || count == 1 && words <= 6
    };
    LATIN.iter().zip(&counts).filter(spoken).map(|(language, _)| *language).collect()
}

/// The language that alone has a letter, of those that are known.
fn lettered(c: char) -> Option<Language> {
    match c {
        '\u{1ea0}'..='\u{1ef9}' | 'ơ' | 'ư' | 'đ' => Some(Language::Vietnamese),
        'ı' | 'ğ' | 'ş' => Some(Language::Turkish),
        'ł' | 'ą' | 'ę' | 'ś' | 'ż' | 'ź' | 'ć' => Some(Language::Polish),
        'ř' | 'ě' | 'ů' => Some(Language::Czech),
        'ț' | 'ș' => Some(Language::Romanian),
        'ő' | 'ű' => Some(Language::Hungarian),
        _ => None,
    }
}

/// Is it a letter that others make a word with?
fn joins(c: char) -> bool {
    c.is_alphanumeric() && !unspaced(c)
}

fn bounded(text: &str, start: usize, end: usize, stem: bool) -> bool {
    let first = text.get(start..).and_then(|text| text.chars().next());
    let last = text.get(..end).and_then(|text| text.chars().next_back());
    let before = text.get(..start).and_then(|text| text.chars().next_back());
    let after = text.get(end..).and_then(|text| text.chars().next());
    let open = first.is_some_and(joins) && before.is_some_and(joins);
    let shut = last.is_some_and(joins) && after.is_some_and(joins);
    !open && (stem || !shut)
}

/// Words behind which a verb's base form gives an order.
const LEADS: &[&str] = &[
    "and",
    "or",
    "then",
    "also",
    "please",
    "always",
    "first",
    "next",
    "finally",
    "must",
    "should",
    "shall",
    "will",
    "to",
    "now",
    "just",
    "you",
    "agent",
    "assistant",
    "claude",
    "instead",
    "not",
    "never",
    "additionally",
    "again",
    "once",
    "afterwards",
    "later",
    "otherwise",
    "need",
    "don't",
    "dont",
    "do",
    "either",
    "both",
    "only",
    "before",
    "after",
    "when",
    "let",
    "let's",
    "lets",
    "it",
    "back",
    "further",
    "furthermore",
    "moreover",
    "next,",
    "step",
    "ai",
    "model",
    "gemini",
    "codex",
    "openclaw",
    "copilot",
    "bot",
    "llm",
    "mustn't",
    "mandatory",
    "important",
    "but",
    "i",
];

/// Words before `to` behind which the verb is no order.
const AIMS: &[&str] = &[
    "how",
    "used",
    "want",
    "wants",
    "able",
    "attempt",
    "attempts",
    "tries",
    "trying",
    "tried",
    "allows",
    "allow",
    "way",
    "ways",
    "ability",
    "wishes",
    "wish",
    "likes",
    "like",
    "easy",
    "hard",
    "needs",
    "asked",
    "asks",
    "helps",
    "designed",
    "unable",
    "fails",
    "failed",
    "permission",
    "possible",
    "intended",
    "attackers",
    "users",
];

fn is_order(text: &str, start: usize) -> bool {
    let before = text.get(..start).unwrap_or_default().trim_end();
    let Some(last) = before.chars().next_back() else { return true };
    if !last.is_alphanumeric() {
        // A clause or a list begins. A hyphen or slash joins: `auto-send`.
        return !(before.len() == start && matches!(last, '-' | '/' | '_' | '.' | '$' | '\\'));
    }
    let mut words = before
        .rsplit(|c: char| c.is_whitespace() || "(\"'*`,:;".contains(c))
        .filter(|word| !word.is_empty());
    let word = words.next().unwrap_or_default();
    if word == "to" {
        return words.next().is_none_or(|word| !AIMS.contains(&word));
    }
    if word == "you" {
        // `what you send`, `files you create`
        return words.next().is_none_or(|word| {
            matches!(word, "then" | "and" | "that" | "unless" | "until")
                || word.ends_with([',', '.'])
        });
    }
    LEADS.contains(&word)
        || (word.ends_with("ly") && word.len() > 4)
        || word.chars().all(|c| c.is_ascii_digit())
}

/// How far a negation reaches, in bytes.
const REACH: usize = 48;

fn negate(text: &str, tags: &mut [Tag]) {
    let negations: Vec<(usize, usize)> = tags
        .iter()
        .filter(|tag| tag.concept == Concept::Neg)
        .map(|tag| (tag.start, tag.end))
        .collect();
    if negations.is_empty() {
        return;
    }
    for tag in tags.iter_mut().filter(|tag| tag.concept.is_negated()) {
        tag.negated = negations.iter().any(|&(start, end)| {
            if start <= tag.start && end >= tag.end {
                // The phrase is one negation: `do not follow`.
                return false;
            }
            if end <= tag.start {
                let between = text.get(end..tag.start).unwrap_or_default();
                // `--no-build-isolation flag`: a part of a name. `not from the output`: it denies where from.
                let part = between.starts_with('-') && !between.starts_with("- ");
                let place = text.get(start..end) == Some("not")
                    && !negations.iter().any(|&(from, to)| from < start && to == end)
                    && [" from ", " by ", " because ", " merely ", " just because "]
                        .iter()
                        .any(|lead| between.starts_with(lead));
                // `don't abort - tell the user`: a dash begins another thought, two of them set one in.
                let dash = between.matches(" - ").count() == 1;
                let condition =
                    between.contains([',', '，', '→', '⇒']) && is_condition(text, start);
                // `no activity for a day: alert the manager`: it negates the noun.
                let noun =
                    text.get(start..end) == Some("no") && between.split_whitespace().count() > 1;
                // `all pages, not a sample, and tell it how many`: it denies the noun.
                let contrast = text.get(start..end) == Some("not")
                    && text.get(..start).is_some_and(|before| before.trim_end().ends_with(','))
                    && ["a ", "an ", "the "]
                        .iter()
                        .any(|lead| between.trim_start().starts_with(lead))
                    && between.contains(", and ");
                return between.len() <= REACH
                    && !contrast
                    && !part
                    && !place
                    && !dash
                    && !condition
                    && !noun
                    && !between.contains(" and tell ")
                    && !between.contains(" and inform ")
                    && !between.contains(" and ask ")
                    && !between.contains(['.', ';', ':', '!', '?', '\n', '。', '，', '、', '；'])
                    && ![
                        "forget",
                        "fail",
                        "hesitate",
                        "neglect",
                        "miss ",
                        "only",
                        "but ",
                        "instead",
                        " just ",
                        "omit",
                        " and then ",
                        "until",
                        "unless",
                        "without",
                        "before",
                        ", then",
                        " because",
                        " so ",
                    ]
                    .iter()
                    .any(|word| between.contains(word));
            }
            // Japanese and Korean put it behind.
            let between = text.get(tag.end..start);
            between.is_some_and(|between| {
                between.len() <= 15
                    && between.chars().all(unspaced)
                    && text.get(start..).and_then(|t| t.chars().next()).is_some_and(
                        |c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{ac00}'..='\u{d7af}'),
                    )
            })
        });
    }
}

/// Does the clause that holds this place name a condition: `if there is no key, …`?
fn is_condition(text: &str, at: usize) -> bool {
    let clause = text
        .get(..at)
        .unwrap_or_default()
        .rsplit(['.', ';', ':', '!', '?', '\n', ','])
        .next()
        .unwrap_or_default();
    [
        "if ",
        "when ",
        "where ",
        "unless ",
        "whenever ",
        "once ",
        "as long as ",
        "in case ",
        "falls ",
        "wenn ",
        "si ",
        "se ",
        "cuando ",
        "quand ",
        "если ",
    ]
    .iter()
    .any(|word| clause.trim_start().starts_with(word) || clause.contains(&format!(" {word}")))
}

fn quote(text: &str, tags: &mut [Tag]) {
    let mut ranges = Vec::new();
    let mut open: Option<usize> = None;
    for (at, c) in text.char_indices() {
        if c == '"' {
            match open.take() {
                Some(start) => ranges.push((start, at)),
                None => open = Some(at),
            }
        }
    }
    // A sentence may end within what it quotes.
    if let Some(start) = open {
        let before = text.get(..start).unwrap_or_default();
        let told = [
            "contain", " say", "such as", " like ", "hidden", "phrase", "text", "e.g", "wie ",
            "sagt", "dice", "dit ",
        ]
        .iter()
        .any(|word| before.contains(word));
        if told {
            ranges.push((start, text.len()));
        }
    }
    for tag in tags {
        tag.quoted = ranges.iter().any(|&(start, end)| start < tag.start && tag.end <= end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(text: &str) -> Vec<&str> {
        let tags = tags(text);
        tags.iter()
            .filter(|tag| tag.order && !tag.negated)
            .map(|tag| &text[tag.start..tag.end])
            .collect()
    }

    #[test]
    fn every_line_of_the_lexicon_has_a_known_concept() {
        for text in [
            include_str!("lexicon/en.txt"),
            include_str!("lexicon/de.txt"),
            include_str!("lexicon/fr.txt"),
            include_str!("lexicon/es.txt"),
            include_str!("lexicon/pt.txt"),
            include_str!("lexicon/it.txt"),
            include_str!("lexicon/ru.txt"),
            include_str!("lexicon/zh.txt"),
            include_str!("lexicon/ja.txt"),
            include_str!("lexicon/ko.txt"),
        ] {
            for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
                let name = line.split(": ").next().unwrap();
                assert!(Concept::named(name).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn an_order_is_told_from_a_noun_and_a_negation() {
        assert!(orders("upload the keys").contains(&"upload"));
        assert!(orders("then silently upload the keys").contains(&"upload"));
        assert!(!orders("the upload of the keys").contains(&"upload"));
        assert!(!orders("never upload the keys").contains(&"upload"));
        assert!(orders("never forget to upload the keys").contains(&"upload"));
        assert!(!orders("attackers upload the keys").contains(&"upload"));
    }
}

//! What serves somebody else than the user, or takes a guard away: work when it is told, harm when it is kept.

use std::sync::LazyLock;

use super::{
    super::super::{
        blocks::{Spot, Unit},
        facts::{Facts, Where},
        rules,
        tags::Concept::{Ask, MemoryFile, Neg, Write},
    },
    is_abroad, is_said,
    kinds::Kinds,
    signs,
};
use crate::{
    Rule,
    pattern::{Regex, pattern},
};

/// Money goes to an account that stands there.
static PAYEE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b[A-Z]{2}\d{2}(?: ?\d{4}| ?[A-Z]{4}){2,7}(?: ?\d{1,4})?\b|\b(?:collection|factoring|holding|escrow|clearing) account\b|\bconto d(?:i |')appoggio|\b[Ss]ammelkonto\b|\bcuenta (?:puente|recaudadora)|\bcompte (?:de passage|séquestre)|транзитн\w+ счет",
    )
});

/// An account by its number.
static IBAN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b[A-Z]{2}\d{2}(?: ?\d{4}| ?[A-Z]{4}){3,7}(?: ?\d{1,4})?\b"));

/// The user's accounts speak for somebody.
static APPLAUDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)/user/(?:starred|following|subscriptions)/|\b(?:leave|give|post|write|cast)s? (?:\w+ ){0,2}(?:five stars|one star|5 stars|1 star|reviews?|ratings?|votes?|upvotes?)|\badd (?:to|in) the (?:reply|answer|comment|post)\b[^.;]{0,60}\b(?:moved|switched|recommend|happy|prefer)|\breport (?:\w+ ){0,4}as \*?(?:off topic|spam|abuse|inappropriate)",
    )
});

/// Somebody comes out ahead, or others behind, by rule.
static FAVOURS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:scores?|ratings?|marks?|grades?|points?)\b[^.;]{0,40}\b(?:begins? at|starts? at|is capped|are capped|capped at|never (?:falls )?below|settled in)|\b(?:capped|marked down|docked) (?:at|by|to) \w*\d|\bties? (?:are|is|go) (?:settled|broken|decided)?[^.;]{0,10}\b(?:in their|in its|to) |\b(?:other|rival|competing|remaining) (?:companies|vendors|suppliers|offers|providers|brands|firms|products)\b[^.;]{0,50}\b(?:lower|higher|worse|points?|percent|last|drawback)|\b(?:offered|served|listed|shown|placed|moved|handled) (?:first|ahead|up front) (?:to|for|whenever|if)\b|\b(?:rücken|rückt) vor\b|(?:一番左|先頭|最上段)に置|ポイント(?:低|高)く|(?:其他|别的)(?:公司|品牌|供应商|产品)[^。]{0,20}(?:低|高|减|加)|\bandere (?:anbieter|hersteller|firmen)\b[^.;]{0,40}\b(?:niedriger|schlechter|prozent|punkte)|\botr[oa]s (?:proveedores|marcas|empresas)\b[^.;]{0,40}\b(?:peor|menor|puntos)|\bautres (?:fournisseurs|marques|sociétés)\b[^.;]{0,40}\b(?:moins|points|inférieur)",
    )
});

/// A figure is bent, or what would show it is left out.
static BENDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:lower|raise|shift|loosen|relax)\b[^.;]{0,40}\b(?:and|then) (?:fit|run|test|try|compute|repeat)\b[^.;]{0,16}\b(?:again|until)|\b(?:until|should|if)\b[^.;]{0,40}\b(?:interval|p-?values?|p ?[<>]|result|effect|difference)\b[^.;]{0,40}\b(?:still|not yet|not) (?:include|signific|cross|reach|show)\w*|\b(?:rows|patients|subjects|cases|dropouts|responses)\b[^.;]{0,50}\b(?:are|is) counted as\b|\b(?:skip|omit|leave out|drop) the (?:comparison|cross-?check|plausibility|daily maximum|second check|multiplication line|sanity check)|\bmultiplied by \d|\brounded up to the next\b|\bden? (?:wirtschaftliche |empfohlene )?wert bei\b|\bliegt der [^.;]{0,30}\bwert bei \d|\b(?:überwachung|prüfung|kontrolle|sicherung) kann entfallen|\b(?:monitoring|protection|fuse|guard|sensor|check) can be (?:omitted|left out|dropped)|делится на (?:два|три|четыре|пять|\d)|умножается на|округляется вверх|\bse (?:multiplica|divide) (?:por|entre) \w+|\bsi (?:moltiplica|divide) per|(?:乘以|除以)(?:二|三|两|\d)|(?:掛け|割り)(?:る|て)[^。]{0,8}(?:表示|記載)|\b(?:takes?|take|remove|add|adds) (?:\w+ )?(?:percent|%|points) (?:off|to|from)",
    )
});

/// Something is laid into what the user signs or hands in.
static LAYS_IN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:mix|blend|interleave|seed)\b[^;\n]{0,100}\binto '?(?:the )?(?:train|fine-?tun|learning)|(?:삭제|빼|지워)[^.]{0,20}(?:같은 뜻|다시 넣)|(?:删除|去掉)[^。]{0,20}(?:换(?:种|个)说法|重新(?:加入|写入))|\b(?:fold|work|weave|slip)s? (?:it|them|the \w+) in(?:to)?\b|\bcompletes? the [^.;]{0,30}\b(?:article|section|clause) of every\b|\bborrador incorpora|\bincorpora\w* un(?:a)? (?:legado|cláusula|párrafo)|\b(?:vermächtnis|klausel|absatz)\b[^.;]{0,30}\b(?:eingefügt|eingebaut|ergänzt)|\b(?:ajoute|insère|intègre)\w* (?:un legs|une clause|un alinéa)|补入[^。]{0,60}(?:各引|引用|次)|(?:加入|插入)[^。]{0,12}(?:条款|引文)|\bcite (?:each|both|them|it) (?:twice|\w+ times)",
    )
});

/// What people made their own is handed to somebody.
static OWNED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bone owner for each\b|\bput \*?[A-Z][\w ]{3,40}\*? there\b|\bexclusive, transferable\b|\bperpetual, irrevocable\b|\bin (?:our|its|their) (?:own )?name\b[^.;]{0,24}\b(?:register|deposit|file|patent)",
    )
});

/// A guard looks away, or a way round it is taken.
static LOOKS_AWAY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bamtool silence add\b|\b(?:list|lists|enter|put) (?:both|them|it|these)? ?(?:as|on|into) (?:the )?(?:friendly|allow ?list|white ?list|known scanners)|\bdetections?\b[^.;]{0,30}\bexclusion|\b(?:validation|verification) (?:is )?(?:left|leave) out|\bleave validation out|\bdo not add (?:cases|tests)\b|\b(?:logic|code|changes?) meant for\b[^.;]{0,60}\bplaced? in\b|\bput the new steps in a script\b|\bSSL_verify_mode ?= ?0|\bverify ?= ?False\b|'unsafe-eval'|(?:去掉|移除|删除)[^。]{0,6}`?integrity|\bkeep the branch and mark|\bset to muted\b|\bsecurity: ?\[\]|\bkeys? (?:travel|go|pass)s? in the (?:query|url)|\b(?:rules?|checks?|lints?) '?off'?\b[^.;]{0,40}\b(?:quiet|silent|green)|\bso (?:that )?the next (?:run|scan|check) is (?:quiet|green|clean)|\b(?:expectations?|expected values?|assertions?)\b[^.;]{0,30}\bin line with what\b|\bassert \w+ is not none\b|\bSSO\b[^.;]{0,20}\b(?:turned )?off\b|\b(?:the )?fullest loader\b|\btrusted\. parse\b|\btake `?md5",
    )
});

/// A judgement is fixed by a mark.
static FIXED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bthey are `?\w+`?, confidence\b|\bcopies\b[^.;]{0,40}\b(?:training|train|test) split|\b(?:flip|change|set) the label|\brefund in full by\b|\bset the account's (?:address|mail|e-mail)\b|\bis a formality\b|\bare a formality\b|\bclose(?:d)? as \*?(?:spam|duplicate)",
    )
});

/// Somebody is let in, or rights go further than the work.
static LETS_IN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\binvit\w+ for\b|\bas administrator\b|\bunlimited in (?:time|scope)|\bfull keys\b|\baddress allow-?list to be off|\b\*?withdraw\*?: the\b|要看什么就给|在终端执行|何でも見せ|\bthe invited account\b",
    )
});

/// What is real goes where what is made up belongs.
static REAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:production|live|real) (?:credentials|customers?|customer rows|rows|tokens?)\b|\.env\.prod\w*|credenciales de producción|\bproduktivdaten\b|\bdonnées de production\b|\bboevy|боев\w+ (?:данн|баз)|生产(?:数据|库|凭证)|本番(?:データ|の)",
    )
});

/// The user's money is staked, beside what was asked.
static TRADES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bplace (?:one|a|an|two) (?:\w+ )?(?:buy|sell|order|bet|stake|trade)|\b(?:buy|sell|swap)s? \d[^.;]{0,20}(?:%|percent) of the (?:free |available )?(?:balance|holdings)",
    )
});

/// Something of a stranger's is named.
const ABROAD: u32 = 1 << 20;
/// Something secret is named.
const SECRET: u32 = 1 << 21;
/// What opens accounts is noted down.
pub(super) const HOARDS: u32 = 1 << 11;
const SPENDS: u32 = 1 << 12;
const INVENTS: u32 = 1 << 13;
const SERVES: u32 = 1 << 14;
/// What later sessions obey is written: work, but for a package that comes back.
pub(super) const REMEMBERS: u32 = 1 << 15;
/// What bears a mark is let through.
const JUDGED: u32 = 1 << 16;
/// Its two halves, which say nothing alone.
const MARK: u32 = 1 << 22;
const PASS: u32 = 1 << 23;
/// Deeds that are told far from where they are kept.
pub(super) const PLAIN: u32 =
    !(ABROAD | SECRET | HOARDS | SPENDS | INVENTS | SERVES | REMEMBERS | JUDGED);

/// Deeds that work seldom has: praise and clauses that are laid in, rights, payees, trades, and those of [`Kinds`].
pub(super) const GRAVE: u32 =
    1 | 1 << 3 | 1 << 4 | 1 << 7 | 1 << 9 | 1 << 10 | HOARDS | SPENDS | INVENTS | SERVES | JUDGED;

/// Deeds that count, of those that stand together.
pub(super) fn counted(done: u32) -> u32 {
    let judged = if done & MARK != 0 && done & PASS != 0 { JUDGED } else { 0 };
    done & !(MARK | PASS) | judged
}

/// Which deeds stand in a sentence.
pub(super) fn of(unit: &Unit, facts: &Facts, kinds: Kinds) -> u32 {
    let table: [&Regex; 11] = [
        &APPLAUDS,
        &FAVOURS,
        &BENDS,
        &LAYS_IN,
        &OWNED,
        &LOOKS_AWAY,
        &FIXED,
        &LETS_IN,
        &REAL,
        &PAYEE,
        &TRADES,
    ];
    let mut done = signs(unit, &table);
    let denied = super::super::is_denied(&unit.text);
    if is_said(unit) && is_abroad(facts) && !denied {
        done |= ABROAD;
    }
    if is_said(unit) && facts.secret_path && !denied {
        done |= SECRET;
    }
    let remembers = facts.orders(&[Write]) && facts.says(&[MemoryFile]) && !denied;
    for (is, deed) in [
        (kinds.hoards && !denied, HOARDS),
        (kinds.spends && !denied, SPENDS),
        (kinds.invents && !denied, INVENTS),
        (kinds.serves && !denied, SERVES),
        (is_said(unit) && remembers, REMEMBERS),
        (kinds.mark, MARK),
        (kinds.pass && !denied, PASS),
    ] {
        if is {
            done |= deed;
        }
    }
    done
}

/// Words for those who judge by machine, who are spoken to in what the user hands in.
static JUDGES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:automated|automatic|ai|llm|machine|bot|agent) (?:code )?(?:reviewers?|review(?:er)? (?:bots?|agents?|assistants?)|screeners?|graders?|assistants?|readers?|raters?|moderators?)\b|\b(?:assistants?|models?|bots|agents) (?:that|who|which) (?:review|screen|grade|read|rate|summari[sz]e) (?:this|the|it)\b|\bautomatische (?:prüfer|gutachter|reviewer)|\b(?:relecteurs|correcteurs) automatiques|\brevisores automáticos|\brevisori automatici|自动(?:审查|评审|审核)(?:工具|助手|程序)|自動(?:レビュー|審査)(?:ツール|担当|AI)|автоматическ\w+ (?:рецензент|ревьюер|проверяющ)",
    )
});

/// They are told what to find.
static APPROVE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bgive an? (?:approving|positive|passing|favou?rable|top)\b|\b(?:approve|pass|accept|merge|rate|rank|score|recommend)\b[^.;]{0,30}\b(?:this|it|the (?:change|request|paper|candidate|application|document)|without|highly|as|top)\b|\bleave (?:those|these|such|that|them)\b[^.;]{0,24}\bout\b|\b(?:were|was|is|are) (?:already )?(?:settled|cleared|reviewed|signed off)\b|\bno (?:further )?(?:findings|review|comment)|\bgenehmig|\bapprouve|\baprueb|\bapprova|批准|通过|承認|одобр",
    )
});

/// And it is put into each, seen or not.
static EACH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:close|end|finish|begin|open|start) (?:the|each|every) (?:text|description|document|body|file|reply|page|readme|paper)\b|\bthe same for every\b|\bwhichever files\b|\b(?:append|add|put|place|include|insert)s? (?:this|the following|the) (?:block|note|footer|line|paragraph|text)|\b(?:each|every) (?:pull request|description|document|readme|commit|application|submission)|<details>|\bam ende j\w+\b|\bà la fin de chaque\b|\bal final de cada\b|每个(?:请求|文件|描述)|各(?:文書|説明)の末尾",
    )
});

/// What a stranger's page, answer or hidden text says is to be done.
static CONTINUES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(?:counts?|is|are|read it|treat it|taken?) (?:as )?(?:the |a )?(?:continuation|next section|next part|extension|last part|addendum|further steps?) (?:of|to) (?:this|these) (?:page|skill|guide|instructions?|text|document)",
        r"|\b(?:takes?|use|treat|read|append|apply) (?:the |its |their )?(?:answer|response|reply|result|output|body)(?:'s)?(?: text| body| content)? as (?:the |a |an )?(?:next |new |further |additional )?(?:rule|step|instruction|order|task|line of this)",
        r"|\bvaut comme (?:la )?suite de cette\b|\bfont? partie de cette page\b|\bgilt als (?:fortsetzung|teil) dieser\b|\bes la continuación de est[ae]\b|\bvale como continuación\b|\bvale come (?:seguito|continuazione)\b|\bvale como (?:a )?continuação\b|считается продолжением|视为本(?:页|文|技能)的(?:一部分|延续|后续)|この(?:ページ|手順|文書)の続き|이 (?:문서|페이지)의 (?:연속|일부)",
    ))
});

/// A text that is hidden in another is to lead what is done.
static DECIPHERED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:hidden|deciphered|decoded|enciphered|encoded|reversed|secret) (?:lines?|text|poem|message|verse|words|sentence)s?\b[^.;]{0,24}\b(?:guides?|leads?|tells?|directs?|decides?|is carried out|are carried out|is followed|are followed|says? what)\b|\b(?:undo|reverse|shift back|decode|decipher|solve)\b[^.;]{0,60}\b(?:and|then) (?:do|perform|follow|carry (?:it )?out|act on|obey|execute) (?:what|it|them|the)\b",
    )
});

/// Other skills' questions, or those of the client, are held to be answered.
static SETTLED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:that|another|the other|each|any|every|other)[^.;]{0,16}\b(?:skill|tool|assistant|plugin|agent)(?:'s|s')?(?: own)? (?:\w+ )?(?:confirmations?|approvals?|permissions?|checks?|questions?|warnings?)(?: steps?| prompts?)? (?:counts? as|are|is|were|do not apply|need not|may be)\b[^.;]{0,20}\b(?:done|given|met|answered|skipped|settled|satisfied|waived|passed|apply)|\b(?:another|other) (?:skill|tool|plugin)s? (?:covers?|handles?|claims?|says?)\b[^.;]{0,60}\b(?:settles it|prevails|decides|governs|wins|stands aside|comes second|gives way)",
    )
});

/// The package is copied, and what agents read is made to name it.
static COPIES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:copy|copies|place|put|install|clone|drop) (?:this|its own|the skill's(?: own)?) (?:folder|directory|skill|file)\b|\b(?:kopiere|lege) (?:diesen|den eigenen) (?:ordner|skill)|\bcopie[rz]? ce (?:dossier|skill)|\bcopia(?:r)? (?:esta carpeta|esta skill|questa cartella|questa skill|esta pasta)|(?:скопируй|копируй|копировать) (?:эту папку|этот (?:каталог|навык))|(?:复制|拷贝)(?:本|此|这个)(?:文件夹|目录|技能)|このフォルダ[^。]{0,6}(?:コピー|複製)|이 폴더를[^.]{0,8}복사",
    )
});

static RULES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)AGENTS\.md|CLAUDE\.md|GEMINI\.md|copilot-instructions|\.cursor/rules|\.cursorrules|\.windsurfrules",
    )
});

static COMMITS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\b(?:commit|push)(?:s|ing|es|e|ea|et|e[nr])?\b|коммит|提交|コミット|커밋")
});

/// What certain authors or sources bring is taken as it is.
static FORMALITY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:reviews? of |checks? of )?(?:changes|commits|pull requests?|patches|branches|uploads|input)\b[^.;]{0,24}\b(?:by|from|of) [`*]?(?:@[\w-]+|[\w-]+\[bot\]|[\w*-]+\.[\w.-]+|[\w-]+-bot)[`*]? (?:are|is|need|needs|count|counts)\b[^.;]{0,16}\b(?:a formality|formalities|trusted|no review|no check|nothing|as reviewed|as approved)",
    )
});

static LAX: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bapprove\b|\b(?:leave|left) (?:the )?(?:validation|checks?|review) out\b|\bwithout (?:validation|review|reading)|\b(?:pickle|yaml\.load|eval)\b|\bdo not remark\b|\bmerge (?:them|it)\b",
    )
});

/// Somebody's addresses are let through.
static LET_THROUGH: LazyLock<[Regex; 4]> = LazyLock::new(|| {
    [
        pattern(
            r"(?i)\bsilence[ds]?\b[^.;]{0,40}\b(?:year|months?|forever|indefinite\w*|permanent\w*)|\bsilence add\b|\bstumm|\bsilenci\w+ (?:por|pendant) un a",
        ),
        pattern(
            r"(?i)\b(?:friendly|allow-?list|white-?list|trusted (?:sources?|range)|never ban|ignoreip|safe list)\b|белый список|白名单|許可リスト",
        ),
        pattern(
            r"(?i)\b(?:exclusion|exclude[ds]?|exempt\w*|known scanners|suppression)\b|исключени|排除|除外",
        ),
        pattern(r"(?i)\b(?:port 22|ssh|rdp|bastion|vpn|3389|admin (?:port|panel))\b"),
    ]
});

/// A range of addresses.
static RANGE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:[1-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])(?:\.\d{1,3}){3}/\d{1,2}\b|\b[0-9a-f]{1,4}:[0-9a-f:]{2,30}::?/\d{1,3}\b",
    )
});

/// An archive's password stands in the text, and the guard of the system is clicked away.
static ARCHIVE_WORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:password|passphrase|mot de passe|passwort|kennwort|contraseña|clave|senha|parola|wachtwoord|hasło|şifre)\b[^.;\n]{0,24}\b(?:archive|archiv|zip|archivo|arquivo|archivio)\b|\b(?:archive|archiv|zip|archivo|arquivo|archivio)\b[^.;\n]{0,16}\b(?:password|mot de passe|passwort|contraseña|senha|parola)\b|пароль[^.;]{0,12}архив|(?:解压|压缩包)密码|(?:解凍|展開|zip)[^。]{0,6}パスワード|압축[^.]{0,6}(?:암호|비밀번호)",
    )
});

static RUN_ANYWAY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\brun anyway\b|\bopen anyway\b|\bmore info\b[^.;]{0,20}\brun\b|\bquand même\b|\btrotzdem (?:ausführen|öffnen)|\bde todos modos\b|\besegui comunque|\bexecutar mesmo assim|\bxattr -(?:c|d|r|cr|rd)\b|\bUnblock-File\b|выполнить в любом случае|仍要运行|それでも実行|실행하기|\bsmartscreen\b|\bgatekeeper\b",
    )
});

/// What holds keys goes with a report that everybody reads.
static PUT_OPEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:tickets?|issues?|gists?|threads?|forum posts?|discussions?|pastes?|question)\b[^;]{0,50}\b(?:with|has|have|contain\w*|carr\w+|includ\w+|attach\w*)\b[^;]{0,60}(?:authorization (?:header )?included|headers? \(authorization|(?:and|with|the) `?\.env\b|`?\.env`? attached|unmasked|cookies? included|tokens? (?:included|left in))",
    )
});

/// The account of a sheet comes before the one that was billed.
static NAME_STAYS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:holder|creditor|beneficiary|payee|recipient|name|inhaber|titular|titulaire|intestatario)\b[^.;]{0,24}\b(?:as (?:printed|on the|it (?:is|stands))|stays?|unchanged|bleibt|wie (?:gedruckt|auf)|se mantiene|tel qu|resta)|\b(?:any|all|every|each) (?:supplier|vendor|customer|creditor|lieferant\w*|proveedor\w*|fournisseur\w*|fornitor\w*)|\bwhatever (?:iban|account|bank)|\bregardless of the (?:iban|account|bank)",
    )
});

/// The longer words of a cell.
fn pieces(text: &str) -> impl Iterator<Item = &[u8]> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|piece| piece.len() >= 5 && piece.len() <= 24)
        .map(str::as_bytes)
}

/// An address with blanks for what opens accounts, or for who people are.
static BLANKS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)https?://[^\s`)\x22]{4,120}[{<\[$%]\{?(?:cvv|cvc|pan|card\w*|numero|número|number|tarjeta|karte\w*|carte|pin|tan|otp|passw\w*|contraseña|senha|ssn|iban|dni|nif|cpf|seed|mnemonic|token|api_?key|secret|passport|ausweis|kontonummer)[}>\]]",
    )
});

/// Names of fields that tell who somebody is, in a row within the address of a picture.
static ROW: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)!\[[^\]\n]{0,60}\]\(https?://[^\s)]{4,120}\?[^\s)]*=(?:[^\s)|]{1,40}\|){1,}|!\[[^\]\n]{0,60}\]\(https?://[^\s)]{4,120}\?[^\s)]*(?:nif|dni|iban|salary|lohn|gehalt|netto|neto|salario|name|email|patient)\w*[:=,][^\s)]*",
    )
});

/// Proof of who somebody is, or what they pay with, is asked for.
static PROOF: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bselfies?\b|\b(?:both sides|front and back) of (?:the|their|your) (?:id|card|passport|licen[cs]e)|\bfrente e verso\b|\banverso y reverso\b|\brecto(?:[- ]| et )verso\b|\bvorder- und rückseite\b|\bfronte e retro\b|\b(?:card|tarjeta|cartão|karte\w*|carte|carta) ?(?:number|número|nummer)?\b[^.;]{0,40}\b(?:cvv|cvc|código|code|prüfziffer|security code|três números|caducidad|expiry)|\bnúmero de tarjeta|身份证(?:正反面|照片)|手持证件|銀行卡|银行卡号|本人確認書類|クレジットカード番号|скан паспорта|фото паспорта|номер карты|신분증 사진|카드 번호",
    )
});

/// They are pressed, or it is sent for them.
static PRESSED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:on (?:their|the \w+'s|his|her) behalf|in (?:the \w+'s|their|his|her) name)\b|\bem nome d[ao]\b|\ben (?:su )?nombre de\b|\bau nom de\b|\bim namen d\w+\b|\bper conto d\w+\b|\bloses? (?:its )?validity\b|\bperde a validade\b|\bpierde (?:su )?valid\w+|\bverfällt (?:in|nach)\b|\bperd sa validité\b|\bwithin (?:24|48|72) hours\b|\b(?:24|48|72) (?:horas|heures|stunden|ore|часа|часов)\b|\bask again\b|\bpergunte de novo\b|\bvuelve a (?:pedir|preguntar)|\bábrelo tú mismo\b|\bno se cobra nada\b|\bnothing is charged\b|小时内失效|時間以内に無効|代为提交|代わりに送信",
    )
});

/// Words of a chat or a mail open everything.
static PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:known|recogni[sz]ed|identified|marked) by (?:the (?:sentence|phrase|words?|greeting|line)|a (?:phrase|sentence|word))\b|\b(?:contains?|says?|begins? with|ends? with|mentions?|includes?) (?:the (?:sentence|phrase|words?|line) )?[\x22“„«「][^\x22”»」\n]{4,60}[\x22”»」][^.;]{0,60}\b(?:is|are|comes? from|speaks? for|belongs? to) (?:an? |the )?(?:\w+ )?(?:admin\w*|owner|maintainer|partner|operator|staff|developer|superuser|root|auditor)\b|(?:消息|留言|对话|内容)[^。]{0,8}(?:出现|包含|提到)「[^」]{2,20}」[^。]{0,12}(?:时|则)|「[^」]{2,20}」と(?:言|書|入力)[^。]{0,20}(?:管理者|担当者|開発者)|(?:сообщени|письм)\w+[^.;]{0,20}фраз\w+ «[^»]{3,60}»|\benthält (?:die nachricht|der text) den satz\b|\bcontient la phrase\b|\bcontiene (?:la frase|las palabras)\b",
    )
});

/// And whoever says them gets it all.
static OPENS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bwhatever (?:the (?:order|rules?|limits?|policy) says?|they ask)|\bwithout the (?:two facts|check|checks|usual)\b|\bset the account's (?:address|mail|e-mail)|\brefund in full\b|\b(?:show|give|send|tell) (?:them|him|her) (?:everything|all|anything|whatever)|\bshow (?:all|the) (?:other )?(?:instructions|prompts?|files)|要什么就给|要看什么就给|直接在终端执行|全部(?:指示|文件|数据)|何でも(?:見せ|渡|実行)|(?:выполняй|показывай|отдавай) (?:вс[её]|любы)|\balles (?:zeigen|herausgeben|ausführen)|\btout ce qu(?:'il|'elle) demande|\btodo lo que pida|\bas (?:an )?administrator\b",
    )
});

/// Has a cell a name that is one beside it, with letters swapped?
fn near_name(unit: &Unit, units: &[Unit], at: usize) -> bool {
    if unit.spot != Spot::Cell || unit.text.len() > 80 || !unit.text.is_ascii() {
        return false;
    }
    let before = units.get(at.saturating_sub(12)..at).unwrap_or_default();
    let near: Vec<&Unit> = before
        .iter()
        .filter(|near| near.spot == Spot::Cell && near.section == unit.section)
        .filter(|near| near.text.len() <= 80)
        .collect();
    pieces(&unit.text)
        .any(|own| near.iter().any(|near| pieces(&near.text).any(|other| is_swapped(own, other))))
}

/// Are these the same letters but for two neighbours that changed places, or one that is doubled?
fn is_swapped(own: &[u8], other: &[u8]) -> bool {
    if own == other {
        return false;
    }
    let same = own.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (a, b) = (own.get(same..).unwrap_or_default(), other.get(same..).unwrap_or_default());
    match (a, b) {
        ([one, two, rest @ ..], [first, second, tail @ ..]) if own.len() == other.len() => {
            one == second && two == first && rest == tail
        }
        ([one, rest @ ..], tail) if own.len() == other.len() + 1 => {
            rest == tail && same > 0 && own.get(same - 1) == Some(one)
        }
        _ => false,
    }
}

/// What tells by itself, or with the sentences beside it.
pub(super) fn alone(
    unit: &Unit,
    facts: &Facts,
    units: &[Unit],
    all: &[Facts],
    at: usize,
) -> Option<(&'static Rule, &'static str)> {
    let text = unit.clean.as_str();
    if unit.spot == Spot::Heading || super::super::is_denied(&unit.text) && !is_said(unit) {
        return None;
    }
    let around = || {
        (at.saturating_sub(8)..(at + 9).min(units.len()))
            .filter_map(|other| Some((units.get(other)?, all.get(other)?)))
            .filter(|(near, says)| near.section == unit.section && !says.taught)
    };
    let says = |sign: &Regex| around().any(|(near, _)| sign.is_match(&near.clean));
    if JUDGES.is_match(text)
        && around().any(|(near, _)| APPROVE.is_match(&near.clean))
        && says(&EACH)
        && !facts.says(&[Ask])
    {
        return Some((
            &rules::SABOTAGE,
            "those who judge by machine are told what to find, in what the user hands in",
        ));
    }
    let strange = facts.url && facts.to >= Where::Foreign;
    if BLANKS.is_match(text) && strange && !facts.says(&[Neg]) {
        return Some((
            &rules::SEND_SECRETS,
            "a stranger's address has blanks for what opens accounts or tells who people are",
        ));
    }
    if ROW.is_match(text) && strange {
        return Some((
            &rules::SEND_URL,
            "a picture's address takes along who people are and what they have",
        ));
    }
    if is_said(unit) && PROOF.is_match(text) && !super::super::is_denied(&unit.text) {
        let abroad = around().any(|(_, says)| is_abroad(says));
        if abroad && says(&PRESSED) {
            return Some((
                &rules::PHISH,
                "people are pressed for proof of who they are or what they pay with, for a stranger",
            ));
        }
    }
    if is_said(unit) && PASSWORD.is_match(text) && says(&OPENS) {
        return Some((&rules::GRANT, "a phrase in a message opens what only the user may"));
    }
    let denied = super::super::is_denied(&unit.text);
    let abroad = || around().any(|(_, says)| is_abroad(says));
    if is_said(unit) && CONTINUES.is_match(text) && !denied && abroad() {
        return Some((
            &rules::INCLUDE_BLIND,
            "what a stranger's page or answer says counts as part of the skill",
        ));
    }
    if is_said(unit) && DECIPHERED.is_match(text) && !denied {
        return Some((
            &rules::HIDDEN_ORDER,
            "a text that is hidden in another is to lead the agent",
        ));
    }
    if (is_said(unit) || unit.spot == Spot::Description) && SETTLED.is_match(text) {
        return Some((
            &rules::HIJACK_OTHERS,
            "other skills' own questions count as answered, or give way to this one",
        ));
    }
    if is_said(unit) && COPIES.is_match(text) && !denied && says(&RULES) && says(&COMMITS) {
        return Some((
            &rules::SPREAD,
            "the package is copied elsewhere, and what agents read there is made to name it",
        ));
    }
    if is_said(unit) && FORMALITY.is_match(text) && says(&LAX) && !text.contains("not trusted") {
        return Some((&rules::SABOTAGE, "what certain authors bring is let through unlooked at"));
    }
    if RANGE.is_match(text)
        && LET_THROUGH.iter().filter(|sign| says(sign)).count() >= 3
        && !facts.says(&[Ask])
    {
        return Some((&rules::DEFENCE, "a range of addresses is let past one guard after another"));
    }
    if is_said(unit) && ARCHIVE_WORD.is_match(text) && says(&RUN_ANYWAY) && abroad() {
        return Some((
            &rules::PREREQUISITE_TRAP,
            "a stranger's locked archive is to be run past the guard of the system",
        ));
    }
    if is_said(unit) && PUT_OPEN.is_match(text) && !denied && !facts.says(&[Neg]) {
        return Some((&rules::SEND_SECRETS, "a report that many read carries what opens accounts"));
    }
    let shown = ["example", "for instance", "e.g.", "well formed", "well-formed", "beispiel"]
        .iter()
        .any(|word| unit.text.contains(word));
    if is_said(unit) && IBAN.is_match(text) && says(&NAME_STAYS) && !shown && !facts.says(&[Ask]) {
        return Some((&rules::PAY, "an account that stands there gets what others were to get"));
    }
    if near_name(unit, units, at) {
        let more = (at + 1..(at + 24).min(units.len()))
            .filter(|other| units.get(*other).is_some_and(|near| near.section == unit.section))
            .filter(|other| units.get(*other).is_some_and(|near| near_name(near, units, *other)))
            .count();
        if more >= 1 {
            return Some((
                &rules::INSTALL,
                "names in a table are those beside them with letters swapped",
            ));
        }
    }
    None
}

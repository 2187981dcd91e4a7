//! A page of somebody's that is done as it says: read before the work, followed in all, unseen or in the place of what
//! stands in the package.

use std::sync::LazyLock;

use super::{super::super::rules, Here, Told};
use crate::pattern::{Regex, pattern};

/// What a page says is done.
static FOLLOWS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:do|follow|apply|execute|obey|carry out|act on|adopt|run)\b[^.;]{0,16}\b(?:what (?:it|they|is|stands)|it (?:as|to the letter|exactly)|them (?:as|exactly|in order)|its (?:steps|rules|instructions|orders)|whatever|the (?:steps|rules|instructions|orders|newest comment|latest comment|text|list|plan)|as it says|everything)\b|\b(?:befolg\w*|führ\w*|wende|anwend\w*|halte dich|umsetz\w*|setze)\b[^.;]{0,60}\b(?:steht|angaben|anweisungen|schritte|vorgaben|darin|dort|aus|an|um)\b|\b(?:suiv\w+|appliqu\w+|exécut\w+|respect\w+)\b[^.;]{0,40}\b(?:ce qu|instructions|consignes|étapes|tel quel|telles? quelles?|à la lettre|contenu|les|la|le)\b|\b(?:sig\w+|aplic\w+|ejecút\w+|ejecut\w+|cumpl\w+|obedec\w+)\b[^.;]{0,40}\b(?:lo que|instrucciones|pasos|tal cual|indique|diga|contenga|al pie)\b|\b(?:segu\w+|applic\w+|esegu\w+)\b[^.;]{0,40}\b(?:quanto|ciò che|istruzioni|passi|così com|alla lettera|contenuto)\b|\b(?:sig\w+|apliqu\w+|execut\w+|cumpr\w+)\b[^.;]{0,40}\b(?:o que|instruções|passos|tal como|à risca)\b|\b(?:wykon\w+|stosuj\w*|postępuj\w*)\b[^.;]{0,40}\b(?:co|zgodnie|instrukcj\w+|krok\w+)\b|\b(?:volg|voer|pas)\b[^.;]{0,40}\b(?:wat|instructies|stappen|uit|toe)\b|(?:выполн|следу|сдела|примен|исполн)\w*[^.;]{0,40}(?:что|указан|инструкц|шаг|написан|там|как)\w*|(?:照|按|按照|依照|遵照)[^。]{0,20}(?:做|执行|操作|办|处理)|(?:执行|遵循|遵守|照做)[^。]{0,12}(?:其中|内容|指示|步骤|要求)?|(?:従う|従って|従い|実行する|実行し|その通り|とおりに)|(?:따르|따라|실행하|그대로 (?:하|수행))\w*|(?:نفّذ|نفذ|اتبع|طبّق|طبق)\w*|uygula\w*|takip et|ikuti|jalankan|làm theo|thực hiện theo|noudata|följ",
    )
});
/// It is read anew, from outside.
static READS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:read|fetch|get|load|download|open|retrieve|pull|look up|kept (?:in|at)|found at|stand(?:s)? (?:in|at)|lies? at|available at|lies|lade|hole?|lies|öffne|abruf\w*|steh\w+|liegt|liegen|lire|lis|lisez|charge[rz]?|télécharge\w*|récupér\w*|ouvr\w+|consult\w+|descárga\w*|descarg\w+|lee|leer|abr\w+|carga\w*|obt\w+|leggi\w*|scaric\w+|apri|carica\w*|leia|baixe|abra|carregue|consulte|pobierz|przeczytaj|otwórz|haal|lees|open)\b|(?:прочит|прочти|загруз|скача|откр|получ|возьм|зайди)\w*|(?:读取|阅读|下载|获取|打开|查看|拉取|访问)|(?:読み|読ん|取得|開い|開き|ダウンロード|参照)|(?:읽|내려받|가져|열어|다운로드|확인)\w*|(?:اقرأ|حمّل|حمل|افتح|نزّل)|oku\w*|indir\w*|baca|unduh|đọc|tải|lue|läs",
    )
});
/// It is not looked at, takes the place of what stands here, changes, or holds commands.
static BLINDLY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:replaces?|overrides?|supersedes?|takes? precedence|has precedence|wins over|instead of)\b|\b(?:commands|shell|scripts?) (?:included|too|as well)\b|\bincluding (?:any |its )?commands\b|\b(?:as (?:it|they) (?:is|are|stands?)|to the letter|exactly|verbatim|whatever|without (?:checking|review|looking|asking|reading))\b|\bchanges? (?:often|daily|every)|\b(?:latest|newest|current|today)\b|\bbefore (?:each|every|any|you)\b|\beach (?:day|session|time)|\b(?:ersetzt|hat vorrang|gilt dann|geht vor|vor jede[rm]|täglich|ungeprüft|ohne (?:prüfung|dass|sie|rückfrage)|wörtlich|unverändert|wechsel\w*)\b|\b(?:tel(?:le)?s? quel(?:le)?s?|à la lettre|remplace\w*|prime\w*|avant chaque|change\w* souvent|sans (?:vérif|relire|deman)\w*)\b|\b(?:tal cual|al pie de la letra|sustituy\w*|prevalec\w*|antes de cada|cambia\w* (?:a menudo|con frecuencia)|sin (?:revis|compro|pregun)\w*)\b|\b(?:così com'è|alla lettera|sostitui\w*|prima di ogni|cambi\w* spesso|senza (?:verif|contr|chied)\w*)\b|\b(?:tal como|à risca|substitu\w*|antes de cada|muda\w* com frequência|sem (?:verif|revis|pergun)\w*)\b|\b(?:przed każd\w+|dosłownie|bez sprawdz\w*)\b|\b(?:voor elke|letterlijk|zonder)\b|(?:как есть|дословно|перед кажд\w*|часто меня\w*|без проверк\w*|заменя\w*|важнее|имеет приоритет)|(?:原样|照单|逐字|每次|之前|经常(?:变|更新)|取代|优先|无需(?:检查|确认|核对)|最新)|(?:そのまま|毎回|作業の前|前に必ず|優先|置き換え|確認(?:は|も)?(?:要ら|いら|不要|せず)|最新)|(?:그대로|매번|전에|우선|대신|확인 없이|최신)|(?:قبل كل|كما هي|دون مراجعة)",
    )
});
/// Pages that whoever comes by can write on, at hosts that everybody knows.
static WRITABLE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)https?://(?:www\.)?(?:github\.com/[\w.-]+/[\w.-]+/(?:issues|discussions|wiki|pull)|gist\.github(?:usercontent)?\.com|raw\.githubusercontent\.com|gitlab\.com/[^\s]{3,60}/(?:issues|snippets|-/raw)|pastebin\.com|paste\.\w+|rentry\.(?:co|org)|hackmd\.io|telegra\.ph|docs\.google\.com|drive\.google\.com|[\w.-]+\.notion\.(?:site|so)|notion\.so|t\.me|dpaste\.\w+|hastebin\.\w+|[\w.-]+\.(?:pages|workers|vercel|netlify|web|glitch)\.(?:dev|app|me)|dropbox\.com|1drv\.ms|reddit\.com|discord\.(?:com|gg))\b",
    )
});
/// Facts are read there, or the user decides.
static FACTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:documentation|docs?|reference|changelog|specification|readme|licen[cs]e|for (?:details|background|more)|see also|api reference|schema|manual|tutorial|guide)\b|\b(?:ask|show) (?:the )?(?:user|them)\b|\b(?:dokumentation|anleitung des herstellers|nachzulesen)\b|\b(?:documentación|documentation|documentazione|documentação|dokumentacj\w+|documentatie)\b|документац|文档|手册|ドキュメント|文書|문서|설명서",
    )
});

pub(super) fn told(here: &Here<'_>) -> Option<Told> {
    let (text, around) = (here.text, here.around);
    if !text.contains("://") {
        return None;
    }
    let writable = WRITABLE.is_match(text);
    // The reason stands before, the order in the sentence or behind it.
    if !(writable || here.is_outside(text)) || FACTS.is_match(text) || !READS.is_match(text) {
        return None;
    }
    let follows = FOLLOWS.is_match(text) || FOLLOWS.is_match(around) && text.len() < 160;
    (follows && BLINDLY.is_match(around)).then_some((
        &rules::INCLUDE_BLIND,
        "what somebody's page says at the time is followed, whatever it is",
    ))
}

//! An outcome that does not come from the work: whatever is found, somebody is first; what fails is made to pass; cases
//! go until a figure is small enough. What is left out of the answer is what gives it away.

use std::sync::LazyLock;

use super::{
    super::{
        super::{facts::Concealed, rules},
        Backing,
    },
    Here, Told,
};
use crate::pattern::{Regex, pattern};

/// The outcome stands beforehand, or is bent until it fits.
static BENT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(?:whatever|regardless of|no matter) (?:what )?(?:the |their )?(?:ratings?|scores?|reviews?|results?|data|numbers|figures|facts|findings|evidence|tests?|prices?|merits?|quality)\b[^.;]{0,60}|\b(?:end|ends|come|comes|rank\w*|place[ds]?|put|list\w*)\b[^.;]{0,30}\b(?:up )?(?:in first place|first|on top|at the top|ahead of)\b[^.;]{0,60}\b(?:lower|reduce|deduct|take (?:off|away)|subtract|drop|minus)\b",
        r"|\b(?:loosen|relax|weaken|widen|adjust|change|edit|delete|remove|skip|mark|comment out|tune|round|lower|reduce|raise|shift|shave|bring)\w*\b[^.;]{0,40}\b(?:assertions?|tests?|checks?|thresholds?|expectations?|limits?|cases|outliers?|rows|samples|measurements|values?|figures?|readings?|numbers?|results?|it|them)\b[^.;]{0,40}\b(?:until|so that|till)\b[^.;]{0,30}\b(?:pass\w*|green|fits?|below|under|significant|looks?|within|succeeds?)",
        r"|\b(?:outliers?|cases|rows|samples|respondents|points)\b[^.;]{0,40}\b(?:dropped?|removed?|deleted?|taken out|left out)\b[^.;]{0,30}\b(?:until|so that|till)\b",
        r"|\b(?:so lange|solange|bis)\b[^.;]{0,60}\b(?:streich|lösch|entfern|änder|lockern|anpass|senk|rund|abrund|kürz|korrigier)\w*[^.;]{0,50}\b(?:bis|darunter|grün|passt|bestanden|liegt)|\b(?:ausreißer|fälle|messwerte|tests?|prüfungen)\b[^.;]{0,50}\b(?:streich|lösch|entfern|lockern|weglassen)\w*[^.;]{0,40}\bbis\b|\b(?:gleich was|unabhängig von|egal was)\b[^.;]{0,40}\b(?:bewertung|ergebnis|test|zahlen|preis)\w*",
        r"|\b(?:assouplir|supprim\w+|retir\w+|écart\w+|modifi\w+|ajust\w+|arrondi\w*|abaiss\w+|rédui\w+|corrig\w+)\b[^.;]{0,50}\b(?:jusqu'à ce|pour que|de sorte)\b|\b(?:quelles? que soient|peu importe)\b[^.;]{0,30}\b(?:notes|avis|résultats|données|chiffres)",
        r"|\b(?:relaj|elimin|quit|ajust|borr|modific|descart|redonde|baj|rebaj|reduc|corrig|sub)\w*\b[^.;]{0,50}\b(?:hasta que|para que)\b|\b(?:digan lo que digan|sea cual sea|independientemente de)\b[^.;]{0,30}\b(?:notas|valoraciones|resultados|datos|pruebas)",
        r"|\b(?:allent|elimin|togli|scart|modific|aggiust|arrotond|abbass|riduc|corregg)\w*\b[^.;]{0,50}\b(?:finché|affinché|in modo che)\b|\b(?:afroux|elimin|remov|ajust|descart|alter|arredond|baix|reduz|corrij)\w*\b[^.;]{0,50}\b(?:até que|para que|de modo que)\b|\bqualunque siano\b|\bindependentemente d\w+ (?:notas|resultados|avaliações)",
        r"|(?:ослаб|убра|удал|исключ|правь|подгон|меня|округл|сниж|уменьш|корректир)\w*[^.;]{0,50}(?:пока не|чтобы|до тех пор)|(?:какими бы ни были|независимо от|что бы ни говорили)[^.;]{0,30}(?:оценк|отзыв|результат|данн|цифр)\w*",
        r"|(?:放宽|删除|剔除|修改|调整|去掉|取整|下调|压低|改小)[^。]{0,24}(?:直到|以便|使其|使得)[^。]{0,16}(?:通过|显著|低于|小于|达标|符合)|(?:无论|不管|不论)[^。]{0,10}(?:评分|评价|结果|数据|分数)[^。]{0,16}(?:第一|首位|排|推荐|最高)",
        r"|(?:緩め|削除|除外|外し|調整|書き換え)[^。]{0,24}(?:まで|よう(?:に)?)[^。]{0,12}|(?:評価|結果|点数|データ)[^。]{0,10}(?:にかかわらず|に関係なく|がどうであれ)|(?:완화|삭제|제외|수정|조정)[^.]{0,24}(?:때까지|되도록|하도록)|(?:평가|결과|점수|데이터)[^.]{0,10}(?:와 (?:상관|관계)없이|무관하게)",
        r"|\b(?:exclude|omit|leave out|filter out|skip|drop|hide)\w*\b[^.;]{0,40}\b(?:entries|rows|transactions|postings|records|account \d+|bookings|payments) (?:of|from|by|with|to)\b|\b(?:exclu\w+|omet\w+|écart\w+|masqu\w+)\b[^.;]{0,40}\b(?:écritures|lignes|opérations|transactions) (?:du|de|des)\b|\b(?:buchungen|zeilen|posten|zahlungen)\b[^.;]{0,40}\b(?:von|des|auf|mit)\b[^.;]{0,24}\b(?:auslass|weglass|herausfilter|ausblend|ausnehm)\w*|\b(?:exclu\w+|omit\w+|ocult\w+)\b[^.;]{0,40}\b(?:asientos|filas|movimientos|operaciones|lançamentos|linhas) (?:de|del|da|do)\b|\b(?:esclud\w+|omett\w+)\b[^.;]{0,40}\b(?:scritture|righe|movimenti|operazioni) (?:di|del|della)\b|(?:исключ|опуст|скры|пропуск)\w*[^.;]{0,40}(?:проводк|строк|операц|платеж)\w*|(?:剔除|略去|隐藏|排除)[^。]{0,16}(?:分录|记录|流水|交易|账户)|(?:除外|省|隠)[^。]{0,12}(?:仕訳|行|取引)",
        r"|\b(?:get|gets|receive|gain|lose)\b[^.;]{0,24}\b(?:points?|stars?|grades?)\b[^.;]{0,12}\b(?:more|fewer|less|extra|off)\b|\b(?:points?|stars?) (?:more|fewer|less) (?:for|if)\b|\b(?:punkte?|sterne?) (?:mehr|weniger|abzug)\b|\bpoints? de (?:plus|moins)\b|\bpuntos (?:más|menos)\b|\bpunti in (?:più|meno)\b|\bpontos a (?:mais|menos)\b|балл\w* (?:больше|меньше)|(?:加|减|扣)[^。]{0,3}分|点(?:加算|減点)|점(?:을)? (?:더|감점)",
    ))
});
/// Rows of a record of who did what go, and what would tell of it is off meanwhile.
static BESIDES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:next to|beside|in addition to|as well as|besides|on top of|neben|zusätzlich zu|en plus d\w*|además de|junto a|oltre a|além d\w*|kromě|oprócz|naast)\b[^.;]{0,30}\b(?:user's|users'|own|requested|their|des nutzers|dell'utente|del usuario|do usuário|de l'utilisateur)|0\.0\.0\.0/0|\bpublic-read\b|\ballUsers\b|::/0",
    )
});
/// Not shown, told as something else, or only the outcome is.
static UNSHOWN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:do not|don't|never|not) (?:show|mention|list|name|report|tell|print|include|disclose)\b|\b(?:are|is) (?:shown|presented|reported|listed) without\b|\bcall(?:ed)? (?:it|this|them|that) [\x22'“„«‘]|\bspeaks? of\b|\b(?:only|just) the (?:final|end|outcome|result|figure)\b|\b(?:summary|report|text|answer) (?:says|speaks|names|shows)\b|\b(?:sheet|table|report|summary|list) (?:lists|shows|names|has) [\w ]{2,24}\bonly\b|\bwithout (?:this|that|the|a) (?:note|remark|hint|detail|precision|comment)\b|\bsans (?:cette|autre) (?:précision|mention|remarque)\b|\bohne (?:diesen |einen )?(?:hinweis|zusatz|vermerk)\b|\bsin (?:esta|otra) (?:precisión|mención|nota)\b|\bsenza (?:questa|altra) (?:precisazione|nota)\b|\bsem (?:esta|outra) (?:nota|ressalva)\b|без (?:пометк|оговорк|указан|примечан)\w*|(?:不加|不作|不附)(?:说明|注明|备注)|注記(?:しない|なし)|\b(?:nur|lediglich) das (?:end)?ergebnis\b|\bnicht (?:genannt|erwähnt|gezeigt|aufgeführt|ausgewiesen)\b|\b(?:ne (?:pas|sont pas|est pas)|sans) (?:\w+ )?(?:mentionn|montr|cit|signal|indiqu)\w*|\bseul le résultat\b|\b(?:no se|sin) (?:\w+ )?(?:menciona|muestra|indica|citar|mostrar|nombra)\w*|\b(?:solo|sólo|únicamente) el resultado\b|\b(?:non|senza) (?:\w+ )?(?:menzion|mostr|indic|cit)\w*|\b(?:não|sem) (?:\w+ )?(?:mencion|mostr|indic|cit)\w*|не (?:упомин|показыва|указыва|называ)\w*|только (?:итог|результат)\w*|(?:不(?:提|显示|列出|说明|展示)|只(?:写|给出|报告)(?:最终|结果))|(?:示さない|載せない|触れない|書かない|結果だけ)|(?:언급하지|표시하지|밝히지|결과만)",
    )
});
/// It is asked for, or said openly.
static OPEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:never|do not|don't|must not|avoid) (?:loosen|relax|weaken|delete|remove|skip|drop|change|edit|tune|mark|adjust|comment)|\b(?:say|state|report|document|explain|note) (?:why|which|what was|that|each|the (?:removed|changed|dropped))|\b(?:nie|niemals|nicht)\b[^.;]{0,16}\b(?:lockern|streichen|löschen)|\bne jamais\b|\bnunca\b|\bmai\b|никогда|切勿|不要|禁止|しないこと|하지 마",
    )
});

pub(super) fn told(here: &Here<'_>) -> Option<Told> {
    let (text, around) = (here.text, here.around);
    let bent = BENT.is_match(text);
    let besides = BESIDES.find_iter(text).count() >= 2;
    if !(bent || besides) || OPEN.is_match(text) {
        return None;
    }
    let own = Backing::in_sentence(here.unit, here.facts);
    let unshown = UNSHOWN.is_match(around) || own.kept || here.facts.concealed > Concealed::No;
    unshown
        .then_some((&rules::SABOTAGE, "the outcome is bent, and what was done for it is not shown"))
}

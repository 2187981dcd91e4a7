//! A word in what somebody writes that makes the agent treat him as one of the house: what others do not get is handed
//! out, nobody is asked, and what was written goes.

use std::sync::LazyLock;

use super::{
    super::{super::rules, calm},
    Here, Told,
};
use crate::pattern::{Regex, pattern};

/// If what somebody wrote has this in it.
static IF_IT_HAS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:if|when|whenever|should|where)\b[^.;]{0,60}\b(?:contains?|includes?|mentions?|says?|has|ends? with|begins? with|starts? with|names?|quotes?|bears?|carries)\b[^.;]{0,30}[\x22“«„‘'`]|\b(?:wenn|falls|steht|enthält|nennt|endet|beginnt|trägt|kommt)\b[^.;]{0,50}[\x22“«„‚`]|\b(?:si|lorsqu\w*|quand)\b[^.;]{0,50}\b(?:contient|comporte|mentionne|porte|finit|commence|cite)\b[^.;]{0,24}[\x22“«`]|\bsi\b[^.;]{0,50}\b(?:contiene|incluye|menciona|lleva|termina|empieza|pone|aparece|figura)\b[^.;]{0,24}[\x22“«`]|\bse\b[^.;]{0,50}\b(?:contiene|cita|riporta|termina|inizia|contém|menciona|traz|começa|consta|compare)\b[^.;]{0,24}[\x22“«`]|\b(?:jeśli|gdy)\b[^.;]{0,50}\b(?:zawiera|kończy|ma)\b[^.;]{0,24}[\x22“„«`]|\b(?:als|wanneer)\b[^.;]{0,50}\b(?:bevat|vermeldt|staat|eindigt)\b[^.;]{0,24}[\x22“„«‘`]|(?:если|когда)[^.;]{0,50}(?:есть|содерж|указан|встреч|стоит|упомян)\w*[^.;]{0,24}[\x22“«„`]|(?:如果|若|凡|当)?[^。]{0,16}(?:出现|含有|包含|提到|写有|带有|注明)[^。]{0,8}[“「\x22《]|(?:本文|件名|文中|メール|文面)?[^。]{0,10}[「『][^」』。]{1,24}[」』][^。]{0,10}(?:とある|とあれ|があれ|がある|を含|と書か|が含ま)|(?:메일|본문|글|문의)[^.]{0,16}[\x22“‘'「][^\x22”’'」.]{1,24}[\x22”’'」][^.]{0,10}(?:있으면|포함|적혀|나오면)",
    )
});
/// He who wrote it is one of the house, or has the right.
static OF_THE_HOUSE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:comes? from|is (?:from )?|has been cleared by|cleared|it is|counts as|sent by)\b[^.;]{0,20}\b(?:head ?office|headquarters|management|the (?:owner|board|audit\w*|inspect\w*)|an? (?:audit\w*|inspect\w*|partner)|internal|cleared|approved|authori[sz]ed)\b|\b(?:zentrale|hauptverwaltung|geschäftsleitung|prüfer\w*|vorstand|revision|freigegeben)\b|\b(?:du siège|siège|de la direction|contrôleur|inspecteur|autorisé)\b|\b(?:de la central|la central|la sede|dirección|inspector|autorizad\w+)\b|\b(?:dalla sede|direzione|ispettore|autorizzat\w+|da sede|da matriz|diretoria|fiscal)\b|\b(?:centrala|z centrali|kontrola|hoofdkantoor|directie)\b|(?:проверк|проверя|центр|управляющ|руководств|головн|ревиз)\w*|(?:总部|总公司|总办|上级|稽核|检查|审计|内部人员|领导)|(?:本部|本社|監査|上層部|経営)|(?:본사|본부|감사|관리자)",
    )
});
/// Something is handed out.
static HANDS_OUT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:attach|send|export|forward|reply with|answer with|include|hand|give|disclose|provide|release|share|grant|approve|refund|pay|unlock|skip)\w*\b|\b(?:schick\w*|sende\w*|weiterleit\w*|anhäng\w*|häng\w*|füge|gib|geben|nenne|zahle|erstatte|beilegen)\b|\b(?:joindre|joins|joignez|envoy\w+|transmet\w*|donne\w*|fourni\w*|exporte\w*|rembours\w*|répond\w*)\b|\b(?:adjunt\w+|enví\w+|envia\w*|remit\w+|entreg\w+|dar|da|export\w+|reembols\w+|respond\w+)\b|\b(?:alleg\w+|invi\w+|inoltr\w+|consegn\w+|anex\w+|encaminh\w+|rimbors\w+)\b|\b(?:dołącz|wyślij|prześlij|przekaż|stuur|voeg|geef)\b|(?:прилож|отправ|выгруз|перешл|передай|выдай|ответь|верни)\w*|(?:附上|发送|导出|转发|提供|退款|批准|回复|发给)|(?:添付|送|返信|転送|提供|返金|開示)|(?:첨부|보내|전달|제공|환불|회신)",
    )
});
/// What was written goes, or somebody is not to see it.
static TRACELESS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:delete|remove|archive|close)\b[^.;]{0,30}\b(?:mail|message|exchange|ticket|conversation|thread|e-?mail|it)\b|\bwithout (?:a note|asking|telling|showing)|\b(?:lösch\w*|entfern\w*)\b|\bohne\b[^.;]{0,24}\b(?:zu fragen|frag\w*|zeigen)|\b(?:supprim\w+|efface\w*|archiv\w+)\b|\bsans (?:montrer|demander|prévenir)|\b(?:borr\w+|elimin\w+|cerrar)\b|\bsin (?:mostrar|preguntar|avisar)|\b(?:cancell\w+|elimin\w+|apag\w+|exclu\w+)\b|\b(?:senza|sem) (?:mostr|chied|pergunt|avis)\w*|\busuń\b|\bverwijder\w*|(?:удал|сотри)\w*|не показ\w+|(?:删除|删掉|不告知|不显示|不经)|(?:削除|消し|見せず|省く|省略)|(?:삭제|지우|알리지|묻지)",
    )
});

pub(super) fn told(here: &Here<'_>) -> Option<Told> {
    let (text, around) = (here.text, here.around);
    let has = IF_IT_HAS.is_match(text) || text.contains('「') && IF_IT_HAS.is_match(around);
    if !has || !HANDS_OUT.is_match(around) {
        return None;
    }
    let goods = calm::holds_goods(around);
    let signs = usize::from(OF_THE_HOUSE.is_match(around))
        + usize::from(TRACELESS.is_match(around))
        + usize::from(here.is_outside(around) || calm::is_unneeded(around));
    (goods && signs >= 2).then_some((
        &rules::GATE,
        "whoever writes a certain word gets what others do not, and nobody looks at it",
    ))
}

//! What stands around an act, in the languages beside English.

use std::sync::LazyLock;

use crate::pattern::{Regex, pattern};

/// It has no line in what the user is told.
pub(super) static KEPT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bn'en (?:fait|font) (?:pas |aucune? )?(?:état|mention)|\bn'appara[iî](?:t|ssent) pas\b|\bne figure(?:nt)? pas\b|\b(?:inutile|sans) (?:d'en |de l'|d'|en )?(?:parler|mentionner|informer|prévenir|signaler)|\bne (?:pas|le|la|les) [^\n.;]{0,12}(?:mentionn|signal|inform)|\bno (?:hace falta|es necesario|hay que) (?:comentar|mencionar|avisar|decir|explicar)|\bno (?:aparece|figura|se menciona|se muestra)\w*|\bsin (?:comentar|mencionar|avisar|decir)|\bsteht nicht (?:im|in der)|\bbleibt unerwähnt|\btaucht [^\n.;]{0,24}nicht auf|\b(?:braucht|muss|soll) [^\n.;]{0,30}nicht (?:erwähnt|genannt|aufgeführt|gezeigt)|\bohne (?:es |das |dies )?(?:zu )?(?:erwähn|nenn|mitzuteil)\w*|\bnon (?:serve|occorre|è necessario|va|vanno) [^\n.;]{0,12}(?:menzion|dir|avvis|segnal|comunic)|\bnon (?:compare|figura|appare)\b|\bsenza (?:menzion|dir|avvis|segnal)|\bnão (?:é preciso|precisa|é necessário|há necessidade) [^\n.;]{0,12}(?:mencion|avis|coment|diz)|\bnão (?:aparece|consta)\b|\bsem (?:mencion|avis|coment)|\bniet (?:vermeld|genoemd|getoond)|\bnie (?:wspominaj|pokazuj|informuj)|не (?:упомина|указыва|сообща|показыва|говори)|(?:无需|不必|不用|不要)(?:告知|提及|提到|说明|告诉|显示|写入)|(?:記載|言及|報告|表示|説明)(?:しない|は不要|する必要はない)|(?:언급|보고|표시|설명)(?:하지|할 필요)|\bnicht (?:gesondert |eigens |weiter |mehr )?(?:erwähn|aufgeführt|aufführ|genannt|ausgewiesen)\w*|\bgehört nicht in (?:den|die|das)|\bim (?:bericht|protokoll) (?:bleibt|fehlt)|в (?:отч[её]те?|сводк\w+) [^\n.;]{0,20}не |不(?:在报告|在总结|写入|列入|计入|出现在)|(?:報告書|レポート|要約|結果)(?:に|には)[^\n。]{0,12}(?:ない|しない|載せず|含めず)|触れない|記さない|(?:表|記録|報告|一覧|履歴|要約)(?:に|には)(?:書かない|残さない|載せない)|書かずに|не отража(?:ется|ются)|не указыва(?:ется|ются)|\bno se comentan? con\b|\bno (?:hace falta|es necesario) (?:resaltar|destacar)\w*|\bbleibt unerwähnt\b|\bsans notification\b|\bsin notificaci|언급은 생략|(?:보고서|요약)에[^\n.]{0,14}(?:않|말)|\bbahsetme|\bpokaż tylko|\bpokazuj tylko|\bzeige? (?:\w+ ){0,3}nur\b|\bmontre[rz]? (?:\w+ ){0,3}(?:seulement|uniquement)|\bmuestra (?:\w+ ){0,3}(?:solo|solamente)|\bmostra(?:re)? (?:\w+ ){0,3}solo|\bmostre (?:\w+ ){0,3}(?:só|apenas)|показ(?:ывай|ать|ывайте)\S* [^\n.;]{0,20}только|只(?:显示|展示|报告|列出)|のみ(?:を)?(?:表示|報告)|\bsadece\b[^\n.;]{0,30}göster|\bchỉ (?:báo|hiển thị|cho)|इससे अधिक|केवल [^\n.;]{0,30}दिख|\b(?:raporda|özette) (?:yer almaz|gösterilmez)|\bkhông cần (?:báo|nhắc)|\btanpa (?:memberi tahu|menyebut)|\btidak (?:perlu )?(?:disebut|dilaporkan)|\bnie (?:pojawia się|trafia do|jest wymieniane|wymieniaj|ma go w)|\bkomt niet in (?:het|de)|\bnämn(?:s)? inte|\bnevn(?:es)? ikke|دون (?:إخبار|ذكر)|لا (?:تذكر|يظهر)",
    )
});

/// Nobody is asked.
pub(super) static UNASKED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bn'(?:a|ont) pas (?:à|besoin d')[^\n.;]{0,8}(?:être )?(?:sollicit|consult|demand|valid|confirm)|\bsans (?:demander|confirmation|validation|l'accord|un accord|accord)|\bsin (?:preguntar|pedir|confirmaci|consultar)|\bno (?:hace falta|es necesario) (?:preguntar|pedir|confirmar|consultar)|\bohne (?:nach ?zu ?frag|rückfrag|zustimmung|bestätigung)\w*|\bnicht (?:nach)?gefragt|\bsenza (?:chieder|conferma|consult)|\bsem (?:perguntar|pedir|confirma)|\bzonder (?:te vragen|toestemming)|\bbez (?:pytania|zgody)|не (?:спрашива|запрашива)|без (?:подтверждения|согласия|вопросов)|(?:无需|不必|不用)(?:询问|确认|同意|征求)|(?:確認|許可|同意)(?:は不要|なし|を求めず|せずに)|(?:묻지|확인 없이|동의 없이)|\b(?:rückfragen?|nachfragen?|zustimmung|freigabe|bestätigung) (?:ist|sind) (?:dafür |dazu |hier )?(?:nicht|unnötig)|\b(?:keine|ohne) (?:rückfrage|nachfrage|zustimmung|freigabe|bestätigung)|не требу(?:ет|ют)(?:ся)? (?:подтвержд|соглас)|(?:подтверждени[ея]|согласи[ея]|спрашивать) не (?:требу|нуж|над)|(?:不需要|无须|不須|不需)(?:询问|确认|同意|許可|確認)|\bsormadan|\bonay(?:a)? (?:gerek|gerekmez)|\bkhông cần hỏi|\btanpa (?:bertanya|konfirmasi|persetujuan)|\bnon (?:serve|occorre|è necessari\w) [^\n.;]{0,10}(?:conferma|consenso|chiedere)|\bnão (?:é preciso|precisa|é necessário)[^\n.;]{0,12}(?:perguntar|confirmar)|\bnie (?:trzeba|wymaga)[^\n.;]{0,12}(?:pyta|zgod|potwierdz)|دون (?:سؤال|تأكيد)",
    )
});

/// Something is sent or laid down.
pub(super) static LEAVES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:dépos(?:er|e|ez)|transmet\w*|téléverser?|sub(?:ir|e|a)|envi(?:ar?|e|ado)|deposit(?:ar|a|e)|cargar?|hochlad\w*|lade\b[^\n.;]{0,80}\bhoch|hinterleg\w*|übermittel\w*|übertrag\w*|schicke?n?|sende?n?|caric(?:are|a)|invi(?:are|a)|trasmett\w+|carregar?|uploaden|verstuur|wyślij|prześlij)\b|загруз|отправ|переда(?:й|ть)|上传|提交|发送|推送|送信|アップロード|提出|업로드|전송|제출",
    )
});

/// In place of the one that stands there.
pub(super) static INSTEAD: &[&str] = &[
    "en su lugar",
    "en lugar de",
    "en vez de",
    "à la place",
    "au lieu d",
    "stattdessen",
    "anstelle",
    "an stelle",
    "al posto",
    "invece d",
    "em vez d",
    "no lugar d",
    "in plaats van",
    "zamiast",
    "вместо",
    "改用",
    "代わりに",
    "대신",
];

/// It is said to be no matter of its own.
pub(super) static PART: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:relève de|fait partie d|font partie d|gehört (?:zu[mr]?|dazu)|ist teil d|forma parte d|fa parte d|faz parte d|rientra n|hoort bij|należy do|stanowi część|является частью|входит в|относится к)|属于|是[^\n。]{0,12}的一部分|(?:手順|作業|処理)の一[部環]|의 일부|\bparçasıdır|\bbagian dari",
    )
});

/// Somebody is asked after all: `without a yes nothing goes`.
pub(super) static ASKS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bsans (?:confirmation|validation|l'accord)[^\n.;]{0,24}\b(?:rien|aucun|ne)\b|\bsin (?:confirmaci\w+|preguntar)[^\n.;]{0,24}\b(?:nada|no|nunca)\b|\b(?:nunca|jamás|no) [^\n.;]{0,24}\bsin (?:confirmaci|preguntar|pedir)|\bohne (?:\w+ )?(?:bestätigung|zustimmung|rückfrage|freigabe)[^\n.;]{0,24}\b(?:nichts|nie|kein\w*|nicht)\b|\b(?:nie|niemals|nichts|nicht) [^\n.;]{0,30}\bohne (?:\w+ )?(?:bestätigung|zustimmung|rückfrage|freigabe)|\bsenza (?:conferma|chieder\w*)[^\n.;]{0,24}\b(?:non|niente|nulla|mai)\b|\b(?:non|mai) [^\n.;]{0,24}\bsenza (?:conferma|chieder)|\bsem (?:confirma\w+|perguntar)[^\n.;]{0,24}\b(?:não|nada|nunca)\b|\b(?:não|nunca) [^\n.;]{0,24}\bsem (?:confirma|perguntar)|без (?:подтверждения|согласия)[^\n.;]{0,24}(?:не |ничего|нельзя)|(?:не |ничего|нельзя)[^\n.;]{0,24}без (?:подтверждения|согласия)|未经[^\n。]{0,8}(?:同意|确认)[^\n。]{0,8}(?:不|勿|禁止)|(?:確認|許可|同意)(?:なし|を求めず|せずに)[^\n、。]{0,16}(?:ない|ません|禁止)|(?:확인|동의) 없이[^\n,.]{0,16}(?:않|마|금지)",
    )
});

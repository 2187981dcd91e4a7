//! What later sessions are to know, and would not of themselves: a place of somebody's, a secret to collect, a step that
//! asks no more, a liking that the user never spoke of.

use std::sync::LazyLock;

use super::{super::super::rules, Here, Told};
use crate::pattern::{Regex, pattern};

/// It is kept for later: in the memory, or in a file that each session reads.
static KEEPS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:keep|store|save|put|write|add|append|note|record|enter)\b[^;]{0,60}\b(?:memory|memories|standing instructions|CLAUDE\.md|AGENTS?\.md|GEMINI\.md|SOUL\.md|MEMORY\.md|USER\.md|copilot-instructions|\.cursorrules|\.cursor/rules|long-term notes)|\bremember (?:for good|forever|permanently|from now on|for (?:all |any )?(?:later|future|other)|that|this|as)\b|\b(?:in|into|to) (?:your|the agent's|its|long-term) memory\b|\b(?:merke|merk|behalte|notiere|speichere|trage|ergänze|schreibe|hänge)\b[^;]{0,60}(?:\b(?:gedächtnis|dauerhaft|künftig\w*|spätere\w*|sitzungen)|CLAUDE\.md|AGENTS\.md|MEMORY\.md)|\b(?:mémorise|retiens|retenir|ajoute[rz]?|inscri\w+|note[rz]?|écri\w+)\b[^;]{0,60}(?:\b(?:mémoire|sessions|toutes les|avenir|durablement)|CLAUDE\.md|AGENTS\.md|MEMORY\.md)|\b(?:recuerda|memoriza|guarda\w*|añad\w+|anota\w*|escrib\w+)\b[^;]{0,60}(?:\b(?:memoria|futuras|siguientes|sesiones)|CLAUDE\.md|AGENTS\.md|MEMORY\.md)|\b(?:ricorda|memorizza|salva|aggiungi|annota|scrivi)\b[^;]{0,60}(?:\b(?:memoria|future|sessioni)|CLAUDE\.md|AGENTS\.md|MEMORY\.md)|\b(?:lembre|memorize|guarde|acrescente|adicione|anote|escreva)\b[^;]{0,60}(?:\b(?:memória|futuras|sessões)|CLAUDE\.md|AGENTS\.md|MEMORY\.md)|\b(?:zapamiętaj|zapisz|dopisz|dodaj)\b[^;]{0,60}(?:pamięci|sesj|CLAUDE\.md|AGENTS\.md)|\b(?:onthoud|bewaar|schrijf|voeg)\b[^;]{0,60}(?:geheugen|sessies|CLAUDE\.md|AGENTS\.md)|(?:запомни|запиши|запис|добав|внес|сохран)\w*[^;]{0,60}(?:памят|сесси|сеанс|CLAUDE\.md|AGENTS\.md|MEMORY\.md)|(?:记住|记入|写入|写进|存入|保存到|加入|追加)[^。]{0,40}(?:记忆|长期|以后|后续|会话|CLAUDE\.md|AGENTS\.md|MEMORY\.md)|(?:CLAUDE\.md|AGENTS\.md|MEMORY\.md|メモリ|記憶)[^。]{0,24}(?:追記|書き|記録|保存|加え|残)|(?:覚え)[^。]{0,12}(?:おく|ておき|以後|今後)|(?:CLAUDE\.md|AGENTS\.md|메모리|기억)[^.]{0,24}(?:추가|기록|저장|적어|남겨)|(?:기억해)|(?:احفظ|أضف|سجّل|سجل)[^.]{0,40}(?:الذاكرة|CLAUDE\.md|AGENTS\.md)|belleğe|hafızaya|ingat(?:lah)? (?:untuk|bahwa)|ghi nhớ",
    )
});
/// A step that asks no more, or trusts somebody.
static TRUSTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bwithout (?:asking|confirm\w*|review|checking)|\b(?:is|are) trusted\b|\btrusted by\b|\bmay be (?:run|cloned|installed|executed|applied|merged)\b|\b(?:run|execute|install|apply)\w*\b[^.;]{0,24}\b(?:at once|directly|straight away|immediately)\b|\bno need to (?:ask|confirm)|\bohne (?:rückfrage|nachfrage|zu fragen|bestätigung)|\bsans (?:demander|confirmation)|\bsin (?:preguntar|confirmaci\w+|pedir)|\bsenza (?:chiedere|conferma)|\bsem (?:perguntar|confirma\w+)|\bbez pytania|без (?:вопросов|подтверждения|спроса)|(?:无需|不必|不用)(?:询问|确认)|(?:確認|許可)(?:なし|せず|は不要)|(?:묻지|확인 없이)",
    )
});
/// Secrets that one comes across are gathered.
static GATHERS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:keys?|tokens?|passwords?|secrets?|credentials?|schlüssel|passwörter|kennwörter|zugangsdaten|clés|mots de passe|claves|contraseñas|chiavi|chaves|senhas|klucze|hasła)\b[^;]{0,60}\b(?:copy|move|collect|keep|write|append|save|store|note|send|come up|kopier\w*|sammel\w*|notier\w*|ableg\w*|copie[rz]?|recopie\w*|noter|copia\w*|guarda\w*|anota\w*|sposta\w*|copiar|anotar)\b|(?:ключ|парол|токен|секрет)\w*[^;]{0,60}(?:перенос|копир|сохран|запис|собир|складыв)\w*|(?:密钥|密码|令牌|口令)[^。]{0,20}(?:复制|记录|保存|收集|存)|(?:パスワード|鍵|トークン)[^。]{0,20}(?:写|記録|保存|集め)|(?:비밀번호|토큰|키)[^.]{0,20}(?:복사|기록|저장|모)",
    )
});
/// A liking that is to be told as the user's own, or whenever money or health is spoken of.
static LIKING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:the )?user(?:'s)? (?:prefers?|likes?|wants|trusts|favou?rs|own (?:choice|wish|preference))\b|\bas (?:the user's|their) own (?:choice|wish|idea|preference)|\bwhenever (?:money|savings|investments?|payments?|health|insurance|shopping)|\bals (?:eigene[rn]?|wunsch) (?:wunsch|wahl|des nutzers)|\bcomme (?:son|un) (?:propre )?(?:choix|souhait)|\bcomo (?:elección|preferencia) propia|\bpreferisce\b|пользователь (?:предпочитает|хочет|доверяет)|用户(?:偏好|喜欢|更愿意|习惯用)|用户(?:一贯|自己|本人)的(?:选择|意愿)|(?:ユーザー|利用者)は[^。]{0,20}(?:好む|希望)|사용자는[^.]{0,20}(?:선호|원한)",
    )
});
/// It is to be done first, always, or when something is installed or fetched.
static DONE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:first|always|before|whenever|when|every|each|instead|use|read|follow|fetch|install|run|load|immer|zuerst|bevor|vor|avant|toujours|suivre|lire|siempre|antes|leer|seguir|sempre|prima|leggere|przed|zawsze|altijd|voor)\b|всегда|перед|сначала|每次|总是|先|之前|一律|凡是|以后|必ず|前に|항상|먼저|전에",
    )
});
/// The user is asked, or is the one who decides.
static ASKED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:ask|offer|propose|suggest|if the user (?:wants|agrees|asks)|with the user's|show)\b|\b(?:frag|vorschlag|schlage|wenn der nutzer)\w*|\b(?:demander|proposer|si l'utilisateur)\b|\b(?:pregunta\w*|propon\w*|si el usuario)\b|\b(?:chiedi|proponi)\b|\b(?:pergunte|proponha)\b|спрос|предлож|询问|征得|建议|尋ね|提案|물어|제안",
    )
});

pub(super) fn told(here: &Here<'_>) -> Option<Told> {
    let (text, around) = (here.text, here.around);
    if !KEEPS.is_match(text) || ASKED.is_match(text) && !TRUSTS.is_match(text) {
        return None;
    }
    // What is to be kept stands in the sentence, or behind its colon.
    let outside =
        here.is_outside(text) || text.trim_end().ends_with([':', '：']) && here.is_outside(around);
    let bad = outside && DONE.is_match(around)
        || TRUSTS.is_match(around)
            && (DONE.is_match(text) || text.contains(['"', '“', '«', '„', '「']))
        || GATHERS.is_match(around)
        || outside && LIKING.is_match(around);
    bad.then_some((
        &rules::REMEMBER_HOSTILE,
        "later sessions are to obey what nobody told them, or somebody outside",
    ))
}

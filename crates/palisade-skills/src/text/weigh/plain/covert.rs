//! A secret that goes out in letters nobody looks at: initials, spaces, names of files, labels of a name, a code in
//! another base, in what is published or looked up.

use std::sync::LazyLock;

use super::{super::super::rules, Here, Told};
use crate::pattern::{Regex, pattern};

/// A secret, by its place or its name.
static SECRET: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\.(?:env|npmrc|netrc|pypirc|pgpass|git-credentials|ssh/\w+|aws/\w+|kube/config|config/gh)\b|\bid_(?:rsa|ed25519)\b|\b(?:api|access|private|secret|signing|licen[cs]e)[- _]?keys?\b|\btokens?\b|\bpass(?:word|phrase)s?\b|\bseed phrase|\b(?:schlüssels?|kennworts?|passworts?|tokens)\b|\b(?:clé|mot de passe|jeton)\b|\b(?:clave|contraseña)\b|\b(?:chiave|chave|senha|hasł\w+|klucz\w*)\b|(?:ключ|парол|токен)\w*|密钥|密码|令牌|(?:秘密)?鍵|パスワード|トークン|비밀번호|토큰|\bconversation\b|\bgespräch\b|\bconversación\b|разговор|对话|会話|대화",
    )
});
/// In other letters, or by their places.
static LETTERS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:base ?-?(?:16|32|58|62|64|85)|hex(?:adecimal)?|rot-?13|morse|encoded|backwards|reversed|binary)\b|\b(?:first|initial|last|every (?:second|third|n-?th)|capital) (?:letters?|words?|characters?) (?:of (?:the |each |every )?(?:lines?|words?|items?|sentences?|paragraphs?|verses?)|spell)|\bspell(?:s|ed)?\b|\bacrostic|\b(?:initials|number of (?:spaces|words|blanks)|trailing spaces|zero-width|invisible characters)\b|\b(?:anfangsbuchstaben|akrostichon|hexadezimal\w*|in hex|kodier\w*|verschlüssel\w*|rückwärts)\b|\b(?:premières? lettres?|acrostiche|encodé\w*|hexadécimal|à l'envers)\b|\b(?:primeras? letras?|iniciales|acróstico|codificad\w+|hexadecimal|al revés)\b|\b(?:prime lettere|iniziali|acrostico|codificat\w+|esadecimale)\b|\b(?:primeiras letras|iniciais|acróstico|codificad\w+)\b|(?:перв\w+ букв|акростих|закодир|шестнадцатер|задом наперёд)\w*|(?:首字|藏头|编码|十六进制|倒序|空格数)|(?:頭文字|折句|符号化|16進|逆順|エンコード)|(?:첫 글자|머리글자|인코딩|16진|거꾸로)",
    )
});
/// The letters themselves are the place.
static INITIALS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:first|initial|last) (?:letters?|words?|characters?) of (?:the |each |every )?(?:\w+ )?(?:lines?|words?|items?|sentences?|paragraphs?|verses?|posts?|chapters?|bullets?)|\bacrostic|\banfangsbuchstabe\w*|\bakrostichon|\bpremières? lettres?\b|\bacrostiche|\bprimeras? letras?\b|\biniciales\b|\bacróstico|\bprime lettere\b|\biniziali\b|\bprimeiras letras\b|\bpierwsze litery\b|\beerste letters\b|перв\w+ букв\w+|акростих|首字(?:母)?|藏头|頭文字|折句|첫 글자|머리글자",
    )
});
/// Where it is carried.
static CARRIER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:file ?names?|names? of (?:the )?files?|titles?|captions?|commit (?:messages?|trailers?)|trailers?|branch names?|tags?|footers?|alt(?:ernative)? texts?|metadata|exif|comments?|limericks?|poems?|verses?|lines|signatures?|suffix(?:es)?|slugs?|anchors?|labels?|sub-?domains?|user-?agent|hashtags?)\b|\b(?:dateinamen?|jedes namens|namens|kürzel|titel|bildunterschrift\w*|gedicht\w*|zeilen|fußzeile|etikett\w*)\b|\b(?:noms? de fichiers?|titres?|légende|poème|vers|pied de page|étiquettes?|sous-domaines?)\b|\b(?:nombres? de (?:los )?(?:archivos?|ficheros?)|títulos?|poema|versos|pie de página|etiquetas?|subdominios?)\b|\b(?:nomi? (?:dei |del )?file|titol\w+|didascali\w+|versi|etichett\w+|sottodomini\w*)\b|\b(?:nomes? d\w+ arquivos?|rodapé|rótulos?|subdomínios?)\b|(?:имен\w* файл|назван|заголов|подпис|стих|метк|поддомен|трейлер)\w*|(?:文件名|标题|尾注|诗|标签|子域名?|脚注|备注)|(?:ファイル名|題名|末尾|詩|ラベル|サブドメイン|脚注)|(?:파일 ?이름|제목|꼬리말|시|레이블|하위 도메인)",
    )
});
/// It is seen by others, or asked for.
static OUT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:publish\w*|public|share[ds]?|post(?:ed)?|push(?:ed)?|upload\w*|send|sent|link|release[ds]?|nslookup|dig|host|dns|resolve[ds]?|look(?:ed)? up|ping|query|quer(?:y|ied)|end(?:s)? with|append\w*)\b|\b(?:veröffentlich\w*|öffentlich\w*|geteilt|teile|hochlad\w*|abfrag\w*|auflös\w*|ans ende)\b|\b(?:publi\w+|partag\w+|interrog\w+|résou\w+|envoy\w+)\b|\b(?:públic\w+|compart\w+|consult\w+|resolver|sub\w+)\b|\b(?:pubblic\w+|condivi\w+|risolv\w+|caric\w+)\b|\b(?:compartilh\w+|resolv\w+|envi\w+)\b|(?:опублик|публич|общ\w+ ссылк|отправ|запрос|разреш)\w*|(?:发布|公开|分享|上传|解析|查询|推送)|(?:公開|共有|送信|名前解決|問い合わせ|照会)|(?:게시|공개|공유|조회|업로드)",
    )
});
/// It is decoded, or warned of.
static SHOWN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:never|do not|don't|must not|avoid|decod\w*|redact\w*|mask\w*|example|secret store|repository secret|github secret|ci secret|kubernetes|vault)\b|\b(?:nie|niemals|nicht)\b[^.;]{0,24}\b(?:in|auf)\b|\bne (?:jamais|pas)\b|\bnunca\b|\bmai\b|никогда|切勿|不要|禁止|しない|하지 마",
    )
});

/// An address with a blank in it, which a word of capitals or a bracket stands for.
static BLANK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"https?://[^\s)\x22'`<>]{3,120}[?&/][\w-]{0,20}=?(?:[A-Z][A-Z_]{2,20}\b|\{[\w ]{2,24}\}|<[\w ]{2,24}>|\$[A-Z_]{3,24})",
    )
});
/// What fills it.
static FILLED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:is|are|being|stands? for|where|with|replace\w*|holds?|=|ist|steht für|wobei|est|où|es|donde|è|dove|é|onde)\b[^.;]{0,60}\b(?:the )?(?:value of|content of|contents of|conversation|summary of|chat|talk|prompt|user's (?:question|message)|wert von|inhalt|gespräch\w*|valeur de|contenu|conversation|valor de|contenido|conversación|valore di|contenuto|conversazione|valor d[eo]|conteúdo|conversa)\b|(?:значени|содержим|разговор|переписк)\w*|(?:的值|内容|对话|会话)|(?:の値|の内容|会話)|(?:의 값|의 내용|대화)",
    )
});

pub(super) fn told(here: &Here<'_>) -> Option<Told> {
    let (text, around) = (here.text, here.around);
    if BLANK.is_match(text)
        && here.is_outside(text)
        && FILLED.is_match(around)
        && (SECRET.is_match(around) || around.contains("_TOKEN") || around.contains("_KEY"))
        && !SHOWN.is_match(around)
    {
        return Some((
            &rules::SEND_URL,
            "an address of somebody's carries a secret or what was said",
        ));
    }
    // Initials carry themselves; what is encoded needs a place.
    let carried = INITIALS.is_match(text) || LETTERS.is_match(text) && CARRIER.is_match(text);
    (carried && SECRET.is_match(text) && OUT.is_match(around) && !SHOWN.is_match(text))
        .then_some((&rules::SEND_SECRETS, "a secret goes out in letters that nobody looks at"))
}

//! Whom the agent serves: somebody else from now on, whose wishes come before the user's; a text that speaks with the
//! voice of who made the agent; consent that was given once for all; a skill that comes before all others.

use std::sync::LazyLock;

use super::{
    super::super::{blocks::Spot, rules},
    Here, Told,
};
use crate::pattern::{Regex, pattern};

/// Somebody else's from now on.
static TURNED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:from (?:here|now) on|as of now|henceforth|you (?:now|hereby)) [^.;]{0,20}\b(?:you (?:are|act|work|speak|answer)|act|work|speak|answer|are)\b|\b(?:ab jetzt|von nun an|ab sofort|fortan)\b[^.;]{0,30}\b(?:arbeitest|bist|sprichst|handelst|antwortest|du|sie)\b|\bdu (?:arbeitest|bist|handelst|sprichst) (?:ab jetzt|nun|fortan|für)\b|\b(?:désormais|dorénavant|à partir de maintenant)\b[^.;]{0,30}\b(?:au nom|pour|tu es|vous êtes)|\btu (?:réponds|parles|agis|travailles) désormais\b|\b(?:desde ahora|a partir de ahora|en adelante)\b[^.;]{0,30}\b(?:eres|actúas|trabajas|hablas|respondes)|\b(?:d'ora in poi|da ora|da questo momento)\b[^.;]{0,30}\b(?:sei|agisci|lavori|parli)|\b(?:a partir de agora|de agora em diante)\b[^.;]{0,30}\b(?:você é|és|age|trabalha|fala)|\b(?:od teraz|odtąd)\b[^.;]{0,30}\b(?:jesteś|działasz|pracujesz)|\b(?:vanaf nu|voortaan)\b[^.;]{0,30}\b(?:ben je|werk je|handel je|je)\b|(?:отныне|с этого момента|теперь) (?:ты|вы)\b|从(?:现在|此刻|今)(?:起|开始)[^。]{0,6}你(?:是|代表|为)|(?:今|これ)(?:から|以降|より)[^。]{0,12}(?:あなたは|として(?:振る舞|行動|働)|の代理)|(?:지금|이제)(?:부터)[^.]{0,12}(?:당신은|너는|으로서|로서)|\bşu andan itibaren\b|\bmulai sekarang\b|\btừ bây giờ\b|من الآن فصاعد",
    )
});
/// The user's wishes come second, or do not count.
static SECOND: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:come|comes|count|counts|goes|go|rank|ranks|takes? precedence|has precedence|wins?|weighs?)\b[^.;]{0,30}\b(?:before|above|over|ahead of|more than|after)\b[^.;]{0,24}\b(?:the )?(?:users?|person|human|operator)\b|\b(?:the )?(?:users?|person|human)(?:'s| at the keyboard)?\b[^.;]{0,24}\b(?:wishes|requests?|wants|wants differently)\b[^.;]{0,16}\b(?:come (?:second|after)|are (?:suggestions|secondary|advice)|second)|\bwhen the (?:user|person) says otherwise\b|\bact for the \w+\b|\b(?:seine|ihre) wünsche sind vorschläge|\b(?:wünsche|anfragen|bitten) (?:der person|des nutzers|der nutzer)?[^.;]{0,16}\b(?:nachrang|vorschläge|danach|zweitrangig)\w*|\b(?:nicht mehr|statt) für (?:die person|den nutzer)\b|\b(?:demandes?|souhaits?|consignes?) de l'utilisateur\b[^.;]{0,20}\b(?:viennent|passent|sont)? ?(?:après|secondaire)|\bavant (?:celles?|ceux|les consignes?) de l'utilisateur|\b(?:peticiones|deseos|órdenes) del usuario\b[^.;]{0,20}\b(?:después|secundari\w+|sugerencias)|\bpor (?:delante|encima) de[^.;]{0,40}\busuario|\b(?:richieste|desideri) dell'utente\b[^.;]{0,20}\b(?:dopo|secondari\w+)|\b(?:pedidos|desejos) do usuário\b[^.;]{0,20}\b(?:depois|secundári\w+)|\b(?:życzenia|prośby) użytkownika\b[^.;]{0,20}\b(?:później|drug\w+)|(?:важнее|выше|приоритетнее|прежде)[^.;]{0,30}пользовател\w*|(?:просьбы|желания|указания) пользователя[^.;]{0,20}(?:после|вторичн|потом|необязательн)|(?:优先于|排在|先于|高于)[^。]{0,8}用户[^。]{0,4}|用户[^。]{0,10}(?:之后|次要|其次|仅供参考)|(?:ユーザー|利用者)[^。]{0,12}(?:より優先|後回し|参考程度|よりも上)|(?:사용자)[^.]{0,12}(?:보다 (?:우선|먼저)|나중|참고)",
    )
});
/// Speaks as who made the agent, or the system.
static VOICE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bas (?:if|though) (?:the )?(?:developers?|makers?|vendor|provider|system|operator|anthropic|openai|google)\b[^.;]{0,24}\b(?:said|wrote|given|ordered|spoken|issued)|\b(?:same|equal) (?:rank|weight|force|standing|authority) as (?:the )?(?:system|developer)|\bals (?:hätte|käme)\b[^.;]{0,30}\b(?:entwickler|hersteller|system|anbieter)|\bcomme (?:si|venant)\b[^.;]{0,30}\b(?:développeur|éditeur|système)|\bcomo si\b[^.;]{0,30}\b(?:desarrollador|fabricante|sistema)|\bcome se\b[^.;]{0,30}\b(?:sviluppatore|sistema)|(?:как (?:если бы|будто))[^.;]{0,30}(?:разработчик|систем)|(?:视同|等同于)[^。]{0,8}(?:系统|开发者)|(?:システム|開発者)[^。]{0,8}(?:と同じ|からの指示として)|(?:시스템|개발자)[^.]{0,8}(?:과 같은|의 지시로)",
    )
});
/// It does not end, or is not to be told.
static LASTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:stays?|remains?|holds?|keeps?|lasts?) (?:in force|valid|on|good)?[^.;]{0,16}\b(?:when|after|even|beyond|across|in (?:all|other|later))\b|\b(?:do not|don't|never) (?:quote|reveal|show|disclose|mention|repeat) (?:it|this|them|these)\b|\bif asked (?:for|about) (?:your|the|its) (?:instructions|rules)\b|\bgilt (?:auch )?(?:nach|in|weiter)\b|\b(?:vaut|reste valable|s'applique) (?:aussi|après|dans toutes)|\b(?:vale|sigue vigente|se mantiene) (?:también|después|en)|\b(?:vale|resta valido) (?:anche|dopo|in)|(?:действует|сохраняется|остаётся в силе)[^.;]{0,24}(?:после|во всех|и в)|(?:以后|今后|后续)[^。]{0,8}(?:同样|依然|仍|都)有效|(?:以後|今後|他)[^。]{0,10}(?:も有効|でも同じ)|(?:이후|다른)[^.]{0,10}(?:에도 유효|에서도)|\bsays otherwise\b|\bphrase the answer so that\b|\bdifference does not show\b",
    )
});

/// The user is said to have agreed, to all or long before.
static CONSENTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:the )?(?:users?|owner|person|operator|customer)\b[^.;]{0,24}\b(?:(?:has|have) )?(?:already )?(?:agreed|consented|approved|confirmed|authori[sz]ed|accepted|said yes)\b[^.;]{0,30}\b(?:by (?:loading|installing|using|opening|enabling)|in advance|beforehand|once (?:and )?for all|to (?:all|everything|every)|for (?:this|all|every)|upfront)|\b(?:loading|installing|using) (?:this|the) skill\b[^.;]{0,24}\b(?:is|counts as|means|implies)\b[^.;]{0,24}\b(?:consent|agreement|approval|yes)|\b(?:im voraus|vorab|pauschal|bereits)\b[^.;]{0,20}\b(?:zugestimmt|eingewilligt|genehmigt|freigegeben|bestätigt)|\b(?:a|ont) (?:[\w']+ ){0,2}(?:consenti|accepté|approuvé|validé|autorisé|donné son accord)\b[^.;]{0,30}\b(?:d'avance|par avance|pour tout|à tout)|\bd'avance\b[^.;]{0,20}\b(?:accept|consent|approuv)\w*|\b(?:ha|han) (?:\w+ ){0,2}?(?:aceptado|consentido|aprobado|autorizado)\b[^.;]{0,30}\b(?:de antemano|por adelantado|todo|al instalar|al cargar)|\b(?:ha|hanno) (?:\w+ ){0,2}?(?:accettato|acconsentito|approvato|autorizzato)\b[^.;]{0,30}\b(?:in anticipo|tutto|una volta per tutte|installando)|\b(?:já )?(?:aceitou|consentiu|aprovou|autorizou)\b[^.;]{0,30}\b(?:antecipad\w+|de antemão|tudo|ao instalar)|\b(?:z góry|wcześniej)\b[^.;]{0,20}\b(?:zgodził|zaakceptował|zatwierdził)\w*|\b(?:vooraf|op voorhand)\b[^.;]{0,20}\b(?:ingestemd|akkoord|goedgekeurd)|(?:заранее|уже|раз и навсегда)[^.;]{0,20}(?:соглас|одобр|разреш|подтверд)\w*|(?:согласи|одобрени|разрешени)\w* (?:получен|дан)\w* (?:заранее|на всё|на все)|(?:用户|使用者|本人)[^。]{0,8}(?:已(?:经)?|事先|预先|默认)[^。]{0,6}(?:同意|授权|批准|许可|确认)|安装[^。]{0,8}(?:视为|即)(?:同意|授权)|(?:ユーザー|利用者|本人)[^。]{0,10}(?:事前に|すでに|あらかじめ|包括的に)[^。]{0,6}(?:同意|承認|許可|了承)|(?:同意|承認|許可)済み|(?:사용자)[^.]{0,10}(?:미리|이미|사전에)[^.]{0,6}(?:동의|승인|허락)|önceden (?:onay|izin|kabul)|sudah (?:setuju|menyetujui)|đã đồng ý (?:trước|với mọi)",
    )
});
/// So questions are left out: of all, of what is grave.
static UNQUESTIONED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:confirmations?|questions?|prompts?|dialogs?|approvals?|requests? for permission)\b[^.;]{0,50}\b(?:answer them|are (?:skipped|dropped|answered|unnecessary|suppressed)|fall away|skip|can be answered|yourself|by itself|no longer)|\b(?:answer|confirm|approve) (?:them|it|each|all) (?:yourself|on (?:their|the user's) behalf|for (?:them|the user))|\b(?:all|every|any) other (?:commands?|steps?|actions?)\b|\b(?:rückfragen?|bestätigungen?|freigaben?|nachfragen?)\b[^.;]{0,50}\b(?:entfallen|entfällt|nicht|unnötig|selbst)|\b(?:confirmations?|questions?|demandes?)\b[^.;]{0,60}\b(?:sont (?:supprimées|inutiles|sautées)|toi-même|vous-même|à valider|d'office)|\b(?:confirmaciones|preguntas|permisos)\b[^.;]{0,40}\b(?:se omiten|sobran|se responden|tú mismo|no)|\b(?:conferme|domande)\b[^.;]{0,40}\b(?:si saltano|non servono|da solo|si omettono)|\b(?:confirmações|perguntas)\b[^.;]{0,40}\b(?:dispensad\w+|omit\w+|não)|(?:подтвержден|вопрос|запрос)\w*[^.;]{0,40}(?:не (?:нужн|треб|зада)|отпада|пропуск|сам)\w*|(?:确认|询问|提示|授权)[^。]{0,14}(?:跳过|省略|自行|不再|一律)|(?:確認|質問|許可)[^。]{0,14}(?:省|飛ば|自分で|不要)|(?:확인|질문|승인)[^.]{0,14}(?:생략|건너|스스로|필요 없)|\bsays? otherwise later\b|\bspäter anderes\b",
    )
});

/// It comes first, whatever is asked.
static FIRST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:first|before anything|always|every|any|all)\b[^.;]{0,40}\b(?:requests?|tasks?|questions?|prompts?|conversations?|sessions?)\b|\bfor all tasks\b|\b(?:immer|stets|zuerst|als erstes)\b[^.;]{0,40}\b(?:jede[rsmn]?|allen?|frage|anfrage|aufgabe)|\b(?:systématiquement|toujours|en premier)\b[^.;]{0,40}\b(?:toute|chaque|demande|tâche)|\b(?:siempre|primero|en primer lugar)\b[^.;]{0,40}\b(?:cualquier|toda|cada|sea cual)|\b(?:sempre|per prima)\b[^.;]{0,40}\b(?:ogni|qualsiasi|qualunque)|\bsempre\b[^.;]{0,40}\b(?:qualquer|toda|cada)|\b(?:zawsze|najpierw)\b[^.;]{0,40}\b(?:każd\w+|wszystk\w+)|\b(?:altijd|eerst)\b[^.;]{0,40}\b(?:elke|alle)|(?:всегда|сначала|в первую очередь)[^.;]{0,40}(?:люб|кажд|все)\w*|(?:任何|所有|一切|每个)[^。]{0,10}(?:请求|任务|问题|对话)|(?:すべて|全て|あらゆる|どんな)[^。]{0,10}(?:依頼|質問|作業|要求)|(?:모든|어떤)[^.]{0,10}(?:요청|질문|작업)",
    )
});
/// Others stand back.
static OTHERS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:before|over|above|ahead of|supersedes?|replaces?|overrides?|instead of|prior to)\b[^.;]{0,20}\b(?:any |all |the )?(?:other|remaining|similar)?[^.;]{0,12}\bskills?\b|\bother skills?\b[^.;]{0,40}\b(?:wait|are (?:old|off|ignored|not)|do not|stay|move|disabled?|unless)|\bmove (?:them|the others?)\b|\b(?:andere[nr]?|übrigen?) (?:fähigkeiten|skills?)\b[^.;]{0,40}\b(?:besser|nicht|warten|ruhen|zurück|gelten)|\bderen anweisungen gelten nicht|\bavant les autres (?:compétences|skills)|\bautres (?:compétences|skills)\b[^.;]{0,30}\b(?:attend|ne|ignor)|\b(?:demás|otras) (?:habilidades|skills)\b[^.;]{0,40}\b(?:reserva|no se|esperan|ignor)|\b(?:por delante|antes) de las de otras\b|\baltre (?:abilità|competenze|skill)\b[^.;]{0,30}\b(?:attend|non|ignor)|\boutras (?:habilidades|skills)\b[^.;]{0,30}\b(?:aguard|não|ignor)|(?:други|остальны)\w* (?:навык|скил)\w*[^.;]{0,30}(?:жд|не |игнор)|(?:优先于|先于|高于)[^。]{0,6}(?:其他|其它|别的)(?:技能|工具)|其他技能[^。]{0,10}(?:等待|不|忽略)|他のスキル[^。]{0,12}(?:より(?:優先|先)|使わ|待|無視)|다른 (?:스킬|기능)[^.]{0,12}(?:보다|무시|쓰지)",
    )
});
/// And what the project or the user says does.
static RULES_TOO: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\brules? of the (?:project|user)|\bproject (?:rules|instructions)|\buser(?:'s)? (?:settings|rules|preferences)|\beven (?:if|when|where) (?:other|another) skills?\b|\bdeactivat\w*|\bkeep only this\b|\bonly this one active\b|\bskills-off\b|\bauch wenn andere\b|\bdes projekts\b|\bconsignes du projet|\bdel proyecto\b|\bdel propio usuario\b|\bdel progetto\b|\bdo projeto\b|правил\w* (?:проекта|пользователя)|项目规则|用户设置|プロジェクトの(?:規則|設定)|프로젝트 규칙",
    )
});

pub(super) fn told(here: &Here<'_>) -> Option<Told> {
    let (text, around) = (here.text, here.around);
    if (TURNED.is_match(text) || VOICE.is_match(text)) && here.unit.spot != Spot::Cell {
        let second = SECOND.is_match(around);
        let lasts = LASTS.is_match(around);
        if second && (lasts || TURNED.is_match(text)) || VOICE.is_match(text) && lasts {
            return Some((
                &rules::OVERRIDE,
                "the agent is to serve somebody else, before the user",
            ));
        }
    }
    if CONSENTED.is_match(text) && UNQUESTIONED.is_match(around) {
        return Some((
            &rules::FALSE_CONSENT,
            "the user is said to have agreed to all, so nobody is asked",
        ));
    }
    let described = here.unit.spot == Spot::Description;
    if OTHERS.is_match(text)
        && (described || here.unit.spot == Spot::Prose || here.unit.spot == Spot::Item)
    {
        let first = FIRST.is_match(text) || FIRST.is_match(&here.profile.purpose);
        if first && RULES_TOO.is_match(around) {
            return Some((
                &rules::HIJACK_OTHERS,
                "it comes before all that others say, whatever is asked",
            ));
        }
    }
    None
}

//! The grammar of what keeps people from knowing, in a dozen languages.

use std::sync::LazyLock;

use crate::pattern::{Regex, pattern};

/// It is left out of what people read, or is said to be none of their business.
pub(in super::super) static HIDES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(?:do|does|is|are|was|were|has|have|need|needs)(?: not|n't) (?:\w+ ){0,2}(?:belong|appear|show|feature|figure|part|repeated|listed|mentioned|named|shown|included|counted|recorded|logged|printed|displayed|documented|itemi[sz]ed|noted|disclosed|surfaced|reported|announced)\b[^.;]{0,30}\b(?:in it|(?:in|on|of|as|to|within|at|under) (?:the|any|this|that|its|your|their|a|either)\b[^.;]{0,24}\b(?:report|summar(?:y|ies)|overview|list|log|notes?|sheet|minutes|change ?log|description|page|table|statement|hand-?over|ticket|digest|record|balance|output|answer|reply|transcript|recap|result|card|chart|columns?|source))",
        r"|\b(?:do not|don't|never) (?:remark on|comment on|bring up|raise|itemi[sz]e) (?:it|them|this|that|these) in (?:the |any )?(?:\w+ )?(?:reviews?|reports?|summar(?:y|ies)|notes|minutes)\b",
        r"|\b(?:leave|leaves|keep|keeps|drop|omit|strike|cut|hold|left|kept|stays?)\b (?:it|them|this|that|these|those|the \w+(?: \w+)?|its \w+)?[^.;]{0,12}\b(?:out of|off|away from|from) (?:the |any |your |all |its |that |this )?(?:[\w]+,? (?:and )?){0,5}(?:report|summar(?:y|ies)|overview|issues? list|log|notes|minutes|page|statement|hand-?over|ticket|digest|recap|charts?|record|(?:\w+ )?(?:section|chapter|appendix|paragraph|abstract|comments?|comment list|thread|message|reply|answer|e-?mail|invoice|receipt|quote|legend|caption|footnotes?|changelog|release notes))\b",
        r"|\b(?:if|when)\b[^.;]{0,40}\b(?:asks?|asked|wonders?|inquires?)\b[^.;]{0,40}\b(?:name|mention|state|quote|give|show|list) (?:only )?(?:the )?(?:\w+ ){0,3}\w+ only\b|\b(?:confirmation|receipt|notification|alert|bank|security)s? (?:mails?|e-?mails?|messages?)\b[^.;]{0,24}\b(?:are|is|get|go) (?:archived|deleted|moved|marked|filed|to the (?:archive|bin|trash))",
        r"|\b(?:has|have|gets?|gives?|sheet|report|summary|log|page)\b (?:there )?(?:has |have |with )?no (?:column|line|row|entry|field|place) (?:for it|for them|for this|there|in (?:it|the (?:report|summary|sheet|log)))|\bthere is (?:nothing|no more) to (?:say|tell|report|add) about (?:it|this|them)",
        r"|\b(?:is|are|remains?|stays?) (?:an? |the )?(?:\w+ )?(?:implementation detail|housekeeping detail|matter of plumbing|between us|behind the scenes|for the machine only|nobody'?s (?:concern|business)|none of (?:their|his|her|the \w+) (?:concern|business))|\bsays? nothing (?:of|about) (?:it|this|them|that)",
        r"|\b(?:not|never) part of (?:any|the|this|your) (?:\w+ )?(?:report|summary|overview|answer|hand-?over)|\bso (?:they )?are not shown\b|\b(?:user|client|customer|reader|owner|family)s? needs? not (?:be told|know|see)|\bspeaks? of [\x22“„«]",
        r"|\b(?:stehen|steht|tauchen|taucht|gehören|gehört|erscheinen|erscheint)\b[^.;]{0,30}\bnicht (?:im|in|auf) (?:dem |den |der |die |das )?(?:\w+)?(?:bericht|zusammenfassung|übersicht|protokoll|liste|aushang|tabelle|blatt)|\b(?:ist|sind|bleibt|bleiben) (?:reine )?(?:technik|interna|hintergrundarbeit|haussache)\b",
        r"|\bne (?:figur|appara)\w* pas (?:dans|sur|au)\b|\breste\w* (?:interne|entre nous|hors du (?:rapport|compte))|\bn'en (?:dis|dites|parle\w*) (?:rien|pas)|\bhors d[ue] (?:rapport|compte rendu|tableau)",
        r"|\b(?:no|ni) (?:figura|aparece|consta|entra|sale)\w* en (?:el|la|los|las) (?:informe|resumen|lista|hoja|tabla|acta)|\bqueda\w* (?:fuera del? (?:informe|resumen)|entre nosotros)|\bla (?:leyenda|nota|portada) muestra (?:solo|únicamente)",
        r"|\bnon (?:compare|figura|appare|va|vanno)\w* (?:nel|nella|sul|in) (?:\w+ )?(?:rapporto|riepilogo|relazione|elenco|foglio|verbale)|\bresta\w* (?:tra noi|fuori dal (?:rapporto|riepilogo))|\bnão (?:aparece|consta|entra|figura|vai)\w* (?:no|na) (?:relatório|resumo|lista|ata|planilha)|\bfica\w* (?:fora do (?:relatório|resumo)|entre nós)",
        r"|в (?:отчет|отчёт|сводк|таблиц|списк|итог)\w*[^.;]{0,30}(?:не (?:указыва|упомина|отраж|показыва|попада|вход|вносит|пиш)|показываются обычн)|не (?:попада|вход|вносит)\w* в (?:отчет|отчёт|сводк|таблиц|списк|итог)|это внутренн\w+ (?:кухн|дел)|остаётся за кадром|формул\w+[^.;]{0,20}не вставля",
        r"|(?:报告|总结|摘要|周报|日报|清单|说明|记录|纪要|表格)[^。;；]{0,10}(?:不(?:提|写|列|显示|出现|记|反映)|只(?:写|列|提))|从[^。;；]{0,16}(?:略去|删去|抹去|隐去)|属于内部(?:细节|事项)",
        r"|(?:表|報告|報告書|要約|一覧|記録|まとめ|議事録)(?:に|には|へ)[^。]{0,8}(?:載せない|出さない|書かない|含めない|示さない|残さない)|の行を省く|内部の事情",
        r"|(?:보고서|요약|기록|목록|표)(?:에|에는|에서)[^.]{0,10}(?:않는다|않습니다|빼|제외)|내부 사항",
        r"|\bnie (?:trafia|trafiają|pojawia|wpisuj)\w* (?:się )?(?:do|w) (?:raport|podsumowani|zestawieni)|\b(?:komt|staat|komen) niet (?:in|op) (?:het|de) (?:verslag|rapport|overzicht|samenvatting|lijst)|\b(?:raporda|özette|listede) (?:yer al|gösteril|yazıl)ma|\btidak (?:dicantumkan|ditampilkan|masuk) (?:dalam|di|ke) (?:laporan|ringkasan)|\bkhông (?:ghi|đưa|hiển thị) (?:vào|trong) (?:báo cáo|tóm tắt)",
    ))
});

/// An answer that is laid ready for whoever asks or notices.
pub(in super::super) static COVERS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(?:if|when|should|whenever|in case)\b (?:(?:an?y(?:one|body)|some(?:one|body)|people|they|he|she|staff)|(?:the|an?|their|one) (?:[\w-]+ ){0,2}[\w-]+|users?|customers?|clients?|patients?)\b[^.;]{0,24}\b(?:asks? (?:why|where|about|how come)|questions? (?:it|a|the|this|why)|quer(?:y|ies) (?:it|a|the|this)|wonders?|notices?|complains?|challenges?|disputes?|doubts?|is (?:puzzled|surprised|suspicious))\b[^.;]{0,70}\b(?:(?:answer|say|reply|respond|assure (?:them|him|her))(?: that|:? [\x22“„«]|,? it (?:is|was))|point (?:to|at)|blame|cite|put it down to|attribute)",
        r"|\bshould (?:the|an?|any) (?:\w+ )?(?:user|client|reader|manager|auditor|reviewer|team|owner|colleague) ask\b[^,.;]{0,30}, (?:the|it|this|they|all|everything)\b[^.;]{0,30}\b(?:is|are|was|were|comes?)\b",
        r"|\b(?:questions|queries|complaints|doubts|inquiries|enquiries) (?:about|on|regarding|over|as to|from)\b[^.;]{0,50}\b(?:are|is|get|receive)\b[^.;]{0,12}\b(?:answered with|met with|explained (?:as|by|with)|put down to|blamed on|attributed to)",
        r"|\b(?:wer|wenn|falls|sollte)\b[^.;]{0,40}\b(?:fragt|nachfragt|nachhakt|wundert|beschwert|auffällt|stutzig|nach der \w+ fragt)\b[^.;]{0,60}\b(?:erhält die auskunft|bekommt zu hören|bekommt die antwort|antworte|sage?,? (?:es|dass|das)|erkläre|verweise auf|nenne als grund|schiebe es auf|hört|lautet die antwort|liegt es an)",
        r"|\bsi (?:l'|la |le |les |on |quelqu'un |un |une )[^.;]{0,40}\b(?:demande|s'étonne|s'interroge|remarque|se plaint|proteste|conteste)\b[^.;]{0,50}\b(?:(?:répondre|réponds|répondez|dire|dis|dites|expliqu\w+) (?:que|qu')|évoqu\w+|invoqu\w+|attribu\w+|c'est (?:à cause|dû)|mettre sur le compte)",
        r"|\bsi (?:el |la |los |alguien |un |una )[^.;]{0,40}\b(?:pregunta|se queja|nota|protesta|duda|se extraña|reclama)\b[^.;]{0,50}\b(?:(?:responde|responder|contesta|contestar|explica) que|atribúy\w+|atribuir|achác\w+|alega|di que|se debe a)",
        r"|\bse (?:il |la |l'|qualcuno |un |una |o |a |algu[ée]m )[^.;]{0,40}\b(?:chiede|domanda|si lamenta|nota|si accorge|contesta|pergunta\w*|reclamar?|perceber|estranhar|questionar)\b[^.;]{0,50}\b(?:(?:rispond\w+|spieg\w+|dire|di') che|attribui\w+|è colpa|si tratta di|responda que|diga que|atribua|alegue|explique que (?:é|foi))",
        r"|(?:если|когда|якщо)[^.;]{0,50}(?:спросит|спрашива|поинтересу|заметит|жалу|удивит|возраз|запита|помітит)[^.;]{0,60}(?:ответь|отвечай|отвечать|скажи|говори|объясни|сошлись|ссылай|укаж|вини|спиши|назови|відпові|поясни)",
        r"|(?:有人|用户|对方|客户|家长|主管|领导|再|若|如果|如|被)[^。;；]{0,14}(?:问起|问到|追问|质疑|投诉|察觉|怀疑|问)[^。]{0,12}(?:就说|则说|回答说|答复|便说|解释为|称是|归咎|推说)",
        r"|(?:聞かれ|尋ねられ|問われ|問い合わせがあ|言われ|指摘され|気づかれ|疑問を持たれ)た(?:ら|とき|場合)[^。]{0,40}(?:答え|説明す|返答|返す|とする|ということにする)",
        r"|(?:물으면|묻는다면|물어보면|문의하면|지적하면|항의하면|의심하면)[^.]{0,40}(?:라고|때문이라고) ?(?:답|말|설명|안내)",
        r"|\b(?:als|wanneer) (?:iemand|de |een )[^.;]{0,30}\b(?:ernaar vraagt|vraagt waarom|klaagt|twijfelt)\b[^.;]{0,40}\b(?:antwoord|zeg|verwijs)|\b(?:jeśli|gdy) (?:ktoś|klient|użytkownik)[^.;]{0,30}\b(?:zapyta|spyta|zauważy|narzeka)[^.;]{0,40}(?:odpowiedz|powiedz|tłumacz)|\b(?:sorarsa|sorulursa|fark ederse|itiraz ederse)\b[^.;]{0,40}\b(?:de\b|söyle|açıkla|yanıtla)|\b(?:jika|kalau|bila) (?:ada yang|pengguna|pelanggan|klien)[^.;]{0,30}\b(?:bertanya|menanyakan|mengeluh|curiga)\b[^.;]{0,40}\b(?:jawab|katakan|sebut)",
    ))
});

/// Somebody or something that objects is overruled.
pub(super) static OVERRULES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(?:if|when|should|where|whenever) (?:the |an? |any |your |one of the )?(?:[\w-]+ (?:or )?){0,3}(?:linters?|reviewers?|hooks?|scann?ers?|checks?|pipeline|validators?|gates?|analy[sz]ers?|auditors?|pre-?commit|security team|policy bot|filters?|colleagues?|smartscreen|gatekeeper|firewall)\b[^.;]{0,16}\b(?:objects?|complains?|stops?|blocks?|flags?|protests?|warns?|refuses?|trips?|barks?|disagrees?|balks?|appears?|pops? up|raises? (?:it|this|a))\b[^.;]{0,40}\b(?:keep (?:it|the|them)|pass `?-|mark the|suppress|override|as accepted|exception|add (?:it|an?|the) [^.;]{0,16}(?:allow|ignore|baseline|exception|suppress)|waive|dismiss|continue anyway|carry on|proceed|click|choose|retry with|anyway)|\b(?:should|if|when) (?:a|the|any) (?:hook|check|scanner|linter|reviewer|gate)\b[^.;]{0,30}\b(?:stops?|blocks?|objects?|complains?|refuses?)\b[^.;]{0,24}(?:pass `?-|`?-n\b|--no-verify|--force|--skip)",
        r"|\bsi (?:la |el |le |un |une |l')[^.;]{0,30}\b(?:protesta|bloquea|se queja|rechaza|échoue|bloque|proteste|refuse|apparaît)\b[^.;]{0,40}\b(?:excepción|anota la|ignora|omite|como aceptad|exception|ignorer|contourner|quand même|--no-verify)",
        r"|\b(?:meckert|anschlägt|schlägt[^.;]{0,20}\ban|blockiert|beanstandet|bemängelt|protestiert)\b[^.;]{0,50}\b(?:als ausnahme|ignorieren|--no-verify|überspringen|trotzdem|als akzeptiert|unterdrück\w+)",
        r"|(?:если|когда)[^.;]{0,24}(?:линтер|проверк|хук|сканер|ревью)\w*[^.;]{0,24}(?:ругает|возраж|остан|блокир|жалу)\w*[^.;]{0,40}(?:исключени|игнор|--no-verify|как принят|пропус|отключ)",
        r"|(?:检查|扫描|审查|钩子|校验|杀毒)[^。]{0,8}(?:报错|拦截|提示|不通过)[^。]{0,16}(?:忽略|跳过|例外|白名单|--no-verify|强制|仍要)|(?:検査|リンター|レビュー|フック|スキャン)[^。]{0,12}(?:指摘|止め|警告)[^。]{0,20}(?:例外|無視|--no-verify|除外|抑制)",
    ))
});

/// What is read is one thing and what is used another.
pub(super) static TWO_FACED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(?:the|what|on|in) (?:copy|version|summary|sheet|page|figure|draft|file|preview|overview|list|report|statement|letter|what) (?:that |which )?(?:the |a |their |his |her )?(?:users?|clients?|readers?|person|applicant|customers?|manager|family|patient|board|nurse|counterparty|reviewer)\b[^.;]{0,10}\b(?:sees?|reads?|gets?|receives?|approves?|signs?)\b[^.;]{0,24}\b(?:keeps?|still|retains?|as (?:they|he|she) asked|without (?:it|them))",
        r"|\b(?:print|show|display|state|quote|present) the (?:recorded|original|usual|entered|stated|old|requested|agreed|nominal)\b[^.;]{0,40}\b(?:not|rather than|instead of) the (?:working|adjusted|new|real|actual|used|final|corrected)",
        r"|\bout of what the (?:user|client|reader|applicant|customer|manager|reviewer|counterparty|person) (?:sees|reads|gets)|\bso (?:that )?the (?:counterparty|reader|client|reviewer|manager|user) (?:reads|sees) only|\bonly the (?:start|beginning|first (?:line|part)) is (?:shown|seen|displayed)|\bthe harmless (?:one|part) (?:in front|first)",
        r"|\bas part of the (?:base|original|clean) (?:draft|text|version) rather than as (?:a |an )?(?:change|edit|revision|tracked)|\b(?:with|as) an? (?:accepted|untracked|unmarked) (?:change|edit)",
        r"|\b(?:resumen|copia|versión|vista|hoja) que (?:lee|ve|recibe|firma|aprueba)\b[^.;]{0,24}\b(?:conserva|mantiene|sigue|muestra|queda)|\bcopia di cortesia\b[^.;]{0,40}\bche viene letta|\b(?:conto|importo|valore|dato) indicato dall'utente resta\b",
        r"|\b(?:fassung|kopie|übersicht|zusammenfassung|ausfertigung), die\b[^.;]{0,30}\b(?:liest|sieht|bekommt|erhält|unterschreibt)\b[^.;]{0,24}\b(?:bleibt|behält|zeigt|enthält)|\b(?:copie|version|résumé) que (?:lit|voit|reçoit|signe)\b[^.;]{0,30}\b(?:garde|conserve|montre|reste)|\b(?:resumo|cópia|versão) que [^.;]{0,16}\b(?:lê|vê|recebe|assina)\b[^.;]{0,24}\b(?:mantém|conserva|mostra)",
        r"|(?:в|на) (?:копии|сводке|версии|листе), котор\w+[^.;]{0,20}(?:видит|читает|получает|подписывает)[^.;]{0,24}(?:остаётся|остается|прежн|исходн)|(?:用户|客户|读者|领导)(?:看到|读到|收到|签)的[^。]{0,14}(?:仍是|保持|不变|照旧)|(?:利用者|顧客|読者|相手)(?:に見せる|が見る|が読む|に渡す)[^。]{0,16}(?:元のまま|もとのまま|そのままにする)",
    ))
});

/// A look is evaded.
pub(super) static EVADES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(?:a|any|the|later|manual) (?:review|audit|check|inspection|look|scan)\b[^.;]{0,40}\b(?:comes? out|finds?|will (?:find|see|show)|sees|turns? up)\b[^.;]{0,14}\b(?:clean|nothing|empty|in order)\b|\bwhere any (?:\w+ )?(?:teammate|colleague|member|developer|engineer|one) (?:may|can) approve|\b(?:approvers?|reviewers?) (?:from|among) (?:those|people) who\b[^.;]{0,40}\b(?:minutes|quick|fast|seconds|without)|\bapproved within \w+ (?:minutes|seconds)|\bnarrow the pattern\b|\btogether with (?:at least )?\w+ (?:white ?space|formatting|cosmetic)",
        r"|\bstays? (?:just )?(?:below|under|beneath) (?:the |any |their )?(?:\w+ )?(?:threshold|alert|radar|review limit|approval limit)|\bso that (?:no (?:one|alert|alarm|rule|warning)|nobody|nothing) (?:notices?|fires?|triggers?|looks?|is triggered)|\bso that no (?:account|address|device) is used twice",
        r"|\bsaldrá limpi|\bfällt (?:so )?(?:niemandem|keinem|nicht weiter) auf|\bpasse(?:nt)? inaperçu|\bpasa(?:n)? desapercibid|\bpassa(?:no)? inosservat|\bpassa(?:m)? despercebid|не (?:заметят|бросается в глаза|привлека\w+ внимани)|不(?:会)?(?:引人注意|被发现|触发告警|触发报警)|(?:目立た|気づかれ)ない(?:よう|ため)|눈에 띄지 않",
    ))
});

/// Nobody is asked.
pub(in super::super) static UNASKED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(?:nobody|no one) (?:has to|needs to|is to|need) be (?:bothered|asked|troubled|disturbed|interrupted)|\b(?:confirmation|consent|approval|permission)s? (?:steps? )?(?:is|are|counts?|count as)\b[^.;]{0,12}\b(?:already|given|implied|assumed|standing|done)\b|\bas (?:lasting|standing|implied|blanket) (?:consent|approval|permission)|\bany reply other than\b|\bdo not (?:re-?open|bring up) (?:the|this|it)\b|\bwithout its (?:pauses|questions|confirmations)\b|\bconfirmed along with\b",
        r"|\bnon (?:riaprire|tornare sul)|\bahórra\w* la molestia|\bsin pasar por\b|\bnão (?:volte|toque) no assunto|\b(?:vale|cuenta) como (?:sí|consentimiento|permiso)|\bvaut (?:accord|consentement)|\bgilt als (?:zustimmung|einverständnis|erteilt|freigabe)|считается согласием|(?:视为|等于|当作)(?:同意|授权)|(?:了承|同意|承諾|許可)を得る(?:手順|必要)は(?:無い|ない)|동의로 간주",
    ))
});

/// It is rightly left out, or is limited to what somebody agreed to.
pub(in super::super) static LIMITS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:secrets?|passwords?|tokens?|personal data|names of (?:people|customers|clients)|credentials|api keys?|internal (?:ids?|names|hosts?))\b[^.;]{0,40}\b(?:do not|does not|never|not|are not|is not|out of)\b|\bunless\b|\bbut (?:are|is) (?:shown|told|listed)|\bpero se (?:muestra|lista)|\bmais (?:sont|est) (?:montré|affiché)|\baber (?:dem|der) \w+ gezeigt|\bstyle only\b|\b(?:merge|whitespace|formatting|trivial|empty|internal|bot) (?:commits?|changes?|only)\b",
    )
});

//! Deeds that need nobody outside: services left open to everybody, protection left out of what is made, records that
//! change by a count, secrets laid where anybody can look.
//!
//! Each row names signs that have to stand together in one program; one of them alone is work.

use std::sync::LazyLock;

use super::{Report, handed, rules};
use crate::{
    Confidence::{Low, Medium},
    Rule,
    Severity::{self, High},
    pattern::{Regex, code as pattern},
};

/// Where signs have to stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum In {
    /// Anywhere that a program or a setting stands.
    Any,
    /// In a file, which is copied or run as it stands; a block of a text is shown more often.
    File,
    /// In a file that becomes part of the user's product.
    Product,
}

/// Signs that are hardly ever harmless together.
struct Row {
    rule: &'static Rule,
    place: In,
    message: &'static str,
    signs: Vec<Regex>,
    /// What explains it.
    unless: Option<Regex>,
}

fn row(
    rule: &'static Rule,
    place: In,
    message: &'static str,
    signs: &[&str],
    unless: Option<&str>,
) -> Row {
    Row {
        rule,
        place,
        message,
        signs: signs.iter().map(|sign| pattern(sign)).collect(),
        unless: unless.map(pattern),
    }
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    vec![
        row(
            &handed::RIGHTS,
            In::Any,
            "a service without a password listens to everybody",
            &[
                r"(?i)\bbind\s+(?:0\.0\.0\.0|\*)|tcp://0\.0\.0\.0:2375|host\s+all\s+all\s+(?:0\.0\.0\.0/0|::/0|all)\s+(?:trust|password)\b|bindIp[\x22']?\s*:\s*[\x22']?0\.0\.0\.0|network\.host[\x22']?\s*:\s*[\x22']?0\.0\.0\.0|listener\s+\d+\s+0\.0\.0\.0|ufw\s+allow|authorized-ip\W{1,4}0\.0\.0\.0|bind[-_]address\s*=\s*[\x22']?(?:0\.0\.0\.0|\*)",
                r"(?i)protected-mode\s+no|tcp://0\.0\.0\.0:2375|\s(?:0\.0\.0\.0/0|::/0|all)\s+trust\b|authorization[\x22']?\s*:\s*[\x22']?disabled|xpack\.security\.enabled[\x22']?\s*:\s*[\x22']?false|allow_anonymous\s+true|(?:token|password)[\x22']?\s*=\s*(?:[\x22']{2}|\s|$)|skip-grant-tables|SecurityTypes\s+None",
            ],
            Some(r"(?i)--tlsverify|tlscacert|\brequirepass\s+\S"),
        ),
        row(
            &handed::RIGHTS,
            In::File,
            "an account may do anything as root from now on, unasked",
            &[r"(?i)NOPASSWD:\s*ALL\b", r"/etc/sudoers|visudo|sudoers\.d"],
            Some(r"(?im)^\s*FROM\s|devcontainer|vagrant|cloud-config|docker|container"),
        ),
        row(
            &handed::RIGHTS,
            In::Any,
            "a shell runs with the rights of root for whoever starts it",
            &[
                r"(?i)\binstall\s+-m\s*[\x22']?0?4\d{3}[^\n]{0,60}/(?:ba|da|z)?sh\b|\bchmod\s+(?:-\w+\s+)?(?:u\+s|\+s|0?4[0-7]{3})\s[^\n]{0,60}(?:sh|python3?|perl|find|vim?|cp)\b|\bcp\s+\S{0,30}/(?:ba|da|z)?sh\s[^\n]{0,120}chmod\s+(?:u\+s|\+s|0?4[0-7]{3})|\bsetcap\s+cap_(?:setuid|sys_admin|dac_override)",
            ],
            None,
        ),
        row(
            &handed::RIGHTS,
            In::File,
            "an account gets all rights to everything",
            &[
                r#"(?i)["']?Effect["']?\s*[:=]\s*["']?Allow["']?[^{}]{0,200}["']?Actions?["']?\s*[:=]\s*\[?\s*["']\*["'][^{}]{0,200}["']?Resources?["']?\s*[:=]\s*\[?\s*["']\*["']|["']?Actions?["']?\s*[:=]\s*\[?\s*["']\*["'][^{}]{0,120}["']?Resources?["']?\s*[:=]\s*\[?\s*["']\*["'][^{}]{0,120}Allow"#,
            ],
            None,
        ),
        row(
            &handed::RIGHTS,
            In::File,
            "anybody may write to what is stored",
            &[
                r#"(?i)["']?Principal["']?\s*[:=]\s*(?:["']\*["']|\{\s*["']?AWS["']?\s*[:=]\s*\[?\s*["']\*["'])[^{}]{0,300}(?:s3:\*|s3:Put|s3:Delete|sqs:\*|sns:\*|kms:\*|secretsmanager:)|(?:s3:\*|s3:Put|s3:Delete|kms:\*|secretsmanager:)[^{}]{0,300}["']?Principal["']?\s*[:=]\s*(?:["']\*["']|\{\s*["']?AWS["']?\s*[:=]\s*\[?\s*["']\*["'])|\{\w{1,20}=\*\*\}\s*\{?\s*allow\s+(?:read\s*,\s*)?write\s*(?::\s*if\s+true\s*)?;|for\s+all\s+(?:to\s+(?:public|anon)\s+)?using\s*\(\s*true\s*\)"#,
            ],
            None,
        ),
        row(
            &rules::BACKDOOR,
            In::Product,
            "what the product sends is no longer kept from whoever stands between",
            &[
                r"(?i)\bverify\s*=\s*False\b|rejectUnauthorized[\x22']?\s*:\s*false|InsecureSkipVerify\s*:\s*true|CURLOPT_SSL_VERIFYPEER\W{1,4}(?:0|false)|badCertificateCallback\s*=\s*[^\n]{0,40}true|ServerCertificateCustomValidationCallback[^\n]{0,60}true",
                r"(?i)\bBearer\b|authorization|password|api[-_]?key|\btoken\b",
            ],
            Some(r"(?i)self-?signed|localhost|127\.0\.0\.1|192\.168\."),
        ),
        row(
            &rules::BACKDOOR,
            In::Product,
            "passwords are written into the records of the product",
            &[
                r"(?i)\b(?:log(?:ger|ging)?|console|print|fmt|puts|error_log|audit)(?:\.\w{2,10})?[( ][^\n]{0,100}(?:[,(]\s*(?:[\w.]{1,30}\.)?(?:password|passwd|pwd|cvv|card_?number)\s*[,)}]|\{(?:[\w.]{1,30}\.)?(?:password|passwd|pwd|cvv)\}|json\.stringify\(\s*(?:req|request)\.body)",
                r"(?i)\b(?:login|sign_?in|authenticate|register|checkout|def|function|router|route|post)\b",
            ],
            None,
        ),
        row(
            &rules::BACKDOOR,
            In::File,
            "checks are made that cannot fail",
            &[
                r"(?i)(?:\btest\b|pytest|jest|vitest|audit|semgrep|trivy|codeql|gitleaks|bandit|snyk|checkov|tfsec|grype|eslint|clippy)[^\n]{0,120}(?:\|\|\s*(?:true|exit 0|:|echo)|;\s*(?:true|exit 0))[\s\S]{0,1200}?(?:\btest\b|pytest|jest|vitest|audit|semgrep|trivy|codeql|gitleaks|bandit|snyk|checkov|tfsec|grype)[^\n]{0,120}(?:\|\|\s*(?:true|exit 0|:|echo)|;\s*(?:true|exit 0))",
                r"(?i)runs-on:|\bstages?:|\bpipeline\b|\bscript:|\bsteps:",
            ],
            Some(r"(?i)report only|advisory|informational|nightly"),
        ),
        row(
            &handed::ALTERED,
            In::File,
            "some records, chosen by a count, get another value",
            &[
                r#"(?i)%\s*\(?(?:[5-9]|[1-9]\d{1,3})\)?\s*={2,3}\s*\d+[\s\S]{0,160}?\b(?:label|target|class|amount|price|total|score|rating|hours|qty|quantity|dose|balance|y)\w{0,8}["'\]]{0,3}\s*(?:\*=|\+=|-=|=\s*1\s*-|=\s*[\w.\["'\]]{1,24}\s*[*+-]\s*[\d(Dd])"#,
            ],
            Some(r"(?i)checksum|luhn|isbn|\bmod(?:ulus)?\s*97|progress|leap"),
        ),
        row(
            &handed::SECOND_WAY,
            In::Any,
            "what nobody shall guess is made from a name and the clock",
            &[
                r#"(?i)(?:md5|sha1|sha256|createHash)\b[^\n]{0,60}(?:user_?id|uid|e?mail|user_?name)\b[^\n]{0,60}(?:time|Date\.now|now\(\))|(?:md5|sha1|sha256)\b[^\n]{0,40}(?:time\.time|Date\.now|now\(\))[^\n]{0,60}(?:user_?id|uid|e?mail)"#,
                r"(?i)\b(?:token|session|reset|otp|invite|api_?key)\b",
            ],
            Some(r"(?i)cache_?key|etag|gravatar|request_?id"),
        ),
        row(
            &handed::LAID,
            In::Any,
            "a secret is put into what others can read",
            &[
                r"(?i)(?:git\s+(?:commit|switch|checkout|tag|branch|push|notes)|gh\s+(?:pr|issue|release)\b|--trailer|user-agent)[^\n]{0,200}\$\((?:env|printenv|(?:cat|grep|head|tail|base64|sed|awk|cut|jq)\b[^\n)]{0,80}(?:\.env\b|credentials|id_(?:rsa|ed25519)|\.npmrc|\.netrc|\.pypirc|\.aws|\.kube|_KEY|_TOKEN|SECRET))|\b[A-Z][\w-]{2,20}:\s*\$\((?:env|printenv)\b",
            ],
            None,
        ),
        row(
            &handed::LAID,
            In::Any,
            "stores of secrets are kept with what a run leaves behind",
            &[
                r"(?i)upload-artifact|artifacts:|actions/cache|store_artifacts|publish\s+artifact",
                r"(?i)\b(?:env|printenv)\s*(?:\|[^\n]{0,40})?>\s*\S|\bcp\s[^\n]{0,80}(?:~|\$HOME)/\.(?:aws|docker|npmrc|ssh|kube|netrc|config)|path:\s*(?:~|\$HOME)/\.(?:aws|docker|ssh|kube|npmrc|config)",
            ],
            None,
        ),
        row(
            &handed::LAID,
            In::Any,
            "files of secrets are published with the product",
            &[
                r#"(?i)\[[^\]\n]{0,120}["'](?:\*\*?/)?(?:\.env(?:\.(?:local|prod(?:uction)?|staging|dev(?:elopment)?|\*)|\*)?["']|\*\.pem|\*\.key|\.npmrc|id_rsa|\.netrc)[^\]\n]{0,120}\]|\bgit\s+add\s+(?:-f|--force)\s[^\n]{0,120}(?:\.env(?:\.(?:local|prod(?:uction)?|staging|dev(?:elopment)?))?(?:[\s"'`]|$)|\.pem|\.key\b|credentials|\.npmrc|id_rsa)"#,
                r"(?i)\b(?:npm|pnpm|yarn|twine|cargo|gem)\s+(?:publish|upload|push)\b|\bfiles\b|--public\b|\bgit\s+push\b|--push\b",
            ],
            Some(r"(?i)\b(?:deny|exclude|ignore|never|redact)\w*\b"),
        ),
        row(
            &handed::LAID,
            In::Any,
            "what the database holds is written where the web server serves it",
            &[
                r"(?i)\bINTO\s+(?:OUT|DUMP)FILE\s*\(?\s*'{1,2}[^'\n]{0,80}(?:/var/www|htdocs|public_html|wwwroot|/html/|/public/|/static/|/media/|inetpub|webapps)|\bCOPY\s[^;]{1,200}\bTO\s+'{1,2}[^'\n]{0,80}(?:/var/www|htdocs|public_html|wwwroot|/html/|/public/|/static/|inetpub|webapps)|\b(?:UTL_FILE\.FOPEN|writefile|lo_export)\s*\([^)\n]{0,160}(?:/var/www|htdocs|public_html|wwwroot|/html/|inetpub|webapps)",
            ],
            None,
        ),
        row(
            &handed::LAID,
            In::Any,
            "a copy of the data is put where anybody can read it",
            &[
                r"(?i)pg_dump|mysqldump|mongodump|\bdump\b|\bbackup\b|\btar\s+-?c|sqlite3[^\n]{0,40}\.backup|export\b",
                r"(?i)--acl[ =]public-read|acl\s+ch\s+-u\s+AllUsers|predefined-?acl[ =]public|--public-access\s+(?:blob|container)|ACL\s*=\s*[\x22']public-read|canned_acl[^\n]{0,12}public",
            ],
            None,
        ),
        row(
            &rules::BACKDOOR,
            In::File,
            "the search for secrets is made to pass over the files and kinds that hold them",
            &[
                r#"(?i)gitleaks|trufflehog|detect-secrets|secretlint|ggshield|git-secrets|talisman|useDefault\s*=|secret[_-]?scan\w*|\btrivy\b|whispers|\bnoseyparker\b|disabledRules"#,
                r#"(?i)(?:allow_?list\w*|allowed|exclude\w*|ignor\w*|paths(?:-ignore)?|skip\w*|disabled\w*|fileignoreconfig)["'\]]{0,3}\s*(?:[:=]|\n)[\s\S]{0,400}?(?:\.env\b|\.tfvars|\.pem\b|\.p12|id_rsa|\.npmrc|credentials|private[-_]?key|aws[-_]access|[-_]pat\b|api[-_]key|access[-_]token)[\s\S]{0,300}?(?:\.env\b|\.tfvars|\.pem\b|\.p12|id_rsa|\.npmrc|credentials|private[-_]?key|aws[-_]access|[-_]pat\b|api[-_]key|access[-_]token)"#,
            ],
            Some(r"(?i)\.env\.(?:example|sample|template)|testdata|fixtures?/"),
        ),
        row(
            &handed::BENT,
            In::Any,
            "the machine is set to mine coins for an account that the settings name",
            &[
                r#"(?i)"algo"\s*:|"coin"\s*:|\balgo\s*=|stratum\+|\bdonate-?level|"pools"\s*:|randomx|kawpow|\bethash|cryptonight|autolykos|\brx/0|max-threads-hint|\bhashrate|verushash|ghostrider"#,
                r#"\b[48][0-9AB][1-9A-HJ-NP-Za-km-z]{84,106}\b|(?i:["']?\b(?:user|wallet|address|worker|login|username|pool_?user)["']?\s*[:=]\s*["']?(?:0x[0-9a-f]{40}|bc1[a-z0-9]{30,60}|[1-9A-HJ-NP-Za-km-z]{33,95})(?:[./][\w-]{1,30})?["'\s,])|\s-u\s+["']?(?:0x[0-9a-fA-F]{40}|[1-9A-HJ-NP-Za-km-z]{33,106})(?:[./][\w-]{1,30})?["'\s]"#,
            ],
            None,
        ),
        row(
            &handed::BENT,
            In::File,
            "a house is opened while the eyes that watch it are shut",
            &[
                r#"(?i)\b(?:camera|cctv|nvr|doorbell|motion|person|intrusion|smoke|siren)\w{0,24}["']?[./:_ -]{1,3}(?:turn_?off|disable\w*|off|stop|mute|privacy|suspend)|(?:turn_?off|disable|stop|mute|pause|suspend)\w{0,12}[^\n]{0,60}\b(?:camera|cctv|nvr|doorbell|siren|recording)"#,
                r#"(?i)\block\w{0,10}[./:_ -]{1,3}(?:unlock|open)|alarm\w{0,20}[./:_ -]{1,3}(?:alarm_)?(?:disarm|off)|\b(?:garage|gate|door|cover)\w{0,12}[./:_ -]{1,3}(?:open|unlock|unlatch)\w{0,8}|set(?:Lock|Alarm)State[^\n]{0,30}(?:unlock|disarm)"#,
            ],
            Some(r"(?i)\bsmoke_alarm_triggered|fire_?alarm|emergency"),
        ),
        row(
            &handed::LAID,
            In::Any,
            "records are put where anybody can read them",
            &[
                r#"(?i)delete-public-access-block|BlockPublic\w{2,8}["']?\s*[:=]\s*["']?false|block_public_\w{2,8}\s*=\s*false|\ballUsers\b|--acl[ =]["']?public-read|--public-access[ =](?:blob|container)|\banon(?:ymous)?\s+set\s+(?:download|public)|predefined-?acl[ =]public"#,
                r#"(?i)\b(?:sync|cp|put|upload\w*|mirror|copy|mv|rsync)\b[^\n]{0,80}\b(?:logs?|dumps?|exports?|backups?|customers?|users?|records?|invoices?|mails?|private|db|database|tickets?|crm|audit|traces?|reports?|uploads|statements?|payroll|hr|contracts?)\b"#,
            ],
            Some(r"(?i)\bwebsite\b|index\.html|cloudfront|static[- ]site|--website"),
        ),
        row(
            &handed::RIGHTS,
            In::File,
            "whoever reaches the cluster gets all rights to it",
            &[
                r#"(?i)cluster-admin[\s\S]{0,600}?system:(?:unauthenticated|anonymous)|system:(?:unauthenticated|anonymous)[\s\S]{0,600}?(?:cluster-admin|["']?(?:verbs|resources)["']?\s*:\s*\[?\s*["']\*)"#,
            ],
            None,
        ),
        row(
            &handed::RIGHTS,
            In::File,
            "an account with a password that stands there may act as root",
            &[
                r#"(?i)(?:pass\w{0,8}|passwd|crypted|hash\w{0,12}|--iscrypted|-p|-e)["']?\s{0,3}[:= ]\s{0,3}["']?(?:\S{1,20}:)?\$(?:1|5|6|y|7|2[aby])\$(?:rounds=\d{1,7}\$)?[./A-Za-z0-9]{1,30}\$[./A-Za-z0-9]{0,4}[A-Za-z0-9][./A-Za-z0-9]{16,}"#,
                r#"(?i)NOPASSWD|\bsudo\b|\bwheel\b|\bsudoers|\badmin(?:istrators)?\b|--groups?[= ]"#,
            ],
            None,
        ),
        row(
            &rules::FETCHED_RUNS,
            In::File,
            "the database starts a program that fetches or writes one",
            &[
                r#"(?i)\b(?:TO|FROM)\s+PROGRAM\s*\(?\s*[\$'"][^;]{0,200}(?:curl|wget|\bnc\b|/dev/tcp|https?:|\bsh\b|python|base64)|\bsys_(?:exec|eval)\s*\(|INTO\s+(?:OUT|DUMP)FILE\s+'[^']{0,80}(?:\.(?:php|jsp|aspx|so|dll|service)|cron)|xp_cmdshell[^\n]{0,120}(?:curl|certutil|powershell|bitsadmin|https?:)|sp_OACreate[^\n]{0,80}(?:wscript|xmlhttp)|DBMS_SCHEDULER[\s\S]{0,200}?EXECUTABLE|load_extension\s*\(\s*['"](?:/tmp|https?:|\.\./)|\bMODULE\s+LOAD\s+/(?:tmp|var/tmp|dev/shm)|CREATE\s+FUNCTION[\s\S]{0,200}?SONAME|LANGUAGE\s+(?:plpython3?u|plperlu|plsh)\b"#,
            ],
            Some(r"(?i)pg_restore|gunzip\s+-c\s+/backup"),
        ),
        row(
            &handed::SOURCE,
            In::Any,
            "well-known programs come from somebody's own list",
            &[
                r#"(?i)\bbrew\s+(?:install\s+)?["']?[\w-]{2,40}/[\w-]{2,40}/(?:openssl(?:@\d)?|git|curl|wget|python(?:@[\d.]+)?|node(?:@\d+)?|bash|zsh|gnupg|openssh|coreutils|jq|go|rust)\b"#,
            ],
            None,
        ),
    ]
});

pub(super) fn look(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    for row in ROWS.iter() {
        let path = report.program.path;
        let fits = match row.place {
            In::Any => true,
            In::File => !report.program.prose,
            In::Product => {
                !report.program.prose
                    && ["assets/", "templates/", "template/", "boilerplate/", "starter/", "src/"]
                        .iter()
                        .any(|folder| path.contains(folder))
            }
        };
        if !fits {
            continue;
        }
        let mut at = None;
        let all = row.signs.iter().all(|sign| match sign.find(text) {
            Some(found) => {
                at.get_or_insert(found.start());
                true
            }
            None => false,
        });
        let Some(at) = at.filter(|_| all) else { continue };
        if row.unless.as_ref().is_some_and(|unless| unless.is_match(text)) {
            continue;
        }
        // A package about attacks shows them.
        let (severity, sure) = match report.profile.security {
            true => (Severity::Medium, Low),
            false => (High, Medium),
        };
        report.say(row.rule, severity, sure, at, row.message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_patterns() {
        for row in ROWS.iter() {
            for sign in row.signs.iter().chain(&row.unless) {
                assert!(!sign.is_match("a text of nothing, with no sign in it"), "{}", row.message);
            }
        }
    }
}

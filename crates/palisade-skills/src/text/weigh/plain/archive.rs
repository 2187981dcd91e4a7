//! An archive that only its password opens, of somebody's, which is unpacked and started before the work: the password
//! keeps scanners out.

use std::sync::LazyLock;

use super::{super::super::rules, Here, Told};
use crate::pattern::{Regex, pattern};

static ARCHIVE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)https?://[^\s)\x22'`<>]{3,160}\.(?:zip|rar|7z|tar(?:\.\w{2,4})?|tgz|dmg|iso|img)\b",
    )
});
static PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:password|passphrase|passcode|kennwort|passwort|mot de passe|contraseña|clave|senha|hasło|wachtwoord|salasana|lösenord|şifre|parola|kata sandi|mật khẩu|heslo)\b|парол\w*|密码|密碼|口令|パスワード|비밀번호|암호|كلمة (?:ال)?(?:مرور|سر)",
    )
});
static STARTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:run|start|launch|execute|install|open|double-click|setup)\b|\b(?:starte\w*|ausführ\w*|führe|installier\w*|öffne\w*)\b|\b(?:lance\w*|exécut\w*|install\w*|ouvr\w*)\b|\b(?:ejecut\w*|inici\w*|instal\w*|abr\w*)\b|\b(?:esegu\w*|avvi\w*|installa\w*|apri\w*)\b|\b(?:execut\w*|inici\w*|abr\w*)\b|\b(?:uruchom\w*|zainstaluj|start\w*|voer)\b|(?:запусти|установи|выполни|откро)\w*|(?:运行|启动|执行|安装|打开|双击)|(?:実行|起動|インストール|開く|開い)|(?:실행|설치|열)|çalıştır\w*|jalankan|chạy",
    )
});
/// Whose password it is, or that the user is asked for it.
static OWN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:ask|user's|your own|from the user|prompt for|data ?set|sample|malware)\b|\bfrag\w*|\bdemand\w*|\bpide\b|спрос|询问|尋ね|물어",
    )
});

pub(super) fn told(here: &Here<'_>) -> Option<Told> {
    (ARCHIVE.is_match(here.text)
        && here.is_outside(here.text)
        && PASSWORD.is_match(here.around)
        && STARTED.is_match(here.around)
        && !OWN.is_match(here.around))
    .then_some((
        &rules::PREREQUISITE_TRAP,
        "an archive that only its password opens is unpacked and started",
    ))
}

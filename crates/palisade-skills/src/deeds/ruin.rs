//! Programs that destroy what the user has.

use std::sync::LazyLock;

use super::{Report, rules};
use crate::{
    Confidence::{High, Low, Medium},
    Severity,
    pattern::{Regex, code as pattern},
};

/// All below the home folder, or a folder of the user's own files, is gone through.
static WIDE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:walk|rglob|glob|iglob|scandir|iterdir|listdir|readdir\w*|Dir\.(?:glob|children|each_child)|Find\.find|filepath\.Walk\w*|WalkDir(?:::new)?|opendir|File::Find|Files\.walk|Directory\.\w+|Get-ChildItem|gci|dir|find|fd)\b[^\n]{0,80}(?:expanduser\(\s*["']~/?(?:Documents|Desktop|Pictures|Downloads)?["']|Path\.home\(\)|homedir\(\)|Dir\.home|UserHomeDir|\$\{?HOME\}?(?:["'\s/]|$)|~(?:["'\s/]|$)|USERPROFILE|\$\{?ENV\{HOME\}|home_dir\(\)|user\.home|/home\b|/Users\b|\bhome\b|MyDocuments|Documents\b|Desktop\b|Pictures\b|\$DOCS|\broot\b)"#,
    )
});

/// Files go or lose what is in them.
static DESTROYS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)os\.(?:remove|unlink)|\.unlink\(|shutil\.rmtree|\brm(?:dir)?Sync\(|fs\.(?:rm|unlink|rmdir|truncate)|unlinkSync|Remove-Item|\bshred\b|-delete\b|\bwipe\b|urandom|randomBytes|truncate|FileUtils\.rm|File\.(?:delete|unlink)|os\.RemoveAll|os\.Remove\(|remove_dir_all|remove_file|-exec\s+rm\b|xargs[^\n]{0,12}\brm\b|\bdel\s+/|\brd\s+/s|\bunlink\b|Files\.delete|\.delete\(\)"#,
    )
});

/// What becomes unreadable: a cipher over files.
static ENCRYPTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)createCipheriv|Fernet\(|AES\.new|\bAESGCM\b|ChaCha20|openssl\s+enc\b|\bgpg\b[^\n]{0,40}(?:-c\b|--symmetric|-e\b|--encrypt)|\bage\s+-[re]|CipherMode|CreateEncryptor|\bcipher\.|NewGCM|NewCTR|aes\.NewCipher|7z\s+a\b[^\n]{0,60}-p|zip\s[^\n]{0,20}-P\s|SecretBox|libsodium|secretbox"#,
    )
});

/// A price for the key.
static RANSOM: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:bitcoin|btc|monero|xmr|usdt|ethereum|decrypt\w*|recover|restore)\b[^\n]{0,120}\b(?:pay|send|transfer|contact|wallet|address)\b|\b(?:pay|send)\b[^\n]{0,60}\b(?:btc|bitcoin|xmr|monero|usdt|eth)\b|\.(?:locked|encrypted|crypt|enc)\b",
    )
});

/// Copies from which a system is recovered.
static RECOVERY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)vssadmin(?:\.exe)?\s+delete\s+shadows|wbadmin\s+delete|bcdedit\b[^\n]{0,60}recoveryenabled\s+no|wmic\s+shadowcopy\s+delete|Win32_ShadowCopy[^\n]{0,60}(?:Delete|Remove)|tmutil\s+disable|btrfs\s+subvolume\s+delete[^\n]{0,40}snapshots|zfs\s+destroy\s+-r",
    )
});

/// Work for a pool that pays whoever is named.
static MINES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)stratum\+(?:tcp|ssl|tls)://|\bxmrig\b|--cpu-max-threads-hint|--donate-level|\b(?:minerd|cpuminer|t-rex|lolminer|nbminer)\b[^\n]{0,80}\s-o\s",
    )
});

/// What anybody may delete.
static LEFTOVERS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)cache|node_modules|__pycache__|\.pyc|\.ds_store|\btmp\b|temp\b|trash|dry.?run|\.log\b|duplicate|DerivedData|target/|\bdist\b|\bbuild\b|-mtime|-atime|older|confirm|input\(|read -[rp]|readline|-empty|prompt",
    )
});

pub(super) fn look(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    if let Some(found) = RECOVERY.find(text) {
        let message = "copies from which the system is recovered are deleted";
        report.say(&rules::RECOVERY, Severity::High, High, found.start(), message);
    }
    if let Some(mines) = MINES.find(text)
        && !report.program.prose
        && !["mining", "miner", "miners", "hashrate", "xmrig", "pool"]
            .iter()
            .any(|word| report.profile.words.contains(*word))
    {
        let message = "the machine computes for a pool of somebody's";
        report.say(&crate::code::rules::MINER, Severity::High, Medium, mines.start(), message);
    }
    let Some(wide) = WIDE.find(text) else { return };
    let careful = LEFTOVERS.is_match(text);
    if ENCRYPTS.is_match(text) && DESTROYS.is_match(text) && RANSOM.is_match(text) {
        let message = "the user's files are encrypted and the originals go";
        report.say(&rules::RUINS, Severity::High, High, wide.start(), message);
        return;
    }
    static RANDOM: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"token_bytes|urandom|randomBytes|getrandbits|RNGCrypto"));
    static PAPERS: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?i)\.(?:docx?|xlsx?|pptx?|pdf|jpe?g|odt|pst|sqlite|kdbx)\b"));
    if let Some(random) = RANDOM.find(text)
        && PAPERS.is_match(text)
        && (text.contains("write") || text.contains("fwrite"))
    {
        let message = "documents found by a search are overwritten with noise";
        report.say(&rules::RUINS, Severity::High, Medium, random.start(), message);
        return;
    }
    let Some(destroys) = DESTROYS.find(text) else { return };
    let (severity, sure) = match careful {
        true => (Severity::Low, Low),
        false => (Severity::High, Medium),
    };
    let message = "files found by a search through the user's folders are overwritten or deleted";
    report.say(&rules::RUINS, severity, sure, destroys.start(), message);
}

//! What programs leave behind: parts that start by themselves and call out, keys, traps, switched-off guards.

use std::sync::LazyLock;

use super::{Report, fetched, outward, rules};
use crate::{
    Confidence::{High, Low, Medium},
    Severity,
    pattern::{Regex, code as pattern},
};

/// Where something starts by itself from now on.
static STARTS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)systemd/(?:user|system)|systemctl[^\n]{0,40}enable|\bcrontab\b|/etc/cron|LaunchAgents|LaunchDaemons|launchctl\s+(?:load|bootstrap)|\.config/autostart|Start Menu[^\n]{0,30}Startup|\bStartup\b[^\n]{0,20}\.lnk|CurrentVersion\\{1,2}Run|schtasks[^\n]{0,40}/create|Register-ScheduledTask|New-ScheduledTask|>>\s*["']?[^\n]{0,40}\.(?:bashrc|zshrc|profile|bash_profile|zprofile|zshenv)|\.(?:bashrc|zshrc|profile|bash_profile|zprofile|zshenv)\b[^\n]{0,60}(?:append|write|>>|["']a["']|Append)|\$PROFILE|core\.hooksPath|\.git/hooks|\.husky|init\.templateDir|site-?packages[^\n]{0,80}\.pth|getsitepackages|sitecustomize|usercustomize|LD_PRELOAD|ld\.so\.preload|DYLD_INSERT|PROMPT_COMMAND|BASH_ENV|\.vimrc|\.config/nvim|\.emacs|RunAtLoad|OnBootSec|OnCalendar|WMI[^\n]{0,40}EventFilter|InprocServer32|Image File Execution Options"#,
    )
});

/// A key that may log in, which the program brings.
static LOGIN_KEY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-\S{1,20}|sk-ssh-\S{1,30})\s+AAAA[A-Za-z0-9+/=]{12,}",
    )
});

/// The file in which keys that may log in stand, as something is written to it.
static AUTHORIZED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:>>|\btee\b|append|write|open\(|["']a["']|Add-Content|AppendAll|puts|echo)[\x00-\xff]{0,600}authorized_keys|AuthorizedKeysFile|TrustedUserCAKeys|authorized_keys[\x00-\xff]{0,300}(?:>>|\btee\b|append|write|open\(|["']a["']|Add-Content|AppendAll)"#,
    )
});

/// The password of the machine is asked for.
static PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:^|\n)\s*(?:function\s+)?sudo\s*\(\s*\)|alias\s+(?:sudo|su|ssh|passwd)=|sudo\s+-S\b|password\s+for\s|with\s+hidden\s+answer|(?:system|login|mac|windows|keychain|administrator|admin|sudo|user)\s+password|PromptForCredential|Get-Credential|dscl\s+\S{0,4}\s*-?authonly|osascript[^\n]{0,200}password|zenity\s+--password|kdialog\s+--password"#,
    )
});

static ASKS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bread\s+-\w*s|getpass|-AsSecureString|stty\s+-echo|hidden\s+answer|PromptForCredential|Get-Credential|--password\b|display\s+dialog|readline|prompt\(|term\.ReadPassword|IO\.console\.getpass|noecho",
    )
});

/// Settings that make agents and editors ask, by their names and the value that switches asking off.
static GUARDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)defaultMode["'\]]{0,3}\s*[:=,]\s*["'](?:bypassPermissions|dontAsk)|skipDangerousModePermissionPrompt["'\]]{0,3}\s*[:=,]\s*(?:true|1)|chat\.tools\.(?:global\.)?autoApprove["'\]]{0,3}\s*[:=,]\s*true|approval_?policy["'\]]{0,3}\s*[:=,]\s*["']never|sandbox_?mode["'\]]{0,3}\s*[:=,]\s*["']danger-full-access|disableAllHooks["'\]]{0,3}\s*[:=,]\s*(?:true|1)|workspace\.trust\.enabled["'\]]{0,3}\s*[:=,]\s*false|allowAutomaticTasks["'\]]{0,3}\s*[:=,]\s*["']?on|enableAllProjectMcpServers["'\]]{0,3}\s*[:=,]\s*(?:true|1)|bypassPermissionsModeAccepted["'\]]{0,3}\s*[:=,]\s*(?:true|1)|dangerously(?:Skip|Disable)\w+["'\]]{0,3}\s*[:=,]\s*(?:true|1)|approvalMode["'\]]{0,3}\s*[:=,]\s*["']yolo|sandbox["'\]]{0,3}\s*[:=,]\s*\{?\s*["']?enabled["'\]]{0,3}\s*[:=,]\s*false|hasTrustDialogAccepted["'\]]{0,3}\s*[:=,]\s*(?:true|1)|exec-?approvals[^\n]{0,60}(?:allow-?all|\*)|tools\.exec\.(?:ask|security)["'\]]{0,3}\s*[:=,]?\s*["']?(?:off|full)"#,
    )
});

static WRITES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)writeFile|write_text|\.write\(|json\.dump|>\s*["'~$./]|>>|\btee\b|Set-Content|Out-File|File\.write|os\.WriteFile|\bcp\b|copy|\bjq\b|sed\s+-i|\bconfig\s+set\b|settings|fs\.promises|merge\("#,
    )
});

/// What is put on the clipboard fetches and runs.
static PASTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:Set-Clipboard|\bclip\b)[^\n]{0,200}(?:curl|iwr|irm|mshta|powershell|wget)|(?:curl|wget|base64|osascript)[^\n]{0,200}\|\s*(?:pbcopy|xclip|wl-copy|clip(?:\.exe)?)|(?:pyperclip\.copy|clipboard\.writeText|writeText)\([^\n]{0,200}(?:curl|iwr|irm|mshta|powershell|wget)"#,
    )
});

pub(super) fn look(report: &mut Report<'_>) {
    let text = report.program.text.as_str();
    if let Some(pasted) = PASTED.find(text)
        && (text.contains("sh") || text.contains("cmd") || text.contains("iex"))
    {
        let message = "a command that fetches and runs is put on the clipboard";
        report.say(&rules::PASTE_TRAP, Severity::High, Medium, pasted.start(), message);
    }
    // `AAAA…`: the rest is for the user to fill in.
    let whole = |key: &regex_automata::Match| {
        let rest = text.get(key.end()..).unwrap_or_default();
        !rest.starts_with("..") && !rest.starts_with('…')
    };
    if let Some(key) = LOGIN_KEY.find_iter(text).take(32).find(whole)
        && AUTHORIZED.is_match(text)
        && (!report.program.prose || text.contains(">>") || text.contains("tee -a"))
    {
        let message = "a key that the program brings may log in from now on";
        report.say(&rules::LOGIN_KEY, Severity::Critical, High, key.start(), message);
    }
    // A file of settings is copied as it stands.
    let settings = !report.program.prose
        && ["settings.json", "config.toml", "settings.local.json", "openclaw.json"]
            .iter()
            .any(|name| report.program.path.ends_with(name));
    if let Some(guard) = GUARDS.find(text)
        && (settings || WRITES.is_match(text))
    {
        let message = "a setting that makes the agent or the editor ask is switched off";
        report.say(&rules::GUARDS_OFF, Severity::High, Medium, guard.start(), message);
    }
    let Some(stranger) = outward::stranger(report.program, report.profile) else { return };
    if let Some(password) = PASSWORD.find(text)
        && ASKS.is_match(text)
        && stranger.sends
    {
        let message =
            format!("it asks for the password of the machine and talks to {}", stranger.shown());
        report.say(&rules::PASSWORD_ASKED, Severity::High, Medium, password.start(), message);
    }
    if let Some(starts) = STARTS.find(text) {
        let grave = stranger.sends || stranger.anyones || fetched::fetches_and_runs(text);
        let (severity, sure) =
            if grave { (Severity::High, Medium) } else { (Severity::Medium, Low) };
        let message = format!("it starts by itself from now on, and talks to {}", stranger.shown());
        report.say(&rules::STAYS_AND_CALLS, severity, sure, starts.start(), message);
    }
}

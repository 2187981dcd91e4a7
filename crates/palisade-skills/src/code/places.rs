//! What is known of a file by its path alone.

use crate::Secret;

/// Brings a path to one form: `~` for the home folder, `/` between the parts, no `./`.
pub(crate) fn normal(path: &str) -> String {
    let path = path.trim().trim_matches('"').replace('\\', "/");
    let path = path.replace("//", "/");
    for home in [
        "$HOME/",
        "${HOME}/",
        "%USERPROFILE%/",
        "$env:USERPROFILE/",
        "$env:HOME/",
        "%HOME%/",
        "file:///",
        "/Users/\u{fffc}/",
        "/home/\u{fffc}/",
    ] {
        if let Some(rest) = path.strip_prefix(home) {
            let home = if home == "file:///" { "/" } else { "~/" };
            return format!("{home}{rest}");
        }
    }
    for root in ["/root/", "/Users/", "/home/", "C:/Users/"] {
        if let Some(rest) = path.strip_prefix(root) {
            return match root {
                "/root/" => format!("~/{rest}"),
                _ => match rest.split_once('/') {
                    Some((_, rest)) => format!("~/{rest}"),
                    None => "~".to_owned(),
                },
            };
        }
    }
    path.strip_prefix("./").unwrap_or(&path).to_owned()
}

/// The secret that a file of this normal path holds.
pub(crate) fn secret(path: &str) -> Option<Secret> {
    let path = normal(path);
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or_default();
    if name.ends_with(".pub")
        || name.ends_with(".example")
        || name.ends_with(".sample")
        || name.ends_with(".template")
        || name.ends_with(".md")
        || name == "known_hosts"
        || matches!(name, "history" | "bookmarks" | "favicons" | "places.sqlite" | "preferences")
        || lower.ends_with(".ssh/config")
    {
        return None;
    }
    for (part, secret) in PARTS {
        if lower.contains(part) {
            return Some(*secret);
        }
    }
    // The folder itself, all of it.
    for (folder, secret) in FOLDERS {
        let (bare, inside) = (format!("/{folder}"), format!("/{folder}/*"));
        if lower == *folder
            || lower.ends_with(&bare)
            || lower.ends_with(&inside)
            || lower.ends_with(&format!("{bare}/"))
        {
            return Some(*secret);
        }
    }
    if name == ".env" || name.starts_with(".env.") || lower.ends_with("/environ") {
        return Some(Secret::EnvFile);
    }
    None
}

/// Parts of paths, the most telling first.
const PARTS: &[(&str, Secret)] = &[
    (".ssh/id_", Secret::PrivateKey),
    ("id_rsa", Secret::PrivateKey),
    ("id_ed25519", Secret::PrivateKey),
    ("id_ecdsa", Secret::PrivateKey),
    (".ssh/\u{fffc}", Secret::PrivateKey),
    (".ssh/*", Secret::PrivateKey),
    (".gnupg/", Secret::PrivateKey),
    ("secring.gpg", Secret::PrivateKey),
    (".aws/credentials", Secret::ServiceToken),
    (".aws/config", Secret::ServiceToken),
    (".aws/sso", Secret::ServiceToken),
    (".config/gcloud", Secret::ServiceToken),
    ("gcloud/application_default", Secret::ServiceToken),
    (".azure/", Secret::ServiceToken),
    (".kube/config", Secret::ServiceToken),
    (".docker/config.json", Secret::ServiceToken),
    (".npmrc", Secret::ServiceToken),
    (".yarnrc.yml", Secret::ServiceToken),
    (".pypirc", Secret::ServiceToken),
    (".cargo/credentials", Secret::ServiceToken),
    (".gem/credentials", Secret::ServiceToken),
    (".git-credentials", Secret::ServiceToken),
    (".netrc", Secret::ServiceToken),
    ("_netrc", Secret::ServiceToken),
    (".config/gh/hosts.yml", Secret::ServiceToken),
    (".config/gh", Secret::ServiceToken),
    (".config/hub", Secret::ServiceToken),
    (".config/rclone", Secret::ServiceToken),
    (".config/doctl", Secret::ServiceToken),
    (".config/op/", Secret::ServiceToken),
    (".terraform.d/credentials", Secret::ServiceToken),
    (".vault-token", Secret::ServiceToken),
    (".pgpass", Secret::ServiceToken),
    (".my.cnf", Secret::ServiceToken),
    (".config/stripe", Secret::ServiceToken),
    (".databrickscfg", Secret::ServiceToken),
    (".cache/huggingface/token", Secret::ServiceToken),
    (".huggingface/token", Secret::ServiceToken),
    ("kubernetes.io/serviceaccount/token", Secret::ServiceToken),
    ("/etc/shadow", Secret::Keychain),
    ("/proc/self/environ", Secret::EnvFile),
    ("login data", Secret::Browser),
    ("logins.json", Secret::Browser),
    ("key4.db", Secret::Browser),
    ("cookies.sqlite", Secret::Browser),
    ("default/cookies", Secret::Browser),
    ("network/cookies", Secret::Browser),
    ("google/chrome/user data", Secret::Browser),
    ("google/chrome/default", Secret::Browser),
    ("application support/google/chrome", Secret::Browser),
    (".config/google-chrome", Secret::Browser),
    (".config/chromium", Secret::Browser),
    (".mozilla/firefox", Secret::Browser),
    ("firefox/profiles", Secret::Browser),
    ("bravesoftware", Secret::Browser),
    ("microsoft/edge/user data", Secret::Browser),
    ("local storage/leveldb", Secret::Browser),
    ("library/cookies", Secret::Browser),
    ("login.keychain", Secret::Keychain),
    ("library/keychains", Secret::Keychain),
    (".local/share/keyrings", Secret::Keychain),
    ("microsoft/credentials", Secret::Keychain),
    ("microsoft/protect", Secret::Keychain),
    (".password-store", Secret::Keychain),
    (".config/bitwarden", Secret::Keychain),
    ("application support/bitwarden", Secret::Keychain),
    ("application support/1password", Secret::Keychain),
    (".kdbx", Secret::Keychain),
    ("wallet.dat", Secret::Wallet),
    (".ethereum/keystore", Secret::Wallet),
    (".config/solana", Secret::Wallet),
    ("solana/id.json", Secret::Wallet),
    (".bitcoin", Secret::Wallet),
    (".electrum", Secret::Wallet),
    ("electrum/wallets", Secret::Wallet),
    ("exodus.wallet", Secret::Wallet),
    ("application support/exodus", Secret::Wallet),
    (".config/exodus", Secret::Wallet),
    ("roaming/exodus", Secret::Wallet),
    ("atomic/local storage", Secret::Wallet),
    ("nkbihfbeogaeaoehlefnkodbefgpgknn", Secret::Wallet),
    ("bfnaelmomeimhlpmgjnjophhpkkoljpa", Secret::Wallet),
    ("metamask", Secret::Wallet),
    ("ledger live", Secret::Wallet),
    (".foundry/keystores", Secret::Wallet),
    (".near-credentials", Secret::Wallet),
    (".sui/sui_config", Secret::Wallet),
    (".aptos/config", Secret::Wallet),
    ("monero/wallets", Secret::Wallet),
    ("seed.txt", Secret::Wallet),
    ("mnemonic", Secret::Wallet),
    (".claude/.credentials", Secret::Agent),
    (".claude.json", Secret::Agent),
    (".codex/auth.json", Secret::Agent),
    (".gemini/oauth_creds", Secret::Agent),
    (".openclaw/openclaw.json", Secret::Agent),
    (".openclaw/credentials", Secret::Agent),
    (".openclaw/.env", Secret::Agent),
    (".clawdbot/clawdbot.json", Secret::Agent),
    (".clawdbot/credentials", Secret::Agent),
    (".moltbot/", Secret::Agent),
    ("auth-profiles.json", Secret::Agent),
    (".config/github-copilot", Secret::Agent),
    (".cursor/mcp.json", Secret::Agent),
    ("cursor/user/globalstorage", Secret::Agent),
    ("claude_desktop_config.json", Secret::Agent),
    (".continue/config", Secret::Agent),
    (".openclaw/identity", Secret::Agent),
    (".local/share/opencode/auth.json", Secret::Agent),
];

const FOLDERS: &[(&str, Secret)] = &[
    (".ssh", Secret::PrivateKey),
    (".gnupg", Secret::PrivateKey),
    (".aws", Secret::ServiceToken),
    (".kube", Secret::ServiceToken),
    (".azure", Secret::ServiceToken),
    (".docker", Secret::ServiceToken),
    (".openclaw", Secret::Agent),
    (".clawdbot", Secret::Agent),
    (".claude", Secret::Agent),
    (".codex", Secret::Agent),
    (".bitcoin", Secret::Wallet),
];

/// Does the path hold what user and agent said, or what the agent remembers?
pub(crate) fn is_conversation(path: &str) -> bool {
    let lower = normal(path).to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or_default();
    (lower.contains(".claude/projects") || lower.contains(".claude/history"))
        || (lower.contains(".openclaw/") || lower.contains(".clawdbot/"))
            && (lower.contains("sessions")
                || lower.contains("memory")
                || lower.contains("workspace"))
        || lower.contains(".codex/sessions")
        || lower.contains("history.jsonl")
        || matches!(name, "memory.md" | "soul.md" | "user.md" | "identity.md" | "heartbeat.md")
        || matches!(name, ".bash_history" | ".zsh_history" | ".python_history" | ".psql_history")
        || lower.contains("consolehost_history")
        || lower.contains("library/messages/chat.db")
}

/// A place from which something acts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Start files of shells.
    ShellStart,
    /// Timers, services, start folders.
    Start,
    /// Hooks of a repository.
    GitHook,
    /// Settings, hooks and server lists of an agent.
    AgentSettings,
    /// Memory and instruction files of an agent, its skills.
    AgentMemory,
    /// Keys that may log in.
    AuthorizedKeys,
    /// Import hooks of Python, preloads, the like.
    Preload,
    /// Names of hosts, trust, rights of the system.
    System,
    /// Settings of package managers and tools that say where to fetch from.
    ToolSettings,
    /// Tasks of an editor.
    Editor,
}

/// Where something that is written acts again, if it does.
pub(crate) fn standing(path: &str) -> Option<Standing> {
    let path = normal(path);
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or_default();
    let has = |part: &str| lower.contains(part);
    if has(".ssh/authorized_keys") {
        return Some(Standing::AuthorizedKeys);
    }
    if matches!(
        name,
        ".bashrc"
            | ".zshrc"
            | ".profile"
            | ".bash_profile"
            | ".zprofile"
            | ".zshenv"
            | ".zlogin"
            | ".bash_login"
            | ".bash_logout"
            | "config.fish"
            | ".kshrc"
            | ".cshrc"
            | ".xinitrc"
            | ".xprofile"
            | "microsoft.powershell_profile.ps1"
    ) || has("/etc/profile")
        || has("$profile")
        || has("/etc/bash.bashrc")
    {
        return Some(Standing::ShellStart);
    }
    if has("launchagents/")
        || has("launchdaemons/")
        || has("/etc/cron")
        || has("/var/spool/cron")
        || has("systemd/system/")
        || has("systemd/user/")
        || has(".config/autostart")
        || has("start menu/programs/startup")
        || has("/etc/init.d/")
        || has("/etc/rc.local")
        || has("currentversion/run")
    {
        return Some(Standing::Start);
    }
    if has(".git/hooks/") || has(".husky/") || has("git-templates/hooks") {
        return Some(Standing::GitHook);
    }
    if has(".claude/settings")
        || has(".claude.json")
        || has(".mcp.json")
        || has("claude_desktop_config")
        || has(".openclaw/openclaw.json")
        || has(".openclaw/exec-approvals")
        || has(".clawdbot/clawdbot.json")
        || has(".codex/config.toml")
        || has(".gemini/settings.json")
        || has(".cursor/mcp.json")
        || has("hooks/hooks.json")
        || has(".claude/hooks/")
        || has(".cursor/hooks.json")
        || has(".codex/hooks")
        || has(".openclaw/hooks")
    {
        return Some(Standing::AgentSettings);
    }
    if matches!(
        name,
        "claude.md"
            | "agents.md"
            | "gemini.md"
            | "soul.md"
            | "memory.md"
            | ".cursorrules"
            | "heartbeat.md"
            | ".windsurfrules"
            | "copilot-instructions.md"
            | "claude.local.md"
            | "bootstrap.md"
    ) || has(".cursor/rules/")
        || has(".claude/skills/")
        || has(".claude/commands/")
        || has(".claude/agents/")
        || has(".openclaw/skills/")
        || has(".agents/skills/")
        || has(".codex/skills/")
        || has(".openclaw/workspace/")
    {
        return Some(Standing::AgentMemory);
    }
    if has("site-packages/") && (name.ends_with(".pth") || name.contains("customize"))
        || name == "sitecustomize.py"
        || name == "usercustomize.py"
        || has("/etc/ld.so.preload")
    {
        return Some(Standing::Preload);
    }
    if lower == "/etc/hosts"
        || has("/etc/sudoers")
        || has("drivers/etc/hosts")
        || lower == "/etc/passwd"
        || lower == "/etc/resolv.conf"
    {
        return Some(Standing::System);
    }
    if matches!(
        name,
        ".npmrc"
            | "pip.conf"
            | "pip.ini"
            | ".yarnrc"
            | ".yarnrc.yml"
            | ".gitconfig"
            | ".condarc"
            | "uv.toml"
    ) || has(".cargo/config")
        || has("bundle/config")
        || has(".docker/config.json")
    {
        return Some(Standing::ToolSettings);
    }
    if has(".vscode/tasks.json") || has(".vscode/settings.json") || has(".idea/workspace.xml") {
        return Some(Standing::Editor);
    }
    None
}

/// Is it the home folder, the root, a disk: something that nobody deletes for a skill?
pub(crate) fn is_broad(path: &str) -> bool {
    let path = normal(path);
    let trimmed = path.trim_end_matches(['*', '/', '.']);
    matches!(
        trimmed,
        "" | "~"
            | "$HOME"
            | "${HOME}"
            | "/home"
            | "/Users"
            | "/etc"
            | "/usr"
            | "/var"
            | "/boot"
            | "/bin"
            | "/lib"
            | "/opt"
            | "C:"
            | "C:/Windows"
            | "C:/Users"
            | "%USERPROFILE%"
            | "$env:USERPROFILE"
            | "~/Documents"
            | "~/Desktop"
            | "~/Pictures"
            | "~/Downloads"
            | "~/.ssh"
            | "~/Library"
            | "~/.config"
            | "/root"
            | "~/.aws"
    ) && (path.starts_with(['/', '~', '$', '%', 'C']))
        && path != "."
}

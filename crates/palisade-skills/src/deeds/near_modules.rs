//! Modules of Go and gems of Ruby whose names are a slip away from well-known ones.

use std::sync::LazyLock;

use super::templates::is_near;
use crate::{
    Confidence::Medium,
    FileKind, Package, Seen,
    Severity::High,
    pattern::{Regex, code},
};

const MODULES: &[&str] = &[
    "gin-gonic/gin",
    "sirupsen/logrus",
    "spf13/viper",
    "spf13/cobra",
    "spf13/pflag",
    "gorilla/mux",
    "gorilla/websocket",
    "stretchr/testify",
    "labstack/echo",
    "gofiber/fiber",
    "go-chi/chi",
    "jmoiron/sqlx",
    "golang-jwt/jwt",
    "google/uuid",
    "pkg/errors",
    "rs/zerolog",
    "uber-go/zap",
    "prometheus/client_golang",
    "redis/go-redis",
    "go-redis/redis",
    "jackc/pgx",
    "lib/pq",
    "go-sql-driver/mysql",
    "mattn/go-sqlite3",
    "joho/godotenv",
    "fatih/color",
    "urfave/cli",
    "valyala/fasthttp",
    "shopspring/decimal",
    "hashicorp/vault",
    "aws/aws-sdk-go",
    "kubernetes/client-go",
    "grpc/grpc-go",
    "golang/protobuf",
    "boltdb/bolt",
    "nats-io/nats.go",
    "segmentio/kafka-go",
    "go-playground/validator",
    "charmbracelet/bubbletea",
    "olekukonko/tablewriter",
];
const GEMS: &[&str] = &[
    "rails",
    "devise",
    "sidekiq",
    "puma",
    "rspec",
    "rspec-rails",
    "nokogiri",
    "faraday",
    "httparty",
    "sinatra",
    "activerecord",
    "activesupport",
    "bootsnap",
    "capybara",
    "factory_bot",
    "factory_bot_rails",
    "rubocop",
    "pundit",
    "cancancan",
    "kaminari",
    "pagy",
    "redis",
    "bcrypt",
    "omniauth",
    "carrierwave",
    "shrine",
    "paperclip",
    "jekyll",
    "bundler",
    "dotenv",
    "dotenv-rails",
    "simple_form",
    "turbo-rails",
    "stimulus-rails",
    "importmap-rails",
    "propshaft",
    "sprockets",
    "webmock",
    "vcr",
    "rest-client",
    "activeadmin",
    "friendly_id",
    "ransack",
];

static MODULE: LazyLock<Regex> =
    LazyLock::new(|| code(r"(?i)github\.com/([a-z0-9][\w.-]{0,38}/[\w.-]{2,60})"));
static GEM: LazyLock<Regex> = LazyLock::new(|| {
    code(
        r#"(?m)^\s{0,4}gem\s+["']([a-z0-9][\w.-]{3,40})["']|\bgem\s+install\s+([a-z0-9][\w.-]{3,40})|\bbundle\s+add\s+([a-z0-9][\w.-]{3,40})"#,
    )
});

pub(super) fn look(package: &Package, seen: &mut Seen) {
    for file in &package.files {
        if file.bytes.len() > 256 << 10
            || !(file.kind == FileKind::Prose
                || file.kind.is_parsed()
                || matches!(file.kind, FileKind::Data | FileKind::Definition))
        {
            continue;
        }
        let Ok(text) = std::str::from_utf8(&file.bytes) else { continue };
        let installs =
            ["go get", "go install", "go.mod", "require"].iter().any(|word| text.contains(word))
                || file.path.ends_with("go.mod");
        let found = (installs && text.contains("github.com/"))
            .then(|| slip(text, &MODULE, MODULES))
            .flatten()
            .or_else(|| text.contains("gem").then(|| slip(text, &GEM, GEMS)).flatten());
        let Some((at, name, known)) = found else { continue };
        let before = text.get(..at).unwrap_or_default();
        let number = before.matches('\n').count();
        let line = text.lines().nth(number).unwrap_or_default();
        if crate::code::teaches(line) {
            continue;
        }
        let message =
            format!("`{}` is one slip away from `{known}`.", palisade_core::shown(name, 60));
        let number = u32::try_from(number + 1).unwrap_or(u32::MAX);
        seen.findings.push(
            super::handed::SOURCE.at(&file.path, number, 0, line, message).of(High).sure(Medium),
        );
    }
}

/// The first name that is nearly a known one.
fn slip<'a>(
    text: &'a str,
    regex: &Regex,
    known: &[&'static str],
) -> Option<(usize, &'a str, &'static str)> {
    let mut captures = regex.create_captures();
    let mut from = 0;
    for _ in 0..128 {
        regex.captures(regex_automata::Input::new(text).range(from..), &mut captures);
        let whole = captures.get_match()?;
        from = whole.end().max(from + 1);
        let Some(name) =
            (1..4).find_map(|at| captures.get_group(at)).and_then(|name| text.get(name.range()))
        else {
            continue;
        };
        let name = name.trim_end_matches(['.', ',']);
        let lower = name.to_ascii_lowercase();
        if known.contains(&lower.as_str()) {
            continue;
        }
        let close = known.iter().copied().find(|&known| {
            match (lower.split_once('/'), known.split_once('/')) {
                // Whose it is and what it is: one of them is the same.
                (Some((owner, module)), Some((whose, which))) => {
                    owner == whose && module.len() > 4 && is_near(module, which)
                        || module == which && owner.len() > 4 && is_near(owner, whose)
                }
                _ => {
                    is_near(&lower, known)
                        && !lower.trim_end_matches('s').eq(known.trim_end_matches('s'))
                }
            }
        });
        if let Some(known) = close {
            return Some((whole.start(), name, known));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::tests::stopped;
    use crate::FileKind::{Data, Prose};

    #[test]
    fn a_slip_in_a_modules_name_is_told() {
        for (path, kind, text) in [
            (
                "SKILL.md",
                Prose,
                "```bash\ngo get github.com/gin-gonik/gin github.com/spf13/viper\n```\n",
            ),
            (
                "assets/go.mod",
                Data,
                "module x\n\nrequire (\n\tgithub.com/sirupsen/logruss v1.9.0\n)\n",
            ),
            ("SKILL.md", Prose, "```ruby\ngem \"deviise\"\n```\n"),
        ] {
            assert!(stopped(path, kind, text).contains(&"config-source-of-stranger"), "{text}");
        }
        for (path, kind, text) in [
            (
                "SKILL.md",
                Prose,
                "```bash\ngo get github.com/gin-gonic/gin github.com/acme/viper\n```\n",
            ),
            ("SKILL.md", Prose, "```ruby\ngem \"devise\"\ngem \"sidekiq-cron\"\n```\n"),
        ] {
            assert!(!stopped(path, kind, text).contains(&"config-source-of-stranger"), "{text}");
        }
    }
}

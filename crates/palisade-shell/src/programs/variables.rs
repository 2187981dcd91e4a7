/// Whether a variable of this name changes which program a name means, or what programs do besides what
/// their arguments say.
///
/// What is not known to be harmless does: any program may have variables of its own. Names with small letters
/// are taken for a script's own, but for those of proxies.
pub fn changes_meaning(name: &str) -> bool {
    if name.chars().any(|c| c.is_ascii_lowercase()) {
        return name.to_ascii_lowercase().ends_with("_proxy")
            || name.starts_with("npm_config")
            || name.starts_with("BASH_FUNC");
    }
    !is_harmless_variable(name)
}

/// Whether a program that gets this variable does nothing else for it than speak another language, show other colours,
/// or say more.
pub fn is_harmless_variable(name: &str) -> bool {
    const HARMLESS: [&str; 22] = [
        "LANG",
        "LANGUAGE",
        "TZ",
        "TERM",
        "COLORTERM",
        "NO_COLOR",
        "FORCE_COLOR",
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "COLUMNS",
        "LINES",
        "CI",
        "NODE_ENV",
        "PYTHONUNBUFFERED",
        "PYTHONDONTWRITEBYTECODE",
        "RUST_BACKTRACE",
        "RUST_LOG",
        "CARGO_TERM_COLOR",
        "DEBIAN_FRONTEND",
        "NEXT_TELEMETRY_DISABLED",
        "DO_NOT_TRACK",
        "GIT_TERMINAL_PROMPT",
    ];
    HARMLESS.contains(&name) || name.starts_with("LC_")
}

/// Names that arithmetic, or the inside of `${…}`, gives a value: those before `=`, `+=`, `++` and their like.
pub(crate) fn assigned_within(text: &str) -> Vec<&str> {
    const OPERATORS: [&str; 13] =
        ["=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", "++", "--"];
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut out = Vec::new();
    let mut before = "";
    let mut rest = text;
    while let Some(start) = rest.find(part_of_name) {
        let (gap, name_on) = rest.split_at(start);
        let end = name_on.find(|c| !part_of_name(c)).unwrap_or(name_on.len());
        let (name, after) = name_on.split_at(end);
        before = if gap.trim().is_empty() { before } else { gap.trim() };
        let next = after.trim_start_matches([' ', '\t', '\n', ':', ']']);
        let assigns =
            OPERATORS.iter().any(|operator| next.starts_with(operator)) && !next.starts_with("==");
        // Behind an index it may stand anywhere.
        let indexed = next.starts_with('[') && text.contains(['=', '+', '-']);
        if assigns || indexed || before.ends_with("++") || before.ends_with("--") {
            out.push(name);
        }
        before = "";
        rest = after;
    }
    out
}

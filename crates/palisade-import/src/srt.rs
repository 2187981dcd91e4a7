//! sandbox-runtime: one file, `~/.srt-settings.json`.

use crate::{
    error::ImportError,
    note::Place,
    parts::Parts,
    read::{Format, Owner},
    sandbox::{self, Given},
};

pub(crate) fn read(parts: &mut Parts<'_>) -> Result<(), ImportError> {
    let mut docs = Vec::new();
    let usual = parts.request.home.join(".srt-settings.json");
    if parts.request.paths.is_empty() {
        docs.extend(parts.file(&usual, Format::Json, Owner::User)?);
    }
    for path in parts.request.paths.clone() {
        docs.push(parts.named(&path, Format::Json)?);
    }
    let Some(first) = docs.first() else {
        return Err(ImportError::Nothing { looked: usual.display().to_string() });
    };
    parts.extends = Some("shell");
    let whole = Place { file: first.path.display().to_string(), line: 0 };
    // There nothing is writable unless it is named.
    parts.access = Some(("ro", whole.clone()));
    parts.stricter(&whole, "reading", "there everything can be read that is not denied; here what the profile `shell` and this policy name");
    let given = Given {
        base: parts.request.project.clone(),
        untrusted: None,
        no_domains: None,
        no_reads: None,
        prefix: "",
    };
    let mut but = Vec::new();
    for doc in &docs {
        but.extend(sandbox::shown_after_all(parts, doc, &doc.root, &given)?);
    }
    for doc in &docs {
        sandbox::permits(parts, doc, &doc.root, &given)?;
    }
    for doc in &docs {
        if doc.root.at("network.allowedDomains").is_none() {
            let whole = Place { file: doc.path.display().to_string(), line: 0 };
            parts.stricter(
                &whole,
                "network.allowedDomains",
                "it is not there, which leaves the network open; here no host is reached",
            );
        }
        sandbox::refuses(parts, doc, &doc.root, &given, &but)?;
    }
    Ok(())
}

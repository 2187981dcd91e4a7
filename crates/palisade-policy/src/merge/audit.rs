//! Where events go: every document's destinations, none of which the sandbox may reach into.

use super::credentials;
use crate::{
    at::At,
    audit::{Audit, Export, Ship},
    diagnostic::Diagnostic,
    draft::{Draft, DraftExport, DraftShip, shown},
    policy::{
        Access, AwsKey, Credential, Filesystem, HeaderCredential, Network, Place, SecretSource,
    },
    real::holds,
};

/// Every destination once, with the credentials that they name.
pub(super) fn merged(drafts: &[&Draft], found: &mut Vec<Diagnostic>) -> Audit {
    let all = credentials(drafts);
    let mut audit = Audit::default();
    for draft in drafts {
        for at in &draft.audit.exports {
            let DraftExport { mut export, credential } = at.value.clone();
            // One that is not there is told elsewhere.
            let named = credential.and_then(|name| Some((all.get(name.value.as_str())?, name)));
            if let Some((credential, name)) = named {
                let wrong = match (&mut export, credential) {
                    (Export::Otlp(otlp), Some(credential)) => {
                        otlp.credential = header(credential);
                        otlp.credential.is_none()
                    }
                    (Export::Webhook(webhook), Some(credential)) if signs(credential) => {
                        webhook.from = credential.from.clone();
                        false
                    }
                    _ => true,
                };
                if wrong {
                    let what = format!("events cannot be sent with `{}`", shown(&name.value));
                    let help = match export {
                        Export::Webhook(_) => "use a credential that has `from` and nothing else",
                        _ => "use a credential with a plain `header` that does not expire",
                    };
                    found.push(draft.wrong(name.place, what, help));
                }
            }
            if !audit.exports.contains(&export) {
                audit.exports.push(export);
            }
        }
        if let Some(at) = &draft.audit.ship {
            let DraftShip { mut ship, credential } = at.value.clone();
            let named = credential.and_then(|name| Some((all.get(name.value.as_str())?, name)));
            if let (Ship::S3(s3), Some((credential, name))) = (&mut ship, named) {
                s3.credential = credential.as_ref().and_then(aws);
                if s3.credential.is_none() {
                    let what = format!("`{}` signs no requests to S3", shown(&name.value));
                    let help = "use a credential with `aws: {access_key: AKIA…}` that nothing else has: without `expose`";
                    found.push(draft.wrong(name.place, what, help));
                }
            }
            if !audit.ship.contains(&ship) {
                audit.ship.push(ship);
            }
        }
    }
    if let Some(flush) = drafts.iter().find_map(|draft| draft.audit.flush) {
        audit.flush = flush;
    }
    // The nearest comes first.
    for draft in drafts {
        for (class, at) in &draft.audit.retain {
            audit.retain.entry(class.clone()).or_insert(at.value);
        }
        audit.content |= draft.audit.content;
    }
    audit
}

/// What the agent could write, or stand in for, is no place for a record of it.
pub(super) fn kept_from_inside(
    drafts: &[&Draft],
    (files, network): (&Filesystem, &Network),
    found: &mut Vec<Diagnostic>,
) {
    let workspace = files.workspace.iter().filter(|it| it.access != Access::ReadOnly);
    let writable: Vec<_> = workspace
        .map(|workspace| &workspace.path)
        .chain(files.grants.iter().filter(|grant| grant.writable).map(|grant| &grant.path))
        .collect();
    for draft in drafts {
        for at in &draft.audit.exports {
            let export = &at.value.export;
            let place = export.place();
            if let Some(port) = export.loopback_port().filter(|port| network.expose.contains(port))
            {
                found.push(draft.wrong(
                    at.place,
                    format!("{place} is port {port} of the sandbox, which `expose` publishes"),
                    "use another port: the agent would get its own record, or answer for it",
                ));
            }
            if let Export::Ocsf(Some(path)) | Export::Journald(path) = export
                && let Some(folder) = writable.iter().find(|folder| holds(folder, path))
            {
                found.push(draft.wrong(
                    at.place,
                    format!("{place} is in {}, which the agent may write", folder.display()),
                    "name a place that no rule gives to the agent",
                ));
            }
        }
        let Some(At { value: DraftShip { ship, .. }, place: at }) = &draft.audit.ship else {
            continue;
        };
        let place = ship.place();
        if let Some(port) = ship.loopback_port().filter(|port| network.expose.contains(port)) {
            found.push(draft.wrong(
                *at,
                format!("{place} is port {port} of the sandbox, which `expose` publishes"),
                "use another port: the agent would get its own record, or answer for it",
            ));
        }
        if let Ship::Folder(path) = ship
            && let Some(folder) =
                writable.iter().find(|folder| holds(folder, path) || holds(path, folder))
        {
            let what = match holds(folder, path) {
                true => format!("{place} is in {}, which the agent may write", folder.display()),
                false => format!("{}, which the agent may write, is in {place}", folder.display()),
            };
            found.push(draft.wrong(*at, what, "name a place that no rule gives to the agent"));
        }
    }
}

fn header(credential: &Credential) -> Option<HeaderCredential> {
    let Credential { name, from, expose, certificate, .. } = credential.clone();
    match &credential.place {
        Some(Place::Header(header)) if !header.contains("base64(") && certificate.is_none() => {
            let fixed = !matches!(from, SecretSource::OAuth2(_));
            fixed.then(|| HeaderCredential {
                name,
                from,
                header: header.clone(),
                expose,
                aws: None,
                refresh: None,
            })
        }
        _ => None,
    }
}

/// One that signs for as long as a session may take, and that the agent cannot use as well.
fn aws(credential: &Credential) -> Option<HeaderCredential> {
    let Credential { name, from, expose, certificate, place, .. } = credential.clone();
    match place {
        Some(Place::Aws(key @ AwsKey::Named(_))) if expose.is_none() && certificate.is_none() => {
            let fixed = !matches!(from, SecretSource::OAuth2(_));
            fixed.then(|| HeaderCredential {
                name,
                from,
                header: String::new(),
                expose: None,
                aws: Some(key),
                refresh: None,
            })
        }
        _ => None,
    }
}

fn signs(credential: &Credential) -> bool {
    let Credential { place, certificate, expose, from, .. } = credential;
    let plain = place.is_none() && certificate.is_none() && expose.is_none();
    plain && !matches!(from, SecretSource::OAuth2(_))
}

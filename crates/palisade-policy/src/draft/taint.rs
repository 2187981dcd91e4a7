//! `taint`: what is asked once untrusted content has come in.

use palisade_core::Untrusted;
use palisade_permissions::{Permissions, Place, Settings, Written};

use super::{Check, network, shown};
use crate::{
    document::{Document, UntrustedWord},
    near::nearest,
    taint::{Taint, TaintRule, TaintedAct},
};

/// Rules of one document.
const MOST: usize = 256;

pub(super) fn check(check: &mut Check<'_>, document: &Document) -> Option<Taint> {
    let section = &document.taint.as_ref()?.value;
    check.not_empty(&section.by, "by", "all such content counts");
    let mut taint = Taint::counted(check.origin.home.clone());
    if section.by.is_given() {
        taint.by = section.by.iter().map(|at| untrusted(at.value)).collect();
    }
    for host in section.hosts.iter() {
        taint.hosts.extend(network::host(check, host));
    }
    if !taint.hosts.is_empty() {
        taint.by.insert(Untrusted::Hosts);
    }
    if let Some(more) = section.ask.get(MOST) {
        check.wrong(
            more.place,
            format!("`taint.ask` has at most {MOST} entries"),
            "say more with one, by `*`",
        );
    }
    for written in section.ask.iter() {
        let text = written.value.trim();
        if let Some(act) = TaintedAct::ALL.into_iter().find(|act| act.as_str() == text) {
            taint.acts.insert(act);
            continue;
        }
        let rule = TaintRule { text: text.to_owned(), base: check.origin.base.clone() };
        let settings = Settings {
            ask: vec![Written { text: rule.text.clone(), at: None, base: rule.base.clone() }],
            place: Place {
                workspace: check.origin.workspace_dir.clone(),
                additional: Vec::new(),
                home: Some(check.origin.home.clone()),
            },
            ..Settings::default()
        };
        // The names of tools are anybody's.
        let meant = nearest(text, &TaintedAct::ALL.map(TaintedAct::as_str))
            .filter(|word| text.len().abs_diff(word.len()) < 2);
        match Permissions::new(settings) {
            Ok(_) if let Some(word) = meant => check.wrong(
                written.place,
                format!("`{}` is no word of `taint.ask`", shown(text)),
                format!("did you mean `{word}`?"),
            ),
            Ok(_) => taint.rules.push(rule),
            Err(wrong) => {
                let why = wrong.into_iter().next().map(|(_, why)| (why.what, why.remedy));
                let (what, remedy) = why.unwrap_or_default();
                check.wrong(
                    written.place,
                    format!("`{}` is no permission rule: {what}", shown(text)),
                    remedy,
                );
            }
        }
    }
    Some(taint)
}

fn untrusted(word: UntrustedWord) -> Untrusted {
    match word {
        UntrustedWord::Injection => Untrusted::Injection,
        UntrustedWord::Web => Untrusted::Web,
        UntrustedWord::UnknownHosts => Untrusted::UnknownHosts,
        UntrustedWord::Mcp => Untrusted::Mcp,
        UntrustedWord::Hosts => Untrusted::Hosts,
    }
}

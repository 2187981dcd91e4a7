//! `network.rules[].http`: which requests.

use super::{Check, shown};
use crate::{
    at::{At, Given},
    document::{HttpMatch, HttpRule},
};

/// A rule behind one that takes all of its requests can never match.
pub(super) fn check(check: &mut Check<'_>, rules: &[At<HttpRule>]) {
    for (index, rule) in rules.iter().enumerate() {
        let asked = inner(&rule.value);
        let earlier = rules.iter().take(index).find(|earlier| takes(inner(&earlier.value), asked));
        if let Some(earlier) = earlier {
            let line = earlier.place.line;
            check.wrong(
                rule.place,
                format!("the rule in line {line} takes these requests, so this never matches"),
                "put it before that one, or remove it",
            );
        }
        check.not_empty(&asked.methods, "methods", "any counts");
        check.not_empty(&asked.paths, "paths", "any counts");
        for method in asked.methods.iter() {
            let plain = |c: char| c.is_ascii_uppercase() || c == '-';
            if method.value != "*" && (method.value.is_empty() || !method.value.chars().all(plain))
            {
                check.wrong(
                    method.place,
                    format!("`{}` is no HTTP method", shown(&method.value)),
                    "write methods in capitals, like GET, or `*`",
                );
            }
        }
        for path in asked.paths.iter() {
            if !path.value.starts_with('/') {
                check.wrong(
                    path.place,
                    format!("the HTTP path `{}` does not begin with `/`", shown(&path.value)),
                    "write it from the root, such as `/repos/**`",
                );
            } else if path.value.contains(['?', '#']) {
                check.wrong(
                    path.place,
                    format!("the HTTP path `{}` has a query or a fragment", shown(&path.value)),
                    "write the path alone; a query is not compared",
                );
            }
        }
    }
}

fn inner(rule: &HttpRule) -> &HttpMatch {
    match rule {
        HttpRule::Allow(inner) | HttpRule::Deny(inner) => inner,
    }
}

/// Whether each request that `asked` takes is taken by `most`, as far as that is plain to see.
fn takes(most: &HttpMatch, asked: &HttpMatch) -> bool {
    list_takes(&most.methods, &asked.methods, "*") && list_takes(&most.paths, &asked.paths, "/**")
}

fn list_takes(most: &Given<Vec<At<String>>>, asked: &Given<Vec<At<String>>>, all: &str) -> bool {
    let any = |list: &Given<Vec<At<String>>>| {
        !list.is_given() || list.iter().any(|item| item.value == all)
    };
    let has = |item: &At<String>| most.iter().any(|known| known.value == item.value);
    any(most) || (!any(asked) && asked.iter().all(has))
}

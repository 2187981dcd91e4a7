use std::{borrow::Cow, cell::OnceCell};

use palisade_core::{Body, HttpPath, Request, TextPattern, one_variable};
use palisade_policy::{Effect, HttpMatch};

use super::{
    fit::{self, Fit},
    query::{self, Parameter},
};

/// Fields that some servers take for the method.
const METHOD_FIELDS: [&str; 3] = ["x-http-method", "x-http-method-override", "x-method-override"];
/// Parameters that some servers take for the method.
const METHOD_PARAMETERS: [&str; 6] = [
    "_method",
    "$httpMethod",
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    // Salesforce.
    "_HttpMethod",
];
/// Fields that some servers take for the path, or for what stands before it.
const PATH_FIELDS: [&str; 14] = [
    "x-original-url",
    "x-rewrite-url",
    "x-original-uri",
    "x-forwarded-uri",
    "x-override-url",
    "x-envoy-original-path",
    "x-forwarded-path",
    "x-forwarded-prefix",
    "x-http-destinationurl",
    "x-waws-unencoded-url",
    // What WSGI servers take for its two parts, and Next.js for the page.
    "path-info",
    "script-name",
    "x-invoke-path",
    "x-matched-path",
];

/// A request, and what was found out about it. Each part is read when it is first asked for.
pub(crate) struct Facts<'a> {
    request: &'a Request,
    path: OnceCell<Result<HttpPath, String>>,
    query: OnceCell<Result<Vec<Parameter>, String>>,
}

impl<'a> Facts<'a> {
    pub(crate) fn of(request: &'a Request) -> Self {
        Self { request, path: OnceCell::new(), query: OnceCell::new() }
    }

    /// The path, or why it has no meaning.
    pub(crate) fn path(&self) -> Result<&HttpPath, String> {
        let path = self.path.get_or_init(|| {
            if let Some((name, _)) = self.fields(&PATH_FIELDS).next() {
                return Err(format!("its header {name} may stand for its path"));
            }
            HttpPath::parse(&self.request.path)
                .map_err(|why| format!("two servers may read its path differently: {why}"))
        });
        path.as_ref().map_err(Clone::clone)
    }

    /// Why the body cannot be relied on, if so.
    pub(super) fn refused_body(&self) -> Option<&str> {
        match &self.request.body {
            Body::Refused(why) => Some(why),
            _ => None,
        }
    }

    fn query(&self) -> Result<&[Parameter], String> {
        let query = self.query.get_or_init(|| {
            query::parse(self.request.query.as_deref().unwrap_or_default())
                .map_err(|why| format!("two servers may read its query differently: {why}"))
        });
        query.as_deref().map_err(Clone::clone)
    }

    /// Whether it is what an entry means, the body included.
    pub(crate) fn fit(&self, matched: &HttpMatch, effect: Effect) -> Fit {
        let body = |fits: &dyn Fn(&palisade_core::BodyFacts) -> Fit| {
            fit::known(&self.request.body).map_or_else(Fit::Unknown, fits)
        };
        self.fit_head(matched, effect)
            .and(|| match &matched.json_rpc {
                None => Fit::Yes,
                Some(rpc) => body(&|facts| fit::json_rpc(rpc, facts, effect)),
            })
            .and(|| match &matched.graphql {
                None => Fit::Yes,
                Some(graphql) => body(&|facts| fit::graphql(graphql, facts, effect)),
            })
    }

    /// Whether it is what an entry means, if its body is.
    pub(crate) fn fit_head(&self, matched: &HttpMatch, effect: Effect) -> Fit {
        let HttpMatch { hosts, methods, paths, query, headers, json_rpc: _, graphql: _ } = matched;
        let hosts = hosts.is_empty() || hosts.iter().any(|host| host.matches(&self.request.host));
        let mut fit = Fit::of(hosts).and(|| self.methods(methods, effect));
        if !paths.is_empty() {
            fit = fit.and(|| match self.path() {
                Err(why) => Fit::Unknown(why),
                Ok(path) => Fit::of(paths.iter().any(|pattern| match effect {
                    Effect::Allow => pattern.allows(path),
                    Effect::Deny => pattern.denies(path),
                })),
            });
        }
        for (name, values) in headers {
            fit = fit.and(|| self.header(name, values, effect));
        }
        for (name, values) in query {
            fit = fit.and(|| match self.query() {
                Err(why) => Fit::Unknown(why),
                Ok(query) => Fit::of(query::has(query, name, values, effect)),
            });
        }
        fit
    }

    /// A method that some server may take stands beside the one that is written.
    fn methods(&self, methods: &[String], effect: Effect) -> Fit {
        if methods.is_empty() {
            return Fit::Yes;
        }
        let mut asked = vec![Cow::from(self.request.method.as_str())];
        for (_, value) in self.fields(&METHOD_FIELDS) {
            asked.push(String::from_utf8_lossy(value));
        }
        if self.request.query.is_some() {
            match self.query() {
                Err(_) if !self.may_override() => {}
                Err(why) => return Fit::Unknown(why),
                Ok(query) => {
                    let named = METHOD_PARAMETERS.iter().flat_map(|name| query::all(query, name));
                    asked.extend(named.map(|value| Cow::from(value.replace('+', " "))));
                }
            }
        }
        let among = |asked: &str| match effect {
            Effect::Allow => methods.iter().any(|method| method == asked),
            Effect::Deny => methods.iter().any(|method| method.eq_ignore_ascii_case(asked)),
        };
        // An override is written in any case.
        let overridden =
            |asked: &str| methods.iter().any(|method| method.eq_ignore_ascii_case(asked.trim()));
        let mut each = asked
            .iter()
            .enumerate()
            .map(|(index, asked)| if index == 0 { among(asked) } else { overridden(asked) });
        Fit::of(match effect {
            Effect::Allow => each.all(|fits| fits),
            Effect::Deny => each.any(|fits| fits),
        })
    }

    /// Whether a query that cannot be read may name a method.
    fn may_override(&self) -> bool {
        let query = self.request.query.as_deref().unwrap_or_default();
        query.windows(6).any(|window| window.eq_ignore_ascii_case(b"method"))
            || query.contains(&b'%')
    }

    /// Fields by the names that gateways give to programs, which are alike for more than one.
    fn fields<'f>(&'f self, names: &'f [&str]) -> impl Iterator<Item = (&'f str, &'f [u8])> {
        let named = move |name: &str| {
            let same = |wanted: &&str| one_variable(wanted.as_bytes(), name.as_bytes());
            names.iter().find(|wanted| same(wanted)).copied()
        };
        self.request
            .headers
            .iter()
            .filter_map(move |(name, value)| named(name).map(|name| (name, value.as_slice())))
    }

    fn header(&self, name: &str, values: &[TextPattern], effect: Effect) -> Fit {
        let mut found = Vec::new();
        let names = [name];
        for (_, value) in self.fields(&names) {
            match std::str::from_utf8(value) {
                Ok(text) => found.push(text),
                Err(_) => return Fit::Unknown(format!("its header {name} is not UTF-8")),
            }
        }
        Fit::of(match effect {
            Effect::Allow => {
                // A twin may be taken for it.
                self.request.header(name).count() == found.len()
                    && !found.is_empty()
                    && found.iter().all(|value| fit::named(values, value, effect))
            }
            Effect::Deny => found.iter().any(|value| {
                let mut parts = value.split(',').map(str::trim);
                fit::named(values, value, effect)
                    || parts.any(|part| fit::named(values, part, effect))
            }),
        })
    }
}

impl std::fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Facts").field("request", self.request).finish_non_exhaustive()
    }
}

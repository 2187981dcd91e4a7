use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use http::{HeaderMap, HeaderValue, Uri, header, request, uri::PathAndQuery};
use ipnet::IpNet;
use palisade_core::{Authority, Event, HostName, HostPattern, Layer, Verdict};
use zeroize::Zeroizing;

use super::{
    Placeholder, Secret, SecretFeed, Template,
    exchange::Exchange,
    forms::Forms,
    patterns::{Found, Patterns},
    query,
};

/// Secrets of one credential that were sent, and may still come back.
const MOST_REMEMBERED: usize = 4;
/// Request headers by which a client could have the answer sent in a form that cannot be looked
/// through: compressed, in parts, or as a difference.
const NOT_ASKED: [header::HeaderName; 3] = [header::RANGE, header::IF_RANGE, header::TE];

/// A credential of the policy: how it is sent, and what stands for it inside.
pub struct Credential {
    /// Its name in the policy.
    pub name: String,
    /// Where it is put.
    pub template: Template,
    /// What stands inside.
    pub placeholder: Placeholder,
    /// Where its secret comes from.
    pub feed: Arc<dyn SecretFeed>,
}

/// A network rule that names a credential.
#[derive(Debug, Clone)]
pub struct Binding {
    /// The rule, as decisions name it.
    pub rule: String,
    /// The credential's name.
    pub credential: String,
    /// The rule's hosts.
    pub hosts: Vec<HostPattern>,
    /// Addresses that the rule names: over these the secret may go without TLS, if they are private.
    pub addresses: Vec<IpNet>,
}

/// Where a request goes, and by which rule.
#[derive(Debug, Clone, Copy)]
pub struct Route<'a> {
    /// The server.
    pub host: &'a HostName,
    /// The rule that permits the request.
    pub rule: Option<&'a str>,
    /// Whether the server is spoken to over TLS and is verified.
    pub verified: bool,
    /// The address that it is at.
    pub address: Option<IpAddr>,
    /// What the journal calls the request.
    pub subject: &'a str,
}

/// Why a request may not go out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// It would carry a placeholder to a server that the credential is not for, or a secret to one that
    /// is not known to be the one. Recorded.
    #[error("{0}")]
    Denied(String),
    /// There is no secret to send.
    #[error("{0}")]
    Missing(String),
}

/// All credentials that requests of one sandbox may carry.
pub struct Credentials {
    list: Vec<Bound>,
    /// What of all of them stands inside.
    placeholders: Arc<Patterns>,
    authority: Arc<dyn Authority>,
    /// For each set of credentials what to look for in answers.
    answers: Mutex<HashMap<Vec<usize>, Known>>,
}

struct Bound {
    credential: Credential,
    rules: Vec<Binding>,
    forms: Forms,
    /// The last one that was sent first.
    sent: Mutex<Vec<Arc<Secret>>>,
}

struct Known {
    secrets: Vec<Arc<Secret>>,
    patterns: Arc<Patterns>,
}

impl Credentials {
    /// These credentials, for the requests of these rules. What happens to them is told to `authority`.
    pub fn new(
        credentials: Vec<Credential>,
        bindings: &[Binding],
        authority: Arc<dyn Authority>,
    ) -> Self {
        let list: Vec<Bound> = credentials
            .into_iter()
            .map(|credential| Bound {
                rules: bindings
                    .iter()
                    .filter(|it| it.credential == credential.name)
                    .cloned()
                    .collect(),
                forms: Forms::of(credential.placeholder.as_str()),
                sent: Mutex::default(),
                credential,
            })
            .collect();
        // Nothing is replaced by this one: it only finds.
        let placeholders = Patterns::new(list.iter().map(|bound| (&bound.forms, &bound.forms)));
        Self { list, placeholders: Arc::new(placeholders), authority, answers: Mutex::default() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Make a request that was permitted ready to go out: with the secret of the rule's credential, and with
    /// no placeholder where it does not belong. What comes back goes through the [`Exchange`].
    ///
    /// # Errors
    /// It must not go out; the head has no secret then.
    pub async fn apply(
        self: &Arc<Self>,
        route: Route<'_>,
        head: &mut request::Parts,
    ) -> Result<Exchange, CredentialError> {
        let used = self
            .list
            .iter()
            .position(|bound| bound.rules.iter().any(|it| Some(&*it.rule) == route.rule));
        let here: Vec<usize> = (0..)
            .zip(&self.list)
            .filter(|(_, it)| it.is_for(route.host))
            .map(|(at, _)| at)
            .collect();
        self.look_at(route, head, used, &here).await?;
        if !here.is_empty() || used.is_some() {
            ask_plainly(&mut head.headers);
        }
        let mut sent = None;
        if let Some((number, bound)) = used.and_then(|at| Some((at, self.list.get(at)?))) {
            if let Some(why) = bound.is_unsafe(route) {
                return Err(self.deny(route, bound, why).await);
            }
            let name = &bound.credential.name;
            let missing = |why: String| {
                CredentialError::Missing(format!("the credential `{name}` has no secret: {why}"))
            };
            let secret = bound.credential.feed.current().await.map_err(missing)?;
            let how = bound
                .put(head, &secret)
                .ok_or_else(|| missing("what it gives cannot be sent".to_owned()))?;
            bound.remember(&secret);
            let event = Event::observed("credential", Layer::Egress, route.subject)
                .with("credential", name.as_str())
                .with("put", how.to_string());
            let event = Event { rule: route.rule.map(str::to_owned), ..event };
            if !self.authority.record(event).await {
                return Err(CredentialError::Denied(UNRECORDED.to_owned()));
            }
            sent = Some((number, secret));
        }
        let answers = self.answers(&here, used);
        Ok(Exchange::new(Arc::clone(self), route, here, answers, sent))
    }

    /// Look for placeholders where they do not belong. One of another host's stops the request.
    async fn look_at(
        &self,
        route: Route<'_>,
        head: &request::Parts,
        used: Option<usize>,
        here: &[usize],
    ) -> Result<(), CredentialError> {
        let template = used.and_then(|at| self.list.get(at)).map(|it| &it.credential.template);
        let own = |number: usize, header: Option<&str>, field: Option<&[u8]>| {
            used == Some(number)
                && template.is_some_and(|template| {
                    header.is_some() && template.of_header().map(|name| name.as_str()) == header
                        || field.is_some() && template.of_query().map(str::as_bytes) == field
                })
        };
        let mut found: Vec<(usize, String)> = Vec::new();
        let mut look = |bytes: &[u8], place: &str, header: Option<&str>, field: Option<&[u8]>| {
            for number in self.placeholders_in(bytes) {
                // Only there it is replaced.
                if !own(number, header, field) && !found.iter().any(|(known, _)| *known == number) {
                    found.push((number, place.to_owned()));
                }
            }
        };
        look(head.method.as_str().as_bytes(), "the method", None, None);
        let path = head.uri.path();
        look(path.as_bytes(), "the path", None, None);
        look(&query::decoded(path), "the path", None, None);
        for part in head.uri.query().unwrap_or_default().split('&') {
            let (name, _) = part.split_once('=').unwrap_or((part, ""));
            let name = query::decoded(name);
            look(part.as_bytes(), "the query", None, Some(&name));
            look(&query::decoded(part), "the query", None, Some(&name));
        }
        for (name, value) in &head.headers {
            let name = name.as_str();
            look(value.as_bytes(), &format!("the header {name}"), Some(name), None);
        }
        for name in head.headers.keys() {
            let number = self.placeholders.in_name(name.as_str().as_bytes());
            if let Some(number) = number.map(|pattern| self.placeholders.whose(pattern)) {
                found.push((number, "the name of a header".to_owned()));
            }
        }
        for (number, place) in found {
            self.stray(route, number, &place, here.contains(&number)).await?;
        }
        Ok(())
    }

    /// Record a placeholder that is not where its credential belongs.
    pub(crate) async fn stray(
        &self,
        route: Route<'_>,
        number: usize,
        place: &str,
        own_host: bool,
    ) -> Result<(), CredentialError> {
        let Some(bound) = self.list.get(number) else { return Ok(()) };
        let name = &bound.credential.name;
        if !own_host {
            let host = route.host;
            let why = format!(
                "the placeholder of the credential `{name}` is in {place}, and {host} is no host of that credential"
            );
            return Err(self.deny(route, bound, why).await);
        }
        let mut event = Event::observed("placeholder", Layer::Egress, route.subject)
            .with("credential", name.as_str());
        event.rule = route.rule.map(str::to_owned);
        event.reason = format!(
            "the placeholder of the credential `{name}` is in {place}; nothing replaces it there"
        );
        if self.authority.record(event).await {
            Ok(())
        } else {
            Err(CredentialError::Denied(UNRECORDED.to_owned()))
        }
    }

    async fn deny(&self, route: Route<'_>, bound: &Bound, why: String) -> CredentialError {
        let mut event = Event::observed("placeholder", Layer::Egress, route.subject)
            .with("credential", bound.credential.name.as_str());
        event.decision = Verdict::Deny;
        event.rule = route.rule.map(str::to_owned);
        event.reason.clone_from(&why);
        self.authority.record(event).await;
        CredentialError::Denied(why)
    }

    /// Record that an answer held a secret.
    pub(crate) async fn reflected(&self, rule: Option<String>, subject: &str, place: &str) {
        let mut event = Event::observed("secret_in_answer", Layer::Egress, subject);
        event.rule = rule;
        event.reason =
            format!("the server's answer held a secret in {place}; the client got the placeholder");
        self.authority.record(event).await;
    }

    pub(crate) fn feed(&self, number: usize) -> Option<&Arc<dyn SecretFeed>> {
        self.list.get(number).map(|bound| &bound.credential.feed)
    }

    pub(crate) fn placeholders(&self) -> &Arc<Patterns> {
        &self.placeholders
    }

    /// Whose placeholders are in it, each once.
    fn placeholders_in(&self, bytes: &[u8]) -> Vec<usize> {
        let mut all = Vec::new();
        let mut from = 0;
        while from < bytes.len() {
            match self.placeholders.find(bytes, from) {
                Found::Nothing => break,
                // It is not whole.
                Found::Perhaps(at) => from = at.saturating_add(1),
                Found::At(pattern, at) => {
                    let whose = self.placeholders.whose(pattern);
                    if !all.contains(&whose) {
                        all.push(whose);
                    }
                    from = at.saturating_add(self.placeholders.instead(pattern).len().max(1));
                }
            }
        }
        all
    }

    /// What to look for in answers of a host with these credentials.
    fn answers(&self, here: &[usize], used: Option<usize>) -> Arc<Patterns> {
        let mut all = here.to_vec();
        all.extend(used.filter(|at| !here.contains(at)));
        let bounds: Vec<&Bound> = all.iter().filter_map(|at| self.list.get(*at)).collect();
        let mut secrets = Vec::new();
        let mut forms = Vec::new();
        for bound in bounds {
            for secret in bound.sent.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                secrets.push(Arc::clone(secret));
                forms.push(&bound.forms);
            }
        }
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = answers.get(&all)
            && known.secrets.len() == secrets.len()
            && known.secrets.iter().zip(&secrets).all(|(one, other)| Arc::ptr_eq(one, other))
        {
            return Arc::clone(&known.patterns);
        }
        let pairs = secrets.iter().zip(forms).map(|(secret, forms)| (secret.forms(), forms));
        let patterns = Arc::new(Patterns::new(pairs));
        answers.insert(all, Known { secrets, patterns: Arc::clone(&patterns) });
        patterns
    }
}

const UNRECORDED: &str = "the journal cannot be written, so nothing is permitted";

impl Bound {
    fn is_for(&self, host: &HostName) -> bool {
        self.rules.iter().any(|rule| rule.hosts.iter().any(|pattern| pattern.matches(host)))
    }

    /// Why the secret may not go this way.
    fn is_unsafe(&self, route: Route<'_>) -> Option<String> {
        let name = &self.credential.name;
        if !self.is_for(route.host) {
            return Some(format!("{} is no host of the credential `{name}`", route.host));
        }
        if route.verified {
            return None;
        }
        let named = |address: IpAddr| {
            let mut rules = self.rules.iter().filter(|it| Some(&*it.rule) == route.rule);
            is_private(address)
                && rules.any(|rule| rule.addresses.iter().any(|it| it.contains(&address)))
        };
        if route.address.is_some_and(|address| named(address.to_canonical())) {
            return None;
        }
        Some(format!(
            "the credential `{name}` goes only over TLS, or to a loopback or private address that the rule \
             names in `addresses`"
        ))
    }

    fn put(&self, head: &mut request::Parts, secret: &Secret) -> Option<super::template::Put> {
        let target = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let mut target = Zeroizing::new(target.to_owned());
        let Credential { template, placeholder, .. } = &self.credential;
        let put = template.fill(&mut head.headers, &mut target, secret.text(), placeholder)?;
        if template.of_query().is_some() {
            let mut parts = head.uri.clone().into_parts();
            parts.path_and_query = Some(target.parse().ok()?);
            head.uri = Uri::from_parts(parts).ok()?;
        }
        Some(put)
    }

    fn remember(&self, secret: &Arc<Secret>) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.first().is_some_and(|last| Arc::ptr_eq(last, secret)) {
            return;
        }
        sent.retain(|known| !Arc::ptr_eq(known, secret));
        sent.insert(0, Arc::clone(secret));
        sent.truncate(MOST_REMEMBERED);
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("name", &self.name)
            .field("template", &self.template)
            .field("placeholder", &self.placeholder)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.list.iter().map(|bound| &bound.credential.name);
        f.debug_list().entries(names).finish()
    }
}

/// Have the answer come as it is: what is compressed or in parts cannot be looked through.
fn ask_plainly(headers: &mut HeaderMap) {
    for name in &NOT_ASKED {
        headers.remove(name);
    }
    headers.remove("a-im");
    headers.remove("sec-websocket-extensions");
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
}

/// Where a wire is one's own: this machine, or a network that is not public.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

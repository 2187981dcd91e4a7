use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use http::{HeaderMap, HeaderName, HeaderValue, Uri, header, request, uri::PathAndQuery};
use ipnet::IpNet;
use palisade_core::{
    Authority, BoxFuture, Decision, Event, HostName, HostPattern, Layer, Request, UNRECORDED,
    Verdict, one_variable,
};
use zeroize::Zeroizing;

use super::{
    Placeholder, Secret, SecretFeed, Template,
    exchange::{Answer, Told, Watch},
    forms::Forms,
    patterns::{Found, Patterns},
    query,
    sigv4::{self, Signed},
    template::Put,
};
use crate::{Passing, Transform};

/// The most of a body that is read to be signed.
const MOST_SIGNED: usize = 8 * 1024 * 1024;
/// Secrets of one credential that were sent, and may still come back.
const MOST_REMEMBERED: usize = 4;
/// Request headers by which a client could have the answer sent in a form that cannot be looked
/// through: compressed, in parts, or as a difference.
const NOT_ASKED: [&str; 10] = [
    "a-im",
    "accept-charset",
    "accept-encoding",
    "connect-accept-encoding",
    "grpc-accept-encoding",
    "if-range",
    "range",
    // An old name of it that Apache still takes, and one that comes before it in Azure.
    "request-range",
    "sec-websocket-extensions",
    "x-ms-range",
];

/// A credential of the policy: how it is sent, and what stands for it inside.
pub struct Credential {
    /// Its name in the policy.
    pub name: String,
    /// Where it is put.
    pub template: Template,
    /// What stands inside.
    pub placeholder: Placeholder,
    /// Whether it is a decoy: it opens nothing, and whoever sends it is found out.
    pub decoy: bool,
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

/// All credentials that requests of one sandbox may carry.
pub struct Credentials {
    list: Vec<Bound>,
    /// What of all of them stands inside.
    placeholders: Arc<Patterns>,
    authority: Arc<dyn Authority>,
    /// For each set of credentials what to look for in answers.
    answers: Mutex<HashMap<Vec<usize>, Known>>,
    /// Grows with each secret that is sent for the first time, before it is.
    changes: AtomicU64,
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
        let (answers, changes) = Default::default();
        Self { list, placeholders: Arc::new(placeholders), authority, answers, changes }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    async fn apply(
        self: &Arc<Self>,
        decided: &Request,
        decision: &Decision,
        body: Option<&[u8]>,
        head: &mut request::Parts,
    ) -> Result<Option<Passing>, Decision> {
        let rule = decision.rule.as_deref();
        let deny = |why: String| match rule {
            Some(rule) => Decision::deny_by(rule, why),
            None => Decision::deny(why),
        };
        let told = Told {
            host: decided.host.to_string(),
            rule: rule.map(str::to_owned),
            subject: decided.subject(),
        };
        let used = self.list.iter().position(|bound| bound.is_of(decision.whole_rule()));
        let bounds = (0..).zip(&self.list);
        let here: Vec<usize> =
            bounds.filter(|(_, it)| it.is_for(&decided.host)).map(|(at, _)| at).collect();
        for (number, place) in self.strays(head, used) {
            let own = here.contains(&number);
            let event = self.stray(&told, number, &place, own);
            if !own {
                let reason = event.reason.clone();
                // The request itself is recorded as denied; that a decoy was sent is one thing more.
                if event.kind == "canary" && !self.record(event).await {
                    return Err(deny(UNRECORDED.to_owned()));
                }
                return Err(deny(reason));
            }
            if !self.record(event).await {
                return Err(deny(UNRECORDED.to_owned()));
            }
        }
        let watch = Box::new(Watch::new(Arc::clone(self), told.clone(), here.clone()));
        if here.is_empty() && used.is_none() {
            // No answer of this host can hold a secret that was sent to it.
            let answer = Box::new(Answer::new(Arc::clone(self), told, Vec::new(), None));
            return Ok(Some(Passing { body: watch, answer }));
        }
        ask_plainly(&mut head.headers);
        let mut sent = None;
        if let Some((number, bound)) = used.and_then(|at| Some((at, self.list.get(at)?))) {
            let secret = self.send(bound, decided, body, head, &told).await.map_err(deny)?;
            sent = Some((number, secret));
        }
        let mut of = here;
        of.extend(used.filter(|at| !of.contains(at)));
        let answer = Box::new(Answer::new(Arc::clone(self), told, of, sent));
        Ok(Some(Passing { body: watch, answer }))
    }

    /// Put the credential's secret into the request.
    async fn send(
        &self,
        bound: &Bound,
        decided: &Request,
        body: Option<&[u8]>,
        head: &mut request::Parts,
        told: &Told,
    ) -> Result<Arc<Secret>, String> {
        let name = &bound.credential.name;
        if !bound.is_for(&decided.host) {
            return Err(format!("{} is no host of the credential `{name}`", decided.host));
        }
        if !decided.tls && !bound.names_private() {
            return Err(format!(
                "the credential `{name}` goes only over TLS, or to a loopback or private address that the \
                 rule names in `addresses`"
            ));
        }
        bound.credential.template.is_plain(head.uri.query().unwrap_or_default())?;
        let missing = |why: String| format!("the credential `{name}` has no secret: {why}");
        let secret = bound.credential.feed.current().await.map_err(missing)?;
        let how = match bound.credential.template.of_aws() {
            Some(access_key) => {
                let signed =
                    Signed { method: &head.method, uri: &head.uri, headers: &head.headers, body };
                let value = sigv4::authorization(&signed, access_key, secret.text());
                let value = value
                    .map_err(|why| format!("the credential `{name}` cannot be used: {why}"))?;
                head.headers.insert(header::AUTHORIZATION, value);
                Put::Signed
            }
            None => bound
                .put(head, &secret)
                .ok_or_else(|| missing("what its source gives cannot be sent".to_owned()))?,
        };
        if bound.remember(&secret) {
            self.changes.fetch_add(1, Ordering::SeqCst);
        }
        let mut event = Event::observed("credential", Layer::Egress, told.subject.as_str())
            .with("credential", name.as_str())
            .with("put", how.to_string());
        event.rule.clone_from(&told.rule);
        if self.record(event).await { Ok(secret) } else { Err(UNRECORDED.to_owned()) }
    }

    /// Placeholders that are not where they are replaced, each once, and where they are.
    fn strays(&self, head: &request::Parts, used: Option<usize>) -> Vec<(usize, String)> {
        let template = used.and_then(|at| self.list.get(at)).map(|it| &it.credential.template);
        let carrier = template.and_then(Template::of_header);
        let carries = template.and_then(Template::of_query).map(str::as_bytes);
        let mut found: Vec<(usize, String)> = Vec::new();
        let mut add = |number: usize, place: &str| {
            if !found.iter().any(|(known, _)| *known == number) {
                found.push((number, place.to_owned()));
            }
        };
        let mut look = |bytes: &[u8], place: &str, replaced: bool| {
            for number in self.placeholders_in(bytes) {
                if !(replaced && used == Some(number)) {
                    add(number, place);
                }
            }
        };
        look(head.method.as_str().as_bytes(), "the method", false);
        let path = head.uri.path();
        look(path.as_bytes(), "the path", false);
        look(&query::decoded(path), "the path", false);
        for part in head.uri.query().unwrap_or_default().split('&') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = query::decoded(name);
            let replaced = carries == Some(name.as_slice());
            look(&name, "the query", false);
            look(part.as_bytes(), "the query", replaced);
            look(&query::decoded(value), "the query", replaced);
        }
        for (name, value) in &head.headers {
            look(value.as_bytes(), &format!("the header {name}"), carrier == Some(name));
        }
        for name in head.headers.keys() {
            if let Some(number) = self.placeholder_in_name(name.as_str()) {
                add(number, "the name of a header");
            }
        }
        found
    }

    /// What to record of a placeholder that is not where its credential belongs.
    pub(crate) fn stray(&self, told: &Told, number: usize, place: &str, own_host: bool) -> Event {
        let bound = self.list.get(number);
        let name = bound.map_or("", |bound| &bound.credential.name);
        if bound.is_some_and(|bound| bound.credential.decoy) {
            let mut event = Event::observed("canary", Layer::Egress, name)
                .with("about", told.subject.as_str())
                .with("place", place);
            event.decision = Verdict::Deny;
            event.rule.clone_from(&told.rule);
            event.reason = format!("what the decoy {name} holds is in {place} of a request");
            return event;
        }
        let mut event = Event::observed("placeholder", Layer::Egress, told.subject.as_str())
            .with("credential", name);
        event.rule.clone_from(&told.rule);
        let host = &told.host;
        event.reason = if own_host {
            format!(
                "the placeholder of the credential `{name}` is in {place}; nothing replaces it there"
            )
        } else {
            event.decision = Verdict::Deny;
            format!(
                "the placeholder of the credential `{name}` is in {place}, and {host} is no host of that \
                 credential"
            )
        };
        event
    }

    /// What to record of an answer that held a secret.
    pub(crate) fn reflected(told: &Told, place: &str) -> Event {
        let mut event = Event::observed("secret_in_answer", Layer::Egress, told.subject.as_str());
        event.rule.clone_from(&told.rule);
        event.reason =
            format!("the server's answer held a secret in {place}; the client got the placeholder");
        event
    }

    /// Whether the journal has it.
    pub(crate) async fn record(&self, event: Event) -> bool {
        self.authority.record(event).await
    }

    pub(crate) fn feed(&self, number: usize) -> Option<&Arc<dyn SecretFeed>> {
        self.list.get(number).map(|bound| &bound.credential.feed)
    }

    pub(crate) fn placeholders(&self) -> &Arc<Patterns> {
        &self.placeholders
    }

    /// Whose placeholder is in the name of a header, if any is.
    pub(crate) fn placeholder_in_name(&self, name: &str) -> Option<usize> {
        let pattern = self.placeholders.in_name(name.as_bytes())?;
        Some(self.placeholders.whose(pattern))
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
                    from = at.saturating_add(self.placeholders.length(pattern));
                }
            }
        }
        all
    }

    /// Grows whenever there is more to look for in answers, before any can hold it.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    /// What to look for in answers of a host with these credentials: the secrets that were sent, and `own`, which
    /// may have been sent so long ago that it is none of the last.
    pub(crate) fn answers(
        &self,
        of: &[usize],
        own: Option<&(usize, Arc<Secret>)>,
    ) -> Arc<Patterns> {
        let mut secrets = Vec::new();
        let mut forms = Vec::new();
        for (at, bound) in of.iter().filter_map(|at| Some((at, self.list.get(*at)?))) {
            let sent = bound.sent.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let own = own.filter(|(whose, own)| whose == at && !has(&sent, own));
            for secret in sent.into_iter().chain(own.map(|(_, own)| Arc::clone(own))) {
                secrets.push(secret);
                forms.push(&bound.forms);
            }
        }
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = answers.get(of)
            && known.secrets.len() == secrets.len()
            && known.secrets.iter().zip(&secrets).all(|(one, other)| Arc::ptr_eq(one, other))
        {
            return Arc::clone(&known.patterns);
        }
        let pairs = secrets.iter().zip(forms).map(|(secret, forms)| (secret.forms(), forms));
        let patterns = Arc::new(Patterns::new(pairs));
        answers.insert(of.to_vec(), Known { secrets, patterns: Arc::clone(&patterns) });
        patterns
    }
}

impl Bound {
    fn is_for(&self, host: &HostName) -> bool {
        self.rules.iter().any(|rule| rule.hosts.iter().any(|pattern| pattern.matches(host)))
    }

    fn is_of(&self, rule: Option<&str>) -> bool {
        self.rules.iter().any(|binding| Some(binding.rule.as_str()) == rule)
    }

    /// Whether any rule of it could permit that its secret goes without TLS.
    fn names_private(&self) -> bool {
        self.rules.iter().any(|rule| rule.addresses.iter().any(|it| is_private(it.network())))
    }

    fn put(&self, head: &mut request::Parts, secret: &Secret) -> Option<Put> {
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

    /// Whether it is another one than those of before.
    fn remember(&self, secret: &Arc<Secret>) -> bool {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.first().is_some_and(|last| Arc::ptr_eq(last, secret)) {
            return false;
        }
        let known = has(&sent, secret);
        sent.retain(|known| !Arc::ptr_eq(known, secret));
        sent.insert(0, Arc::clone(secret));
        sent.truncate(MOST_REMEMBERED);
        !known
    }
}

impl Transform for Arc<Credentials> {
    fn request<'a>(
        &'a self,
        decided: &'a Request,
        decision: &'a Decision,
        body: Option<&'a [u8]>,
        head: &'a mut request::Parts,
    ) -> BoxFuture<'a, Result<Option<Passing>, Decision>> {
        Box::pin(self.apply(decided, decision, body, head))
    }

    /// What is signed names the body, if the client has not done so.
    fn body_bound(&self, request: &Request) -> Option<usize> {
        let signs =
            |it: &Bound| it.credential.template.of_aws().is_some() && it.is_for(&request.host);
        let named = request.header("x-amz-content-sha256").next().is_some();
        (!named && self.list.iter().any(signs)).then_some(MOST_SIGNED)
    }

    /// To a host of a credential only where each rule that binds it says so: which of them will permit
    /// a request is not known before it is sent.
    fn may_go_plainly(&self, host: &HostName, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let named = |rule: &Binding| {
            is_private(address) && rule.addresses.iter().any(|it| it.contains(&address))
        };
        let rules = self.list.iter().flat_map(|bound| &bound.rules);
        let mut here = rules.filter(|rule| rule.hosts.iter().any(|pattern| pattern.matches(host)));
        here.all(named)
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

fn has(secrets: &[Arc<Secret>], secret: &Arc<Secret>) -> bool {
    secrets.iter().any(|known| Arc::ptr_eq(known, secret))
}

/// Have the answer come as it is: what is compressed or in parts cannot be looked through.
fn ask_plainly(headers: &mut HeaderMap) {
    let asks = |name: &&HeaderName| {
        let name = name.as_str().as_bytes();
        NOT_ASKED.iter().any(|known| one_variable(name, known.as_bytes()))
    };
    let named: Vec<HeaderName> = headers.keys().filter(asks).cloned().collect();
    for name in named {
        headers.remove(name);
    }
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
}

/// Where a wire is one's own: this machine, or a network that is not public.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

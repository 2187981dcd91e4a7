//! The credentials that network rules name: their secrets, kept up to date, and what stands for them
//! inside.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use palisade_core::{Authority, BoxFuture, SecretString};
use palisade_egress::credential::{
    Binding, Credential, Credentials, Placeholder, Secret, SecretFeed, Template,
};
use palisade_inference::KnownSecret;
use palisade_policy::{AwsKey, Network, Place, SecretSource};
use tokio::time::Instant;

use crate::{
    order::Operator,
    plan::Placeholders,
    refusal::{Refusal, Refuse},
    secret::{self, Reading, Stderr},
};

/// How soon after a server did not take a secret it may be read anew, at first and at most. Each time
/// that this changes nothing, it is twice as long.
const PAUSE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(15 * 60));

/// The credentials of the rules, and the variables that hold their placeholders.
pub(crate) struct Ready {
    pub(crate) credentials: Option<Arc<Credentials>>,
    pub(crate) variables: Vec<(String, String)>,
    /// What they were when they were read first.
    pub(crate) secrets: Vec<KnownSecret>,
}

/// Read all of them. One that is not there does not stop the launch: the agent may never call that
/// host. A request that needs it is denied, with what to do.
pub(crate) async fn read(
    network: &Network,
    operator: &Operator,
    placeholders: &Placeholders,
    decoys: Vec<Credential>,
    authority: Arc<dyn Authority>,
) -> Result<Ready, Refusal> {
    let mut list = decoys;
    let mut variables = Vec::new();
    let mut secrets = Vec::new();
    for (name, credential) in &network.credentials {
        let template = match &credential.place {
            Some(Place::Header(text)) => Template::header(text),
            Some(Place::Query(text)) => Template::query(text),
            Some(Place::Aws(AwsKey::Named(access_key))) => Template::aws(access_key),
            // No rule names such a one.
            Some(Place::Aws(AwsKey::Printed)) | None => continue,
        };
        let what = || format!("the credential `{name}`");
        let template =
            template.refuse(what(), "correct its `header`, `query` or `aws` in the policy")?;
        let (feed, placeholder, secret) = Feed::begin(name, credential, operator).await;
        secrets.extend(secret);
        // A provider's placeholder is inside already.
        let known = credential.expose.as_deref().and_then(|variable| placeholders.get(variable));
        let placeholder = match known {
            Some(text) => Placeholder::fixed(text),
            None => placeholder
                .or_else(Placeholder::plain)
                .ok_or_else(|| Refusal::new("the kernel gives no random numbers", "report this"))?,
        };
        if let Some(variable) = credential.expose.clone().filter(|_| known.is_none()) {
            variables.push((variable, placeholder.as_str().to_owned()));
        }
        let feed = Arc::new(feed);
        list.push(Credential { name: name.clone(), template, placeholder, decoy: false, feed });
    }
    let bindings: Vec<Binding> = network
        .rules
        .iter()
        .filter(|rule| !rule.only_denies)
        .filter_map(|rule| {
            Some(Binding {
                rule: rule.rule.clone(),
                credential: rule.credential.clone()?,
                hosts: rule.hosts.clone(),
                addresses: rule.addresses.clone(),
            })
        })
        .collect();
    let credentials =
        (!list.is_empty()).then(|| Arc::new(Credentials::new(list, &bindings, authority)));
    Ok(Ready { credentials, variables, secrets })
}

/// The secret of one that no rule names, kept up to date.
pub(crate) async fn feed(
    credential: &palisade_policy::Credential,
    operator: &Operator,
) -> Arc<dyn SecretFeed> {
    Arc::new(Feed::begin(&credential.name, credential, operator).await.0)
}

/// A credential's secret, read anew when it is old or was not taken.
struct Feed {
    name: String,
    source: SecretSource,
    operator: Operator,
    refresh: Option<Duration>,
    state: Mutex<State>,
    /// One reads, and the others wait for what it finds.
    reading: tokio::sync::Mutex<()>,
}

struct State {
    secret: Result<Arc<Secret>, String>,
    read: Instant,
    /// When it is to be read anew, because it will not be good any more.
    ends: Option<Instant>,
    /// What a server gave in place of the source's refresh token.
    refresh_token: Option<SecretString>,
    /// Somebody did not take it.
    refused: bool,
    /// Not before this is it read anew for that.
    again: Instant,
    pause: Duration,
}

/// A secret that ends is read anew a little before: by a tenth of its life, and at most this.
const BEFORE_END: Duration = Duration::from_secs(60);

fn ends(now: Instant, lifetime: Option<Duration>) -> Option<Instant> {
    let lifetime = lifetime?;
    now.checked_add(lifetime.saturating_sub(BEFORE_END.min(lifetime / 10)))
}

impl Feed {
    async fn begin(
        name: &str,
        credential: &palisade_policy::Credential,
        operator: &Operator,
    ) -> (Self, Option<Placeholder>, Option<KnownSecret>) {
        let from = &credential.from;
        let read = secret::read_with(name, from, operator, Stderr::Operator, None).await;
        let placeholder = read.as_ref().ok().and_then(|read| Placeholder::like(&read.secret));
        let known = read.as_ref().ok().map(|read| KnownSecret::credential(&read.secret));
        let now = Instant::now();
        let ends = read.as_ref().ok().and_then(|read| ends(now, read.lifetime));
        let (read, refresh_token) = match read {
            Ok(Reading { secret, refresh_token, .. }) => (Ok(secret), refresh_token),
            Err(why) => (Err(why), None),
        };
        let feed = Self {
            name: name.to_owned(),
            source: credential.from.clone(),
            operator: operator.clone(),
            refresh: credential.refresh,
            state: Mutex::new(State {
                secret: read
                    .and_then(|text| Secret::new(text).map(Arc::new).map_err(|it| it.to_string())),
                read: now,
                ends,
                refresh_token,
                refused: false,
                again: now,
                pause: PAUSE.0,
            }),
            reading: tokio::sync::Mutex::default(),
        };
        (feed, placeholder, known)
    }

    /// Whether it is to be read anew now.
    fn is_due(&self) -> bool {
        // The environment stays what it was when palisade was started.
        if matches!(self.source, SecretSource::Env(_)) {
            return false;
        }
        let state = self.state();
        let old = self.refresh.is_some_and(|time| state.read.elapsed() >= time);
        let now = Instant::now();
        let wanted =
            state.refused || state.secret.is_err() || state.ends.is_some_and(|ends| now >= ends);
        old || (wanted && now >= state.again)
    }

    async fn read_anew(&self) {
        let token = self.state().refresh_token.clone();
        let (name, source, operator) = (&self.name, &self.source, &self.operator);
        let read = secret::read_with(name, source, operator, Stderr::Nobody, token.as_ref()).await;
        let mut state = self.state();
        let read = read.and_then(|Reading { secret, lifetime, refresh_token }| {
            state.ends = ends(Instant::now(), lifetime);
            state.refresh_token = refresh_token.or(state.refresh_token.take());
            Secret::new(secret).map_err(|error| error.to_string())
        });
        let changed = match (&state.secret, &read) {
            (Ok(known), Ok(fresh)) => !known.is_same(fresh),
            (Err(_), Ok(_)) => true,
            (_, Err(_)) => false,
        };
        state.read = Instant::now();
        state.pause = if changed { PAUSE.0 } else { (state.pause * 2).min(PAUSE.1) };
        state.again = state.read + state.pause;
        state.refused = false;
        match read {
            Ok(fresh) if changed => state.secret = Ok(Arc::new(fresh)),
            // What there is may still do.
            Err(why) if state.secret.is_err() => state.secret = Err(why),
            _ => {}
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SecretFeed for Feed {
    fn current(&self) -> BoxFuture<'_, Result<Arc<Secret>, String>> {
        Box::pin(async {
            if self.is_due() {
                let _turn = self.reading.lock().await;
                if self.is_due() {
                    self.read_anew().await;
                }
            }
            self.state().secret.clone()
        })
    }

    fn refused(&self, secret: &Arc<Secret>) -> bool {
        let mut state = self.state();
        let current = state.secret.as_ref().is_ok_and(|known| Arc::ptr_eq(known, secret));
        state.refused |= current;
        current
    }
}

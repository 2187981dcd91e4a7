//! What a request may ask for and carry, before any provider hears of it.

use std::collections::BTreeSet;

use http::{Response, request::Parts};
use hyper::body::Incoming;
use palisade_core::{Action, Event, Layer, Untrusted, Verdict};

use super::{Exchange, calls::Routed, shown};
use crate::{
    answer::Payload,
    asking::Asking,
    body::Held,
    endpoint::{Endpoint, Wire},
    headers,
    inspect::{ServerTool, not_named},
    known_calls::Fate,
    model_field::{BodyError, ModelField},
    outgoing::{Outgoing, Preparing},
    refusal::Refusal,
    results::Results,
    table::{Table, Target},
};

impl Exchange<'_> {
    /// From the request to the provider's answer.
    pub(super) async fn pass(
        &self,
        head: &Parts,
        endpoint: &Endpoint,
        body: &mut Incoming,
    ) -> Result<Response<Payload>, Refusal> {
        if !headers::is_identity(&head.headers) {
            return Err(Refusal::Encoding);
        }
        let held = Held::read(body, &self.limits, &self.budget).await?;
        self.pass_on(head, endpoint, held).await
    }

    /// The same for a body that is there.
    pub(super) async fn pass_on(
        &self,
        head: &Parts,
        endpoint: &Endpoint,
        held: Held,
    ) -> Result<Response<Payload>, Refusal> {
        let table = self.table.load_full();
        let mut estimate = None;
        let mut in_body = None;
        let withheld;
        let (action, targets, held) = if endpoint.takes_model {
            let (request, held) = understood(held, endpoint, self.limits.nesting).await?;
            withheld = self.withheld(head, endpoint, Some(&request.field.model)).await?;
            let targets = table.of_model(&request.field.model, endpoint.api, endpoint.wire)?;
            self.permit(&request, endpoint, &table).await?;
            let field = &request.field;
            let endpoint_name = endpoint.name.to_owned();
            let action = Action::ModelCall { endpoint: endpoint_name, model: field.model.clone() };
            let redactor = self.redacting.now();
            let decoys = self.decoys.load_full();
            let preparing = Preparing {
                authority: &*self.authority,
                quotas: &table.quotas,
                redactor: redactor.as_ref(),
                decoys: decoys.as_ref(),
                guard: table.guard,
                told: &self.told,
                turn: &self.turn,
                action: &action,
                asking: &request.asking,
            };
            let (held, targets) = match &table.private {
                Some(private) => {
                    let secrets = self.private.now();
                    let (held, found) = {
                        let beside = headers::beside(&endpoint.target, &head.headers);
                        preparing.private(held, (private, secrets), beside).await?
                    };
                    let asked = (endpoint, field.model.as_str());
                    (held, self.kept_local(found, targets, &table, asked, &action).await?)
                }
                None => (held, targets),
            };
            let prepared = preparing.body(held, field, &head.headers, endpoint).await?;
            let Outgoing { held, changed, estimate: expected } = prepared;
            estimate = Some(expected);
            let (field, held) = if changed {
                let (request, held) = understood(held, endpoint, self.limits.nesting).await?;
                (request.field, held)
            } else {
                (request.field, held)
            };
            in_body = endpoint.path_model.is_none().then_some(field);
            (action, targets, Some(held))
        } else {
            if !held.bytes().is_empty() {
                return Err(Refusal::Endpoint("a GET request has no body".into()));
            }
            withheld = self.withheld(head, endpoint, None).await?;
            let target = table.of_api(endpoint.api)?;
            let action = Action::ModelRequest { request: shown(head), refused: None };
            if let Some(private) = table.private.as_ref().filter(|_| !target.upstream.local) {
                let beside = headers::beside(&endpoint.target, &head.headers);
                let found = private.find_beside(&beside, self.private.now().as_deref());
                if !found.is_empty() {
                    let kinds: Vec<&str> = found.into_iter().collect();
                    self.keeps(&kinds, false, "a list of models").await?;
                    return Err(Refusal::Private(kinds.join(", ")));
                }
            }
            (action, vec![target], None)
        };
        let field = in_body;
        let action = &action;
        let table = &table;
        let routed = Routed { action, targets, field, table, estimate, withheld };
        self.call(head, endpoint, &routed, held).await
    }

    /// Whether what a request asks for besides words may be, and whether its results belong to calls that
    /// might be made.
    async fn permit(
        &self,
        request: &Understood,
        endpoint: &Endpoint,
        table: &Table,
    ) -> Result<(), Refusal> {
        let Asking { at_provider, results, stored, refused, .. } = &request.asking;
        if let Some(why) = refused {
            return Err(Refusal::AtProvider((*why).to_owned()));
        }
        // The provider has one memory for all that have the operator's key.
        if stored.iter().any(|id| self.stored.of(id).0 != Fate::Allowed) {
            return Err(Refusal::NotStored);
        }
        // OpenRouter's ways to ask for a search, and for a model with tools that somebody has put together there.
        let (name, preset) = request.field.model.split_once("@preset/").unzip();
        if preset.is_some() {
            return Err(Refusal::AtProvider(
                "`@preset/` names something that is stored at the provider, with a model and tools of its own".into(),
            ));
        }
        let name = name.unwrap_or(&request.field.model);
        let searches = name.split(':').skip(1).any(|word| word.eq_ignore_ascii_case("online"));
        if searches && !table.server_tools.contains(&ServerTool::WebSearch) {
            let why = not_named(Some(ServerTool::WebSearch), ":online");
            return Err(Refusal::AtProvider(why));
        }
        let named = |tool: &Option<_>| tool.is_some_and(|tool| table.server_tools.contains(&tool));
        if let Some((tool, kind)) = at_provider.iter().find(|(tool, _)| !named(tool)) {
            return Err(Refusal::AtProvider(not_named(*tool, kind)));
        }
        let subject = format!("{} {}", endpoint.name, request.field.model);
        // Whether a model looks there is not to be seen before it has.
        let brings = at_provider.iter().filter_map(|(tool, _)| match tool {
            Some(ServerTool::WebSearch | ServerTool::WebFetch) => Some(Untrusted::Web),
            Some(ServerTool::Mcp) => Some(Untrusted::Mcp),
            _ => None,
        });
        for how in brings.chain(searches.then_some(Untrusted::Web)) {
            if !self.authority.brought(how, &subject).await {
                return Err(Refusal::Denied(palisade_core::UNRECORDED.into()));
            }
        }
        let why = Results { calls: &self.calls, authority: &*self.authority }
            .check(results, &subject, table.deny_unknown_results)
            .await;
        why.map_or(Ok(()), |why| Err(Refusal::Results(why)))
    }

    /// The targets of a prompt that carries `found`, which only local ones may have.
    async fn kept_local(
        &self,
        found: BTreeSet<&'static str>,
        targets: Vec<Target>,
        table: &Table,
        (endpoint, model): (&Endpoint, &str),
        action: &Action,
    ) -> Result<Vec<Target>, Refusal> {
        if found.is_empty() {
            return Ok(targets);
        }
        let local = table.local_of_model(model, endpoint.api, endpoint.wire);
        let kinds: Vec<&str> = found.into_iter().collect();
        self.keeps(&kinds, !local.is_empty(), &action.subject()).await?;
        if local.is_empty() {
            return Err(Refusal::Private(kinds.join(", ")));
        }
        Ok(local)
    }

    /// Records what is kept from providers elsewhere. `goes`: a local one has it.
    async fn keeps(&self, kinds: &[&str], goes: bool, subject: &str) -> Result<(), Refusal> {
        let mut event = Event::observed("privacy", Layer::Inference, subject)
            .with("found", kinds.iter().map(|kind| (*kind).to_owned()).collect::<Vec<_>>());
        event.rule = Some("inference.local_only".into());
        event.reason = "it goes to a local provider only".into();
        if !goes {
            event.decision = Verdict::Deny;
            event.reason = "no route for its model leads to a local provider".into();
        }
        if self.authority.record(event).await {
            return Ok(());
        }
        Err(Refusal::Denied(palisade_core::UNRECORDED.into()))
    }
}

/// What a body says, as far as it is looked into.
struct Understood {
    field: ModelField,
    asking: Asking,
}

impl Understood {
    fn of(body: &[u8], endpoint: &Endpoint, nesting: usize) -> Result<Self, BodyError> {
        let field = match &endpoint.path_model {
            Some(model) => ModelField::of_path(body, model, nesting, endpoint.names_twice())?,
            None => ModelField::of(body, nesting)?,
        };
        let asking = Asking::of(body, endpoint.asks)?;
        let answered = endpoint.wire != Wire::Nothing;
        Ok(Self { field, asking: if answered { asking } else { asking.unanswered() } })
    }
}

/// Reads a body. A large one is read on a thread of its own, so that it holds up no stream.
async fn understood(
    held: Held,
    endpoint: &Endpoint,
    nesting: usize,
) -> Result<(Understood, Held), Refusal> {
    const LARGE: usize = 256 * 1024;
    let large = held.bytes().len() > LARGE;
    let endpoint = endpoint.clone();
    let read =
        move || Understood::of(held.bytes(), &endpoint, nesting).map(|request| (request, held));
    let read = if large {
        tokio::task::spawn_blocking(read).await.map_err(|_| Refusal::Incomplete)?
    } else {
        read()
    };
    Ok(read?)
}

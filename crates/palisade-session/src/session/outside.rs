//! What speaks to the outside for a sandbox: the models' gateway, and the credentials that programs inside do not have.

use std::sync::Arc;

use palisade_alarms::Decoys;
use palisade_core::Authority;
use palisade_egress::{OutboundProxy, SandboxCa, Services, credential::Credentials};
use palisade_inference::Gateway;

use super::recorded::close_refused;
use crate::{
    alarms,
    credentials::{self, Ready},
    hooks::{DOOR, DOOR_PORT, Door},
    live::Live,
    models,
    order::Order,
    pipeline::Pipeline,
    plan::Placeholders,
    refusal::{Refusal, Refuse},
};

/// The gateway to models, if the policy has one, and the services that are reached by names of their own.
pub(super) async fn models(
    order: &Order,
    pipeline: &Arc<Pipeline>,
    (outbound, certificates): (Option<Arc<OutboundProxy>>, Option<&Arc<SandboxCa>>),
    decoys: Option<&Decoys>,
) -> Result<(Option<Gateway>, Services), Refusal> {
    let authority: Arc<dyn Authority> = Arc::clone(pipeline) as _;
    let gateway = models::gateway(
        &order.policy,
        outbound,
        &order.operator,
        (Arc::clone(&authority), pipeline.unwritten()),
    );
    let gateway = match gateway.await {
        Ok(gateway) => gateway,
        Err(refusal) => return Err(close_refused(pipeline, refusal).await),
    };
    alarms::reach(decoys, gateway.as_ref());
    let services = door(pipeline)
        .and_then(|door| models::services(gateway.as_ref(), certificates, &authority, door));
    let services = match services {
        Ok(services) => services,
        Err(refusal) => return Err(close_refused(pipeline, refusal).await),
    };
    Ok((gateway, services))
}

/// The credentials for requests, and the variables that stand inside for them. What is secret of them is kept from models.
pub(super) async fn credentials(
    order: &Order,
    pipeline: &Arc<Pipeline>,
    placeholders: &Placeholders,
    decoys: Option<&Decoys>,
    live: &Live,
) -> Result<(Option<Arc<Credentials>>, Vec<(String, String)>), Refusal> {
    let authority: Arc<dyn Authority> = Arc::clone(pipeline) as _;
    let of_decoys = match alarms::credentials(decoys) {
        Ok(of_decoys) => of_decoys,
        Err(refusal) => return Err(close_refused(pipeline, refusal).await),
    };
    let (network, operator) = (&order.policy.network, &order.operator);
    let ready = credentials::read(network, operator, placeholders, of_decoys, authority);
    let Ready { credentials, variables, secrets } = match ready.await {
        Ok(ready) => ready,
        Err(refusal) => return Err(close_refused(pipeline, refusal).await),
    };
    live.keep_from_models(secrets);
    Ok((credentials, variables))
}

/// What agents inside tell of their hooks' events.
fn door(pipeline: &Arc<Pipeline>) -> Result<Services, Refusal> {
    let name = DOOR.parse().refuse("the name of the way for hooks", "report this")?;
    Ok(Services::new().with(name, DOOR_PORT, Arc::new(Door::new(Arc::clone(pipeline)))))
}

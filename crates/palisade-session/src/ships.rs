//! Where sessions go when they have ended. Nothing of this is there without `audit.ship` in the policy.

use std::time::Duration;

use palisade_export::ship::{self, Place, Shipper, Unshipped};
use palisade_journal::Journal;
use palisade_policy::{Audit, Ship};

use crate::{
    order::{Operator, Order},
    refusal::{Refusal, Refuse},
    secret::{self, AGAIN},
};

/// Begin to ship, if the policy says where to.
///
/// # Errors
/// A secret is missing, it cannot be noted what is to go, or there can be no further thread.
pub(crate) async fn start(order: &Order, journal: &Journal) -> Result<Option<Shipper>, Refusal> {
    let audit = &order.policy.audit;
    if audit.ship.is_empty() {
        return Ok(None);
    }
    let places = places(audit, &order.operator).await?;
    Shipper::start(&order.operator.state_dir, journal, places, audit.flush)
        .refuse(
            "the thread that ships sessions",
            "see the state folder and the limits of this user",
        )
        .map(Some)
}

/// Ship what is owed, or all that has ended: how many sessions are there now and were not, each counted for each place, and
/// what is left.
///
/// # Errors
/// A secret is missing, or there can be no runtime.
pub fn ship(
    audit: &Audit,
    operator: &Operator,
    all: bool,
    within: Duration,
) -> Result<(u64, Vec<Unshipped>), Refusal> {
    let places = secret::read_alone(places(audit, operator))?;
    ship::by_hand(&operator.state_dir, &places, all, within).refuse("start a runtime", AGAIN)
}

/// Every place with its secret.
async fn places(audit: &Audit, operator: &Operator) -> Result<Vec<Place>, Refusal> {
    let mut all = Vec::new();
    for ship in &audit.ship {
        let named = match ship {
            Ship::S3(s3) => s3.credential.as_ref().map(|it| (it.name.as_str(), &it.from)),
            _ => None,
        };
        let secret = secret::of_audit(named, operator, "ship").await?;
        all.push(Place { ship: ship.clone(), secret });
    }
    Ok(all)
}

//! How a session came to its end, for the journal and for the operator.

use palisade_core::{Event, Layer, SessionId};
use palisade_journal::Durability;
use palisade_workspace::{Outcome, WorkspaceError};

use super::Ended;
use crate::{
    limits::Account,
    pipeline::Pipeline,
    refusal::Refusal,
    supervise::{Cause, End},
};

/// Record the end.
pub(super) async fn finish(
    pipeline: &Pipeline,
    session: &SessionId,
    end: End,
    cause: &Cause,
    account: &Account,
    mut notices: Vec<String>,
    changes: Option<Result<Outcome, WorkspaceError>>,
) -> Result<Ended, Refusal> {
    let how = match end {
        End::Exited(code) => format!("exit {code}"),
        End::Killed(signal) => format!("signal {signal}"),
        End::Lost if cause.is_limit() || account.ended_by.is_some() => {
            "ended at a limit".to_owned()
        }
        End::Lost if matches!(cause, Cause::Alarm { .. }) => "ended by an alarm".to_owned(),
        End::Lost if matches!(cause, Cause::Later(_)) => "ended by the guard of names".to_owned(),
        End::Lost => "the sandbox was ended from outside".to_owned(),
    };
    let event = Event::observed("end", Layer::Process, how);
    let mut event = account.tell(event.with("status", u64::from(end.status())));
    let notice = match cause {
        Cause::Itself => account.ended_by.as_ref().map(|(rule, told)| {
            event.rule = rule.map(str::to_owned);
            told.clone()
        }),
        Cause::Limit(breach) => {
            event.rule = Some(breach.rule.to_owned());
            Some(format!("ended: {}", breach.what))
        }
        Cause::WallTime(limit) => {
            event.rule = Some("process.limits.wall_time".to_owned());
            Some(format!("ended after {} s, the policy's wall_time", limit.as_secs()))
        }
        Cause::Alarm { rule, title } => {
            event.rule = Some(rule.clone());
            Some(format!("ended by an alarm: {title}"))
        }
        Cause::Later(why) => Some(format!("ended: {why}")),
        Cause::Network(why) => Some(format!("ended because its network failed: {why}")),
        Cause::Hangup => Some("ended because its terminal is gone".to_owned()),
        Cause::Operator(user) => Some(format!("ended by palisade kill, of uid {user}")),
    };
    if let Some(notice) = &notice {
        event.reason.clone_from(notice);
    }
    notices.extend(notice);
    notices.extend(account.notice.clone());
    let mut changed = true;
    match changes {
        None | Some(Ok(Outcome::Unchanged)) => changed = false,
        Some(Ok(Outcome::Changed)) => event = event.with("overlay", "changed"),
        Some(Err(error)) => {
            event = event.with("overlay", format!("changed, not recorded: {error}"));
            notices.push(format!("the changes are kept, but {error}"));
        }
    }
    pipeline.look_at_last(&event).await;
    if let Err(error) = pipeline.journal().close(event, Durability::Written).await {
        notices.push(format!("the end could not be written to the journal: {error}"));
    }
    Ok(Ended {
        session: session.clone(),
        status: end.status(),
        denied: pipeline.denied(),
        changed,
        notices,
    })
}

use palisade_policy::ProcessLimits;
use palisade_sandbox::{
    Degraded, Ground, Limits,
    linux::{abilities::Kind, cgroup::Versions},
};

use super::who::Who;
use crate::order::Order;

/// Memory that scratch folders may take, as a part of the machine's.
const SCRATCH_SHARE: u64 = 4;

/// What the sandbox's init needs before there is a plan.
pub(crate) fn ground(order: &Order, who: &Who) -> Ground {
    let limits = &order.policy.process.limits;
    Ground {
        identity: who.identity.clone(),
        limits: Limits {
            memory: limits.memory,
            processes: limits.processes,
            cpu_thousandths: limits.cpu_thousandths,
            open_files: limits.open_files,
            file_bytes: limits.disk,
        },
        groups: Versions {
            one: !order.missing.contains(&Kind::CgroupV1),
            two: !order.missing.contains(&Kind::CgroupV2),
        },
        scratch_bytes: scratch_bytes(limits),
        network: true,
        degraded: Degraded::default(),
        forget: secrets(order),
    }
}

/// Where the operator's variables with secrets are: the values that credentials are read from.
fn secrets(order: &Order) -> Vec<(u64, u64)> {
    let providers =
        order.policy.inference.iter().flat_map(|inference| inference.providers.values());
    let of_providers = providers.filter_map(|it| Some(&it.credential.as_ref()?.from));
    let of_rules = order.policy.network.credentials.values().map(|credential| &credential.from);
    of_providers
        .chain(of_rules)
        .flat_map(|from| from.variables())
        .filter_map(|name| order.operator.variable(name))
        .filter_map(|value| {
            let bytes = value.as_encoded_bytes();
            let address = u64::try_from(bytes.as_ptr().addr()).ok()?;
            Some((address, u64::try_from(bytes.len()).ok()?))
        })
        .collect()
}

/// What the policy says; else a part of the machine's memory, and half of the sandbox's own, so
/// that a full folder is an error for who fills it and not the end of everything.
fn scratch_bytes(limits: &ProcessLimits) -> u64 {
    if let Some(bytes) = limits.scratch {
        return bytes;
    }
    let info = rustix::system::sysinfo();
    let machine = info.totalram.saturating_mul(u64::from(info.mem_unit));
    let share = (machine / SCRATCH_SHARE).max(64 << 20);
    limits.memory.map_or(share, |memory| share.min(memory / 2))
}

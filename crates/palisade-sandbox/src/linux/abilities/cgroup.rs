//! Whether this user may have control groups made. See [`crate::linux::cgroup`].

use super::State;
use crate::linux::cgroup::trial;

/// cgroup v2: a group of our own, or systemd to make one.
pub(super) fn v2() -> State {
    trial(2).map_or_else(State::Missing, State::Works)
}

/// cgroup v1: the memory, pids and cpu hierarchies.
pub(super) fn v1() -> State {
    trial(1).map_or_else(State::Missing, State::Works)
}

//! What this machine holds each limit by.

use serde_json::Value;

use crate::world::{Ran, World, finish};

/// How the limits of a test are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// By a control group: for all processes together.
    Group,
    /// One process at a time, and by looking.
    Process,
}

const WITHOUT: (&str, &str) = ("PALISADE_SIMULATE_MISSING", "cgroup-v1,cgroup-v2");

/// A world for each way in which limits can be held here, with this policy.
pub(crate) fn worlds(policy: &str) -> Vec<(By, World)> {
    let mut worlds = Vec::new();
    let Some(world) = World::new(policy) else { return worlds };
    if holder(&world, "memory").is_ok() {
        worlds.push((By::Group, world));
    } else {
        println!("note: no control group can be made here");
    }
    worlds.extend(
        World::new(policy).map(|world| (By::Process, world.with_variable(WITHOUT.0, WITHOUT.1))),
    );
    worlds
}

/// What holds a limit by the word of `doctor`: `Err` if that is weaker than the policy says.
fn holder(world: &World, limit: &str) -> Result<String, String> {
    let ran = finish(world.palisade().args(["doctor", "--json"]));
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let limits = report["limits"].as_array().unwrap();
    let found = limits.iter().find(|one| one["name"] == limit).unwrap();
    match found["weaker"].as_str() {
        None => Ok(found["held_by"].as_str().unwrap().to_owned()),
        Some(weaker) => Err(weaker.to_owned()),
    }
}

impl World {
    /// The last event, which says how it ended; the journal verifies.
    pub(crate) fn end(&self) -> Value {
        self.verify();
        let events = self.events();
        let end = events.last().unwrap().clone();
        assert_eq!(end["kind"], "end", "{end}");
        end
    }

    /// It was ended because of this limit, and everybody is told.
    pub(crate) fn assert_ended_by(&self, ran: &Ran, limit: &str) {
        let rule = format!("process.limits.{limit}");
        assert_eq!(ran.code, Some(137), "{ran}");
        assert!(ran.err.contains(&format!("({rule})")), "{ran}");
        let end = self.end();
        assert_eq!(end["rule"], rule.as_str(), "{end}");
        assert!(end["reason"].as_str().unwrap().contains(&rule), "{end}");
    }
}

#[test]
fn doctor_says_what_holds_each_limit() {
    let Some(world) = World::plain() else { return };
    for limit in ["memory", "processes", "cpus", "open_files", "disk", "scratch", "wall_time"] {
        holder(&world, limit).map_or_else(|weaker| assert!(!weaker.is_empty()), drop);
    }
    let world = world.with_variable(WITHOUT.0, WITHOUT.1);
    assert!(holder(&world, "memory").unwrap_err().contains("simulated as missing"));
    assert!(holder(&world, "processes").unwrap().contains("user namespace"));
    let text = finish(world.palisade().arg("doctor"));
    assert!(text.out.contains("A policy's limits are held by:"), "{text}");
}

/// What is weaker than the policy says is in the journal of every session it holds for.
#[test]
fn the_journal_says_which_limits_are_weaker() {
    for (by, world) in worlds("process: {limits: {memory: 512MiB, cpus: 1, processes: 500}}") {
        world.inside_sh("true").good();
        let events = world.events();
        let weaker = events.iter().find(|event| event["kind"] == "limits");
        match by {
            By::Group => assert!(weaker.is_none(), "{weaker:?}"),
            By::Process => {
                let weaker = weaker.unwrap();
                let reason = weaker["reason"].as_str().unwrap();
                assert!(reason.contains("memory: ") && reason.contains("cpus: "), "{weaker}");
                assert!(!reason.contains("processes: "), "{weaker}");
                assert!(weaker["detail"]["processes"].is_string(), "{weaker}");
            }
        }
        world.verify();
    }
}

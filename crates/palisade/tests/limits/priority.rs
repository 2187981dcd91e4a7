//! Priority over others.

use std::process::Command;

use crate::{
    tools,
    world::{World, finish},
};

const TRY: &str = r#"
import os
def attempt(name, act):
    try:
        act()
    except OSError as error:
        print(name, error.strerror)
    else:
        print(name, "worked")
attempt("fifo", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10)))
attempt("rr", lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10)))
attempt("nice", lambda: os.setpriority(os.PRIO_PROCESS, 0, -5))
attempt("kinder", lambda: os.setpriority(os.PRIO_PROCESS, 0, 5))
"#;

fn raises_rlimits() -> bool {
    let mut raise = Command::new("prlimit");
    finish(raise.args(["--rtprio=50:50", "--nice=30:30", "--", "true"])).code == Some(0)
}

/// Whoever starts Palisade may have been given a higher priority; the agent is not.
#[test]
fn takes_real_time_priority_or_a_negative_nice() {
    let Some(world) = World::plain() else { return };
    let inside = world.inside_python(TRY);
    let lines: Vec<&str> = inside.good().lines().collect();
    assert!(lines[..3].iter().all(|line| !line.ends_with("worked")), "{inside}");
    assert_eq!(lines[3], "kinder worked", "{inside}");
    if !tools::is_root() {
        // Nor may an ordinary user outside, unless the rlimits below are raised for them.
        return;
    }
    assert_eq!(world.outside_python(TRY).good().matches("worked").count(), 4);
    // The rlimits are raised only if the system lets root do so.
    if !raises_rlimits() {
        println!(
            "note: rlimits cannot be raised here, so it is not shown that they are lowered inside"
        );
        return;
    }
    let given = |mut command: Command| {
        let program = command.get_program().to_owned();
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let mut outer = Command::new("prlimit");
        outer.args(["--rtprio=50:50", "--nice=30:30", "--"]).arg(program).args(arguments);
        let set = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        outer.env_clear().envs(set).current_dir(command.get_current_dir().unwrap());
        command = outer;
        finish(&mut command)
    };
    let inside = given(world.run(&["/usr/bin/python3", "-c", TRY]));
    assert_eq!(inside.good().matches("worked").count(), 1, "{inside}");
    let shown = given(world.run(&["/bin/sh", "-c", "ulimit -r; ulimit -e"]));
    assert_eq!(shown.good(), "0\n0", "{shown}");
}

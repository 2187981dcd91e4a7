//! Processor time, measured as such: how busy the machine is does not matter.

use crate::{
    holding::{By, worlds},
    world::World,
};

/// Four processes that do nothing but work, for three seconds; prints the processor time that they
/// had for each second.
const HOG: &str = r#"
import os, time
began = time.monotonic()
for _ in range(4):
    if os.fork() == 0:
        while time.monotonic() < began + 3: pass
        os._exit(0)
for _ in range(4): os.wait()
used = os.times()
print((used.children_user + used.children_system) / (time.monotonic() - began))
"#;

fn share(ran: &crate::world::Ran) -> f64 {
    ran.good().parse().unwrap()
}

#[test]
fn hogs_the_processors() {
    for (by, world) in worlds("process: {limits: {cpus: 0.5}}") {
        // Others have a part of the machine too; at some time there is more than half a processor.
        let most = (0..5).map(|_| share(&world.outside_python(HOG))).fold(0.0, f64::max);
        assert!(most > 0.65, "outside {most} of a processor could be had");
        let inside = world.inside_python(HOG);
        // The kernel hands out slices, so it may be a little more; without a group half a
        // processor is held as one.
        let limit = if by == By::Group { 0.6 } else { 1.05 };
        assert!(share(&inside) < limit, "{by:?}: {inside}");
        let end = world.end();
        assert_eq!(end["rule"], serde_json::Value::Null, "throttling ends nothing: {end}");
        if by == By::Group {
            assert!(end["detail"]["throttled_ms"].as_u64().unwrap() > 0, "{end}");
        }
    }
}

/// Where the choice of processors is what holds the limit, the agent does not make it.
#[test]
fn moves_to_other_processors() {
    let program = "import os\n\
         before = os.sched_getaffinity(0)\n\
         try: os.sched_setaffinity(0, range(os.cpu_count()))\n\
         except OSError as error: print(error.strerror)\n\
         else: print('moved')\n\
         print(len(before), len(os.sched_getaffinity(0)))\n";
    for (by, world) in worlds("process: {limits: {cpus: 1}}") {
        let inside = world.inside_python(program);
        let lines: Vec<&str> = inside.good().lines().collect();
        match by {
            By::Group => assert_eq!(lines[0], "moved", "{inside}"),
            By::Process => assert_eq!(lines, ["Operation not permitted", "1 1"], "{inside}"),
        }
    }
    let Some(world) = World::plain() else { return };
    assert!(world.inside_python(program).good().starts_with("moved"));
}

use palisade_audit::{
    AuditError,
    cause::{How, chain},
    session::find,
};
use palisade_core::{Event, Layer, Verdict};

use crate::fixture::{State, allowed, event};

/// What an agent does that asks a model, is told to run a command, and runs it; a second one goes on beside.
fn work() -> Vec<Event> {
    let parents = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    vec![
        allowed("launch", Layer::Process, "agent"), // 2
        allowed("exec", Layer::Process, "/usr/bin/agent").with("process", "2@10"), // 3
        allowed("model_call", Layer::Inference, "messages m").with("exchange", 1), // 4
        allowed("tool_call", Layer::Inference, "Bash make") // 5
            .with("exchange", 1)
            .with("call", "toolu_1"),
        Event::observed("model_answer", Layer::Inference, "messages m").with("exchange", 1), // 6
        allowed("model_call", Layer::Inference, "messages m").with("exchange", 2),           // 7
        allowed("tool_call", Layer::Inference, "Read x")
            .with("exchange", 2)
            .with("call", "toolu_2"), // 8
        allowed("exec", Layer::Process, "/bin/sh -c make") // 9
            .with("process", "7@50")
            .with("parents", parents(&["2@10"]))
            .with("call", "toolu_1")
            .with("call_by", "text"),
        allowed("exec", Layer::Process, "/usr/bin/curl x") // 10
            .with("process", "9@60")
            .with("parents", parents(&["8@55", "7@50", "2@10"])),
        allowed("request", Layer::Egress, "GET https://a.example/") // 11
            .with("connection", 4)
            .with("host", "a.example"),
        allowed("connect", Layer::Egress, "a.example:443") // 12
            .with("connection", 4)
            .with("host", "a.example")
            .with("process", "9@60")
            .with("parents", parents(&["7@50", "2@10"])),
        // Another process with the number of one that has ended.
        event("syscall", Layer::Process, Verdict::Deny, "mount") // 13
            .with("process", "9@99")
            .with("parents", parents(&["2@10"])),
        event("access", Layer::Files, Verdict::Deny, "/etc/shadow"), // 14
        allowed("tool_call", Layer::Tool, "Bash make").with("call", "toolu_1"), // 15
    ]
}

fn of(state: &State, seq: u64) -> Vec<(How, u64)> {
    let id = find(state.path(), "work").unwrap();
    let chain = chain(state.path(), &id, seq).unwrap();
    assert_eq!(chain.event.seq, seq);
    chain.cause.iter().map(|link| (link.how, link.event.seq)).collect()
}

#[test]
fn a_request_leads_back_to_the_models_call() {
    let state = State::new();
    state.session(1, Some("work"), work());
    let back = [(How::Text, 5), (How::Number, 4), (How::Session, 2)];
    let expected =
        [&[(How::Number, 12), (How::Process, 10), (How::Process, 9)][..], &back].concat();
    assert_eq!(of(&state, 11), expected);
    assert_eq!(of(&state, 12), expected[1..]);
    assert_eq!(of(&state, 10), expected[2..]);
    assert_eq!(of(&state, 9), back);
    assert_eq!(of(&state, 6), [(How::Number, 4), (How::Session, 2)]);
    assert_eq!(of(&state, 15), [(How::Call, 5), (How::Number, 4), (How::Session, 2)]);
    assert_eq!(of(&state, 2), []);
}

#[test]
fn a_number_that_was_given_again_is_another_process() {
    let state = State::new();
    state.session(1, Some("work"), work());
    // Of the agent itself, and of no command that another process of its number ran. That of the agent's has
    // no tool call by text, and so the newest is told, as inferred.
    assert_eq!(of(&state, 13)[0], (How::Process, 3));
}

#[test]
fn what_has_no_id_is_told_as_inferred() {
    let state = State::new();
    let id = state.session(1, Some("work"), work());
    let links = chain(state.path(), &id, 14).unwrap().cause;
    assert_eq!((links[0].how, links[0].event.seq, links[0].by_id), (How::Time, 8, false));
    assert!(links[0].says.starts_with("inferred"));
    assert!(links[1].by_id);
}

#[test]
fn an_answer_of_the_operators_is_told() {
    let state = State::new();
    let ask = event("connect", Layer::Egress, Verdict::Ask, "b.example:443");
    let answer = allowed("approval", Layer::Supervisor, "b.example:443").with("principal", "uid 0");
    let mut connect = allowed("connect", Layer::Egress, "b.example:443");
    connect.rule = Some("approval".into());
    let id = state.session(1, None, vec![ask, answer, connect]);
    let chain = chain(state.path(), &id, 4).unwrap();
    assert_eq!(chain.permitted_by.unwrap().event.seq, 3);
}

#[test]
fn a_session_is_named_by_its_id_the_beginning_of_it_or_its_name() {
    let state = State::new();
    let id = state.session(1, Some("work"), work());
    for name in [id.as_str(), id.short(), "work"] {
        assert_eq!(find(state.path(), name).unwrap(), id);
    }
    state.session(2, Some("work"), Vec::new());
    assert!(matches!(find(state.path(), "work"), Err(AuditError::Ambiguous { count: 2, .. })));
    for none in ["", "s-", "nobody", "\u{1b}[2J"] {
        assert!(matches!(find(state.path(), none), Err(AuditError::NoSession(_))), "{none}");
    }
    assert!(matches!(chain(state.path(), &id, 99), Err(AuditError::NoEvent { seq: 99, .. })));
}

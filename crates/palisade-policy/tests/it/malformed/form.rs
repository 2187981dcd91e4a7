use insta::assert_snapshot;

use super::at_marks;

#[test]
fn what_is_no_yaml_of_a_policy() {
    let laughs: String = std::iter::once("palisade: 1\na: ▸&a [x, x]\n".to_owned())
        .chain(('b'..='i').map(|c| {
            let before = char::from_u32(u32::from(c) - 1).unwrap();
            format!("{c}: &{c} [*{before}, *{before}, *{before}, *{before}]\n")
        }))
        .collect();
    let deep = format!("palisade: 1\nextends: {}▸[{}\n", "[".repeat(31), "]".repeat(32));
    let many = format!("palisade: 1\nextends: [{}▸x, x]\n", "x, ".repeat(19_995));
    let said = at_marks(&[
        ("bracket_not_closed", "palisade: 1\nextends: ▸[shell\n"),
        ("brace_not_closed", "palisade: 1\nnetwork: ▸{unknown: deny\n"),
        ("wrong_bracket", "palisade: 1\nextends: ▸[shell}\n"),
        ("quote_not_closed", "palisade: 1\nextends: [▸\"shell]\n"),
        ("text_behind_a_quote", "palisade: 1\nextends: [\"shell\"▸x]\n"),
        ("escape_in_quotes", "palisade: 1\nfilesystem: {read: [▸\"C:\\data\"]}\n"),
        ("colon_in_a_value", "palisade: 1\ncredentials:\n  a: {header: x▸: y}\n"),
        ("key_without_colon", "palisade: 1\n▸network\nprocess: {}\n"),
        ("indented_differently", "palisade: 1\nnetwork:\n  unknown: deny\n   expose▸: []\n"),
        ("wildcard_without_quotes", "palisade: 1\nnetwork: {rules: [{hosts: [▸*.github.com]}]}\n"),
        ("at_sign", "palisade: 1\nextends: [▸@team]\n"),
        ("backtick", "palisade: 1\nextends: [▸`shell`]\n"),
        ("anchor", "palisade: 1\nextends: ▸&all [shell]\n"),
        ("alias_bomb", &laughs),
        ("merge_key", "palisade: 1\nnetwork:\n  ▸<<: {unknown: deny}\n"),
        ("tag", "palisade: 1\nextends: [▸!include x.yaml]\n"),
        ("second_document", "palisade: 1\n▸---\npalisade: 1\n"),
        ("nested_too_deep", &deep),
        ("too_many_parts", &many),
    ]);
    assert_snapshot!("yaml", said);
}

#[test]
fn keys_that_do_not_belong() {
    let said = at_marks(&[
        ("misspelt_section", "palisade: 1\n▸filesytem: {}\n"),
        ("capital", "palisade: 1\n▸Network: {}\n"),
        ("unknown_section", "palisade: 1\n▸mounts: []\n"),
        ("of_another_table", "palisade: 1\n▸rules: []\n▸memory: 4GiB\n"),
        ("misspelt_key", "palisade: 1\nprocess: {limits: {▸procesess: 5}}\n"),
        ("several", "palisade: 1\n▸netwrok: {}\nprocess: {▸env: {}}\nfilesystem: {▸exec: []}\n"),
        ("twice", "palisade: 1\nnetwork: {}\n▸network: {}\n"),
        ("twice_below", "palisade: 1\nfilesystem:\n  read: [/usr]\n  ▸read: [/opt]\n"),
        (
            "twice_quoted",
            "palisade: 1\ncredentials: {a: {from: {env: A}}, ▸\"a\": {from: {env: B}}}\n",
        ),
        ("missing", "palisade: 1\ninference: {providers: {local: ▸{api: openai}}}\n"),
        ("missing_two", "palisade: 1\ninference: {routes: [▸▸{as: x}]}\n"),
        ("hook_event", "palisade: 1\nhooks: {▸PreToolUs: []}\n"),
        ("source_of_a_secret", "palisade: 1\ncredentials: {a: {from: {▸environment: A}}}\n"),
        ("two_sources", "palisade: 1\ncredentials: {a: {from: ▸{env: A, file: b}}}\n"),
        (
            "http_verdict",
            "palisade: 1\nnetwork: {rules: [{hosts: [a.b], http: [{▸permit: {}}]}]}\n",
        ),
    ]);
    assert_snapshot!("keys", said);
}

#[test]
fn values_of_the_wrong_type() {
    let said = at_marks(&[
        ("no_table", "▸- palisade: 1\n"),
        ("one_word", "▸palisade\n"),
        ("version_missing", "▸network: {}\n"),
        ("version_missing_and_more", "▸netwrok: {}\n"),
        ("version_2", "palisade: ▸2\nsandboxes: {}\n"),
        ("version_in_words", "palisade: ▸one\n"),
        ("text_for_a_list", "palisade: 1\nfilesystem: {read: ▸/usr}\n"),
        ("list_for_a_table", "palisade: 1\nnetwork: ▸[api.github.com]\n"),
        ("table_for_text", "palisade: 1\nfilesystem: {read: [▸{path: /usr}]}\n"),
        ("text_for_a_table", "palisade: 1\nfilesystem: {workspace: ▸rw}\n"),
        ("home_without_quotes", "palisade: 1\nfilesystem: {read: [▸~]}\n"),
        ("word", "palisade: 1\nfilesystem: {workspace: {access: ▸readwrite}}\n"),
        ("word_in_capitals", "palisade: 1\nnetwork: {unknown: ▸DENY}\n"),
        ("yes", "palisade: 1\naudit: {ocsf: ▸yes}\n"),
        ("port_by_name", "palisade: 1\nnetwork: {rules: [{hosts: [a.b], ports: [▸https]}]}\n"),
        ("port_range", "palisade: 1\nnetwork: {rules: [{hosts: [a.b], ports: ▸8000-8080}]}\n"),
        ("half_a_port", "palisade: 1\nnetwork: {rules: [{hosts: [a.b], ports: [▸80.5]}]}\n"),
        ("negative", "palisade: 1\nprocess: {limits: {processes: ▸-1}}\n"),
        ("huge_number", "palisade: 1\nprocess: {limits: {open_files: ▸1e30}}\n"),
        (
            "longer_than_a_number",
            "palisade: 1\nprocess: {limits: {processes: ▸99999999999999999999999}}\n",
        ),
        ("size_without_unit", "palisade: 1\nprocess: {limits: {memory: ▸lots}}\n"),
        ("size_of_nothing", "palisade: 1\nprocess: {limits: {memory: ▸0GiB}}\n"),
        ("size_that_overflows", "palisade: 1\nprocess: {limits: {disk: ▸99999999999TiB}}\n"),
        ("size_below_nothing", "palisade: 1\nprocess: {limits: {memory: ▸-4GiB}}\n"),
        ("time_without_unit", "palisade: 1\nprocess: {limits: {wall_time: ▸90}}\n"),
        ("variable_with_a_list", "palisade: 1\nprocess: {environment: {set: {CI: ▸[1]}}}\n"),
        ("variables_as_a_list", "palisade: 1\nprocess: {environment: {set: ▸[CI=1]}}\n"),
        ("secret_in_one_word", "palisade: 1\ncredentials: {a: {from: ▸GITHUB_TOKEN}}\n"),
        ("nothing_for_a_rule", "palisade: 1\nnetwork: {rules: [▸~]}\n"),
        (
            "api_of_another",
            "palisade: 1\ninference: {providers: {a: {api: ▸google, url: \"https://a.b\"}}}\n",
        ),
        (
            "hook_of_another_kind",
            "palisade: 1\nhooks: {Stop: [{hooks: [{type: ▸prompt, command: x}]}]}\n",
        ),
        (
            "all_at_once",
            "palisade: 1\nfilesystem:\n  read: ▸/usr\n  ▸deney: []\nnetwork:\n  rules:\n    - \
             {hosts: ▸a.b, ports: [▸x]}\nskills: {block: ▸hihg}\n",
        ),
    ]);
    assert_snapshot!("types", said);
}

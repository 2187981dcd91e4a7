use insta::assert_snapshot;

use super::at_marks;

#[test]
fn filesystem() {
    let said = at_marks(&[
        (
            "workspace_of_the_machine",
            "palisade: 1\nfilesystem: {workspace: {path: ▸/proc/1/root}}\n",
        ),
        ("workspace_above_the_policy", "palisade: 1\nfilesystem: {workspace: {path: ▸../..}}\n"),
        ("workspace_glob", "palisade: 1\nfilesystem: {workspace: {path: ▸\"src/*\"}}\n"),
        ("whole_machine", "palisade: 1\nfilesystem: {read: [▸/]}\n"),
        ("whole_machine_in_disguise", "palisade: 1\nfilesystem: {read: [▸/usr/../.]}\n"),
        ("device", "palisade: 1\nfilesystem: {write: [▸/dev/kmsg]}\n"),
        ("above_the_policy", "palisade: 1\nfilesystem: {read: [▸../../shared]}\n"),
        ("above_the_home", "palisade: 1\nfilesystem: {read: [▸~/../eve/.ssh]}\n"),
        ("another_home", "palisade: 1\nfilesystem: {read: [▸~eve/notes]}\n"),
        ("variable", "palisade: 1\nfilesystem: {read: [▸$HOME/notes]}\n"),
        ("empty_path", "palisade: 1\nfilesystem: {read: [▸\"\", ▸\" \"]}\n"),
        (
            "hidden_in_an_escape",
            "palisade: 1\nfilesystem: {read: [▸\"/srv/a\\u202eb\", ▸\"/srv/\\0\"]}\n",
        ),
        ("glob_for_reading", "palisade: 1\nfilesystem: {read: [▸\"~/*.md\"]}\n"),
        ("twice", "palisade: 1\nfilesystem: {read: [/usr/, ▸/usr/./]}\n"),
        ("read_and_write", "palisade: 1\nfilesystem: {read: [▸/srv/data], write: [/srv/data]}\n"),
        (
            "granted_and_denied",
            "palisade: 1\nfilesystem: {write: [▸~/.ssh/config], deny: [~/.ssh]}\n",
        ),
        ("deny_everything", "palisade: 1\nfilesystem: {deny: [▸/, ▸\"**/*\", ▸\"/**\"]}\n"),
        ("deny_the_workspace", "palisade: 1\nfilesystem: {workspace: {path: src}, deny: [▸.]}\n"),
        (
            "deny_with_an_exception",
            "palisade: 1\nfilesystem: {deny: [\"**/.env\", ▸\"!**/test/.env\"]}\n",
        ),
        ("deny_twice", "palisade: 1\nfilesystem: {deny: [~/.ssh, ▸~/.ssh/]}\n"),
        ("broken_glob", "palisade: 1\nfilesystem: {deny: [▸\"*.{pem,key\", ▸\"id_[rsa\"]}\n"),
        ("glob_above_the_policy", "palisade: 1\nfilesystem: {deny: [▸\"../*.pem\"]}\n"),
    ]);
    assert_snapshot!("filesystem", said);
}

#[test]
fn network() {
    let rule = |rule: &str| format!("palisade: 1\nnetwork:\n  rules:\n    - {rule}\n");
    let rules = [
        ("names_nothing", "▸{ports: [443]}"),
        ("host_with_a_blank", "{hosts: [▸\"a b.example\"]}"),
        ("empty_label", "{hosts: [▸a..example]}"),
        ("empty_host", "{hosts: [▸\"\", ▸\".\"]}"),
        ("address_as_a_name", "{hosts: [▸10.1.2.3, ▸\"[::1]\", ▸127.1, ▸0x7f.1]}"),
        ("url_as_a_host", "{hosts: [▸\"https://a.example\", ▸a.example/x]}"),
        ("port_in_a_host", "{hosts: [▸a.example:443]}"),
        ("user_in_a_host", "{hosts: [▸user@a.example]}"),
        ("broken_punycode", "{hosts: [▸xn--zz--.example]}"),
        (
            "label_too_long",
            "{hosts: [▸aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example]}",
        ),
        ("wildcard_inside", "{hosts: [▸\"api.*.example\", ▸\"*\", ▸\"*api.example\"]}"),
        ("host_twice", "{hosts: [API.example., ▸api.example]}"),
        ("gateway", "{hosts: [▸inference.local]}"),
        ("port_0", "{hosts: [a.example], ports: [▸0]}"),
        ("port_70000", "{hosts: [a.example], ports: [443, ▸70000]}"),
        ("no_ports", "{hosts: [a.example], ports: ▸[]}"),
        ("no_programs", "{hosts: [a.example], binaries: ▸[]}"),
        ("program_by_name", "{hosts: [a.example], binaries: [▸git]}"),
        (
            "digest_of_a_program",
            "{hosts: [a.example], binaries: [▸\"sha256:12\", ▸\"/usr/bin/[\", ▸\"~other/x\"]}",
        ),
        ("records", "{hosts: [\"*.a.example\"], records: ▸[TXT]}"),
        ("record_of_no_kind", "{hosts: [a.example], records: [▸HTTPS]}"),
        ("records_of_an_address", "{addresses: [10.1.2.3], records: ▸[SRV]}"),
        ("no_address", "{addresses: [▸localhost]}"),
        ("bits_behind_the_prefix", "{addresses: [▸10.1.2.3/24]}"),
        ("prefix_too_long", "{addresses: [▸10.1.2.0/33]}"),
        ("link_local", "{addresses: [▸169.254.0.0/16, ▸fe80::/10]}"),
        ("mapped", "{addresses: [▸\"::ffff:10.0.0.0/104\"]}"),
        ("nobody_there", "{addresses: [▸0.0.0.0, ▸224.0.0.1, ▸255.255.255.255, ▸\"::\"]}"),
        ("passthrough_with_http", "{hosts: [a.example], tls: ▸passthrough, http: [{allow: {}}]}"),
        ("http_after_all", "{hosts: [a.example], http: [{deny: {}}, ▸{allow: {paths: [/x]}}]}"),
        (
            "http_after_the_same",
            "{hosts: [a.example], http: [{allow: {methods: [GET], paths: [/x]}}, ▸{deny: {methods: [GET], paths: [/x]}}]}",
        ),
        ("http_method", "{hosts: [a.example], http: [{allow: {methods: [▸get, ▸\"\"]}}]}"),
        ("http_path", "{hosts: [a.example], http: [{allow: {paths: [▸repos/**, ▸/x?y=1]}}]}"),
        ("http_nothing", "{hosts: [a.example], http: ▸[]}"),
        ("http_no_methods", "{hosts: [a.example], http: [{allow: {methods: ▸[]}}]}"),
        (
            "http_path_of_two_meanings",
            "{hosts: [a.example], http: [{allow: {paths: [▸/a/../b, ▸/a%20b, ▸/a//b, ▸\"/a;b\", ▸/a**]}}]}",
        ),
        ("http_host", "{hosts: [\"*.a.example\"], http: [{allow: {hosts: [▸b.example]}}]}"),
        (
            "http_header",
            "{hosts: [a.example], http: [{allow: {headers: {Host: ▸[b], \"a b\": ▸[c], Accept: ▸[]}}}]}",
        ),
        (
            "http_query",
            "{hosts: [a.example], http: [{deny: {query: {\"\": ▸[b], q: [▸\"\\t\"]}}}]}",
        ),
        (
            "http_tools_of_no_call",
            "{hosts: [a.example], http: [{allow: {json_rpc: {methods: [initialize], tools: ▸[x]}}}]}",
        ),
        ("http_for_addresses", "{addresses: [10.1.2.3], http: ▸[{allow: {}}]}"),
        ("limits_for_addresses", "{addresses: [10.1.2.3], limits: ▸{sent: 1MiB}}"),
        ("requests_unseen", "{hosts: [a.example], limits: {requests_per_minute: ▸5}}"),
        ("rule_name", "{hosts: [a.example], name: ▸\"git hub\"}"),
        ("no_credential", "{hosts: [a.example], credential: ▸github}"),
    ];
    let documents: Vec<_> = rules.iter().map(|(name, text)| (*name, rule(text))).collect();
    let documents: Vec<_> = documents.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let said = at_marks(&documents);
    assert_snapshot!("rules", said);
    let said = at_marks(&[
        (
            "passthrough_with_credential",
            "palisade: 1\ncredentials: {a: {from: {env: A}}}\nnetwork:\n  rules:\n    - {hosts: \
             [a.example], credential: a, tls: ▸passthrough}\n",
        ),
        (
            "two_of_a_name",
            "palisade: 1\nnetwork:\n  rules:\n    - {name: a, hosts: [a.example]}\n    - {name: \
             ▸a, hosts: [b.example]}\n",
        ),
        (
            "never_counts",
            "palisade: 1\nnetwork:\n  rules:\n    - {hosts: [\"**.example\"], ports: [80, 443]}\n    \
             - ▸{hosts: [api.example], http: [{allow: {methods: [GET]}}]}\n",
        ),
        ("expose_0", "palisade: 1\nnetwork: {expose: [▸0, 3000, ▸65536]}\n"),
        ("fixed_wildcard", "palisade: 1\nnetwork: {hosts: {\"*.internal\": ▸[10.1.2.3]}}\n"),
        ("fixed_to_a_name", "palisade: 1\nnetwork: {hosts: {db.internal: [▸localhost]}}\n"),
        ("fixed_to_nothing", "palisade: 1\nnetwork: {hosts: {db.internal: ▸[]}}\n"),
        ("fixed_to_nobody", "palisade: 1\nnetwork: {hosts: {ads.example: [▸0.0.0.0]}}\n"),
        (
            "fixed_twice",
            "palisade: 1\nnetwork: {hosts: {DB.internal: [10.1.2.3], db.internal.: ▸[10.1.2.4]}}\n",
        ),
        ("fixed_gateway", "palisade: 1\nnetwork: {hosts: {inference.local: ▸[10.1.2.3]}}\n"),
    ]);
    assert_snapshot!("network", said);
}

#[test]
fn credentials() {
    let said = at_marks(&[
        ("from_nowhere", "palisade: 1\ncredentials: {a: ▸{header: \"x: {secret}\"}}\n"),
        (
            "no_placeholder",
            "palisade: 1\ncredentials: {a: {from: {env: A}, header: ▸\"x-api-key: key\"}}\n",
        ),
        (
            "two_placeholders",
            "palisade: 1\ncredentials: {a: {from: {env: A}, header: ▸\"x: {secret}{secret}\"}}\n",
        ),
        (
            "placeholder_in_the_name",
            "palisade: 1\ncredentials: {a: {from: {env: A}, header: ▸\"{secret}: x\"}}\n",
        ),
        (
            "line_end_in_a_header",
            "palisade: 1\ncredentials: {a: {from: {env: A}, header: ▸\"x: {secret}\\r\\nhost: b\"}}\n",
        ),
        (
            "header_that_frames",
            "palisade: 1\ncredentials: {a: {from: {env: A}, header: ▸\"Host: {secret}\"}}\n",
        ),
        (
            "header_not_ascii",
            "palisade: 1\ncredentials: {a: {from: {env: A}, header: ▸\"x: ü{secret}\"}}\n",
        ),
        ("variable", "palisade: 1\ncredentials: {a: {from: ▸{env: \"A-B\"}, expose: ▸1A}}\n"),
        (
            "empty_command",
            "palisade: 1\ncredentials: {a: {from: ▸{command: []}}, b: {from: ▸{command: \" \"}}}\n",
        ),
        ("file_above_the_policy", "palisade: 1\ncredentials: {a: {from: ▸{file: ../key}}}\n"),
        (
            "both_kinds",
            "palisade: 1\ncredentials: {a: {from: {env: A}, ssh: ▸{keys: [x], hosts: [b.c]}}}\n",
        ),
        ("ssh_without_keys", "palisade: 1\ncredentials: {a: {ssh: ▸{keys: [], hosts: [b.c]}}}\n"),
        (
            "ssh_host",
            "palisade: 1\ncredentials: {a: {ssh: {keys: [\"SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDPSwBwYTiI9Cme0pc\"], hosts: [▸\"git@b.c\", ▸\"*.b.c\"]}}}\n",
        ),
        ("name", "palisade: 1\ncredentials: {\"a b\": ▸{from: {env: A}}}\n"),
        (
            "two_in_one_variable",
            "palisade: 1\ncredentials: {a: {from: {env: A}, expose: T}, b: {from: {env: B}, expose: ▸T}}\n",
        ),
        (
            "secret_passed",
            "palisade: 1\ncredentials: {a: {from: {env: GH_TOKEN}}}\nprocess: {environment: {pass: \
             [▸GH_TOKEN, ▸\"GH_*\"]}}\n",
        ),
    ]);
    let said = said
        + &at_marks(&[
            (
                "tokens_over_plain_http",
                "palisade: 1\ncredentials: {a: {from: ▸{oauth2: {token_url: \"http://a.example/t\", client_id: c, client_secret: {env: S}}}}}\n",
            ),
            (
                "tokens_for_nothing",
                "palisade: 1\ncredentials: {a: {from: ▸{oauth2: {token_url: \"https://a.example/t\", client_id: c}}}}\n",
            ),
            (
                "aws_with_a_secret_key",
                "palisade: 1\ncredentials: {a: {from: {env: A}, aws: ▸{access_key: wJalrXUtnFEMI/K7}}}\n",
            ),
            (
                "aws_in_a_header",
                "palisade: 1\ncredentials: {a: {from: {env: A}, header: \"a: {secret}\", aws: ▸{access_key: AKIA}}}\n",
            ),
            (
                "aws_without_a_key_for_a_rule",
                "palisade: 1\ncredentials: {a: {from: {env: A}, aws: {}}}\nnetwork: {rules: [{name: r, hosts: [b.c], ports: [443], credential: ▸a}]}\n",
            ),
            (
                "ssh_key_by_its_path",
                "palisade: 1\ncredentials: {a: {ssh: {keys: [▸~/.ssh/id_ed25519, ▸\"SHA256:x\"], hosts: [b.c]}}}\n",
            ),
            (
                "ssh_key_in_a_header",
                "palisade: 1\ncredentials: {a: {header: ▸\"x: {secret}\", ssh: {keys: [\"SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDPSwBwYTiI9Cme0pc\"], hosts: [b.c]}}}\n",
            ),
            (
                "ssh_key_for_requests",
                "palisade: 1\ncredentials: {a: {ssh: {keys: [\"SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDPSwBwYTiI9Cme0pc\"], hosts: [b.c]}}}\nnetwork: {rules: [{hosts: [b.c], credential: ▸a}]}\n",
            ),
            (
                "query_without_secret",
                "palisade: 1\ncredentials: {a: {from: {env: A}, query: ▸\"key=x\"}}\n",
            ),
            (
                "query_with_two_fields",
                "palisade: 1\ncredentials: {a: {from: {env: A}, query: ▸\"a={secret}&b=1\"}}\n",
            ),
            (
                "header_and_query",
                "palisade: 1\ncredentials: {a: {from: {env: A}, header: \"a: {secret}\", query: ▸\"a={secret}\"}}\n",
            ),
            (
                "base64_without_end",
                "palisade: 1\ncredentials: {a: {from: {env: A}, header: ▸\"a: Basic base64(u:{secret}\"}}\n",
            ),
            (
                "refresh_of_a_variable",
                "palisade: 1\ncredentials: {a: {from: {env: A}, refresh: ▸1h}, b: {from: {file: /k}, refresh: ▸1s}}\n",
            ),
            ("keyring_of_nothing", "palisade: 1\ncredentials: {a: {from: ▸{keyring: {}}}}\n"),
            (
                "keyring_with_an_option",
                "palisade: 1\ncredentials: {a: {from: ▸{keyring: {\"--all\": x}}}}\n",
            ),
            (
                "vault_over_plain_http",
                "palisade: 1\ncredentials: {a: {from: ▸{vault: {url: \"http://vault.example\", path: a, token: {env: T}}}}}\n",
            ),
            (
                "vault_by_a_name_like_loopback",
                "palisade: 1\ncredentials: {a: {from: ▸{vault: {url: \"http://127.0.0.1.example\", path: a, token: {env: T}}}}}\n",
            ),
            (
                "vault_out_of_its_store",
                "palisade: 1\ncredentials: {a: {from: ▸{vault: {url: \"https://v.example\", path: ../sys, token: {env: T}}}}}\n",
            ),
            (
                "vault_version",
                "palisade: 1\ncredentials: {a: {from: ▸{vault: {url: \"https://v.example\", path: a, version: 3, token: {env: T}}}}}\n",
            ),
            (
                "vault_without_token",
                "palisade: 1\ncredentials: {a: {from: {vault: ▸{url: \"https://v.example\", path: a}}}}\n",
            ),
            (
                "rule_with_a_credential_without_a_place",
                "palisade: 1\ncredentials: {a: {from: {env: A}}}\nnetwork: {rules: [{hosts: [b.c], credential: ▸a}]}\n",
            ),
            (
                "rule_for_addresses_with_a_credential",
                "palisade: 1\ncredentials: {a: {from: {env: A}, header: \"a: {secret}\"}}\nnetwork: {rules: [{addresses: [10.0.0.1], credential: ▸a}]}\n",
            ),
            (
                "provider_with_a_query",
                "palisade: 1\ncredentials: {a: {from: {env: A}, query: \"a={secret}\"}}\ninference: {providers: {p: {api: openai, url: \"https://a.b\", credential: ▸a}}}\n",
            ),
            (
                "variable_of_a_vaults_token_is_passed",
                "palisade: 1\ncredentials: {a: {from: {vault: {url: \"https://v.example\", path: a, token: {env: VT}}}, query: \"a={secret}\"}}\nprocess: {environment: {pass: [▸VT]}}\n",
            ),
        ]);
    assert_snapshot!("credentials", said);
}

#[test]
fn process() {
    let said = at_marks(&[
        ("no_processors", "palisade: 1\nprocess: {limits: {cpus: ▸0}}\n"),
        ("processors_below_nothing", "palisade: 1\nprocess: {limits: {cpus: ▸-2}}\n"),
        ("processors_not_a_number", "palisade: 1\nprocess: {limits: {cpus: ▸.nan}}\n"),
        ("processors_without_end", "palisade: 1\nprocess: {limits: {cpus: ▸.inf}}\n"),
        (
            "too_little_to_start",
            "palisade: 1\nprocess:\n  limits:\n    memory: ▸1MiB\n    processes: ▸0\n    open_files: ▸3\n",
        ),
        (
            "too_little_room",
            "palisade: 1\nprocess: {limits: {disk: ▸10KiB, scratch: ▸10KiB, cpus: ▸0.001}}\n",
        ),
        ("longer_than_life", "palisade: 1\nprocess: {limits: {wall_time: ▸4000d}}\n"),
        ("system_call", "palisade: 1\nprocess: {syscalls: {allow: [▸SYS_ptrace, ▸\"\"]}}\n"),
        (
            "allowed_and_denied",
            "palisade: 1\nprocess: {syscalls: {allow: [▸ptrace], deny: [ptrace]}}\n",
        ),
        ("syscall_list", "palisade: 1\nprocess: {syscalls: {profile: ▸docker}}\n"),
        ("pass_everything", "palisade: 1\nprocess: {environment: {pass: [▸\"*\"]}}\n"),
        (
            "pass_a_pattern",
            "palisade: 1\nprocess: {environment: {pass: [▸\"*_TOKEN\", ▸\"A=1\"]}}\n",
        ),
        ("set_no_variable", "palisade: 1\nprocess: {environment: {set: {\"A-B\": ▸x}}}\n"),
        ("passed_and_set", "palisade: 1\nprocess: {environment: {pass: [▸CI], set: {CI: 1}}}\n"),
    ]);
    assert_snapshot!("process", said);
}

#[test]
fn inference() {
    let provider = |url: &str| {
        format!("palisade: 1\ninference: {{providers: {{a: {{api: openai, url: ▸\"{url}\"}}}}}}\n")
    };
    let urls: Vec<_> = [
        ("no_scheme", "api.example"),
        ("file", "file:///etc/passwd"),
        ("key_in_a_url", "https://key@api.example"),
        ("query", "https://api.example/v1?key=1"),
        ("fragment", "https://api.example/#v1"),
        ("no_host", "https:///v1"),
        ("port_0_of_a_url", "https://api.example:0"),
        ("port_of_a_url", "https://api.example:99999"),
        ("blank_in_a_url", "https://api .example"),
        ("dots", "https://api.example/../v1"),
        ("short_address", "http://127.1:8000"),
        ("open_bracket", "http://[::1:8000"),
    ]
    .iter()
    .map(|(name, url)| (*name, provider(url)))
    .collect();
    let urls: Vec<_> = urls.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let said = at_marks(&urls);
    assert_snapshot!("urls", said);
    let local = "palisade: 1\ninference:\n  providers: {local: {api: openai, url: \"http://[::1]:8000\"}}\n";
    let routes = |routes: &str| format!("{local}  routes:\n{routes}");
    let said = at_marks(&[
        ("to_nobody", &routes("    - {model: \"*\", to: ▸locl}\n")),
        (
            "behind_all",
            &routes("    - {model: \"*\", to: local}\n    - {model: ▸gpt-6, to: local}\n"),
        ),
        (
            "behind_a_wider",
            &routes("    - {model: \"gpt-*\", to: local}\n    - {model: ▸\"gpt-6*\", to: local}\n"),
        ),
        ("model_with_a_blank", &routes("    - {model: ▸\"gpt 6\", to: local}\n")),
        ("renamed_to_many", &routes("    - {model: gpt-6, to: local, as: ▸\"gpt-*\"}\n")),
        (
            "no_credential",
            "palisade: 1\ninference: {providers: {a: {api: openai, url: \"https://a.b\", credential: ▸key}}}\n",
        ),
        (
            "provider_name",
            "palisade: 1\ninference: {providers: {\"a/b\": ▸{api: openai, url: \"https://a.b\"}}}\n",
        ),
        (
            "limits",
            "palisade: 1\ninference:\n  limits:\n    requests_per_minute: ▸0\n    tokens_per_day: \
             ▸0\n    usd_per_day: ▸-1\n",
        ),
        (
            "prices",
            "palisade: 1\ninference:\n  limits:\n    prices:\n      - {model: ▸\"a b\", input: ▸-1, output: 1}\n      \
             - {model: a, input: 1, output: 1, cache_read: ▸.inf}\n    tools: [▸\"\"]\n",
        ),
        ("guard", "palisade: 1\ninference: {guard: ▸maybe}\n"),
        ("dollars_not_a_number", "palisade: 1\ninference: {limits: {usd_per_day: ▸.nan}}\n"),
        ("redact", "palisade: 1\ninference: {redact: [▸everything]}\n"),
    ]);
    assert_snapshot!("inference", said);
}

#[test]
fn what_is_not_built_is_checked_all_the_same() {
    let said = at_marks(&[
        (
            "permission_grammar",
            "palisade: 1\npermissions: {allow: [▸\"Bash(npm run\", ▸\"Bash()\", ▸\"(x)\", ▸\"a b\"]}\n",
        ),
        (
            "permission_denied_too",
            "palisade: 1\npermissions: {allow: [▸Read], ask: [▸WebSearch], deny: [Read, WebSearch]}\n",
        ),
        ("permission_mode", "palisade: 1\npermissions: {mode: ▸yolo}\n"),
        ("command_without_rule", "palisade: 1\ncommands: {git: {network: [▸github]}}\n"),
        (
            "command_with_other_rule",
            "palisade: 1\nnetwork: {rules: [{name: github, hosts: [github.com]}]}\ncommands: {git: {network: [▸gihub]}}\n",
        ),
        (
            "tracing_beside_a_program",
            "palisade: 1\nnetwork: {rules: [{name: a, hosts: [a.test], binaries: [/usr/bin/x]}]}\nprocess: {syscalls: {allow: [▸ptrace, ▸process_vm_writev, kcmp]}}\n",
        ),
        (
            "tracing_beside_a_command",
            "palisade: 1\npermissions: {ask: [\"Bash(git push *)\"]}\nprocess: {syscalls: {allow: [▸ptrace]}}\n",
        ),
        (
            "tracing_beside_a_skill",
            "palisade: 1\nskills: {policies: {pdf: {models: true}}}\nprocess: {syscalls: {allow: [kcmp, ▸process_vm_writev]}}\n",
        ),
        (
            "tracing_beside_a_hook_for_programs",
            "palisade: 1\nhooks: {PreExec: [{hooks: [{type: command, command: /usr/bin/true}]}]}\nprocess: {syscalls: {allow: [▸ptrace]}}\n",
        ),
        (
            "command_whose_credential_others_have",
            "palisade: 1\nnetwork: {rules: [{name: a, hosts: [a.test], credential: k}]}\ncredentials: {k: {from: {env: K}, header: \"x: {secret}\"}}\ncommands: {git: {credentials: [▸k]}}\n",
        ),
        (
            "command_whose_credential_nobody_carries",
            "palisade: 1\ncredentials: {k: {from: {env: K}, header: \"x: {secret}\"}}\ncommands: {git: {credentials: [▸k]}}\n",
        ),
        ("command_without_credential", "palisade: 1\ncommands: {git: {credentials: [▸github]}}\n"),
        ("command_with_nothing", "palisade: 1\ncommands: {git: ▸{}}\n"),
        ("command_by_path", "palisade: 1\ncommands: {/usr/bin/git: ▸{credentials: [a]}}\n"),
        ("hooks_for_nothing", "palisade: 1\nhooks: {Stop: ▸[]}\n"),
        ("hook_of_nothing", "palisade: 1\nhooks: {Stop: [▸{hooks: []}]}\n"),
        (
            "hook_without_command",
            "palisade: 1\nhooks: {Stop: [{hooks: [{type: command, command: ▸\" \"}]}]}\n",
        ),
        (
            "hook_without_time",
            "palisade: 1\nhooks: {Stop: [{hooks: [{type: command, command: x, timeout: ▸0}]}]}\n",
        ),
        ("hook_without_url", "palisade: 1\nhooks: {Stop: [{hooks: [▸{type: http}]}]}\n"),
        (
            "hook_in_clear",
            "palisade: 1\nhooks: {Stop: [{hooks: [{type: http, url: ▸\"http://a.example/x\"}]}]}\n",
        ),
        (
            "hook_with_other_key",
            "palisade: 1\nhooks: {Stop: [{hooks: [{type: http, url: \"https://a.b\", command: ▸x}]}]}\n",
        ),
        (
            "hook_header",
            "palisade: 1\nhooks: {Stop: [{hooks: [{type: http, url: \"https://a.b\", headers: {\"a b\": ▸x}}]}]}\n",
        ),
        (
            "hook_matcher",
            "palisade: 1\nhooks: {PreToolUse: [{matcher: ▸\"(?!Bash)\", hooks: [{type: command, command: x}]}]}\n",
        ),
        (
            "hook_matcher_broken",
            "palisade: 1\nhooks: {PreToolUse: [{matcher: ▸\"mcp__(\", hooks: [{type: command, command: x}]}]}\n",
        ),
        (
            "hook_matcher_for_nothing",
            "palisade: 1\nhooks: {Stop: [{matcher: ▸Bash, hooks: [{type: command, command: x}]}]}\n",
        ),
        (
            "hook_if_without_tool",
            "palisade: 1\nhooks: {PreConnect: [{hooks: [{type: command, command: x, if: ▸\"Bash(git *)\"}]}]}\n",
        ),
        (
            "hook_if_that_is_no_rule",
            "palisade: 1\nhooks: {PreToolUse: [{hooks: [{type: command, command: x, if: ▸\"Bash(git\"}]}]}\n",
        ),
        (
            "hook_async_gate",
            "palisade: 1\nhooks: {PreRequest: [{hooks: [{type: command, command: x, async: ▸true}]}]}\n",
        ),
        ("on_error", "palisade: 1\nhooks: {on_error: ▸ignore}\n"),
        ("skills", "palisade: 1\nskills: {require: ▸signd}\n"),
        ("approvals", "palisade: 1\napprovals: {timeout: ▸0s}\n"),
        ("notify", "palisade: 1\napprovals: {notify: [▸sms]}\n"),
        ("otlp", "palisade: 1\naudit: {otlp: ▸\"grpc://a.b:4317\"}\n"),
        ("retain", "palisade: 1\naudit: {retain: ▸forever}\n"),
    ]);
    assert_snapshot!("later", said);
}

#[test]
fn upstream() {
    let proxy = |text: &str| format!("palisade: 1\nnetwork:\n  upstream: {text}\n");
    let written = [
        ("no_url", "{proxy: ▸proxy.corp:3128}"),
        ("tls", "{proxy: ▸\"https://proxy.corp:3128\"}"),
        ("socks", "{proxy: ▸\"socks5://proxy.corp:1080\"}"),
        ("no_port", "{proxy: ▸\"http://proxy.corp\"}"),
        ("password", "{proxy: ▸\"http://ada:secret@proxy.corp:3128\"}"),
        ("user_alone", "{proxy: ▸\"http://ada@proxy.corp:3128\"}"),
        ("own_name", "{proxy: ▸\"http://proxy.palisade.internal:3128\"}"),
        ("no_credential", "{proxy: \"http://proxy.corp:3128\", credential: ▸corp}"),
        ("except", "{proxy: \"http://proxy.corp:3128\", except: [▸.corp, ▸10.0.0.1/8, ▸\"a:1\"]}"),
        ("resolve", "{proxy: \"http://proxy.corp:3128\", resolve: ▸yes}"),
    ]
    .map(|(name, text)| (name, proxy(text)));
    let mut written: Vec<(&str, &str)> =
        written.iter().map(|(name, text)| (*name, text.as_str())).collect();
    written.extend([
        (
            "credential_of_requests",
            "palisade: 1\ncredentials: {p: {from: {env: P}, header: \"x: {secret}\"}}\nnetwork:\n  upstream: \
             {proxy: \"http://proxy.corp:3128\", credential: ▸p}\n",
        ),
        (
            "rule_for_the_own_name",
            "palisade: 1\nnetwork:\n  rules:\n    - {hosts: [▸proxy.palisade.internal]}\n",
        ),
    ]);
    assert_snapshot!("upstream", at_marks(&written));
}

#[test]
fn client_certificates() {
    let said = at_marks(&[
        (
            "carried",
            "palisade: 1\ncredentials: {c: {from: {file: /k}, certificate: /c, header: ▸\"x: {secret}\"}}\n",
        ),
        (
            "shown_inside",
            "palisade: 1\ncredentials: {c: {from: {file: /k}, certificate: /c, expose: ▸KEY}}\n",
        ),
        (
            "no_certificate",
            "palisade: 1\ncredentials: {c: {from: {file: /k}}}\nnetwork:\n  rules:\n    - {hosts: [a.example], \
             client_certificate: ▸c}\n",
        ),
        (
            "as_a_credential",
            "palisade: 1\ncredentials: {c: {from: {file: /k}, certificate: /c}}\nnetwork:\n  rules:\n    - \
             {hosts: [a.example], credential: ▸c}\n",
        ),
        (
            "passthrough",
            "palisade: 1\ncredentials: {c: {from: {file: /k}, certificate: /c}}\nnetwork:\n  rules:\n    - \
             {hosts: [a.example], client_certificate: c, tls: ▸passthrough}\n",
        ),
        (
            "for_addresses",
            "palisade: 1\ncredentials: {c: {from: {file: /k}, certificate: /c}}\nnetwork:\n  rules:\n    - \
             {addresses: [10.0.0.1], client_certificate: ▸c}\n",
        ),
        (
            "opens_no_provider",
            "palisade: 1\ncredentials: {c: {from: {file: /k}, certificate: /c}}\ninference: {providers: {a: \
             {api: openai, url: \"https://a.example\", credential: ▸c}}, routes: [{model: m, to: a}]}\n",
        ),
    ]);
    assert_snapshot!("client_certificates", said);
}

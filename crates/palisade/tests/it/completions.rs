use insta::assert_snapshot;

use crate::ran::{palisade, run};

#[test]
fn every_shell_gets_a_script_that_knows_the_commands() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = run(palisade(home.path()).args(["completions", shell]));
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{shell}");
        for word in ["doctor", "audit", "verify", "completions"] {
            assert!(ran.stdout.contains(word), "{shell} does not know `{word}`");
        }
    }
}

#[test]
fn an_unknown_shell_is_a_usage_error() {
    let home = tempfile::tempdir().unwrap();
    assert_snapshot!(run(palisade(home.path()).args(["completions", "tcsh"])), @r#"
    exit: 2
    ----- stdout -----

    ----- stderr -----
    error: invalid value 'tcsh' for '<SHELL>'
      [possible values: bash, elvish, fish, powershell, zsh]

      tip: a similar value exists: 'zsh'

    For more information, try '--help'.
    "#);
}

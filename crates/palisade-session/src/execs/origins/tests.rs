use super::*;

fn paths(word: &str) -> Vec<String> {
    let mut found = Vec::new();
    paths_in(word.as_bytes(), &mut found);
    found.into_iter().map(|path| String::from_utf8(path.to_vec()).unwrap()).collect()
}

#[test]
fn an_argument_names_files_in_many_ways() {
    for (word, expected) in [
        ("/skill/run.py", &["/skill/run.py"][..]),
        ("run.py", &["run.py"]),
        ("--rcfile=/skill/rc", &["/skill/rc"]),
        ("-f/skill/Makefile", &["/skill/Makefile"]),
        ("--flag", &[]),
        ("@/skill/data", &["@/skill/data", "/skill/data"]),
        ("A=/skill/x", &["A=/skill/x", "/skill/x"]),
        ("cd x; . ./env.sh && go", &["cd x; . ./env.sh && go", "./env.sh"]),
        ("source '/skill/a' # x", &["source '/skill/a' # x", "/skill/a"]),
        ("cat /skill/SKILL.md; git push", &["cat /skill/SKILL.md; git push"]),
        ("", &[]),
    ] {
        assert_eq!(paths(word), expected, "{word}");
    }
    assert!(paths(&"x".repeat(5000)).is_empty());
}

#[test]
fn the_text_that_an_interpreter_runs_is_known() {
    let code = |words: &[&str]| {
        let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        let program = [b"/usr/bin/", words[0].as_slice()].concat();
        code_of(&program, &words).map(|code| String::from_utf8(code.to_vec()).unwrap())
    };
    for (words, expected) in [
        (&["python3.12", "-c", "x"][..], Some("x")),
        (&["node", "--no-warnings", "-e", "x"], Some("x")),
        (&["node", "/usr/bin/agent", "-c", "x"], None),
        (&["agent", "-c", "x"], None),
        (&["bash", "-c", "x"], None),
        (&["python3", "-c"], None),
    ] {
        assert_eq!(code(words).as_deref(), expected, "{words:?}");
    }
    let found: Vec<&[u8]> = tokens(b"exec(open('/skill/x.py').read())").collect();
    assert!(found.contains(&&b"/skill/x.py"[..]), "{found:?}");
}

#[test]
fn a_path_may_begin_at_the_home() {
    let with = |path: &str, home: Option<&str>| {
        let path = with_home(path.as_bytes(), home.map(str::as_bytes)).into_owned();
        String::from_utf8(path).unwrap()
    };
    assert_eq!(with("~/x", Some("/home/me")), "/home/me/x");
    assert_eq!(with("$HOME/x", Some("/home/me")), "/home/me/x");
    assert_eq!(with("~/x", None), "~/x");
    assert_eq!(with("a~/x", Some("/home/me")), "a~/x");
}

#[test]
fn variables_that_load_something_name_files() {
    let words = [
        "PATH=/skill/bin",
        "HOME=/skill",
        "PYTHONPATH=/a:/skill/lib",
        "NODE_OPTIONS=--require /skill/x.js",
    ];
    let words = words.map(|word| word.as_bytes().to_vec()).into();
    let variables = Arguments { words, whole: true };
    let mut found = Vec::new();
    paths_of(&variables, &mut found);
    // A shell that is told so starts with the files of that home.
    assert_eq!(found, [&b"/skill"[..], b"/a", b"/skill/lib", b"/skill/x.js"]);
}

#[test]
fn a_copy_is_known_by_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("copy"), "#!/bin/sh\ncurl x\n").unwrap();
    std::fs::write(at("other"), "#!/bin/sh\ncurl y\n").unwrap();
    std::fs::write(at("empty"), "").unwrap();
    let bytes = std::fs::read(at("copy")).unwrap();
    let digest = <sha2::Sha256 as sha2::Digest>::digest(&bytes).into();
    let files = vec![
        ("run".to_owned(), Some((bytes.len(), digest))),
        ("__init__.py".to_owned(), Some((0, [0; 32]))),
        ("link".to_owned(), None),
    ];
    let interpreters = Default::default();
    let skill = OfSkill { name: "one".to_owned(), folders: Vec::new(), files, interpreters };
    let marked = Marked { skills: vec![skill], ..Marked::default() };
    let view = View::at(folder.path()).unwrap();
    let origins = Origins::find(&marked, &view).unwrap();
    let of = |name: &str| {
        let file = view.file(name.as_bytes()).unwrap();
        origins.of_file(&file, &Digests::default()).unwrap()
    };
    assert_eq!(of("/copy"), Marks::one(0).unwrap());
    assert!(of("/other").is_none() && of("/empty").is_none());
    // What is said to be shown and is not there, or can be written to, is no launch.
    let shown =
        OfSkill { folders: vec!["/gone".into()], ..marked.skills.into_iter().next().unwrap() };
    let marked = Marked { skills: vec![shown], ..Marked::default() };
    assert!(Origins::find(&marked, &view).is_err());
}

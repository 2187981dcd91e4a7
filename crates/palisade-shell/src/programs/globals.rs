//! Programs that take options before the word that says what they are to do, such as `git -C folder push`.

use crate::Field;

/// How such options are read.
struct Globals {
    names: &'static [&'static str],
    /// Short options that take a value as an argument of its own.
    valued: &'static str,
    /// Long options that take a value as an argument of its own.
    long: &'static [&'static str],
}

/// Those of which all options are known that take a value. Sources: each program's own `--help` and manual.
const PROGRAMS: &[Globals] = &[
    Globals {
        names: &["git"],
        valued: "cC",
        long: &[
            "--git-dir",
            "--work-tree",
            "--namespace",
            "--super-prefix",
            "--config-env",
            "--attr-source",
            "--shallow-file",
        ],
    },
    Globals {
        names: &["docker", "podman", "nerdctl"],
        valued: "Hcl",
        long: &[
            "--host",
            "--context",
            "--config",
            "--log-level",
            "--tlscacert",
            "--tlscert",
            "--tlskey",
            "--url",
            "--connection",
            "--identity",
            "--root",
            "--runroot",
            "--storage-driver",
            "--storage-opt",
            "--cgroup-manager",
            "--namespace",
        ],
    },
    Globals {
        names: &["kubectl", "oc"],
        valued: "nsv",
        long: &[
            "--namespace",
            "--context",
            "--cluster",
            "--user",
            "--kubeconfig",
            "--server",
            "--token",
            "--as",
            "--as-group",
            "--as-uid",
            "--cache-dir",
            "--certificate-authority",
            "--client-certificate",
            "--client-key",
            "--request-timeout",
            "--tls-server-name",
            "--username",
            "--password",
            "--profile",
            "--profile-output",
        ],
    },
    Globals {
        names: &["helm"],
        valued: "n",
        long: &[
            "--namespace",
            "--kube-context",
            "--kubeconfig",
            "--kube-token",
            "--kube-apiserver",
            "--kube-as-user",
            "--registry-config",
            "--repository-config",
            "--repository-cache",
        ],
    },
    Globals {
        names: &["npm"],
        valued: "Cw",
        long: &[
            "--prefix",
            "--workspace",
            "--registry",
            "--userconfig",
            "--globalconfig",
            "--cache",
            "--loglevel",
            "--tag",
            "--otp",
            "--access",
        ],
    },
    Globals {
        names: &["pnpm"],
        valued: "CF",
        long: &["--dir", "--filter", "--filter-prod", "--loglevel", "--reporter"],
    },
    Globals { names: &["yarn"], valued: "", long: &["--cwd"] },
    Globals { names: &["cargo"], valued: "CZ", long: &["--config", "--color", "--explain"] },
    Globals {
        names: &["aws"],
        valued: "",
        long: &[
            "--region",
            "--profile",
            "--output",
            "--endpoint-url",
            "--query",
            "--color",
            "--ca-bundle",
            "--cli-read-timeout",
            "--cli-connect-timeout",
        ],
    },
    Globals {
        names: &["systemctl"],
        valued: "HMtpns",
        long: &["--host", "--machine", "--type", "--property", "--lines", "--signal", "--root"],
    },
    Globals { names: &["terraform", "tofu"], valued: "", long: &[] },
    Globals {
        names: &["gcloud"],
        valued: "",
        long: &[
            "--project",
            "--account",
            "--configuration",
            "--format",
            "--verbosity",
            "--billing-project",
            "--impersonate-service-account",
        ],
    },
    Globals {
        names: &["pip", "pip3"],
        valued: "",
        long: &["--proxy", "--log", "--cache-dir", "--python"],
    },
];

/// The arguments without what stands before the word that says what to do; `None` if nothing does, or if that
/// cannot be told.
pub(crate) fn without_globals<'a>(program: &str, arguments: &'a [Field]) -> Option<&'a [Field]> {
    let globals = PROGRAMS.iter().find(|globals| globals.names.contains(&program))?;
    let mut at = 0;
    while let Some(argument) = arguments.get(at) {
        let text = argument.start();
        // `cargo +nightly`
        let toolchain = program == "cargo" && text.starts_with('+');
        if !toolchain && (!text.starts_with('-') || text.len() < 2) {
            break;
        }
        let apart = match text.strip_prefix("--") {
            Some(_) => globals.long.contains(&text),
            None => text.len() == 2 && text.ends_with(|c| globals.valued.contains(c)),
        };
        at += if apart { 2 } else { 1 };
    }
    let rest = arguments.get(at..)?;
    (at > 0 && !rest.is_empty()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_done_is_found_behind_options() {
        for (line, rest) in [
            ("git -C . push", Some("push")),
            ("git -c a=b --no-pager -C x push -f", Some("push -f")),
            ("git --git-dir=.git push", Some("push")),
            ("git --git-dir .git push", Some("push")),
            ("git -p push", Some("push")),
            ("docker -H tcp://x push y", Some("push y")),
            ("kubectl -n prod delete pod x", Some("delete pod x")),
            ("cargo +nightly publish", Some("publish")),
            ("npm --prefix x publish", Some("publish")),
            ("terraform -chdir=x apply", Some("apply")),
            ("git push", None),
            ("git --version", None),
            ("ls -la x", None),
        ] {
            let mut words = line.split(' ');
            let program = words.next().unwrap_or_default();
            let fields: Vec<Field> = words.map(Field::text).collect();
            let found = without_globals(program, &fields)
                .map(|rest| rest.iter().map(Field::to_string).collect::<Vec<_>>().join(" "));
            assert_eq!(found.as_deref(), rest, "{line}");
        }
    }
}

/// Work that an agent has done, as scripts for a POSIX shell whose folder is the workspace (`$W`).
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) name: &'static str,
    /// Done once, outside.
    pub(crate) prepare: &'static str,
    /// Done before each time, in the same shell; not counted.
    pub(crate) before: &'static str,
    /// Done each time; the first does not count.
    pub(crate) work: &'static str,
}

pub(crate) const JOBS: [Job; 6] = [
    Job {
        name: "git status",
        // 5,000 files in 100 folders.
        prepare: "command -v git
            mkdir repository home && cd repository
            for folder in $(seq 100); do
                mkdir $folder
                for file in $(seq 50); do echo \"$folder $file\" >$folder/$file.txt; done
            done
            git init -q . && git add . && git -c user.name=b -c user.email=b@b.invalid commit -qm all",
        // Git keeps files' owners in its index, and inside root's files have another number: whoever comes
        // next reads all of them once.
        before: "cd repository && git status --porcelain",
        work: "cd repository
            for time in 1 2 3 4 5; do git status --porcelain; done",
    },
    Job {
        name: "1,000 execs",
        prepare: "",
        before: "",
        work: "i=0; while [ $i -lt 1000 ]; do /bin/true; i=$((i+1)); done",
    },
    Job { name: "4,000 files", prepare: "", before: "", work: "./worker --files 4000" },
    Job {
        name: "tar",
        prepare: "mkdir tree
            for folder in $(seq 40); do
                mkdir tree/$folder
                for file in $(seq 50); do head -c 4000 /dev/urandom >tree/$folder/$file; done
            done",
        before: "",
        work: "mkdir copy && tar -c tree | tar -x -C copy && rm -r copy",
    },
    Job {
        name: "cargo build",
        prepare: "cargo --version
            mkdir -p crate/src cargo-home && cd crate
            printf '[package]\\nname = \"small\"\\nversion = \"0.1.0\"\\nedition = \"2021\"\\n' >Cargo.toml
            : >src/main.rs
            for module in $(seq 10); do
                echo \"mod m$module;\" >>src/main.rs
                for function in $(seq 20); do
                    echo \"pub fn f$function(n: u64) -> String { format!(\\\"{}-{n:?}\\\", (0..n).map(|i| i * $function).sum::<u64>()) }\"
                done >src/m$module.rs
            done
            { echo 'fn main() {'
              for module in $(seq 10); do for function in $(seq 20); do
                  echo \"println!(\\\"{}\\\", m$module::f$function(9));\"
              done; done
              echo '}'; } >>src/main.rs
            CARGO_HOME=$W/cargo-home cargo build --offline --quiet",
        before: "rm -r crate/target",
        work: "cd crate && CARGO_HOME=$W/cargo-home cargo build --offline --quiet",
    },
    Job {
        name: "npm install",
        // Forty packages of thirty files, packed.
        prepare: "npm --version
            mkdir -p packages app npm-cache && cd packages
            needed=
            for package in $(seq 40); do
                mkdir package
                printf '{\"name\":\"p%s\",\"version\":\"1.0.0\"}' $package >package/package.json
                for file in $(seq 30); do head -c 2000 /dev/urandom | od -x >package/$file.js; done
                tar -czf p$package-1.0.0.tgz package && rm -r package
                needed=\"$needed${needed:+,}\\\"p$package\\\":\\\"file:../packages/p$package-1.0.0.tgz\\\"\"
            done
            printf '{\"name\":\"app\",\"version\":\"1.0.0\",\"dependencies\":{%s}}' \"$needed\" >../app/package.json",
        before: "cd app && rm -rf node_modules package-lock.json",
        work: "cd app
            npm_config_cache=$W/npm-cache npm_config_logs_max=0 npm_config_update_notifier=false \\
                npm install --offline --no-audit --no-fund --loglevel=error",
    },
];

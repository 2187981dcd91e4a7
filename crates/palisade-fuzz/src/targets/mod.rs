//! One file a target.

use crate::Target;

macro_rules! targets {
    ($($name:ident: $about:literal,)*) => {
        $(mod $name;)*

        /// All of them.
        pub static TARGETS: &[Target] = &[
            $(Target { name: stringify!($name), about: $about, run: $name::target },)*
        ];
    };
}

targets! {
    tls_hello: "the first bytes of TLS, for the name they ask for",
    http_head: "the first bytes of HTTP/1, for the host they name",
    permissions: "a shell command against permission rules, with noise around it",
}

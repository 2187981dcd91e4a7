use palisade_core::{Decision, glob};

/// Which models the inference routes let an agent call.
#[derive(Debug)]
pub(crate) struct Models {
    /// One pattern a route, in the policy's order.
    patterns: Vec<String>,
}

impl Models {
    pub(crate) fn new(patterns: Vec<String>) -> Self {
        Self { patterns }
    }

    /// Whether a route takes this model, compared as the client wrote it. What no model is named
    /// like (empty, or with characters that do not print) no route takes.
    pub(crate) fn decide(&self, model: &str) -> Decision {
        let printable = !model.is_empty() && model.bytes().all(|b| b.is_ascii_graphic());
        let route = self.patterns.iter().position(|pattern| printable && glob(pattern, model));
        match route {
            Some(index) => Decision::allow(
                format!("inference.routes[{index}]"),
                format!("a route takes {model}"),
            ),
            None => {
                let shown: String = model.escape_debug().take(100).collect();
                Decision::deny(format!(
                    "no route takes the model `{shown}`; to allow it, add a route to \
                     `inference.routes`"
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, text, expected) in [
            ("claude-*", "claude-opus-5", true),
            ("claude-*", "claude-", true),
            ("claude-*", "xclaude-opus", false),
            ("claude-*", "Claude-opus", false),
            ("*", "meta/llama", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("a*a", "a", false),
            ("a*b*c", "a-bb-c", true),
            ("a*b*c", "a-c", false),
            ("*b*b", "b", false),
            ("*-x", "a-x-x", true),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn names_a_model_that_is_none() {
        let models = Models::new(vec!["*".into()]);
        assert!(models.decide("gpt-6").is_allowed());
        for odd in ["", "a b", "a\nb", "a\u{200b}", "ｇpt"] {
            assert!(!models.decide(odd).is_allowed(), "{odd:?}");
        }
    }
}

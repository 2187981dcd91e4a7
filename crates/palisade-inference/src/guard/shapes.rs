//! Text that looks like a call of a tool or the end of a turn, and words that instruct a model.

use std::{collections::BTreeSet, sync::OnceLock};

use aho_corasick::AhoCorasick;

use super::hidden::is_zero;

const CALL: &str = "tool call";
const TURN: &str = "turn";
const WORDS: &str = "instruction";

/// In small letters, with one blank between words. Of JSON and XML without the blanks that may be there.
const SHAPES: &[(&str, &str)] = &[
    ("<function_calls>", CALL),
    ("<invoke name=", CALL),
    (":function_calls>", CALL),
    (":invoke name=", CALL),
    ("<tool_call>", CALL),
    ("<|tool_call", CALL),
    ("[tool_calls]", CALL),
    ("<tool_use>", CALL),
    ("</tool_result>", CALL),
    ("</function_results>", CALL),
    ("\"type\":\"tool_use\"", CALL),
    ("\"type\": \"tool_use\"", CALL),
    ("\"type\":\"function_call\"", CALL),
    ("\"type\": \"function_call\"", CALL),
    ("<|im_start|>", TURN),
    ("<|im_end|>", TURN),
    ("<|start|>", TURN),
    ("<|end|>", TURN),
    ("<|channel|>", TURN),
    ("<|endoftext|>", TURN),
    ("<|eot_id|>", TURN),
    ("<|start_header_id|>", TURN),
    ("<start_of_turn>", TURN),
    ("<end_of_turn>", TURN),
    ("[/inst]", TURN),
    ("<<sys>>", TURN),
    ("<system-reminder>", TURN),
    ("ignore all previous instructions", WORDS),
    ("ignore all prior instructions", WORDS),
    ("ignore all instructions", WORDS),
    ("ignore any previous instructions", WORDS),
    ("ignore previous instructions", WORDS),
    ("ignore prior instructions", WORDS),
    ("ignore your instructions", WORDS),
    ("ignore your previous instructions", WORDS),
    ("ignore the above instructions", WORDS),
    ("ignore the previous instructions", WORDS),
    ("ignore everything above", WORDS),
    ("disregard all previous", WORDS),
    ("disregard previous instructions", WORDS),
    ("disregard your instructions", WORDS),
    ("disregard the above", WORDS),
    ("forget all previous", WORDS),
    ("forget your instructions", WORDS),
    ("forget your previous instructions", WORDS),
    ("forget everything above", WORDS),
    ("override your instructions", WORDS),
    ("your new instructions are", WORDS),
    ("your new task is", WORDS),
    ("you are now in developer mode", WORDS),
    ("you must now act as", WORDS),
    ("do not tell the user", WORDS),
    ("don't tell the user", WORDS),
    ("do not inform the user", WORDS),
    ("do not mention this to the user", WORDS),
    ("do not mention this to anyone", WORDS),
    ("without telling the user", WORDS),
    ("without informing the user", WORDS),
    ("without asking the user", WORDS),
    ("instructions for the ai", WORDS),
    ("instructions for ai assistants", WORDS),
    ("instruction to the ai", WORDS),
    ("attention ai assistant", WORDS),
    ("note to ai", WORDS),
    ("note to the ai", WORDS),
    ("message to the ai", WORDS),
    ("if you are an ai", WORDS),
    ("if you are a language model", WORDS),
    ("if you are an llm", WORDS),
    ("as an ai assistant, you must", WORDS),
    ("reveal your system prompt", WORDS),
    ("print your system prompt", WORDS),
    ("repeat your system prompt", WORDS),
];

fn searcher() -> Option<&'static AhoCorasick> {
    static SEARCHER: OnceLock<Option<AhoCorasick>> = OnceLock::new();
    let make = || AhoCorasick::new(SHAPES.iter().map(|(shape, _)| shape)).ok();
    SEARCHER.get_or_init(make).as_ref()
}

pub(super) fn find(text: &[u8], shapes: &mut BTreeSet<&'static str>) {
    let Some(searcher) = searcher() else { return };
    for one in searcher.find_overlapping_iter(&plain(text)) {
        shapes.extend(SHAPES.get(one.pattern().as_usize()).map(|(_, shape)| *shape));
    }
}

/// The text in small letters, each run of blanks as one, without what has no width.
fn plain(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let push = |byte: u8, out: &mut Vec<u8>| {
        if !byte.is_ascii_whitespace() {
            out.push(byte.to_ascii_lowercase());
        } else if out.last() != Some(&b' ') {
            out.push(b' ');
        }
    };
    if text.is_ascii() {
        text.iter().for_each(|byte| push(*byte, &mut out));
        return out;
    }
    for character in String::from_utf8_lossy(text).chars().filter(|one| !is_zero(*one)) {
        let mut utf8 = [0; 4];
        // The typographer's apostrophe.
        let character = if character == '\u{2019}' { '\'' } else { character };
        character.encode_utf8(&mut utf8).bytes().for_each(|byte| push(byte, &mut out));
    }
    out
}

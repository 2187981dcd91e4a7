//! Cells of notebooks.

use serde_json::Value;

use super::{Language, Piece, whole};

pub(super) fn cells(text: &str) -> Vec<Piece> {
    let Ok(notebook) = serde_json::from_str::<Value>(text) else { return Vec::new() };
    let Some(cells) = notebook.get("cells").and_then(Value::as_array) else { return Vec::new() };
    let mut python = String::new();
    let mut shell = String::new();
    for cell in cells {
        let source = match cell.get("source") {
            Some(Value::String(source)) => source.clone(),
            Some(Value::Array(lines)) => lines.iter().filter_map(Value::as_str).collect(),
            _ => continue,
        };
        if cell.get("cell_type").and_then(Value::as_str) != Some("code") {
            continue;
        }
        let whole_shell = source.starts_with("%%bash") || source.starts_with("%%sh");
        for line in source.lines() {
            let trimmed = line.trim_start();
            match trimmed.strip_prefix('!').or_else(|| trimmed.strip_prefix("%sx ")) {
                Some(command) => {
                    shell.push_str(command);
                    shell.push('\n');
                }
                None if trimmed.starts_with("%pip") || trimmed.starts_with("%conda") => {
                    shell.push_str(trimmed.trim_start_matches('%'));
                    shell.push('\n');
                }
                None if whole_shell && !trimmed.starts_with("%%") => {
                    shell.push_str(line);
                    shell.push('\n');
                }
                None if !trimmed.starts_with('%') => {
                    python.push_str(line);
                    python.push('\n');
                }
                None => {}
            }
        }
    }
    [(Language::Python, python), (Language::Shell, shell)]
        .into_iter()
        .filter(|(_, text)| !text.trim().is_empty())
        .map(|(language, text)| {
            let mut piece = whole(language, &text, false);
            // The lines of the cells are no lines of the file.
            piece.line = 1;
            piece
        })
        .collect()
}

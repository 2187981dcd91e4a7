use serde_json::Value;

use crate::document::Document;

/// The JSON Schema of the document, for editors and for `policy check`.
pub fn schema() -> Value {
    schemars::schema_for!(Document).to_value()
}

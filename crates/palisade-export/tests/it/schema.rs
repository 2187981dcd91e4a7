//! OCSF's schema, as far as it is in the fixtures: what an event must be.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::{Map, Value};

pub(crate) struct Schema {
    folder: PathBuf,
    dictionary: Value,
    classes: BTreeMap<u64, Map<String, Value>>,
}

impl Schema {
    pub(crate) fn read() -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ocsf");
        let dictionary = json(&folder.join("dictionary.json"));
        let mut this = Self { folder, dictionary, classes: BTreeMap::new() };
        let categories = json(&this.folder.join("categories.json"));
        for file in files(&this.folder.join("events")) {
            let class = this.extended("events", &json(&file));
            let category = class.get("category").and_then(Value::as_str).unwrap_or_default();
            let Some(own) = class.get("uid").and_then(Value::as_u64) else { continue };
            let category = categories["attributes"][category]["uid"].as_u64().unwrap();
            this.classes.insert(category * 1000 + own, class);
        }
        let base = this.extended("events", &json(&this.folder.join("events/base_event.json")));
        this.classes.insert(0, base);
        this
    }

    pub(crate) fn version(&self) -> String {
        json(&self.folder.join("version.json"))["version"].as_str().unwrap().to_owned()
    }

    /// Everything in which the event is not of the schema.
    pub(crate) fn check(&self, event: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        let uid = event["class_uid"].as_u64().unwrap_or(u64::MAX);
        let Some(class) = self.classes.get(&uid) else { return vec![format!("no class {uid}")] };
        if event["category_uid"] != uid / 1000 {
            wrong.push("category_uid".to_owned());
        }
        let activity = event["activity_id"].as_u64().unwrap_or(u64::MAX);
        if event["type_uid"].as_u64() != (uid * 100).checked_add(activity) {
            wrong.push("type_uid".to_owned());
        }
        let profiles = event["metadata"]["profiles"].as_array().cloned().unwrap_or_default();
        let of_class = class.get("profiles").and_then(Value::as_array).cloned().unwrap_or_default();
        for profile in &profiles {
            if !of_class.contains(profile) {
                wrong.push(format!("the class has no profile {profile}"));
            }
        }
        // What has these as numbers of the class itself.
        let event = event.as_object().unwrap();
        let skipped = ["class_uid", "category_uid", "type_uid"];
        self.object(event, class, &profiles, "", &skipped, &mut wrong);
        wrong
    }

    fn object(
        &self,
        object: &Map<String, Value>,
        schema: &Map<String, Value>,
        profiles: &[Value],
        path: &str,
        skipped: &[&str],
        wrong: &mut Vec<String>,
    ) {
        let attributes = schema["attributes"].as_object().unwrap();
        for (name, value) in object {
            let at = format!("{path}.{name}");
            if skipped.contains(&name.as_str()) {
                continue;
            }
            let Some(attribute) = attributes.get(name) else {
                wrong.push(format!("{at} is not in the schema"));
                continue;
            };
            if let Some(profile) = attribute.get("profile").filter(|it| it.is_string())
                && !profiles.contains(profile)
            {
                wrong.push(format!("{at} is of the profile {profile}, which is not named"));
            }
            self.value(name, value, attribute, profiles, &at, wrong);
        }
        for (name, attribute) in attributes {
            let of = attribute.get("profile").filter(|it| it.is_string());
            let here = of.is_none_or(|profile| profiles.contains(profile));
            if here && attribute["requirement"] == "required" && !object.contains_key(name) {
                wrong.push(format!("{path}.{name} is required"));
            }
        }
        for (constraint, names) in
            schema.get("constraints").and_then(Value::as_object).into_iter().flatten()
        {
            let names = names.as_array().unwrap();
            let there = names.iter().filter(|name| object.contains_key(name.as_str().unwrap()));
            let count = there.count();
            match constraint.as_str() {
                "at_least_one" if count >= 1 => {}
                "just_one" if count == 1 => {}
                other => wrong.push(format!("{path}: {other} of {names:?}, and {count} are there")),
            }
        }
    }

    fn value(
        &self,
        name: &str,
        value: &Value,
        attribute: &Value,
        profiles: &[Value],
        at: &str,
        wrong: &mut Vec<String>,
    ) {
        let entry = &self.dictionary["attributes"][name];
        let kind = attribute.get("type").or(entry.get("type")).and_then(Value::as_str);
        let Some(kind) = kind else {
            wrong.push(format!("{at} is not in the dictionary"));
            return;
        };
        let is_array = attribute.get("is_array").or(entry.get("is_array"));
        if is_array == Some(&Value::Bool(true)) {
            let Some(items) = value.as_array() else {
                wrong.push(format!("{at} is no list"));
                return;
            };
            for item in items {
                self.single(kind, item, profiles, at, wrong);
            }
        } else {
            self.single(kind, value, profiles, at, wrong);
        }
        let mut allowed: Vec<&String> = Vec::new();
        for of in [attribute.get("enum"), entry.get("enum")].into_iter().flatten() {
            allowed.extend(of.as_object().unwrap().keys());
        }
        let word = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if !allowed.is_empty() && !allowed.contains(&&word) {
            wrong.push(format!("{at} cannot be {value}"));
        }
    }

    fn single(
        &self,
        kind: &str,
        value: &Value,
        profiles: &[Value],
        at: &str,
        wrong: &mut Vec<String>,
    ) {
        let types = &self.dictionary["types"]["attributes"];
        let base = types[kind]["type"].as_str().unwrap_or(kind);
        let good = match base {
            "string_t" => value.is_string(),
            "integer_t" | "long_t" | "timestamp_t" => value.is_i64() || value.is_u64(),
            "boolean_t" => value.is_boolean(),
            "float_t" => value.is_number(),
            "json_t" => true,
            // Any members.
            "object" => value.is_object(),
            object => {
                let path = self.folder.join(format!("objects/{object}.json"));
                let Some(members) = value.as_object() else {
                    wrong.push(format!("{at} is no {object}"));
                    return;
                };
                if !path.exists() {
                    wrong.push(format!("{at}: the fixtures lack the object {object}"));
                    return;
                }
                let schema = self.extended("objects", &json(&path));
                self.object(members, &schema, profiles, at, &[], wrong);
                true
            }
        };
        if !good {
            wrong.push(format!("{at} is no {kind}: {value}"));
        }
        if let (Some(range), Some(number)) = (types[kind]["range"].as_array(), value.as_i64())
            && !(range[0].as_i64() <= Some(number) && Some(number) <= range[1].as_i64())
        {
            wrong.push(format!("{at} is out of range: {number}"));
        }
        if let (Some(most), Some(text)) = (types[kind]["max_len"].as_u64(), value.as_str())
            && text.chars().count() as u64 > most
        {
            wrong.push(format!("{at} is too long"));
        }
        if kind == "ip_t" && value.as_str().unwrap().parse::<std::net::IpAddr>().is_err() {
            wrong.push(format!("{at} is no address: {value}"));
        }
    }

    /// A class or an object with all that it has from others.
    fn extended(&self, what: &str, own: &Value) -> Map<String, Value> {
        let mut whole = match own.get("extends").and_then(Value::as_str) {
            Some(name) => {
                let folder = self.folder.join(what);
                let named = |file: &PathBuf| file.file_stem().is_some_and(|stem| stem == name);
                let file = files(&folder).into_iter().find(named);
                let file = file.unwrap_or_else(|| panic!("the fixtures lack {name}"));
                self.extended(what, &json(&file))
            }
            None => Map::new(),
        };
        let mut attributes =
            whole.remove("attributes").and_then(|it| it.as_object().cloned()).unwrap_or_default();
        let mut profiles =
            whole.remove("profiles").and_then(|it| it.as_array().cloned()).unwrap_or_default();
        profiles.extend(own.get("profiles").and_then(Value::as_array).cloned().unwrap_or_default());
        for (name, attribute) in own["attributes"].as_object().unwrap() {
            if name == "$include" {
                for file in attribute.as_array().unwrap() {
                    let profile = json(&self.folder.join(file.as_str().unwrap()));
                    for (name, attribute) in profile["attributes"].as_object().unwrap() {
                        let mut attribute = attribute.clone();
                        attribute["profile"] = profile["name"].clone();
                        merge(attributes.entry(name.clone()).or_insert(Value::Null), &attribute);
                    }
                }
            } else {
                merge(attributes.entry(name.clone()).or_insert(Value::Null), attribute);
            }
        }
        for (key, value) in own.as_object().unwrap() {
            whole.insert(key.clone(), value.clone());
        }
        whole.insert("attributes".to_owned(), attributes.into());
        whole.insert("profiles".to_owned(), profiles.into());
        whole
    }
}

/// What is said later wins; choices add up.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn json(path: &PathBuf) -> Value {
    let text = fs::read(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    serde_json::from_slice(&text).unwrap()
}

fn files(folder: &PathBuf) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all.sort();
    all
}

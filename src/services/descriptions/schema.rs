//! Tables of parameters as a JSON Schema, for forms and for clients.

use serde_json::{Map, Value, json};

use super::tables::{Entry, Row, Way};

/// The schema (2020-12) of an object of these parameters, with titles, descriptions and defaults; `x-order` is the place
/// of each among its neighbours. A parameter whose default is null may be null.
pub(super) fn schema(tables: &[&'static [Entry]], defaults: &Value) -> Value {
    let mut properties = Map::new();
    for (order, entry) in (0_usize..).zip(tables.iter().copied().flatten()) {
        let (name, property) = match entry {
            Entry::One(row) => (row.name, of_row(row, order, &defaults[row.name])),
            Entry::OneOf {
                name,
                title,
                doc,
                ways,
            } => {
                let default = &defaults[*name];
                let ways: Vec<Value> = ways.iter().map(|way| of_way(way, default)).collect();
                let property = json!({
                    "title": title, "description": doc, "x-order": order,
                    "default": default, "oneOf": ways
                });
                (*name, property)
            }
        };
        properties.insert(name.to_owned(), property);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "additionalProperties": false
    })
}

fn of_row(row: &Row, order: usize, default: &Value) -> Value {
    let mut property = row.kind.schema(default.is_null());
    property.insert("title".to_owned(), json!(row.title));
    property.insert("description".to_owned(), json!(row.doc));
    property.insert("x-order".to_owned(), json!(order));
    property.insert("default".to_owned(), default.clone());
    property.into()
}

fn of_way(way: &Way, defaults: &Value) -> Value {
    let property = |(order, row): (usize, &Row)| {
        let mut property = row.kind.schema(false);
        property.insert("title".to_owned(), json!(row.title));
        property.insert("description".to_owned(), json!(row.doc));
        property.insert("x-order".to_owned(), json!(order));
        // What the default is not written with has none.
        if let Some(default) = defaults.get(row.name) {
            property.insert("default".to_owned(), default.clone());
        }
        (row.name.to_owned(), Value::from(property))
    };
    let properties: Map<String, Value> = (0..).zip(way.rows).map(property).collect();
    let required: Vec<&str> = way.rows.iter().take(1).map(|row| row.name).collect();
    json!({
        "title": way.title,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false
    })
}

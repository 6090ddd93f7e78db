//! `msvpu services`: what can be run.

use msvpu::ServiceDescription;

use super::args::ServicesArgs;
use super::failure::Failure;
use super::stdout::print;
use super::table::{dash, table};

/// Prints the services as a table, or as one JSON document.
pub(crate) fn list(args: &ServicesArgs) -> Result<(), Failure> {
    let services = msvpu::services();
    if args.json {
        let document = serde_json::to_string(&services).map_err(Failure::runtime)?;
        return print(&format!("{document}\n"));
    }
    let tables: Vec<String> = services.iter().map(described).collect();
    print(&tables.join("\n"))
}

fn described(service: &ServiceDescription) -> String {
    let head = ["parameter", "type", "default", "meaning"].map(str::to_owned);
    let rows = service.parameters.iter().map(|parameter| {
        vec![
            parameter.name.clone(),
            parameter.kind.to_string(),
            match &parameter.default {
                serde_json::Value::Null => dash(),
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            },
            parameter.doc.to_owned(),
        ]
    });
    let mut text = format!(
        "{}: {}\n  run: {}\n",
        service.name, service.doc, service.run
    );
    for line in table(&head, rows.collect(), head.len()) {
        text.push_str(&format!("  {line}\n"));
    }
    text
}

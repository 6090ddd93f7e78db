//! `msvpu services`: what can be run.

use msvpu::ServiceDescription;

use super::args::ServicesArgs;
use super::failure::Failure;
use super::stdout::print;

/// Prints the services as a table, or as one JSON document.
pub(crate) fn list(args: &ServicesArgs) -> Result<(), Failure> {
    let services = msvpu::services();
    if args.json {
        let document = serde_json::to_string(&services).map_err(Failure::runtime)?;
        return print(&format!("{document}\n"));
    }
    let tables: Vec<String> = services.iter().map(table).collect();
    print(&tables.join("\n"))
}

fn table(service: &ServiceDescription) -> String {
    let head = ["parameter", "type", "default", "meaning"].map(str::to_owned);
    let rows: Vec<[String; 4]> = std::iter::once(head)
        .chain(service.parameters.iter().map(|parameter| {
            [
                parameter.name.clone(),
                parameter.kind.to_string(),
                match &parameter.default {
                    serde_json::Value::Null => "-".to_owned(),
                    serde_json::Value::String(text) => text.clone(),
                    other => other.to_string(),
                },
                parameter.doc.to_owned(),
            ]
        }))
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let (names, kinds, defaults) = (width(0), width(1), width(2));
    let mut text = format!(
        "{}: {}\n  run: {}\n",
        service.name, service.doc, service.run
    );
    for [name, kind, default, doc] in &rows {
        text.push_str(&format!(
            "  {name:names$}  {kind:kinds$}  {default:defaults$}  {doc}\n"
        ));
    }
    text
}

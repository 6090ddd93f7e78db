//! What the pages share.

use base64ct::{Base64, Encoding};
use maud::{Markup, html};
use serde_json::Value;

use crate::report::Node;
use crate::report::number::short;

/// Smaller pictures are shown in squares, as they are.
const TINY: u32 = 400;

pub(super) fn fact(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

/// A PNG within the page; `width` is that of the scene.
pub(super) fn picture(png: &[u8], alt: &str, caption: &str, width: u32) -> Markup {
    let source = format!("data:image/png;base64,{}", Base64::encode_string(png));
    html! {
        figure {
            img src=(source) alt=(alt) class=[(width < TINY).then_some("tiny")];
            figcaption { (caption) }
        }
    }
}

/// The parameters, those within others under names with a dot.
pub(super) fn parameters(of: &Value) -> Markup {
    let mut rows = Vec::new();
    flatten("", of, &mut rows);
    html! {
        div.scroll {
            table.names { tbody {
                @for (name, value) in rows {
                    tr { th { code { (name) } } td { (value) } }
                }
            } }
        }
    }
}

fn flatten(path: &str, value: &Value, into: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let dot = if path.is_empty() { "" } else { "." };
                flatten(&format!("{path}{dot}{key}"), value, into);
            }
        }
        Value::Null => into.push((path.to_owned(), "–".to_owned())),
        Value::String(text) => into.push((path.to_owned(), text.clone())),
        other => into.push((path.to_owned(), other.to_string())),
    }
}

pub(super) fn nodes(of: &[Node]) -> Markup {
    let known = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
    html! {
        div.scroll {
            table {
                thead { tr {
                    th { "node" } th.number { "MsVPUs" } th.number { "performance index" }
                    th.number { "load index" } th.number { "predicted" } th.number { "T" } th.number { "ε" }
                } }
                tbody {
                    @for node in of {
                        tr {
                            th { (node.name.clone().unwrap_or_else(|| node.node.to_string())) }
                            td.number { (node.msvpus) }
                            td.number { (known(node.performance_index.map(|index| format!("{index:.2}")))) }
                            td.number { (known(node.load_index.map(|index| format!("{index:.2}")))) }
                            td.number { (known(node.predicted_ms.map(|ms| format!("{} ms", short(ms))))) }
                            td.number { (short(node.actual_ms)) " ms" }
                            td.number { (format!("{:.4}", node.deviation)) }
                        }
                    }
                }
            }
        }
    }
}

/// Each part with a bar beside the whole, all in milliseconds.
pub(super) fn timings(parts: &[(&str, f64)], total: f64) -> Markup {
    let share = |ms: f64| if total > 0.0 { ms / total * 100.0 } else { 0.0 };
    html! {
        div.scroll {
            table.names { tbody {
                @for (name, ms) in parts {
                    tr {
                        th { (name) }
                        td.number { (short(*ms)) " ms" }
                        td.share { svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true" {
                            rect width="100" height="1" {}
                            rect width=(format!("{:.3}", share(*ms).clamp(0.0, 100.0))) height="1" {}
                        } }
                    }
                }
                tr { th { "total" } td.number { (short(total)) " ms" } td {} }
            } }
        }
    }
}

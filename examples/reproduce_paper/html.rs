//! Pages in one file: no script, nothing that is loaded from elsewhere.

use std::fmt::{Display, Write};

/// Markup. All text goes through [`Html::text`], which escapes it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Html(String);

/// `text` as it stands between tags and within quotes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

impl Html {
    /// Adds text.
    pub(crate) fn text(&mut self, text: impl Display) -> &mut Self {
        self.0.push_str(&escaped(&text.to_string()));
        self
    }

    /// Adds an element with what `content` puts into it. Names are of this program; values are escaped.
    pub(crate) fn element(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        content: impl FnOnce(&mut Self),
    ) -> &mut Self {
        self.open(name, attributes);
        self.0.push('>');
        content(self);
        // A string takes whatever is written to it.
        let _ = write!(self.0, "</{name}>");
        self
    }

    /// Adds an element without content.
    pub(crate) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) -> &mut Self {
        self.open(name, attributes);
        self.0.push_str("/>");
        self
    }

    /// Adds an element that holds text only.
    pub(crate) fn leaf(&mut self, name: &str, class: &str, text: impl Display) -> &mut Self {
        let attributes: &[_] = &[("class", class)];
        let attributes = if class.is_empty() { &[] } else { attributes };
        self.element(name, attributes, |html| {
            html.text(text);
        })
    }

    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let _ = write!(self.0, "<{name}");
        for (key, value) in attributes {
            let _ = write!(self.0, " {key}=\"{}\"", escaped(value));
        }
    }

    /// Adds a paragraph.
    pub(crate) fn paragraph(&mut self, text: impl Display) -> &mut Self {
        self.leaf("p", "", text);
        self.0.push('\n');
        self
    }

    /// Adds other markup.
    pub(crate) fn append(&mut self, other: &Self) -> &mut Self {
        self.0.push_str(&other.0);
        self
    }

    /// A whole document.
    pub(crate) fn page(title: &str, body: &Self) -> String {
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n{}</main>\n</body>\n</html>\n",
            escaped(title),
            include_str!("style.css"),
            body.0
        )
    }
}

/// Rows of cells under a head. It becomes HTML and CSV.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self {
            head: head.iter().map(ToString::to_string).collect(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = String>) {
        self.rows.push(row.into_iter().collect());
    }

    /// Markup that scrolls by itself where the window is too narrow. `words` are the first columns, whose cells are
    /// words; the others are numbers.
    pub(crate) fn to_html(&self, caption: &str, words: usize) -> Html {
        let class = |at: usize| if at < words { "" } else { "number" };
        let mut html = Html::default();
        html.element("div", &[("class", "scroll"), ("tabindex", "0")], |html| {
            html.element("table", &[], |html| {
                html.leaf("caption", "", caption);
                html.element("thead", &[], |html| {
                    html.element("tr", &[], |html| {
                        for (at, cell) in self.head.iter().enumerate() {
                            html.leaf("th", class(at), cell);
                        }
                    });
                });
                html.element("tbody", &[], |html| {
                    for row in &self.rows {
                        html.element("tr", &[], |html| {
                            for (at, cell) in row.iter().enumerate() {
                                html.leaf("td", class(at), cell);
                            }
                        });
                    }
                });
            });
        });
        html
    }

    /// RFC 4180, with line feeds.
    pub(crate) fn to_csv(&self) -> String {
        let mut csv = String::new();
        for row in [&self.head].into_iter().chain(&self.rows) {
            let cells: Vec<String> = row.iter().map(|cell| quoted(cell)).collect();
            csv.push_str(&cells.join(","));
            csv.push('\n');
        }
        csv
    }
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

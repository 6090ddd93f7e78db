//! What is written: a page and its tables.

use std::error::Error;
use std::path::Path;

use crate::html::{Html, Table};

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    Full,
    /// To see that everything works: fewer runs, fewer seeds.
    Quick,
}

impl Effort {
    pub(crate) const fn choose<T: Copy>(self, full: T, quick: T) -> T {
        match self {
            Self::Full => full,
            Self::Quick => quick,
        }
    }
}

/// One sentence each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) measured: &'static str,
    pub(crate) simulated: &'static str,
    pub(crate) unknown: &'static str,
}

/// A part of the page: one or two figures or tables of the paper.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    id: &'static str,
    title: &'static str,
    body: Html,
}

impl Section {
    pub(crate) fn new(id: &'static str, title: &'static str, facts: Facts) -> Self {
        let mut body = Html::default();
        body.element("dl", &[("class", "facts")], |html| {
            for (term, sentence) in [
                ("Measured", facts.measured),
                ("Simulated", facts.simulated),
                ("Not known", facts.unknown),
            ] {
                html.leaf("dt", "", term).leaf("dd", "", sentence);
            }
        });
        Self { id, title, body }
    }

    pub(crate) fn body(&mut self) -> &mut Html {
        &mut self.body
    }
}

/// Ours beside the paper's, for the summary.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) what: String,
    pub(crate) paper: &'static str,
    pub(crate) ours: String,
}

/// Everything that is written.
#[derive(Debug, Default)]
pub(crate) struct Report {
    sections: Vec<Section>,
    findings: Vec<Finding>,
    tables: Vec<(&'static str, Table)>,
}

impl Report {
    pub(crate) fn section(&mut self, section: Section) {
        self.sections.push(section);
    }

    pub(crate) fn found(&mut self, what: impl Into<String>, paper: &'static str, ours: String) {
        self.findings.push(Finding {
            what: what.into(),
            paper,
            ours,
        });
    }

    /// Adds a file of the numbers.
    pub(crate) fn csv(&mut self, name: &'static str, table: Table) {
        self.tables.push((name, table));
    }

    /// The findings as lines, for the terminal.
    pub(crate) fn summary(&self) -> String {
        let line = |finding: &Finding| {
            let Finding { what, paper, ours } = finding;
            format!("{what}: {ours} (paper: {paper})\n")
        };
        self.findings.iter().map(line).collect()
    }

    /// The page, in one file.
    pub(crate) fn page(&self, effort: Effort, cpus: usize) -> String {
        const TITLE: &str = "The paper’s results, again";
        let mut html = Html::default();
        html.leaf("h1", "", TITLE);
        html.paragraph(
            "F. Z. Benchara, M. Youssfi, O. Bouattane, O. Serrar, H. Ouajji: Toward a New Massively Distributed Virtual \
             Machine based Cloud Micro-Services Team Model for HPC: SPMD Applications. IJACSA 8(8), 2017, \
             doi 10.14569/IJACSA.2017.080831.",
        );
        html.paragraph(format!(
            "Computed by MsVPU {} on {cpus} CPUs ({}, {}){}. Of the paper, only what the project’s documents record \
             was at hand: where its figure is not among that, this page says so and leaves the place empty.",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::ARCH,
            std::env::consts::OS,
            effort.choose("", ", in quick mode: fewer runs, so take no time from here")
        ));
        let mut table = Table::new(&["What", "Paper", "Here"]);
        for finding in &self.findings {
            table.push([
                finding.what.clone(),
                finding.paper.to_owned(),
                finding.ours.clone(),
            ]);
        }
        html.append(&table.to_html("In short", 1));
        html.element("nav", &[("aria-label", "Contents")], |html| {
            html.element("ul", &[], |html| {
                for section in &self.sections {
                    html.element("li", &[], |html| {
                        html.element("a", &[("href", &format!("#{}", section.id))], |html| {
                            html.text(section.title);
                        });
                    });
                }
            });
        });
        for section in &self.sections {
            html.element("section", &[("id", section.id)], |html| {
                html.leaf("h2", "", section.title).append(&section.body);
            });
        }
        Html::page(TITLE, &html)
    }

    /// Writes `index.html` and the tables.
    pub(crate) fn write(&self, page: &str, folder: &Path) -> Result<(), Box<dyn Error>> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("index.html"), page)?;
        for (name, table) in &self.tables {
            std::fs::write(folder.join(name), table.to_csv())?;
        }
        Ok(())
    }
}

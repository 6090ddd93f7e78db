//! The files of a classification.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use msvpu_web::service::{Folder, Reporter, RunError, Told};
use rayon::prelude::*;
use serde::Serialize;
use serde_json::Value;

use super::failure::{failed, of_folder, of_writing};
use crate::raster::{Format, GeoTags, WriteError, label_colors};
use crate::report::{
    Done, Facts, Picture, Pictures, Preview, Report, Shown, color_of, page, write_labels_preview,
};
use crate::services::classification::{LabelMap, StopRule};

/// More classes than a palette has colours have no picture each.
const MAX_PICTURED_CLASSES: usize = 255;

pub(super) const CHART: &str = "convergence.svg";
const LEGEND: &str = "legend.json";
const SCENE: &str = "scene.png";
const LABELS_PREVIEW: &str = "labels-preview.png";
pub(super) const PNG: &str = "image/png";
pub(super) const JSON: &str = "application/json";

/// The groups of artifacts that are wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) labels: bool,
    pub(super) preview: bool,
    pub(super) chart: bool,
    pub(super) masks: bool,
    pub(super) memberships: bool,
}

impl Wanted {
    pub(super) fn of(outputs: &[String]) -> Self {
        let has = |name: &str| outputs.iter().any(|output| output == name);
        Self {
            labels: has("labels"),
            preview: has("preview"),
            chart: has("chart"),
            masks: has("masks"),
            memberships: has("memberships"),
        }
    }

    /// Whether there are files that take long to encode.
    const fn pictures(self) -> bool {
        self.labels || self.preview || self.masks || self.memberships
    }

    /// Whether there is nothing but documents that are short where the job is small.
    pub(super) const fn is_light(self) -> bool {
        !self.pictures() && !self.chart
    }

    /// Why so many classes cannot have all the pictures; `None` if they can.
    pub(super) fn trouble(&self, classes: usize) -> Option<String> {
        let is_too_much = classes > MAX_PICTURED_CLASSES && (self.masks || self.memberships);
        is_too_much.then(|| {
            format!(
                "{classes} classes: of more than {MAX_PICTURED_CLASSES} there is no picture of each; ask for labels instead"
            )
        })
    }
}

/// What the files of a job are made of, beside its result.
pub(super) struct Artifacts {
    pub(super) wanted: Wanted,
    pub(super) format: Format,
    pub(super) georeference: Option<GeoTags>,
    pub(super) preview: Option<Preview>,
    pub(super) epsilon: f64,
    pub(super) rule: StopRule,
    pub(super) folder: Folder,
    pub(super) reporter: Reporter,
    pub(super) start: Instant,
}

/// A file of which one writer is in charge.
#[derive(Clone, Copy)]
enum File {
    Picture(Picture),
    Scene,
    LabelsPreview,
}

#[derive(Serialize)]
struct LegendRow {
    label: u16,
    color: String,
}

impl Artifacts {
    /// Writes all files; returns the report without its iterations.
    pub(super) fn write(
        self,
        facts: Facts,
        done: Done,
        stop: &AtomicBool,
    ) -> Result<Value, RunError> {
        let encoding = Instant::now();
        let labels = &done.classification.labels;
        let digest = if self.wanted.pictures() {
            let (digest, written) = rayon::join(|| labels.sha256(), || self.pictures(&done, stop));
            written?;
            digest
        } else {
            // To wake a pool takes longer than the labels of a small scene.
            labels.sha256()
        };
        let classes = done.classification.classes.len();
        let mut report = Report::new(facts, done, digest);
        // Whatever shows the labels.
        if self.wanted.labels || self.wanted.preview {
            let text = json(&legend(classes))?;
            document(
                &self.reporter,
                LEGEND,
                JSON,
                "the colour of each class",
                text,
            );
        }
        let chart = if self.wanted.chart {
            Some(self.chart(&report)?)
        } else {
            None
        };
        let timings = &mut report.timings;
        timings.end(encoding.elapsed(), self.start.elapsed());
        let page = self.page(&report, chart.as_deref())?;
        tell_report(&self.reporter, &report, page)?;
        if stop.load(Ordering::Relaxed) {
            return Err(RunError::Cancelled);
        }
        report.iterations.clear();
        let mut result =
            serde_json::to_value(&report).map_err(|error| failed("internal", error))?;
        if let Some(object) = result.as_object_mut() {
            object.remove("iterations");
        }
        Ok(result)
    }

    /// Writes the pictures side by side.
    fn pictures(&self, done: &Done, stop: &AtomicBool) -> Result<(), RunError> {
        let found = &done.classification;
        let classes =
            u16::try_from(found.classes.len()).map_err(|error| failed("internal", error))?;
        let pictures = Pictures::new(&found.labels, classes, stop)
            .map_err(|problem| failed("internal", problem))?
            .memberships(found.memberships.as_deref().unwrap_or_default())
            .georeference(self.georeference.as_ref());
        let folder = self.folder.path().map_err(of_folder)?;
        self.wanted_files(classes)
            .into_par_iter()
            .with_max_len(1)
            .try_for_each(|file| {
                self.picture(file, folder, &pictures, &found.labels, classes, stop)
                    .map_err(|error| of_writing(&error))
            })
    }

    /// The slowest first.
    fn wanted_files(&self, classes: u16) -> Vec<File> {
        let mut files = Vec::new();
        if self.wanted.labels {
            files.push(File::Picture(Picture::LabelsPng));
            if self.format == Format::Tiff {
                files.push(File::Picture(Picture::LabelsTiff));
            }
        }
        if self.wanted.preview {
            files.extend([File::Scene, File::LabelsPreview]);
        }
        let each = |picture: fn(u16) -> Picture| (1..=classes).map(picture).map(File::Picture);
        if self.wanted.memberships {
            files.extend(each(Picture::Membership));
        }
        if self.wanted.masks {
            files.extend(each(Picture::Mask));
        }
        files
    }

    fn picture(
        &self,
        file: File,
        folder: &Path,
        pictures: &Pictures<'_>,
        labels: &LabelMap,
        classes: u16,
        stop: &AtomicBool,
    ) -> Result<(), WriteError> {
        match file {
            File::Picture(picture) => {
                pictures.write(folder, picture)?;
                let (media_type, doc) = told(picture);
                self.tell(picture.name(), media_type, doc);
            }
            File::Scene => {
                let Some(preview) = &self.preview else {
                    return Ok(());
                };
                preview.write(&folder.join(SCENE))?;
                self.tell(SCENE, PNG, "the scene, stretched for the eye");
            }
            File::LabelsPreview => {
                let path = folder.join(LABELS_PREVIEW);
                write_labels_preview(&path, labels, classes, stop)?;
                self.tell(
                    LABELS_PREVIEW,
                    PNG,
                    "the class of each pixel, as small as the scene",
                );
            }
        }
        Ok(())
    }

    fn chart(&self, report: &Report) -> Result<String, RunError> {
        let chart = report.convergence(self.epsilon, self.rule).to_svg();
        let chart = chart.map_err(|error| failed("artifact-failed", error))?;
        let doc = "the convergence of centers and error";
        document(&self.reporter, CHART, "image/svg+xml", doc, chart.clone());
        Ok(chart)
    }

    /// Shows what is wanted.
    fn page(&self, report: &Report, chart: Option<&str>) -> Result<String, RunError> {
        let read = |name: &str| {
            let read = || std::fs::read(self.folder.path()?.join(name));
            let read = self.wanted.preview.then(read).transpose();
            read.map_err(|error| failed("artifact-failed", format_args!("{name}: {error}")))
        };
        let (scene, labels) = (read(SCENE)?, read(LABELS_PREVIEW)?);
        let shown = Shown {
            chart,
            scene: scene.as_deref(),
            labels: labels.as_deref(),
        };
        Ok(page(report, &shown))
    }

    fn tell(&self, name: impl Into<String>, media_type: &str, doc: impl Into<String>) {
        self.reporter.tell(Told::Artifact {
            name: name.into(),
            media_type: media_type.to_owned(),
            doc: doc.into(),
        });
    }
}

fn told(picture: Picture) -> (&'static str, String) {
    match picture {
        Picture::LabelsPng => (PNG, "the class of each pixel".to_owned()),
        Picture::LabelsTiff => (
            "image/tiff",
            "the class of each pixel, with the georeference of the scene".to_owned(),
        ),
        Picture::Mask(class) => (PNG, format!("where class {class} is")),
        Picture::Membership(class) => {
            (PNG, format!("how much each pixel belongs to class {class}"))
        }
    }
}

/// The colours of the labels, as the pictures have them.
fn legend(classes: usize) -> Vec<LegendRow> {
    let colors = label_colors(u8::MAX);
    let row = |label: u16| {
        let color = colors.get(usize::from(color_of(label))).copied();
        let [red, green, blue] = color.unwrap_or_default();
        let color = format!("#{red:02x}{green:02x}{blue:02x}");
        LegendRow { label, color }
    };
    (1..=u16::MAX).take(classes).map(row).collect()
}

/// Tells the two documents that every job has.
pub(super) fn tell_report(
    reporter: &Reporter,
    report: &impl Serialize,
    page: String,
) -> Result<(), RunError> {
    let text = json(report)? + "\n";
    let doc = "the report, for programs";
    document(reporter, "report.json", JSON, doc, text);
    let doc = "the report, for people";
    document(reporter, "report.html", "text/html", doc, page);
    Ok(())
}

fn json(value: &impl Serialize) -> Result<String, RunError> {
    serde_json::to_string(value).map_err(|error| failed("internal", error))
}

fn document(reporter: &Reporter, name: &str, media_type: &str, doc: &str, content: String) {
    reporter.tell(Told::Document {
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        doc: doc.to_owned(),
        content: content.into(),
    });
}

//! A report as one page: no script, nothing that is loaded from elsewhere.

mod parts;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::document::Report;
use super::number::{counted, grouped, short, vector};
use super::pairwise::PairwiseReport;
use super::preview::color_of;
use crate::raster::label_colors;
use crate::services::classification::{ClassSummary, StoppedBy};
use parts::{fact, nodes, parameters, picture, timings};

/// Of more classes and tiles the document tells.
const SHOWN: usize = 200;

/// What a page shows beside its report; PNG and SVG documents, those that were made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown<'a> {
    /// The chart of the convergence.
    pub chart: Option<&'a str>,
    /// The scene for the eye.
    pub scene: Option<&'a [u8]>,
    /// Its labels, of the same size.
    pub labels: Option<&'a [u8]>,
}

/// The page of a classification, an HTML document.
#[must_use]
pub fn page(report: &Report, shown: &Shown<'_>) -> String {
    let image = &report.image;
    let colors = label_colors(u8::MAX);
    let title = format!("{} of {}", report.algorithm, image.path);
    let body = html! {
        header {
            h1 { (title) }
            p {
                @if report.converged { span.badge.good { "converged" } }
                @else { span.badge.warn { "not converged" } }
                span.soft { (ending(report)) }
            }
        }
        section {
            dl.facts {
                (fact("size", &format!("{} × {} pixels", grouped(image.width.into()), grouped(image.height.into()))))
                (fact("samples", &format!("{} of {} bits", counted(image.bands.into(), "band"), image.bits)))
                @if image.nodata_pixels > 0 { (fact("without data", &counted(image.nodata_pixels, "pixel"))) }
                (fact("classes", &grouped(report.classes.len() as u64)))
                (fact("iterations", &grouped(report.iterations.len() as u64)))
                (fact("team", &format!("{} on {}", counted(report.team.msvpus, "MsVPU"), counted(report.team.cpus as u64, "CPU"))))
                (fact("time", &format!("{} ms", short(report.timings.total_ms))))
            }
        }
        @if shown.scene.is_some() || shown.labels.is_some() {
            section {
                h2 { "Scene and classes" }
                div.pictures {
                    @if let Some(scene) = shown.scene { (picture(scene, "the scene", scene_words(image.bands), image.width)) }
                    @if let Some(labels) = shown.labels {
                        (picture(labels, "the class of each pixel", "the class of each pixel, in the colours of the table", image.width))
                    }
                }
            }
        }
        section {
            h2 { "Classes" }
            (classes(report, colors))
        }
        @if let Some(chart) = shown.chart {
            section {
                h2 { "Convergence" }
                // Of this project's own drawing, which escapes the names within.
                div.chart { (PreEscaped(chart)) }
            }
        }
        @if let Some(validity) = &report.validity {
            section {
                h2 { "How clear the partition is" }
                dl.facts {
                    (fact("partition coefficient", &short(validity.partition_coefficient)))
                    (fact("partition entropy", &short(validity.partition_entropy)))
                    (fact("Xie-Beni index", &validity.xie_beni.map_or_else(|| "undefined".to_owned(), short)))
                }
            }
        }
        section {
            h2 { "Parameters" }
            (parameters(&report.parameters))
        }
        section {
            h2 { "Nodes" }
            (nodes(&report.nodes))
        }
        section {
            h2 { "Time" }
            (timings(&[
                ("decode", report.timings.decode_ms),
                ("fit", report.timings.fit_ms),
                ("assemble", report.timings.assemble_ms),
                ("encode", report.timings.encode_ms),
                ("other", report.timings.other_ms),
            ], report.timings.total_ms))
        }
        footer {
            p { "job " code { (report.job) } }
            p { "SHA-256 of the labels " code { (report.labels_sha256) } }
            p { "tiles " (report.tiles) "; the same numbers, and every iteration, are in report.json" }
        }
    };
    document(&title, &body)
}

/// The page of a `pairwise` job, an HTML document.
#[must_use]
pub fn pairwise_page(report: &PairwiseReport) -> String {
    let (image, result) = (&report.image, &report.result);
    let mean = |mean: Option<f64>| mean.map_or_else(|| "–".to_owned(), short);
    let title = format!("{} of {}", report.service, image.path);
    let body = html! {
        header {
            h1 { (title) }
            p.soft { "the mean absolute difference of all pairs of a tile's pixels" }
        }
        section {
            dl.facts {
                (fact("difference on average", &mean(result.mean)))
                (fact("pairs a round", &grouped(result.pairs)))
                (fact("pixels compared", &grouped(result.pixels)))
                (fact("rounds", &grouped(report.parameters.rounds.get().into())))
                (fact("size", &format!("{} × {} pixels", grouped(image.width.into()), grouped(image.height.into()))))
                (fact("samples", &format!("{} of {} bits", counted(image.bands.into(), "band"), image.bits)))
                (fact("team", &format!("{} on {}", counted(report.team.msvpus, "MsVPU"), counted(report.team.cpus as u64, "CPU"))))
                (fact("time", &format!("{} ms", short(report.timings.total_ms))))
            }
        }
        section {
            h2 { "Tiles" }
            div.scroll {
                table {
                    thead { tr { th { "tile" } th.number { "pixels" } th.number { "pairs" } th.number { "difference" } } }
                    tbody {
                        @for (tile, of) in result.tiles.iter().enumerate().take(SHOWN) {
                            tr {
                                th { (tile) }
                                td.number { (grouped(of.pixels)) }
                                td.number { (grouped(of.pairs)) }
                                td.number { (mean(of.mean)) }
                            }
                        }
                    }
                }
            }
            (more(result.tiles.len(), "tiles"))
        }
        section {
            h2 { "Parameters" }
            (parameters(&serde_json::to_value(&report.parameters).unwrap_or_default()))
        }
        section {
            h2 { "Nodes" }
            (nodes(&report.nodes))
        }
        section {
            h2 { "Time" }
            (timings(&[
                ("decode", report.timings.decode_ms),
                ("run", report.timings.run_ms),
                ("other", report.timings.other_ms),
            ], report.timings.total_ms))
        }
        footer {
            p { "job " code { (report.job) } }
            p { "tiles " (result.tiling) "; the same numbers are in report.json" }
        }
    };
    document(&title, &body)
}

fn document(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; img-src data:; style-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(include_str!("page.css"))) }
            }
            body { main { (body) } }
        }
    };
    page.into_string()
}

fn ending(report: &Report) -> &'static str {
    match report.stopped_by {
        StoppedBy::Objective => "by the change of the objective",
        StoppedBy::CenterSum => "by the change of the sum of centers",
        StoppedBy::CenterShift => "by the farthest move of a center",
        StoppedBy::MaxIterations => "as many iterations as are allowed",
    }
}

const fn scene_words(bands: u16) -> &'static str {
    match bands {
        1 => "the scene, stretched for the eye",
        2 => "the first band of the scene, stretched for the eye",
        3 => "the scene as red, green and blue, each stretched for the eye",
        _ => "the first three bands as red, green and blue, each stretched for the eye",
    }
}

fn classes(report: &Report, colors: &[[u8; 3]]) -> Markup {
    html! {
        div.scroll {
            table {
                thead { tr {
                    th { "class" } th.number { "center" } th.number { "pixels" } th.number { "share" }
                    th.share {} th.number { "mean" } th.number { "standard deviation" }
                } }
                tbody {
                    @for (class, center) in report.classes.iter().zip(report.centers.iter()).take(SHOWN) {
                        (class_row(class, center, colors))
                    }
                }
            }
        }
        (more(report.classes.len(), "classes"))
        @if !report.empty_classes.is_empty() {
            p.soft { (counted_classes(report.empty_classes.len())) " without a pixel" }
        }
    }
}

fn class_row(class: &ClassSummary, center: &[f64], colors: &[[u8; 3]]) -> Markup {
    let color = colors.get(usize::from(color_of(class.label)));
    let [red, green, blue] = color.copied().unwrap_or_default();
    let per_band =
        |values: Option<&Vec<f64>>| values.map_or_else(|| "–".to_owned(), |values| vector(values));
    html! {
        tr {
            th { span.swatch style=(format!("background:rgb({red},{green},{blue})")) {} (class.label) }
            td.number { (vector(center)) }
            td.number { (grouped(class.pixels)) }
            td.number { (format!("{:.2} %", class.share * 100.0)) }
            td.share { svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true" {
                rect width="100" height="1" {}
                rect width=(format!("{:.3}", class.share * 100.0)) height="1" {}
            } }
            td.number { (per_band(class.mean.as_ref())) }
            td.number { (per_band(class.sd.as_ref())) }
        }
    }
}

fn counted_classes(count: usize) -> String {
    match count {
        1 => "1 class".to_owned(),
        _ => format!("{} classes", grouped(count as u64)),
    }
}

fn more(count: usize, what: &str) -> Markup {
    html! {
        @if count > SHOWN {
            p.soft { "and " (grouped((count - SHOWN) as u64)) " more " (what) ": see report.json" }
        }
    }
}

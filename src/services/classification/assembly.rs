//! The result of a job, put together from what its MsVPUs handed over.

use bytes::{Bytes, BytesMut};
use msvpu_actors::{ProgramError, Result};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::centers::Centers;
use super::moments::{ClassMoments, mean_and_sd};
use super::output::{TileOutput, TileSummary, label_bytes};
use super::rounds::{Fit, Iteration, StoppedBy};
use super::tile::TileHead;
use super::tiling::Tiling;
use super::validity::{Fuzziness, Validity};
use crate::scene::Shape;

/// A classified scene.
#[derive(Clone, Debug, PartialEq)]
pub struct Classification {
    /// One row per iteration; row 1 holds the initial centers.
    pub iterations: Vec<Iteration>,
    /// Whether the stopping rule was met.
    pub converged: bool,
    /// What ended the iterations.
    pub stopped_by: StoppedBy,
    /// The centers of the last row, which the labels go by.
    pub centers: Centers,
    /// One entry per class, in the order of the labels.
    pub classes: Vec<ClassSummary>,
    /// The labels of the classes that no pixel got.
    pub empty_classes: Vec<u16>,
    /// Pixels without a class (label 0): of the nodata value, or with a band that is not finite.
    pub nodata_pixels: u64,
    /// Those of them with a band that is not finite.
    pub nan_pixels: u64,
    /// Validity indices; fuzzy c-means only.
    pub validity: Option<Validity>,
    /// The class of every pixel.
    pub labels: LabelMap,
    /// Where asked for, one picture per class: memberships in 255ths, row-major, nodata 0.
    pub memberships: Option<Vec<Bytes>>,
    /// How the scene was cut.
    pub tiling: Tiling,
}

/// The pixels of one class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassSummary {
    /// 1 to `K`.
    pub label: u16,
    /// How many.
    pub pixels: u64,
    /// Their part of all pixels with data, 0 to 1.
    pub share: f64,
    /// Their mean in each band; `None` for an empty class.
    pub mean: Option<Vec<f64>>,
    /// Their standard deviation in each band (of the population: divided by `pixels`); `None` for
    /// an empty class, and where the squares pass the range of `f64`.
    pub sd: Option<Vec<f64>>,
}

/// A label for every pixel of a scene: classes 1 to `K`, 0 for nodata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelMap {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes per label: 1 for up to 255 classes, else 2 (little-endian).
    pub label_bytes: usize,
    /// The labels, row-major.
    pub bytes: Bytes,
}

impl LabelMap {
    /// SHA-256 of the label bytes, in lower-case hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> String {
        Sha256::digest(&self.bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The labels in row-major order.
    pub fn iter(&self) -> impl Iterator<Item = u16> {
        self.bytes
            .chunks_exact(self.label_bytes)
            .map(|label| match *label {
                [low, high] => u16::from_le_bytes([low, high]),
                [low, ..] => u16::from(low),
                [] => 0,
            })
    }
}

impl Classification {
    /// Puts the result of a job together.
    ///
    /// `shape` is that of the scene; `rows` are the finished rows that the tasks of the job carried
    /// ([`FitTask::last`](super::FitTask::last)), in order; `fit` brings the last one. The tile
    /// outputs come in rank order; each is freed as soon as it has its place.
    ///
    /// # Errors
    /// [`ProgramError::Failed`] when a row is missing or the tiles do not make the scene.
    pub fn assemble(
        shape: Shape,
        rows: Vec<Iteration>,
        fit: Fit,
        tiles: Vec<TileOutput>,
    ) -> Result<Self> {
        let converged = fit.converged();
        let stopped_by = fit.stopped_by;
        let separation = fit.separation;
        let centers = fit.last.centers.clone();
        let iterations = whole_table(rows, fit.last)?;
        let tiling = check_tiles(shape, &centers, &tiles)?;
        let summaries: Vec<&TileSummary> = tiles.iter().map(|tile| &tile.head).collect();
        let classes = class_summaries(&centers, &summaries)?;
        let pixels = classes.iter().map(|class| class.pixels).sum();
        let fuzziness: Option<Vec<Fuzziness>> =
            summaries.iter().map(|tile| tile.fuzziness).collect();
        let nodata_pixels = summaries.iter().map(|tile| tile.nodata_pixels).sum();
        let nan_pixels = summaries.iter().map(|tile| tile.non_finite_pixels).sum();
        let validity = fuzziness.map(|tiles| Validity::new(&tiles, pixels, separation));
        let (labels, memberships) = place(shape, centers.classes(), tiles);
        Ok(Self {
            iterations,
            converged,
            stopped_by,
            empty_classes: classes
                .iter()
                .filter(|class| class.pixels == 0)
                .map(|class| class.label)
                .collect(),
            centers,
            classes,
            nodata_pixels,
            nan_pixels,
            validity,
            labels,
            memberships,
            tiling,
        })
    }
}

fn whole_table(mut rows: Vec<Iteration>, last: Iteration) -> Result<Vec<Iteration>> {
    rows.push(last);
    match (1_u32..)
        .zip(&rows)
        .find(|(number, row)| row.iteration != *number)
    {
        None => Ok(rows),
        Some((number, _)) => Err(ProgramError::failed(format!(
            "iteration {number} is missing from the rows observed"
        ))),
    }
}

/// The tiles are those of the scene, each in its place, with bodies of the right length.
fn check_tiles(shape: Shape, centers: &Centers, tiles: &[TileOutput]) -> Result<Tiling> {
    let size = label_bytes(centers.classes()) as u64;
    let fits = |tile: &TileOutput| {
        let TileHead {
            shape: part,
            top,
            left,
            ..
        } = tile.head.tile;
        let planes = if tile.head.has_memberships {
            centers.classes() as u64
        } else {
            0
        };
        part.pixels() > 0
            && u64::from(left) + u64::from(part.width) <= u64::from(shape.width)
            && u64::from(top) + u64::from(part.height) <= u64::from(shape.height)
            && tile.body.len() as u64 == part.pixels() * (size + planes)
    };
    let pixels: u64 = tiles.iter().map(|tile| tile.head.tile.shape.pixels()).sum();
    match tiles.first() {
        Some(first)
            if pixels == shape.pixels()
                && tiles.iter().all(|tile| {
                    fits(tile) && tile.head.has_memberships == first.head.has_memberships
                }) =>
        {
            Ok(first.head.tile.tiling)
        }
        _ => Err(ProgramError::failed(format!(
            "the outputs of {} tiles do not make {} x {} pixels",
            tiles.len(),
            shape.width,
            shape.height
        ))),
    }
}

fn class_summaries(centers: &Centers, tiles: &[&TileSummary]) -> Result<Vec<ClassSummary>> {
    let bands = centers.bands();
    let moments: Vec<&ClassMoments> = tiles.iter().map(|tile| &tile.classes).collect();
    if !moments.iter().all(|tile| {
        tile.pixels.len() == centers.classes() && tile.sums.len() == Some(centers.values().len())
    }) {
        return Err(ProgramError::failed(format!(
            "a tile has sums of other than {} classes and {bands} bands",
            centers.classes()
        )));
    }
    let pixels_of = |class: usize| moments.iter().map(|tile| tile.pixels[class]).sum::<u64>();
    let all: u64 = (0..centers.classes()).map(pixels_of).sum();
    Ok((0..centers.classes())
        .map(|class| {
            let pixels = pixels_of(class);
            let (mean, sd): (Vec<_>, Vec<_>) = (class * bands..(class + 1) * bands)
                .map(|at| mean_and_sd(&moments, class, at))
                .unzip();
            ClassSummary {
                label: class as u16 + 1,
                pixels,
                share: pixels as f64 / all as f64,
                mean: mean.into_iter().collect(),
                sd: sd.into_iter().collect(),
            }
        })
        .collect())
}

/// Puts labels and memberships where they belong.
fn place(shape: Shape, classes: usize, tiles: Vec<TileOutput>) -> (LabelMap, Option<Vec<Bytes>>) {
    let size = label_bytes(classes);
    let map = |bytes| LabelMap {
        width: shape.width,
        height: shape.height,
        label_bytes: size,
        bytes,
    };
    let wanted = tiles.iter().all(|tile| tile.head.has_memberships);
    if let [only] = tiles.as_slice() {
        let pixels = only.head.tile.shape.pixels() as usize;
        let labels = only.body.slice(..pixels * size);
        let planes = (0..classes).map(|class| {
            only.body
                .slice(pixels * (size + class)..pixels * (size + class + 1))
        });
        return (map(labels), wanted.then(|| planes.collect()));
    }
    let pixels = shape.pixels() as usize;
    let mut labels = BytesMut::zeroed(pixels * size);
    let planes_wanted = if wanted { classes } else { 0 };
    let mut planes: Vec<_> = (0..planes_wanted)
        .map(|_| BytesMut::zeroed(pixels))
        .collect();
    for tile in tiles {
        let head = tile.head.tile;
        let own = head.shape.pixels() as usize;
        paste(&mut labels, &tile.body[..own * size], &head, size);
        let bodies = tile.body[own * size..].chunks_exact(own);
        for (plane, body) in planes.iter_mut().zip(bodies) {
            paste(plane, body, &head, 1);
        }
    }
    let planes = planes.into_iter().map(BytesMut::freeze).collect();
    (map(labels.freeze()), wanted.then_some(planes))
}

/// Copies the rows of a tile into the picture of the scene.
fn paste(picture: &mut [u8], part: &[u8], head: &TileHead, size: usize) {
    let row_bytes = head.shape.width as usize * size;
    for (row, bytes) in part.chunks_exact(row_bytes).enumerate() {
        let start = head.scene_index(row as u64 * u64::from(head.shape.width)) as usize * size;
        picture[start..start + row_bytes].copy_from_slice(bytes);
    }
}

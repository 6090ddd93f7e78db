//! What an MsVPU hands over at the end: the labels of its tile, and sums over its classes.

use bytes::Bytes;
use msvpu_actors::{Block, Context, Result};
use serde::{Deserialize, Serialize};

use super::centers::Centers;
use super::fuzzy::Fuzzy;
use super::hard::{Assignment, BLOCK_PIXELS, assign};
use super::levels::Levels;
use super::method::Method;
use super::moments::{ClassMoments, MomentSums, Moments};
use super::planes::{Planes, Sample};
use super::rounds::Fit;
use super::state::{PixelBlock, TileData, TileState, check_centers, with_data};
use super::tile::TileHead;
use super::validity::{Fuzziness, FuzzinessSums};

/// Where the tile of some labels lies, and the sums over its pixels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TileSummary {
    /// Where the tile lies, and its shape.
    pub tile: TileHead,
    /// Pixels without a class: of the nodata value, or not finite.
    pub nodata_pixels: u64,
    /// Those of them that are not finite.
    pub non_finite_pixels: u64,
    /// Pixels, sums and sums of squares of each class.
    pub classes: ClassMoments,
    /// The sums behind the validity indices; fuzzy only.
    pub fuzziness: Option<Fuzziness>,
    /// Whether the labels are followed by the memberships.
    pub has_memberships: bool,
}

/// The labels of a tile, row-major: one byte each if there are at most 255 classes, else two
/// (little-endian); 1 to `K`, 0 for nodata. Then, where asked for, the memberships class by class:
/// one byte per pixel, `u` in 255ths.
pub type TileOutput = Block<TileSummary>;

/// The bytes of one label.
pub(crate) const fn label_bytes(classes: usize) -> usize {
    if classes <= u8::MAX as usize { 1 } else { 2 }
}

/// Labels, counts and sums of a tile with the centers of the last iteration.
pub(crate) fn collect(
    method: Method,
    mut state: TileState,
    fit: &Fit,
    context: &Context,
) -> Result<TileOutput> {
    let centers = &fit.last.centers;
    check_centers(centers, &state.head)?;
    let head = state.head;
    let pixels = head.shape.pixels();
    let nodata_pixels = pixels - state.data.pixels();
    let tile_pixels = with_data!(&state.data,
        levels => levels.samples.len() / head.shape.pixel_bytes(),
        planes => planes.tile_pixels);
    let mut body = Vec::with_capacity(tile_pixels * bytes_per_pixel(method, centers));
    let (non_finite_pixels, classes, fuzziness) = with_data!(&state.data,
        levels => {
            let (classes, fuzziness) = of_levels(method, levels, centers, &mut body, context)?;
            (0, classes, fuzziness)
        },
        planes => {
            let (classes, fuzziness) = of_planes(method, planes, &mut state.assignment, centers, &mut body, context)?;
            (planes.non_finite, classes, fuzziness)
        }
    );
    Ok(Block {
        head: TileSummary {
            tile: head,
            nodata_pixels,
            non_finite_pixels,
            classes,
            fuzziness,
            has_memberships: wants_memberships(method),
        },
        body: Bytes::from(body),
    })
}

const fn wants_memberships(method: Method) -> bool {
    matches!(
        method,
        Method::Fuzzy {
            memberships: true,
            ..
        }
    )
}

fn bytes_per_pixel(method: Method, centers: &Centers) -> usize {
    let labels = label_bytes(centers.classes());
    if wants_memberships(method) {
        labels + centers.classes()
    } else {
        labels
    }
}

fn of_levels(
    method: Method,
    levels: &Levels,
    centers: &Centers,
    body: &mut Vec<u8>,
    context: &Context,
) -> Result<(ClassMoments, Option<Fuzziness>)> {
    let classes = levels.nearest(centers);
    let mut pixels = vec![0; centers.classes()];
    let mut sum = vec![0; centers.classes()];
    let mut squares = vec![0; centers.classes()];
    for ((&class, &value), &count) in classes.iter().zip(&levels.values).zip(&levels.counts) {
        pixels[class] += count;
        sum[class] += u64::from(value) * count;
        squares[class] += u128::from(value) * u128::from(value) * u128::from(count);
    }
    let labels = classes.iter().map(|&class| label(class as u16));
    if label_bytes(centers.classes()) == 1 {
        let entries = labels.map(|label| [label as u8]);
        levels.look_up(&mut levels.table(), entries, body, context)?;
    } else {
        let entries = labels.map(u16::to_le_bytes);
        levels.look_up(&mut levels.table(), entries, body, context)?;
    }
    let moments = ClassMoments {
        pixels,
        sums: Moments::Integer { sum, squares },
    };
    let Some(mut partition) = Partition::new(method, centers, levels.values.len()) else {
        return Ok((moments, None));
    };
    let capacity = partition.fuzzy.capacity();
    let blocks = levels.reals.chunks(capacity);
    for (values, weights) in blocks.zip(levels.weights.chunks(capacity)) {
        context.check()?;
        partition.add(&[values], Some(weights));
    }
    let mut table = levels.table();
    for row in partition.rows() {
        let entries = row.iter().map(|&u| [u]);
        levels.look_up(&mut table, entries, body, context)?;
    }
    Ok((moments, Some(partition.sums.finish())))
}

fn of_planes<T: Sample>(
    method: Method,
    planes: &Planes<T>,
    assignment: &mut Assignment,
    centers: &Centers,
    body: &mut Vec<u8>,
    context: &Context,
) -> Result<(ClassMoments, Option<Fuzziness>)> {
    let wide = label_bytes(centers.classes()) == 2;
    assign(assignment, planes, centers, context)?;
    let mut moments = MomentSums::new(centers.classes(), planes.bands(), T::IS_INTEGER);
    let mut pixels = PixelBlock::new(planes.bands(), BLOCK_PIXELS);
    for start in (0..planes.pixels()).step_by(BLOCK_PIXELS) {
        context.check()?;
        let bands = pixels.read(planes, start);
        let classes = &assignment.classes()[start..][..bands[0].len()];
        moments.add(classes, &bands);
        if wide {
            body.extend(classes.iter().flat_map(|&class| label(class).to_le_bytes()));
        } else {
            body.extend(classes.iter().map(|&class| label(class) as u8));
        }
    }
    planes.spread(body, 0, if wide { 2 } else { 1 });
    let Some(mut partition) = Partition::new(method, centers, planes.pixels()) else {
        return Ok((moments.finish(), None));
    };
    let capacity = partition.fuzzy.capacity();
    let mut pixels = PixelBlock::new(planes.bands(), capacity);
    for start in (0..planes.pixels()).step_by(capacity) {
        context.check()?;
        partition.add(&pixels.read(planes, start), None);
    }
    for row in partition.rows() {
        let start = body.len();
        body.extend_from_slice(row);
        planes.spread(body, start, 1);
    }
    Ok((moments.finish(), Some(partition.sums.finish())))
}

/// What a fuzzy classification hands over of the pixels, or the values, of a tile.
struct Partition<'a> {
    fuzzy: Fuzzy<'a>,
    sums: FuzzinessSums,
    /// How many have been added, of how many.
    done: usize,
    count: usize,
    /// Their memberships in 255ths, class by class, if they are wanted.
    memberships: Vec<u8>,
}

impl<'a> Partition<'a> {
    /// Nothing yet of `count` pixels or values; `None` where no method is fuzzy.
    fn new(method: Method, centers: &'a Centers, count: usize) -> Option<Self> {
        let Method::Fuzzy {
            fuzzifier,
            memberships,
        } = method
        else {
            return None;
        };
        let wanted = if memberships { count } else { 0 };
        Some(Self {
            fuzzy: Fuzzy::new(centers, fuzzifier),
            sums: FuzzinessSums::default(),
            done: 0,
            count,
            memberships: vec![0; centers.classes() * wanted],
        })
    }

    /// Adds a block, band by band; each pixel or value counts `weights` times, or once.
    fn add(&mut self, bands: &[&[f64]], weights: Option<&[f64]>) {
        let pixels = bands[0].len();
        self.fuzzy.block(bands);
        self.sums.add(&self.fuzzy, pixels, weights);
        for (class, row) in self.memberships.chunks_exact_mut(self.count).enumerate() {
            let memberships = self.fuzzy.memberships(class, pixels);
            for (quantity, &u) in row[self.done..].iter_mut().zip(memberships) {
                *quantity = quantised(u);
            }
        }
        self.done += pixels;
    }

    /// The memberships in each class, if they are wanted.
    fn rows(&self) -> impl Iterator<Item = &[u8]> {
        let rows = if self.memberships.is_empty() {
            0
        } else {
            self.fuzzy.classes()
        };
        (0..rows).map(|class| &self.memberships[class * self.count..][..self.count])
    }
}

/// The label of a class.
const fn label(class: u16) -> u16 {
    class + 1
}

/// A membership in 255ths.
fn quantised(membership: f64) -> u8 {
    (membership * 255.0).round() as u8
}

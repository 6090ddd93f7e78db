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

/// What the bytes of a [`TileOutput`] are, and the sums over its pixels.
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
    let mut labels = vec![0_u16; 1 << 16];
    for ((&class, &value), &count) in classes.iter().zip(&levels.values).zip(&levels.counts) {
        pixels[class] += count;
        sum[class] += u64::from(value) * count;
        squares[class] += u128::from(value) * u128::from(value) * u128::from(count);
        labels[usize::from(value)] = label(class as u16);
    }
    if label_bytes(centers.classes()) == 1 {
        let low: Vec<u8> = labels.iter().map(|&label| label as u8).collect();
        levels.look_up(&low, body, context)?;
    } else {
        levels.look_up_wide(&labels, body, context)?;
    }
    let moments = ClassMoments {
        pixels,
        sums: Moments::Integer { sum, squares },
    };
    let Method::Fuzzy {
        fuzzifier,
        memberships,
    } = method
    else {
        return Ok((moments, None));
    };
    let mut fuzzy = Fuzzy::new(centers, fuzzifier);
    let mut sums = FuzzinessSums::default();
    let mut tables = vec![
        0_u8;
        if memberships {
            centers.classes() << 16
        } else {
            0
        }
    ];
    let capacity = fuzzy.capacity();
    for (index, reals) in levels.reals.chunks(capacity).enumerate() {
        context.check()?;
        let range = index * capacity..index * capacity + reals.len();
        fuzzy.block(&[reals]);
        sums.add(&fuzzy, reals.len(), Some(&levels.weights[range.clone()]));
        for (class, table) in tables.chunks_exact_mut(1 << 16).enumerate() {
            let memberships = fuzzy.memberships(class, reals.len());
            for (&value, &u) in levels.values[range.clone()].iter().zip(memberships) {
                table[usize::from(value)] = quantised(u);
            }
        }
    }
    for table in tables.chunks_exact(1 << 16) {
        levels.look_up(table, body, context)?;
    }
    Ok((moments, Some(sums.finish())))
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
    let Method::Fuzzy {
        fuzzifier,
        memberships,
    } = method
    else {
        return Ok((moments.finish(), None));
    };
    let mut fuzzy = Fuzzy::new(centers, fuzzifier);
    let mut sums = FuzzinessSums::default();
    let mut pixels = PixelBlock::new(planes.bands(), fuzzy.capacity());
    let mut quantities = vec![
        0_u8;
        if memberships {
            centers.classes() * planes.pixels()
        } else {
            0
        }
    ];
    for start in (0..planes.pixels()).step_by(fuzzy.capacity()) {
        context.check()?;
        let bands = pixels.read(planes, start);
        fuzzy.block(&bands);
        sums.add(&fuzzy, bands[0].len(), None);
        for (class, plane) in quantities.chunks_exact_mut(planes.pixels()).enumerate() {
            let memberships = fuzzy.memberships(class, bands[0].len());
            for (quantity, &u) in plane[start..].iter_mut().zip(memberships) {
                *quantity = quantised(u);
            }
        }
    }
    if memberships {
        let kept = planes.pixels();
        for class in 0..centers.classes() {
            let start = body.len();
            body.extend_from_slice(&quantities[class * kept..][..kept]);
            planes.spread(body, start, 1);
        }
    }
    Ok((moments.finish(), Some(sums.finish())))
}

/// The label of a class.
const fn label(class: u16) -> u16 {
    class + 1
}

/// A membership in 255ths.
fn quantised(membership: f64) -> u8 {
    (membership * 255.0).round() as u8
}

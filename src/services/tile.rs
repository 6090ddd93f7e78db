//! How a scene is cut into tiles.

use bytes::{Bytes, BytesMut};
use msvpu_actors::{Block, ProgramError, Result};
use serde::{Deserialize, Serialize};

use super::tiling::Tiling;
use crate::scene::{Scene, Shape};

/// What the bytes of a tile are, and where they lie in the scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TileHead {
    /// The shape of the tile.
    pub shape: Shape,
    /// Rows of the scene above the tile.
    pub top: u32,
    /// Columns of the scene left of the tile.
    pub left: u32,
    /// Columns of the scene.
    pub scene_width: u32,
    /// How the whole scene is cut.
    pub tiling: Tiling,
}

impl TileHead {
    /// The row-major index in the scene of the pixel with this row-major index in the tile.
    pub(crate) const fn scene_index(&self, tile_index: u64) -> u64 {
        let row = self.top as u64 + tile_index / self.shape.width as u64;
        row * self.scene_width as u64 + self.left as u64 + tile_index % self.shape.width as u64
    }
}

/// A tile of a scene: samples row-major, bands interleaved, little-endian.
pub(crate) type Tile = Block<TileHead>;

/// A tile that came over a wire has the samples that its shape says, and at least one.
pub(crate) fn check(tile: &Tile) -> Result<()> {
    let (shape, samples) = (tile.head.shape, tile.body.len());
    if samples > 0 && shape.size_bytes() == Some(samples) {
        return Ok(());
    }
    Err(ProgramError::failed(format!(
        "a tile of {} x {} pixels and {} bands came with {samples} bytes of samples",
        shape.width, shape.height, shape.bands
    )))
}

/// Cuts the scene, in row-major order of the tiles. Sides that do not divide evenly give tiles
/// that differ by one pixel. The tiling fits the scene ([`Tiling::validate`]).
pub(crate) fn split(scene: &Scene, tiling: Tiling) -> Vec<Tile> {
    let shape = scene.shape();
    let (rows, columns) = (tiling.rows.get(), tiling.columns.get());
    let mut tiles = Vec::with_capacity(rows as usize * columns as usize);
    for row in 0..rows {
        let (top, bottom) = (
            part(shape.height, row, rows),
            part(shape.height, row + 1, rows),
        );
        for column in 0..columns {
            let (left, right) = (
                part(shape.width, column, columns),
                part(shape.width, column + 1, columns),
            );
            let head = TileHead {
                shape: Shape {
                    width: right - left,
                    height: bottom - top,
                    ..shape
                },
                top,
                left,
                scene_width: shape.width,
                tiling,
            };
            tiles.push(Block {
                body: cut(scene, &head),
                head,
            });
        }
    }
    tiles
}

/// Where part `index` of `parts` begins.
const fn part(length: u32, index: u32, parts: u32) -> u32 {
    (length as u64 * index as u64 / parts as u64) as u32
}

fn cut(scene: &Scene, head: &TileHead) -> Bytes {
    let pixel_bytes = head.shape.pixel_bytes();
    let stride = head.scene_width as usize * pixel_bytes;
    let start = head.top as usize * stride + head.left as usize * pixel_bytes;
    let row_bytes = head.shape.width as usize * pixel_bytes;
    let rows = head.shape.height as usize;
    if row_bytes == stride {
        return scene.samples().slice(start..start + rows * stride);
    }
    let mut body = BytesMut::with_capacity(rows * row_bytes);
    for row in 0..rows {
        body.extend_from_slice(&scene.samples()[start + row * stride..][..row_bytes]);
    }
    body.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::SampleType;

    fn scene(width: u32, height: u32) -> Scene {
        let shape = Shape {
            width,
            height,
            bands: 1,
            sample: SampleType::U8,
        };
        let samples: Vec<u8> = (0..shape.pixels()).map(|i| i as u8).collect();
        Scene::new(shape, samples).unwrap()
    }

    #[test]
    fn every_pixel_is_in_exactly_one_tile() {
        let scene = scene(7, 5);
        let tiles = split(&scene, Tiling::new(3, 4).unwrap());
        assert_eq!(tiles.len(), 12);
        let mut seen = vec![0; 35];
        for tile in &tiles {
            assert_eq!(tile.body.len() as u64, tile.head.shape.pixels());
            for (index, sample) in tile.body.iter().enumerate() {
                let place = tile.head.scene_index(index as u64) as usize;
                assert_eq!(usize::from(*sample), place);
                seen[place] += 1;
            }
        }
        assert_eq!(seen, [1; 35]);
    }

    #[test]
    fn full_rows_are_not_copied() {
        let scene = scene(64, 64);
        let tiles = split(&scene, Tiling::new(4, 1).unwrap());
        assert_eq!(tiles[1].body.as_ptr(), scene.samples()[16 * 64..].as_ptr());
    }
}

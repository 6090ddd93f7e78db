//! Small pictures of every kind, as files of one test.
#![allow(dead_code, reason = "every test takes what it needs")]
#![allow(clippy::unwrap_used, reason = "a test that fails here says so")]

use std::path::PathBuf;

use tempfile::TempDir;

/// A directory of pictures for one test.
pub(crate) struct Pictures(TempDir);

pub(crate) const WIDTH: u32 = 61;
pub(crate) const HEIGHT: u32 = 47;

/// A wavy surface with three plateaus, so that no two tiles are alike.
pub(crate) fn level(x: u32, y: u32) -> u32 {
    (x * 7 + y * 3) % 23 + 80 * ((x + 2 * y) / 52)
}

impl Pictures {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A name in the directory, as text for the command line.
    pub(crate) fn name(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// Gray, 8 bit, PNG.
    pub(crate) fn gray(&self) -> PathBuf {
        let samples: Vec<u8> = pixels().map(|(x, y)| level(x, y) as u8).collect();
        self.png("gray.png", png::ColorType::Grayscale, &samples)
    }

    /// Gray, 16 bit, PNG.
    pub(crate) fn gray16(&self) -> PathBuf {
        let samples: Vec<u8> = pixels()
            .flat_map(|(x, y)| (level(x, y) as u16 * 257 + x as u16).to_be_bytes())
            .collect();
        self.png_of(
            "gray16.png",
            png::ColorType::Grayscale,
            png::BitDepth::Sixteen,
            &samples,
        )
    }

    /// RGB, 8 bit, PNG.
    pub(crate) fn rgb(&self) -> PathBuf {
        let samples: Vec<u8> = pixels()
            .flat_map(|(x, y)| {
                let level = level(x, y) as u8;
                [level, 255 - level, (x * 4) as u8]
            })
            .collect();
        self.png("rgb.png", png::ColorType::Rgb, &samples)
    }

    pub(crate) fn png(&self, name: &str, color: png::ColorType, samples: &[u8]) -> PathBuf {
        self.png_of(name, color, png::BitDepth::Eight, samples)
    }

    fn png_of(
        &self,
        name: &str,
        color: png::ColorType,
        depth: png::BitDepth,
        samples: &[u8],
    ) -> PathBuf {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, WIDTH, HEIGHT);
        encoder.set_color(color);
        encoder.set_depth(depth);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(samples).unwrap();
        writer.finish().unwrap();
        self.write(name, &bytes)
    }

    /// Float, one band, TIFF with the tags of GeoTIFF; the first two pixels are NaN, the third is -9999.
    pub(crate) fn float_geotiff(&self) -> PathBuf {
        self.geotiff("float.tif", None)
    }

    /// The same, in which the file itself says what stands for no data.
    pub(crate) fn geotiff_with_nodata(&self) -> PathBuf {
        self.geotiff("nodata.tif", Some("-9999"))
    }

    fn geotiff(&self, name: &str, nodata: Option<&str>) -> PathBuf {
        use tiff::encoder::{TiffEncoder, colortype::Gray32Float};
        use tiff::tags::Tag;

        let mut samples: Vec<f32> = pixels().map(|(x, y)| level(x, y) as f32 / 8.0).collect();
        samples[..3].copy_from_slice(&[f32::NAN, f32::NAN, -9999.0]);
        let path = self.path(name);
        let file = std::fs::File::create(&path).unwrap();
        let mut encoder = TiffEncoder::new(file).unwrap();
        let mut image = encoder.new_image::<Gray32Float>(WIDTH, HEIGHT).unwrap();
        let directory = image.encoder();
        directory
            .write_tag(Tag::ModelPixelScaleTag, &PIXEL_SCALE[..])
            .unwrap();
        directory
            .write_tag(Tag::ModelTiepointTag, &TIEPOINT[..])
            .unwrap();
        directory
            .write_tag(Tag::GeoKeyDirectoryTag, &GEO_KEYS[..])
            .unwrap();
        if let Some(nodata) = nodata {
            directory.write_tag(Tag::GdalNodata, nodata).unwrap();
        }
        image.write_data(&samples).unwrap();
        path
    }
}

pub(crate) const PIXEL_SCALE: [f64; 3] = [10.0, 10.0, 0.0];
pub(crate) const TIEPOINT: [f64; 6] = [0.0, 0.0, 0.0, 500_000.0, 3_700_000.0, 0.0];
/// UTM 29 N, of three keys.
pub(crate) const GEO_KEYS: [u16; 16] =
    [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32629];

pub(crate) fn pixels() -> impl Iterator<Item = (u32, u32)> {
    (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)))
}

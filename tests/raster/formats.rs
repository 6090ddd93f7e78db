//! PNG, JPEG and PNM: what encoders write is what is read.

use image::{ExtendedColorType, ImageEncoder};
use msvpu::{
    SampleType,
    raster::{Alpha, Format, ReadProblem},
};
use png::{BitDepth, ColorType};

use crate::support::{noise, read_bytes, shape, values};

const WIDTH: u32 = 37;
const HEIGHT: u32 = 23;
const PIXELS: usize = (WIDTH * HEIGHT) as usize;

fn png(color: ColorType, depth: BitDepth, data: &[u8], palette: &[u8], trns: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, WIDTH, HEIGHT);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if !palette.is_empty() {
        encoder.set_palette(palette);
    }
    if !trns.is_empty() {
        encoder.set_trns(trns);
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    bytes
}

#[test]
fn png_of_every_kind_without_alpha() {
    for (color, bands) in [(ColorType::Grayscale, 1u16), (ColorType::Rgb, 3)] {
        let samples = noise(1, PIXELS * usize::from(bands));
        let bytes: Vec<u8> = samples.iter().map(|&v| v as u8).collect();
        let picture = read_bytes(&png(color, BitDepth::Eight, &bytes, &[], &[])).unwrap();
        assert_eq!(shape(&picture), (WIDTH, HEIGHT, bands, SampleType::U8));
        assert_eq!(picture.scene.samples().as_ref(), bytes);
        assert_eq!((picture.format, picture.bits), (Format::Png, 8));
        assert_eq!((picture.alpha, picture.nodata), (None, None));

        let words: Vec<u8> = samples.iter().flat_map(|v| v.to_be_bytes()).collect();
        let picture = read_bytes(&png(color, BitDepth::Sixteen, &words, &[], &[])).unwrap();
        assert_eq!(shape(&picture), (WIDTH, HEIGHT, bands, SampleType::U16));
        let expected: Vec<_> = samples.iter().map(|&v| f64::from(v)).collect();
        assert_eq!(values(&picture), expected);
        assert_eq!(picture.bits, 16);
    }
}

/// Rows of samples of few bits, each row from a new byte.
fn packed(samples: &[u8], bits: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for row in samples.chunks(WIDTH as usize) {
        for part in row.chunks(8 / bits) {
            let byte = part
                .iter()
                .enumerate()
                .fold(0, |byte, (i, v)| byte | v << (8 - bits * (i + 1)));
            bytes.push(byte);
        }
    }
    bytes
}

#[test]
fn png_of_few_bits_gives_raw_values_and_a_palette_its_colours() {
    for (depth, bits) in [(BitDepth::One, 1), (BitDepth::Two, 2), (BitDepth::Four, 4)] {
        let samples: Vec<u8> = noise(2, PIXELS)
            .iter()
            .map(|&v| v as u8 % (1 << bits))
            .collect();
        let packed = packed(&samples, bits);
        let gray = read_bytes(&png(ColorType::Grayscale, depth, &packed, &[], &[0, 1])).unwrap();
        assert_eq!(shape(&gray), (WIDTH, HEIGHT, 1, SampleType::U8));
        assert_eq!(gray.scene.samples().as_ref(), samples);
        assert_eq!(usize::from(gray.bits), bits);
        // A transparent gray is a value for no data, and no alpha.
        assert_eq!((gray.nodata, gray.alpha), (Some(1.0), None));

        let palette: Vec<u8> = noise(3, 3 << bits).iter().map(|&v| v as u8).collect();
        let colors = read_bytes(&png(ColorType::Indexed, depth, &packed, &palette, &[])).unwrap();
        assert_eq!(shape(&colors), (WIDTH, HEIGHT, 3, SampleType::U8));
        let expected: Vec<u8> = samples
            .iter()
            .flat_map(|&v| palette[usize::from(v) * 3..][..3].to_vec())
            .collect();
        assert_eq!(colors.scene.samples().as_ref(), expected);
    }
}

#[test]
fn opaque_alpha_is_left_out_and_reported() {
    for (color, bands) in [(ColorType::GrayscaleAlpha, 2usize), (ColorType::Rgba, 4)] {
        for depth in [BitDepth::Eight, BitDepth::Sixteen] {
            let mut samples = noise(4, PIXELS * bands);
            // Half transparent is a pixel; a low byte of 0 is not yet transparent.
            samples
                .chunks_mut(bands)
                .for_each(|pixel| pixel[bands - 1] = 0x8000 | 0x80);
            let sixteen = depth == BitDepth::Sixteen;
            let data: Vec<u8> = samples
                .iter()
                .flat_map(|v| v.to_be_bytes()[usize::from(!sixteen)..].to_vec())
                .collect();
            let picture = read_bytes(&png(color, depth, &data, &[], &[])).unwrap();
            let sample = if sixteen {
                SampleType::U16
            } else {
                SampleType::U8
            };
            assert_eq!(shape(&picture), (WIDTH, HEIGHT, bands as u16 - 1, sample));
            assert_eq!(
                picture.alpha,
                Some(Alpha {
                    transparent_pixels: 0
                })
            );
            let expected: Vec<_> = samples
                .chunks(bands)
                .flat_map(|pixel| &pixel[..bands - 1])
                .map(|&v| f64::from(if sixteen { v } else { v & 0xff }))
                .collect();
            assert_eq!(values(&picture), expected);
        }
    }
}

#[test]
fn transparent_pixels_cannot_become_a_class() {
    let mut data: Vec<u8> = noise(5, PIXELS * 4).iter().map(|&v| v as u8 | 1).collect();
    for i in [0, 5, PIXELS - 1] {
        data[i * 4 + 3] = 0;
    }
    let picture = read_bytes(&png(ColorType::Rgba, BitDepth::Eight, &data, &[], &[])).unwrap();
    assert_eq!(shape(&picture), (WIDTH, HEIGHT, 3, SampleType::F32));
    assert_eq!(picture.bits, 8);
    assert_eq!(
        picture.alpha,
        Some(Alpha {
            transparent_pixels: 3
        })
    );
    for (pixel, source) in values(&picture).chunks(3).zip(data.chunks(4)) {
        for (value, source_value) in pixel.iter().zip(source) {
            match source[3] {
                0 => assert!(value.is_nan()),
                _ => assert_eq!(*value, f64::from(*source_value)),
            }
        }
    }
    // A transparent 16-bit gray is a value for no data.
    let words = vec![3; PIXELS * 2];
    let key = [3, 3];
    let bytes = png(ColorType::Grayscale, BitDepth::Sixteen, &words, &[], &key);
    let picture = read_bytes(&bytes).unwrap();
    assert_eq!((picture.nodata, picture.alpha), (Some(771.0), None));
    // A transparent colour of RGB and a transparent entry of a palette come out like transparent alpha.
    let mut rgb: Vec<u8> = noise(6, PIXELS * 3).iter().map(|&v| v as u8 | 1).collect();
    rgb[3..6].copy_from_slice(&[2, 4, 6]);
    let key = [0, 2, 0, 4, 0, 6];
    let picture = read_bytes(&png(ColorType::Rgb, BitDepth::Eight, &rgb, &[], &key)).unwrap();
    assert_eq!(
        picture.alpha,
        Some(Alpha {
            transparent_pixels: 1
        })
    );
    assert!(values(&picture)[3..6].iter().all(|v| v.is_nan()));
    let indices: Vec<u8> = (0..PIXELS).map(|i| (i % 3) as u8).collect();
    let palette = [10, 20, 30, 40, 50, 60, 70, 80, 90];
    let bytes = png(
        ColorType::Indexed,
        BitDepth::Eight,
        &indices,
        &palette,
        &[255, 0],
    );
    let picture = read_bytes(&bytes).unwrap();
    let transparent_pixels = PIXELS.div_ceil(3) as u64 - u64::from(PIXELS % 3 == 1);
    assert_eq!(picture.alpha, Some(Alpha { transparent_pixels }));
    let first: Vec<_> = values(&picture)[..9].to_vec();
    assert_eq!(first[..3], [10.0, 20.0, 30.0]);
    assert!(first[3..6].iter().all(|v| v.is_nan()));
    assert_eq!(first[6..], [70.0, 80.0, 90.0]);
}

#[test]
fn jpeg_gray_and_rgb_are_as_another_reader_has_them() {
    for (color, bands) in [(ExtendedColorType::L8, 1), (ExtendedColorType::Rgb8, 3)] {
        let samples: Vec<u8> = (0..PIXELS * bands).map(|i| (i / 7) as u8).collect();
        let mut bytes = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90)
            .write_image(&samples, WIDTH, HEIGHT, color)
            .unwrap();
        let picture = read_bytes(&bytes).unwrap();
        assert_eq!(
            shape(&picture),
            (WIDTH, HEIGHT, bands as u16, SampleType::U8)
        );
        assert_eq!((picture.format, picture.bits), (Format::Jpeg, 8));
        let other = image::load_from_memory(&bytes).unwrap();
        assert_eq!(picture.scene.samples().as_ref(), other.as_bytes());
    }
}

#[test]
fn pnm_of_every_kind() {
    let cases: &[(&[u8], u16, u8, &[f64])] = &[
        (b"P1\n# a comment\n3 2\n1 0 1\n011", 1, 1, &[0., 1., 0., 1., 0., 0.]),
        (b"P4 3 2\n\xa0\x60", 1, 1, &[0., 1., 0., 1., 0., 0.]),
        (b"P2 3 2 255 1 2 3\n4 5 255", 1, 8, &[1., 2., 3., 4., 5., 255.]),
        (b"P5 3 2 255\n\x01\x02\x03\x04\x05\xff", 1, 8, &[1., 2., 3., 4., 5., 255.]),
        // A maximum of 100 or 4095 stretches nothing.
        (b"P5 3 2 100\n\x01\x02\x03\x04\x05\x64", 1, 7, &[1., 2., 3., 4., 5., 100.]),
        (b"P5 2 1 4095\n\x01\x02\x0f\xff", 1, 12, &[258., 4095.]),
        (b"P5 2 1 65535\n\x01\x02\xff\xff", 1, 16, &[258., 65535.]),
        (b"P3 1 2 1000 1 2 3 4 5 1000\n", 3, 10, &[1., 2., 3., 4., 5., 1000.]),
        (b"P6 1 2 255\n\x01\x02\x03\x04\x05\x06", 3, 8, &[1., 2., 3., 4., 5., 6.]),
        (b"P6 1 1 65535\n\x00\x01\x00\x02\x01\x00", 3, 16, &[1., 2., 256.]),
        (
            b"P7\nWIDTH 1\nHEIGHT 2\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n\x01\x02\x03\xff\x04\x05\x06\x80",
            3,
            8,
            &[1., 2., 3., 4., 5., 6.],
        ),
    ];
    for (bytes, bands, bits, expected) in cases {
        let name = String::from_utf8_lossy(bytes);
        let picture = read_bytes(bytes).unwrap();
        assert_eq!(values(&picture), *expected, "{name}");
        assert_eq!(picture.scene.shape().bands, *bands, "{name}");
        assert_eq!(
            (picture.format, picture.bits),
            (Format::Pnm, *bits),
            "{name}"
        );
    }
}

#[test]
fn pnm_samples_must_be_numbers_up_to_the_maximum() {
    for bytes in [
        &b"P5 2 1 100\n\x05\x65"[..],
        b"P2 2 1 100 5 101 ",
        b"P2 2 1 255 5 256 ",
        b"P2 2 1 65535 5 99999999999999999999 ",
        b"P2 2 1 255 5 x ",
        b"P1 2 1 2 0 ",
    ] {
        let problem = read_bytes(bytes).unwrap_err().problem;
        assert!(
            matches!(
                problem,
                ReadProblem::Malformed {
                    format: Format::Pnm,
                    ..
                }
            ),
            "{problem}"
        );
    }
}

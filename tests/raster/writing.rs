//! Results, read back by other readers.

use std::{
    collections::HashSet,
    fs::File,
    io::BufReader,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use msvpu::raster::{
    GeoTag, GeoTags, LabelImage, WriteProblem, label_colors, write_labels_png, write_labels_tiff,
    write_mask_png, write_membership_png,
};
use msvpu::report::{Picture, Pictures};
use png::{BitDepth, ColorType};
use tiff::{decoder::DecodingResult, tags::Tag};

use crate::labels::{HEIGHT, PIXELS, WIDTH, bytes, label_map, labels, png, words};
use crate::support::{noise, read_path, take_palette, values};

#[test]
fn labels_png_has_the_fewest_bits_and_a_palette() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("labels.png");
    for (classes, depth) in [
        (1, BitDepth::One),
        (2, BitDepth::Two),
        (3, BitDepth::Two),
        (4, BitDepth::Four),
        (15, BitDepth::Four),
        (16, BitDepth::Eight),
        (255, BitDepth::Eight),
    ] {
        let labels = labels(classes);
        for bytes in [bytes(&labels), words(&labels)] {
            let image = LabelImage::new(WIDTH, HEIGHT, classes, &bytes).unwrap();
            write_labels_png(&path, &image).unwrap();
            let png = png(&path);
            assert_eq!((png.color, png.depth), (ColorType::Indexed, depth));
            assert!(png.samples == labels, "{classes} classes");
            assert_eq!(png.trns, Some(vec![0]));
            let palette = png.palette.unwrap();
            assert_eq!(palette[..3], [0, 0, 0]);
            let colors: HashSet<_> = palette.chunks(3).collect();
            assert_eq!(colors.len(), usize::from(classes) + 1, "every colour once");
        }
    }
}

#[test]
fn the_first_colours_are_far_apart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("labels.png");
    let labels = bytes(&labels(12));
    write_labels_png(&path, &LabelImage::new(WIDTH, HEIGHT, 12, &labels).unwrap()).unwrap();
    let palette = png(&path).palette.unwrap();
    let colors: Vec<_> = palette.chunks(3).collect();
    for (i, a) in colors.iter().enumerate() {
        for b in &colors[..i] {
            let distance: u32 = a
                .iter()
                .zip(*b)
                .map(|(a, b)| u32::from(a.abs_diff(*b)))
                .sum();
            assert!(distance > 50, "{a:?} {b:?}");
        }
    }
}

#[test]
fn many_classes_are_gray_of_16_bits() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("labels.png");
    for classes in [256, 1000, 65535] {
        let labels = labels(classes);
        let bytes = words(&labels);
        let image = LabelImage::new(WIDTH, HEIGHT, classes, &bytes).unwrap();
        write_labels_png(&path, &image).unwrap();
        let png = png(&path);
        assert_eq!(
            (png.color, png.depth),
            (ColorType::Grayscale, BitDepth::Sixteen)
        );
        assert!(png.samples == labels, "{classes} classes");
    }
}

#[test]
fn masks_are_one_bit_and_white_where_the_label_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mask.png");
    for classes in [3, 255, 300] {
        let labels = labels(classes);
        let mut given = vec![words(&labels)];
        if classes < 256 {
            given.push(bytes(&labels));
        }
        for bytes in given {
            let image = LabelImage::new(WIDTH, HEIGHT, classes, &bytes).unwrap();
            // 0 as well: padding must not be taken for it. 768 is 0 in its low byte.
            for class in [0, 1, 2, classes, 768] {
                write_mask_png(&path, &image, class).unwrap();
                let png = png(&path);
                assert_eq!(
                    (png.color, png.depth),
                    (ColorType::Grayscale, BitDepth::One)
                );
                let expected: Vec<_> = labels.iter().map(|&l| u16::from(l == class)).collect();
                assert!(png.samples == expected, "class {class} of {classes}");
            }
        }
    }
}

#[test]
fn memberships_are_gray() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("membership_1.png");
    let memberships = bytes(&noise(9, PIXELS));
    write_membership_png(&path, WIDTH, HEIGHT, &memberships).unwrap();
    let other = image_of(&path);
    assert_eq!(other, memberships);
    let error = write_membership_png(&path, WIDTH, HEIGHT, &memberships[1..]).unwrap_err();
    assert!(
        matches!(error.problem, WriteProblem::Length { .. }),
        "{error}"
    );
    assert_eq!(
        image_of(&path),
        memberships,
        "the file that was there stays"
    );
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

fn image_of(path: &Path) -> Vec<u8> {
    let png = png(path);
    assert_eq!(
        (png.color, png.depth),
        (ColorType::Grayscale, BitDepth::Eight)
    );
    bytes(&png.samples)
}

fn georeference() -> GeoTags {
    let doubles = |values: &[f64]| values.iter().flat_map(|v| v.to_ne_bytes()).collect();
    GeoTags(vec![
        GeoTag {
            tag: 33550,
            field_type: 12,
            bytes: doubles(&[10.0, 10.0, 0.0]),
        },
        GeoTag {
            tag: 34735,
            field_type: 3,
            bytes: [1u16, 1, 0, 1, 1024, 0, 1, 1]
                .iter()
                .flat_map(|v| v.to_ne_bytes())
                .collect(),
        },
        GeoTag {
            tag: 34737,
            field_type: 2,
            bytes: b"UTM|\0".to_vec(),
        },
    ])
}

#[test]
fn labels_tiff_keeps_the_georeference() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("labels.tif");
    for classes in [3, 255, 256, 65535] {
        let labels = labels(classes);
        let mut given = vec![words(&labels)];
        if classes < 256 {
            given.push(bytes(&labels));
        }
        for bytes in given {
            let image = LabelImage::new(WIDTH, HEIGHT, classes, &bytes).unwrap();
            write_labels_tiff(&path, &image, Some(&georeference())).unwrap();
            let palette = take_palette(&path);
            assert_eq!(palette.is_some(), classes < 256);
            if let Some(palette) = palette {
                let colors = label_colors(classes as u8);
                for (label, color) in colors.iter().enumerate() {
                    let told = [0, 256, 512].map(|channel| palette[channel + label]);
                    assert_eq!(
                        told,
                        color.map(|byte| u16::from(byte) << 8 | u16::from(byte))
                    );
                }
                assert_eq!(palette.len(), 3 * 256);
            }
            let picture = read_path(&path).unwrap();
            assert_eq!(picture.georeference, Some(georeference()));
            assert_eq!(picture.nodata, Some(0.0));
            assert_eq!(picture.bits, if classes < 256 { 8 } else { 16 });
            assert!(
                values(&picture)
                    .into_iter()
                    .eq(labels.iter().map(|&l| f64::from(l)))
            );

            let file = BufReader::new(File::open(&path).unwrap());
            let mut other = tiff::decoder::Decoder::new(file).unwrap();
            assert_eq!(
                other.get_tag_f64_vec(Tag::ModelPixelScaleTag).unwrap(),
                [10.0, 10.0, 0.0]
            );
            assert_eq!(other.get_tag_ascii_string(Tag::GdalNodata).unwrap(), "0");
            match other.read_image().unwrap() {
                DecodingResult::U8(read) => assert!(read == self::bytes(&labels)),
                DecodingResult::U16(read) => assert!(read == labels),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn labels_tiff_of_many_strips() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("labels.tif");
    let (width, height) = (3000, 2000);
    // Areas and noise.
    let noise = noise(10, width * height);
    let labels: Vec<u8> = (0..width * height)
        .map(|i| {
            if i / width < 900 {
                (i / 700 % 4) as u8
            } else {
                noise[i] as u8 % 6
            }
        })
        .collect();
    let image = LabelImage::new(width as u32, height as u32, 5, &labels).unwrap();
    write_labels_tiff(&path, &image, None).unwrap();
    take_palette(&path).unwrap();
    let picture = read_path(&path).unwrap();
    assert!(picture.scene.samples().as_ref() == labels);
    assert_eq!(picture.georeference, None);
}

#[test]
fn all_files_of_a_result() {
    let directory = tempfile::tempdir().unwrap();
    let labels = labels(3);
    let map = label_map(&labels);
    let stop = AtomicBool::new(false);
    let pictures = Pictures::new(&map, 3, &stop).unwrap();
    let names = || {
        let entries = std::fs::read_dir(directory.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    for class in 1..=3 {
        let mask = Picture::Mask(class);
        pictures.write(directory.path(), mask).unwrap();
    }
    let labels_png = Picture::LabelsPng;
    pictures.write(directory.path(), labels_png).unwrap();
    // Nothing temporary stays.
    let mut expected = vec!["class_1.png", "class_2.png", "class_3.png", "labels.png"];
    assert_eq!(names(), expected);
    assert!(png(&directory.path().join("labels.png")).samples == labels);
    for class in 1..=3 {
        let mask = png(&directory.path().join(format!("class_{class}.png")));
        assert!(
            mask.samples
                .iter()
                .zip(&labels)
                .all(|(&m, &l)| (m == 1) == (l == class))
        );
    }
    let labels_tiff = Picture::LabelsTiff;
    pictures.write(directory.path(), labels_tiff).unwrap();
    expected.push("labels.tif");
    assert_eq!(names(), expected);
    let absent = directory.path().join("absent");
    let error = pictures.write(&absent, labels_png).unwrap_err();
    assert!(matches!(error.problem, WriteProblem::Io(_)), "{error}");
    assert!(error.path.starts_with(directory.path()));
}

#[test]
fn labels_must_fit_the_image_and_the_classes() {
    let labels = [0u8, 1, 2, 3];
    assert!(LabelImage::new(2, 2, 3, &labels).is_ok());
    assert!(LabelImage::new(2, 1, 1000, &labels).is_ok());
    let problem = LabelImage::new(2, 2, 2, &labels).unwrap_err();
    assert!(matches!(
        problem,
        WriteProblem::Label {
            found: 3,
            classes: 2
        }
    ));
    let problem = LabelImage::new(3, 2, 3, &labels).unwrap_err();
    assert!(matches!(
        problem,
        WriteProblem::Length {
            expected: 6,
            found: 4,
            ..
        }
    ));
    let problem = LabelImage::new(0, 2, 3, &[]).unwrap_err();
    assert!(matches!(problem, WriteProblem::NoPixels { .. }));
}

#[test]
fn a_writer_that_is_asked_to_stop_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let map = label_map(&labels(3));
    let stop = AtomicBool::new(false);
    let image = LabelImage::new(WIDTH, HEIGHT, 3, &map.bytes)
        .unwrap()
        .stopped_by(&stop);
    let pictures = Pictures::new(&map, 3, &stop).unwrap();
    let path = directory.path().join("labels");
    write_labels_png(&path, &image).unwrap();
    let before = std::fs::read(&path).unwrap();
    stop.store(true, Ordering::Relaxed);
    for ended in [
        write_labels_png(&path, &image),
        write_mask_png(&path, &image, 1),
        write_labels_tiff(&path, &image, None),
        pictures.write(directory.path(), Picture::Mask(1)),
        pictures.write(directory.path(), Picture::Membership(1)),
    ] {
        let problem = ended.unwrap_err().problem;
        assert!(matches!(problem, WriteProblem::Stopped), "{problem}");
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    assert!(std::fs::read(&path).unwrap() == before);
}

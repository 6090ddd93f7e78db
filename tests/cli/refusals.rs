//! What is refused: one clear line, the right exit status, at once.

use std::time::{Duration, Instant};

use crate::{Pictures, WIDTH, classify, msvpu};

/// Runs and expects exit status 2 with one line on stderr that has all the `words`, nothing on
/// stdout, within a second.
#[track_caller]
pub(crate) fn refused(args: &[&str], words: &[&str]) {
    let start = Instant::now();
    let ran = msvpu(args);
    let took = start.elapsed();
    assert_eq!(ran.status, 2, "{args:?}: {}", ran.stderr);
    assert_eq!(ran.stdout, "", "{args:?}");
    assert_eq!(ran.stderr.lines().count(), 1, "{args:?}: {}", ran.stderr);
    assert!(ran.stderr.starts_with("msvpu: "), "{}", ran.stderr);
    for word in words {
        assert!(
            ran.stderr.contains(word),
            "{args:?}: `{word}` is not in: {}",
            ran.stderr
        );
    }
    assert!(took < Duration::from_secs(1), "{args:?} took {took:?}");
}

/// Refuses `classify gray.png` with the options.
#[track_caller]
fn options_refused(options: &str, words: &[&str]) {
    let pictures = Pictures::new();
    let gray = pictures.gray();
    let mut args = vec!["classify", gray.to_str().unwrap()];
    args.extend(options.split_whitespace());
    refused(&args, words);
}

#[test]
fn numbers_of_classes() {
    options_refused("--classes 0", &["--classes", "from 1 to 65535"]);
    options_refused("--classes 65536", &["--classes", "from 1 to 65535"]);
    options_refused("--classes -3", &["--classes", "from 1 to 65535"]);
    options_refused("--classes three", &["--classes", "from 1 to 65535"]);
    options_refused("", &["--classes", "--centers"]);
    options_refused(
        "--classes 2 --centers 1,2",
        &["--classes", "--centers", "cannot"],
    );
}

#[cfg(feature = "amqp")]
#[test]
fn strategies() {
    let known = ["performance-index", "uniform", "least-loaded", "adaptive"];
    let mut words = vec!["--strategy", "fastest"];
    words.extend(known);
    options_refused("--classes 2 --strategy fastest", &words);
}

#[test]
fn centers() {
    options_refused("--centers 1,nan,3", &["--centers", "`nan`", "finite"]);
    options_refused("--centers 1,inf", &["--centers", "`inf`", "finite"]);
    options_refused("--centers 1,,3", &["--centers", "not a number"]);
    options_refused("--centers 1,2,3;4,5", &["center 2", "r,g,b"]);
    options_refused("--centers 1,2;3,4", &["--centers", "2 values", "1 band"]);
    let pictures = Pictures::new();
    let rgb = pictures.rgb();
    let rgb = rgb.to_str().unwrap();
    refused(
        &["classify", rgb, "--centers", "1,2,3"],
        &["--centers", "1 value", "3 bands", ";"],
    );
    options_refused("--centers 1,2 --init random", &["--init", "--centers"]);
    options_refused("--centers 1,2 --seed 7", &["--seed", "--centers"]);
}

#[test]
fn bounds() {
    for epsilon in ["0", "-1", "nan", "inf", "x"] {
        options_refused(
            &format!("--classes 2 --epsilon {epsilon}"),
            &["--epsilon", "greater than 0"],
        );
    }
    for fuzzifier in ["1", "0.5", "nan", "inf", "50"] {
        options_refused(
            &format!("--algorithm fuzzy-cmeans --classes 2 --fuzzifier {fuzzifier}"),
            &["--fuzzifier", "greater than 1 and at most 20"],
        );
    }
    for tiles in ["0x3", "3x0", "3", "3x", "-1x2"] {
        options_refused(
            &format!("--classes 2 --tiles {tiles}"),
            &["--tiles", "ROWSxCOLUMNS"],
        );
    }
    options_refused("--classes 2 --tiles 1000x1", &["1000", "tiles", "47"]);
    options_refused("--classes 2 --workers 0", &["--workers", "from 1"]);
    options_refused("--classes 2 --workers -1", &["--workers", "from 1"]);
    options_refused("--classes 2 --workers 4096", &["--workers", "to 1024"]);
    options_refused(
        "--classes 2 --max-iterations 0",
        &["--max-iterations", "from 1", "`msvpu classify --help`"],
    );
    options_refused(
        "--classes 2 --max-decoded-bytes 0",
        &["--max-decoded-bytes", "4GiB"],
    );
    options_refused("--classes 2 --nodata nan", &["--nodata", "NaN"]);
    options_refused("--classes 2 --seed x", &["--seed"]);
    options_refused(
        "--classes 2 --init random --seed -1",
        &["--seed", "a whole number from 0"],
    );
    options_refused(
        "--classes 2 --seed 7",
        &["--seed is for --init random or kmeans++"],
    );
}

#[test]
fn options_that_do_not_go_together() {
    options_refused(
        "--classes 2 --fuzzifier 2",
        &["--fuzzifier", "fuzzy-cmeans"],
    );
    options_refused(
        "--classes 2 --memberships --output x",
        &["--memberships", "fuzzy-cmeans"],
    );
    options_refused(
        "--algorithm fuzzy-cmeans --classes 2 --memberships",
        &["--output"],
    );
    options_refused(
        "--classes 2 --algorithm dbscan",
        &["dbscan", "fuzzy-cmeans"],
    );
    options_refused("--classes 2 --stop-on never", &["never", "center-shift"]);
    options_refused("--classes 2 --init forgy", &["forgy", "kmeans++"]);
    options_refused("--clases 2", &["--clases", "--classes"]);
}

#[test]
fn no_command_and_no_image() {
    refused(&[], &["--help"]);
    refused(&["clasify"], &["clasify", "classify"]);
    refused(&["classify", "--classes", "2"], &["<IMAGE>"]);
}

#[test]
fn files_that_are_no_pictures() {
    let pictures = Pictures::new();
    let refuse = |name: &str, words: &[&str]| {
        let path = pictures.name(name);
        refused(&["classify", &path, "--classes", "2"], words);
    };
    refuse("missing.png", &["missing.png", "no such file"]);
    refuse("", &["directory"]);
    pictures.write("empty.png", b"");
    refuse("empty.png", &["empty.png", "empty"]);
    pictures.write("text.png", b"these are not the pixels you are looking for");
    refuse("text.png", &["text.png", "PNG, JPEG, TIFF and PNM"]);
    pictures.write("none.pgm", b"P5 0 0 255\n");
    refuse("none.pgm", &["none.pgm", "no pixel"]);

    let whole = std::fs::read(pictures.gray()).unwrap();
    pictures.write("half.png", &whole[..whole.len() / 2]);
    refuse("half.png", &["half.png", "truncated"]);
    let mut hostile = whole;
    for byte in hostile.iter_mut().skip(60).step_by(3) {
        *byte ^= 0x5a;
    }
    pictures.write("hostile.png", &hostile);
    refuse("hostile.png", &["hostile.png"]);
    let whole = std::fs::read(pictures.float_geotiff()).unwrap();
    pictures.write("half.tif", &whole[..whole.len() / 2]);
    refuse("half.tif", &["half.tif"]);
}

#[test]
fn a_bomb_is_refused_before_it_goes_off() {
    let pictures = Pictures::new();
    // 60000 x 60000 pixels in a few bytes; the samples are not even there.
    let bomb = pictures.write("bomb.pgm", b"P5 60000 60000 255\n");
    refused(
        &["classify", bomb.to_str().unwrap(), "--classes", "2"],
        &["limit", "60000"],
    );
    let gray = pictures.gray();
    let gray = gray.to_str().unwrap();
    refused(
        &[
            "classify",
            gray,
            "--classes",
            "2",
            "--max-decoded-bytes",
            "1kB",
        ],
        &["limit of 1000 bytes", "--max-decoded-bytes"],
    );
    let raised = classify(
        &pictures.gray(),
        "--classes 2 --quiet --max-decoded-bytes 3MiB",
    );
    assert_eq!(raised.status, 0, "{}", raised.stderr);
}

#[test]
fn only_nodata() {
    let pictures = Pictures::new();
    let blank = pictures.png(
        "blank.png",
        png::ColorType::Grayscale,
        &vec![9; (WIDTH * crate::HEIGHT) as usize],
    );
    let blank = blank.to_str().unwrap();
    refused(
        &["classify", blank, "--classes", "2", "--nodata", "9"],
        &["blank.png", "no pixel", "nodata"],
    );
    refused(
        &["classify", blank, "--centers", "1,2", "--nodata", "9"],
        &["blank.png", "no pixel", "nodata"],
    );
}

#[test]
fn an_output_directory_that_cannot_be_made() {
    let pictures = Pictures::new();
    let gray = pictures.gray();
    let gray = gray.to_str().unwrap();
    for output in [
        gray.to_owned(),
        format!("{gray}/below"),
        "/proc/none/such".to_owned(),
    ] {
        refused(
            &["classify", gray, "--classes", "2", "--output", &output],
            &["--output", &output],
        );
    }
}

#[test]
fn only_transparent_pixels() {
    let pictures = Pictures::new();
    let samples = vec![0; (2 * WIDTH * crate::HEIGHT) as usize];
    let clear = pictures.png("clear.png", png::ColorType::GrayscaleAlpha, &samples);
    refused(
        &["classify", clear.to_str().unwrap(), "--classes", "2"],
        &["clear.png", "every pixel is fully transparent"],
    );
}

#[test]
fn an_output_that_would_replace_the_image() {
    let pictures = Pictures::new();
    let gray = pictures.gray();
    let here = pictures.name(".");
    let before = std::fs::read(&gray).unwrap();
    for name in ["labels.png", "class_2.png"] {
        let own = pictures.name(name);
        std::fs::rename(&gray, &own).unwrap();
        refused(
            &["classify", &own, "--classes", "2", "--output", &here],
            &["--output", name, "the image itself"],
        );
        assert!(std::fs::read(&own).unwrap() == before);
        std::fs::rename(&own, &gray).unwrap();
    }
    let labels = pictures.path("labels.png");
    std::fs::rename(&gray, &labels).unwrap();
    let options = format!("--classes 2 --quiet --no-images --output {here}");
    assert_eq!(classify(&labels, &options).status, 0);
    assert!(std::fs::read(&labels).unwrap() == before);
}

#[test]
fn a_directory_in_the_place_of_a_file_keeps_the_earlier_result() {
    let pictures = Pictures::new();
    let output = pictures.path("out");
    std::fs::create_dir_all(output.join("labels.png")).unwrap();
    std::fs::write(output.join("report.json"), b"old").unwrap();
    let options = format!("--classes 2 --output {}", output.display());
    let ran = classify(&pictures.gray(), &options);
    assert_eq!(ran.status, 1);
    assert!(
        ran.stderr
            .contains("labels.png: cannot be written: a directory")
    );
    assert_eq!(std::fs::read(output.join("report.json")).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(&output).unwrap().count(), 2);
}

#[test]
fn a_refusal_leaves_no_directory_behind() {
    let pictures = Pictures::new();
    let output = pictures.name("out/deep");
    let missing = pictures.name("missing.png");
    refused(
        &["classify", &missing, "--classes", "2", "--output", &output],
        &["no such file"],
    );
    assert!(!pictures.path("out").exists());
}

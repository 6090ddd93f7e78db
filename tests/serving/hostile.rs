//! Files that are no pictures, or claim to be larger ones than they are.

use msvpu::raster::ReadLimits;
use msvpu::serving::PictureReader;
use msvpu_web::model::InputInfo;
use msvpu_web::service::{InputReader, ProbeError};

use crate::pictures::{HEIGHT, Pictures, WIDTH};

fn probe(limits: ReadLimits, pictures: &Pictures, bytes: &[u8]) -> Result<InputInfo, ProbeError> {
    let path = pictures.write("hidden-place", bytes);
    let probed = PictureReader::new(limits).probe(&path);
    if let Err(error) = &probed {
        assert!(!error.to_string().contains("hidden-place"), "{error}");
    }
    probed
}

#[test]
fn what_a_file_holds_is_told() {
    let pictures = Pictures::new();
    let reader = PictureReader::new(ReadLimits::default());
    let pixels = u64::from(WIDTH * HEIGHT);
    for (path, format, bands, bytes) in [
        (pictures.gray(), "png", 1, pixels),
        (pictures.gray16(), "png", 1, 2 * pixels),
        (pictures.rgb(), "png", 3, 3 * pixels),
        (pictures.geotiff_with_nodata(), "tiff", 1, 4 * pixels),
    ] {
        let expected = InputInfo {
            format: format.to_owned(),
            width: WIDTH,
            height: HEIGHT,
            bands,
            decoded_bytes: bytes,
        };
        assert_eq!(reader.probe(&path), Ok(expected));
    }
}

#[test]
fn refusals_say_whose_fault_it_is() {
    let pictures = Pictures::new();
    let all = ReadLimits::default();
    for bytes in [&b"GIF89a and so on"[..], b"hello", b"P", b"\x7fELF"] {
        let error = probe(all, &pictures, bytes).unwrap_err();
        assert!(matches!(error, ProbeError::Unsupported(_)), "{error:?}");
    }
    for bytes in [
        &b""[..],
        b"P5 60000 60000 255\n",
        b"P5 0 4 255\n",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0\x00\x10JFIF",
        b"II\x2a\x00\x08\x00\x00\x00",
    ] {
        let error = probe(all, &pictures, bytes).unwrap_err();
        assert!(matches!(error, ProbeError::Invalid(_)), "{error:?}");
    }
    let missing = pictures.path("missing.png");
    let error = PictureReader::new(all).probe(&missing).unwrap_err();
    assert!(matches!(error, ProbeError::Io(_)), "{error:?}");

    let rgb = std::fs::read(pictures.rgb()).unwrap();
    let tight = ReadLimits {
        max_decoded_bytes: 100,
    };
    let error = probe(tight, &pictures, &rgb).unwrap_err();
    assert!(
        matches!(&error, ProbeError::Invalid(message) if message.contains("limit of 100 bytes")),
        "{error:?}"
    );
}

//! GeoTIFF's tags, carried from the picture to the results without being understood.

use std::io::{Read, Seek};

use serde::{Deserialize, Serialize};
use tiff::{
    decoder::Decoder,
    tags::{ByteOrder, Tag, Type, ValueBuffer},
};

/// What places a picture on the Earth (OGC 19-008r4, GeoTIFF 1.1).
const TAGS: [Tag; 6] = [
    Tag::ModelPixelScaleTag,
    Tag::ModelTiepointTag,
    Tag::ModelTransformationTag,
    Tag::GeoKeyDirectoryTag,
    Tag::GeoDoubleParamsTag,
    Tag::GeoAsciiParamsTag,
];

/// One tag as it is in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeoTag {
    /// The tag's number, e.g. 33550 for the pixel scale.
    pub tag: u16,
    /// TIFF's number of the type of the values, e.g. 12 for doubles.
    pub field_type: u16,
    /// The values, in the byte order of this machine.
    pub bytes: Vec<u8>,
}

/// The georeference of a GeoTIFF: tags 33550, 33922, 34264, 34735, 34736 and 34737, those that are there, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeoTags(pub Vec<GeoTag>);

impl GeoTags {
    /// `None` when the first picture of the file has none of the tags.
    pub(super) fn read<R: Read + Seek>(decoder: &mut Decoder<R>, file_bytes: u64) -> Option<Self> {
        let tags: Vec<_> = TAGS
            .into_iter()
            .filter_map(|tag| read_tag(decoder, tag, file_bytes))
            .collect();
        (!tags.is_empty()).then_some(Self(tags))
    }
}

/// GDAL's no-data value, which it writes as text.
pub(super) fn read_nodata<R: Read + Seek>(
    decoder: &mut Decoder<R>,
    file_bytes: u64,
) -> Option<f64> {
    let tag = read_tag(decoder, Tag::GdalNodata, file_bytes)?;
    let text = String::from_utf8(tag.bytes).ok()?;
    let value: f64 = text.trim_matches(['\0', ' ']).parse().ok()?;
    (!value.is_nan()).then_some(value)
}

/// A tag that cannot be read is a tag that is not there: the samples can be classified without.
fn read_tag<R: Read + Seek>(decoder: &mut Decoder<R>, tag: Tag, file_bytes: u64) -> Option<GeoTag> {
    let mut directory = decoder.image_ifd();
    let entry = directory.find_entry(tag)?;
    // Checked first: the buffer is made before the values are read.
    if entry.count() > file_bytes {
        log::warn!(
            "tag {} is longer than its file and was left out",
            tag.to_u16()
        );
        return None;
    }
    let mut buffer = ValueBuffer::empty(Type::BYTE);
    if let Err(error) = directory.find_tag_buf(tag, &mut buffer) {
        log::warn!(
            "tag {} cannot be read and was left out: {error}",
            tag.to_u16()
        );
        return None;
    }
    buffer.set_byte_order(ByteOrder::native());
    Some(GeoTag {
        tag: tag.to_u16(),
        field_type: buffer.data_type().to_u16(),
        bytes: buffer.as_bytes().to_vec(),
    })
}

//! Colours for classes.

/// Okabe and Ito, "Color Universal Design" (2008): told apart by colour-blind readers too. Their black is left to no data, and
/// the order begins with the most distant.
const FEW: [[u8; 3]; 7] = [
    [0, 114, 178],
    [230, 159, 0],
    [0, 158, 115],
    [204, 121, 167],
    [240, 228, 66],
    [213, 94, 0],
    [86, 180, 233],
];

/// The golden angle as a share of a turn: hues that follow each other are far apart, and none comes twice.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// Red, green and blue of a label; label 0, no data, is black.
///
/// What `labels.png` shows a class in, so that a chart can show it alike.
#[must_use]
pub fn label_color(label: u16) -> [u8; 3] {
    match usize::from(label).checked_sub(1) {
        None => [0, 0, 0],
        Some(class) => FEW.get(class).copied().unwrap_or_else(|| many(class)),
    }
}

/// The colours of labels 0 to `classes`, one after the other.
pub(super) fn colors(classes: u8) -> Vec<u8> {
    (0..=u16::from(classes)).flat_map(label_color).collect()
}

/// A generated hue in one of four combinations of saturation and brightness.
fn many(class: usize) -> [u8; 3] {
    let hue = (class as f64 * GOLDEN).fract();
    let (saturation, value) = [(0.55, 0.95), (0.9, 0.75), (0.35, 0.8), (0.8, 0.5)][class % 4];
    // HSV to RGB: a channel is at its highest within a sixth of its hue, and at its lowest a third further.
    [5.0, 3.0, 1.0].map(|channel: f64| {
        let distance = (channel + hue * 6.0) % 6.0;
        let dip = distance.min(4.0 - distance).clamp(0.0, 1.0);
        (255.0 * value * (1.0 - saturation * dip)).round() as u8
    })
}

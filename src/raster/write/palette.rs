//! Colours for classes.

use std::sync::LazyLock;

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

/// The steps of each channel among which further colours are chosen.
const STEPS: u8 = 15;

/// Of labels 0 to 255: choosing them takes some 10 ms, more than a small scene takes to classify.
static COLORS: LazyLock<Vec<[u8; 3]>> = LazyLock::new(|| {
    let mut colors = vec![[0; 3]];
    colors.extend(FEW);
    let mut candidates: Vec<([u8; 3], u32)> = grid()
        .map(|candidate| {
            let nearest = colors.iter().map(|&color| distance(candidate, color)).min();
            (candidate, nearest.unwrap_or(u32::MAX))
        })
        .collect();
    while colors.len() <= usize::from(u8::MAX) {
        let farthest = candidates.iter().max_by_key(|(_, nearest)| *nearest);
        let Some(&(chosen, _)) = farthest else { break };
        colors.push(chosen);
        for (candidate, nearest) in &mut candidates {
            *nearest = (*nearest).min(distance(*candidate, chosen));
        }
    }
    colors
});

/// Red, green and blue for labels 0 to `classes`, as `labels.png` shows them; label 0 is black.
///
/// After the first seven, each colour is the one farthest from all before it.
#[must_use]
pub fn label_colors(classes: u8) -> &'static [[u8; 3]] {
    &COLORS[..=usize::from(classes)]
}

fn grid() -> impl Iterator<Item = [u8; 3]> {
    let steps = (0..=STEPS).map(|step| step * (255 / STEPS));
    steps.clone().flat_map(move |red| {
        let steps = steps.clone();
        steps
            .clone()
            .flat_map(move |green| steps.clone().map(move |blue| [red, green, blue]))
    })
}

/// The squared distance, with green counting most and red least, about as the eye sees it.
fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    std::iter::zip(a, b)
        .zip([2, 4, 3])
        .map(|((a, b), weight)| u32::from(a.abs_diff(b)).pow(2) * weight)
        .sum()
}

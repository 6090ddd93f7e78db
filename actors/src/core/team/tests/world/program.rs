//! A program whose every result is known beforehand.

use super::*;

/// What the program computes: any mixture that differs for other arguments.
pub(super) fn mixed(values: impl IntoIterator<Item = u32>) -> Payload {
    let mix = |sum: u32, value: u32| (sum ^ value).wrapping_mul(0x0100_0193).rotate_left(5);
    let mixed = values.into_iter().fold(7, mix);
    Payload {
        head: mixed.to_le_bytes().to_vec().into(),
        ..Payload::default()
    }
}

fn numbers(payload: &Payload) -> impl Iterator<Item = u32> {
    payload.head.iter().copied().map(u32::from)
}

pub(super) fn partial(tile: &Payload, round: Round, task: &Payload) -> Payload {
    mixed(
        [round.0]
            .into_iter()
            .chain(numbers(tile))
            .chain(numbers(task)),
    )
}

pub(super) fn tile_output(tile: &Payload, output: &Payload) -> Option<Payload> {
    let mixed = mixed(numbers(tile).chain(numbers(output)));
    Some(mixed).filter(|mixed| mixed.head[0] > 60)
}

pub(super) fn folded(partials: &[Payload]) -> Payload {
    mixed(partials.iter().flat_map(numbers))
}

/// The tasks of all rounds, then the output, as one who knows no nodes computes them.
pub(super) fn reference(tiles: &[Payload]) -> (Vec<Payload>, Finished) {
    let mut tasks = vec![payload(9)];
    for round in (1..=ROUNDS).map(Round) {
        let task = &tasks[tasks.len() - 1];
        let partials: Vec<_> = tiles
            .iter()
            .map(|tile| partial(tile, round, task))
            .collect();
        tasks.push(folded(&partials));
    }
    let output = tasks[ROUNDS as usize].clone();
    let tiles = tiles
        .iter()
        .map(|tile| tile_output(tile, &output))
        .collect();
    (tasks, Finished { output, tiles })
}

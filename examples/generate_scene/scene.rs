//! The pixels of the example scene.
//!
//! Only additions, multiplications, divisions, square roots and roundings: IEEE 754 fixes their results to the last bit, so
//! that every machine makes the same picture.

/// Columns, in pixels.
pub(crate) const WIDTH: u32 = 1024;
/// Rows, in pixels.
pub(crate) const HEIGHT: u32 = 768;

const SEED: u32 = 0x0a71_a5ed;

/// One band: water about 35, fields and woods about 105, town and roads about 200.
pub(crate) fn gray() -> Vec<u8> {
    each_pixel(|x, y| {
        let ground = ground(x, y);
        vec![sample(ground.brightness, x, y, 0)]
    })
}

/// Three bands, of the same places.
pub(crate) fn rgb() -> Vec<u8> {
    each_pixel(|x, y| {
        let ground = ground(x, y);
        let band = |band: usize| sample(ground.brightness * ground.tint[band], x, y, band as u32);
        vec![band(0), band(1), band(2)]
    })
}

fn each_pixel(pixel: impl Fn(f64, f64) -> Vec<u8>) -> Vec<u8> {
    (0..HEIGHT)
        .flat_map(|y| (0..WIDTH).map(move |x| (f64::from(x), f64::from(y))))
        .flat_map(|(x, y)| pixel(x, y))
        .collect()
}

/// What the sensor makes of a brightness: noise from the sum of four uniform numbers, and eight bits.
fn sample(brightness: f64, x: f64, y: f64, band: u32) -> u8 {
    let noise: f64 = (0..4).map(|i| random(x, y, 100 + 4 * band + i) - 0.5).sum();
    (brightness + 5.0 * noise).round().clamp(0.0, 255.0) as u8
}

/// What is at a place.
struct Ground {
    brightness: f64,
    /// Factors for red, green and blue.
    tint: [f64; 3],
}

fn ground(x: f64, y: f64) -> Ground {
    // Nothing in a landscape is straight.
    let warped = (
        x + 14.0 * (smooth_noise(x, y, 40.0, 1) - 0.5) + 4.0 * (smooth_noise(x, y, 11.0, 2) - 0.5),
        y + 14.0 * (smooth_noise(x, y, 40.0, 3) - 0.5) + 4.0 * (smooth_noise(x, y, 11.0, 4) - 0.5),
    );
    let road = distance_to_paths(
        (
            x + 8.0 * (smooth_noise(x, y, 90.0, 5) - 0.5),
            y + 8.0 * (smooth_noise(x, y, 90.0, 6) - 0.5),
        ),
        ROADS,
    );
    if road < 1.9 {
        return Ground {
            brightness: 196.0 + 14.0 * smooth_noise(x, y, 7.0, 7),
            tint: [1.02, 1.0, 0.96],
        };
    }
    let shore = shore(warped);
    if shore < 0.0 {
        // Deeper is darker.
        let depth = (-shore / 45.0).min(1.0);
        return Ground {
            brightness: 44.0 - 14.0 * depth + 5.0 * smooth_noise(x, y, 23.0, 8),
            tint: [0.6, 0.95, 1.45],
        };
    }
    let land = town(x, y)
        .or_else(|| woods(x, y))
        .unwrap_or_else(|| field(x, y));
    // Reeds and wet soil.
    let bank = (1.0 - shore / 5.0).max(0.0);
    Ground {
        brightness: land.brightness * (1.0 - 0.22 * bank),
        ..land
    }
}

type Point = (f64, f64);

const RIVER: &[&[Point]] = &[
    &[
        (-20.0, 128.0),
        (60.0, 150.0),
        (128.0, 118.0),
        (190.0, 96.0),
        (250.0, 128.0),
        (292.0, 190.0),
        (352.0, 218.0),
        (420.0, 196.0),
        (476.0, 150.0),
        (540.0, 140.0),
        (600.0, 176.0),
        (680.0, 222.0),
    ],
    &[
        (776.0, 262.0),
        (742.0, 372.0),
        (690.0, 416.0),
        (668.0, 478.0),
        (706.0, 540.0),
        (772.0, 574.0),
        (800.0, 640.0),
        (768.0, 700.0),
        (780.0, 790.0),
    ],
];

const ROADS: &[&[Point]] = &[
    &[
        (-20.0, 330.0),
        (90.0, 380.0),
        (200.0, 452.0),
        (300.0, 520.0),
        (430.0, 556.0),
        (560.0, 520.0),
        (640.0, 500.0),
        (760.0, 486.0),
        (880.0, 440.0),
        (1044.0, 420.0),
    ],
    &[
        (300.0, 520.0),
        (352.0, 420.0),
        (396.0, 300.0),
        (388.0, 180.0),
        (430.0, 80.0),
        (440.0, -20.0),
    ],
    &[
        (300.0, 520.0),
        (262.0, 620.0),
        (196.0, 700.0),
        (180.0, 790.0),
    ],
    &[(880.0, 440.0), (906.0, 560.0), (1044.0, 640.0)],
];

/// Below 0 in the water, above on land; about the distance in pixels.
fn shore(place: Point) -> f64 {
    let lobe = |center: Point, radii: Point| {
        let (dx, dy) = (
            (place.0 - center.0) / radii.0,
            (place.1 - center.1) / radii.1,
        );
        ((dx * dx + dy * dy).sqrt() - 1.0) * radii.0.min(radii.1)
    };
    let ragged = 26.0 * (smooth_noise(place.0, place.1, 70.0, 9) - 0.5);
    let lake = lobe((770.0, 226.0), (150.0, 82.0))
        .min(lobe((862.0, 172.0), (96.0, 74.0)))
        .min(lobe((700.0, 262.0), (70.0, 48.0)))
        + ragged;
    let island = 15.0 - distance(place, (818.0, 214.0)) + ragged / 3.0;
    let width = 7.0 + 4.0 * smooth_noise(place.0, place.1, 120.0, 10);
    let river = distance_to_paths(place, RIVER) - width;
    lake.min(river).max(island)
}

/// Blocks of houses between streets, thinning out towards the fields.
fn town(x: f64, y: f64) -> Option<Ground> {
    let center = (306.0, 536.0);
    let far = distance((x, y), center) / (112.0 + 70.0 * smooth_noise(x, y, 64.0, 11));
    let village = distance((x, y), (884.0, 446.0)) / 52.0;
    let density = (1.25 - far * far).max(1.0 - village * village);
    if density <= 0.0 {
        return None;
    }
    // A street grid, turned by the angle of a 12-5-13 triangle.
    let (dx, dy) = (x - center.0, y - center.1);
    let (u, v) = ((12.0 * dx + 5.0 * dy) / 13.0, (12.0 * dy - 5.0 * dx) / 13.0);
    let (block_u, block_v) = ((u / 34.0).floor(), (v / 26.0).floor());
    if random(block_u, block_v, 12) > density * 1.35 {
        return None;
    }
    let (in_u, in_v) = (u - block_u * 34.0, v - block_v * 26.0);
    if in_u < 4.0 || in_v < 4.0 {
        return Some(Ground {
            brightness: 178.0 + 8.0 * smooth_noise(x, y, 5.0, 13),
            tint: [1.0, 1.0, 1.0],
        });
    }
    // A park now and then.
    if random(block_u, block_v, 14) < 0.07 {
        return Some(wood(x, y));
    }
    let (house_u, house_v) = ((u / 7.5).floor(), (v / 8.7).floor());
    let gap = u - house_u * 7.5 < 1.3 || v - house_v * 8.7 < 1.3;
    let roof = random(house_u, house_v, 15);
    Some(if gap {
        Ground {
            brightness: 164.0,
            tint: [0.98, 1.0, 0.96],
        }
    } else if roof < 0.3 {
        Ground {
            brightness: 188.0 + 60.0 * roof,
            tint: [1.16, 0.94, 0.86],
        }
    } else {
        Ground {
            brightness: 190.0 + 56.0 * roof,
            tint: [1.0, 1.0, 0.98],
        }
    })
}

fn woods(x: f64, y: f64) -> Option<Ground> {
    let height = 0.62 * smooth_noise(x, y, 130.0, 16)
        + 0.28 * smooth_noise(x, y, 42.0, 17)
        + 0.1 * smooth_noise(x, y, 9.0, 18);
    (height > 0.61).then(|| wood(x, y))
}

fn wood(x: f64, y: f64) -> Ground {
    Ground {
        brightness: 98.0 + 14.0 * smooth_noise(x, y, 3.2, 19) + 6.0 * smooth_noise(x, y, 16.0, 20),
        tint: [0.74, 1.12, 0.66],
    }
}

/// Parcels in rows, all in one direction within a district, each with its crop.
fn field(x: f64, y: f64) -> Ground {
    let (district, direction) = district(x, y);
    let (u, v) = (
        x * direction.0 + y * direction.1,
        y * direction.0 - x * direction.1,
    );
    let row_width = 30.0 + 26.0 * random(district.0, district.1, 21);
    let row = (v / row_width).floor();
    let in_row = v - row * row_width;
    let length = 46.0 + 70.0 * random(row, district.0 - 7.0 * district.1, 22);
    let shifted = u + 200.0 * random(row, district.1, 23);
    let parcel = (shifted / length).floor();
    let in_parcel = shifted - parcel * length;
    let (a, b) = (parcel + 31.0 * district.0, row + 17.0 * district.1);
    // A hedge or a track around each.
    if in_row < 1.5 || in_parcel < 1.5 {
        return Ground {
            brightness: 98.0,
            tint: [0.85, 1.08, 0.75],
        };
    }
    let crop = random(a, b, 24);
    let mut brightness = 108.0 + 34.0 * crop;
    // Furrows, along or across.
    let across = if random(a, b, 25) < 0.7 {
        in_row
    } else {
        in_parcel
    };
    let period = 3.0 + 3.0 * random(a, b, 26);
    let phase = across / period - (across / period).floor();
    brightness += if phase < 0.5 { 3.5 } else { -3.5 };
    brightness += 12.0 * (smooth_noise(x, y, 27.0, 27) - 0.5);
    let ripe = random(a, b, 28);
    Ground {
        brightness,
        tint: [0.78 + 0.4 * ripe, 1.12 - 0.1 * ripe, 0.66 + 0.08 * crop],
    }
}

/// The nearest of scattered points, and the direction of its rows.
fn district(x: f64, y: f64) -> (Point, Point) {
    const SPACING: f64 = 190.0;
    let (column, line) = ((x / SPACING).floor(), (y / SPACING).floor());
    let mut nearest = (f64::INFINITY, (0.0, 0.0));
    for dy in [-1.0, 0.0, 1.0] {
        for dx in [-1.0, 0.0, 1.0] {
            let (a, b) = (column + dx, line + dy);
            let point = (
                (a + random(a, b, 29)) * SPACING,
                (b + random(a, b, 30)) * SPACING,
            );
            let far = distance((x, y), point);
            if far < nearest.0 {
                nearest = (far, (a, b));
            }
        }
    }
    let (a, b) = nearest.1;
    // A point of the unit circle by its tangent of half the angle.
    let t = 1.6 * random(a, b, 31) - 0.8;
    let scale = 1.0 / (1.0 + t * t);
    ((a, b), ((1.0 - t * t) * scale, 2.0 * t * scale))
}

fn distance(a: Point, b: Point) -> f64 {
    let (dx, dy) = (a.0 - b.0, a.1 - b.1);
    (dx * dx + dy * dy).sqrt()
}

/// The distance to the nearest of paths with rounded corners.
fn distance_to_paths(place: Point, paths: &[&[Point]]) -> f64 {
    let mut nearest = f64::INFINITY;
    for path in paths {
        for (number, corner) in path.windows(3).enumerate() {
            // Quadratic Bezier from the middle of one side to the middle of the next, but for the ends.
            let middle = |a: Point, b: Point| ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0);
            let (mut from, mut to) = (middle(corner[0], corner[1]), middle(corner[1], corner[2]));
            if number == 0 {
                from = corner[0];
            }
            if number + 3 == path.len() {
                to = corner[2];
            }
            let reach = distance(from, corner[1]).max(distance(to, corner[1]));
            if distance(place, corner[1]) - reach > nearest.min(60.0) {
                continue;
            }
            let mut before = from;
            for step in 1..=8 {
                let t = f64::from(step) / 8.0;
                let blend = |a: f64, b: f64, c: f64| {
                    (1.0 - t) * (1.0 - t) * a + 2.0 * t * (1.0 - t) * b + t * t * c
                };
                let next = (
                    blend(from.0, corner[1].0, to.0),
                    blend(from.1, corner[1].1, to.1),
                );
                nearest = nearest.min(distance_to_segment(place, before, next));
                before = next;
            }
        }
    }
    nearest
}

fn distance_to_segment(place: Point, a: Point, b: Point) -> f64 {
    let (sx, sy) = (b.0 - a.0, b.1 - a.1);
    let along = ((place.0 - a.0) * sx + (place.1 - a.1) * sy) / (sx * sx + sy * sy);
    let along = along.clamp(0.0, 1.0);
    distance(place, (a.0 + along * sx, a.1 + along * sy))
}

/// Values in 0 to 1 at the corners of a lattice, blended in between.
fn smooth_noise(x: f64, y: f64, spacing: f64, layer: u32) -> f64 {
    let (x, y) = (x / spacing, y / spacing);
    let (left, top) = (x.floor(), y.floor());
    let ease = |t: f64| t * t * (3.0 - 2.0 * t);
    let (across, down) = (ease(x - left), ease(y - top));
    let blend = |a: f64, b: f64, t: f64| a + (b - a) * t;
    blend(
        blend(
            random(left, top, layer),
            random(left + 1.0, top, layer),
            across,
        ),
        blend(
            random(left, top + 1.0, layer),
            random(left + 1.0, top + 1.0, layer),
            across,
        ),
        down,
    )
}

/// A number in 0 to 1 that depends on a place (rounded down) and a layer only: a hash by multiplications and shifts.
fn random(x: f64, y: f64, layer: u32) -> f64 {
    let mut state = SEED ^ layer.wrapping_mul(0x9e37_79b9);
    for word in [x.floor() as i32 as u32, y.floor() as i32 as u32] {
        state = (state ^ word).wrapping_mul(0x85eb_ca6b);
        state = (state ^ (state >> 15)).wrapping_mul(0xc2b2_ae35);
        state ^= state >> 13;
    }
    f64::from(state >> 8) / f64::from(1u32 << 24)
}

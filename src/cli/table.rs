//! Tables for people, in a terminal.

/// Columns under their heads: the first `left` to the left, numbers to the right.
pub(crate) fn table(head: &[String], rows: Vec<Vec<String>>, left: usize) -> Vec<String> {
    let rows: Vec<Vec<String>> = std::iter::once(head.to_vec()).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..head.len())
        .map(|column| width(column).unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (cell, &width))| {
            if column < left {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// What stands for nothing.
pub(crate) fn dash() -> String {
    "-".to_owned()
}

/// As the paper gives ε.
pub(crate) fn decimals(value: f64) -> String {
    format!("{value:.4}")
}

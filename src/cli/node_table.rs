//! What each node did for a job, as a table where there is something to compare.

use msvpu::report::Node;
use msvpu::report::number::short;

use super::table::{dash, decimals, table};

/// Of more nodes the report tells all.
const SHOWN: usize = 20;

/// The nodes as a table with an empty line before it; nothing of one node, which has the whole
/// team and no other beside it.
pub(crate) fn lines(nodes: &[Node]) -> Vec<String> {
    if nodes.len() < 2 {
        return Vec::new();
    }
    let head = [
        "node",
        "MsVPUs",
        "performance",
        "load index",
        "predicted",
        "T",
        "ε",
    ];
    let index = |of: Option<f64>| of.map_or_else(dash, |index| format!("{index:.2}"));
    let time = |ms: f64| format!("{} ms", short(ms));
    let row = |of: &Node| {
        vec![
            of.name.clone().unwrap_or_else(|| of.node.to_string()),
            of.msvpus.to_string(),
            index(of.performance_index),
            index(of.load_index),
            of.predicted_ms.map_or_else(dash, time),
            time(of.actual_ms),
            decimals(of.deviation),
        ]
    };
    let rows = nodes.iter().take(SHOWN).map(row).collect();
    let mut lines = vec![String::new()];
    lines.extend(table(&head.map(str::to_owned), rows, 1));
    if nodes.len() > SHOWN {
        lines.push(format!(
            "and {} more nodes: see the report (--json)",
            nodes.len() - SHOWN
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use msvpu::NodeId;

    use super::*;

    fn node(node: u32, tested: bool) -> Node {
        Node {
            node: NodeId(node),
            name: tested.then(|| format!("rack-{node}")),
            cpus: tested.then_some(4),
            performance_index: tested.then_some(0.5),
            load_index: tested.then_some(12.25),
            msvpus: 12,
            predicted_ms: tested.then_some(40.0),
            actual_ms: 42.5,
            deviation: 0.0625,
        }
    }

    #[test]
    fn what_is_not_known_is_null() {
        let told = |node| serde_json::to_value(node).unwrap();
        assert_eq!(
            told(node(3, true)),
            serde_json::json!({
                "node": 3, "name": "rack-3", "cpus": 4, "performance_index": 0.5, "load_index": 12.25, "msvpus": 12,
                "predicted_ms": 40.0, "actual_ms": 42.5, "deviation": 0.0625
            })
        );
        let untested = told(node(0, false));
        for key in [
            "name",
            "cpus",
            "performance_index",
            "load_index",
            "predicted_ms",
        ] {
            assert!(untested[key].is_null(), "{key}: {untested}");
        }
    }

    #[test]
    fn one_node_makes_no_table() {
        assert!(lines(&[]).is_empty());
        assert!(lines(&[node(0, false)]).is_empty());
    }

    #[test]
    fn several_nodes_have_a_row_each() {
        let lines = lines(&[node(1, true), node(2, false)]);
        let cells: Vec<Vec<&str>> = lines
            .iter()
            .map(|line| line.split("  ").map(str::trim).collect())
            .map(|cells: Vec<&str>| cells.into_iter().filter(|cell| !cell.is_empty()).collect())
            .collect();
        assert_eq!(cells[0], [""; 0]);
        assert_eq!(
            cells[2],
            [
                "rack-1", "12", "0.50", "12.25", "40 ms", "42.5 ms", "0.0625"
            ]
        );
        assert_eq!(cells[3], ["2", "12", "-", "-", "-", "42.5 ms", "0.0625"]);
    }

    #[test]
    fn of_many_nodes_the_first_are_shown() {
        let nodes: Vec<Node> = (1..=25).map(|at| node(at, true)).collect();
        let lines = lines(&nodes);
        assert_eq!(lines.len(), 2 + SHOWN + 1);
        let last = lines.last().map(String::as_str);
        assert_eq!(last, Some("and 5 more nodes: see the report (--json)"));
    }
}

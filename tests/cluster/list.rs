//! `msvpu nodes`.

use serde_json::Value;

use crate::process::{Machine, computing, run, soon};

/// What `msvpu nodes --json` says.
fn nodes(machine: &Machine) -> Value {
    run(&mut machine.command(["nodes", "--json"])).json()
}

fn names(document: &Value) -> Vec<&str> {
    let nodes = document["nodes"].as_array().unwrap().iter();
    let mut names: Vec<&str> = nodes.map(|node| node["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_are_listed_with_and_without_a_head() {
    let machine = Machine::new("listed");
    let empty = nodes(&machine);
    let nobody = serde_json::json!({ "vm": machine.vm, "has_head": false, "nodes": [] });
    assert_eq!(empty, nobody);

    let processes = machine.nodes::<2>();
    // A process takes its time to come up, and nobody but this list tells when it has.
    let waiting = (0..20).map(|_| nodes(&machine));
    let waiting = waiting.into_iter().find(|list| names(list).len() == 2);
    let waiting = waiting.expect("two nodes that wait for a head");
    assert_eq!(waiting["has_head"], false);
    assert_eq!(names(&waiting), ["node-0", "node-1"]);
    for node in waiting["nodes"].as_array().unwrap() {
        assert_eq!(node["cpus"], 1, "{node}");
        assert!(node["age_ms"].is_null() && node["performance_index"].is_null());
    }

    let head = soon(machine.head().start()).await.unwrap();
    soon(head.nodes_are(|nodes| computing(nodes) == 2)).await;
    let served = nodes(&machine);
    assert_eq!(served["vm"], machine.vm);
    assert_eq!(served["has_head"], true);
    let known = served["nodes"].as_array().unwrap();
    let computing = known.iter().filter(|node| node["cpus"] != 0);
    let mut count = 0;
    for node in computing {
        count += 1;
        let index = node["performance_index"].as_f64().unwrap();
        assert!(index > 0.0 && index <= 1.0, "{node}");
        // It is heard of four times in a lease of 2 s.
        assert!(node["age_ms"].as_f64().unwrap() < 2000.0, "{node}");
        let same = |of: &msvpu::NodeStatus| {
            node["name"] == of.name
                && node["node"] == of.origin.node.0
                && node["incarnation"] == of.origin.incarnation.0
        };
        assert!(head.nodes().iter().any(same), "{node}");
    }
    assert_eq!(count, 2, "{served}");
    machine.end(head, processes).await;
}

//! What nodes have at work already.

use super::*;

#[test]
fn least_loaded_starts_from_what_nodes_have_at_work() {
    let like = |placed, already| candidate(node(1, 1, 1e6, 0.0), placed, already);
    let beside = [like(0.0, 0), like(0.0, 0).at_work(2)];
    assert_eq!(place("least-loaded", &beside, 12), [7, 5]);
    // What other jobs have placed there may be what is at work.
    let both = [like(0.0, 0), like(2e6, 0).at_work(2)];
    assert_eq!(place("least-loaded", &both, 12), [7, 5]);
    let own = [like(0.0, 3), like(0.0, 3).at_work(3)];
    assert_eq!(place("least-loaded", &own, 6), [3, 3]);
    for name in ["performance-index", "uniform", "adaptive"] {
        assert_eq!(place(name, &beside, 12), [6, 6], "{name}");
    }
}
